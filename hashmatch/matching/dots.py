"""Where two films show the same frame: the dots from which stretches are made, for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hashmatch.matching.queries import queries_of
from hashmatch.matching.table import HashTable
from hashmatch.matching.tracks import Seconds
from hashmatch.records import Hash

#: Of each film's length in so many parts, and so of so many dots in all: a static scene has millions that say no more.
PARTS = 200
MOST_DOTS = 8_000


@dataclass(frozen=True, slots=True)
class Dots:
    """query, reference: float64 (n,) seconds. distance: int64 (n,) bits, descending, so that the best are drawn last."""

    query: Seconds
    reference: Seconds
    distance: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def dots_of(hashes: Sequence[Hash], table: HashTable) -> Dots:
    """The hits of a film's hashes on the table of one other film; where there are many, the best of each neighbourhood."""
    queries = queries_of(hashes, table.algorithm, "video").rows
    if not len(queries) or not len(table):
        none = np.empty(0)
        return Dots(none, none, none.astype(np.int64))
    hits = table.search(queries, table.threshold.film)
    query = np.nan_to_num(queries.time[hits.query].astype(np.float64))
    reference = np.nan_to_num(table.rows.time[hits.reference].astype(np.float64))
    best = np.argsort(hits.distance, kind="stable")
    place = _part(query) * PARTS + _part(reference)
    _places, first = np.unique(place[best], return_index=True)
    chosen = best[np.sort(first)[:MOST_DOTS]][::-1]
    return Dots(query[chosen], reference[chosen], hits.distance[chosen])


def _part(time: Seconds) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    length = max(float(time.max(initial=0.0)), 1e-9)
    return np.minimum(time / length * PARTS, PARTS - 1).astype(np.int64)

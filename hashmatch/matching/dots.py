"""Where two films show the same frame: the dots that stretches are made of, to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hashmatch.matching.queries import limits_of, queries_of
from hashmatch.matching.table import HashTable
from hashmatch.matching.tracks import Seconds
from hashmatch.records import Hash

#: Each film's length is cut into this many parts, and each pair of parts has one dot. Only MOST_DOTS are drawn: a static
#: scene has millions, which say no more.
PARTS = 200
MOST_DOTS = 8_000


@dataclass(frozen=True, slots=True)
class Dots:
    """Pairs of moments that look alike.

    query, reference: float64 (n,) seconds. distance: int64 (n,) bits, descending, so that the best are drawn last.
    """

    query: Seconds
    reference: Seconds
    distance: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def dots_of(hashes: Sequence[Hash], table: HashTable) -> Dots:
    """The hits of a film's hashes on a table of one other film. In a crowded neighbourhood, only the best hit."""
    asked = queries_of(hashes, table.algorithm, "video")
    queries = asked.rows
    if not len(queries) or not len(table):
        none = np.empty(0)
        return Dots(none, none, none.astype(np.int64))
    hits = table.search(queries, limits_of(asked, "video", table.threshold))
    query = np.nan_to_num(queries.time[hits.query].astype(np.float64))
    reference = np.nan_to_num(table.rows.time[hits.reference].astype(np.float64))
    best = np.argsort(hits.distance, kind="stable")
    place = _part(query) * PARTS + _part(reference)
    _places, first = np.unique(place[best], return_index=True)
    chosen = best[np.sort(first)[:MOST_DOTS]][::-1]
    return Dots(query[chosen], reference[chosen], hits.distance[chosen])


def _part(time: Seconds) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The number of the part of the film that each time lies in: int64 (n,), 0 to PARTS - 1."""
    length = max(float(time.max(initial=0.0)), 1e-9)
    return np.minimum(time / length * PARTS, PARTS - 1).astype(np.int64)

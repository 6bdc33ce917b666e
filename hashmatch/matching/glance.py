"""From the key frames of a film to the parts of it that are worth decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hashmatch.matching.queries import queries_of
from hashmatch.matching.table import HashTable
from hashmatch.records import LONGEST_FILM, Hash

#: So many key frames before and after one that hits are decoded, too, since the footage may begin and end between key
#: frames, and not each key frame of a copy is close enough to hit.
MARGIN = 2


def times_of_hits(hashes: Sequence[Hash], table: HashTable, is_searched: Callable[[int], bool]) -> set[float]:
    """When a film's key frames show what a reference does. is_searched: whether a reference is live and asked for."""
    return {time for owner, times in hits_of(hashes, table).items() if is_searched(owner) for time in times}


def hits_of(hashes: Sequence[Hash], table: HashTable) -> dict[int, set[float]]:
    """Of each reference when a film's key frames show what it does."""
    queries = queries_of(hashes, table.algorithm, "video").rows
    if not len(queries) or not len(table):
        return {}
    hits = table.search(queries, table.threshold.film, seeds=True)
    hits = hits.select(hits.good)
    found: dict[int, set[float]] = {}
    owners, times = table.rows.owner[hits.reference].tolist(), queries.time[hits.query].tolist()
    for owner, time in zip(owners, times, strict=True):
        found.setdefault(owner, set()).add(time)
    return found


def parts_around(hit: Iterable[float], times: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The stretches [start, end] of film, in seconds, from MARGIN key frames before one that hits to as many after it.

    hit: times of those that hit. times: of all key frames, ascending.
    """
    parts: list[tuple[float, float]] = []
    ordered = np.array(times, np.float32)
    for at in np.searchsorted(ordered, np.array(sorted(hit), np.float32)).tolist():
        start = times[at - MARGIN] if at >= MARGIN else 0.0
        end = times[at + MARGIN] if at + MARGIN < len(times) else LONGEST_FILM
        if parts and start <= parts[-1][1]:
            parts[-1] = parts[-1][0], max(end, parts[-1][1])
        else:
            parts.append((start, end))
    return tuple(parts)

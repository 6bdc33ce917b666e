"""From a film's key frames to the parts of it that are worth decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hashmatch.matching.queries import limits_of, queries_of
from hashmatch.matching.table import HashTable
from hashmatch.records import LONGEST_FILM, Hash

#: Key frames before and after a hit up to which the film is decoded: footage may begin and end between key frames, and not
#: every key frame of a copy is close enough to hit.
MARGIN = 2


def times_of_hits(hashes: Sequence[Hash], table: HashTable, is_searched: Callable[[int], bool]) -> set[float]:
    """When a film's key frames look like a reference: seconds.

    is_searched: tells whether a reference is live and among those that are searched.
    """
    return {time for owner, times in hits_of(hashes, table).items() if is_searched(owner) for time in times}


def hits_of(hashes: Sequence[Hash], table: HashTable) -> dict[int, set[float]]:
    """By reference, when a film's key frames look like it: seconds."""
    asked = queries_of(hashes, table.algorithm, "video")
    queries = asked.rows
    if not len(queries) or not len(table):
        return {}
    hits = table.search(queries, limits_of(asked, "video", table.threshold), seeds=True)
    hits = hits.select(hits.good)
    found: dict[int, set[float]] = {}
    owners, times = table.rows.owner[hits.reference].tolist(), queries.time[hits.query].tolist()
    for owner, time in zip(owners, times, strict=True):
        found.setdefault(owner, set()).add(time)
    return found


def parts_around(hit: Iterable[float], times: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The parts of a film to decode: from MARGIN key frames before each hit to MARGIN key frames after it.

    hit: seconds of the key frames that hit. times: seconds of all key frames, ascending.
    Returns start and end of each part, in seconds.
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

"""Hits between the frames of two films to shared stretches of time.

Frames that agree at the same time offset lie on a diagonal; a copy makes long diagonals, chance does not. Sampling once
a second moves each frame's time by up to a second on either side, so a diagonal is that wide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.matching.results import Segment
from hashmatch.matching.table import Hits

#: Width of a diagonal, in seconds of offset.
TOLERANCE = 1.0
#: A stretch goes on over gaps (a subtitle, a logo, a fade) of so many seconds.
LONGEST_GAP = 4.0
#: A compilation may repeat or reorder a film; after so many diagonals the rest is dropped.
MOST_DIAGONALS = 64


@dataclass(frozen=True, slots=True)
class Alignment:
    """Hits that lie on diagonals, at most one for each query frame, and the stretches that they make."""

    hits: Hits
    segments: tuple[Segment, ...]


def align(hits: Hits, query_time: npt.NDArray[np.float32], reference_time: npt.NDArray[np.float32]) -> Alignment:
    """Find the diagonals, longest first; every query frame is used once.

    query_time, reference_time: float32 seconds of all rows that the hits refer to; NaN (a still image) counts as 0.
    """
    query = np.nan_to_num(query_time[hits.query].astype(np.float64))
    offset = query - np.nan_to_num(reference_time[hits.reference].astype(np.float64))
    left = np.arange(len(hits.query))
    chosen: list[npt.NDArray[np.int64]] = []
    segments: list[Segment] = []
    while left.size and len(chosen) < MOST_DIAGONALS:
        on_it = left[_best_diagonal(offset[left], hits.query[left])]
        best = _one_a_frame(on_it, hits)
        chosen.append(best)
        for part in _split_at_gaps(best, query[best]):
            segments.append(_segment(part, hits, query, query - offset))
        left = left[~np.isin(hits.query[left], hits.query[best])]
    used = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    return Alignment(hits.select(used), tuple(sorted(segments, key=lambda s: (s.query, s.reference))))


def _best_diagonal(offset: npt.NDArray[np.float64], frame: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which hits lie on the diagonal that has the most different query frames, else the most hits, else comes first."""
    order = np.argsort(offset, kind="stable")
    ordered = offset[order]
    ends = np.searchsorted(ordered, ordered + TOLERANCE, side="right").tolist()
    frames = frame[order].tolist()
    # One window slides over the hits; each enters and leaves it once, so that static scenes, where every frame is like
    # every other, cost no more than their number of hits.
    inside: Counter[int] = Counter()
    entered, best, best_window = 0, (0, 0), (0, 0)
    for start, end in enumerate(ends):
        inside.update(frames[entered:end])
        entered = end
        if (len(inside), end - start) > best:
            best, best_window = (len(inside), end - start), (start, end)
        inside[frames[start]] -= 1
        if not inside[frames[start]]:
            del inside[frames[start]]
    chosen = np.zeros(len(offset), np.bool_)
    chosen[order[slice(*best_window)]] = True
    return chosen


def _one_a_frame(rows: npt.NDArray[np.int64], hits: Hits) -> npt.NDArray[np.int64]:
    """Of each query frame the closest hit, in the order of the query frames."""
    order = np.lexsort((hits.distance[rows], hits.query[rows]))
    ordered = rows[order]
    first: npt.NDArray[np.bool_] = np.append(True, np.diff(hits.query[ordered]) > 0)
    return ordered[first]


def _split_at_gaps(rows: npt.NDArray[np.int64], query: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    return np.split(rows, np.flatnonzero(np.diff(query) > LONGEST_GAP) + 1)


def _segment(
    rows: npt.NDArray[np.int64], hits: Hits, query: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]
) -> Segment:
    return Segment(
        (round(float(query[rows].min()), 2), round(float(query[rows].max()), 2)),
        (round(float(reference[rows].min()), 2), round(float(reference[rows].max()), 2)),
        len(rows),
        round(float(hits.distance[rows].mean()), 1),
    )

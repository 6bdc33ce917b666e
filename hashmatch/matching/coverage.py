"""How much of a film's time some stretches cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hashmatch.hamming.words import Rows
from hashmatch.matching.evidence import StretchEvidence
from hashmatch.matching.tracks import Seconds

#: A stretch of single frames that agree goes on over so many seconds where none does.
BRIDGED = 4.0
#: A stretch of which more than this share is explained by stronger ones is dropped.
MOST_EXPLAINED = 0.5


def share(spans: Sequence[tuple[float, float]], start: Seconds, stop: Seconds) -> float:
    """Which part, 0 to 1, of the time that frames stand for is within the spans. start, stop: float64 (n,) of frames, one
    after the other."""
    total = float((stop - start).sum())
    if not spans or total <= 0:
        return 0.0
    # The time covered up to a moment, at the ends of the spans, joined where they overlap.
    ends, sums = [], []
    covered, last = 0.0, -np.inf
    for first, end in sorted(spans):
        first = max(first, last)
        if end > first:
            ends += [first, end]
            sums += [covered, covered := covered + end - first]
            last = end
    if not ends:
        return 0.0
    return min(1.0, float((np.interp(stop, ends, sums) - np.interp(start, ends, sums)).sum()) / total)


def without_overlap(found: Sequence[StretchEvidence]) -> list[StretchEvidence]:
    """The strongest stretches, without those whose part of the file others explain."""
    kept: list[StretchEvidence] = []
    for each in sorted(found, key=lambda each: each.rank, reverse=True):
        begin, end = each.stretch.query
        explained = share(
            [other.stretch.query for other in kept], np.array([begin]), np.array([max(end, begin + 1e-3)])
        )
        if explained <= MOST_EXPLAINED:
            kept.append(each)
    return kept


def pieces(start: Seconds, stop: Seconds) -> list[Rows]:
    """The numbers of frames in order of time, split where none is for longer than BRIDGED. start, stop: float64 (n,)."""
    order = np.argsort(start, kind="stable")
    return np.split(order, np.flatnonzero(start[order][1:] - stop[order][:-1] > BRIDGED) + 1)

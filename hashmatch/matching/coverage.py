"""How much of a film's time some stretches cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hashmatch.hamming.words import Rows
from hashmatch.matching.evidence import StretchEvidence
from hashmatch.matching.tracks import Seconds

#: Seconds without an agreeing frame over which a stretch of single frames continues.
BRIDGED = 4.0
#: A stretch is dropped if stronger ones explain more than this share of it.
MOST_EXPLAINED = 0.5


def share(spans: Sequence[tuple[float, float]], start: Seconds, stop: Seconds) -> float:
    """The part of the frames' time that lies within some spans, 0 to 1.

    spans: seconds, start and end; they may overlap. start, stop: float64 (n,), from when to when each frame stands, in
    order.
    """
    total = float((stop - start).sum())
    if not spans or total <= 0:
        return 0.0
    # The time covered up to each end of a span; spans that overlap are joined.
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
    """The strongest stretches, without those whose part of the file is explained by stronger ones."""
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
    """The numbers of frames in order of time, split where there is none for longer than BRIDGED.

    start, stop: float64 (n,), from when to when each frame stands.
    """
    order = np.argsort(start, kind="stable")
    return np.split(order, np.flatnonzero(start[order][1:] - stop[order][:-1] > BRIDGED) + 1)

"""Where hits lie on a line of query time and reference time, and the line that fits them best.

reference time = speed × query time + offset. A copy makes long lines, chance does not. Hits vote for a line on a grid of
speeds and offsets. The line is then fitted by least squares while it is followed (see alignment.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.matching.tracks import Seconds

#: Reference seconds per second of the file; at 1.25, the file plays a quarter faster.
SLOWEST, FASTEST = 0.8, 1.25
#: The grid of speeds, ascending. Half a step moves the ends of a minute by 0.3 s.
SPEEDS = np.append(np.geomspace(SLOWEST, 1.0, 23), np.geomspace(1.0, FASTEST, 23)[1:])
#: Seconds of offset that are counted together, each bin with the one beside it.
BIN = 0.5
#: Up to this many hits are compared with each other.
FEW_VOTES = 64
#: More hits say no more; the lightest are left out.
MOST_VOTES = 30_000

#: Bits of distance, summed over the frames, that a speed must gain if it is one standard deviation from 1. It grows with the
#: square.
_WORTH = 2.0
#: Standard deviations of a hit's time, in seconds, and of the speeds of copies. Most copies play at speed 1, which is taken
#: for a few seconds, as these do not tell the speed.
_JITTER, _SPREAD = 0.15, 0.03


@dataclass(frozen=True, slots=True)
class Line:
    """reference seconds = speed × query seconds + offset."""

    speed: float
    offset: float

    def __call__(self, query: Seconds) -> Seconds:
        """The reference's time at some times of the query, in seconds."""
        return self.speed * query + self.offset


def vote(query: Seconds, reference: Seconds, weight: npt.NDArray[np.float64]) -> list[Line]:
    """The line with the heaviest votes; if its speed is not 1, also the best line of speed 1.

    query, reference: float64 (n,) seconds, n > 0. weight: float64 (n,), of each hit.
    """
    heavy = np.argsort(-weight, kind="stable")[:MOST_VOTES] if len(weight) > MOST_VOTES else np.arange(len(weight))
    times, targets, votes = query[heavy], reference[heavy], weight[heavy]
    if len(times) <= FEW_VOTES:
        ranked = _best_of_few(targets - SPEEDS[:, None] * times, votes)
    else:
        ranked = [_best_offset(targets - speed * times, votes) for speed in SPEEDS.tolist()]
    best = int(np.argmax([found for found, _offset in ranked]))
    plain = int(np.searchsorted(SPEEDS, 1.0))
    chosen = [plain] if ranked[plain][0] >= ranked[best][0] else [best, plain]
    return [Line(float(SPEEDS[each]), ranked[each][1]) for each in chosen]


def _best_of_few(offsets: Seconds, votes: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    """For each speed, the votes in the heaviest window of two bins, and the offset in its middle.

    Few hits are compared with each other, for all speeds at once: a thousand references with some hits each would otherwise
    take long. offsets: float64 (speeds, n) seconds. votes: float64 (n,).
    """
    later = offsets[:, None, :] - offsets[:, :, None]
    windows = ((later >= 0) & (later <= 2 * BIN)) @ votes
    best = windows.argmax(axis=1)
    every = np.arange(len(offsets))
    return list(zip(windows[every, best].tolist(), (offsets[every, best] + BIN).tolist(), strict=True))


def _best_offset(offsets: Seconds, votes: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The votes of the heaviest two adjacent bins, and the offset between them. offsets, votes: float64 (n,)."""
    lowest = float(offsets.min())
    bins = ((offsets - lowest) / BIN).astype(np.int64)
    highest = int(bins.max())
    if highest < 4 * len(bins) + 4096:
        counts = np.bincount(bins, votes, highest + 2)
        pairs = counts[:-1] + counts[1:]
        start = int(pairs.argmax())
        return float(pairs[start]), lowest + (start + 1) * BIN
    # Few hits, far apart: too many bins to count.
    order = np.argsort(offsets)
    ordered, summed = offsets[order], np.append(0.0, np.cumsum(votes[order]))
    pairs = summed[np.searchsorted(ordered, ordered + 2 * BIN, side="right")] - summed[:-1]
    start = int(pairs.argmax())
    return float(pairs[start]), float(ordered[start]) + BIN


def fit(query: Seconds, reference: Seconds, weight: npt.NDArray[np.float64]) -> Line:
    """The line of least squares through some points, which prefers speed 1.

    query, reference: float64 (n,) seconds. weight: float64 (n,); 1 for a point that is typically off by _JITTER.
    """
    total = float(weight.sum())
    middle, target = float(query @ weight) / total, float(reference @ weight) / total
    centred = query - middle
    prior = (_JITTER / _SPREAD) ** 2
    slope = 1 + float((weight * centred) @ (reference - target - centred)) / (
        float((weight * centred) @ centred) + prior
    )
    speed = min(max(slope, SLOWEST), FASTEST)
    return Line(speed, target - speed * middle)


def reluctance(line: Line) -> float:
    """By how many bits, summed over the frames, a line must be better than one of speed 1."""
    return _WORTH * ((line.speed - 1) / _SPREAD) ** 2

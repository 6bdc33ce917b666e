"""Where hits lie on a line of query time and reference time, and the line that fits them best.

reference time = speed × query time + offset. A copy makes long lines, chance does not. The line is first voted on, over
a grid of speeds and offsets, and then fitted by least squares as it is followed (see alignment.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.matching.tracks import Seconds

#: Reference seconds to a second of the file: at 1.25, it is played so much faster.
SLOWEST, FASTEST = 0.8, 1.25
#: Of the grid of speeds, ascending. Half a step moves the ends of a minute by 0.3 s.
SPEEDS = np.append(np.geomspace(SLOWEST, 1.0, 23), np.geomspace(1.0, FASTEST, 23)[1:])
#: Seconds of offset that are counted together, with those beside them.
BIN = 0.5
#: Up to so many hits are held against each other.
FEW_VOTES = 64
#: More hits than that say no more, and are left out by their weight.
MOST_VOTES = 30_000

#: Bits of distance, summed over the frames, that a standard deviation of the speed must be worth; by its square.
_WORTH = 2.0
#: Standard deviations, of a time that a hit tells in seconds, and of the speeds of copies: most play as they are, so that of
#: a few seconds, which do not tell the speed, it is 1.
_JITTER, _SPREAD = 0.15, 0.03


@dataclass(frozen=True, slots=True)
class Line:
    """reference seconds = speed × query seconds + offset."""

    speed: float
    offset: float

    def __call__(self, query: Seconds) -> Seconds:
        """The reference's seconds at some of the query's."""
        return self.speed * query + self.offset


def vote(query: Seconds, reference: Seconds, weight: npt.NDArray[np.float64]) -> list[Line]:
    """The line with the heaviest votes, and if its speed is another one, the one of speed 1 that has most.

    query, reference: float64 (n,) seconds, n > 0. weight: float64 (n,) of each hit.
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
    """For each speed the votes of the heaviest window of two bins, and the offset in its middle: of few hits against each
    other, for all speeds at once, which a thousand references with some hits each would otherwise wait for."""
    later = offsets[:, None, :] - offsets[:, :, None]
    windows = ((later >= 0) & (later <= 2 * BIN)) @ votes
    best = windows.argmax(axis=1)
    every = np.arange(len(offsets))
    return list(zip(windows[every, best].tolist(), (offsets[every, best] + BIN).tolist(), strict=True))


def _best_offset(offsets: Seconds, votes: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The votes of the heaviest two bins side by side, and the offset between them."""
    lowest = float(offsets.min())
    bins = ((offsets - lowest) / BIN).astype(np.int64)
    highest = int(bins.max())
    if highest < 4 * len(bins) + 4096:
        counts = np.bincount(bins, votes, highest + 2)
        pairs = counts[:-1] + counts[1:]
        start = int(pairs.argmax())
        return float(pairs[start]), lowest + (start + 1) * BIN
    # Few hits, far apart.
    order = np.argsort(offsets)
    ordered, summed = offsets[order], np.append(0.0, np.cumsum(votes[order]))
    pairs = summed[np.searchsorted(ordered, ordered + 2 * BIN, side="right")] - summed[:-1]
    start = int(pairs.argmax())
    return float(pairs[start]), float(ordered[start]) + BIN


def fit(query: Seconds, reference: Seconds, weight: npt.NDArray[np.float64]) -> Line:
    """The line of least squares through some points, with a bias to speed 1. weight: float64 (n,), 1 of a point that is off
    by _JITTER as a rule."""
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

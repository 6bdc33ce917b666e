"""Which stretches of a file are which stretches of a reference film.

Hits of single frames seed lines of query time and reference time (see time_lines.py). Each line is then followed in both
directions by comparing the frames along it, where a larger distance than a hit's will do, and it is fitted again as it
grows. It ends where the frames no longer agree. So a stretch is known to the precision of the sampling, whichever frames
were sampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.words import Rows, Words, distances_of
from hashmatch.matching.table import Hits
from hashmatch.matching.tiers import Threshold
from hashmatch.matching.time_lines import BIN, FASTEST, SLOWEST, Line, fit, reluctance, vote
from hashmatch.matching.tracks import Frames, ReferenceFilm, Seconds

#: Seconds that a frame may be off the line and still be compared: the two samplings leave so much open.
TOLERANCE = 0.3
#: Reference frames of one view to compare one frame with, at most. A film of noise, with 50 a second, has 30 in reach.
MOST_AT_ONCE = 32
#: Seconds of the file over which a stretch continues although frames contradict it (a fade, a caption), and although none
#: can be compared (they are black, or lie between two samples).
LONGEST_FAULT, LONGEST_GAP = 2.0, 12.0
#: Seconds. Further than this from every sampled frame, nobody knows what the reference shows: lists may have one a second.
KNOWN = 0.5
#: Seconds by which a line is followed in both directions at first. After that, it is its own length.
FIRST_STEP = 8.0
#: A film that was cut up and put together in another order makes many lines. After this many, the rest is dropped.
MOST_LINES = 128
#: Seconds by which either end of a stretch is moved, in turn, to find where its frames agree best; and how many frames are
#: compared for that.
SHARPER, SHARPENED = (0.3, 0.15, 0.07), 48
#: How the two ends are moved: both, one of them, or one against the other.
MOVES = ((1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides that are compared: the file's frames in one orientation, and a reference film.

    words: the file's hashes, uint64 (width / 64, n).
    """

    frames: Frames
    turn: int
    words: Words
    footage: ReferenceFilm
    threshold: Threshold


@dataclass(frozen=True, slots=True)
class Stretch:
    """Footage that both sides share.

    query, reference: start and end, in seconds.
    frames: int64 (n,), the file's frames that agree, ascending.
    rows: int64 (n, 2), for each frame the row of the query and the row of the reference that agree best.
    distance: int64 (n,), bits between these two rows.
    good: bool (n,), whether both rows have the quality for `near`.
    """

    line: Line
    turn: int
    query: tuple[float, float]
    reference: tuple[float, float]
    frames: Rows
    rows: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]
    good: npt.NDArray[np.bool_]

    def merit(self, limit: int) -> int:
        """How well the frames agree. Of two lines through the same hits, the right one has more.

        limit: bits, the largest distance of frames that agree.
        """
        return int((limit + 1 - self.distance).sum())


class _Seeds(NamedTuple):
    """Hits that a line starts from: their times on both sides, and for how long each reference frame stands."""

    query: Seconds
    reference: Seconds
    vague: Seconds


@dataclass(frozen=True, slots=True)
class _Followed:
    """The frames along a line.

    frame: int64 (k,), numbers of the file's frames. distance, query_row, row: the closest pair of rows for each frame.
    agrees, contradicts, good: bool (k,); a frame that does neither cannot be judged.
    """

    frame: Rows
    distance: npt.NDArray[np.int64]
    query_row: Rows
    row: Rows
    agrees: npt.NDArray[np.bool_]
    contradicts: npt.NDArray[np.bool_]
    good: npt.NDArray[np.bool_]


def align(hits: Hits, sides: Sides) -> list[Stretch]:
    """The stretches that both sides share. Each frame is used once, by the line with the most support.

    hits: pairs of these frames and rows of this reference.
    """
    footage, threshold = sides.footage, sides.threshold
    # Always in the same order, however they were found, so that sums of floats round alike.
    hits = hits.select(np.lexsort((hits.reference, hits.query)))
    frame = _frame_of(sides.frames, hits.query)
    start, stop = footage.start[hits.reference - footage.first], footage.stop[hits.reference - footage.first]
    # A frame may have been hit at any moment of its stand, so one that stands long says little. And another part of the same
    # scene, with many hits at middling distances, must not outvote the few hits of the right place.
    reference, vague = start, stop - start
    query = sides.frames.time[frame]
    closeness = 1 - hits.distance / (threshold.along + 1)
    weight = closeness / np.bincount(frame)[frame] / (1 + vague)
    strong = hits.distance <= threshold.near
    found: list[Stretch] = []
    left = np.arange(len(frame))
    for _turn in range(MOST_LINES):
        if not len(left):
            break
        best: Stretch | None = None
        gone = np.zeros(len(frame), np.bool_)
        for line in vote(query[left], reference[left], weight[left]):
            near = left[np.abs(reference[left] - line(query[left])) <= BIN + 1e-9]
            near = near[_densest(query[near], weight[near])]
            gone[near] = True
            if not strong[near].any() and frame[near].min() == frame[near].max():
                # A single frame that is only somewhat alike proves nothing, and lines with fewer votes have no more than
                # that. A thousand hours of references have many of these.
                gone |= ~strong
                continue
            seeds = _Seeds(query[near], reference[near], vague[near])
            stretch = _grow(seeds, sides)
            if stretch is None:  # they do not agree with each other
                closest = near[[int(hits.distance[near].argmin())]]
                seeds = _Seeds(query[closest], reference[closest], vague[closest])
                stretch = _grow(seeds, sides)
            if stretch is not None and (best is None or stretch.merit(threshold.along) > best.merit(threshold.along)):
                best = stretch
        if best is not None:
            if len(best.frames) > 2:  # fewer have no ends that could be placed better
                best = _again(_sharpen(best, sides), best, sides)
            found.append(best)
            free = sides.frames.free.copy()
            free[best.frames[0] : best.frames[-1] + 1] = False
            sides = replace(sides, frames=replace(sides.frames, free=free))
            gone |= ~free[frame]
        left = left[~gone[left]]
    return found


def _frame_of(frames: Frames, query: Rows) -> Rows:
    """The number of the frame that each row of the query belongs to."""
    order = np.argsort(frames.rows)
    numbers: Rows = frames.frame[order[np.searchsorted(frames.rows, query, sorter=order)]]
    return numbers


def _densest(query: Seconds, weight: npt.NDArray[np.float64]) -> Rows:
    """The points on a line, cut at long gaps: those of the part that weighs most."""
    order = np.argsort(query, kind="stable")
    part = np.append(0, np.cumsum(np.diff(query[order]) > LONGEST_GAP))
    heaviest = int(np.bincount(part, weight[order]).argmax())
    densest: Rows = order[part == heaviest]
    return densest


def _grow(seeds: _Seeds, sides: Sides) -> Stretch | None:
    """Follow a line from its seeds as far as the frames agree."""
    frames = sides.frames
    line = fit(seeds.query, seeds.reference, 1 / (1 + (seeds.vague / 0.3) ** 2))
    first, last = float(seeds.query.min()), float(seeds.query.max())
    step = max(FIRST_STEP, last - first)
    while True:
        window = np.flatnonzero((frames.time >= first - step) & (frames.time <= last + step))
        followed = follow(line, window, sides)
        run = _run(followed, frames, first, last)
        if not len(run):
            return None
        line = _refit(line, followed, run, sides)
        times = frames.time[followed.frame[run]]
        earlier = times[0] < first - step / 2 and window[0] > 0
        later = times[-1] > last + step / 2 and window[-1] + 1 < len(frames.time)
        first, last = min(first, float(times[0])), max(last, float(times[-1]))
        if not earlier and not later:
            break
        step = max(FIRST_STEP, last - first)
    followed = follow(line, window, sides)
    run = _run(followed, frames, first, last)
    return _stretch(line, followed, run, sides) if len(run) else None


def follow(line: Line, window: Rows, sides: Sides) -> _Followed:
    """Compare each frame of the window with the reference frames that stand where the line puts it.

    window: int64, numbers of the file's frames, ascending and without gaps.
    """
    frames, footage, threshold = sides.frames, sides.footage, sides.threshold
    begin, end = np.searchsorted(frames.frame, [window[0], window[-1] + 1])
    rows, frame = frames.rows[begin:end], frames.frame[begin:end]
    target = line(frames.time[frame])
    pairs = [_pairs(target, track.start, track.stop, TOLERANCE) for track in footage.tracks]
    number = np.concatenate([own for own, _row in pairs])
    row = np.concatenate([track.rows[own] for track, (_number, own) in zip(footage.tracks, pairs, strict=True)])
    distance = distances_of(footage.words, row - footage.first, sides.words, rows[number]).astype(np.int64)
    apart = np.abs(footage.start[row - footage.first] - target[number])
    of = frame[number]
    # Pairs with little detail agree only if they are very alike, and never contradict.
    good = frames.good[begin:end][number] & footage.good[row - footage.first]
    agreeing = distance <= np.where(good, threshold.along, threshold.low_quality)
    order = np.lexsort((apart, distance, ~good, ~agreeing, of))
    new = np.append(True, np.diff(of[order]) > 0)[: len(order)]
    best = order[new]
    # What the reference shows is known at its sampled frames. Between them, frames may have been left out.
    closest = np.minimum.reduceat(apart[order], np.flatnonzero(new)) if len(order) else apart
    contradicts = ~agreeing[best] & good[best] & (closest <= KNOWN)
    return _Followed(of[best], distance[best], rows[number[best]], row[best], agreeing[best], contradicts, good[best])


def _pairs(target: Seconds, start: Seconds, stop: Seconds, tolerance: float) -> tuple[Rows, Rows]:
    """Pairs of a target and a reference frame that stands within the tolerance: the numbers of both.

    target: float64 seconds. start, stop: float64 (n,), from when to when each frame stands. tolerance: seconds.
    """
    low = np.maximum(np.searchsorted(start, target - tolerance, side="right") - 1, 0)
    high = np.minimum(np.searchsorted(start, target + tolerance, side="right"), low + MOST_AT_ONCE)
    count = np.maximum(high - low, 0)
    number = np.repeat(np.arange(len(target)), count)
    row = np.arange(len(number)) - np.repeat(np.cumsum(count) - count, count) + low[number]
    kept = stop[row] >= target[number] - tolerance
    return number[kept], row[kept]


def _run(followed: _Followed, frames: Frames, first: float, last: float) -> Rows:
    """The frames that agree, without long gaps, in the part that has most of the time from first to last."""
    free = frames.free[followed.frame]
    agreeing = np.flatnonzero(followed.agrees & free)
    if not len(agreeing):
        return agreeing
    time = frames.time[followed.frame]
    # Seconds of contradiction before each frame.
    step = np.minimum(frames.stop[followed.frame] - time, 1.0)
    faults = np.cumsum(np.where(followed.contradicts | ~free, step, 0.0))
    apart = np.diff(time[agreeing]) > LONGEST_GAP
    apart |= np.diff(faults[agreeing]) > LONGEST_FAULT
    part = np.append(0, np.cumsum(apart))
    inside = (time[agreeing] >= first) & (time[agreeing] <= last)
    if not inside.any():
        return agreeing[:0]
    run: Rows = agreeing[part == int(np.bincount(part[inside]).argmax())]
    return run


def _refit(line: Line, followed: _Followed, run: Rows, sides: Sides) -> Line:
    """The line fitted to the frames that agree. Anywhere within a frame's stand is equally right, so only the part of the
    line outside of it is moved.
    """
    footage = sides.footage
    row = followed.row[run] - footage.first
    query = sides.frames.time[followed.frame[run]]
    expected = line(query)
    # The end of a frame's stand is nearer to the next frame than to the one that stands there.
    start, stop = footage.start[row] - footage.before[row], footage.stop[row]
    reference = np.clip(expected, start, stop)
    close = np.abs(reference - expected) <= BIN
    return fit(query[close], reference[close], np.ones(int(close.sum()))) if close.any() else line


def _stretch(line: Line, followed: _Followed, run: Rows, sides: Sides) -> Stretch:
    frames = sides.frames
    frame = followed.frame[run]
    begin, end = float(frames.time[frame[0]]), float(frames.stop[frame[-1]])
    rows = np.stack((followed.query_row[run], followed.row[run]), axis=1)
    spans = _spans(line, begin, end, sides.footage)
    return Stretch(line, sides.turn, *spans, frame, rows, followed.distance[run], followed.good[run])


def _spans(
    line: Line, begin: float, end: float, footage: ReferenceFilm
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Start and end on both sides, in seconds, no further than the reference goes.

    begin, end: seconds of the file.
    """
    lowest, highest = float(footage.start.min()), float(footage.stop.max())
    begin = max(begin, (lowest - line.offset) / line.speed)
    end = max(begin, min(end, (highest - line.offset) / line.speed))
    return (begin, end), (max(line.speed * begin + line.offset, 0.0), line.speed * end + line.offset)


def _sharpen(of: Stretch, sides: Sides) -> Line:
    """The stretch's line, with its ends moved in the reference to where the frames agree best."""
    footage, worst = sides.footage, sides.threshold.along + 1
    chosen = np.unique(np.linspace(0, len(of.frames) - 1, SHARPENED).astype(np.int64))
    time, rows = sides.frames.time[of.frames[chosen]], of.rows[chosen, 0]
    length = float(time[-1] - time[0])

    def merit(line: Line) -> float:
        target = line(time)
        best = np.full(len(time), worst)
        for track in footage.tracks:
            number, own = _pairs(target, track.start, track.stop, SHARPER[-1] / 2)
            distance = distances_of(footage.words, track.rows[own] - footage.first, sides.words, rows[number])
            np.minimum.at(best, number, distance)
        return float((worst - best).sum()) - reluctance(line)

    line, most = of.line, merit(of.line)
    for step in SHARPER:
        for _again in range(2):
            around = line
            for early, late in MOVES if length > 0 else MOVES[:2]:
                speed = around.speed + (late - early) * step / max(length, step)
                offset = around.offset + early * step - (speed - around.speed) * float(time[0])
                found = merit(moved := Line(speed, offset)) if SLOWEST <= speed <= FASTEST else -math.inf
                if found > most:
                    line, most = moved, found
            if line is around:
                break
    return line


def _again(line: Line, of: Stretch, sides: Sides) -> Stretch:
    """The stretch along a better line, which may go a little beyond the ends of the old one."""
    frames = sides.frames
    first, last = float(frames.time[of.frames[0]]), float(frames.time[of.frames[-1]])
    window = np.flatnonzero((frames.time >= first - LONGEST_GAP) & (frames.time <= last + LONGEST_GAP))
    followed = follow(line, window, sides)
    run = _run(followed, frames, first, last)
    return _stretch(line, followed, run, sides) if len(run) else of

"""A film's hashes as frames in order of time, each of which stands for a stretch of film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.words import Rows, Words, to_words
from hashmatch.matching.queries import Queries
from hashmatch.matching.table import HashTable, is_good, is_part, seconds_of, stands

Seconds = npt.NDArray[np.float64]

#: A reference's frame stands until another one differs enough from it, but not longer than this: 5 s (media/sampling.py) and
#: a little. If the next one comes later, what was between them was black, or is not known.
LONGEST_STAND = 5.5
#: Seconds before its start in which a frame may already be the closest one.
MOST_BEFORE = 0.25


@dataclass(frozen=True, slots=True)
class Frames:
    """The file's frames in one orientation, in order of time.

    time, stop: float64 (k,) seconds; a frame stands until `stop`.
    rows: int64 (n,), rows of the file's hashes in the order of their frames. A frame may have several, one for each view.
    frame: int64 (n,), the frame of each row. good: bool (n,), which rows have the quality for `near`.
    free: bool (k,), which frames are not explained yet.
    """

    time: Seconds
    stop: Seconds
    rows: Rows
    frame: Rows
    good: npt.NDArray[np.bool_]
    free: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Track:
    """One view of a reference, in order of time.

    rows: int64 (n,), rows of the table. start, stop: float64 (n,) seconds, from when to when each stands.
    """

    rows: Rows
    start: Seconds
    stop: Seconds


@dataclass(frozen=True, slots=True)
class ReferenceFilm:
    """A reference film.

    first: the table's number of its first row. words: the hashes of all its rows, uint64 (width / 64, n). tracks: by view.
    start, stop: float64 (n,) seconds, from when to when each row stands.
    before: float64 (n,), seconds before its start in which a row is closer than the one that stands there: half of that
    one's stand.
    good: bool (n,), which rows have the quality for `near`.
    """

    first: int
    words: Words
    tracks: tuple[Track, ...]
    start: Seconds
    stop: Seconds
    before: Seconds
    good: npt.NDArray[np.bool_]


def frames_of(queries: Queries, turn: int | None) -> Frames:
    """The file's frames in one orientation. turn: a number in TURNS; None for all orientations together."""
    own = np.arange(len(queries.turn)) if turn is None else np.flatnonzero(queries.turn == turn)
    own = own[np.argsort(queries.rows.time[own], kind="stable")]
    moments = seconds_of(queries.rows.time[own])
    new = np.append(True, np.diff(moments) > 0)[: len(own)]
    time, stop = moments[new], queries.stop[own][new]
    good = is_good(queries.rows.select(own), queries.algorithm)
    return Frames(time, np.maximum(stop, time), own, np.cumsum(new) - 1, good, np.ones(len(time), np.bool_))


def footage_of(table: HashTable, owner: int) -> ReferenceFilm:
    """The rows of a reference that are worth comparing, as a film."""
    own = table.of_owner(owner)
    rows = table.rows.select(np.arange(own.start, own.stop))
    words = to_words(table.bits_of(own))
    good = is_good(rows, table.algorithm) & ~is_part(rows.view) & ~table.are_common(np.arange(own.start, own.stop))
    time = seconds_of(rows.time)
    start, stop, before = time, time.copy(), np.zeros_like(time)
    tracks = []
    for view in sorted(set(rows.view.tolist())):
        each = np.flatnonzero(rows.view == view)
        each = each[np.argsort(time[each], kind="stable")]
        stop[each] = time[each] + stands(time[each], LONGEST_STAND)
        before[each[1:]] = np.minimum((stop - start)[each[:-1]] / 2, MOST_BEFORE)
        tracks.append(Track(each + own.start, start[each], stop[each]))
    return ReferenceFilm(own.start, words, tuple(tracks), start, stop, before, good)

"""What a stretch proves: how many different pictures agree that two films show the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.words import Rows, Words, distances_of
from hashmatch.matching.alignment import Stretch
from hashmatch.matching.table import HashTable
from hashmatch.matching.tiers import DIFFERENT_SHARE, LOW_QUALITY_PICTURES, MANY_PICTURES, MANY_SHARE, POSSIBLE_PICTURES
from hashmatch.matching.tracks import ReferenceFilm

#: Different pictures to tell apart, at most.
MOST_PICTURES = 32


@dataclass(frozen=True, slots=True)
class StretchEvidence:
    """A stretch, and how many different pictures prove it.

    strong: pictures within `near`. pictures: within `telling`. seen: pictures in the stretch, including those that prove
    nothing. opening: whether it may be an intro or outro only; see openings.py.
    """

    stretch: Stretch
    strong: int
    pictures: int
    seen: int
    opening: bool = False

    def is_sure(self, needed: int) -> bool:
        """Whether it is the same footage, and not only alike. needed: how many strong pictures are enough."""
        return self.strong >= needed or self.pictures >= max(MANY_PICTURES, self.seen * MANY_SHARE)

    @property
    def rank(self) -> tuple[int, int, int, float]:
        """A key to order stretches by; larger is stronger."""
        return self.strong, self.pictures, len(self.stretch.frames), -float(self.stretch.distance.mean())


def evidence_of(stretch: Stretch, words: Words, footage: ReferenceFilm, table: HashTable) -> StretchEvidence | None:
    """The evidence of a stretch; None if it is not worth a look. words: the file's hashes, uint64 (width / 64, n)."""
    threshold = table.threshold

    def counted(limit: int, good: bool = True) -> tuple[int, int]:
        which = stretch.distance <= limit
        return _distinct(stretch, which & stretch.good if good else which, words, footage, table)

    # A radius that the user chose may go further than what is evidence.
    pictures, seen = counted(threshold.telling)
    strong = counted(threshold.near)[0]
    # A single picture does not say where in the film it is, but it proves that it is there.
    there = bool((stretch.good & (stretch.distance <= threshold.near)).any())
    if there or counted(threshold.film)[0] >= POSSIBLE_PICTURES:
        return StretchEvidence(stretch, strong, pictures, seen)
    if counted(threshold.low_quality, good=False)[0] >= LOW_QUALITY_PICTURES:
        return StretchEvidence(stretch, 0, pictures, seen)
    return None


def _distinct(
    stretch: Stretch, which: npt.NDArray[np.bool_], words: Words, footage: ReferenceFilm, table: HashTable
) -> tuple[int, int]:
    """How many different pictures some frames of the stretch show: first those whose frame is closer to its own frame of the
    reference than to the others, then all.

    which: bool (n,), the frames of the stretch to look at.
    """
    rows = stretch.rows[which]
    if not len(rows):
        return 0, 0
    # Another view of a frame is not another picture.
    views = table.rows.view[rows[:, 1]].astype(np.int64)
    rows = rows[views == int(np.bincount(views).argmax())]
    query, reference = rows[:, 0], rows[:, 1] - footage.first
    same = int(DIFFERENT_SHARE * 64 * len(words)) - 1
    pictures, of = _pictures(footage.words, reference, same)
    if len(pictures) == 1:
        return 1, 1
    own = distances_of(footage.words, reference, words, query).astype(np.int64)
    others = np.full(len(rows), np.iinfo(np.int64).max)
    for picture in pictures.tolist():
        one = np.full(len(rows), picture)
        another = distances_of(footage.words, one, footage.words, reference) > same
        distance = distances_of(footage.words, one, words, query).astype(np.int64)
        others = np.where(another, np.minimum(others, distance), others)
    return len(set(of[others - own >= table.threshold.margin].tolist())), len(pictures)


def _pictures(words: Words, rows: Rows, same: int) -> tuple[Rows, Rows]:
    """Tell different pictures apart.

    rows: int64 (n,), rows of `words`. same: bits; hashes no further apart are one picture.
    Returns one row of each picture, and for each of `rows` the number of its picture.
    """
    taken: list[int] = []
    of = np.zeros(len(rows), np.int64)
    left = np.arange(len(rows))
    while len(left) and len(taken) < MOST_PICTURES:
        one = np.full(len(left), rows[left[0]])
        alike = distances_of(words, one, words, rows[left]) <= same
        of[left[alike]] = len(taken)
        taken.append(int(one[0]))
        left = left[~alike]
    return np.array(taken, np.int64), of

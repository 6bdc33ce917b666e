"""Counts which copies were found, by edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hashmatch.evaluate.copies import EditedCopy
from hashmatch.evaluate.making import Edit
from hashmatch.evaluate.scores import (
    COUNTS,
    DISTANCES,
    EditResult,
    Recall,
    ThresholdResult,
    WrongMatch,
    WrongPairs,
    share,
)
from hashmatch.evaluate.temporary_set import Original
from hashmatch.hamming.words import distances
from hashmatch.matching.results import Match, Result
from hashmatch.matching.tiers import quality_of, thresholds

#: Wrong matches that are kept for a person to look at; all are counted.
MOST_SHOWN = 1000

DistanceCounts = npt.NDArray[np.int64]

#: The threshold that others use: Meta's.
PLAIN_RADIUS = thresholds()["pdq"].near
#: PDQ quality from which a picture can be compared.
GOOD_QUALITY = quality_of("pdq").good


@dataclass(slots=True)
class _Counts:
    """Of one edit. true: how many copies lie at each plain PDQ distance, 0 to 256, from their original."""

    counts: Counter[str] = field(default_factory=Counter)
    found_by: Counter[str] = field(default_factory=Counter)
    true: DistanceCounts = field(default_factory=lambda: np.zeros(257, np.int64))


class Tally:
    """Takes the scans of copies one by one, and knows which matches are true.

    A match with an original that resembles the copy's own is neither right nor wrong, and is counted separately.
    """

    def __init__(self, originals: Sequence[Original], edits: Sequence[Edit], alike: Sequence[Collection[int]]) -> None:
        """alike: for each original, the places of those that resemble it."""
        self._originals, self._edits, self._alike = originals, edits, alike
        self._place = {each.reference_id: place for place, each in enumerate(originals)}
        self._bits = _rows(*(each.bits for each in originals))
        self._good = np.array([each.quality >= GOOD_QUALITY for each in originals], np.bool_)
        self._edit = [_Counts() for _edit in edits]
        self._wrong, self._aside = _histogram(), _histogram()
        self._pairs = self._aside_pairs = 0
        self._aside_tiers = Counter[str]()
        self.wrong_matches: list[WrongMatch] = []

    def add(self, copy: EditedCopy, result: Result) -> None:
        """Count one copy and the scan's answer to it."""
        edit = self._edit[copy.edit]
        good = self._compare_plainly(copy, edit)
        edit.counts["copies"] += 1
        edit.counts["failed"] += result.status in ("failed", "skipped")
        for match in result.matches:
            place = self._place.get(match.reference.id)
            near = match.tier != "possible"
            if place == copy.original:
                for name in ("found", "near") if near else ("found",):
                    edit.counts[name] += 1
                    edit.counts["good_" + name] += good
                edit.found_by[f"{match.algorithm}, {match.transform}"] += 1
            elif place is not None and place in self._alike[copy.original]:
                self._aside_tiers["near" if near else "possible"] += 1
            elif place is not None:
                edit.counts["wrong_near" if near else "wrong_possible"] += 1
                self._show(copy, match, place)

    def _compare_plainly(self, copy: EditedCopy, edit: _Counts) -> bool:
        """Plain PDQ against all originals. Returns whether the copy and its own original have the quality for it."""
        alike = list(self._alike[copy.original])
        self._pairs += len(self._originals) - 1 - len(alike)
        self._aside_pairs += len(alike)
        if copy.quality < GOOD_QUALITY:
            return False
        apart = distances(self._bits, _rows(copy.bits))[:, 0]
        kind = np.where(self._good, 1, 0)
        kind[alike] *= 2
        kind[copy.original] *= 3
        self._wrong += np.bincount(apart[kind == 1], minlength=257)
        self._aside += np.bincount(apart[kind == 2], minlength=257)
        if kind[copy.original] != 3:
            return False
        edit.true[apart[copy.original]] += 1
        edit.counts["good"] += 1
        edit.counts["plain"] += int(apart[copy.original] <= PLAIN_RADIUS)
        return True

    def _show(self, copy: EditedCopy, match: Match, place: int) -> None:
        if len(self.wrong_matches) < MOST_SHOWN:
            paths = self._originals[copy.original].path, self._originals[place].path
            how = match.tier, match.algorithm, match.transform, match.distance
            self.wrong_matches.append(WrongMatch(paths[0], self._edits[copy.edit].name, paths[1], *how))

    def edits(self) -> tuple[EditResult, ...]:
        """Each edit's own counts."""
        return tuple(
            EditResult(
                edit.name,
                edit.group,
                Recall(**{name: each.counts[name] for name in COUNTS}),
                dict(each.found_by.most_common()),
                _median(each.true),
                each.counts["wrong_near"],
                each.counts["wrong_possible"],
            )
            for edit, each in zip(self._edits, self._edit, strict=True)
        )

    def wrong(self) -> WrongPairs:
        """All pairs of a copy and an original that it does not come from and that does not resemble its own."""
        near, possible = (sum(each.counts[name] for each in self._edit) for name in ("wrong_near", "wrong_possible"))
        return WrongPairs(self._pairs, near, possible, _within(self._wrong, PLAIN_RADIUS))

    def aside(self) -> WrongPairs:
        """All pairs of a copy and an original that resembles its own."""
        tiers = self._aside_tiers
        return WrongPairs(self._aside_pairs, tiers["near"], tiers["possible"], _within(self._aside, PLAIN_RADIUS))

    def distances(self) -> tuple[ThresholdResult, ...]:
        """What plain PDQ would find at several thresholds."""
        true = sum((each.true for each in self._edit), _histogram())
        return tuple(
            ThresholdResult(radius, share(_within(true, radius), int(true.sum())), _within(self._wrong, radius))
            for radius in DISTANCES
        )


def _rows(*hashes: bytes) -> npt.NDArray[np.uint8]:
    """(N, 32) bytes of N hashes."""
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def _histogram() -> DistanceCounts:
    return np.zeros(257, np.int64)


def _within(histogram: DistanceCounts, radius: int) -> int:
    return int(histogram[: radius + 1].sum())


def _median(histogram: DistanceCounts) -> float | None:
    return float(np.median(np.repeat(np.arange(257), histogram))) if histogram.any() else None

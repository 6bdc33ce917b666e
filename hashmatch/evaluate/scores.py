"""What an evaluation found. Field names are those of the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from hashmatch.evaluate.goals import FAMILIES, GOALS, Goal
from hashmatch.matching.tiers import Profile

#: The distances of plain PDQ in the table of thresholds; 31 is Meta's own.
DISTANCES = (0, 10, 20, 31, 40, 50, 60, 70, 80, 90, 100)


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of some copies were found.

    copies: how many there are. near: matched with their original as `near` or better; found: matched at all. plain: what
    plain PDQ finds (within Meta's distance, both of good quality). good, good_near, good_found: the same, of those
    copies only where copy and original have a good PDQ quality. failed: copies that could not be examined.
    """

    copies: int = 0
    near: int = 0
    found: int = 0
    plain: int = 0
    good: int = 0
    good_near: int = 0
    good_found: int = 0
    failed: int = 0


#: Names of these counts.
COUNTS = tuple(field.name for field in fields(Recall))


@dataclass(frozen=True, slots=True)
class EditResult:
    """How the copies of one edit were found.

    found_by: how many were found through which algorithm and transform ("pdq, mirror"). median_distance: bits between
    copy and original by plain PDQ, None where no pair has the quality. wrong_near, wrong_possible: wrong pairs.
    """

    edit: str
    group: str
    recall: Recall
    found_by: dict[str, int]
    median_distance: float | None
    wrong_near: int
    wrong_possible: int


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group's copies together. near, found, plain: shares, 0 to 1, of the copies that its goal counts.

    counted: how many these are. near_of_found: the share of the found copies that are near. met: whether the goal is
    reached; None if there is none.
    """

    group: str
    counted: int
    near: float
    found: float
    near_of_found: float
    plain: float
    goal_near: float | None
    goal_found: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class WrongPairs:
    """Pictures compared with references that they are not copies of. plain: what plain PDQ would match."""

    pairs: int
    near: int
    possible: int
    plain: int


@dataclass(frozen=True, slots=True)
class WrongMatch:
    """One of them, for a person to look at: a copy of `original` by `edit` matched the original `matched`."""

    original: bytes
    edit: str
    matched: bytes
    tier: str
    algorithm: str
    transform: str
    distance: int | None


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two originals that resemble each other before any edit; matches between them and their copies are not counted."""

    a: bytes
    b: bytes
    tier: str
    distance: int | None


@dataclass(frozen=True, slots=True)
class LookAlikeResult:
    """Results for one kind of look-alikes (see look_alikes/).

    kind: its name; "card-shown" are cards after the edits of the group "card". is_screen: whether they are screens of apps.
    recall: how many of their own copies are found. same: pairs with the same layout and other text or colours.
    others: pairs of other layouts or kinds, and of a look-alike and a picture.
    """

    kind: str
    is_screen: bool
    layouts: int
    texts: int
    recall: Recall
    same: WrongPairs
    others: WrongPairs


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """Plain PDQ at a threshold, by pairs of good quality. recall: share of copies within it, over all edits;
    wrong: how many wrong pairs are within it."""

    distance: int
    recall: float
    wrong: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All of it. hashes: names of the hashers that the originals were found by. pictures: originals that were used;
    duplicates: files left out that have the same bytes as another."""

    profile: Profile
    hashes: tuple[str, ...]
    seed: int
    pictures: int
    duplicates: int
    edits: tuple[EditResult, ...]
    wrong: WrongPairs
    wrong_matches: tuple[WrongMatch, ...]
    alike: tuple[AlikePair, ...]
    look_alikes: tuple[LookAlikeResult, ...]
    distances: tuple[ThresholdResult, ...]


def add(recalls: Iterable[Recall]) -> Recall:
    """Several edits' copies together."""
    rows = list(recalls)
    return Recall(**{name: sum(getattr(row, name) for row in rows) for name in COUNTS})


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def groups(edits: Sequence[EditResult], profile: Profile) -> list[GroupResult]:
    """The groups among these edits, in the order of the goals."""
    present = {each.group for each in edits}
    return [
        _group(name, goal, [each.recall for each in edits if each.group == name], profile)
        for name, goal in GOALS.items()
        if name in present
    ]


def near_of_found(edits: Sequence[EditResult]) -> float | None:
    """Of the copies of families (goals.FAMILIES) that were found, the share that is near; None if none was found."""
    together = add(each.recall for each in edits if each.group in FAMILIES)
    return share(together.near, together.found) if together.found else None


def _group(name: str, goal: Goal, recalls: list[Recall], profile: Profile) -> GroupResult:
    together = add(recalls)
    counted, near, found = counted_by(goal, together)
    plain = share(together.plain, counted)
    goal_near, goal_found = goal.of(profile)
    met = None
    if counted and (goal_near is not None or goal_found is not None):
        met = near >= (goal_near or 0) and found >= (goal_found or 0)
    return GroupResult(name, counted, near, found, near / found if found else 0.0, plain, goal_near, goal_found, met)


def counted_by(goal: Goal, recall: Recall) -> tuple[int, float, float]:
    """How many copies a goal counts, and which shares of them are near and found."""
    if goal.good_quality:
        return recall.good, share(recall.good_near, recall.good), share(recall.good_found, recall.good)
    return recall.copies, share(recall.near, recall.copies), share(recall.found, recall.copies)

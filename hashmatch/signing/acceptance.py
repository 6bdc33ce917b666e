"""Decides whether to accept a list, by its signature, its date and the earlier issues of the same list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hashmatch.i18n import _
from hashmatch.records import ListHead

#: What can be wrong with a list, and what a person can accept all the same.
ListFlaw = Literal["unsigned", "expired", "older"]
FLAWS: tuple[ListFlaw, ...] = ("unsigned", "expired", "older")

#: A range of issue numbers: the first and the last, both included.
IssueNumbers = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ListIssue:
    """An earlier issue of a list. It contained all changes after `since` up to `sequence`; None: from the start."""

    since: int | None
    sequence: int


@dataclass(frozen=True, slots=True)
class ListObjection:
    """One thing that is wrong with a list. accepted: the user accepts it all the same. message: for the user."""

    flaw: ListFlaw
    message: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class ListAcceptance:
    """The decision on a list. missing: the issue numbers that are still missing once this list is accepted."""

    objections: tuple[ListObjection, ...] = ()
    missing: tuple[IssueNumbers, ...] = ()

    @property
    def refused(self) -> bool:
        return not all(objection.accepted for objection in self.objections)


def decide(
    head: ListHead, before: Iterable[ListIssue], now: str, accepted: frozenset[ListFlaw], *, lacks_signature: bool
) -> ListAcceptance:
    """Decides whether to accept a list.

    A list is refused if it is older than the newest issue and adds nothing that is missing. Otherwise, whoever can put
    an old list in the place of a new one could undo retractions. Importing the newest issue again is fine, and so is an
    issue that fills a gap.

    head: what the list or its signer says about it. before: the earlier issues with that name from the same signer, in
    any order. now: UTC, in the form that records use. accepted: the flaws that the user accepts. lacks_signature: the
    list should have a signature but has none.
    """
    objections = list[ListObjection]()

    def object_to(flaw: ListFlaw, message: str) -> None:
        objections.append(ListObjection(flaw, message, flaw in accepted))

    if lacks_signature:
        object_to("unsigned", _("it is not signed"))
    if head.expires is not None and head.expires <= now:
        object_to("expired", _("it expired on {date}").format(date=head.expires))
    if head.name is None or head.sequence is None:
        return ListAcceptance(tuple(objections))
    issues = list(before)
    newest = max((issue.sequence for issue in issues), default=head.sequence)
    this = ListIssue(head.since, head.sequence)
    if head.sequence < newest and missing([*issues, this]) == missing(issues):
        message = _("it is number {number}, but number {newest} has already been imported")
        object_to("older", message.format(number=head.sequence, newest=newest))
    return ListAcceptance(tuple(objections), missing([*issues, this]))


def missing(issues: Sequence[ListIssue]) -> tuple[IssueNumbers, ...]:
    """The numbers from 1 to the newest whose changes are in none of the issues."""
    reached, found = 0, list[IssueNumbers]()
    for since, sequence in sorted((issue.since or 0, issue.sequence) for issue in issues):
        if since > reached:
            # An issue without changes of its own must leave one gap, not two.
            first = found.pop()[0] if found and found[-1][1] == reached else reached + 1
            found.append((first, since))
        reached = max(reached, sequence)
    return tuple(found)

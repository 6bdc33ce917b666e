"""Whether a list is taken: by its signature, its date, and the issues of the same list that came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hashmatch.i18n import _
from hashmatch.records import ListHead

#: What speaks against a list, and what a person can accept.
ListFlaw = Literal["unsigned", "expired", "older"]
FLAWS: tuple[ListFlaw, ...] = ("unsigned", "expired", "older")

#: Numbers of issues from the first to the last of them, both included.
IssueNumbers = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ListIssue:
    """An issue of a list that came before. It brought all changes after `since` up to `sequence`; None: from the start."""

    since: int | None
    sequence: int


@dataclass(frozen=True, slots=True)
class ListObjection:
    """What speaks against a list. accepted: the person takes it all the same. The message is for a person."""

    flaw: ListFlaw
    message: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class ListAcceptance:
    """objections: see above. missing: numbers of issues that have not come, once this one is taken."""

    objections: tuple[ListObjection, ...] = ()
    missing: tuple[IssueNumbers, ...] = ()

    @property
    def refused(self) -> bool:
        return not all(objection.accepted for objection in self.objections)


def decide(
    head: ListHead, before: Iterable[ListIssue], now: str, accepted: frozenset[ListFlaw], *, lacks_signature: bool
) -> ListAcceptance:
    """Whether a list is taken. head: what it, or its signer, says of it. now: UTC, as records have it. lacks_signature: it
    has none where it should have one.

    before: the issues of the list of that name that came from the same signer, in any order. One that brings nothing that
    is missing, and is older than the newest of them, is refused: whoever can put an old list in the place of a new one
    could take retractions back so. The newest again is fine, and so is one that fills a gap.
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
        message = _("it is number {number}, and number {newest} has come already")
        object_to("older", message.format(number=head.sequence, newest=newest))
    return ListAcceptance(tuple(objections), missing([*issues, this]))


def missing(issues: Sequence[ListIssue]) -> tuple[IssueNumbers, ...]:
    """The numbers, from 1 to the newest, whose changes no issue brought."""
    reached, found = 0, list[IssueNumbers]()
    for since, sequence in sorted((issue.since or 0, issue.sequence) for issue in issues):
        if since > reached:
            # An issue that brought nothing leaves one gap, not two.
            first = found.pop()[0] if found and found[-1][1] == reached else reached + 1
            found.append((first, since))
        reached = max(reached, sequence)
    return tuple(found)

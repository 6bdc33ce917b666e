"""Which lists are accepted and which issues are missing, compared with a simple record of every number."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch.records import UNNAMED
from hashmatch.signing.acceptance import FLAWS, ListAcceptance, ListFlaw, ListIssue, decide, missing
from tests.support.signing_keys import NOW, of_file

NONE: frozenset[ListFlaw] = frozenset()
ALL = frozenset(FLAWS)

numbers = st.integers(0, 12)
issues = st.builds(
    lambda full, pair: ListIssue(None if full else min(pair), max(pair)), st.booleans(), st.tuples(numbers, numbers)
)


def decided(
    issue: ListIssue, before: Iterable[ListIssue], accepted: frozenset[ListFlaw] = NONE, expires: str | None = None
) -> ListAcceptance:
    head = of_file(since=issue.since, sequence=issue.sequence, expires=expires).head
    return decide(head, before, NOW, accepted, lacks_signature=False)


def flaws(decision: ListAcceptance) -> list[str]:
    return [objection.flaw for objection in decision.objections]


def covered(before: list[ListIssue]) -> set[int]:
    return {number for issue in before for number in range((issue.since or 0) + 1, issue.sequence + 1)}


@given(st.lists(issues, max_size=6), issues, st.permutations(range(6)))
@example([ListIssue(2, 2)], ListIssue(1, 1), list(range(6)))  # which adds nothing
def test_against_a_plain_account(before: list[ListIssue], issue: ListIssue, order: list[int]) -> None:
    decision = decided(issue, before)
    assert decision == decided(issue, [before[i] for i in order if i < len(before)])
    newest = max((each.sequence for each in before), default=0)
    brings = covered([issue]) - covered(before)
    assert (flaws(decision) == ["older"]) == (issue.sequence < newest and not brings)
    assert decision.refused == bool(flaws(decision))
    told = {number for first, last in decision.missing for number in range(first, last + 1)}
    assert told == set(range(1, max(newest, issue.sequence) + 1)) - covered([*before, issue])
    assert not decided(issue, before, ALL).refused


@given(st.lists(issues, max_size=6), issues)
def test_the_newest_twice_is_fine(before: list[ListIssue], issue: ListIssue) -> None:
    newest = ListIssue(issue.since, max(each.sequence for each in [issue, *before]))
    assert not decided(newest, [*before, newest]).refused


@given(st.integers(1, 8).flatmap(lambda count: st.permutations(range(count))))
def test_increments_in_any_order_are_taken_and_end_without_gaps(order: list[int]) -> None:
    before = list[ListIssue]()
    for number in order:
        issue = ListIssue(number, number + 1)
        assert not decided(issue, before).refused
        before.append(issue)
    assert missing(before) == ()


def test_examples() -> None:
    assert decided(ListIssue(None, 5), []) == ListAcceptance()
    assert decided(ListIssue(3, 5), []) == ListAcceptance((), ((1, 3),)), "an increment without what is below"
    assert decided(ListIssue(7, 9), [ListIssue(None, 5)]) == ListAcceptance((), ((6, 7),)), "a gap"
    gap = [ListIssue(None, 5), ListIssue(7, 9)]
    assert decided(ListIssue(5, 7), gap) == ListAcceptance(), "which is filled"
    assert flaws(decided(ListIssue(4, 5), gap)) == ["older"], "an increment replayed"
    old = decided(ListIssue(None, 4), [ListIssue(None, 5)])
    assert [objection.message for objection in old.objections] == [
        "it is number 4, but number 5 has already been imported"
    ]
    huge = ListIssue(2**63 - 2, 2**63 - 1)
    assert decided(huge, []).missing == ((1, 2**63 - 2),)


@pytest.mark.parametrize(("expires", "late"), [(None, False), (NOW, True), ("2026-11-26T12:00:01Z", False)])
def test_expiry(expires: str | None, late: bool) -> None:
    decision = decided(ListIssue(None, 1), [], NONE, expires)
    assert (flaws(decision) == ["expired"]) == decision.refused == late
    assert not decided(ListIssue(None, 1), [], frozenset({"expired"}), expires).refused


def test_every_flaw_is_told_and_each_is_accepted_by_itself() -> None:
    both = decided(ListIssue(None, 1), [ListIssue(None, 2)], frozenset({"expired"}), NOW)
    assert [(each.flaw, each.accepted) for each in both.objections] == [("expired", True), ("older", False)]
    assert both.refused


def test_without_a_signature_or_a_statement() -> None:
    def unsigned(*accepted: ListFlaw) -> ListAcceptance:
        return decide(UNNAMED, [ListIssue(None, 5)], NOW, frozenset(accepted), lacks_signature=True)

    assert flaws(unsigned()) == ["unsigned"]
    assert unsigned("expired", "older").refused
    assert not unsigned("unsigned").refused
    assert decide(UNNAMED, [ListIssue(None, 5)], NOW, NONE, lacks_signature=False) == ListAcceptance()

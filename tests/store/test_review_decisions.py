"""What people decided: whose word counts, what follows from it, and that none of it is lost or forged."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.records import Opinion
from hashmatch.store import Store, audit, curate, lookup, opinions, review_decisions, verify
from hashmatch.store.review_decisions import (
    DECISIONS,
    DecisionPair,
    ReviewerWord,
    Rules,
    Standing,
    Word,
    same_person,
    standing,
)
from tests.support.made_references import ME, actions, add, digests_of

FILE = digests_of(b"a file that was scanned").sha256


def say(
    store: Store, pair: DecisionPair, said: ReviewerWord, reviewer: str = "Anna", note: str | None = None
) -> Standing:
    with store.transaction() as connection:
        return review_decisions.decide(connection, ME, pair, said, reviewer, note)


def rule(store: Store, needed: int = 1, source: str = "unit 7") -> None:
    with store.transaction() as connection:
        review_decisions.set_rules(connection, ME, Rules(needed, source))


@pytest.fixture
def pair(store: Store) -> DecisionPair:
    reference_id, _outcome = add(store, "known")
    return DecisionPair(FILE, reference_id)


def said_of(store: Store, pair: DecisionPair) -> tuple[Opinion, ...]:
    return opinions.of(store.connection, pair.reference_id)


def words(*said: tuple[str, Any]) -> list[Word]:
    return [Word(n, DecisionPair(FILE, 1), what, who, None, f"2026-11-2{n}") for n, (who, what) in enumerate(said)]


class TestStanding:
    @pytest.mark.parametrize(
        ("said", "needed", "decision", "by", "in_force"),
        [
            ([], 1, None, (), False),
            ([("a", "confirmed")], 1, "confirmed", ("a",), True),
            ([("a", "confirmed")], 2, "confirmed", ("a",), False),
            ([("a", "confirmed"), ("b", "confirmed")], 2, "confirmed", ("b", "a"), True),
            ([("a", "confirmed"), ("a", "confirmed")], 2, "confirmed", ("a",), False),
            ([("Anna", "confirmed"), (" ANNA  ", "confirmed")], 2, "confirmed", (" ANNA  ",), False),
            ([("a", "confirmed"), ("b", "false-positive")], 2, "false-positive", ("b",), False),
            ([("a", "confirmed"), ("b", "false-positive")], 1, "false-positive", ("b",), True),
            ([("a", "confirmed"), ("b", "false-positive"), ("c", "confirmed")], 2, "confirmed", ("c",), False),
            ([("a", "confirmed"), ("b", "allow"), ("a", "allow")], 2, "allow", ("a", "b"), True),
            ([("a", "second-look")], 1, "second-look", ("a",), False),
            ([("a", "second-look"), ("b", "second-look")], 2, "second-look", ("b", "a"), False),
            ([("a", "second-look"), ("b", "confirmed")], 1, "confirmed", ("b",), True),
            ([("a", "confirmed"), ("b", "second-look")], 1, "second-look", ("b",), False),
            ([("a", "confirmed"), ("a", "withdrawn")], 1, None, (), False),
            ([("a", "confirmed"), ("b", "allow"), ("b", "withdrawn")], 1, "confirmed", ("a",), True),
        ],
    )
    def test_of_words(self, said: Any, needed: int, decision: str | None, by: Any, in_force: bool) -> None:
        found = standing(words(*said), needed)
        assert (found.decision, found.by, found.in_force) == (decision, by, in_force)

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from((*DECISIONS, "withdrawn")))), st.integers(1, 2))
    def test_what_counts_is_what_so_many_different_people_said_last(self, said: Any, needed: int) -> None:
        found = standing(words(*said), needed)
        last = dict(said)
        if found.in_force:
            assert found.decision in DECISIONS and found.decision != "second-look"
            assert len({same_person(each) for each in found.by}) >= needed
        assert all(last[each] == found.decision for each in found.by)
        assert (found.decision is None) == all(each == "withdrawn" for each in last.values())


class TestDecide:
    def test_is_kept_with_its_audit_entry(self, store: Store, pair: DecisionPair) -> None:
        found = say(store, pair, "false-positive", note="another flag")
        assert found.counts == "false-positive" and review_decisions.of_pair(store.connection, pair) == found
        entry = list(audit.entries(store))[-1]
        assert entry.action == "decide"
        assert json.loads(entry.detail) == {
            "sha256": FILE,
            "reference": pair.reference_id,
            "decision": "false-positive",
            "reviewer": "Anna",
            "note": "another flag",
            "in_force": "false-positive",
        }
        assert said_of(store, pair) == (), "of this file, and not of the reference"
        assert list(verify.check(store)) == []

    def test_words_are_only_added(self, store: Store, pair: DecisionPair) -> None:
        say(store, pair, "confirmed")
        for statement in ("UPDATE decision SET verdict = 'allow'", "DELETE FROM decision"):
            with pytest.raises(sqlite3.IntegrityError, match="only added"):
                store.connection.execute(statement)

    def test_is_noticed_when_it_is_forged(self, store: Store, pair: DecisionPair) -> None:
        say(store, pair, "confirmed")
        with sqlite3.connect(store.path) as raw:
            raw.execute(
                "INSERT INTO decision (sha256, reference_id, verdict, reviewer, at)"
                " VALUES (zeroblob(32), 1, 'allow', 'x', '')"
            )
        raw.close()
        assert any("decision" in line for line in verify.check(store))

    def test_all_or_nothing(self, store: Store, pair: DecisionPair) -> None:
        before = actions(store)
        with pytest.raises(CommandError, match="FOREIGN KEY"):
            say(store, DecisionPair(FILE, 999), "allow")
        assert actions(store) == before and list(review_decisions.words_after(store.connection, 0)) == []
        assert lookup.id_of_sha256(store.connection, FILE) is None


class TestOpinions:
    def test_confirmed_and_disputed_are_told_in_the_organisation_s_name(self, store: Store, pair: DecisionPair) -> None:
        rule(store)
        say(store, pair, "confirmed", note="case 12, seen at the port")
        (told,) = said_of(store, pair)
        assert (told.verdict, told.source, told.reason) == ("confirmed", "unit 7", None), "notes of a case stay here"
        say(store, pair, "dispute", note="a news photograph")
        (told,) = said_of(store, pair)
        assert (told.verdict, told.source, told.reason) == ("disputed", "unit 7", "a news photograph")

    def test_is_taken_back_with_the_last_decision_that_it_rests_on(self, store: Store, pair: DecisionPair) -> None:
        other = DecisionPair(digests_of(b"another").sha256, pair.reference_id)
        say(store, pair, "confirmed")
        say(store, other, "dispute", note="why")
        say(store, other, "withdrawn")
        assert [each.verdict for each in said_of(store, pair)] == ["confirmed"]
        say(store, pair, "false-positive")
        assert said_of(store, pair) == ()
        assert actions(store)[-2:] == ["decide", "opinion"]

    def test_waits_for_the_second_person(self, store: Store, pair: DecisionPair) -> None:
        rule(store, needed=2)
        say(store, pair, "confirmed")
        assert said_of(store, pair) == ()
        say(store, pair, "confirmed", "Ben")
        assert [each.source for each in said_of(store, pair)] == ["unit 7"]
        rule(store, needed=1)
        say(store, pair, "withdrawn", "Ben")
        assert [each.verdict for each in said_of(store, pair)] == ["confirmed"]
        rule(store, needed=2)
        assert said_of(store, pair) == (), "what was decided counts by the new rule"

    def test_those_of_others_stay(self, store: Store, pair: DecisionPair) -> None:
        with store.transaction() as connection:
            opinions.give(connection, ME, pair.reference_id, Opinion("disputed", "partner"))
        say(store, pair, "confirmed")
        say(store, pair, "withdrawn")
        assert [each.source for each in said_of(store, pair)] == ["partner"]


class TestAllow:
    def test_of_an_unknown_file(self, store: Store, pair: DecisionPair) -> None:
        rule(store)
        say(store, pair, "allow")
        number = lookup.id_of_sha256(store.connection, FILE)
        assert number is not None
        found = lookup.reference(store.connection, number)
        assert (
            found.allow
            and found.live
            and [(each.collection, each.source) for each in found.sources] == [("reviewed", "unit 7")]
        )
        assert (found.md5, found.kind, found.size) == (None, None, None), "nothing that was not verified"
        assert not lookup.reference(store.connection, pair.reference_id).allow
        say(store, pair, "withdrawn")
        assert not lookup.reference(store.connection, number).live
        say(store, pair, "allow")
        assert lookup.reference(store.connection, number).live, "and again"
        assert list(verify.check(store)) == []

    def test_ends_with_the_last_decision_that_says_so(self, store: Store, pair: DecisionPair) -> None:
        other = DecisionPair(FILE, add(store, "another")[0])
        say(store, pair, "allow")
        say(store, other, "allow")
        number = lookup.id_of_sha256(store.connection, FILE) or 0
        say(store, pair, "confirmed")
        assert lookup.reference(store.connection, number).live
        say(store, other, "withdrawn")
        assert not lookup.reference(store.connection, number).live

    def test_of_the_reference_itself(self, store: Store) -> None:
        reference_id, _outcome = add(store, "known")
        same = DecisionPair(digests_of(b"known").sha256, reference_id)
        say(store, same, "allow")
        assert lookup.reference(store.connection, reference_id).allow
        say(store, same, "withdrawn")
        found = lookup.reference(store.connection, reference_id)
        assert not found.allow and found.live

    def test_of_what_was_withdrawn(self, store: Store, pair: DecisionPair) -> None:
        say(store, pair, "allow")
        number = lookup.id_of_sha256(store.connection, FILE) or 0
        with store.transaction() as connection:
            curate.retract(connection, ME, number, "mistake")
        say(store, pair, "confirmed")
        assert not lookup.reference(store.connection, number).live


class TestRules:
    def test_are_those_of_the_database(self, store: Store) -> None:
        assert review_decisions.rules(store.connection) == Rules(1, "review")
        rule(store, 2)
        rule(store, 2)
        assert review_decisions.rules(store.connection) == Rules(2, "unit 7")
        assert actions(store) == ["review rules"], "what changes nothing is no entry"

    def test_allow_follows_the_rule(self, store: Store, pair: DecisionPair) -> None:
        rule(store, needed=2)
        say(store, pair, "allow")
        assert lookup.id_of_sha256(store.connection, FILE) is None
        rule(store, needed=1)
        assert lookup.id_of_sha256(store.connection, FILE) is not None

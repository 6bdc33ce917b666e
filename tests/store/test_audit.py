"""The audit trail: an entry for every change, in the change's own transaction, in a chain that shows tampering."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import pwd
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch import clock
from hashmatch.messages import Message
from hashmatch.records import Failure, Hash, ListItem
from hashmatch.store import (
    Store,
    audit,
    curate,
    hand_overs,
    list_entries,
    membership,
    open_store,
    prepared_entries,
    references,
)
from hashmatch.store.audit import ORIGIN, Actor
from hashmatch.store.membership import Membership
from hashmatch.version import __version__
from tests.support.made_references import ME, actions, add, add_entry, content, digests_of, measured, pdq

Change = Callable[[sqlite3.Connection], object]

AT = (b"/x", 1, 1)
ONE, TWO = Membership("one"), Membership("two")
LISTED = Membership("one", owner="unsigned", author="one", import_id=1)
WHEN = "2026-01-01T00:00:00Z"
HALF = ListItem(sha256=digests_of(b"digest only").sha256)

#: Every function that changes the reference set, with what it is to leave in the trail.
CHANGES: dict[str, tuple[Change, str, dict[str, object]]] = {
    "a new file": (
        lambda c: references.add_file(c, ME, measured("new"), AT, replace(ONE, labels=("l",), tlp="green")),
        "add",
        {"reference": 5, "collection": "one", "path": "/x", "labels": ["l"], "tlp": "green"},
    ),
    "a file into a second collection": (
        lambda c: references.add_file(c, ME, measured("live"), AT, TWO),
        "join",
        {"reference": 1, "collection": "two"},
    ),
    "a file with other hashes": (
        lambda c: references.add_file(c, ME, measured("live", (pdq("x", version=2),), recipe="new"), AT, ONE),
        "rehash",
        {"reference": 1, "decoding": "new"},
    ),
    "a file that failed before": (
        lambda c: references.add_file(c, ME, measured("failed"), AT, ONE),
        "rehash",
        {"reference": 3},
    ),
    "a file that only a digest was known of": (
        lambda c: references.add_file(c, ME, measured("digest only"), AT, ONE),
        "rehash",
        {"reference": 4},
    ),
    "a new label by indexing again": (
        lambda c: membership.join(c, ME, 1, replace(ONE, labels=("new",))),
        "join",
        {"reference": 1, "labels": ["new"]},
    ),
    "allowing by indexing again": (
        lambda c: membership.join(c, ME, 1, replace(ONE, allow=True)),
        "join",
        {"reference": 1, "allow": True},
    ),
    "a digest on our word": (
        lambda c: references.add_digest(c, ME, "0" * 64, ONE),
        "add",
        {"reference": 5, "collection": "one"},
    ),
    "a retraction in a list": (
        lambda c: list_entries.add_items(c, ME, [prepared_entries.entry_of(HALF, replace(LISTED, retracted=WHEN))]),
        "retract",
        {"reference": 4, "collection": "one", "owner": "unsigned", "retracted": WHEN},
    ),
    "a hand-over": (
        lambda c: hand_overs.hand_over(c, ME, "old", "new", None),
        "hand over",
        {"old": "old", "new": "new", "statement": None},
    ),
    "a collection": (
        lambda c: membership.ensure_collection(c, ME, Membership("three"), "red"),
        "collection",
        {"collection": "three", "tlp": "red"},
    ),
    "a collection's rule": (
        lambda c: curate.set_collection(c, ME, "one", "amber", "note"),
        "collection",
        {"collection": "one", "tlp": "amber", "note": "note"},
    ),
    "labels": (
        lambda c: curate.set_labels(c, ME, 1, ["b", "c"], ["a"]),
        "label",
        {"reference": 1, "add": ["b", "c"], "remove": ["a"]},
    ),
    "a retraction": (
        lambda c: curate.retract(c, ME, 1, "why", "one"),
        "retract",
        {"reference": 1, "reason": "why", "collection": "one"},
    ),
    "a retraction everywhere": (
        lambda c: curate.retract(c, ME, 1, None),
        "retract",
        {"reference": 1, "reason": None, "collection": None},
    ),
    "a restoration": (lambda c: curate.restore(c, ME, 2), "restore", {"reference": 2}),
    "the allow list": (lambda c: curate.set_allow(c, ME, 1, True), "allow", {"reference": 1}),
}


@pytest.fixture
def known(store: Store) -> Store:
    """1 is live, 2 retracted, 3 could not be decoded, of 4 a list told the digest only."""
    add(store, "live", labels=("a",))
    add(store, "retracted")
    add(store, measured("failed", (), error=Failure("corrupt", Message.literal("broken"))))
    add_entry(store, HALF)
    with store.transaction() as connection:
        curate.retract(connection, ME, 2, None)
    return store


class TestEntries:
    @pytest.mark.parametrize("name", CHANGES)
    def test_every_change_leaves_one(self, known: Store, name: str) -> None:
        change, action, detail = CHANGES[name]
        before, entries = content(known, "audit"), list(audit.entries(known))
        with known.transaction() as connection:
            change(connection)
        assert content(known, "audit") != before
        added = list(audit.entries(known))[len(entries) :]
        (entry,) = [entry for entry in added if entry.action == action]
        assert (entry.operator, entry.command, entry.version) == ("tester", "test", __version__)
        assert detail.items() <= json.loads(entry.detail).items()
        assert list(audit.check(known)) == []

    @pytest.mark.parametrize("name", CHANGES)
    def test_is_rolled_back_with_the_change(self, known: Store, name: str) -> None:
        before = content(known)
        with pytest.raises(RuntimeError), known.transaction() as connection:
            CHANGES[name][0](connection)
            raise RuntimeError
        assert content(known) == before

    def test_what_changes_nothing_leaves_none(self, known: Store) -> None:
        before = content(known)
        with known.transaction() as connection:
            membership.join(connection, ME, 1, ONE)
            membership.join(connection, ME, 2, ONE)
            membership.ensure_collection(connection, ME, ONE, "red")
            curate.restore(connection, ME, 1)
            curate.retract(connection, ME, 2, "again")
            curate.set_allow(connection, ME, 1, False)
        assert content(known) == before

    def test_members_of_an_import_point_to_it_instead(self, known: Store) -> None:
        before = actions(known)
        add_entry(known, ListItem(md5="0" * 32, hashes=(Hash("pdq", bytes(32)),)), import_id=1)
        assert actions(known) == before
        (row,) = known.connection.execute("SELECT import_id FROM membership WHERE reference_id = 5").fetchall()
        assert row == (1,)

    def test_undecodable_names_can_be_recorded(self, known: Store) -> None:
        with known.transaction() as connection:
            membership.join(connection, ME, 1, TWO, path=b"/\xff\n\x1b")
        entry = list(audit.entries(known))[-1]
        assert entry.detail.isascii()
        assert json.loads(entry.detail)["path"].encode("utf-8", "surrogateescape") == b"/\xff\n\x1b"
        assert list(audit.check(known)) == []

    def test_entries_after_one(self, known: Store) -> None:
        whole = list(audit.entries(known))
        assert [entry.id for entry in whole] == list(range(1, len(whole) + 1))
        assert list(audit.entries(known, after=2)) == whole[2:]

    def test_who_is_the_user_of_the_process_whatever_the_environment_says(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.setenv(name, "somebody")
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = f"uid {os.getuid()}"
        assert Actor.current("index") == Actor(name, "index")

    def test_now_is_utc_to_the_second(self) -> None:
        from datetime import UTC, datetime

        read = datetime.strptime(clock.now(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert abs((datetime.now(UTC) - read).total_seconds()) < 5


class TestChain:
    def test_each_continues_the_one_before(self, known: Store) -> None:
        entries = list(audit.entries(known))
        assert entries[0].previous == ORIGIN
        for one, following in itertools.pairwise(entries):
            assert following.previous == one.digest
        assert len({entry.digest for entry in entries}) == len(entries) > 4

    def test_digest_is_what_the_documentation_says(self, known: Store) -> None:
        # So that others can check a trail without this program: SHA-256 over a JSON array, without spaces, in ASCII.
        for entry in audit.entries(known):
            fields = [entry.at, entry.operator, entry.version, entry.command, entry.action, entry.detail]
            text = json.dumps([*fields, entry.previous.hex()], separators=(",", ":"))
            assert hashlib.sha256(text.encode("ascii")).digest() == entry.digest

    def test_entries_can_be_neither_changed_nor_deleted(self, known: Store) -> None:
        for statement in (
            "UPDATE audit SET operator = 'nobody'",
            "DELETE FROM audit",
            "DELETE FROM audit WHERE id = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                known.connection.execute(statement)
        assert list(audit.check(known)) == []


def tampered(store: Store, path: Path, script: str) -> list[str]:
    """What `check` says after somebody has worked on the file by hand."""
    store.close()
    raw = sqlite3.connect(path)
    raw.executescript(
        "DROP TRIGGER audit_is_append_only_update; DROP TRIGGER audit_is_append_only_delete; " + script + ";"
    )
    raw.commit()
    raw.close()
    with open_store(path) as again:
        return list(audit.check(again))


class TestTampering:
    @pytest.mark.parametrize("field", ["at", "operator", "version", "command", "action", "detail"])
    @pytest.mark.parametrize("number", [1, 3, "last"])
    def test_an_altered_entry(self, known: Store, path: Path, field: str, number: int | str) -> None:
        number = len(actions(known)) if number == "last" else number
        told = tampered(known, path, f"UPDATE audit SET {field} = {field} || ' ' WHERE id = {number}")
        assert told == [f"audit entry {number} was altered"]

    def test_text_moved_from_one_field_to_the_next(self, known: Store, path: Path) -> None:
        told = tampered(known, path, "UPDATE audit SET operator = operator || command, command = '' WHERE id = 2")
        assert told == ["audit entry 2 was altered"]

    def test_an_altered_entry_with_a_fitting_digest(self, known: Store, path: Path) -> None:
        entry = list(audit.entries(known))[2]
        fields = [entry.at, "somebody else", entry.version, entry.command, entry.action, entry.detail]
        text = json.dumps([*fields, entry.previous.hex()], separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        told = tampered(
            known, path, f"UPDATE audit SET operator = 'somebody else', digest = x'{digest}' WHERE id = {entry.id}"
        )
        assert told == [f"audit entry {entry.id + 1} does not continue the one before it"]

    @pytest.mark.parametrize("number", [1, 2, 4])
    def test_a_removed_entry(self, known: Store, path: Path, number: int) -> None:
        told = tampered(known, path, f"DELETE FROM audit WHERE id = {number}")
        assert f"audit entry {number} is missing; {number + 1} follows" in told
        assert f"audit entry {number + 1} does not continue the one before it" in told

    def test_a_removed_entry_whose_gap_was_closed(self, known: Store, path: Path) -> None:
        told = tampered(known, path, "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3")
        assert told == ["audit entry 3 does not continue the one before it"]

    def test_entries_in_another_order(self, known: Store, path: Path) -> None:
        swap = "UPDATE audit SET id = -2 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;"
        told = tampered(known, path, swap + "UPDATE audit SET id = 3 WHERE id = -2")
        assert [line.split()[2] for line in told] == ["2", "3", "4"]

    def test_a_forged_entry(self, known: Store, path: Path) -> None:
        columns = "at, operator, version, command, action, detail, previous"
        told = tampered(
            known,
            path,
            f"INSERT INTO audit ({columns}, digest) SELECT {columns}, randomblob(32) FROM audit ORDER BY id DESC LIMIT 1",
        )
        assert len(told) == 2

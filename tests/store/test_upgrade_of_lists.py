"""A reference set that commit 045678e made, with lists of a partner who signs, of one who does not, and of an interface.

After the upgrade it knows all that it knew, and whose word each of it is.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.store import Store, allow_list, backup, curate, lookup, open_store, verify
from hashmatch.store.audit import Actor
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import export
from tests.support.made_references import ME

#: As SQLite dumps it. Three pictures were indexed here, one of them as allowed. Five are North's: North withdrew one of them
#: after people here had doubted it, and one is doubted here only. West sent a digest into our own collection, unsigned, and
#: two that it would allow. A person allowed a list of known good files. ThreatExchange knows one. List "east" went out.
DUMP = Path(__file__).with_name("made_by_045678e.sql")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "reference.db"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP.read_text("utf-8"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


@pytest.fixture
def upgraded(old: Path, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "reference.db"
    path.write_bytes(old.read_bytes())
    with open_store(path, write=True) as store:
        yield store


def words(store: Store, reference_id: int) -> list[tuple[str, str, str]]:
    """Each word on a reference: whose, in which collection, and what it says."""
    sources = lookup.reference(store.connection, reference_id).sources
    return [(each.owner[:10], each.collection, each.opinion) for each in sources]


def test_it_was_sound_and_is(old: Path, upgraded: Store, tmp_path: Path) -> None:
    with open_store(old, even_damaged=True) as store:
        assert store.connection.execute("PRAGMA user_version").fetchone() == (7,)
        assert list(verify.check(store)) == []
    assert list(verify.check(upgraded)) == []
    assert upgraded.connection.execute("PRAGMA foreign_key_check").fetchall() == []
    backup.write(upgraded, tmp_path / "copy.db")


def test_all_references_hashes_and_lists_are_there(old: Path, upgraded: Store) -> None:
    counts = lookup.counts(upgraded.connection)
    with open_store(old, even_damaged=True) as store:
        for table in (
            "reference",
            "hash",
            "location",
            "label",
            "import",
            "opinion",
            "published",
            "audit",
            "provenance",
        ):
            (before,) = store.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert upgraded.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (before,), table
    assert (counts["references"], counts["lists_read"], counts["lists_written"]) == (13, 5, 1)


def test_each_word_has_its_owner(upgraded: Store) -> None:
    (north,) = {
        each.owner for number in (4, 5, 6, 7, 8) for each in lookup.reference(upgraded.connection, number).sources
    }
    assert north.startswith("RW")
    assert words(upgraded, 1) == [("", "default", "malicious")]
    assert words(upgraded, 6) == [(north[:10], "default", "malicious")]
    assert words(upgraded, 9) == [("unsigned", "default", "malicious")]
    assert words(upgraded, 10) == [("unsigned", "west", "benign")]
    assert words(upgraded, 13) == [("interface:", "ThreatExchange", "confirmed")]
    (said,) = lookup.reference(upgraded.connection, 9).opinions
    assert (said.source, said.verdict, said.author) == ("review", "disputed", "unsigned:default")


def test_what_people_took_back_stays_so_beside_the_sources_word(upgraded: Store) -> None:
    rows = upgraded.connection.execute(
        "SELECT reference_id, retracted IS NOT NULL, retraction_reason, taken_back IS NOT NULL, taken_back_reason"
        " FROM membership WHERE reference_id IN (4, 5) ORDER BY 1"
    ).fetchall()
    assert rows == [(4, 1, "North's mistake", 1, "we doubted it first"), (5, 0, None, 1, "we doubt it")]
    live = lookup.live(upgraded.connection, list(range(1, 14)))
    assert live == [1, 2, 3, *range(6, 14)]


def test_what_a_person_allowed_counts_and_what_lists_would_waits(upgraded: Store) -> None:
    state = {each.id: (each.allow, each.pending) for each in lookup.references(upgraded.connection) if each.allow}
    assert state[3] == (True, False), "indexed with --allow"
    assert state[10] == state[11] == (True, True)
    waiting = {word.reference for word in allow_list.pending(upgraded.connection)}
    assert {10, 11} <= waiting and 3 not in waiting


def test_a_list_that_went_out_before_is_remembered(upgraded: Store) -> None:
    with upgraded.transaction() as connection:
        curate.set_collection(connection, ME, "default", tlp="red")
    chosen = ExportSelection(collections=("default",), since=1)
    out = io.BytesIO()
    report = export(upgraded, Actor.current("export"), out, "jsonl", chosen, "east")
    assert (report.head.sequence, report.written, report.withdrawn) == (2, 7, 7)
    entries = [json.loads(line) for line in out.getvalue().splitlines()[1:]]
    assert {each["retraction_reason"] for each in entries} == {"no longer shared"}
    assert {each["tlp"] for each in entries} == {"green"}

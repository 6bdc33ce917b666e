"""The tables, their rules, and the marks on the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from hashmatch.store import Store, open_store, schema
from hashmatch.store.database import APPLICATION_ID, VERSION
from tests.support.made_references import add


def pragma(store: Store, name: str) -> object:
    return store.connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_application_id_is_readable() -> None:
    assert APPLICATION_ID.to_bytes(4, "big") == b"Hmch"


def test_version_is_the_number_of_migrations() -> None:
    database = Database(memory=True)
    assert len(schema.migrations.pending(database)) == VERSION
    database.close()


def test_file_is_marked_as_ours(store: Store, path: Path) -> None:
    assert pragma(store, "application_id") == APPLICATION_ID
    assert pragma(store, "user_version") == VERSION
    add(store, "a")
    store.close()
    header = path.read_bytes()[:100]
    assert header[68:72] == b"Hmch"  # where file(1) and others look
    assert int.from_bytes(header[60:64], "big") == VERSION


def test_file_is_in_wal_mode_with_foreign_keys(store: Store) -> None:
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "synchronous") == 1  # NORMAL: enough with WAL, see facts


def test_every_table_of_ours_is_strict(store: Store) -> None:
    tables = {
        name: strict
        for _schema, name, kind, _columns, _without_rowid, strict in store.connection.execute("PRAGMA table_list")
        if kind == "table" and not name.startswith(("sqlite_", "_sqlite"))
    }
    assert {"reference", "membership", "collection", "hash", "label", "location", "import", "audit"} <= set(tables)
    assert {"row_digest", "common_hash"} <= set(tables)
    assert set(tables.values()) == {1}


def test_opening_again_changes_nothing(store: Store, path: Path) -> None:
    before = list(store.connection.iterdump())
    store.close()
    with open_store(path, write=True) as again:
        assert list(again.connection.iterdump()) == before


GOOD_REFERENCE = {"identity": bytes(32), "added": "2026-01-01T00:00:00Z"}


def insert(store: Store, table: str, **values: object) -> int | None:
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = store.connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', tuple(values.values()))
    return cursor.lastrowid


@pytest.mark.parametrize(
    "values",
    [
        {"identity": bytes(31)},
        {"identity": None},
        {"sha256": bytes(20)},
        {"sha1": bytes(32)},
        {"md5": bytes(20)},
        {"kind": "sound"},
        {"size": -1},
        {"size": "many"},
        {"partial": 2},
        {"allow": 2},
        {"allow": None},
        {"added": None},
        {"md5": "d41d8cd98f00b204e9800998ecf8427e"},  # text where bytes belong
    ],
    ids=str,
)
def test_bad_references_are_refused(store: Store, values: dict[str, object]) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "reference", **GOOD_REFERENCE | values)
    insert(store, "reference", **GOOD_REFERENCE)


@pytest.mark.parametrize("column", ["identity", "sha256"])
def test_a_reference_is_there_once(store: Store, column: str) -> None:
    insert(store, "reference", **GOOD_REFERENCE | {column: bytes(32)})
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "reference", **GOOD_REFERENCE | {"identity": b"\1" * 32, column: bytes(32)})


@pytest.mark.parametrize(
    "values",
    [
        {"count": 0, "bits": b"", "quality": b""},
        {"bits": bytes(33)},
        {"quality": bytes(3)},
        {"time": bytes(7)},
        {"reference_id": 2},
        {"recipe_id": 2},
        {"view": None},
        {"points": bytes(4 + 6 * 2 - 1)},
        {"points": b""},
    ],
    ids=str,
)
def test_bad_hashes_are_refused(store: Store, values: dict[str, object]) -> None:
    insert(store, "reference", **GOOD_REFERENCE)
    insert(store, "recipe", decoding="x", version=1)
    good = {"reference_id": 1, "algorithm": "pdq", "recipe_id": 1, "count": 2, "bits": bytes(64), "quality": bytes(2)}
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "hash", **good | values)
    insert(store, "hash", **good)
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "hash", **good)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("collection", {"name": "", "created": "now"}),
        ("collection", {"name": "x", "created": "now", "tlp": "white"}),
        ("membership", {"reference_id": 1, "collection_id": 9, "added": "now"}),
        ("membership", {"reference_id": 9, "collection_id": 1, "added": "now"}),
        ("membership", {"reference_id": 1, "collection_id": 1, "added": "now", "tlp": "GREEN"}),
        ("membership", {"reference_id": 1, "collection_id": 1, "added": "now", "import_id": 9}),
        ("label", {"reference_id": 1, "name": ""}),
        ("label", {"reference_id": 9, "name": "x"}),
        ("location", {"path": b"/x", "reference_id": 9, "size": 1, "mtime_ns": 1, "seen": "now"}),
        ("location", {"path": "/x", "reference_id": 1, "size": 1, "mtime_ns": 1, "seen": "now"}),
        ("common_hash", {"algorithm": "pdq", "bits": bytes(32), "found": 100}),
        ("common_hash", {"algorithm": "pdq", "bits": "text", "found": 100, "added": "now"}),
        ("import", {"name": "x", "format": "csv", "sha256": bytes(32), "collection_id": 9, "items": 0, "refused": 0}),
    ],
    ids=str,
)
def test_other_bad_rows_are_refused(store: Store, table: str, values: dict[str, object]) -> None:
    insert(store, "reference", **GOOD_REFERENCE)
    insert(store, "collection", name="one", created="now")
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, table, **values)


def test_a_common_hash_is_noted_once(store: Store) -> None:
    note = {"algorithm": "pdq", "bits": bytes(32), "found": 100, "added": "now"}
    insert(store, "common_hash", **note)
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, "common_hash", **note | {"found": 101})


@pytest.mark.parametrize("column", ["reference_id", "algorithm", "count", "bits", "quality", "time", "points"])
def test_hashes_are_replaced_and_not_changed(store: Store, column: str) -> None:
    add(store, "a")
    with pytest.raises(sqlite3.IntegrityError, match="hashes are replaced, not changed"):
        store.connection.execute(f"UPDATE hash SET {column} = {column}")


def test_what_is_referred_to_cannot_be_deleted(store: Store) -> None:
    add(store, "a")
    for table in ("reference", "collection", "recipe"):
        with pytest.raises(sqlite3.IntegrityError):
            store.connection.execute(f"DELETE FROM {table}")


def test_live_references_are_those_with_a_membership_that_stands(store: Store) -> None:
    for name in ("live", "retracted", "half"):
        add(store, name)
    add(store, "half", collection="two")
    store.connection.execute(
        "UPDATE membership SET retracted = 'now' WHERE collection_id = 1 AND reference_id IN (2, 3)"
    )
    assert [row[0] for row in store.connection.execute("SELECT id FROM live_reference ORDER BY id")] == [1, 3]

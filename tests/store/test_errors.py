"""SQLite's errors in a line for a person, each raised by SQLite itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hashmatch.store import Store
from hashmatch.store.database import explain, malformed, primary_code
from tests.support.made_references import add


def raised_by(act: Callable[[], object]) -> sqlite3.DatabaseError:
    with pytest.raises(sqlite3.DatabaseError) as caught:
        act()
    return caught.value


def busy(path: Path) -> None:
    """Two writers; the second one does not wait."""
    first, second = sqlite3.connect(path, isolation_level=None), sqlite3.connect(path, timeout=0, isolation_level=None)
    first.execute("BEGIN IMMEDIATE")
    try:
        second.execute("BEGIN IMMEDIATE")
    finally:
        first.close()
        second.close()


def outdated(path: Path) -> None:
    """A reader that begins to write after somebody else has written."""
    first, second = sqlite3.connect(path, isolation_level=None), sqlite3.connect(path, timeout=0, isolation_level=None)
    second.execute("BEGIN")
    second.execute("SELECT count(*) FROM label").fetchone()
    first.execute("CREATE TABLE other (x)")
    try:
        second.execute("CREATE TABLE another (x)")
    finally:
        first.close()
        second.close()


def locked(path: Path) -> None:
    """A table that is still read by the same connection."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("CREATE TABLE other (x); INSERT INTO other VALUES (1), (2)")
    rows = connection.execute("SELECT x FROM other")
    rows.fetchone()
    try:
        connection.execute("DROP TABLE other")
    finally:
        rows.close()
        connection.close()


def full(path: Path) -> None:
    connection = sqlite3.connect(path)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        connection.execute("CREATE TABLE other AS SELECT zeroblob(1000000)")
    finally:
        connection.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"a text file that is longer than a header" * 100)
    connection = sqlite3.connect(path)
    try:
        connection.execute("SELECT * FROM sqlite_master")
    finally:
        connection.close()


def corrupt(path: Path) -> None:
    """The page of a table is overwritten."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root, page = (
        connection.execute(query).fetchone()[0]
        for query in ("SELECT rootpage FROM sqlite_master WHERE name = 'reference'", "PRAGMA page_size")
    )
    connection.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * page : root * page] = b"\xff" * page
    path.write_bytes(data)
    connection = sqlite3.connect(path)
    try:
        connection.execute("SELECT count(md5) FROM reference NOT INDEXED").fetchone()
    finally:
        connection.close()


def read_only(path: Path) -> None:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("CREATE TABLE other (x)")
    finally:
        connection.close()


def missing_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("SELECT * FROM no_table")
    finally:
        connection.close()


def text_that_is_none(path: Path) -> None:
    """Which Python's module finds, and not SQLite."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("SELECT CAST(x'ff' AS TEXT)").fetchone()
    finally:
        connection.close()


def argument_that_is_no_text(path: Path) -> None:
    """As row_digests.py meets it in a damaged row."""
    connection = sqlite3.connect(path)
    connection.create_function("made_of", 1, str)
    try:
        connection.execute("SELECT made_of(CAST(x'ff' AS TEXT))").fetchone()
    finally:
        connection.close()


def against_a_rule(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("INSERT INTO collection (name, created) VALUES ('', 'now')")
    finally:
        connection.close()


BUSY = "another process has been writing to it for 30 s; try again"


@pytest.mark.parametrize(
    ("act", "code", "expected"),
    [
        (busy, sqlite3.SQLITE_BUSY, BUSY),
        (outdated, sqlite3.SQLITE_BUSY_SNAPSHOT, BUSY),
        (locked, sqlite3.SQLITE_LOCKED, BUSY),
        (full, sqlite3.SQLITE_FULL, "the disk is full; everything reported as done is kept"),
        (no_database, sqlite3.SQLITE_NOTADB, "it is not a hashmatch database"),
        (corrupt, sqlite3.SQLITE_CORRUPT, "it is damaged (database disk image is malformed)"),
        (read_only, sqlite3.SQLITE_READONLY, "it is read-only"),
        (
            missing_table,
            sqlite3.SQLITE_ERROR,
            "it is damaged (no such table: no_table); `hashmatch verify` tells where",
        ),
        (
            argument_that_is_no_text,
            sqlite3.SQLITE_ERROR,
            "it is damaged (user-defined function raised exception); `hashmatch verify` tells where",
        ),
        (
            against_a_rule,
            sqlite3.SQLITE_CONSTRAINT_CHECK,
            "CHECK constraint failed: length(name) > 0",
        ),
    ],
)
def test_by_code(store: Store, path: Path, act: Callable[[Path], None], code: int, expected: str) -> None:
    add(store, "a")
    store.close()
    error = raised_by(lambda: act(path))
    assert error.sqlite_errorcode == code
    assert primary_code(error) == code & 0xFF
    assert str(explain(error, path)) == f"database {path}: {expected}"


def test_text_that_only_python_complains_of(store: Store, path: Path) -> None:
    error = raised_by(lambda: text_that_is_none(path))
    assert primary_code(error) is None
    assert str(explain(error)).startswith("database : it is damaged (Could not decode to UTF-8 column")
    broken = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert "it is damaged ('utf-8' codec can't decode" in str(explain(broken))


def test_a_message_alone_says_nothing() -> None:
    """Whatever a text contains, the code decides."""
    for text in ("the label 'full' is locked", "not a database", "readonly", "malformed"):
        error = sqlite3.IntegrityError(text)
        error.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT_TRIGGER
        assert str(explain(error)) == f"database : {text}"


def test_damage_that_only_we_see() -> None:
    error = malformed("rows are out of order")
    assert str(explain(error)) == "database : it is damaged (database disk image is malformed: rows are out of order)"

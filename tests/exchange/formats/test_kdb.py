"""The `kdb` format, checked with SQLite itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport, get
from hashmatch.records import LineRemark, ListItem
from tests.support.list_items import ALL, MD5, PICTURE, SHA1, SHA256, items, items_of, patient, read, write

KDB = get("kdb")


def made(tmp_path: Path, *statements: str, like: bytes | None = None) -> bytes:
    path = tmp_path / "made.kdb"
    path.write_bytes(write(KDB, [])[0] if like is None else like)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))
    return path.read_bytes()


def test_the_tables_are_those_of_the_sleuth_kit(tmp_path: Path) -> None:
    path = tmp_path / "list.kdb"
    path.write_bytes(write(KDB, [replace(PICTURE, paths=(b"a", b"\xff"), note="n")], ALL)[0])
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        assert connection.execute("SELECT * FROM db_properties").fetchall() == [(b"Schema Version", b"1")]
        digests = tuple(map(bytes.fromhex, (MD5, SHA1, SHA256)))
        assert connection.execute("SELECT * FROM hashes").fetchall() == [(1, *digests)]
        assert connection.execute("SELECT * FROM file_names").fetchall() == [(b"a", 1), (b"\xff", 1)]
        assert connection.execute("SELECT typeof(name) FROM file_names").fetchall() == [(b"text",)] * 2
        assert connection.execute("SELECT * FROM comments").fetchall() == [(b"n", 1)]


def test_names_and_notes_are_withheld_unless_asked_for() -> None:
    data, _report = write(KDB, [replace(PICTURE, paths=(b"secret-name",), note="secret-note")])
    assert b"secret" not in data
    assert items_of(KDB, data) == [ListItem(md5=MD5, sha1=SHA1, sha256=SHA256)]


def test_an_entry_is_known_by_its_md5_and_once() -> None:
    other = replace(PICTURE, sha256=None, paths=(b"b",))
    listed = [other, replace(PICTURE, paths=(b"a",)), replace(PICTURE, md5=None), replace(PICTURE, allow=True)]
    listed.append(replace(PICTURE, retracted="2026-11-21T19:00:00Z"))
    data, report = write(KDB, listed, ALL)
    assert report == WriteReport(2, 1, 1, 1, 0)
    assert items_of(KDB, data) == [ListItem(md5=MD5, sha1=SHA1, paths=(b"b", b"a"))]


@patient
@given(listed=st.lists(items, max_size=4, unique_by=lambda item: item.md5))
def test_round_trip(listed: list[ListItem]) -> None:
    data, report = write(KDB, listed, ALL)
    kept = [item for item in listed if item.md5 and not item.retracted and not item.allow]
    found = items_of(KDB, data)
    # Later rules may leave out more (see `write_plain`). Whatever is left out is never written.
    assert report.written == len(found) <= len(kept)
    by_digest = {item.md5: item for item in kept}
    for item in found:
        wanted = by_digest[item.md5]
        assert (item.sha1, item.sha256, item.note) == (wanted.sha1, wanted.sha256, wanted.note)
        assert set(item.paths) == set(wanted.paths)


def test_digests_stored_as_text_and_broken_ones(tmp_path: Path) -> None:
    data = made(
        tmp_path,
        f"INSERT INTO hashes VALUES (1, '{MD5.upper()}', NULL, NULL), (2, x'00', NULL, NULL), (5, NULL, 7, NULL)",
        "INSERT INTO hashes VALUES (6, NULL, NULL, NULL), (9, zeroblob(16), x'', NULL)",
        "INSERT INTO file_names VALUES ('of none', 3), ('a', 9), ('b', 9), (x'', 9), (x'6100', 9), ('c', 'nine')",
        "INSERT INTO comments VALUES (x'ff', 9), ('\n', 1)",
    )
    found, bad = read(KDB, data)
    assert found == {
        1: ListItem(md5=MD5, note="\n"),
        5: ListItem(md5="0" * 32, paths=(b"a", b"b"), note="\\xff"),
    }
    assert set(bad) == {2, 3, 4}


def test_without_names_and_comments(tmp_path: Path) -> None:
    data = made(tmp_path, "DROP TABLE comments", "DROP TABLE file_names", like=write(KDB, [PICTURE], ALL)[0])
    assert items_of(KDB, data) == [ListItem(md5=MD5, sha1=SHA1, sha256=SHA256)]


def test_an_entry_with_very_many_names_is_no_trap(tmp_path: Path) -> None:
    names = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    data = made(
        tmp_path, f"{names} INSERT INTO file_names SELECT 'name ' || i, 1 FROM n", like=write(KDB, [PICTURE])[0]
    )
    (item,) = items_of(KDB, data)
    assert len(item.paths) == 100


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_log_beside_the_list_is_told_and_left_alone(tmp_path: Path, end: str) -> None:
    path = tmp_path / "list.kdb"
    path.write_bytes(write(KDB, [PICTURE])[0])
    log = tmp_path / f"list.kdb{end}"
    log.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    with path.open("rb") as file:
        remark, entry = KDB.read(file)
    assert isinstance(remark, LineRemark) and f"list.kdb{end}" in remark.message
    assert entry[1].md5 == MD5  # type: ignore[index]
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before

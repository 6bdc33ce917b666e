"""SQLite files that were made to do harm, or are damaged."""

from __future__ import annotations

import random
import sqlite3
import struct
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from hashmatch.exchange import get
from hashmatch.records import BadLine, ListItem
from tests.support.list_items import MD5, items_of, read, write

KDB, RDS = get("kdb"), get("rds")

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS md5, i AS sha1, i AS sha256 FROM n"
)


def made(path: Path, script: str) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path.read_bytes()


def test_bytes_that_are_no_sqlite() -> None:
    assert read(KDB, b"") == read(RDS, b"SQLite format 4\0") == ({}, {1: "not an SQLite file"})
    assert list(read(KDB, b"SQLite format 3\0" + bytes(999))[1]) == [1]


def test_a_file_is_read_in_place_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "%20 \udcff?#"
    folder.mkdir()
    path = folder / "a ?mode=rwc&x.kdb"
    data = write(KDB, [ListItem(md5=MD5)])[0]
    # The state in which a program with a write-ahead log leaves it.
    path.write_bytes(data[:18] + b"\2\2" + data[20:])
    path.chmod(0o400)
    folder.chmod(0o500)
    try:
        with path.open("rb") as file:
            assert list(KDB.read(file)) == [(1, ListItem(md5=MD5))]
        assert [each.name for each in folder.iterdir()] == [path.name]
    finally:
        folder.chmod(0o700)


def test_a_stream_that_is_no_file_or_not_at_its_start(tmp_path: Path) -> None:
    data = write(KDB, [ListItem(md5=MD5)])[0]
    assert items_of(KDB, data) == [ListItem(md5=MD5)]
    path = tmp_path / "list"
    path.write_bytes(b"head" + data)
    with path.open("rb") as file:
        file.seek(4)
        assert list(KDB.read(file)) == [(1, ListItem(md5=MD5))]


@pytest.mark.parametrize(
    "script",
    [
        f"CREATE VIEW METADATA AS {ENDLESS}",
        f"CREATE VIEW FILE AS {ENDLESS}",
        "CREATE VIRTUAL TABLE METADATA USING fts5(md5, sha1, sha256)",
        "CREATE VIRTUAL TABLE FILE USING rtree(sha1, md5, sha256)",
    ],
)
def test_views_and_virtual_tables_are_not_read(tmp_path: Path, script: str) -> None:
    found, bad = read(RDS, made(tmp_path / "x.db", script))
    assert found == {} and len(bad) == 1


def test_an_endless_view_in_the_place_of_a_table_comes_to_an_end(tmp_path: Path) -> None:
    view = ENDLESS.replace(
        "i AS md5, i AS sha1, i AS sha256", "i AS id, i AS rowid, i AS md5, i AS sha1, i AS sha2_256"
    )
    found, bad = read(KDB, made(tmp_path / "x.db", f"CREATE VIEW hashes AS {view}"))
    assert not found and bad


@pytest.mark.slow
def test_a_computed_column_cannot_fill_the_memory(tmp_path: Path) -> None:
    table = "CREATE TABLE METADATA (a INT, md5 TEXT GENERATED ALWAYS AS (hex(zeroblob(a))), sha1 TEXT, sha256 TEXT)"
    data = made(tmp_path / "x.db", f"{table}; INSERT INTO METADATA (a, sha1) VALUES (400000000, '{'0' * 40}')")
    assert read(RDS, data) == ({1: ListItem(sha1="0" * 40)}, {})


def test_a_value_that_is_too_long_ends_the_list(tmp_path: Path) -> None:
    data = made(
        tmp_path / "x.db", f"CREATE TABLE FILE (md5, sha1, sha256); INSERT INTO FILE (md5) VALUES ('{'0' * 2**21}')"
    )
    found, bad = read(RDS, data)
    assert found == {} and "string or blob too big" in bad[1]


def test_a_tree_of_pages_that_shows_the_same_ones_over_and_over_comes_to_an_end(tmp_path: Path) -> None:
    """Five pages, each of which refers to the next one 300 times: two billion rows in 40 KB."""
    path = tmp_path / "x.db"
    size = 4096
    table = "CREATE TABLE METADATA (md5 TEXT, sha1 TEXT, sha256 TEXT)"
    data = bytearray(made(path, f"PRAGMA page_size = {size}; {table}; INSERT INTO METADATA (md5) VALUES ('{MD5}')"))
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master").fetchone()
    leaf = data[(root - 1) * size : root * size]
    first = len(data) // size + 1  # the number of the first added page

    def interior(child: int) -> bytes:
        cells = b"".join(struct.pack(">IB", child, 100) for _cell in range(300))
        places = b"".join(struct.pack(">H", size - len(cells) + 5 * number) for number in range(300))
        header = struct.pack(">BHHHBI", 5, 0, 300, size - len(cells), 0, child)
        return (header + places).ljust(size - len(cells), b"\0") + cells

    data[(root - 1) * size : root * size] = interior(first)
    data += b"".join(interior(first + depth) for depth in range(1, 4)) + leaf
    data[28:32] = struct.pack(">I", len(data) // size)
    rows = list(RDS.read(BytesIO(bytes(data))))
    assert len(rows) < 50_000
    assert isinstance(rows[-1], BadLine) and "never comes to an end" in rows[-1].message


def test_damage_is_told_in_clear_lines_and_costs_few_entries() -> None:
    count = 5000
    data = write(KDB, [ListItem(md5=f"{number:032x}") for number in range(count)])[0]
    chance = random.Random(7)
    kept: list[int] = []
    worst: dict[str, Any] = {}
    for _time in range(40):
        broken = bytearray(data)
        for _place in range(3):
            place = chance.randrange(len(broken))
            broken[place : place + 8] = chance.randbytes(8)
        rows = list(KDB.read(BytesIO(bytes(broken))))
        damage = [row.message for row in rows if isinstance(row, BadLine) and "SQLite" in row.message]
        assert len(damage) <= 3 and all(message.isprintable() and len(message) < 200 for message in damage)
        kept.append(sum(isinstance(row, tuple) for row in rows))
        worst.update(dict.fromkeys(damage))
    assert worst and sorted(kept)[4] > count * 0.95


@pytest.mark.parametrize("place", [1, 10, 11, -1])
def test_a_damaged_page_hides_no_entry_after_it(place: int) -> None:
    count = 20_000
    data = bytearray(write(KDB, [ListItem(md5=f"{number:032x}") for number in range(count)])[0])
    size, leaf = 4096, 13
    starts = [page * size for page in range(1, len(data) // size)]
    full = [
        at for at in starts if data[at] == leaf and int.from_bytes(data[at + 3 : at + 5]) > 50
    ]  # how many rows it has
    page = full[place] // size
    data[page * size : (page + 1) * size] = b"\xff" * size
    rows = list(KDB.read(BytesIO(bytes(data))))
    found = {int(row[1].md5 or "", 16) for row in rows if isinstance(row, tuple)}
    (bad,) = (row for row in rows if isinstance(row, BadLine))
    lost = set(range(count)) - found
    assert 0 < len(lost) < 300 and max(lost) - min(lost) == len(lost) - 1
    assert "damaged" in bad.message

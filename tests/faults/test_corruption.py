"""Silent damage is found: bits are flipped all over the file, and none that changes what is known goes unnoticed."""

from __future__ import annotations

import random
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import CommandError
from hashmatch.records import ListItem
from hashmatch.store import curate, open_store, verify
from tests.support.index_runs import run
from tests.support.made_references import ME, add, add_entry, measured, pdq

FLIPS = 300


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A reference set with rows in every table."""
    path = tmp_path_factory.mktemp("original") / "reference.db"
    with open_store(path, write=True) as store:
        for number in range(60):
            add(store, f"file {number}", labels=("known", "منشور"), tlp="amber", case="C-1", note=f"note {number}")
        film = tuple(pdq(f"film {second}", time=float(second)) for second in range(400))
        add(store, measured("film", film, "video"), collection="films")
        add(store, measured("film", film[:300], "video"), collection="films")  # leaves a removed hash
        with store.transaction() as connection:
            number = connection.execute(
                "INSERT INTO import (name, format, sha256, collection_id, items, refused, imported)"
                " VALUES ('list', 'jsonl', zeroblob(32), 1, 30, 0, '2026-01-01T00:00:00Z')"
            ).lastrowid
        for entry in range(30):
            add_entry(store, ListItem(hashes=(pdq(f"entry {entry}"),), kind="image"), import_id=number)
        with store.transaction() as connection:
            curate.retract(connection, ME, 3, "not propaganda")
            curate.set_allow(connection, ME, 4, True)
    return path.read_bytes()


def known(path: Path) -> Any:
    """All that is in a file, read as it stands without any check; an error is also an answer."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        pragmas = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        schema = [(*names, re.sub("--[^\n]*", "", sql or "")) for *names, sql in rows]  # its comments say nothing
        tables = [name for kind, name, *_ in schema if kind == "table"]
        return (
            pragmas,
            schema,
            [connection.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall() for name in tables],
        )
    except (sqlite3.Error, UnicodeError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def found(path: Path) -> list[str]:
    try:
        with open_store(path, even_damaged=True) as store:
            return list(verify.check(store))
    except CommandError as error:
        return [str(error)]


def test_flipped_bits(tmp_path: Path, original: bytes) -> None:
    path = tmp_path / "reference.db"
    path.write_bytes(original)
    sound = known(path)
    assert found(path) == []
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    changed = noticed = only_by_digests = 0
    for number in range(FLIPS):
        data = bytearray(original)
        # Every page has its turn; from one bit to eight bytes.
        start = number * 4096 % len(data)
        for position in [start + chance.randrange(4096)] * (1 if number % 2 else 8):
            place = min(position + (0 if number % 2 else chance.randrange(8)), len(data) - 1)
            data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        told = found(path)
        if known(path) != sound:
            changed += 1
            assert told, f"seed {seed}, flip {number}: what is known has changed, and verify says that all is well"
            only_by_digests += not any(line.startswith("SQLite: ") for line in told)
        noticed += bool(told)
    print(
        f"of {FLIPS} flips {changed} changed content, all were found, {only_by_digests} by digests alone; {noticed} told of"
    )
    assert changed >= 40
    assert only_by_digests >= 10, "or the digests of rows would not be needed"


def test_exit_codes_and_names(tmp_path: Path, original: bytes) -> None:
    path = tmp_path / "reference.db"
    path.write_bytes(original)
    assert run(path, "verify")[:2] == (0, "")
    place = place_of(path, original, b"note 17")
    damaged = bytearray(original)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    code, out, _err = run(path, "verify")
    assert (code, out) == (1, "the membership of reference 18 in collection 1 was altered\n")
    connection = sqlite3.connect(path)
    roots = connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 1").fetchall()
    connection.close()
    for name, page in roots:
        damaged = bytearray(original)
        damaged[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
        path.write_bytes(damaged)
        told = found(path)
        assert told, name
    damaged = bytearray(original)
    page = dict(roots)["reference"]
    damaged[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
    path.write_bytes(damaged)
    code, out, _err = run(path, "verify")
    assert code == 1
    assert "reference 18 cannot be read: database disk image is malformed" in out.splitlines()


def place_of(path: Path, original: bytes, text: bytes) -> int:
    """Where a text stands that counts: pages also keep what was moved to others."""
    path.write_bytes(original)
    before = known(path)
    place = original.index(text)
    while True:
        damaged = bytearray(original)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        if known(path) != before:
            return place
        place = original.index(text, place + 1)


def test_the_next_rows_are_looked_at_too(tmp_path: Path, original: bytes) -> None:
    """One page of many that cannot be read, and a flipped bit far behind it: both are told of."""
    path = tmp_path / "reference.db"
    first, last = (place_of(path, original, note) for note in (b"note 12", b"note 59"))
    damaged = bytearray(original)
    page = first // 4096
    assert original[page * 4096] == 10, "a page with rows only, not one that leads to others"
    assert page != last // 4096
    damaged[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    damaged[last] ^= 1
    path.write_bytes(damaged)
    told = found(path)
    assert any("cannot be read" in line for line in told)
    assert "the membership of reference 60 in collection 1 was altered" in told

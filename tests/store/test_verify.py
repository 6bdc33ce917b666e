"""Damage is found and named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hashmatch.records import Hash
from hashmatch.store import Store, verify

from .samples import add, measured, pdq


@pytest.fixture
def filled(store: Store, path: Path) -> Path:
    for number in range(30):
        add(store, measured(f"file {number}", (pdq(number), Hash("phash", bytes(8)), Hash("dhash", bytes(8)))))
    store.close()
    return path


def damage(path: Path, script: str = "") -> list[str]:
    """What is said after somebody has worked on the file by hand."""
    raw = sqlite3.connect(path)
    raw.executescript(script)
    raw.close()
    with Store.open(path) as store:
        return list(verify.check(store))


def test_a_sound_one(filled: Path) -> None:
    assert damage(filled) == []


def test_links_to_nothing(filled: Path) -> None:
    told = damage(filled, "DELETE FROM reference WHERE id = 7")
    assert {line.split(" of ")[1].split()[0] for line in told} == {"hash", "membership", "location"}


@pytest.mark.parametrize("algorithm", ["pdq", "phash", "dhash"])
def test_a_hash_of_a_wrong_length(filled: Path, algorithm: str) -> None:
    script = "DROP TRIGGER IF EXISTS hash_is_replaced_not_changed;"
    script += f"UPDATE hash SET bits = CAST(bits || x'00' AS BLOB) WHERE reference_id = 7 AND algorithm = '{algorithm}'"
    assert damage(filled, script) == [f"reference 7 has a {algorithm} hash of a wrong length"]


def test_a_broken_audit_trail(filled: Path) -> None:
    script = "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET operator = 'x' WHERE id = 9"
    assert damage(filled, script) == ["audit entry 9 was altered"]


@pytest.mark.parametrize("table", ["hash", "label", "audit"])
def test_a_page_overwritten(filled: Path, table: str) -> None:
    raw = sqlite3.connect(filled)
    (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    raw.close()
    data = bytearray(filled.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xff" * 8
    filled.write_bytes(data)
    told = damage(filled)
    assert told and told[0].startswith("SQLite: ")


def test_a_missing_index_entry(filled: Path) -> None:
    # The content of a table is changed behind the back of its index.
    script = (
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'location_reference';"
        "PRAGMA writable_schema = OFF;"
    )
    raw = sqlite3.connect(filled)
    root, sql = raw.execute("SELECT rootpage, sql FROM sqlite_master WHERE name = 'location_reference'").fetchone()
    raw.executescript(script)
    raw.close()
    raw = sqlite3.connect(filled)
    raw.execute("DELETE FROM location WHERE reference_id = 3")
    raw.execute("PRAGMA writable_schema = ON")
    raw.execute("INSERT INTO sqlite_master VALUES ('index', 'location_reference', 'location', ?, ?)", (root, sql))
    raw.commit()
    raw.close()
    assert any("location_reference" in line for line in damage(filled))

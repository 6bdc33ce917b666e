"""Damage is found and named."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from pathlib import Path

import msgpack.fallback
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch.records import Hash, ListItem
from hashmatch.store import Store, audit, curate, open_store, row_digests, schema, verify
from tests.support.made_references import ME, add, add_entry, measured, pdq


@pytest.fixture
def filled(store: Store, path: Path) -> Path:
    for number in range(30):
        hashes = (pdq(number), Hash("phash", bytes(8)), Hash("dhash", bytes(8)))
        add(store, measured(f"file {number}", hashes), f"file {number}", labels=("known",))
    store.close()
    return path


def damage(path: Path, script: str = "") -> list[str]:
    """What is said after somebody has worked on the file by hand."""
    raw = sqlite3.connect(path)
    raw.executescript(script)
    raw.close()
    with open_store(path, even_damaged=True) as store:
        return list(verify.check(store))


COLUMN = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=300),
    st.binary(max_size=300),
)
#: Where MessagePack goes over to a longer form.
LENGTHS = (0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536)
INTEGERS = (0, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31, 2**32 - 1, 2**32, 2**63 - 1)


@given(st.lists(st.tuples(COLUMN, COLUMN), max_size=5))
@example([(number, -number - 1) for number in INTEGERS] + [(-32, -33), (-128, -129), (-(2**15), -(2**31) - 1)])
@example([("x" * length, bytes(length)) for length in LENGTHS])
@example([("é" * length, "🎞" * length) for length in LENGTHS])
@example([(-0.0, 0.0), (1.0, 5e-324), (float("inf"), float("-inf")), (1e308, 0.1)])
def test_digests_are_what_their_description_says(rows: list[tuple[object, object]]) -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    schema.apply(raw)
    raw.execute("CREATE TABLE anything (id INTEGER PRIMARY KEY, a, b)")
    row_digests.keep(raw)
    raw.executemany("INSERT INTO anything (a, b) VALUES (?, ?)", rows)
    kept = raw.execute("SELECT key1, key2, digest FROM row_digest WHERE of_table = 'anything'").fetchall()
    packed = [msgpack.fallback.Packer().pack(["anything", number, *row]) for number, row in enumerate(rows, 1)]
    assert kept == [(n, 0, hashlib.blake2b(each, digest_size=16).digest()) for n, each in enumerate(packed, 1)]
    (table,) = [each for each in row_digests.tables(raw) if each.name == "anything"]
    assert list(row_digests.check(raw, table)) == []
    raw.close()


@pytest.mark.parametrize("columns", [1, 13, 14, 15, 40])
def test_digests_of_tables_of_any_width(columns: int) -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    schema.apply(raw)
    raw.execute(f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {', '.join(f'c{n}' for n in range(columns))})")
    row_digests.keep(raw)
    raw.execute(f"INSERT INTO wide VALUES (1, {', '.join('?' * columns)})", [2.5] * columns)
    packed = msgpack.fallback.Packer().pack(["wide", 1, *[2.5] * columns])
    assert raw.execute("SELECT digest FROM row_digest WHERE of_table = 'wide'").fetchall() == [
        (hashlib.blake2b(packed, digest_size=16).digest(),)
    ]
    raw.close()


def test_text_that_is_no_text_any_more(filled: Path) -> None:
    assert damage(filled, "UPDATE collection SET name = CAST(x'61ff62' AS TEXT)") == [
        "collection 1 (a\udcffb) was altered"
    ]


def test_digests_of_older_versions_are_what_they_were() -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    schema.apply(raw, 6)
    row_digests.keep(raw)
    raw.execute("INSERT INTO collection (name, created) VALUES ('Bahrain بحرين', '2026')")
    row = ("collection", 1, "Bahrain بحرين", None, None, "2026", None)
    digest = hashlib.sha256(ascii(row).encode()).digest()[:16]
    assert raw.execute("SELECT digest FROM row_digest").fetchall() == [(digest,)]
    raw.close()


def test_a_sound_one(filled: Path) -> None:
    assert damage(filled) == []


def test_links_to_nothing(filled: Path) -> None:
    told = damage(filled, "DELETE FROM reference WHERE id = 7")
    assert {line for line in told if "points to" not in line} == {"reference 7 is missing"}
    links = {line.partition(" of ")[2].split()[0] for line in told if "points to" in line}
    assert links == {"hash", "label", "membership", "location"}


@pytest.mark.parametrize("algorithm", ["pdq", "phash", "dhash"])
def test_a_hash_of_a_wrong_length(filled: Path, algorithm: str) -> None:
    script = "DROP TRIGGER IF EXISTS hash_is_replaced_not_changed;"
    script += f"UPDATE hash SET bits = CAST(bits || x'00' AS BLOB) WHERE reference_id = 7 AND algorithm = '{algorithm}'"
    schema, length, row = damage(filled, script)
    assert schema == "trigger hash_is_replaced_not_changed of the schema is missing"
    assert length == f"reference 7 has a {algorithm} hash of a wrong length"
    assert row.startswith(f"the {algorithm} hash ") and row.endswith(" of reference 7 was altered")


def test_a_broken_audit_trail(filled: Path) -> None:
    script = "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET operator = 'x' WHERE id = 9"
    trigger = "trigger audit_is_append_only_update of the schema is missing"
    assert damage(filled, script) == [trigger, "audit entry 9 was altered", "audit entry 9 was altered"]


def test_an_audit_trail_without_its_end(filled: Path) -> None:
    script = "DROP TRIGGER audit_is_append_only_delete; DELETE FROM audit WHERE id > 29"
    told = damage(filled, script)
    assert told[1:] == ["audit entry 30 is missing", "audit entry 31 is missing"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE reference SET allow = 1 WHERE id = 7", "reference 7 (sha256 …) was altered"),
        ("UPDATE reference SET width = 641 WHERE id = 7", "reference 7 (sha256 …) was altered"),
        ("UPDATE reference SET duration = 0 WHERE id = 7", "reference 7 (sha256 …) was altered"),
        (
            "UPDATE membership SET tlp = 'clear' WHERE reference_id = 7",
            "the membership of reference 7 in collection 1 …",
        ),
        ("DELETE FROM label WHERE reference_id = 7", "the label 'known' of reference 7 is missing"),
        ("INSERT INTO label VALUES (7, 'x')", "the label 'x' of reference 7 has no digest…"),
        ("UPDATE location SET mtime_ns = 2 WHERE path = CAST('/file 6' AS BLOB)", "the location /file 6 was altered"),
        ("UPDATE collection SET note = ''", "collection 1 (one) was altered"),
        ("UPDATE recipe SET version = 7 WHERE id = 1", "row … of recipe was altered"),
        ("UPDATE origin SET uuid = zeroblob(16)", "row 1 of origin was altered"),
        ("UPDATE _sqlite_migrations SET name = 'm003' WHERE id = 2", "row 2 of _sqlite_migrations was altered"),
        ("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'hash'", "the counter of hash was altered…"),
        (
            "UPDATE row_digest SET digest = zeroblob(16) WHERE of_table = 'label' AND key1 = 7",
            "the label … was altered",
        ),
        ("DELETE FROM row_digest WHERE of_table = 'label' AND key1 = 7", "the label 'known' … has no digest…"),
        ("INSERT INTO row_digest VALUES ('x', 1, 0, zeroblob(16))", "1 digest is of a row of no table"),
        ("DROP INDEX location_reference", "index location_reference of the schema is missing"),
        ("DROP VIEW live_reference", "view live_reference of the schema is missing"),
        ("CREATE TABLE x (y)", "table x is not part of the schema"),
    ],
)
def test_what_another_program_changed_is_named(filled: Path, statement: str, told: str) -> None:
    found = damage(filled, statement)
    pattern = ".*".join(map(re.escape, told.split("…")))
    assert found and all(re.fullmatch(pattern, line) for line in found), found


def test_what_this_program_changes_is_sound(store: Store) -> None:
    for name in ("a", "b"):
        add(store, name, labels=("x", "y"), case="1")
    add(store, "a", collection="two", tlp="red")
    add_entry(store, ListItem(kind="video", sha256="12" * 32, duration=5, hashes=(pdq("film", time=1.5),)))  # an int
    add(store, measured("a", (pdq("other"),)))  # hashes replaced
    with store.transaction() as connection:
        curate.set_labels(connection, ME, 1, ["عربي", "nul\0"], ["x"])
        curate.retract(connection, ME, 2, "why")
        curate.set_allow(connection, ME, 1, True)
        curate.set_collection(connection, ME, "one", "amber", "note")
    assert list(verify.check(store)) == []
    assert store.connection.execute("SELECT count(*) FROM removed_hash").fetchone() == (1,)


def test_an_update_does_not_hide_damage(filled: Path) -> None:
    raw = sqlite3.connect(filled)
    raw.execute("UPDATE reference SET sha1 = zeroblob(20) WHERE id = 7")
    raw.commit()
    raw.close()
    with open_store(filled, write=True) as store, store.transaction() as connection:
        for number in (7, 8):
            curate.set_allow(connection, ME, number, True)
    with open_store(filled) as store:
        (line,) = verify.check(store)
    assert line.startswith("reference 7 ")


def test_text_that_damage_made_invalid(filled: Path) -> None:
    told = damage(filled, "UPDATE membership SET note = CAST(x'ff00fe' AS TEXT) WHERE reference_id = 7")
    assert told == ["the membership of reference 7 in collection 1 was altered"]


class TestHead:
    """What was written down of the audit trail."""

    def test_proves_what_came_before(self, filled: Path) -> None:
        with open_store(filled, write=True) as store:
            written_down = audit.head(store.connection)
            assert written_down.id == 31
            add(store, "later")
            assert list(verify.check(store, written_down.digest)) == []

    def test_of_an_empty_trail(self, store: Store) -> None:
        assert audit.head(store.connection).id == 0
        assert list(verify.check(store, audit.head(store.connection).digest)) == []

    def test_is_missing_where_the_end_was_cut_off(self, filled: Path) -> None:
        """By somebody who has made all digests fit."""
        with open_store(filled, write=True) as store:
            head = audit.head(store.connection).digest
            store.connection.execute("DROP TRIGGER audit_is_append_only_delete")
            store.connection.execute("DELETE FROM audit WHERE id = 31")
            (sql,) = schema_sql("audit_is_append_only_delete")
            store.connection.execute(sql)
            assert list(verify.check(store)) == []
            (line,) = verify.check(store, head)
            assert head.hex() in line and "cut off" in line

    def test_is_missing_where_the_chain_was_made_anew(self, tmp_path: Path, filled: Path) -> None:
        with open_store(filled) as store:
            head = audit.head(store.connection).digest
        with open_store(tmp_path / "other.db", write=True) as store:
            for number in range(40):
                add(store, f"file {number}")
            assert list(verify.check(store)) == []
            assert len(list(verify.check(store, head))) == 1


def schema_sql(name: str) -> list[str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.apply(connection)
    found = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchall()
    connection.close()
    return [sql for (sql,) in found]


@pytest.mark.parametrize("table", ["hash", "label", "audit", "reference", "row_digest", "sqlite_sequence"])
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

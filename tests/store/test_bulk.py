"""Many rows at once are the same rows as one by one."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.records import Hash, ListItem
from hashmatch.store import Store, bulk, row_digests, verify
from hashmatch.store.list_entries import add_items
from hashmatch.store.membership import Membership
from hashmatch.store.prepared_entries import ListEntry, entry_of
from tests.support.made_references import ME, pdq_bits

VALUES = st.one_of(
    st.none(),
    st.integers(-9, 9),
    st.floats(-2, 2),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from((1, 1.0, "x")),  # rows often share values, and some only look the same
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), VALUES, VALUES, VALUES), max_size=12), st.integers(1, 5))
def test_rows_are_as_executemany_inserts_them(rows: list[tuple[object, ...]], at_once: int) -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_ROWS", at_once)
        for table in ("ours", "theirs"):
            connection.execute(f"CREATE TABLE {table} (a, b, c, d)")
        connection.executemany("INSERT INTO theirs VALUES (?, ?, ?, ?)", rows)
        bulk.insert(connection, "ours", ("a", "b", "c", "d"), iter(rows))
    ours, theirs = (
        connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in ("ours", "theirs")
    )
    assert ours == theirs == rows
    assert [[*map(type, row)] for row in ours] == [[*map(type, row)] for row in rows]
    connection.close()


def entries(first: int, count: int) -> list[ListEntry]:
    membership = Membership("list", import_id=1, carried="pdq")
    return [
        entry_of(ListItem("image", hashes=(Hash("pdq", pdq_bits(number)),)), membership)
        for number in range(first, first + count)
    ]


def begin(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO import (id, name, format, sha256, items, refused, imported) VALUES (1, 'x', 'pdq', x'', 0, 0, 'x')"
        )


def test_each_row_has_its_digest(store: Store) -> None:
    begin(store)
    for first in (0, 700):
        with store.transaction() as connection:
            add_items(connection, ME, entries(first, 700))
    assert list(verify.check(store)) == []
    digests = store.connection.execute(
        "SELECT count(*) FROM row_digest WHERE of_table IN ('reference', 'hash', 'membership')"
    ).fetchone()
    assert digests == (3 * 1400,)


def test_what_fails_half_way_leaves_nothing_and_the_triggers(store: Store) -> None:
    begin(store)
    with (
        pytest.raises(ZeroDivisionError),
        store.transaction() as connection,
        row_digests.at_once(connection, "reference"),
    ):
        bulk.insert(connection, "reference", ("identity", "added"), [(b"1" * 32, "x")])
        raise ZeroDivisionError
    assert store.connection.execute("SELECT count(*) FROM reference").fetchone() == (0,)
    with store.transaction() as connection:
        connection.execute("INSERT INTO reference (identity, added) VALUES (?, 'x')", (b"2" * 32,))
    assert list(verify.check(store)) == []


def test_a_row_that_changes_meanwhile(store: Store) -> None:
    begin(store)
    with store.transaction() as connection, row_digests.at_once(connection, "reference"):
        bulk.insert(
            connection, "reference", ("id", "identity", "added"), [(n, bytes([n]) * 32, "x") for n in (5, 6, 7)]
        )
        connection.execute("UPDATE reference SET size = 3 WHERE id = 6")
        connection.execute("DELETE FROM reference WHERE id = 7")
    assert list(verify.check(store)) == []
    assert store.connection.execute("SELECT count(*) FROM row_digest WHERE of_table = 'reference'").fetchone() == (2,)

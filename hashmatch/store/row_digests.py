"""A digest of every row, kept beside the rows, to find damage that SQLite itself cannot see.

SQLite checks the form of its file, not the content: a bit that flips in a hash leaves a database that is well-formed and
wrong. So each row of every table has a digest in the table `row_digest`, found by the row's table and primary key:

    BLAKE2b, 16 bytes long, of the MessagePack array [table, column, column, …]

(https://www.rfc-editor.org/rfc/rfc7693, https://github.com/msgpack/msgpack/blob/master/spec.md: each value in its shortest
form, numbers that are not integers as float 64, blobs as bin.) Up to version 6 of the schema it was the first 16 bytes of
SHA-256 of ascii((table, column, column, …)), as Python writes a tuple. That takes twice as long, and ten times for blobs.

Triggers write them, so that no code that changes a row can forget it. They are temporary triggers, which every writing
connection makes for itself. So a change by another program gets no digest and is found, and damage to the file cannot
remove the triggers. Somebody who means to deceive can compute digests, too. Against that, keep the head of the audit trail
elsewhere (see audit.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

#: Bytes of a digest. That is enough against chance, and a row is often not much longer.
SIZE = 16

#: What reading a damaged file raises. Python complains of names of tables and columns that are no longer text.
ReadErrors = (sqlite3.DatabaseError, UnicodeError)

State = Literal["altered", "missing", "unreadable", "without digest"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows have digests. keys: two SQL expressions that identify a row; the second one is often 0."""

    name: str
    columns: tuple[str, ...]
    keys: tuple[str, str]

    def key(self, row: str) -> str:
        """The two keys in SQL. row: new, old or the table's alias."""
        # The plus removes the column's affinity, with which SQLite would try all keys and not look this one up.
        return ", ".join(key if key == "0" else f"+{row}.{key}" for key in self.keys)

    def digest(self, row: str) -> str:
        """The digest in SQL. row: as for `key`."""
        return f"row_digest_of({', '.join([_text(self.name), *(f'{row}.{column}' for column in self.columns)])})"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that is not what it was.

    values: by column; empty if they cannot be read. reason: SQLite's, if the row is unreadable.
    """

    table: str
    key: tuple[Any, Any]
    state: State
    values: dict[str, Any]
    reason: str = ""


def tables(connection: sqlite3.Connection) -> list[Table]:
    """Every table of the database, without SQLite's own and the one of the digests."""
    names = connection.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND name != 'row_digest' ORDER BY name"
    ).fetchall()
    return [_table(connection, name) for (name,) in names]


def keep(connection: sqlite3.Connection) -> None:
    """From now on, everything that is written through this connection gets its digest in the same transaction."""
    _define(connection)
    connection.execute("PRAGMA temp_store = MEMORY")
    for table in tables(connection):
        name, keys = _text(table.name), table.key("new")
        _keep_inserted(connection, table)
        for event, statement in {
            # Only if the row still had its digest: a change of one column must not make damage to another look sound.
            "UPDATE": f"UPDATE row_digest SET (key1, key2, digest) = ({keys}, {table.digest('new')})"
            f" WHERE of_table = {name} AND (key1, key2) = ({table.key('old')}) AND digest = {table.digest('old')}",
            "DELETE": f"DELETE FROM row_digest WHERE of_table = {name} AND (key1, key2) = ({table.key('old')})",
        }.items():
            _trigger(connection, table, event, statement)


@contextlib.contextmanager
def at_once(connection: sqlite3.Connection, *names: str) -> Iterator[None]:
    """Within a transaction: rows that are inserted into these tables get their digests at the end, all together, which
    takes half the time. The first key of each row must be a number above all that are there.
    """
    last = [
        (table, connection.execute(f"SELECT max({table.keys[0]}) FROM {_name(table.name)}").fetchone()[0])
        for table in tables(connection)
        if table.name in names
    ]
    for table, _key in last:
        connection.execute(f"DROP TRIGGER temp.{_name(f'digest_INSERT_{table.name}')}")
    yield  # if the body fails, the whole transaction is undone, including this
    for table, key in last:
        _make(connection, table, "" if key is None else f" WHERE t.{table.keys[0]} > {int(key)}")
        _keep_inserted(connection, table)


def make_all(connection: sqlite3.Connection) -> None:
    """Make the digests of all rows anew, which a migration requires. The old ones must have been checked before."""
    _define(connection)
    connection.execute("DELETE FROM row_digest")
    for table in tables(connection):
        _make(connection, table)


def check(connection: sqlite3.Connection, table: Table) -> Iterator[Damaged]:
    """All rows of a table that do not have the digest that they were written with.

    The connection's text_factory must take any bytes. Raises one of ReadErrors if the table or its digests cannot be read to
    the end; rows that are known to be affected have been reported by then.
    """
    yield from _by_digest(connection, table, _digest_of(connection))
    yield from _by_row(connection, table)


def strays(connection: sqlite3.Connection) -> int:
    """How many digests belong to tables that do not exist."""
    marks = ", ".join(_text(table.name) for table in tables(connection))
    query = f"SELECT count(*) FROM row_digest WHERE of_table NOT IN ({marks})"
    return int(connection.execute(query).fetchone()[0])


def _by_digest(connection: sqlite3.Connection, table: Table, digest_of: Callable[..., bytes]) -> Iterator[Damaged]:
    """Check that each digest has its row and fits it. Continues after rows that cannot be read."""
    first, second = table.keys
    there = f"t.{first} = d.key1" + ("" if second == "0" else f" AND t.{second} = d.key2")
    columns = ", ".join(f"t.{column}" for column in table.columns)
    query = (
        f"SELECT d.key1, d.key2, d.digest, t.{first} IS NULL, {columns} FROM row_digest AS d"
        f" LEFT JOIN {_name(table.name)} AS t ON {there}"
        f" WHERE of_table = {_text(table.name)} AND {{after}} ORDER BY d.key1, d.key2"
    )
    condition = "1"
    last: tuple[Any, ...] = ()
    reported = set()
    while True:
        try:
            for key1, key2, digest, missing, *row in connection.execute(query.format(after=condition), last):
                condition, last = "(d.key1, d.key2) > (?, ?)", (key1, key2)
                if missing:
                    yield Damaged(table.name, (key1, key2), "missing", {})
                elif digest_of(table.name, *row) != digest:
                    yield Damaged(table.name, (key1, key2), "altered", _values(table, row))
            return
        except ReadErrors as error:
            failure = error
        # The next digest is the one of the unreadable row.
        query_next = (
            f"SELECT key1, key2 FROM row_digest AS d WHERE of_table = ? AND {condition} ORDER BY key1, key2 LIMIT 1"
        )
        unreadable = connection.execute(query_next, (table.name, *last)).fetchone()
        if unreadable is None or unreadable in reported:  # if digests are out of order, this would never end
            raise failure
        reported.add(unreadable)
        yield Damaged(table.name, unreadable, "unreadable", {}, str(failure))
        condition, last = "(d.key1, d.key2) > (?, ?)", unreadable


def _by_row(connection: sqlite3.Connection, table: Table) -> Iterator[Damaged]:
    """Check that each row has a digest. Rows that cannot be read were reported by `_by_digest` if they ever had one."""
    columns = ", ".join(f"t.{column}" for column in table.columns)
    # Read the table itself, and not a copy of its columns in an index.
    rows = connection.execute(
        f"SELECT {table.key('t')}, {columns} FROM {_name(table.name)} AS t NOT INDEXED WHERE NOT EXISTS"
        f" (SELECT 1 FROM row_digest WHERE of_table = {_text(table.name)} AND (key1, key2) = ({table.key('t')}))"
    )
    for key1, key2, *row in rows:
        yield Damaged(table.name, (key1, key2), "without digest", _values(table, row))


def _keep_inserted(connection: sqlite3.Connection, table: Table) -> None:
    # Not "OR REPLACE": an INSERT OR IGNORE that fires the trigger would overrule it.
    statement = (
        f"INSERT INTO row_digest VALUES ({_text(table.name)}, {table.key('new')}, {table.digest('new')})"
        " ON CONFLICT DO UPDATE SET digest = excluded.digest"
    )
    _trigger(connection, table, "INSERT", statement)


def _trigger(connection: sqlite3.Connection, table: Table, event: str, statement: str) -> None:
    connection.execute(
        f"CREATE TEMP TRIGGER {_name(f'digest_{event}_{table.name}')} AFTER {event} ON main.{_name(table.name)}"
        f" BEGIN {statement}; END"
    )


def _make(connection: sqlite3.Connection, table: Table, condition: str = "") -> None:
    """Make the digests of rows that have none. condition: in SQL, which rows."""
    connection.execute(
        f"INSERT INTO row_digest SELECT {_text(table.name)}, {table.key('t')}, {table.digest('t')}"
        f" FROM {_name(table.name)} AS t{condition}"
    )


def _define(connection: sqlite3.Connection) -> None:
    connection.create_function("row_digest_of", -1, _digest_of(connection), deterministic=True)


def _digest_of(connection: sqlite3.Connection) -> Callable[..., bytes]:
    """The function that makes the digest of a row, as databases of this one's version have it."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return _digests() if version >= 7 else _digest_until_6


def _digests() -> Callable[..., bytes]:
    from msgspec.msgpack import Encoder

    encode = Encoder().encode

    def digest(*values: object) -> bytes:
        try:
            return hashlib.blake2b(encode(values), digest_size=SIZE).digest()
        except UnicodeEncodeError:  # text of a damaged file that is not UTF-8: SQLite never gave us such text to digest
            return b""

    return digest


def _digest_until_6(*values: object) -> bytes:
    return hashlib.sha256(ascii(values).encode()).digest()[:SIZE]


def _table(connection: sqlite3.Connection, name: str) -> Table:
    columns = connection.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    keys = [_name(column) for column, number in sorted(columns, key=lambda each: each[1]) if number]
    first, second = [*(keys or ["rowid"]), "0"][:2]
    return Table(name, tuple(_name(column) for column, _number in columns), (first, second))


def _values(table: Table, row: list[Any]) -> dict[str, Any]:
    return dict(zip((column.strip('"') for column in table.columns), row, strict=True))


def _name(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"

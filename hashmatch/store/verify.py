"""Whether the database is what it was when it was written."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from hashmatch import hashers
from hashmatch.i18n import _, ngettext
from hashmatch.store import audit, row_digests
from hashmatch.store.database import Store
from hashmatch.store.row_digests import Damaged, ReadErrors


def check(store: Store, head: bytes | None = None) -> Iterator[str]:
    """Name everything that is wrong; nothing if the database is sound. It reads one state, while others may write.

    head: the digest of an entry of the audit trail that must be there, see audit.py.
    A database of an older version has fewer checks, see `has_digests`.
    """
    connection = store.connection
    checks: list[Callable[[sqlite3.Connection], Iterator[str]]] = [_form, _schema, _counters, _links, _lengths]
    if has_digests(connection):
        checks.append(_rows)
    with one_state(connection), _any_text(connection):
        for part in checks:
            yield from _guarded(part(connection))
        yield from _guarded(audit.check(store, head))


def has_digests(connection: sqlite3.Connection) -> bool:
    """Whether the database is new enough to have digests of rows. If it is, a missing digest is damage."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) >= 2


@contextlib.contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything that is read in the body is of the same moment, whatever others write."""
    connection.execute("BEGIN")
    try:
        connection.execute("PRAGMA user_version").fetchall()  # the first reading sets the moment
        yield
    finally:
        # A commit would fail if pages are damaged, and there is nothing to commit.
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def _any_text(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text that damage made invalid, to compare it."""
    before = connection.text_factory
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = before


def _guarded(lines: Iterator[str]) -> Iterator[str]:
    """A check that cannot be finished because of damage reports that damage, and the other checks go on."""
    try:
        yield from lines
    except ReadErrors as error:
        yield _sqlite_says(error)


def _sqlite_says(message: object) -> str:
    return _("SQLite: {message}").format(message=message)


def _form(connection: sqlite3.Connection) -> Iterator[str]:
    """SQLite's own check: of its pages, and that indexes have what tables have."""
    for (message,) in connection.execute("PRAGMA integrity_check"):
        for line in message.splitlines():
            if line != "ok" and not line.startswith("***"):  # a title
                yield _sqlite_says(line)


def _schema(connection: sqlite3.Connection) -> Iterator[str]:
    """Tables, rules and triggers must be those of this version of the schema."""
    from hashmatch.store import schema

    (version,) = connection.execute("PRAGMA user_version").fetchone()
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        schema.apply(fresh, version)
        expected = _objects(fresh)
    found = _objects(connection)
    for kind, name in sorted(expected.keys() | found.keys()):
        if (kind, name) not in found:
            yield _("{kind} {name} of the schema is missing").format(kind=kind, name=name)
        elif (kind, name) not in expected:
            # SQLite keeps statistics and the like for itself.
            if not name.startswith("sqlite_"):
                yield _("{kind} {name} is not part of the schema").format(kind=kind, name=name)
        elif found[kind, name] != expected[kind, name]:
            yield _("{kind} {name} of the schema was altered").format(kind=kind, name=name)


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Everything in the schema, without its comments: they have been reworded between versions, and do nothing."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {
        (str(kind), str(name)): (table, sql if sql is None else _COMMENT.sub("", str(sql)))
        for kind, name, table, sql in rows
    }


#: Our schema has no such thing within a text.
_COMMENT = re.compile(r"--[^\n]*")


def _counters(connection: sqlite3.Connection) -> Iterator[str]:
    """The counters must be right that keep numbers of rows from being used twice. Caches rely on them."""
    rows = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    (newest, removed, removals) = connection.execute(
        "SELECT (SELECT max(id) FROM hash), CAST(max(hash_id) AS INTEGER), max(id) FROM removed_hash"
    ).fetchone()
    for table, last in {"hash": max(newest or 0, removed or 0), "removed_hash": removals or 0}.items():
        if rows.get(table, 0) != last:
            yield _("the counter of {table} was altered: it is {found} and not {expected}").format(
                table=table, found=rows.get(table, 0), expected=last
            )


def _links(connection: sqlite3.Connection) -> Iterator[str]:
    """Rows must point to rows that exist."""
    for table, row, parent, _number in connection.execute("PRAGMA foreign_key_check"):
        if row is None:  # the table has no row numbers; the digests show which row it is
            yield _("a row of {table} points to a row of {parent} that is not there").format(table=table, parent=parent)
        else:
            yield _("row {row} of {table} points to a row of {parent} that is not there").format(
                row=row, table=table, parent=parent
            )


def _lengths(connection: sqlite3.Connection) -> Iterator[str]:
    """Hashes must have the length of their algorithm."""
    for name in hashers.HASHERS:
        width = hashers.by_name(name).width
        wrong = connection.execute(
            "SELECT reference_id FROM hash WHERE algorithm = ? AND length(bits) != ? * count", (name, width)
        )
        for (reference_id,) in wrong:
            yield _("reference {id} has a {name} hash of a wrong length").format(id=reference_id, name=name)


def _rows(connection: sqlite3.Connection) -> Iterator[str]:
    """Each row must have the digest that it was written with, and each digest its row."""
    for table in row_digests.tables(connection):
        try:
            for damaged in row_digests.check(connection, table):
                yield _damage_text(damaged)
        except ReadErrors as error:
            yield _("table {table} cannot be read to its end: {reason}").format(table=table.name, reason=error)
    strays = row_digests.strays(connection)
    if strays:
        yield ngettext(
            "{count} digest is of a row of no table", "{count} digests are of rows of no table", strays
        ).format(count=strays)


def _damage_text(damaged: Damaged) -> str:
    """What is wrong with a row, for a person."""
    row = _name(damaged)
    match damaged.state:
        case "altered":
            return _("{row} was altered").format(row=row)
        case "missing":
            return _("{row} is missing").format(row=row)
        case "unreadable":
            return _("{row} cannot be read: {reason}").format(row=row, reason=damaged.reason)
        case "without digest":
            return _("{row} has no digest: it was altered, or put in by another program").format(row=row)


def _name(damaged: Damaged) -> str:
    """What a person calls a row: its key, and what can still be read of it."""
    key1, key2 = damaged.key
    known: dict[str, Any] = damaged.values
    match damaged.table:
        case "reference":
            name = _("reference {id}").format(id=key1)
            digest = known.get("sha256")
            return f"{name} (sha256 {digest.hex()[:12]}…)" if isinstance(digest, bytes) else name
        case "membership":
            return _("the membership of reference {id} in collection {number}").format(id=key1, number=key2)
        case "label":
            return _("the label {name!r} of reference {id}").format(name=key2, id=key1)
        case "location":
            path = key1.decode("utf-8", "surrogateescape") if isinstance(key1, bytes) else key1
            return _("the location {path}").format(path=path)
        case "hash" if known:
            return _("the {algorithm} hash {number} of reference {id}").format(
                algorithm=known.get("algorithm"), number=key1, id=known.get("reference_id")
            )
        case "collection" if known:
            return _("collection {id} ({name})").format(id=key1, name=known.get("name"))
        case "import" if known:
            return _("import {id} ({name})").format(id=key1, name=known.get("name"))
        case "audit":
            return _("audit entry {id}").format(id=key1)
        case _:
            return _("row {key} of {table}").format(key=key1, table=damaged.table)

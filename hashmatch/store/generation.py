"""Which state the hashes of a reference set are in: caches that were made of an older state can tell what has changed."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Generation:
    """The state of all hashes: of which database, up to which row, which removal and which audit entry.

    newest_digest: SHA-256 of the newest row. audit_digest: digest of the last audit entry, which covers all before it.
    """

    origin: str
    newest: int
    newest_digest: str
    removals: int
    audit: int
    audit_digest: str


def current(connection: sqlite3.Connection) -> Generation:
    """The state of the hashes now. Equal states have equal hashes."""
    origin, newest, removals, audit = connection.execute(
        "SELECT (SELECT uuid FROM origin), (SELECT max(id) FROM hash), (SELECT max(id) FROM removed_hash),"
        " (SELECT max(id) FROM audit)"
    ).fetchone()
    newest, audit = newest or 0, audit or 0
    return Generation(
        origin.hex(), newest, _row_digest(connection, newest), removals or 0, audit, _audit_digest(connection, audit)
    )


def data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection changes the database. It costs little to ask for it.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def descends_from(connection: sqlite3.Connection, now: Generation, old: Generation) -> bool:
    """Whether an older state is part of this database's history.

    It may be of another database, or of a history that a restored backup has undone, in which the same numbers were other
    rows.
    """
    if old.origin != now.origin or old.newest > now.newest or old.removals > now.removals:
        return False
    gone = connection.execute(
        "SELECT 1 FROM removed_hash WHERE id > ? AND hash_id = ?", (old.removals, old.newest)
    ).fetchone()
    same_row = gone is not None or _row_digest(connection, old.newest) == old.newest_digest
    return same_row and _audit_digest(connection, old.audit) == old.audit_digest


def _row_digest(connection: sqlite3.Connection, hash_id: int) -> str:
    row = connection.execute("SELECT reference_id, algorithm, bits FROM hash WHERE id = ?", (hash_id,)).fetchone()
    return hashlib.sha256(repr(row).encode()).hexdigest()


def _audit_digest(connection: sqlite3.Connection, audit_id: int) -> str:
    row = connection.execute("SELECT digest FROM audit WHERE id = ?", (audit_id,)).fetchone()
    return "" if row is None else str(row[0].hex())


def completed_since(
    connection: sqlite3.Connection, algorithm: str, beside: str, old: Generation, most: int
) -> set[int]:
    """References that had hashes of the algorithm `beside` in an older state and have got some of `algorithm` since; at most
    `most` of them."""
    rows = connection.execute(
        "SELECT DISTINCT reference_id FROM hash AS later WHERE id > ? AND +algorithm = ? AND EXISTS (SELECT 1 FROM hash"
        " WHERE reference_id = later.reference_id AND algorithm = ? AND id <= ?) LIMIT ?",
        (old.newest, algorithm, beside, old.newest, most),
    )
    return {row[0] for row in rows}


def changed_since(connection: sqlite3.Connection, algorithm: str, old: Generation) -> set[int]:
    """References that had hashes of an algorithm in an older state which are gone now."""
    rows = connection.execute(
        "SELECT DISTINCT reference_id FROM removed_hash WHERE id > ? AND hash_id <= ? AND algorithm = ?",
        (old.removals, old.newest, algorithm),
    )
    return {row[0] for row in rows}

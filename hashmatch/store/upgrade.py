"""Bring an older database up to date: all or nothing, with a backup beside it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import backup, row_digests, schema
from hashmatch.store.database import VERSION, read_as_it_is


def upgrade(connection: sqlite3.Connection, path: Path | None) -> None:
    """Run the migrations that a database has not seen, in one transaction; a new one has seen none.

    path: of the database, beside which a backup is left; None of a copy in memory.
    Raises CommandError where it is damaged, since new digests would make damage look sound, or no backup can be made.
    """
    # Two processes may come to a file at once; the lock makes the second find it done.
    connection.execute("BEGIN IMMEDIATE")
    saved: Path | None = None
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            if path is not None and _has_content(connection):
                saved = _back_up(path, version)
            schema.apply(connection)
            row_digests.make_all(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if saved is not None:  # of what is still there as it was
            saved.unlink(missing_ok=True)
        raise


def _has_content(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _back_up(path: Path, version: int) -> Path:
    # To the microsecond: the second try, after a kill, may come in the same second as the first.
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = path.with_name(f"{path.name}.schema{version}-{stamp}.backup")
    # Through another connection: SQLite copies nothing through one that writes. What it reads is what is locked here.
    with read_as_it_is(path) as store:
        try:
            backup.write(store, target)
        except backup.UnsoundError as error:
            message = _(
                "database {path}: it was made by an older hashmatch and is damaged, so it is not upgraded: {first}"
            )
            raise CommandError(message.format(path=path, first=error.damage[0])) from error
    return target

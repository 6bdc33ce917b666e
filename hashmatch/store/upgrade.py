"""Bring an older database up to date: all or nothing, with a backup beside it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import backup, row_digests, schema
from hashmatch.store.database import VERSION, malformed, pragma, read_as_it_is


def upgrade(connection: sqlite3.Connection, path: Path | None) -> None:
    """Run the migrations that a database has not seen, in one transaction. A new one has seen none.

    path: of the database; a backup is left beside it. None for a copy in memory.
    Raises CommandError if it is damaged, since new digests would make the damage look sound, or if no backup can be made.
    """
    # A table that others refer to is replaced by a new one: https://www.sqlite.org/lang_altertable.html#otheralter
    checks = pragma(connection, "foreign_keys")
    connection.execute("PRAGMA foreign_keys = OFF")
    # Two processes may open a file at once. The lock makes the second one find it upgraded.
    connection.execute("BEGIN IMMEDIATE")
    saved: Path | None = None
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            if path is not None and _has_content(connection):
                saved = _back_up(path, version)
            schema.apply(connection)
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise malformed("rows refer to others that are not there")
            row_digests.make_all(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if saved is not None:  # the database is as it was, and needs no backup
            saved.unlink(missing_ok=True)
        raise
    finally:
        connection.execute(f"PRAGMA foreign_keys = {checks}")


def _has_content(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _back_up(path: Path, version: int) -> Path:
    # To the microsecond: after a kill, the second try may come in the same second as the first.
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = path.with_name(f"{path.name}.schema{version}-{stamp}.backup")
    # Through another connection, since SQLite copies nothing through one that writes. It reads the state that is locked
    # here.
    with read_as_it_is(path) as store:
        try:
            backup.write(store, target)
        except backup.UnsoundError as error:
            message = _(
                "database {path}: it was made by an older hashmatch and is damaged, so it is not upgraded: {first}"
            )
            raise CommandError(message.format(path=path, first=error.damage[0])) from error
    return target

"""Open a reference set: to read, to write, or as a copy in memory. An older one is upgraded."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import row_digests
from hashmatch.store.database import (
    BUSY_SECONDS,
    VERSION,
    Store,
    check_header,
    closed_on_error,
    connect,
    connect_to_read,
    explained,
    pragma,
)

#: KiB of pages in memory for a writer: a list's entries go to random places in the indexes.
_CACHE = 65_536
#: Pages of the log after which SQLite copies them into the database: most pages of an index are then written once, and not
#: with each transaction.
_LOG = 16_384


def open_store(path: Path, *, write: bool = False, even_damaged: bool = False) -> Store:
    """Open a reference set, to read unless `write`. Opening to write creates it if it does not exist, readable by its owner
    only.

    An older one is upgraded when it is opened to write, see upgrade.py. To read, it is upgraded in a copy in memory.
    even_damaged: open to read any file that still says that it is a reference set, to look for damage.
    Raises CommandError: it does not exist, is not a reference set, is newer than this program, or cannot be written.
    """
    with explained(path):
        if write:
            return _open_to_write(path)
        connection = connect_to_read(path, even_damaged)
        if pragma(connection, "user_version") < VERSION and not even_damaged:
            connection = _upgraded_copy(connection)
        return Store(connection, path, writable=False)


def scratch_store(path: Path) -> Store:
    """A copy in memory, for dry runs; an empty set if there is no file. Raises CommandError as `open_store` does."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closed_on_error(connection):
        if path.exists():
            with open_store(path) as original:
                original.connection.backup(connection)
        _prepare_to_write(connection, None)
    return Store(connection, path, writable=True)


def _open_to_write(path: Path) -> Store:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if not os.access(path, os.W_OK):
        raise CommandError(_("the database {path} is read-only").format(path=path))
    if path.stat().st_size == 1:  # SQLite treats it as empty; its owner may not
        raise CommandError(_("database {path}: it is not a hashmatch database").format(path=path))
    with closed_on_error(connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
        if not _is_blank(connection):
            check_header(connection, path, even_damaged=False)
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
        _prepare_to_write(connection, path)
    return Store(connection, path, writable=True)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for another process that does the same, so we do."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _is_blank(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written: the file is new, and perhaps another process has just made it."""
    return not (
        pragma(connection, "application_id") or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    )


def _upgraded_copy(older: sqlite3.Connection) -> sqlite3.Connection:
    """An upgraded copy in memory. An older database, perhaps on a read-only medium, need not change to be read."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.closing(older), closed_on_error(connection):
        older.backup(connection)
        _prepare_to_write(connection, None)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _prepare_to_write(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring the tables up to date, and keep digests of rows. path: None of a copy in memory, which needs no backup."""
    if pragma(connection, "user_version") < VERSION:
        from hashmatch.store.upgrade import upgrade  # which imports sqlite-utils

        upgrade(connection, path)
    row_digests.keep(connection)

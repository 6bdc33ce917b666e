"""The SQLite file: its connection, transactions, and reading it as it is; opening.py opens it for all other uses."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.system import give_back

#: Pages in memory, in KiB, while a table is read once.
_SMALL_CACHE = 2_000
#: How long a second writer waits for the first one's transaction, which is one file long: seconds.
BUSY_SECONDS = 30.0

# Here and not in schema.py, which imports sqlite-utils (130 ms): a scan only reads and does not need it.
#: Marks the file as ours ("Hmch"), https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = 0x486D6368
#: The number of migrations in schema.py, kept in user_version: a reader knows at once whether it understands the file.
VERSION = 8


class Store:
    """An open reference set. A context manager; `connection` is used by the other modules of this package only."""

    def __init__(self, connection: sqlite3.Connection, path: Path, writable: bool) -> None:
        self.connection = connection
        self.path = path
        self.writable = writable

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and the write lock from the start, so that what is read in it stays true until it is written.

        Raises CommandError where the disk is full, another process holds the lock too long, or the file is damaged.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:  # a full disk has rolled back already
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise explain(error, self.path) from error

    @contextlib.contextmanager
    def little_memory(self) -> Iterator[None]:
        """Give the pages in memory back, and keep few: for reading all of a table once, when memory is needed elsewhere."""
        before = pragma(self.connection, "cache_size")
        self.connection.execute(f"PRAGMA cache_size = -{_SMALL_CACHE}")
        self.connection.execute("PRAGMA shrink_memory")
        give_back()
        try:
            yield
        finally:
            self.connection.execute(f"PRAGMA cache_size = {before}")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def explain(error: sqlite3.DatabaseError | UnicodeError, path: Path | None = None) -> CommandError:
    """SQLite's error in a line for a person.

    path: of the database, where it is known.
    Source: https://www.sqlite.org/rescode.html
    """
    return CommandError(_("database {path}: {reason}").format(path=path or "", reason=_reason(error)))


def primary_code(error: Exception) -> int | None:
    """SQLite's primary result code; None of an error that SQLite did not raise, but Python."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the bits above tell more exactly what happened


def malformed(reason: str) -> sqlite3.DatabaseError:
    """An error like SQLite's own, for damage that only we can see."""
    error = sqlite3.DatabaseError(f"database disk image is malformed: {reason}")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _reason(error: sqlite3.DatabaseError | UnicodeError) -> str:
    """What went wrong, for a person."""
    match primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return _("another process has been writing to it for {seconds:g} s; try again").format(seconds=BUSY_SECONDS)
        case sqlite3.SQLITE_FULL:
            return _("the disk is full; everything reported as done is kept")
        case sqlite3.SQLITE_NOTADB:
            return _("it is not a hashmatch database")
        case sqlite3.SQLITE_CORRUPT:
            return _("it is damaged ({reason})").format(reason=error)
        case sqlite3.SQLITE_READONLY:
            return _("it is read-only")
        case sqlite3.SQLITE_ERROR:
            # Our statements are right for the tables that we made: a table is missing, or a value is not what we stored.
            return _("it is damaged ({reason}); `hashmatch verify` tells where").format(reason=error)
        case None if isinstance(error, UnicodeError | sqlite3.OperationalError):  # text that is not UTF-8
            return _("it is damaged ({reason})").format(reason=error)
        case _:
            return str(error)


def connect(uri: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where `transaction` says, not where sqlite3 guesses.
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


@contextlib.contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Leave a file alone that turns out not to be for us."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def check_header(connection: sqlite3.Connection, path: Path, even_damaged: bool) -> None:
    if pragma(connection, "application_id") != APPLICATION_ID:
        raise CommandError(_("database {path}: it is not a hashmatch database").format(path=path))
    version = pragma(connection, "user_version")
    if version > VERSION:
        message = _("database {path}: it was made by a newer hashmatch (schema {theirs}, this one knows {ours})")
        raise CommandError(message.format(path=path, theirs=version, ours=VERSION))
    if not even_damaged:
        connection.execute("SELECT 1 FROM reference LIMIT 1")


def _roll_back(path: Path) -> None:
    """Undo what was killed while it switched a database, say a restored backup, to the log: no reader can do that."""
    journal = Path(f"{path}-journal")
    if journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with contextlib.closing(connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
            pragma(connection, "user_version")


def connect_to_read(path: Path, even_damaged: bool) -> sqlite3.Connection:
    """Open a database read-only, as it is: an older one stays so."""
    if not path.exists():
        message = _("there is no database {path}; `hashmatch index` or `hashmatch import` makes one")
        raise CommandError(message.format(path=path))
    uri = path.absolute().as_uri()
    _roll_back(path)
    try:
        with closed_on_error(connect(f"{uri}?mode=ro")) as connection:
            check_header(connection, path, even_damaged)
    except sqlite3.OperationalError:
        # A database in WAL mode needs a file beside it even to be read. On a read-only medium that cannot be; then
        # it can be read as it stands, provided that no log with newer content lies beside it.
        if os.access(path.parent, os.W_OK):
            raise
        for log in (Path(f"{path}-wal"), Path(f"{path}-journal")):
            if log.exists() and log.stat().st_size:
                message = _("database {path}: newer content is in {log}, which cannot be read on a read-only medium;")
                message += " " + _("copy both files to where you may write")
                raise CommandError(message.format(path=path, log=log.name)) from None
        with closed_on_error(connect(f"{uri}?mode=ro&immutable=1")) as connection:
            check_header(connection, path, even_damaged)
    return connection


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of opening a database into CommandError."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeError) as error:
        raise explain(error, path) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(_("cannot open the database {path}: {reason}").format(path=path, reason=reason)) from error


def read_as_it_is(path: Path) -> Store:
    """Open whatever still says that it is a reference set, damaged or older, to look at it. Raises CommandError."""
    with explained(path):
        return Store(connect_to_read(path, even_damaged=True), path, writable=False)

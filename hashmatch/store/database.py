"""The SQLite file: its connection, its transactions, and how to read it as it is. opening.py opens it for everything
else."""

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

#: KiB of pages in memory while a table is read once.
_SMALL_CACHE = 2_000
#: Seconds that a second writer waits for the first one's transaction, which covers one file.
BUSY_SECONDS = 30.0

# Here and not in schema.py, which imports sqlite-utils (130 ms): a scan only reads and does not need it.
#: Marks the file as ours ("Hmch"), https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = 0x486D6368
#: The number of migrations in schema.py. The file has it as user_version, so that a reader knows whether it understands it.
VERSION = 10


class Store:
    """An open reference set; a context manager. Only modules of this package use `connection` to run SQL."""

    def __init__(self, connection: sqlite3.Connection, path: Path, writable: bool) -> None:
        self.connection = connection
        self.path = path
        self.writable = writable

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. The write lock is taken at the start, so that what is read stays true until it is written.

        Raises CommandError if the disk is full, another process holds the lock too long, or the file is damaged.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:  # not on a full disk: SQLite has rolled back already
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise explain(error, self.path) from error

    @contextlib.contextmanager
    def little_memory(self) -> Iterator[None]:
        """Free the pages in memory, and keep few: to read all of a table once, while others need the memory."""
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
    """SQLite's error as a line for a person.

    path: of the database, if it is known.
    Source: https://www.sqlite.org/rescode.html
    """
    return CommandError(_("database {path}: {reason}").format(path=path or "", reason=_reason(error)))


def primary_code(error: Exception) -> int | None:
    """SQLite's primary result code; None if Python raised the error, and not SQLite."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the higher bits say more exactly what happened


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
            # Our statements fit the tables that we made. So a table is missing, or a value is not what we stored.
            return _("it is damaged ({reason}); `hashmatch verify` tells where").format(reason=error)
        case None if isinstance(error, UnicodeError | sqlite3.OperationalError):  # text that is not UTF-8
            return _("it is damaged ({reason})").format(reason=error)
        case _:
            return str(error)


def connect(uri: str) -> sqlite3.Connection:
    # isolation_level None: `transaction` begins and ends transactions, and not a guess of sqlite3's.
    """Open a database by its URI."""
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


@contextlib.contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Close the connection if the body raises, so that a file that is not ours is left alone."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """The value of a pragma that is a number."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def check_header(connection: sqlite3.Connection, path: Path, even_damaged: bool) -> None:
    """Check that a database is ours, and that this program can read it. Raises CommandError if not.

    even_damaged: do not check that it can be read.
    """
    if pragma(connection, "application_id") != APPLICATION_ID:
        raise CommandError(_("database {path}: it is not a hashmatch database").format(path=path))
    version = pragma(connection, "user_version")
    if version > VERSION:
        message = _("database {path}: it was made by a newer hashmatch (schema {theirs}, this one knows {ours})")
        raise CommandError(message.format(path=path, theirs=version, ours=VERSION))
    if not even_damaged:
        connection.execute("SELECT 1 FROM reference LIMIT 1")


def _roll_back(path: Path) -> None:
    """Finish a switch to the log that was killed halfway, say on a restored backup. A reader cannot do that."""
    journal = Path(f"{path}-journal")
    if journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with contextlib.closing(connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
            pragma(connection, "user_version")


def connect_to_read(path: Path, even_damaged: bool) -> sqlite3.Connection:
    """Open a database read-only, as it is: an older one is not upgraded."""
    if not path.exists():
        message = _("there is no database {path}; `hashmatch index` or `hashmatch import` makes one")
        raise CommandError(message.format(path=path))
    uri = path.absolute().as_uri()
    _roll_back(path)
    try:
        with closed_on_error(connect(f"{uri}?mode=ro")) as connection:
            check_header(connection, path, even_damaged)
    except sqlite3.OperationalError:
        # A database in WAL mode needs a file beside it even to be read. On a read-only medium there can be none. The
        # database can then be read as it is, provided that there is no log with newer content beside it.
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
    """Open any file that still says that it is a reference set, damaged or older, to look at it. Raises CommandError."""
    with explained(path):
        return Store(connect_to_read(path, even_damaged=True), path, writable=False)

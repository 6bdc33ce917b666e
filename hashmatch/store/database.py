"""Open, create and check the SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import row_digests
from hashmatch.system import give_back

#: Of pages, for a writer, in KiB: a list's entries go to random places in the indexes.
_CACHE = 65_536
_SMALL_CACHE = 2_000
#: Pages of the log, after which they are taken over into the database: most pages of an index are written once, and not
#: with each transaction.
_LOG = 16_384

#: How long a second writer waits for the first one's transaction, which is one file long: seconds.
BUSY_SECONDS = 30.0

# Repeated from schema.py, which imports sqlite-utils (130 ms): a scan only reads and does not need it. A test compares.
APPLICATION_ID = 0x486D6368
VERSION = 7


class Store:
    """An open reference set. A context manager; `connection` is used by the other modules of this package only."""

    def __init__(self, connection: sqlite3.Connection, path: Path, writable: bool) -> None:
        self.connection = connection
        self.path = path
        self.writable = writable

    @classmethod
    def open(cls, path: Path, *, write: bool = False, even_damaged: bool = False) -> Store:
        """Open a reference set, to read unless `write`; to write creates it where it does not exist, readable by its
        owner only. An older one is upgraded when it is opened to write, see upgrade.py; to read, in a copy in memory.

        even_damaged: open to read whatever still says that it is a reference set, in order to look for damage.
        Raises CommandError: it does not exist, is no reference set, is newer than this program, or cannot be written.
        """
        try:
            return cls._open_to_write(path) if write else cls._open_to_read(path, even_damaged)
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise explain(error, path) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(
                _("cannot open the database {path}: {reason}").format(path=path, reason=reason)
            ) from error

    @classmethod
    def scratch(cls, path: Path) -> Store:
        """A copy in memory, or an empty set where there is no file: for dry runs. Raises CommandError as `open` does."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        with _closed_on_error(connection):
            if path.exists():
                with cls.open(path) as original:
                    original.connection.backup(connection)
            _prepare_to_write(connection, None)
        return cls(connection, path, writable=True)

    @classmethod
    def _open_to_read(cls, path: Path, even_damaged: bool) -> Store:
        if not path.exists():
            message = _("there is no database {path}; `hashmatch index` or `hashmatch import` makes one")
            raise CommandError(message.format(path=path))
        uri = path.absolute().as_uri()
        _roll_back(path)
        try:
            with _closed_on_error(_connect(f"{uri}?mode=ro")) as connection:
                _check_header(connection, path, even_damaged)
        except sqlite3.OperationalError:
            # A database in WAL mode needs a file beside it even to be read. On a read-only medium that cannot be; then
            # it can be read as it stands, provided that no log with newer content lies beside it.
            if os.access(path.parent, os.W_OK):
                raise
            for log in (Path(f"{path}-wal"), Path(f"{path}-journal")):
                if log.exists() and log.stat().st_size:
                    message = _(
                        "database {path}: newer content is in {log}, which cannot be read on a read-only medium;"
                    )
                    message += " " + _("copy both files to where you may write")
                    raise CommandError(message.format(path=path, log=log.name)) from None
            with _closed_on_error(_connect(f"{uri}?mode=ro&immutable=1")) as connection:
                _check_header(connection, path, even_damaged)
        if _pragma(connection, "user_version") < VERSION and not even_damaged:
            connection = _upgraded_copy(connection)
        return cls(connection, path, writable=False)

    @classmethod
    def _open_to_write(cls, path: Path) -> Store:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if not os.access(path, os.W_OK):
            raise CommandError(_("the database {path} is read-only").format(path=path))
        if path.stat().st_size == 1:  # for SQLite as good as empty; for its owner perhaps not
            raise CommandError(_("database {path}: it is not a hashmatch database").format(path=path))
        with _closed_on_error(_connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
            if not _is_blank(connection):
                _check_header(connection, path, even_damaged=False)
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
            _prepare_to_write(connection, path)
        return cls(connection, path, writable=True)

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
        before = _pragma(self.connection, "cache_size")
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
    """SQLite's error in a line for a person. path: of the database, where it is known."""
    text = str(error)
    if "locked" in text or "busy" in text:
        text = _("another process has been writing to it for {seconds:g} s; try again").format(seconds=BUSY_SECONDS)
    elif "full" in text:
        text = _("the disk is full; everything reported as done is kept")
    elif "not a database" in text:
        text = _("it is not a hashmatch database")
    elif "user-defined function" in text:  # that of row_digests.py, which is given text that is none
        text = _("it is damaged; `hashmatch verify` tells where")
    elif "malformed" in text or isinstance(error, UnicodeError):
        text = _("it is damaged ({reason})").format(reason=text)
    elif "readonly" in text:
        text = _("it is read-only")
    return CommandError(_("database {path}: {reason}").format(path=path or "", reason=text))


def _connect(uri: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where `transaction` says, not where sqlite3 guesses.
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _roll_back(path: Path) -> None:
    """Undo what was killed while it switched a database, say a restored backup, to the log: no reader can do that."""
    journal = Path(f"{path}-journal")
    if journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with contextlib.closing(_connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
            _pragma(connection, "user_version")


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Leave a file alone that turns out not to be for us."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for another process that is doing the same, so we do."""
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
    """Whether nothing was ever written: the file is new, perhaps made by another process a moment ago."""
    return not (
        _pragma(connection, "application_id") or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    )


def _check_header(connection: sqlite3.Connection, path: Path, even_damaged: bool) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise CommandError(_("database {path}: it is not a hashmatch database").format(path=path))
    version = _pragma(connection, "user_version")
    if version > VERSION:
        message = _("database {path}: it was made by a newer hashmatch (schema {theirs}, this one knows {ours})")
        raise CommandError(message.format(path=path, theirs=version, ours=VERSION))
    if not even_damaged:
        connection.execute("SELECT 1 FROM reference LIMIT 1")


def _upgraded_copy(older: sqlite3.Connection) -> sqlite3.Connection:
    """In memory, and up to date: an older database, perhaps on a read-only medium, need not change to be read."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.closing(older), _closed_on_error(connection):
        older.backup(connection)
        _prepare_to_write(connection, None)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _prepare_to_write(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring the tables up to date (path: None of a copy in memory, which needs no backup), and keep digests of rows."""
    if _pragma(connection, "user_version") < VERSION:
        from hashmatch.store.upgrade import upgrade

        upgrade(connection, path)
    row_digests.keep(connection)

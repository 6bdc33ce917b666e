"""Reads lists that are SQLite files and may be hostile: read-only, and never for ever.

Nothing is written next to such a file, and none of its own SQL runs (views, triggers, virtual tables). The size of the
file limits the cost of a query, because a page tree that leads back into itself has no end.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote_from_bytes
from weakref import WeakKeyDictionary

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.list_format import ListRow
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem

#: How every SQLite file begins.
MAGIC = b"SQLite format 3\0"

#: The longest value or row of a list, in bytes.
VALUE_MAX = 2**20

# Steps of SQLite's virtual machine. Reading a row takes about 8 steps, or about 15 if rows are sorted. With its index
# entry, a row has at least about 10 bytes, so an honest list stays far below the limit.
_STEPS = 100_000
_STEPS_A_BYTE = 4
_STEPS_A_CALL = 1000

#: The numbers that rows can have, and how many damaged stretches of a table are stepped over.
_FIRST_ROW, _LAST_ROW = -(2**63) + 1, 2**63 - 1
_GAPS_MAX = 10_000
#: Sorting makes no file.
_TEMPORARY = "temp_store = MEMORY"

#: How long an SQLite file may be that is not a file itself, as in an archive: it is held in memory.
_IN_MEMORY = 512 << 20

ItemQuery = Callable[[sqlite3.Connection], Iterator[Callable[[], ListItem]]]


def read_rows(stream: BinaryIO, query: ItemQuery) -> Iterator[ListRow]:
    """Yields the items that `query` finds, numbered from 1.

    query: yields functions that make the items and raise LineError for a bad one.
    Damage that `numbered_rows` cannot step over ends the list with one BadLine. Raises OSError if the file cannot be read.
    """
    number = 0
    try:
        with _opened(stream) as (connection, logs):
            for log in logs:
                message = _(
                    "changes in {log} beside the list are not read: first close the list in the program that wrote it"
                )
                yield LineRemark(1, message.format(log=log))
            for number, make in enumerate(query(connection), 1):
                try:
                    yield number, make()
                except LineError as refused:
                    yield BadLine(number, str(refused))
    except LineError as refused:
        yield BadLine(number + 1, str(refused))
    except (sqlite3.Error, UnicodeError) as error:
        if isinstance(error, sqlite3.Error) and _never_ends(error):
            reason = _("the SQLite file never comes to an end: it is damaged, or was made to do harm")
        else:
            reason = _("the SQLite file cannot be read any further: {reason}").format(reason=snippet(str(error)))
        yield BadLine(number + 1, reason)


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """An SQLite file that is open. size: in bytes. logs: names of log files beside it, which are not read."""

    connection: sqlite3.Connection
    size: int
    logs: tuple[str, ...] = ()


#: Files that were opened before their process was locked; see open_ahead.
_ahead: WeakKeyDictionary[BinaryIO, _OpenFile] = WeakKeyDictionary()


def open_ahead(stream: BinaryIO) -> None:
    """Open a stream's file for `read_rows`, if it is an SQLite file: a process that is locked later can open none."""
    path = _path_of(stream)
    if path is not None:
        head = stream.read(len(MAGIC))
        stream.seek(0)
        if head == MAGIC:
            _ahead[stream] = _open_path(path)


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """A read-only connection, and the names of log files beside the file, which are not read. Text comes as bytes."""
    file = _ahead.pop(stream, None) or _open(stream)
    with closing(file.connection) as connection:
        connection.text_factory = bytes
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_MAX)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1)
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        steps = _STEPS + _STEPS_A_BYTE * file.size

        def spent() -> bool:
            nonlocal steps
            steps -= _STEPS_A_CALL
            return steps < 0

        connection.set_progress_handler(spent, _STEPS_A_CALL)
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "mmap_size = 0", _TEMPORARY):
            connection.execute(f"PRAGMA {pragma}").close()
        yield connection, list(file.logs)


def _open(stream: BinaryIO) -> _OpenFile:
    path = _path_of(stream)
    if path is not None:
        return _open_path(path)
    head = stream.read(len(MAGIC))
    if head != MAGIC:
        raise LineError(_("not an SQLite file"))
    try:
        with tempfile.NamedTemporaryFile(prefix="hashmatch-") as copy:
            copy.write(head)
            shutil.copyfileobj(stream, copy)
            copy.flush()
            return _open_path(os.fsencode(copy.name))  # which keeps it open, also without its name
    except (PermissionError, FileNotFoundError):  # this process is locked: it may write no file
        return _open_in_memory(head, stream)


def _open_in_memory(head: bytes, stream: BinaryIO) -> _OpenFile:
    content = bytearray(head + stream.read(_IN_MEMORY))
    if len(content) > _IN_MEMORY:
        raise LineError(
            _("more than {limit} bytes of SQLite in another file: unpack it first").format(limit=_IN_MEMORY)
        )
    content[18:20] = b"\1\1"  # in memory there is no log; SQLite would refuse a file that is written through one
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(bytes(content))
    return _OpenFile(connection, len(content))


def _open_path(path: bytes) -> _OpenFile:
    # Immutable: SQLite does not look for locks, a journal or a log, so it neither creates one nor rolls it back.
    uri = f"file:{quote_from_bytes(path)}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    logs = [path + end for end in (b"-wal", b"-journal") if _has_content(path + end)]
    shown = tuple(snippet(os.fsdecode(os.path.basename(log))) for log in logs)
    return _OpenFile(connection, os.stat(path).st_size, shown)


def numbered_rows(connection: sqlite3.Connection, columns: str, table: str) -> Iterator[tuple[Any, ...] | LineError]:
    """Yields the rows of a table in the order of their numbers, each beginning with its number (rowid).

    A damaged page costs the rows on it: a LineError stands in their place, and the rows after it follow. A table without
    numbers is read as it comes, and damage ends it. Raises sqlite3.Error.
    """
    last = _FIRST_ROW - 1
    query = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid"
    if not _has_numbers(connection, table):
        yield from connection.execute(f"SELECT 0, {columns} FROM {table}")
        return
    for _gap in range(_GAPS_MAX):
        try:
            for row in connection.execute(query, (last,)):
                if not isinstance(row[0], int):
                    raise LineError(_("the table numbers its rows with what are no numbers"))
                last = max(last, row[0])
                yield row
            return
        except sqlite3.DatabaseError as error:
            if _never_ends(error):
                raise
            reason = snippet(str(error))
        after = _readable_after(connection, query, last)
        message = _("the SQLite file is damaged: rows after number {first} cannot be read ({reason})")
        if last < _FIRST_ROW:
            message = _("the SQLite file is damaged: its first rows cannot be read ({reason})")
        yield LineError(message.format(first=last, reason=reason))
        if after is None:
            return
        last = after - 1


def _has_numbers(connection: sqlite3.Connection, table: str) -> bool:
    try:
        connection.execute(f"EXPLAIN SELECT rowid FROM {table}").close()
    except sqlite3.OperationalError:
        return False
    return True


def refused(reason: LineError) -> ListItem:
    """Stands for an entry that cannot be read: raises the reason."""
    raise reason


def _readable_after(connection: sqlite3.Connection, query: str, last: int) -> int | None:
    """The first number after `last` from which rows can be read again; None if there is none."""

    def is_readable(first: int) -> bool:
        try:
            connection.execute(query, (first - 1,)).fetchone()
        except sqlite3.DatabaseError as error:
            if _never_ends(error):
                raise
            return False
        return True

    start = max(last + 1, 1)  # numbers below 1 are rare: if the first page is damaged, they are given up
    step = 1
    while not is_readable(start + step):
        step *= 2
        if start + step > _LAST_ROW:
            return None
    bad, good = start + step // 2, start + step
    while good - bad > 1:
        middle = (bad + good) // 2
        bad, good = (bad, middle) if is_readable(middle) else (middle, good)
    return good


def _never_ends(error: sqlite3.Error) -> bool:
    """Whether a query took more steps than its file's size allows."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _path_of(stream: BinaryIO) -> bytes | None:
    """The path of a stream's file, or None.

    None unless the stream is at its start and is a regular file that its name still leads to.
    """
    try:
        name = stream.name
        status = os.fstat(stream.fileno())
        if isinstance(name, (str, bytes)) and stat.S_ISREG(status.st_mode) and stream.tell() == 0:
            # Really: the name may be one that leads to an open descriptor, and logs lie beside the file itself.
            return os.path.realpath(os.fsencode(name)) if os.path.samestat(status, os.stat(name)) else None
    except (AttributeError, OSError):  # the stream is not a file
        pass
    return None


def _has_content(path: bytes) -> bool:
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


def columns_of(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The names of a table's columns in lower case; empty if there is no such table, or if it is a view or virtual."""
    kinds = connection.execute(
        "SELECT type, substr(sql, 1, 13) FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
        (table,),
    ).fetchall()
    if not kinds or any(kind != (b"table", b"CREATE TABLE ") for kind in kinds):
        return frozenset()
    rows = connection.execute("SELECT lower(name) FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return frozenset(name.decode("utf-8", "replace") for (name,) in rows)


def has_table(head: bytes, name: bytes, column: bytes) -> bool:
    """Whether the first bytes of an SQLite file show a table of this name with this column. Case does not matter."""
    pattern = rb"CREATE TABLE [\"'`\[]?%b\b.{0,2000}?\b%b\b" % (name, column)
    return head.startswith(MAGIC) and re.search(pattern, head, re.IGNORECASE | re.DOTALL) is not None

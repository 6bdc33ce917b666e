"""The `kdb` format: the hash database of Autopsy and The Sleuth Kit, an SQLite file (their tsk/hashdb/sqlite_hdb.cpp).

hashes(id, md5, sha1, sha2_256) has the digests as bytes; file_names(name, hash_id) and comments(comment, hash_id) have
the rest. These programs search by MD5 only, so an entry without one is left out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, list_item
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.exchange.sqlite_files import columns_of, has_table, numbered_rows, read_rows, refused
from hashmatch.records import ListItem

_SCHEMA = """
CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);
INSERT INTO db_properties (name, value) VALUES ('Schema Version', '1');
CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, sha1 BINARY(20), sha2_256 BINARY(32));
CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL, PRIMARY KEY(name, hash_id));
CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL, PRIMARY KEY(comment, hash_id));
CREATE INDEX md5_index ON hashes(md5);
"""

#: How many names, and how many comments, are read for one entry.
_TEXTS_MAX = 100

_SIZES = {"md5": 16, "sha1": 20, "sha256": 32}


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_rows(stream, _entries)


def _entries(connection: sqlite3.Connection) -> Iterator[Callable[[], ListItem]]:
    names, comments = _texts(connection, "name", "file_names"), _texts(connection, "comment", "comments")
    for row in numbered_rows(connection, "md5, sha1, sha2_256", "hashes"):
        if isinstance(row, LineError):
            yield partial(refused, row)
        else:
            number, *digests = row
            yield partial(_item, digests, names(number), comments(number))


def _texts(connection: sqlite3.Connection, column: str, table: str) -> Callable[[int], list[bytes]]:
    """Returns a function that gives the texts of an entry by its number. Call it with ascending numbers only."""
    if not {"hash_id", column} <= columns_of(connection, table):
        return lambda _number: []
    # The tables have no index by entry, so a query per entry would read the whole table each time.
    query = f"SELECT hash_id, CAST({column} AS BLOB) FROM {table} WHERE typeof(hash_id) = 'integer' ORDER BY hash_id"
    groups = groupby(_until_damage(connection, query), key=itemgetter(0))
    current = next(groups, None)

    def of(number: int) -> list[bytes]:
        nonlocal current
        while current is not None and current[0] < number:
            current = next(groups, None)
        if current is None or current[0] != number:
            return []
        return [text for _number, text in islice(current[1], _TEXTS_MAX) if text]

    return of


def _until_damage(connection: sqlite3.Connection, query: str) -> Iterator[tuple[int, bytes]]:
    """The rows of a table of names or comments. Where it is damaged, the digests are good without them."""
    with suppress(sqlite3.DatabaseError):
        yield from connection.execute(query)


def _item(digests: list[object], names: list[bytes], comments: list[bytes]) -> ListItem:
    note = "\n".join(comment.decode("utf-8", "backslashreplace") for comment in comments)
    record: dict[str, object] = {
        field: _hex(value, size) for (field, size), value in zip(_SIZES.items(), digests, strict=True)
    }
    return list_item({**record, "note": note.replace("\0", "")}, (), tuple(name for name in names if b"\0" not in name))


def _hex(value: object, size: int) -> object:
    """A digest as hex. It is stored as `size` bytes, or by some programs as text."""
    if not isinstance(value, bytes):
        return value
    return value.hex() if len(value) == size else value.decode("latin-1")


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes a database that hfind and Autopsy can open. It is built in a temporary file first and then copied."""
    with tempfile.TemporaryDirectory(prefix="hashmatch-") as folder:
        path = Path(folder, "list.kdb")
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_SCHEMA}")
                report = _fill(connection, items, include)
                connection.execute("COMMIT")
        except sqlite3.Error as error:  # of the temporary file, such as a full disk
            raise OSError(str(error)) from error
        with path.open("rb") as file:
            shutil.copyfileobj(file, out, 2**20)
    return report


def _fill(connection: sqlite3.Connection, items: Iterable[ListItem], include: frozenset[str]) -> WriteReport:
    def entries(item: ListItem) -> Iterable[bytes]:
        if item.md5 is None:
            return ()
        _add(connection, item, include)
        return (b"",)

    with open(os.devnull, "wb") as nowhere:  # write_plain decides which items go into the list; here the lines are rows
        return write_plain(items, nowhere, entries)


def _add(connection: sqlite3.Connection, item: ListItem, include: frozenset[str]) -> None:
    digests = [bytes.fromhex(value) if value else None for value in (item.md5, item.sha1, item.sha256)]
    # An MD5 can be there only once. Digests of two entries are not mixed: files with the same MD5 need not be the same.
    (number,) = connection.execute(
        "INSERT INTO hashes (md5, sha1, sha2_256) VALUES (?, ?, ?)"
        " ON CONFLICT (md5) DO UPDATE SET md5 = excluded.md5 RETURNING id",
        digests,
    ).fetchone()
    if "paths" in include:
        # Names are bytes, as on the disk they come from and as The Sleuth Kit itself stores them.
        add = "INSERT OR IGNORE INTO file_names (name, hash_id) VALUES (CAST(? AS TEXT), ?)"
        connection.executemany(add, ((path, number) for path in item.paths))
    if "note" in include and item.note:
        connection.execute("INSERT OR IGNORE INTO comments (comment, hash_id) VALUES (?, ?)", (item.note, number))


def looks_like(head: bytes) -> bool:
    return has_table(head, b"hashes", b"sha2_256")


FORMAT = Format(
    "kdb", frozenset({"md5", "sha1", "sha256", "paths", "note"}), write, read, looks_like, needs=frozenset({"md5"})
)

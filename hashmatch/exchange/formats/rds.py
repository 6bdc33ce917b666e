"""The `rds` format, read only: the NSRL's Reference Data Set, version 3, an SQLite file of tens of gigabytes.

The full sets have a table METADATA and a view FILE on it; the minimal sets have a table FILE. Both have the digests as
upper-case text. We read only tables, because whoever wrote the file decides what a view computes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, list_item
from hashmatch.exchange.formats.nsrl import remarked
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.sqlite_files import MAGIC, columns_of, has_table, numbered_rows, read_rows, refused
from hashmatch.i18n import _
from hashmatch.records import ListItem

#: Tables that list files. The first one that exists is read.
_TABLES = ("METADATA", "FILE")

#: Field of an item -> the columns that may contain it.
_COLUMNS = {
    "md5": ("md5",),
    "sha1": ("sha1",),
    "sha256": ("sha256",),
    "size": ("file_size", "bytes"),
    "path": ("file_name",),
}


def read(stream: BinaryIO) -> Iterator[ListRow]:
    message = _("the NSRL lists known software, most of it harmless: import it with --allow")
    return remarked(read_rows(stream, _entries), message)


def _entries(connection: sqlite3.Connection) -> Iterator[Callable[[], ListItem]]:
    for table in _TABLES:
        there = columns_of(connection, table)
        if {"md5", "sha1", "sha256"} & there:
            break
    else:
        raise LineError(_("it has no table METADATA or FILE with digests, as the NSRL's sets do"))
    found = {field: next((name for name in names if name in there), "NULL") for field, names in _COLUMNS.items()}
    for row in numbered_rows(connection, ", ".join(found.values()), table):
        yield (
            partial(refused, row)
            if isinstance(row, LineError)
            else partial(_item, dict(zip(found, row[1:], strict=True)))
        )


def _item(record: dict[str, object]) -> ListItem:
    path = record.pop("path")
    for field in ("md5", "sha1", "sha256"):
        value = record[field]
        if isinstance(value, bytes):
            record[field] = value.decode("latin-1")
    paths = (path,) if isinstance(path, bytes) and path and b"\0" not in path else ()
    return list_item(record, (), paths, capitals_are_usual=True)


def looks_like(head: bytes) -> bool:
    return head.startswith(MAGIC) and any(has_table(head, table.encode("ascii"), b"sha256") for table in _TABLES)


FORMAT = Format("rds", frozenset({"md5", "sha1", "sha256", "size", "paths"}), None, read, looks_like)

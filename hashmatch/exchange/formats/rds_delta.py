"""The `rds-delta` format: SQL that brings a set of the NSRL up to date. It is recognised, and refused with the reason.

A delta names the files of the new set that the old one has not, and those that it no longer has. By itself it is no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.i18n import _
from hashmatch.records import BadLine

_STATEMENT = re.compile(
    rb"\s*+(?:(?:--[^\n]*+|BEGIN[^;]*+;|PRAGMA[^;]*+;)\s*+)*+"
    rb"(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|DELETE\s+FROM|UPDATE|CREATE\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?)\s+[\"'`\[]?"
    rb"(?:FILE|METADATA|PKG|OS|MFG|VERSION|DISTINCT_HASH)\b",
    re.IGNORECASE,
)


def read(stream: BinaryIO) -> Iterator[ListRow]:
    yield BadLine(
        1,
        _("this is SQL that changes the NSRL's data set: apply it to the full set with sqlite3, and import that"),
    )


def looks_like(head: bytes) -> bool:
    return _STATEMENT.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


FORMAT = Format("rds-delta", frozenset(), None, read, looks_like)

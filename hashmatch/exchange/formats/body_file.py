"""The `bodyfile` format, read only: body files of The Sleuth Kit (`fls -m -h`, mactime), version 3.

    MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime

The MD5 is 0 where none was computed, as for folders: such lines are passed over and counted. A name may contain bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, digest, in_capitals, snippet
from hashmatch.exchange.formats.digest_tables import number_in
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.i18n import _, ngettext
from hashmatch.records import BadLine, LineRemark, ListItem

#: How many columns follow the name, and which of them is the size.
_AFTER_NAME, _SIZE = 9, 5
_START = re.compile(rb"(?:0+|[0-9A-Fa-f]{32})\|")
_NOTHING = re.compile(rb"0*")


def read(stream: BinaryIO) -> Iterator[ListRow]:
    last = given = without = 0
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        last, raw = line
        entry = content(raw)
        if not entry:
            continue
        try:
            item = _parse(entry)
        except LineError as refused:
            yield BadLine(last, str(refused))
            continue
        if item is None:
            without += 1
            continue
        given += 1
        yield last, item
    if without:
        text = ngettext("{n:,} line has no MD5", "{n:,} lines have no MD5", without).format(n=without)
        yield LineRemark(last, text) if given else BadLine(last, text)


def _parse(line: bytes) -> ListItem | None:
    """The entry of a line; None if it has no MD5. Raises LineError."""
    value, bar, rest = line.partition(b"|")
    cells = rest.rsplit(b"|", _AFTER_NAME)
    if not bar or len(cells) <= _AFTER_NAME:
        raise LineError(_("not a line of a body file, which has 11 columns: {value}").format(value=snippet(line)))
    if _NOTHING.fullmatch(value):
        return None
    spelled = value.decode("latin-1").strip()
    size = number_in("size", cells[_SIZE].decode("latin-1"))
    path = cells[0]
    return ListItem(md5=digest("md5", spelled), size=size, paths=(path,) if path else (), capitals=in_capitals(spelled))


def looks_like(head: bytes) -> bool:
    """Whether more than half of the first lines have an MD5 or 0, and as many columns as a body file."""
    lines = sample(head)
    good = [line for line in lines if _START.match(line) and line.count(b"|") > _AFTER_NAME]
    return len(good) * 2 > len(lines)


FORMAT = Format("bodyfile", frozenset({"md5", "size", "paths"}), None, read, looks_like)

"""The `get-filehash` format, read only: what PowerShell's Get-FileHash prints, as a table or as a list.

    Algorithm       Hash                                                       Path
    ---------       ----                                                       ----
    SHA256          148A4D4E5FAD362F87B0E363819C9817A228551E7E9A42544A15B77…   C:\\m.jpg

    Algorithm : SHA256
    Hash      : 148A4D4E5FAD362F87B0E363819C9817A228551E7E9A42544A15B77C363EE1DC
    Path      : C:\\m.jpg

A table cuts long paths off; such a path is left out. A list goes on with a long path on the next line. What it saves with
Export-Csv is a `table`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats.named_fields import item_of_fields
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import numbered_text, sample
from hashmatch.i18n import _
from hashmatch.records import BadLine

_FIELD = re.compile(r"(Algorithm|Hash|Path) *: ?(.*)", re.IGNORECASE)
_ROW = re.compile(r"([A-Za-z0-9]{2,16}) +([0-9A-Fa-f]{32,128})(?: +(.*))?")
_HEADER = re.compile(rb"Algorithm +Hash( +Path)?\s*|Algorithm *: ?[A-Za-z0-9]+\s*", re.IGNORECASE)
_TITLES = re.compile(r"Algorithm +Hash( +Path)?|-+( +-+)*", re.IGNORECASE)
#: Windows' longest path has half as many characters.
_PATH_MAX = 65_536
_CUT_OFF = ("...", "…")


def read(stream: BinaryIO) -> Iterator[ListRow]:
    values: dict[str, str] = {}
    begun = 0
    for line in numbered_text(stream, "surrogateescape"):
        if isinstance(line, BadLine):
            yield line
            continue
        number, text = line[0], line[1].rstrip()
        bare = text.strip()
        found = _FIELD.fullmatch(text)
        if values and (not bare or (found and found[1].lower() in values)):
            yield _row(begun, values)
            values = {}
        if found:
            begun = begun if values else number
            values[found[1].lower()] = found[2]
        elif values and text.startswith("  "):  # a long value goes on
            last = next(reversed(values))
            values[last] = (values[last] + bare)[:_PATH_MAX]
        elif row := _ROW.fullmatch(bare):
            path = row[3] or ""
            yield _row(number, {"algorithm": row[1], "hash": row[2], "path": "" if path.endswith(_CUT_OFF) else path})
        elif bare and not _TITLES.fullmatch(bare):
            yield BadLine(number, _("not a line as Get-FileHash prints it: {value}").format(value=snippet(bare)))
    if values:
        yield _row(begun, values)


def _row(number: int, values: dict[str, str]) -> ListRow:
    try:
        return number, item_of_fields(values, "sha256", capitals_are_usual=True)
    except LineError as refused:
        return BadLine(number, str(refused))


def looks_like(head: bytes) -> bool:
    return any(_HEADER.fullmatch(line) for line in sample(head, 1))


FORMAT = Format("get-filehash", frozenset({"md5", "sha1", "sha256", "paths"}), None, read, looks_like)

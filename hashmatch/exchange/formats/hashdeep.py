"""The `hashdeep` format, read only: what the hashdeep program prints.

    %%%% HASHDEEP-1.0
    %%%% size,md5,sha256,filename
    ## Invoked from: /home/north
    59231,78bb96f826cabf4d2d07a7d2d15f6a7c,148a4d4e5fad362f87b0e363819c9817a228551e7e9a42544a15b77c363ee1dc,/a, b.jpg

The second line names the columns. A file name comes last, is not quoted and may contain commas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, list_item
from hashmatch.exchange.formats.digest_tables import number_in
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.i18n import _
from hashmatch.records import BadLine, ListItem

_MARK = b"%%%%"
_START = b"%%%% HASHDEEP-"
#: hashdeep's own columns, where a list has lost its head.
_USUAL = ("size", "md5", "sha256", "filename")


def read(stream: BinaryIO) -> Iterator[ListRow]:
    columns: tuple[str, ...] = _USUAL
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if entry.startswith(_MARK):
            names = entry.removeprefix(_MARK).decode("latin-1").strip().lower().split(",")
            columns = tuple(names) if len(names) > 1 else columns
            continue
        if entry:
            try:
                yield number, _parse(entry, columns)
            except LineError as refused:
                yield BadLine(number, str(refused))


def _parse(line: bytes, columns: tuple[str, ...]) -> ListItem:
    cells = line.split(b",", len(columns) - 1)
    if len(cells) < len(columns):
        message = _("the row has {count} cells, but the header row has {wanted}")
        raise LineError(message.format(count=len(cells), wanted=len(columns)))
    known = {name: cell.decode("latin-1") for name, cell in zip(columns, cells, strict=True)}
    record: dict[str, object] = {name: known[name].strip() for name in ("md5", "sha1", "sha256") if name in known}
    record["size"] = number_in("size", known.get("size", ""))
    path = known.get("filename", "").encode("latin-1")
    return list_item(record, (), (path,) if path and b"\0" not in path else ())


def looks_like(head: bytes) -> bool:
    return any(line.startswith(_START) for line in sample(head, 1))


FORMAT = Format("hashdeep", frozenset({"md5", "sha1", "sha256", "size", "paths"}), None, read, looks_like)

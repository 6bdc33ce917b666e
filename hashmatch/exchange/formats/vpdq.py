"""The `vpdq` format: films as the tx tool's vpdq signals (see `vpdq_frames`), one film per line.

This is how the tx tool's local_file exchange (with --signal-type vpdq) and `tx match -H -S vpdq video` read a list of
several films. A file with a single film may spread it over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError
from hashmatch.exchange.formats.vpdq_frames import parse_signal, signal
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.numbered_lines import BOM, LINE_MAX, content, numbered
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem

_START = re.compile(
    rb'\s*(?:\[\s*"\s*[0-9A-Fa-f]{64}\s*,[0-9 ]{1,9},|\{\s*"[0-9]{1,19}"\s*:\s*\{\s*"(?:quality|hash|timestamp)"\s*:)'
)


def read(stream: BinaryIO) -> Iterator[ListRow]:
    first = True
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if not entry:
            continue
        if first and entry.strip() in (b"[", b"{"):
            rest = stream.read(LINE_MAX + 1)
            if len(rest) > LINE_MAX:
                yield BadLine(number, _("the film is longer than {limit} bytes").format(limit=LINE_MAX))
                return
            entry += b"\n" + rest
        first = False
        yield from _rows(number, entry)


def _rows(number: int, entry: bytes) -> Iterator[ListRow]:
    try:
        item, remark = parse_signal(entry.decode("utf-8"))
    except UnicodeDecodeError as error:
        yield BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
    except LineError as refused:
        yield BadLine(number, str(refused))
    else:
        if remark:
            yield LineRemark(number, remark)
        yield number, item


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every film that has a frame good enough to be matched. The format has no place for EXTRAS."""

    def entries(item: ListItem) -> Iterable[bytes]:
        film = signal(item)
        return (film.encode("ascii"),) if film else ()

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    """Whether the list begins with a frame."""
    return _START.match(head.removeprefix(BOM)) is not None


FORMAT = Format(
    "vpdq",
    frozenset({"pdq", "kind", "frames", "time", "quality"}),
    write,
    read,
    looks_like,
    needs=frozenset({"frames"}),
)

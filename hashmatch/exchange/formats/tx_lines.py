"""The `tx-lines` format: a file of `<type> <signal>` lines, printed by `tx dataset -P -S` and read by the local_file
exchange of the tx tool (python-threatexchange).

    pdq f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22
    video_md5 900150983cd24fb0d6963f7d28e17f72
    vpdq ["f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,100,0.000"]

A line says only that a picture or film is known. Each hash of a reference gets its own line, and is read back as its own
reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats.tx_signals import CARRIES, TYPES, parse, signals
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem

_TYPES = frozenset(each.encode("ascii") for each in TYPES)


def read(stream: BinaryIO) -> Iterator[ListRow]:
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if not entry:
            continue
        try:
            item, remark = _parse(entry)
        except LineError as refused:
            yield BadLine(number, str(refused))
            continue
        if remark:
            yield LineRemark(number, remark)
        yield number, item


def _parse(line: bytes) -> tuple[ListItem, str | None]:
    try:
        signal_type, _space, signal = line.strip().decode("utf-8").partition(" ")
    except UnicodeDecodeError as error:
        raise LineError(_("not valid UTF-8 (at byte {position})").format(position=error.start + 1)) from None
    if not signal:
        raise LineError(_("not a signal type, a space and a signal: {value}").format(value=snippet(line)))
    return parse(signal_type, signal)


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every signal of each item. The format has no place for EXTRAS."""

    def entries(item: ListItem) -> Iterable[bytes]:
        return [f"{signal_type} {signal}".encode("ascii") for signal_type, signal in signals(item)]

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    """Whether more than half of the first lines begin with a type that the tx tool knows."""
    lines = sample(head)
    return sum(line.split(b" ", 1)[0] in _TYPES and b" " in line for line in lines) * 2 > len(lines)


FORMAT = Format("tx-lines", CARRIES, write, read, looks_like)

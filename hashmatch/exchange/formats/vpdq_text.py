"""The `vpdq-text` format: a film's frames, one per line, as vPDQ's C++ tools read and write them (vpdq/cpp/io/vpdqio.cpp
in github.com/facebook/ThreatExchange).

    0,100,f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,0.000      number, quality, hash, seconds

We also read `number,hash,quality,seconds`, which the sample of vPDQ's Python binding prints: the place of the hash tells
which form it is. For these tools a file is one film. We write several films one after another, each beginning with frame
0. When reading, a number that is not above the one before begins another film.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats import vpdq_frames
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, LineRemark, ListItem

_HEX = 64


def read(stream: BinaryIO) -> Iterator[ListRow]:
    frames: list[Hash] = []
    begun = last = 0
    rounded = False
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if not entry:
            continue
        try:
            at, frame, is_rounded = _parse(entry)
        except LineError as refused:
            yield BadLine(number, str(refused))
            continue
        if frames and at <= last:
            yield from _rows(begun, frames, rounded)
            frames, rounded = [], False
        if not frames:
            begun = number
        last = at
        rounded |= is_rounded
        if len(frames) <= vpdq_frames.FRAMES_MAX:
            frames.append(frame)
    if frames:
        yield from _rows(begun, frames, rounded)


def _rows(number: int, frames: list[Hash], rounded: bool) -> Iterator[ListRow]:
    try:
        item = vpdq_frames.film(frames)
    except LineError as refused:
        yield BadLine(number, str(refused))
        return
    if rounded:
        yield LineRemark(number, vpdq_frames.rounded_times())
    yield number, item


def _parse(line: bytes) -> tuple[int, Hash, bool]:
    """The frame's number, the frame, and whether its time is rounded."""
    parts = [part.strip() for part in line.decode("utf-8", "replace").split(",", 4)]
    at = parts[0]
    if len(parts) != 4 or not (at.isascii() and at.isdigit() and len(at) < 20):
        reason = _("not a frame's number, quality, hash and time: {value}")
        raise LineError(reason.format(value=snippet(line)))
    quality, hex = (parts[2], parts[1]) if len(parts[1]) == _HEX else (parts[1], parts[2])
    return int(at), vpdq_frames.frame(hex, quality, parts[3]), vpdq_frames.is_rounded(parts[3])


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every film that has a frame good enough to be matched. The format has no place for EXTRAS."""

    def entries(item: ListItem) -> Iterable[bytes]:
        for number, frame in enumerate(vpdq_frames.frames_of(item)):
            yield f"{number},{vpdq_frames.quality_of(frame)},{frame.hex},{frame.time:.3f}".encode("ascii")

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    """Whether more than half of the first lines are frames."""
    lines = sample(head)
    return sum(map(_is_frame, lines)) * 2 > len(lines)


def _is_frame(line: bytes) -> bool:
    try:
        _parse(line)
    except LineError:
        return False
    return True


FORMAT = Format(
    "vpdq-text",
    frozenset({"pdq", "kind", "frames", "time", "quality"}),
    write,
    read,
    looks_like,
    needs=frozenset({"frames"}),
)

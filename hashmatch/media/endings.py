"""Where a picture or film ends inside its file, by its own structure. What comes after is of somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from hashmatch.media.matroska import segment_end

#: Boxes and chunks to walk over, at most: ordinary files have some hundred. Blocks of a GIF are smaller.
MOST_STEPS, MOST_BLOCKS = 100_000, 2_000_000


_END_MARK = re.compile(rb"\xff\xd9")


class IsoBox(NamedTuple):
    """A box of an ISO base media file (ISO/IEC 14496-12, 4.2): its type, and where its content begins and ends."""

    type: bytes
    start: int
    content: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[IsoBox]:
    """The boxes between two positions, up to the first that cannot be one. The last one may be cut off by the end."""
    for _step in range(MOST_STEPS):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        size, content = int.from_bytes(head[:4], "big"), start + 8
        if size == 1 and len(head) == 16:
            size, content = int.from_bytes(head[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if not head[4:8].isascii() or not head[4:8].decode("ascii").isprintable() or size < content - start:
            return
        yield IsoBox(head[4:8], start, content, min(start + size, end))
        start += size


def end_of(file: BinaryIO, format: str, start: int, end: int) -> int:
    """Where the picture or film that begins at `start` ends; `end` where its format does not say, or it is cut off.

    format: as of MediaType. end: where the file ends, or what holds the picture.
    """
    find = _ENDS.get(format)
    return min(find(file, start, end) or end, end) if find else end


def _jpeg(file: BinaryIO, start: int, end: int) -> int | None:
    """After the first end mark of the compressed data, where no byte pair looks like it by chance (ITU-T T.81, B.1.1.5)."""
    scan = scan_of_jpeg(file, start, end)
    return scan and _after_mark(file, scan, end)


def scan_of_jpeg(file: BinaryIO, start: int, end: int) -> int | None:
    """Where the first scan of a JPEG begins; None if there is none, and so no picture."""
    position = start + 2
    for _step in range(MOST_STEPS):
        file.seek(position)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or position > end:
            return None
        if head[1] == 0xFF:  # a byte that fills up
            position += 1
        elif head[1] == 0xDA:
            return position
        else:
            position += 2 + int.from_bytes(head[2:], "big")
    return None


def _after_mark(file: BinaryIO, start: int, end: int) -> int | None:
    """The position after the next mark that ends a JPEG."""
    file.seek(start)
    kept = b""
    while start < end and (part := file.read(min(1 << 20, end - start))):
        # Three times as fast as bytes.find, since every 256th byte is the first one of the mark.
        if found := _END_MARK.search(kept + part if kept else part):
            return start - len(kept) + found.end()
        start += len(part)
        kept = part[-1:]
    return None


def _png(file: BinaryIO, start: int, end: int) -> int | None:
    position = start + 8
    for _step in range(MOST_STEPS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return None
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return position
    return None


def _gif(file: BinaryIO, start: int, end: int) -> int | None:
    file.seek(start)
    head = file.read(13)
    if len(head) < 13:
        return None
    position = start + 13 + _table_of_colours(head[10])
    blocks = iter(range(MOST_BLOCKS))
    for _step in range(MOST_STEPS):
        file.seek(position)
        block = file.read(10)
        if block[:1] == b"\x3b":
            return position + 1
        if block[:1] == b"\x21":
            position += 2
        elif block[:1] == b"\x2c" and len(block) == 10:
            position += 10 + _table_of_colours(block[9]) + 1
        else:
            return None
        for _block in blocks:
            file.seek(position)
            length = file.read(1)
            position += 1 + (length[0] if length else 0)
            if length in (b"", b"\0"):
                break
        else:
            return None
    return None


def _table_of_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _riff(file: BinaryIO, start: int, end: int) -> int | None:
    """After the last list of a file. A long AVI has several: one RIFF, then RIFF again with the type AVIX."""
    position = start
    for _step in range(MOST_STEPS):
        file.seek(position)
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or (position > start and head[8:] != b"AVIX"):
            return position if position > start else None
        size = int.from_bytes(head[4:8], "little")
        if size < 4:  # a recording that was broken off before its size was known
            return None
        position += 8 + size + size % 2
    return None


def _bmp(file: BinaryIO, start: int, end: int) -> int | None:
    file.seek(start + 2)
    size = int.from_bytes(file.read(4), "little")
    return start + size if size > 26 else None


def _iso(file: BinaryIO, start: int, end: int) -> int | None:
    """After the last box, or before the box that begins another file."""
    last = start
    for box in boxes(file, start, end):
        if box.type == b"ftyp" and box.start > start:
            return box.start
        last = box.end
    return last if last > start else None


def _matroska(file: BinaryIO, start: int, end: int) -> int | None:
    return segment_end(file, start)


_ENDS = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "WEBP": _riff,
    "avi": _riff,
    "BMP": _bmp,
    "HEIF": _iso,
    "AVIF": _iso,
    "JPEG2000": _iso,
    "mov": _iso,
    "matroska,webm": _matroska,
}

"""How long a Matroska or WebM file says it is. FFmpeg takes the file's end for the film's."""

from __future__ import annotations

import os
from typing import BinaryIO

_HEADER, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def segment_end(file: BinaryIO, start: int = 0) -> int | None:
    """Where the one segment of a film that begins at `start` ends (RFC 8794, sections 4 to 6).

    None if it does not say: a segment that was streamed while it was recorded does not state its length.
    """
    file.seek(start)
    if file.read(4) != _HEADER:
        return None
    file.seek(_length(file) or 0, os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return None
    length = _length(file)
    return None if length is None else file.tell() + length


def is_cut(file: BinaryIO) -> bool:
    """Whether the file is shorter than its segment says. Rewinds the file."""
    end = segment_end(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return end is not None and end > size


def _length(file: BinaryIO) -> int | None:
    """An element's length; its first byte has a leading zero for each byte that follows. None if unknown (all bits set)."""
    first = file.read(1)
    more = 8 - first[0].bit_length() if first and first[0] else 0
    value = int.from_bytes(first + file.read(more), "big")
    bits = 7 * (more + 1)
    value &= (1 << bits) - 1
    return None if value == (1 << bits) - 1 else value

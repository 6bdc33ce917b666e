"""Whether a Matroska or WebM file is cut off. FFmpeg does not say: it takes the file's end for the film's."""

from __future__ import annotations

import os
from typing import BinaryIO

_HEADER, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut(file: BinaryIO) -> bool:
    """Whether the file is shorter than its one segment says (RFC 8794, sections 4 to 6).

    A segment that was streamed while it was recorded does not state its length; it counts as whole. Rewinds the file.
    """
    file.seek(0)
    try:
        if file.read(4) != _HEADER:
            return False
        file.seek(_length(file) or 0, os.SEEK_CUR)
        if file.read(4) != _SEGMENT:
            return False
        length = _length(file)
        return length is not None and file.tell() + length > file.seek(0, os.SEEK_END)
    finally:
        file.seek(0)


def _length(file: BinaryIO) -> int | None:
    """An element's length; its first byte has a leading zero for each byte that follows. None if unknown (all bits set)."""
    first = file.read(1)
    more = 8 - first[0].bit_length() if first and first[0] else 0
    value = int.from_bytes(first + file.read(more), "big")
    bits = 7 * (more + 1)
    value &= (1 << bits) - 1
    return None if value == (1 << bits) - 1 else value

"""Whether a Matroska or WebM file has its end, which FFmpeg does not tell: it takes the file's end for the film's."""

from __future__ import annotations

import os
from typing import BinaryIO

_HEADER, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut(file: BinaryIO) -> bool:
    """Whether the file is shorter than its one segment says (RFC 8794, sections 4 to 6). A segment that was written as it
    was recorded says nothing of its length, and is not cut as far as can be told. The file is left at its beginning."""
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
    """An element's length: as many bytes more as the first has leading zeros. None where all bits are set: unknown."""
    first = file.read(1)
    more = 8 - first[0].bit_length() if first and first[0] else 0
    value = int.from_bytes(first + file.read(more), "big")
    bits = 7 * (more + 1)
    value &= (1 << bits) - 1
    return None if value == (1 << bits) - 1 else value

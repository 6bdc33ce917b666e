"""Files without what decoders would stumble over: before their content, or in the midst of it."""

from __future__ import annotations

import io
import os
from typing import BinaryIO


class ShiftedFile(io.RawIOBase):
    """The part of a seekable file from `start` on, read as if it were all of it."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = self._file.seek(offset + self._start if whence == os.SEEK_SET else offset, whence)
        return at - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


#: A sector of a Video CD, as Windows shows them: sync bytes and headers, data, and a checksum (ECMA-130, mode 2 form 2).
_SECTOR, _BEFORE_DATA, _DATA = 2352, 24, 2324
#: Where the first one begins, after the header of the RIFF file.
_FIRST_SECTOR = 44


class SectorFile(io.RawIOBase):
    """The stream in the sectors of a Video CD (.DAT), without what is between."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0
        sectors, rest = divmod(max(0, file.seek(0, os.SEEK_END) - _FIRST_SECTOR), _SECTOR)
        self._size = sectors * _DATA + min(max(0, rest - _BEFORE_DATA), _DATA)

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        left = left if size < 0 else min(size, left)
        parts = []
        while left > 0:
            sector, start = divmod(self._at, _DATA)
            self._file.seek(_FIRST_SECTOR + sector * _SECTOR + _BEFORE_DATA + start)
            part = self._file.read(min(left, _DATA - start))
            if not part:
                break
            parts.append(part)
            self._at += len(part)
            left -= len(part)
        return b"".join(parts)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

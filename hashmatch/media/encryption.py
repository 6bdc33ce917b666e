"""Whether the pictures of a film are encrypted, from its structure alone. FFmpeg decodes such films to noise, or to nothing.

Only headers are read, and only so many; what a hostile file hides beyond them counts as not encrypted, and its decoder
decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hashmatch.media.sniff import MediaType

#: Headers of one file that are read, at most, and bytes of a stream whose packets are counted.
MOST_HEADERS = 5000
MOST_STREAMED = 1 << 20
#: A stream is encrypted if this share of its packets is: some stay clear, such as those that list its programmes.
SCRAMBLED_SHARE = 0.25


def is_encrypted(file: BinaryIO, media_type: MediaType) -> bool:
    """Whether a film has pictures, and all of them are encrypted. Rewinds the file, which must be seekable."""
    check = _CHECKS.get(media_type.format.split(",")[0])
    if check is None:
        return False
    try:
        return check(_Headers(file, MOST_HEADERS))
    finally:
        file.seek(0)


@dataclass(slots=True)
class _Headers:
    """A file, and how many more headers of it may be read."""

    file: BinaryIO
    left: int

    def read(self, place: int, length: int) -> bytes:
        self.file.seek(place)
        return self.file.read(length)

    def may_go_on(self) -> bool:
        self.left -= 1
        return self.left >= 0

    @property
    def end(self) -> int:
        return self.file.seek(0, os.SEEK_END)


# ISO base media files (ISO/IEC 14496-12), encrypted as ISO/IEC 23001-7 says, whichever system has the keys.


def _iso(headers: _Headers) -> bool:
    entries = [
        _is_clear_entry(headers, *entry)
        for trak in _inside(headers, 0, headers.end, b"moov", b"trak")
        if any(headers.read(begin + 8, 4) == b"vide" for begin, _end in _inside(headers, *trak, b"mdia", b"hdlr"))
        for begin, end in _inside(headers, *trak, b"mdia", b"minf", b"stbl", b"stsd")
        for entry in _boxes(headers, begin + 8, end)
    ]
    return bool(entries) and not any(entries)


#: Bytes of a sample entry for pictures before its own boxes.
_VISUAL_ENTRY = 78


def _is_clear_entry(headers: _Headers, name: bytes, begin: int, end: int) -> bool:
    """Whether samples of this kind are not encrypted. "drmi" is Apple's own name of those that are."""
    schemes = list(_inside(headers, begin + _VISUAL_ENTRY, end, b"sinf"))
    if name not in (b"encv", b"drmi") and not schemes:
        return True
    # The default of a track whose samples can be encrypted, or not.
    defaults = [
        headers.read(start + 6, 1) for scheme in schemes for start, _end in _inside(headers, *scheme, b"schi", b"tenc")
    ]
    return bool(defaults) and all(each == b"\0" for each in defaults)


def _boxes(headers: _Headers, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: the name of each, and where its content begins and ends."""
    while begin + 8 <= end and headers.may_go_on():
        head = headers.read(begin, 16)
        size, content = int.from_bytes(head[:4], "big"), begin + 8
        if size == 1:
            size, content = int.from_bytes(head[8:], "big"), begin + 16
        size = size or end - begin
        if begin + size < content:
            return
        yield head[4:8], content, min(begin + size, end)
        begin += size


def _inside(headers: _Headers, begin: int, end: int, name: bytes, *further: bytes) -> Iterator[tuple[int, int]]:
    """Where the boxes of a name begin and end, and then those of the next name inside them."""
    for found, start, stop in _boxes(headers, begin, end):
        if found == name:
            yield from _inside(headers, start, stop, *further) if further else [(start, stop)]


# Matroska and WebM (RFC 8794, RFC 9559).

_SEGMENT, _TRACKS, _TRACK, _TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_VIDEO = 1


def _matroska(headers: _Headers) -> bool:
    clear = [
        not any(True for _place in _below(headers, *track, _ENCODINGS, _ENCODING, _ENCRYPTION))
        for track in _below(headers, 0, headers.end, _SEGMENT, _TRACKS, _TRACK)
        if any(_number(headers, *place) == _VIDEO for place in _below(headers, *track, _TRACK_TYPE))
    ]
    return bool(clear) and not any(clear)


def _below(headers: _Headers, begin: int, end: int, name: int, *further: int) -> Iterator[tuple[int, int]]:
    """As _inside, for elements."""
    while begin < end and headers.may_go_on():
        head = headers.read(begin, 12)
        length = _width(head)
        found, head = int.from_bytes(head[:length], "big"), head[length:]
        width = _width(head)
        if not length or not width:
            return
        bits = 7 * width
        size = int.from_bytes(head[:width], "big") & (1 << bits) - 1
        start = begin + length + width
        stop = end if size == (1 << bits) - 1 else min(start + size, end)  # all ones: unknown
        if found == name:
            yield from _below(headers, start, stop, *further) if further else [(start, stop)]
        begin = stop


def _width(head: bytes) -> int:
    """Bytes of a number whose first byte has a leading zero for each byte that follows."""
    return 9 - head[0].bit_length() if head and head[0] else 0


def _number(headers: _Headers, begin: int, end: int) -> int:
    return int.from_bytes(headers.read(begin, min(end - begin, 8)), "big")


# ASF (Microsoft, "Advanced Systems Format Specification", 3.12 to 3.15 and 4.4).

_ASF_ENCRYPTION = tuple(
    bytes.fromhex(each)
    for each in (
        "fbb31122 23bd d211 b4b7 00a0c955fc6e",  # Content Encryption
        "14e68a29 2226 174c b935 dae07ee9289c",  # Extended Content Encryption
        "33850543 8169 e649 9b74 ad12cb86d58c",  # Advanced Content Encryption
    )
)
_ASF_EXTENSION = bytes.fromhex("b503bf5f 2ea9 cf11 8ee3 00c00c205365")
_ASF_HEADER, _ASF_EXTENSION_HEADER = 30, 46


def _asf(headers: _Headers) -> bool:
    length = int.from_bytes(headers.read(16, 8), "little")
    return _has_encryption(headers, _ASF_HEADER, min(length, headers.end))


def _has_encryption(headers: _Headers, begin: int, end: int) -> bool:
    while begin + 24 <= end and headers.may_go_on():
        head = headers.read(begin, 24)
        size = int.from_bytes(head[16:], "little")
        if head[:16] in _ASF_ENCRYPTION:
            return True
        is_extension = head[:16] == _ASF_EXTENSION
        if is_extension and _has_encryption(headers, begin + _ASF_EXTENSION_HEADER, min(begin + size, end)):
            return True
        if size < 24:
            return False
        begin += size
    return False


# Transport and program streams (ISO/IEC 13818-1, 2.4.3.2 and 2.4.3.6): broadcasts, and DVDs with CSS.


def _transport(headers: _Headers) -> bool:
    data = headers.read(0, MOST_STREAMED)
    step, start = _packets(data)
    counted = scrambled = 0
    for place in range(start, len(data) - 3, step) if step else ():
        pid = int.from_bytes(data[place + 1 : place + 3], "big") & 0x1FFF
        # Packets that hold something, but no tables and no padding.
        if data[place] == 0x47 and data[place + 3] & 0x10 and 0x1F < pid < 0x1FFF:
            counted += 1
            scrambled += data[place + 3] >> 6 > 1  # 2 and 3: by an even and an odd key
    return scrambled > SCRAMBLED_SHARE * counted


def _packets(data: bytes) -> tuple[int, int]:
    """The length of packets, and where the first one begins; 0 if there are none."""
    for step in (188, 192, 204):
        for start in range(min(2 * step, len(data))):
            syncs = data[start : start + 20 * step : step]
            if len(syncs) > 3 and syncs.count(b"G") >= 0.9 * len(syncs):
                return step, start
    return 0, 0


def _program(headers: _Headers) -> bool:
    data = headers.read(0, MOST_STREAMED)
    counted = scrambled = 0
    place = data.find(b"\0\0\1\xe0")
    while place >= 0 and headers.may_go_on():
        flags = data[place + 6 : place + 7]
        if flags and flags[0] & 0xC0 == 0x80:
            counted += 1
            scrambled += flags[0] & 0x30 != 0
        place = data.find(b"\0\0\1\xe0", place + 6)
    return scrambled > SCRAMBLED_SHARE * counted


_CHECKS = {"mov": _iso, "matroska": _matroska, "asf": _asf, "mpegts": _transport, "mpeg": _program}

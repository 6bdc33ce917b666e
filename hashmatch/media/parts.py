"""What a file shows besides its main part: what is in it, after its end, or in other streams. See docs/examining.md."""

from __future__ import annotations

import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from hashmatch.media.endings import boxes, end_of, scan_of_jpeg
from hashmatch.media.opened import Film, Stills
from hashmatch.media.sniff import HEAD_BYTES, MediaType, sniff

#: Further parts of one file that are examined. More are counted, and the file is `partial`.
MOST_PARTS = 16
#: What is loaded to decode covers, by the names that media.load_decoder takes.
COVER_NEEDS = frozenset({"JPEG", "PNG"})
#: Bytes after the end of a picture or film in which we look for more.
LONGEST_TAIL = 256 << 20

#: How media begin that may lie after the end of others. Each is then looked at more closely.
_BEGINNINGS = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}(?:WEBP|AVI )|ftyp|\x1a\x45\xdf\xa3|FLV\x01"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c|\.RMF\x00|\x00\x00\x01\xba[\x21\x31\x44-\x7f]",
    re.DOTALL,
)
_LONGEST_BEGINNING, _READ_AT_ONCE = 16, 4 << 20
#: Beginnings that are looked at more closely, at most. By chance there are some ten.
MOST_BEGINNINGS = 100_000
#: What marks a JPEG as a map of brightness that belongs to the picture before it, and that no viewer shows: Adobe's and
#: Google's name for it, and that of ISO 21496-1.
_GAIN_MAP = re.compile(rb"http://ns\.adobe\.com/hdr-gain-map/|urn:iso:std:iso:ts:21496")


@dataclass(frozen=True, slots=True)
class PartSource:
    """Where a further part of a file is.

    name: "picture2", "film1" and so on. start, end: its bytes in the file. number: which picture or stream of those bytes;
    None for what they show first. is_cover: whether it is a picture that goes with a film or sound.
    """

    name: str
    media_type: MediaType
    start: int
    end: int
    number: int | None = None
    is_cover: bool = False


class Window(io.RawIOBase):
    """A stretch of a file as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._file, self._start, self._size = file, start, end - start
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._position)
        part = self._file.read(max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


def window(file: BinaryIO, start: int, end: int) -> BinaryIO:
    """A stretch of a file as a file of its own. The file itself must not be read by others meanwhile."""
    return io.BufferedReader(Window(file, start, end))


def parts_beside(size: int, media_type: MediaType, opened: Stills | Film) -> Iterator[PartSource]:
    """The further pictures, streams and covers that a file's own decoder has found, without names yet. size: bytes."""
    for number in range(opened.others):
        yield PartSource("", media_type, 0, size, number)
    for number in range(opened.covers if isinstance(opened, Film) else 0):
        yield PartSource("", media_type, 0, size, number, is_cover=True)


def named(sources: Iterable[PartSource], main: MediaType) -> list[PartSource]:
    """The parts with their names: what each is, and its number, counted from the main part on. main: the file's type."""
    is_film = main.decoder == "pyav"
    counts = Counter({"stream": 1} if is_film else {"picture": 1})
    result = []
    for each in sources:
        if each.is_cover:
            what = "cover"
        elif each.number is not None:
            what = "stream" if is_film else "picture"
        else:
            what = "appended" if is_film else "film" if each.media_type.decoder == "pyav" else "picture"
        counts[what] += 1
        result.append(replace(each, name=f"{what}{counts[what]}"))
    return result


def parts_elsewhere(file: BinaryIO, size: int, media_type: MediaType) -> Iterator[PartSource]:
    """The media in other places of a file, without names yet: in boxes of a HEIF picture, and after the end."""
    for found, start, end in _elsewhere(file, size, media_type):
        yield PartSource("", found, start, end)


def _elsewhere(file: BinaryIO, size: int, media_type: MediaType) -> Iterator[tuple[MediaType, int, int]]:
    """Media in boxes of a HEIF or AVIF picture, and after the end of a picture or film: type, start and end."""
    end = end_of(file, media_type.format, 0, size)
    if media_type.format in ("HEIF", "AVIF"):
        for box in boxes(file, 0, end):
            if box.type == b"mpvd":  # a Motion Photo's film (Android's format, 1.0)
                yield MediaType("pyav", "mov"), box.content, box.end
            elif box.type == b"moov" and media_type.format == "HEIF":  # a sequence of pictures beside the still one
                yield MediaType("pyav", "mov"), 0, end
    if end < size:
        yield from _in_tail(file, end, size)


def _in_tail(file: BinaryIO, start: int, size: int) -> Iterator[tuple[MediaType, int, int]]:
    end = start
    for at in itertools.islice(_beginnings(file, start, min(size, start + LONGEST_TAIL)), MOST_BEGINNINGS):
        if at < end:  # inside of what was found before
            continue
        file.seek(at)
        head = file.read(HEAD_BYTES)
        media_type = sniff(head)
        if (
            media_type is None
            or media_type.decoder is None
            or not _is_sound_beginning(file, media_type, head, at, size)
        ):
            continue
        end = end_of(file, media_type.format, at, size)
        if not (media_type.format == "JPEG" and _is_gain_map(file, at, size)):
            yield media_type, at, end


def _beginnings(file: BinaryIO, start: int, end: int) -> Iterator[int]:
    """The positions where media may begin."""
    while start < end:
        file.seek(start)
        part = file.read(min(_READ_AT_ONCE + _LONGEST_BEGINNING, end - start))
        for found in _BEGINNINGS.finditer(part):
            if found.start() < _READ_AT_ONCE:
                yield start + found.start() - (4 if found[0] == b"ftyp" else 0)
        start += _READ_AT_ONCE


def _is_sound_beginning(file: BinaryIO, media_type: MediaType, head: bytes, at: int, size: int) -> bool:
    """Whether it is not only by chance that these bytes look like a picture or film."""
    if media_type.format == "JPEG":
        return scan_of_jpeg(file, at, size) is not None
    if media_type.format == "matroska,webm":
        return b"matroska" in head[:64] or b"webm" in head[:64]
    return True


def _is_gain_map(file: BinaryIO, start: int, end: int) -> bool:
    scan = scan_of_jpeg(file, start, end) or start
    file.seek(start)
    return _GAIN_MAP.search(file.read(scan - start)) is not None

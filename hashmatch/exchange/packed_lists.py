"""Takes lists out of what they are packed in: gzip, bzip2, xz, zip; turns UTF-16 into UTF-8, and the line ends of old Macs
into ours.

One packing is taken off, and the text inside may be UTF-16; what is packed twice is named for what it is. A few bytes can
unpack to terabytes: whoever takes what comes out watches its size with a Budget, whatever any header says.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from hashmatch.exchange.fields import snippet
from hashmatch.exchange.numbered_lines import BOM
from hashmatch.i18n import _

#: The most that one packed file may hold, and how many times its own size. Lists shrink to a third, large SQLite files with
#: empty pages to a fiftieth. Up to _SMALL bytes no one counts.
UNPACKED_MAX = 256 * 2**30
RATIO_MAX = 200
_SMALL = 16 * 2**20
#: The most files in one zip.
MEMBERS_MAX = 1000

#: A packing shows in so many bytes of the start.
START = 4096
_CHUNK = 2**18
#: So that zlib expects the head of a gzip file.
_GZIP = 31
#: What the dictionary of an xz file may take: `xz -9` needs 65 MB.
_XZ_MEMORY = 256 * 2**20

_PACKINGS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
_TAR = (257, b"ustar")
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class InnerList:
    """A list that comes out of a file.

    name: its name in a zip; "" if the file is no zip. content: can be asked for once, before the next list; it raises
    PackedError.
    """

    name: str
    content: Iterator[bytes]


class PackedError(Exception):
    """Something cannot be unpacked. The message is one line for the user."""


def is_packed(start: bytes) -> bool:
    """Whether a file has to be unpacked before it can be read as a list. start: START bytes of it are enough."""
    return _packing(start) is not None or _utf16(start) is not None or _has_old_ends(start)


def unpacked(file: BinaryIO) -> Iterator[InnerList]:
    """Yields the list in a file, or the lists in a zip in their order.

    file: seekable, at any place; it stays open.
    Raises OSError if the file cannot be read.
    """
    file.seek(0)
    kind = _packing(file.read(START))
    file.seek(0)
    if kind is None:
        yield InnerList("", _as_text(_chunks(file)))
    elif kind == "zip":
        yield from _members(file)
    elif kind in _UNPACKERS:
        yield InnerList("", _told(_plain(_UNPACKERS[kind](file))))
    else:
        yield _refused("", _packed_as(kind))


def _refused(name: str, problem: str) -> InnerList:
    def content() -> Iterator[bytes]:
        raise PackedError(problem)
        yield b""

    return InnerList(name, content())


def _packed_as(kind: str) -> str:
    return _("it is packed as {kind}, which is not read here: unpack it first").format(kind=kind)


def _packing(start: bytes) -> str | None:
    place, mark = _TAR
    if start[place : place + len(mark)] == mark:
        return "tar"
    return next((kind for mark, kind in _PACKINGS.items() if start.startswith(mark)), None)


def _told(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks. Whatever unpacking raises becomes a PackedError."""
    try:
        yield from chunks
    except _DAMAGE as error:
        raise PackedError(_damaged(error)) from None
    except OSError as error:
        if error.errno is not None:  # else it is of bz2, about what it was given
            raise
        raise PackedError(_damaged(error)) from None


#: What unpacking raises for data that was damaged, or made to do harm.
_DAMAGE = (
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
)


def _damaged(error: Exception) -> str:
    reason = _("it is damaged or incomplete, and cannot be unpacked: {reason}")
    return reason.format(reason=snippet(str(error) or type(error).__name__))


class Budget:
    """How much may still come out of a packed file of so many bytes."""

    def __init__(self, size: int) -> None:
        self._most = min(UNPACKED_MAX, max(_SMALL, size * RATIO_MAX))
        self._taken = 0

    def take(self, size: int) -> None:
        """Raises PackedError when it is too much."""
        self._taken += size
        if self._taken > self._most:
            message = _("it unpacks to more than {limit:,} bytes, more than any list of its size: it is not read")
            raise PackedError(message.format(limit=self._most))


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What was unpacked, as UTF-8. Raises PackedError if it is packed once more."""
    start, chunks = _begun(chunks)
    if kind := _packing(start):
        raise PackedError(_("it is packed twice, inside as {kind}: unpack it first").format(kind=kind))
    yield from _as_text(chunks)


def _begun(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first START bytes or more, and all chunks."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= START:
            break
    return start, chain([start], chunks)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK), b"")


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """The content of a gzip file, which may consist of several one after another."""
    unpacker, data = zlib.decompressobj(_GZIP), file.read(_CHUNK)
    while data:
        out = unpacker.decompress(data, _CHUNK)
        if out:
            yield out
        if not unpacker.eof:
            data = unpacker.unconsumed_tail or file.read(_CHUNK)
        elif data := (unpacker.unused_data or file.read(_CHUNK)).lstrip(b"\0"):  # some programs fill the last block
            unpacker = zlib.decompressobj(_GZIP)
    if not unpacker.eof:
        raise EOFError(_("it breaks off"))


def _blocks(
    file: BinaryIO, new: Callable[[], lzma.LZMADecompressor] | Callable[[], bz2.BZ2Decompressor]
) -> Iterator[bytes]:
    """The content of an xz or bzip2 file, which may consist of several one after another."""
    unpacker, data = new(), b""
    while True:
        if unpacker.eof:
            data = (unpacker.unused_data or file.read(_CHUNK)).lstrip(b"\0")
            if not data:
                return
            unpacker = new()
        elif unpacker.needs_input:
            data = file.read(_CHUNK)
            if not data:
                raise EOFError(_("it breaks off"))
        out = unpacker.decompress(data, _CHUNK)
        data = b""
        if out:
            yield out


_UNPACKERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "gzip": _inflated,
    "bzip2": lambda file: _blocks(file, bz2.BZ2Decompressor),
    "xz": lambda file: _blocks(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)),
}


def _members(file: BinaryIO) -> Iterator[InnerList]:
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        yield _refused("", _damaged(error))
        return
    with archive:
        members = [each for each in archive.infolist() if not each.is_dir() and not _is_beside(each.filename)]
        if not members:
            yield _refused("", _("it has no files in it"))
        if len(members) > MEMBERS_MAX:
            yield _refused("", _("it has more than {limit:,} files in it").format(limit=MEMBERS_MAX))
            return
        for member in members:
            yield InnerList(member.filename, _told(_taken_out(archive, member)))


def _is_beside(name: str) -> bool:
    """Whether macOS or Windows put a file there beside those that a person packed."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _taken_out(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    if member.flag_bits & 1:
        raise PackedError(_("it is encrypted: unpack it first"))
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        raise PackedError(_("it is packed in a way that is not read here: unpack it first"))
    with archive.open(member) as source:
        yield from _plain(iter(lambda: source.read(_CHUNK), b""))


def _utf16(start: bytes) -> str | None:
    """The encoding of text in UTF-16. Text without a mark is UTF-16 if each other byte is 0."""
    coding = _UTF16.get(start[:2])
    even, odd = start[:64:2], start[1:64:2]
    if coding is None and len(start) >= 8:
        if not any(odd) and all(even):
            return "utf-16-le"
        if not any(even) and all(odd):
            return "utf-16-be"
    return coding


def _has_old_ends(start: bytes) -> bool:
    """Whether lines end with CR alone, as in "CSV (Macintosh)": for every reader, the list would be one line."""
    return b"\r" in start and b"\n" not in start and b"\0" not in start


def _as_text(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Text as UTF-8 with LF at the end of lines; anything else as it is."""
    start, chunks = _begun(chunks)
    if coding := _utf16(start):
        start, chunks = _begun(_transcoded(chunks, coding))
    return (each.replace(b"\r", b"\n") for each in chunks) if _has_old_ends(start) else chunks


def _transcoded(chunks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(coding)("replace")
    first = True
    for data in chain(chunks, [b""]):
        text = decoder.decode(data, final=not data).encode("utf-8", "replace")
        yield text.removeprefix(BOM) if first else text
        first = False

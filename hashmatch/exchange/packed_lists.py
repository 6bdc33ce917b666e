"""Takes lists out of what they are packed in: gzip, bzip2, xz, zip, and UTF-16 turned into UTF-8.

What comes out goes to memory, or to a file without a name if it is large, so that it can be read twice like any list. A few
bytes can unpack to terabytes, so its size is limited while it comes out, whatever any header says. One packing is taken
off, and the text inside may be UTF-16; what is packed twice is named for what it is.
"""

from __future__ import annotations

import bz2
import codecs
import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

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

#: Larger lists are unpacked to disk.
_IN_MEMORY = 32 * 2**20
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
    """A list in the form in which it can be read.

    name: its name in a zip; "" if the file is no zip. stream: at its start. problem: why it cannot be unpacked; then the
    stream is empty.
    """

    name: str
    stream: BinaryIO
    problem: str = ""


class _PackedError(Exception):
    """Something cannot be unpacked. The message is one line for the user."""


def unpacked(file: BinaryIO) -> Iterator[InnerList]:
    """Yields the list in a file, or the lists in a zip in their order. Each stream is closed when the next one is asked for.

    file: seekable, at any place; it stays open. A list that is not packed comes as the file itself, at its start.
    Raises OSError if the file cannot be read, or the disk is full.
    """
    file.seek(0)
    head = file.read(512)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    kind = _packing(head)
    if kind is None:
        yield from _closing("", partial(_as_utf8, file, head), file)
    elif kind == "zip":
        yield from _members(file, size)
    elif kind in _UNPACKERS:
        budget = _Budget(size)
        yield from _closing("", lambda: _plain(_kept(budget.watch(_UNPACKERS[kind](file)))), file)
    else:
        yield _refused("", _packed_as(kind))


def _refused(name: str, problem: str) -> InnerList:
    return InnerList(name, io.BytesIO(), problem)


def _packed_as(kind: str) -> str:
    return _("it is packed as {kind}, which is not read here: unpack it first").format(kind=kind)


def _packing(head: bytes) -> str | None:
    place, mark = _TAR
    if head[place : place + len(mark)] == mark:
        return "tar"
    return next((kind for mark, kind in _PACKINGS.items() if head.startswith(mark)), None)


def _closing(name: str, take: Callable[[], BinaryIO], file: BinaryIO) -> Iterator[InnerList]:
    """Yields what `take` gives, or why it cannot, and closes it afterwards unless it is the file itself."""
    try:
        stream = take()
    except _PackedError as refused:
        yield _refused(name, str(refused))
        return
    except _DAMAGE as error:
        yield _refused(name, _damaged(error))
        return
    except OSError as error:
        if error.errno is not None:  # else it is of bz2, about what it was given
            raise
        yield _refused(name, _damaged(error))
        return
    try:
        yield InnerList(name, stream)
    finally:
        if stream is not file:
            stream.close()


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


class _Budget:
    """How much may still come out of a packed file."""

    def __init__(self, size: int) -> None:
        self._most = min(UNPACKED_MAX, max(_SMALL, size * RATIO_MAX))
        self._taken = 0

    @property
    def is_spent(self) -> bool:
        return self._taken > self._most

    def watch(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yields the same chunks. Raises _PackedError when they are too much."""
        for chunk in chunks:
            self._taken += len(chunk)
            if self.is_spent:
                message = _("it unpacks to more than {limit:,} bytes, more than any list of its size: it is not read")
                raise _PackedError(message.format(limit=self._most))
            yield chunk


def _kept(chunks: Iterator[bytes]) -> BinaryIO:
    """Keeps the chunks where they can be read twice. Raises OSError if the disk is full."""
    kept: BinaryIO = io.BytesIO()
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > _IN_MEMORY and isinstance(kept, io.BytesIO):
                on_disk = cast(BinaryIO, tempfile.TemporaryFile(prefix="hashmatch-"))  # noqa: SIM115 (closed below)
                on_disk.write(kept.getvalue())
                kept = on_disk
            kept.write(chunk)
        kept.seek(0)
    except BaseException:
        kept.close()
        raise
    return kept


def _plain(stream: BinaryIO) -> BinaryIO:
    """What was unpacked, as UTF-8. Raises _PackedError if it is packed once more."""
    head = stream.read(512)
    stream.seek(0)
    if kind := _packing(head):
        stream.close()
        raise _PackedError(_("it is packed twice, inside as {kind}: unpack it first").format(kind=kind))
    text = _as_utf8(stream, head)
    if text is not stream:
        stream.close()
    return text


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


def _members(file: BinaryIO, size: int) -> Iterator[InnerList]:
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
        budget = _Budget(size)
        for member in members:
            yield from _closing(member.filename, partial(_taken_out, archive, member, budget), file)
            if budget.is_spent:  # it was made to do harm, and has been refused
                return


def _is_beside(name: str) -> bool:
    """Whether macOS or Windows put a file there beside those that a person packed."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _taken_out(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: _Budget) -> BinaryIO:
    if member.flag_bits & 1:
        raise _PackedError(_("it is encrypted: unpack it first"))
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        raise _PackedError(_("it is packed in a way that is not read here: unpack it first"))
    with archive.open(member) as source:
        return _plain(_kept(budget.watch(iter(lambda: source.read(_CHUNK), b""))))


def _as_utf8(stream: BinaryIO, head: bytes) -> BinaryIO:
    """The stream itself, or its text in UTF-8 if it is UTF-16. Text without a mark is UTF-16 if each other byte is 0."""
    coding = _UTF16.get(head[:2])
    even, odd = head[:64:2], head[1:64:2]
    if coding is None and len(head) >= 8:
        if not any(odd) and all(even):
            coding = "utf-16-le"
        elif not any(even) and all(odd):
            coding = "utf-16-be"
    return _kept(_transcoded(stream, coding)) if coding else stream


def _transcoded(stream: BinaryIO, coding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(coding)("replace")
    first = True
    while True:
        data = stream.read(_CHUNK)
        text = decoder.decode(data, final=not data)
        yield text.encode("utf-8", "replace").removeprefix(BOM) if first else text.encode("utf-8", "replace")
        first = False
        if not data:
            return

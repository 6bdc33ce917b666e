"""PNG: a walk over the chunks, so that nothing but the pixels decides whether a picture can be read.

Pillow refuses a picture for a bad checksum in a comment. So it gets only the chunks that make the picture, and those about
colours are read here. https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.errors import MediaError
from hashmatch.media.colour import LONGEST_PROFILE, Chromaticities, SaidColours
from hashmatch.messages import Message

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Chunks of one file. Large pictures have some thousands.
MOST_CHUNKS = 1_000_000
_LONGEST_EXIF = 1 << 20
#: Packed bytes that are unpacked at a time.
_PIECE = 4096
_COLOURS = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
_ANIMATION = frozenset((b"acTL", b"fcTL", b"fdAT"))


@dataclass(frozen=True, slots=True)
class CleanPng:
    """A PNG without what is not needed to show it. said: what it says about its colours."""

    data: bytes
    said: SaidColours


@dataclass(frozen=True, slots=True)
class _Chunk:
    """name: its four letters. start, end: of its content in the file; the end may be beyond the file's."""

    name: bytes
    start: int
    end: int


def clean(data: bytes, *, still: bool = False) -> CleanPng:
    """Keep the chunks that make the picture, with sound checksums, and read those about colours.

    data: a whole file, or what is left of it. still: leave out all but the picture for viewers without animation.
    Raises MediaError: too-large, for more than MOST_CHUNKS chunks.
    """
    chunks = _walk(data)
    if still or not _is_animated(chunks):
        chunks = [each for each in chunks if each.name not in _ANIMATION]
    colour_type = data[25] if len(data) > 25 else 0
    seen: set[bytes] = set()
    whole = memoryview(data)
    kept: list[bytes | memoryview] = [SIGNATURE]
    colours: dict[bytes, bytes] = {}
    for chunk in chunks:
        name = chunk.name
        once = name in (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"acTL") or name in _COLOURS
        late = b"IDAT" in seen and (name in (b"PLTE", b"tRNS", b"acTL") or name in _COLOURS)
        if late or (once and name in seen):
            continue
        if name in (b"IDAT", b"fdAT"):  # whose checksums Pillow does not look at
            seen.add(name)
            kept.append(whole[chunk.start - 8 : chunk.end + 4])
            continue
        content = data[chunk.start : chunk.end]
        # As in libpng, a checksum hides a chunk that is not critical.
        if name[0] & 32 and data[chunk.end : chunk.end + 4] != struct.pack(">I", zlib.crc32(name + content)):
            continue
        seen.add(name)
        if name in _COLOURS:
            colours[name] = content
        elif content := _sound(name, content, colour_type):
            kept.append(_written(name, content))
        elif name == b"IEND":
            kept.append(_written(name, b""))
            break
    return CleanPng(b"".join(kept), _said(colours, colour_type))


def repacked(data: bytes) -> bytes:
    """The same picture with its pixels packed anew: up to where they are damaged, and without the checksum over them.

    data: as `clean` returns it, without animation. What Pillow has in hand when it finds damage is lost; here nothing is.
    """
    chunks = [each for each in _walk(data) if each.name == b"IDAT"]
    packed = b"".join(data[each.start : each.end] for each in chunks)
    if not chunks or len(data) < 33:
        return data
    pixels = _written(b"IDAT", b"".join(_packed_anew(packed[2:], _most_bytes(data))))
    return data[: chunks[0].start - 8] + pixels + _written(b"IEND", b"")


def _packed_anew(packed: bytes, most: int) -> Iterator[bytes]:
    """packed: deflated, without zlib's header. most: bytes to unpack."""
    unpacker, packer = zlib.decompressobj(-zlib.MAX_WBITS), zlib.compressobj(1)
    at = 0
    while at < len(packed) and most > 0 and not unpacker.eof:
        before = unpacker.copy()
        try:
            pieces = [unpacker.decompress(packed[at : at + _PIECE], most)]
        except zlib.error:  # somewhere in this piece: byte by byte up to there
            pieces = []
            for byte in packed[at : at + _PIECE]:
                try:
                    pieces.append(before.decompress(bytes((byte,)), most))
                except zlib.error:
                    break
            most = 0
        at += _PIECE
        for piece in pieces:
            most -= len(piece)
            yield packer.compress(piece)
    yield packer.flush()


def _most_bytes(data: bytes) -> int:
    """At least the bytes of all pixels and filters, also if they are interlaced."""
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
    return int((width * depth * samples // 8 + 9) * height * 2 + 1024)


def _walk(data: bytes) -> list[_Chunk]:
    """The chunks that are there, up to the last one or to where they cannot be told apart."""
    wanted = _COLOURS | _ANIMATION | {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"}
    chunks: list[_Chunk] = []
    at, walked, has_pixels = len(SIGNATURE), 0, False
    while at + 8 <= len(data):
        walked += 1
        if walked > MOST_CHUNKS:
            raise MediaError("too-large", Message.of("chunk-limit", limit=MOST_CHUNKS))
        name = data[at + 4 : at + 8]
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if not has_pixels and end > len(data) and name not in (b"IDAT", b"IHDR"):
            # A length that cannot be. The pixels may still be where they were.
            at = data.find(b"IDAT", at + 8) - 4
            if at < 0:
                break
            continue
        if name in wanted:
            chunks.append(_Chunk(name, at + 8, end))
            has_pixels = has_pixels or name == b"IDAT"
            if name == b"IEND":
                break
        elif not name.isalpha():
            break
        at = end + 4
    return chunks


def _is_animated(chunks: list[_Chunk]) -> bool:
    """Whether there is an acTL before the pixels, and at least two pictures. A picture for viewers without animation may be
    none of the frames: then one frame is the second picture, and the one that browsers show."""
    names = [each.name for each in chunks if each.name in _ANIMATION or each.name == b"IDAT"]
    before = names[: names.index(b"IDAT") if b"IDAT" in names else 0]
    if b"acTL" not in before:
        return False
    frames = sum(a == b"fcTL" and b in (b"IDAT", b"fdAT") for a, b in itertools.pairwise(names))
    return frames + (b"fcTL" not in before) > 1


def _sound(name: bytes, content: bytes, colour_type: int) -> bytes:
    """The content as Pillow takes it; b"" for a chunk to leave out."""
    if name == b"tRNS":
        least, most = {0: (2, 2), 2: (6, 6), 3: (1, 256)}.get(colour_type, (1, 0))
        return content[:most] if len(content) >= least else b""
    if name == b"PLTE":
        return content[: min(len(content) // 3, 256) * 3]
    if name == b"eXIf":
        return content if len(content) <= _LONGEST_EXIF else b""
    return content


def _written(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _said(chunks: dict[bytes, bytes], colour_type: int) -> SaidColours:
    """What the first chunk says that can be read, in the order of section 4.3: cICP, iCCP, sRGB, gAMA and cHRM."""
    said = chunks.get(b"cICP", b"")
    if len(said) == 4 and said[1] not in (0, 2) and said[2] == 0:
        return SaidColours(code_points=(said[0], said[1]), narrow=said[3] == 0)
    profile = _profile(chunks.get(b"iCCP", b""))
    # A profile for grey belongs to grey pictures, and one for colours to colours (section 11.3.2.3).
    if profile and (profile[16:20] == b"GRAY") == (colour_type in (0, 4)):
        return SaidColours(profile=profile)
    if len(chunks.get(b"sRGB", b"")) == 1:
        return SaidColours()
    stored = int.from_bytes(chunks.get(b"gAMA", b"")[:4], "big")
    gamma = 100_000 / stored if 1_000 <= stored <= 10_000_000 else None
    return SaidColours(gamma=gamma, chromaticities=_chromaticities(chunks.get(b"cHRM", b"")))


def _profile(content: bytes) -> bytes:
    end = content.find(b"\0", 1, 81)
    if end < 0 or content[end + 1 : end + 2] != b"\0":
        return b""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(content[end + 2 :], LONGEST_PROFILE + 1)
    except zlib.error:
        return b""
    return profile if 128 < len(profile) <= LONGEST_PROFILE else b""


def _chromaticities(content: bytes) -> Chromaticities | None:
    if len(content) != 32:
        return None
    wx, wy, rx, ry, gx, gy, bx, by = (value / 100_000 for value in struct.unpack(">8i", content))
    return (wx, wy, rx, ry, gx, gy, bx, by) if min(wy, ry, gy, by) > 0 else None

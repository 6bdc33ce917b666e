"""Recognise pictures whose beginning has no fixed signature, by what their headers must say."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.media.media_type import MediaType

_BITMAP_HEADER_SIZES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
#: Bytes among which a JPEG must begin, and among which its next marker must be: browsers skip what is between.
_BEFORE_JPEG, _BEFORE_MARKER = 64, 512
#: Width and height, and where there are more than two values of a sample, how many.
_NETPBM = re.compile(
    rb"P(?:[14]\s+(?:#[^\n]*\n\s*)*\d+|[2356]\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*\d+)\s+(?:#[^\n]*\n\s*)*\d+\s"
)
_FLOAT_MAP = re.compile(rb"P([FfHh])\n(?:#[^\n]*\n)*\d+\s+\d+\s+-?[\d.]+(?:e[+-]?\d+)?\s")
_X_BITMAP = re.compile(
    rb"\s*(?:/\*.{0,300}?\*/\s*)?#define[ \t]+\S*width[ \t]+\d+\s+#define[ \t]+\S*height[ \t]+\d+\s", re.S
)
#: Markers with which a JPEG begins (ITU-T T.81, table B.1): applications, tables, frames, comments.
_FIRST_MARKERS = re.compile(rb"\xff[\xe0-\xef\xdb\xc0-\xc4\xdd\xfe]")


def picture_by_structure(head: bytes) -> MediaType | None:
    """The type of a picture by its header; None if it is none."""
    for looks, media_type in _TESTS:
        if looks(head):
            return media_type
    if found := _FLOAT_MAP.match(head):
        return MediaType("ffmpeg-still", "pfm" if found[1] in b"Ff" else "phm")
    return None


def jpeg_kind(head: bytes) -> MediaType | None:
    """JPEG or JPEG-LS, also with junk before it or after its first marker, as browsers show it; None for anything else."""
    start = jpeg_start(head)
    if start is None:
        return None
    if b"\xff\xf7" not in head:  # as in nearly all, which need not be walked through
        return MediaType("pillow", "JPEG")
    is_lossless_kind = any(marker == _JPEG_LS for marker, _at in jpeg_markers(head, start))
    return MediaType("imagecodecs", "JPEG-LS") if is_lossless_kind else MediaType("pillow", "JPEG")


#: The markers of a frame that is lossless by prediction (ITU-T T.81, annex H), and of one of JPEG-LS (ITU-T T.87).
LOSSLESS, _JPEG_LS = 0xC3, 0xF7
_MARKER = re.compile(rb"\xff+([\x01\xc0-\xcf\xd8\xda-\xfe])")


def jpeg_markers(data: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """The markers of a JPEG up to its first scan, each with where it ends; those of segments too.

    start: of the first marker, SOI.
    """
    at = start + 2
    for _number in range(1000):
        found = _MARKER.search(data, at)
        if found is None:
            return
        marker, at = found[1][0], found.end()
        yield marker, at
        if marker == 0xDA:
            return
        if marker not in (0x01, 0xD8):
            at += max(2, int.from_bytes(data[at : at + 2], "big"))


def jpeg_frame(data: bytes) -> tuple[int, int] | None:
    """Width and height that the first frame of a JPEG states, of whatever kind; None if none is found."""
    frame = jpeg_frame_header(data)
    return None if frame is None else (frame.width, frame.height)


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """How a JPEG is coded. marker: of its frame, 0xC0 to 0xCF or 0xF7. bits: of each sample."""

    marker: int
    bits: int
    width: int
    height: int


def jpeg_frame_header(data: bytes, start: int = 0) -> JpegFrame | None:
    """The header of the first frame of a JPEG that begins at `start`; None if none is found."""
    for marker, at in jpeg_markers(data, start):
        if marker == _JPEG_LS or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            if at + 7 > len(data):
                return None
            return JpegFrame(marker, data[at + 2], *struct.unpack_from(">HH", data, at + 3)[::-1])
    return None


def jpeg_start(head: bytes) -> int | None:
    """Where a JPEG begins, among the first bytes; None if none does."""
    start = head.find(b"\xff\xd8", 0, _BEFORE_JPEG)
    if start == 0:
        return 0 if _FIRST_MARKERS.search(head, 2, _BEFORE_MARKER) or (len(head) > 2 and head[2] == 0xFF) else None
    while start > 0:
        if head[start + 2 : start + 3] == b"\xff" and _FIRST_MARKERS.match(head, start + 2):
            return start
        start = head.find(b"\xff\xd8", start + 1, _BEFORE_JPEG)
    return None


def _little(head: bytes, start: int, size: int) -> int:
    return int.from_bytes(head[start : start + size], "little")


def _is_bitmap(head: bytes) -> bool:
    """Whatever the reserved bytes say, if there is one plane, as all have."""
    if head[:2] != b"BM" or len(head) < 18 or (size := _little(head, 14, 4)) not in _BITMAP_HEADER_SIZES:
        return False
    return _little(head, 6, 4) == 0 or _little(head, 22 if size == 12 else 26, 2) == 1


def _is_bare_bitmap(head: bytes) -> bool:
    """A bitmap without its file header, as clipboards and icons have it (.dib)."""
    width, planes, bits, packing = _little(head, 4, 4), _little(head, 12, 2), _little(head, 14, 2), _little(head, 16, 4)
    is_plain = head[:4] == b"\x28\0\0\0" and len(head) >= 40 and planes == 1 and packing <= 3
    return is_plain and bits in (1, 4, 8, 16, 24, 32) and 0 < width < 1 << 16


def _is_icon(head: bytes) -> bool:
    """Icons and cursors of Windows: a count, and entries that point behind themselves."""
    count = _little(head, 4, 2)
    if head[:2] != b"\0\0" or head[2:4] not in (b"\1\0", b"\2\0") or not 1 <= count <= 256 or len(head) < 22:
        return False
    size, start = _little(head, 14, 4), _little(head, 18, 4)
    return head[9] in (0, 0xFF) and size >= 40 and 6 + 16 * count <= start < 1 << 24


def _is_pcx(head: bytes) -> bool:
    if len(head) < 128 or head[0] != 10 or head[1] not in (0, 2, 3, 4, 5) or head[2] > 1 or head[3] not in (1, 2, 4, 8):
        return False
    left, top, right, bottom = (_little(head, at, 2) for at in (4, 6, 8, 10))
    return left <= right and top <= bottom and head[64] == 0 and head[65] in (1, 2, 3, 4)


def _is_targa(head: bytes) -> bool:
    """Truevision's TGA has its signature, if any, at its end. So all that its header says must fit together."""
    if len(head) < 18:
        return False
    has_map, kind, first, entries, entry_bits, left, top, width, height, depth, flags = _TARGA.unpack_from(head, 1)
    if kind in (1, 9):
        fits = has_map == 1 and first == 0 and 0 < entries <= 256 and entry_bits in (15, 16, 24, 32) and depth == 8
    else:
        depths = {2: (15, 16, 24, 32), 3: (8, 16)}.get(kind & ~8, ())
        fits = not (has_map or first or entries) and entry_bits in (0, 24, 32) and depth in depths
    is_placed = left == 0 and top in (0, height) and 0 < width <= 30000 and 0 < height <= 30000
    return fits and is_placed and flags & 0xC0 == 0 and flags & 0x0F in (0, 1, 8)


#: From the second byte: map, kind, first entry, entries, bits of an entry, left, top, width, height, depth, flags.
_TARGA = struct.Struct("<BBHHBHHHHBB")


def _is_sgi(head: bytes) -> bool:
    if head[:2] != b"\x01\xda" or len(head) < 12:
        return False
    return head[2] <= 1 and head[3] in (1, 2) and head[4:6] in (b"\0\1", b"\0\2", b"\0\3")


def _is_window_dump(head: bytes) -> bool:
    """xwd's: the size of the header, version 7, a format of 0 to 2 and a depth."""
    size, version, form, depth = (int.from_bytes(head[at : at + 4], "big") for at in (0, 4, 8, 12))
    return len(head) >= 100 and 100 <= size <= 4096 and version == 7 and form <= 2 and 1 <= depth <= 32


def _is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM"


def _is_emf(head: bytes) -> bool:
    return head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF"


def _is_photo_cd(head: bytes) -> bool:
    return head[2048:2055] == b"PCD_IPI"


_TESTS = (
    (_is_bitmap, MediaType("pillow", "BMP")),
    (_is_bare_bitmap, MediaType("pillow", "DIB")),
    (lambda head: head[2:4] == b"\1\0" and _is_icon(head), MediaType("pillow", "ICO")),
    (_is_icon, MediaType("pillow", "CUR")),
    (lambda head: _NETPBM.match(head) is not None, MediaType("pillow", "PPM")),
    (_is_pcx, MediaType("pillow", "PCX")),
    (_is_sgi, MediaType("pillow", "SGI")),
    (_is_targa, MediaType("pillow", "TGA")),
    (lambda head: _X_BITMAP.match(head) is not None, MediaType("pillow", "XBM")),
    (_is_window_dump, MediaType("ffmpeg-still", "xwd")),
    (_is_photo_cd, MediaType("ffmpeg-still", "photocd")),
    (_is_dicom, MediaType(None, "DICOM")),
    (_is_emf, MediaType(None, "Windows Metafile (EMF)")),
)

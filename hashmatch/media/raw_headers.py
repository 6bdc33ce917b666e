"""Tell cameras' raw files from ordinary TIFF, which most of them look like."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hashmatch.media.media_type import MediaType

# Tags of TIFF 6.0, TIFF/EP and DNG.
_KIND, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES = 0x00FE, 0x0103, 0x0106, 0x010F, 0x014A
_DNG_VERSION = 0xC612
#: Photometric interpretations of a sensor's data, and compressions that only cameras use.
_SENSOR = (32803, 34892)
_CAMERAS_OWN = frozenset((32767, 32769, 32770, 34713, 34892, 65000, 65535))
_JPEG = (6, 7)
_REDUCED = 1


@dataclass(frozen=True, slots=True)
class TiffTag:
    """One entry of a TIFF directory. value: of its first four bytes, as a number of its own width."""

    tag: int
    kind: int
    count: int
    value: int


def byte_order(data: bytes) -> str:
    """Of a TIFF, as `struct` writes it: "<" or ">"."""
    return "<" if data[:2] == b"II" else ">"


def directory(data: bytes, start: int, most: int = 200) -> tuple[dict[int, TiffTag], int]:
    """The entries of a directory by their tags, as far as `data` goes, and where the next directory is (0: nowhere)."""
    order = byte_order(data)
    if not 8 <= start <= len(data) - 2:
        return {}, 0
    (count,) = struct.unpack_from(order + "H", data, start)
    found: dict[int, TiffTag] = {}
    for at in range(start + 2, start + 2 + 12 * min(count, most), 12):
        if at + 12 > len(data):
            return found, 0
        tag, kind, number, value = struct.unpack_from(order + "HHII", data, at)
        if kind == 3 and number == 1:
            (value,) = struct.unpack_from(order + "H", data, at + 8)
        found.setdefault(tag, TiffTag(tag, kind, number, value))
    end = start + 2 + 12 * count
    following = struct.unpack_from(order + "I", data, end)[0] if end + 4 <= len(data) else 0
    return found, following


def tiff_kind(head: bytes) -> MediaType | None:
    """Whether a file that begins as TIFF is a camera's raw file or a picture; None if it is no TIFF."""
    if head[:4] in (b"II+\0", b"MM\0+"):
        return MediaType("pillow", "TIFF")
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return None
    if head[8:10] == b"CR" or head[8:12] in (b"IIII", b"MMMM"):
        return MediaType("raw", "Canon" if head[8:10] == b"CR" else "Phase One")
    return MediaType("raw", "TIFF") if is_camera_raw(head) else MediaType("pillow", "TIFF")


def is_camera_raw(data: bytes) -> bool:
    """Whether the first directory of a TIFF is one that only cameras write.

    data: the whole file or its beginning, in which the directory may not be.
    """
    if len(data) < 8:
        return False
    (start,) = struct.unpack_from(byte_order(data) + "I", data, 4)
    tags, _following = directory(data, start)
    value = {tag: entry.value for tag, entry in tags.items()}
    if _DNG_VERSION in tags or value.get(_PHOTOMETRIC) in _SENSOR:
        return True
    if _MAKE not in tags:
        return False
    # A small picture, or a JPEG, stands in for the sensor's data, which are in a directory below.
    stands_in = value.get(_KIND, 0) & _REDUCED == _REDUCED or value.get(_COMPRESSION) in _JPEG
    return value.get(_COMPRESSION) in _CAMERAS_OWN or (_SUB_DIRECTORIES in tags and stands_in)

"""Where each format says what its colours mean."""

from __future__ import annotations

import struct

from PIL import Image

from hashmatch.media.colour import ADOBE_RGB, PLAIN, SaidColours

#: Bytes of a file's beginning in which the boxes about colours are.
_BOXES = 1 << 16


def said_colours(image: Image.Image, data: bytes) -> SaidColours:
    """What an opened picture says about its colours. data: its file. PNG is read in png.py."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        return SaidColours(profile=profile)
    if image.format == "AVIF":
        return _nclx(data)
    if image.format == "HEIF":
        stated = image.info.get("nclx_profile") or {}
        return _code_points(stated.get("color_primaries", 2), stated.get("transfer_characteristics", 2))
    if image.format == "JPEG2000":
        return _boxed_profile(data)
    if image.format == "BMP":
        return _of_bitmap(data)
    exif = image.info.get("exif")
    # The interoperability index of EXIF, which is seldom there; so its bytes are looked for before EXIF is taken apart.
    if isinstance(exif, bytes) and b"R03\0" in exif and _interoperability(image) == "R03":
        return ADOBE_RGB
    return PLAIN


def _nclx(data: bytes) -> SaidColours:
    """The colour box of ISO/IEC 14496-12, section 12.1.5, as AVIF has it."""
    at = data.find(b"colrnclx", 0, _BOXES)
    if at < 0 or len(data) < at + 12:
        return PLAIN
    return _code_points(*struct.unpack(">HH", data[at + 8 : at + 12]))


def _code_points(primaries: int, transfer: int) -> SaidColours:
    if primaries in (0, 2) and transfer in (0, 2):  # unspecified
        return PLAIN
    return SaidColours(code_points=(int(primaries), int(transfer)))


def _boxed_profile(data: bytes) -> SaidColours:
    """A profile in JPEG 2000's colour box, method 2 or 3 (ISO/IEC 15444-1, annex I.5.3.3)."""
    at = data.find(b"colr", 0, _BOXES)
    if at < 4 or data[at + 4 : at + 5] not in (b"\2", b"\3"):
        return PLAIN
    return SaidColours(profile=data[at + 7 : at - 4 + int.from_bytes(data[at - 4 : at], "big")])


def _of_bitmap(data: bytes) -> SaidColours:
    """The profile or the calibration of a BITMAPV4HEADER or BITMAPV5HEADER."""
    if len(data) < 138 or int.from_bytes(data[14:18], "little") not in (108, 124):
        return PLAIN
    kind = data[70:74]
    if kind == b"DEBM":  # PROFILE_EMBEDDED, "MBED" in little-endian order
        start, size = struct.unpack("<II", data[126:134])
        return SaidColours(profile=data[14 + start : 14 + start + size])
    if kind != bytes(4):  # LCS_CALIBRATED_RGB
        return PLAIN
    numbers = struct.unpack("<12I", data[74:122])
    points = [value / (1 << 30) for value in numbers[:9]]  # X, Y and Z of red, green and blue, in parts of 2^30
    gamma = numbers[9] / (1 << 16)
    if not 0.1 <= gamma <= 10 or min(points[1::3]) <= 0:
        return PLAIN
    sums = [sum(points[number : number + 3]) for number in (0, 3, 6)]
    rx, gx, bx = (points[3 * number] / sums[number] for number in range(3))
    ry, gy, by = (points[3 * number + 1] / sums[number] for number in range(3))
    return SaidColours(gamma=gamma, chromaticities=(0.3127, 0.3290, rx, ry, gx, gy, bx, by))


def _interoperability(image: Image.Image) -> str:
    try:
        return str(image.getexif().get_ifd(0xA005).get(1, "")).strip("\0")
    except Exception:  # a damaged EXIF block can raise anything
        return ""

"""Files that Pillow refuses for what viewers pass over: written again with nothing but what makes the picture.

png.py and gif.py do so for every file of their format.
"""

from __future__ import annotations

import struct

_START, _EXIF, _PROFILE, _ADOBE = b"\xff\xd8", 0xE1, 0xE2, 0xEE
#: How far from its beginning a JPEG may begin, after what some programs leave there.
_JUNK = 4096
#: Chunks of WebP by their order in a file (https://developers.google.com/speed/webp/docs/riff_container).
_WEBP = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))


def mended(data: bytes, format: str) -> bytes | None:
    """The same picture as Pillow takes it; None if there is nothing to mend.

    format: Pillow's name of it.
    """
    made = _jpeg(data) if format == "JPEG" else _webp(data) if format == "WEBP" else None
    return None if made == data else made


def _jpeg(data: bytes) -> bytes | None:
    """A JPEG with the tables and frames only, and those side segments that say how it looks and are whole."""
    start = data.find(b"\xff\xd8", 0, _JUNK)
    if start < 0:
        return None
    kept = [_START]
    at = start + 2
    while at + 4 <= len(data):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            break
        marker = data[at + 1]
        if marker in (0x00, 0xFF, 0x01) or 0xD0 <= marker <= 0xD9:  # fillers, and markers without content
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : end]
        if marker == 0xDA:  # a scan: the picture, up to the end
            kept.append(data[at:])
            return b"".join(kept)
        is_side = 0xE0 <= marker <= 0xEF or marker == 0xFE or marker < 0xC0
        is_whole = (
            (marker == _ADOBE and content.startswith(b"Adobe") and len(content) >= 12)
            or (marker == _PROFILE and content.startswith(b"ICC_PROFILE\0") and len(content) > 14)
            or (marker == _EXIF and content.startswith(b"Exif\0\0") and len(content) > 14)
        )
        if not is_side or is_whole:
            kept.append(data[at:end])
        at = end
    return None


def _webp(data: bytes) -> bytes | None:
    """A WebP with known chunks only, and a size in its header that is true."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kept: list[tuple[bytes, bytes]] = []
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in _WEBP and (kept or name in (b"VP8 ", b"VP8L", b"VP8X")):
            kept.append((name, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if not kept:
        return None
    if kept[0][0] != b"VP8X":  # the simple layout: one picture and nothing else
        kept = kept[:1]
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for name, content in kept
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body

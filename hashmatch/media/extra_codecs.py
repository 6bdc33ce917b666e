"""Stills that imagecodecs decodes, which comes with the extra `formats`: JPEG XR, JPEG-LS, and JPEG of 12 bits.

Sizes are read from the headers before imagecodecs sees a file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media.light import shown_light
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Stills
from hashmatch.media.picture_headers import JpegFrame, jpeg_frame_header, jpeg_markers
from hashmatch.media.pillow_file import check_size
from hashmatch.media.plain_still import PlainImage, plain_still
from hashmatch.media.raw_headers import directory
from hashmatch.messages import Message

EXTRA = "formats"
_WIDTH, _HEIGHT = 0xBC80, 0xBC81  # of JPEG XR (ITU-T T.832, annex A)


def load() -> ModuleType | None:
    """Import imagecodecs with the codecs that are used here, which it imports late; None without the extra."""
    try:
        library = importlib.import_module("imagecodecs")
        for name, _header in _CODECS.values():
            getattr(library, name)
    except (ImportError, AttributeError):
        return None
    return library


def open_extra(data: bytes, format: str, limits: Limits, exact: bool) -> Stills:
    """Open a still that is held in memory.

    format: "JPEG XR", "JPEG-LS", or "JPEG" for one of more than 8 bits.
    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format.
    """
    codec, header_of = _CODECS[format]
    header = header_of(data)
    if header is None:
        raise MediaError("corrupt", Message.of("bad-header"))
    check_size((header.width, header.height), limits)
    library = load()
    if library is None:
        name = f"JPEG of {header.bits} bits" if format == "JPEG" else format
        raise MediaError("unsupported-format", Message.of("needs-extra", format=name, extra=EXTRA))

    def decode() -> PlainImage:
        pixels = getattr(library, codec)(data)
        is_light = pixels.dtype.kind == "f"
        return (
            shown_light(pixels[..., :3]) if is_light else PlainImage(Image.fromarray(_eight_bits(pixels, header.bits)))
        )

    return plain_still("imagecodecs", decode, exact)


def needs_extra(data: bytes) -> bool:
    """Whether a JPEG-LS has its colours mixed pixel by pixel, for which FFmpeg gives black (ITU-T T.87, C.2.3)."""
    for marker, at in jpeg_markers(data):
        if marker == 0xDA:
            end = at + int.from_bytes(data[at : at + 2], "big")
            return data[end - 2 : end - 1] == b"\2"
    return False


def _jpeg_xr(data: bytes) -> JpegFrame | None:
    tags, _following = directory(data, int.from_bytes(data[4:8], "little"))
    if _WIDTH not in tags or _HEIGHT not in tags:
        return None
    return JpegFrame(0, 16, tags[_WIDTH].value, tags[_HEIGHT].value)


#: By our name of the format: the function of imagecodecs, and what reads the header.
_CODECS: dict[str, tuple[str, Callable[[bytes], JpegFrame | None]]] = {
    "JPEG XR": ("jpegxr_decode", _jpeg_xr),
    "JPEG-LS": ("jpegls_decode", jpeg_frame_header),
    "JPEG": ("jpeg8_decode", jpeg_frame_header),
}


def _eight_bits(pixels: Any, bits: int) -> Any:
    """uint8 of the same shape."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return (pixels >> max(0, bits - 8)).clip(0, 255).astype(np.uint8)
    raise ValueError("numbers of another kind than pictures have")

"""OpenCV as a second opinion on still pictures that Pillow refuses."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import png
from hashmatch.media.classified import classified
from hashmatch.media.damage import is_jpeg_cut, refuse_if_little_is_left
from hashmatch.media.limits import Limits
from hashmatch.media.looks import looks_of
from hashmatch.media.mend import mended
from hashmatch.media.opened import Stills
from hashmatch.media.pillow_file import check_size, webp_canvas
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message


def load() -> None:
    """Import what reading may need, for a process that can import nothing later."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    log = cv2.utils.logging
    log.setLogLevel(log.LOG_LEVEL_SILENT)  # or each damaged file would be told on standard error
    cv2.imdecode(np.frombuffer(b"\x89PNG\r\n\x1a\n" + bytes(64), np.uint8), cv2.IMREAD_UNCHANGED)


def open_with_opencv(data: bytes, media_type: MediaType, limits: Limits, exact: bool) -> Stills:
    """Open a still picture that is held in memory and that another decoder has refused.

    Raises MediaError: corrupt, too-large, out-of-memory. The same of its pictures.
    """
    name = media_type.format.lower()
    with classified():
        if media_type.format == "PNG":
            data = png.clean(data, still=True).data
        data = mended(data, media_type.format) or data
        size = _header_size(data, media_type.format)
        if size is not None:
            check_size(size, limits)
    return Stills(f"opencv {name} {'exact' if exact else 'full'}", _pictures(data, media_type, limits, exact))


def _pictures(data: bytes, media_type: MediaType, limits: Limits, exact: bool) -> Iterator[Picture]:
    with classified():
        import cv2

        # Only the first of these turns a picture upright, and only the second gives alpha, which JPEG does not have.
        turned = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
        how = turned if media_type.format == "JPEG" else cv2.IMREAD_UNCHANGED
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), how)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from error
            raise MediaError("corrupt", Message.of("bad-header")) from error
        if pixels is None:
            raise MediaError("corrupt", Message.of("bad-header"))
        check_size((pixels.shape[1], pixels.shape[0]), limits)
        image = _image(pixels)
        refuse_if_little_is_left(image)
        pictures = looks_of(image, image.size, exact)
    yield from pictures
    # OpenCV does not say that data end early.
    if media_type.format == "JPEG" and is_jpeg_cut(data):
        raise MediaError("partial", Message.of("end-missing"))


def _image(pixels: npt.NDArray[Any]) -> Image.Image:
    """pixels: (height, width), or with 1 to 4 values each: grey, or blue, green, red, and alpha."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        high = float(np.nanmax(pixels, initial=0)) if pixels.dtype.kind != "f" else 1.0
        pixels = (np.clip(np.nan_to_num(pixels / max(high, 1e-9)), 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return Image.fromarray(pixels.reshape(pixels.shape[:2]))
    if pixels.shape[2] == 2:
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, (0, 0, 0, 1)]))
    order = (2, 1, 0, 3)[: pixels.shape[2]]
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, order]))


def _header_size(data: bytes, format: str) -> tuple[int, int] | None:
    """Width and height as the header states them. None where we cannot read it: then the limit
    of memory holds, and OpenCV's own of a thousand million pixels."""
    if format == "PNG":
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if format == "GIF":
        return max(1, int.from_bytes(data[6:8], "little")), max(1, int.from_bytes(data[8:10], "little"))
    if format == "WEBP":
        return webp_canvas(data)
    if format == "BMP":
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        return width, abs(height)
    if format == "JPEG2000":
        at = data.find(b"\xff\x4f\xff\x51")
        right, foot, left, top = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (8, 12, 16, 20))
        return (right - left, foot - top) if at >= 0 else None
    return _jpeg_size(data) if format == "JPEG" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in range(0xC0, 0xD0) and data[at + 1] not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None

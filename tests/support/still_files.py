"""Pictures and animations, made on the fly in every supported format."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image

from hashmatch.media import MediaType

Pixels = npt.NDArray[np.uint8]

pillow_heif.register_heif_opener()


def scene(seed: int = 1, width: int = 240, height: int = 180) -> Image.Image:
    """A colour picture without symmetry. Two seeds are over 70 bits apart."""
    return _scene(seed, width, height).copy()  # saving leaves settings of some formats in an image


@functools.cache
def _scene(seed: int, width: int, height: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def stored_lying(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture to how it is stored under an EXIF orientation.

    By the EXIF standard, which says where the stored row 0 and column 0 are on the upright picture.
    """
    row, column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    pixels = np.asarray(image)
    if row in ("left", "right"):
        pixels = pixels.swapaxes(0, 1)
    if row in ("right", "bottom"):
        pixels = pixels[::-1]
    if column in ("right", "bottom"):
        pixels = pixels[:, ::-1]
    return Image.fromarray(np.ascontiguousarray(pixels))


def png(depth: int, colour: int, rows: npt.NDArray[np.uint8], width: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of a kind that Pillow does not write. rows: the stored bytes, uint8 (height, bytes)."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    written = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def animation(format: str, milliseconds: int | Sequence[int], count: int, **options: Any) -> bytes:
    """Scene after scene, in grey for GIF, so that its palette of 256 colours loses nothing."""
    first, *rest = (scene(seed, 96, 72).convert("L" if format == "GIF" else "RGB") for seed in range(count))
    return saved(first, format, save_all=True, append_images=rest, duration=milliseconds, loop=0, **options)


def _j2k() -> bytes:
    return saved(scene(), "JPEG2000", no_jp2=True)


def _big_endian_tiff() -> bytes:
    return saved(Image.fromarray((np.asarray(scene().convert("L")).astype(">u2")) * 257), "TIFF")


def _gif87() -> bytes:
    data = saved(scene().convert("L"), "GIF", interlace=0)
    assert data.startswith(b"GIF87a")
    return data


_JPEG, _PNG, _GIF, _TIFF = (MediaType("pillow", name) for name in ("JPEG", "PNG", "GIF", "TIFF"))
_WEBP, _BMP, _AVIF, _JP2 = (MediaType("pillow", name) for name in ("WEBP", "BMP", "AVIF", "JPEG2000"))

#: Still images: how to make each, and what it should be recognised as.
STILLS: dict[str, tuple[Callable[[], bytes], MediaType]] = {
    "jpeg": (lambda: saved(scene(), "JPEG", quality=95), _JPEG),
    "jpeg-progressive": (lambda: saved(scene(), "JPEG", quality=95, progressive=True), _JPEG),
    "jpeg-grey": (lambda: saved(scene().convert("L"), "JPEG", quality=95), _JPEG),
    "jpeg-cmyk": (lambda: saved(scene().convert("CMYK"), "JPEG", quality=95), _JPEG),
    "jpeg-of-two": (lambda: saved(scene(), "MPO", save_all=True, append_images=[scene(2)], quality=95), _JPEG),
    "png": (lambda: saved(scene(), "PNG"), _PNG),
    "png-16-bit": (lambda: saved(Image.fromarray(np.asarray(scene().convert("L"), np.uint16) * 257), "PNG"), _PNG),
    "gif": (lambda: saved(scene().convert("L"), "GIF", comment=b"so that it is a GIF89a", interlace=0), _GIF),
    "gif87": (_gif87, _GIF),
    "webp": (lambda: saved(scene(), "WEBP", quality=95), _WEBP),
    "webp-lossless": (lambda: saved(scene(), "WEBP", lossless=True), _WEBP),
    "tiff": (lambda: saved(scene(), "TIFF"), _TIFF),
    "tiff-lzw": (lambda: saved(scene(), "TIFF", compression="tiff_lzw"), _TIFF),
    "tiff-jpeg": (lambda: saved(scene(), "TIFF", compression="jpeg", quality=95), _TIFF),
    "tiff-16-bit": (lambda: saved(Image.fromarray(np.asarray(scene().convert("L"), np.uint16) * 257), "TIFF"), _TIFF),
    "tiff-big-endian": (_big_endian_tiff, _TIFF),
    "tiff-big": (lambda: saved(scene(), "TIFF", big_tiff=True), _TIFF),
    "tiff-cmyk": (lambda: saved(scene().convert("CMYK"), "TIFF"), _TIFF),
    "tiff-pages": (lambda: saved(scene(), "TIFF", save_all=True, append_images=[scene(2), scene(3)]), _TIFF),
    "bmp": (lambda: saved(scene(), "BMP"), _BMP),
    "bmp-palette": (lambda: saved(scene().convert("L"), "BMP"), _BMP),
    "heic": (lambda: saved(scene(), "HEIF", quality=95), MediaType("heif", "HEIF")),
    "avif": (lambda: saved(scene(), "AVIF", quality=95), _AVIF),
    "jp2": (lambda: saved(scene(), "JPEG2000"), _JP2),
    "j2k": (_j2k, _JP2),
}


@functools.cache
def still(name: str) -> bytes:
    return STILLS[name][0]()


#: Animations of six scenes, half a second each.
ANIMATIONS: dict[str, tuple[Callable[[], bytes], MediaType]] = {
    "gif": (lambda: animation("GIF", 500, 6), _GIF),
    "webp": (lambda: animation("WEBP", 500, 6, lossless=True), _WEBP),
    "apng": (lambda: animation("PNG", 500, 6), _PNG),
    "avif": (lambda: animation("AVIF", 500, 6, quality=90), _AVIF),
}


@functools.cache
def animated(name: str) -> bytes:
    return ANIMATIONS[name][0]()

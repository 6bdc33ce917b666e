"""Stills of formats that are met seldom, made on the fly; some by libraries that need not be there."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from hashmatch.media import MediaType
from tests.support.film_files import box
from tests.support.still_files import saved, scene

Make = Callable[[], bytes]


def by_ffmpeg(codec: str, pixels: str, image: Image.Image | None = None) -> bytes:
    """A still that FFmpeg writes, as one packet."""
    shown = scene() if image is None else image
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height = shown.size
    encoder.pix_fmt, encoder.time_base = pixels, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.asarray(shown.convert("RGB")), format="rgb24").reformat(format=pixels)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def by_imagecodecs(function: str, pixels: Any = None, **options: Any) -> bytes:
    library = pytest.importorskip("imagecodecs", reason="the extra `formats` is not installed")
    data = getattr(library, function)(np.asarray(scene()) if pixels is None else pixels, **options)
    return bytes(data)


def jxl(image: Image.Image | None = None, **options: Any) -> bytes:
    library = pytest.importorskip("pylibjxl", reason="this system has no wheel of pylibjxl")
    return bytes(library.encode(np.asarray(scene() if image is None else image), **options))


def _icon_of_bitmaps() -> bytes:
    return saved(scene().convert("RGBA"), "ICO", sizes=[(240, 180)], bitmap_format="bmp")


def cursor() -> bytes:
    """As icons, but for the kind and the hot spot."""
    icon = saved(scene(), "ICO", sizes=[(240, 180)])
    return b"\0\0\2\0" + icon[4:10] + b"\5\0\6\0" + icon[14:]


def photoshop() -> bytes:
    """The composite of a Photoshop file, uncompressed."""
    planes = np.asarray(scene()).transpose(2, 0, 1).tobytes()
    header = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 180, 240, 8, 3)
    return header + bytes(12) + b"\0\0" + planes


def _with_palette(format: str) -> bytes:
    return saved(scene().convert("L").convert("P"), format)


def radiance() -> bytes:
    """Light that is up to eight times as bright as white, with each pixel on its own."""
    light = (np.asarray(scene()) / 255.0) ** 2.2 * 8
    strongest = light.max(axis=2).clip(1e-9)
    exponent = np.ceil(np.log2(strongest))
    mantissas = (light * (256 / 2.0**exponent)[..., None]).clip(0, 255)
    pixels = np.dstack([mantissas, exponent + 128]).astype(np.uint8)
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 180 +X 240\n" + pixels.tobytes()


def _pillow(name: str, **options: Any) -> Make:
    return lambda: saved(scene(), name, **options)


def _netpbm(head: bytes, pixels: Image.Image) -> Make:
    return lambda: head + b" ".join(b"%d" % value for value in np.asarray(pixels).ravel())


#: Name, how it is made, what it is taken for, and the bits by which its hash may be off.
RARE_STILLS: dict[str, tuple[Make, MediaType, int]] = {
    "ico": (_pillow("ICO", sizes=[(32, 24), (240, 180), (16, 12)]), MediaType("pillow", "ICO"), 4),
    "ico-bitmap": (_icon_of_bitmaps, MediaType("pillow", "ICO"), 4),
    "cur": (cursor, MediaType("pillow", "CUR"), 4),
    "icns": (lambda: saved(scene().resize((256, 256)), "ICNS"), MediaType("pillow", "ICNS"), 20),
    "dib": (_pillow("DIB"), MediaType("pillow", "DIB"), 2),
    "ppm": (_pillow("PPM"), MediaType("pillow", "PPM"), 2),
    "ppm-16-bit": (lambda: by_ffmpeg("ppm", "rgb48be"), MediaType("pillow", "PPM"), 2),
    "ppm-text": (_netpbm(b"P3 # of a text\n240 180\n255\n", scene()), MediaType("pillow", "PPM"), 2),
    "pgm": (lambda: saved(scene().convert("L"), "PPM"), MediaType("pillow", "PPM"), 2),
    "pgm-text": (_netpbm(b"P2\n240 180 255 ", scene().convert("L")), MediaType("pillow", "PPM"), 2),
    "pbm": (lambda: saved(scene().convert("1"), "PPM"), MediaType("pillow", "PPM"), 44),
    "pam": (lambda: by_ffmpeg("pam", "rgba"), MediaType("ffmpeg-still", "pam"), 2),
    "pam-bare": (
        lambda: b"P7\nWIDTH 240\nHEIGHT 180\nDEPTH 3\nMAXVAL 255\nENDHDR\n" + scene().tobytes(),
        MediaType("ffmpeg-still", "pam"),
        2,
    ),
    "pfm": (lambda: by_ffmpeg("pfm", "gbrpf32le"), MediaType("ffmpeg-still", "pfm"), 24),
    "pcx": (_pillow("PCX"), MediaType("pillow", "PCX"), 2),
    "pcx-palette": (lambda: _with_palette("PCX"), MediaType("pillow", "PCX"), 4),
    "tga": (_pillow("TGA"), MediaType("pillow", "TGA"), 2),
    "tga-packed": (_pillow("TGA", compression="tga_rle"), MediaType("pillow", "TGA"), 2),
    "tga-grey": (lambda: saved(scene().convert("L"), "TGA"), MediaType("pillow", "TGA"), 2),
    "tga-palette": (lambda: _with_palette("TGA"), MediaType("pillow", "TGA"), 4),
    "dds": (_pillow("DDS"), MediaType("pillow", "DDS"), 2),
    "dds-packed": (_pillow("DDS", pixel_format="DXT1"), MediaType("pillow", "DDS"), 30),
    "sgi": (_pillow("SGI"), MediaType("pillow", "SGI"), 2),
    "qoi": (_pillow("QOI"), MediaType("pillow", "QOI"), 2),
    "sun": (lambda: by_ffmpeg("sunrast", "bgr24"), MediaType("pillow", "SUN"), 2),
    "xbm": (lambda: saved(scene().convert("1"), "XBM"), MediaType("pillow", "XBM"), 44),
    "psd": (photoshop, MediaType("pillow", "PSD"), 2),
    "jp2-high-throughput": (lambda: by_imagecodecs("htj2k_encode"), MediaType("pillow", "JPEG2000"), 4),
    "exr": (lambda: by_ffmpeg("exr", "gbrpf32le"), MediaType("ffmpeg-still", "exr"), 24),
    "hdr": (radiance, MediaType("ffmpeg-still", "hdr"), 20),
    "dpx": (lambda: by_ffmpeg("dpx", "gbrp10be"), MediaType("ffmpeg-still", "dpx"), 2),
    "xwd": (lambda: by_ffmpeg("xwd", "bgra"), MediaType("ffmpeg-still", "xwd"), 2),
    "jpeg-ls": (lambda: by_ffmpeg("jpegls", "rgb24"), MediaType("imagecodecs", "JPEG-LS"), 2),
    "jpeg-ls-mixed": (lambda: by_imagecodecs("jpegls_encode"), MediaType("imagecodecs", "JPEG-LS"), 2),
    "jpeg-lossless": (lambda: by_imagecodecs("jpeg_encode", lossless=True), MediaType("pillow", "JPEG"), 2),
    "jpeg-12-bit": (
        lambda: by_imagecodecs("jpeg_encode", np.asarray(scene()).astype(np.uint16) * 16, bitspersample=12),
        MediaType("pillow", "JPEG"),
        6,
    ),
    "jpeg-xr": (lambda: by_imagecodecs("jpegxr_encode"), MediaType("imagecodecs", "JPEG XR"), 6),
    "jxl": (lambda: jxl(), MediaType("jxl", "JPEG XL"), 10),
    "jxl-grey": (lambda: jxl(scene().convert("L")), MediaType("jxl", "JPEG XL"), 6),
    "jxl-of-jpeg": (lambda: _jxl_of_jpeg(), MediaType("jxl", "JPEG XL"), 6),
}


def _jxl_of_jpeg() -> bytes:
    library = pytest.importorskip("pylibjxl", reason="this system has no wheel of pylibjxl")
    return bytes(library.jpeg_to_jxl(saved(scene(), "JPEG", quality=95)))


@functools.cache
def rare_still(name: str) -> bytes:
    return RARE_STILLS[name][0]()


# Cameras' raw files: just what they are recognised and shown by.

_SHORT, _LONG = 3, 4


def tiff(entries: dict[int, tuple[int, int]], magic: bytes = b"II*\0", at: int = 8, between: bytes = b"") -> bytes:
    """The head of a TIFF with one directory. entries: kind and value by tag. between: what comes before the directory."""
    made = struct.pack("<H", len(entries))
    for tag, (kind, value) in sorted(entries.items()):
        made += struct.pack("<HHII", tag, kind, 1, value)
    return (magic + struct.pack("<I", at) + between).ljust(at, b"\0") + made + bytes(4)


#: What a directory says: its kind, compression, photometry, maker, orientation, directories below, version of DNG.
THUMBNAIL, COMPRESSION, PHOTOMETRIC, MAKE, ORIENTATION, SUB, DNG = 254, 259, 262, 271, 274, 330, 0xC612
#: The head of a JPEG without loss, as sensors' data are stored in: larger than any preview, and none.
SENSOR_DATA = b"\xff\xd8\xff\xc3\0\x0e\x0e\x0f\xa0\x17\x70\2\1\x11\0\2\x11\0\xff\xda\0\x0a\2\1\0\2\0\1\0\0" + bytes(500)


def raw_head(kind: str, orientation: int = 1) -> bytes:
    """The beginning of a camera's raw file."""
    common = {MAKE: (2, 100), ORIENTATION: (_SHORT, orientation)}
    nikon = {**common, THUMBNAIL: (_LONG, 1), SUB: (_LONG, 1000)}
    heads = {
        "nef": lambda: tiff(nikon),
        "arw": lambda: tiff({**common, COMPRESSION: (_SHORT, 6), SUB: (_LONG, 1000)}),
        "pef": lambda: tiff({**common, COMPRESSION: (_SHORT, 65535)}),
        "dng": lambda: tiff({**common, THUMBNAIL: (_LONG, 1), DNG: (1, 0x0401)}),
        "3fr": lambda: tiff({**common, PHOTOMETRIC: (_SHORT, 32803)}),
        "cr2": lambda: tiff(common, at=16, between=b"CR\2\0" + bytes(4)),
        "iiq": lambda: tiff(common, at=16, between=b"IIII" + bytes(4)),
        "orf": lambda: tiff(common, b"IIRO"),
        "rw2": lambda: tiff(common, b"IIU\0", 24),
        "raf": lambda: b"FUJIFILMCCD-RAW 0201FF393103X-T1" + bytes(100),
        "crw": lambda: b"II\x1a\0\0\0HEAPCCDR" + bytes(50),
        "x3f": lambda: b"FOVb" + bytes(100),
        "cr3": lambda: (
            box(b"ftyp", b"crx ", bytes(4), b"crx isom") + box(b"moov", box(b"uuid", box(b"CMT1", tiff(common))))
        ),
    }
    return heads[kind]()


RAW_KINDS = ("nef", "arw", "pef", "dng", "3fr", "cr2", "iiq", "orf", "rw2", "raf", "crw", "x3f", "cr3")


def raw(kind: str, *previews: bytes, orientation: int = 1) -> bytes:
    """A raw file with these previews, before sensor data that nothing can decode."""
    return raw_head(kind, orientation) + b"".join(bytes(7) + each for each in previews) + SENSOR_DATA

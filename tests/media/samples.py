"""Pictures and films, made on the fly, in every format that is supported; and short ways to open them."""

from __future__ import annotations

import functools
import io
import itertools
import struct
import wave
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image

from hashmatch.hamming.brute import distance
from hashmatch.hashers import by_name
from hashmatch.hashers.base import Picture
from hashmatch.hashers.frames import hash_frames
from hashmatch.hashers.pdq import hash_exact
from hashmatch.media import Film as OpenedFilm
from hashmatch.media import Limits, MediaType, Stills, open_media
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import STEADY, Sampling
from hashmatch.media.sniff import HEAD_BYTES, sniff

Pixels = npt.NDArray[np.uint8]

pillow_heif.register_heif_opener()
av.logging.set_level(None)


# Pictures.


def scene(seed: int = 1, width: int = 240, height: int = 180) -> Image.Image:
    """A picture in colour that looks like nothing else and has no symmetry; two of them are over 70 bits apart."""
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
    """The picture as it is stored with an EXIF orientation.

    From the EXIF standard: where the stored row 0 and column 0 are on the upright picture.
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
    """A PNG of a kind that Pillow does not write. rows: (height, bytes), as stored."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    written = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def animation(format: str, milliseconds: int | Sequence[int], count: int, **options: Any) -> bytes:
    """Scene after scene; in grey for GIF, so that its palette of 256 colours loses nothing."""
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

#: Still images: their bytes, and what they are to be recognised as.
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


#: Animations of six scenes, each of half a second.
ANIMATIONS: dict[str, tuple[Callable[[], bytes], MediaType]] = {
    "gif": (lambda: animation("GIF", 500, 6), _GIF),
    "webp": (lambda: animation("WEBP", 500, 6, lossless=True), _WEBP),
    "apng": (lambda: animation("PNG", 500, 6), _PNG),
    "avif": (lambda: animation("AVIF", 500, 6, quality=90), _AVIF),
}


@functools.cache
def animated(name: str) -> bytes:
    return ANIMATIONS[name][0]()


# Films.


@dataclass(frozen=True)
class Film:
    """A way to write films, and FFmpeg's name of the demuxer that reads them."""

    container: str
    codec: str
    demuxer: str
    rate: int = 8
    size: tuple[int, int] = (176, 144)
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


FILMS = {
    "mp4": Film("mp4", "libx264", "mov"),
    "mp4-fragmented": Film("mp4", "libx264", "mov", container_options={"movflags": "frag_keyframe+empty_moov"}),
    "mp4-hevc": Film("mp4", "libx265", "mov", options={"x265-params": "log-level=none"}),
    "mp4-av1": Film("mp4", "libsvtav1", "mov", options={"preset": "12"}),
    "mov": Film("mov", "mpeg4", "mov"),
    "mov-prores": Film("mov", "prores_ks", "mov", pixels="yuv422p10le"),
    "3gp": Film("3gp", "h263", "mov"),
    "mkv": Film("matroska", "libx264", "matroska,webm"),
    "mkv-ffv1": Film("matroska", "ffv1", "matroska,webm"),
    "webm-vp8": Film("webm", "libvpx", "matroska,webm"),
    "webm-vp9": Film("webm", "libvpx-vp9", "matroska,webm"),
    "avi": Film("avi", "mpeg4", "avi"),
    "avi-mjpeg": Film("avi", "mjpeg", "avi", pixels="yuvj420p"),
    "flv": Film("flv", "flv", "flv"),
    "ts": Film("mpegts", "libx264", "mpegts", rate=25),
    "m2ts": Film("mpegts", "mpeg2video", "mpegts", rate=25, container_options={"mpegts_m2ts_mode": "1"}),
    "mpg": Film("mpeg", "mpeg1video", "mpeg", rate=25),
    "vob": Film("vob", "mpeg2video", "mpeg", rate=25),
    "m2v": Film("mpeg2video", "mpeg2video", "mpegvideo", rate=25),
    "m4v": Film("m4v", "mpeg4", "m4v", rate=25),
    "h264": Film("h264", "libx264", "h264", rate=25),
    "hevc": Film("hevc", "libx265", "hevc", rate=25, options={"x265-params": "log-level=none"}),
    "wmv": Film("asf", "wmv2", "asf"),
    "ogv-vp8": Film("ogg", "libvpx", "ogg"),
    "ogv-theora": Film("ogg", "libtheora", "ogg"),
}


def film(of: Film | str = "mp4", seconds: float = 5.5, first_seed: int = 0, late: float = 0) -> bytes:
    """A film with a new scene every second. late: what time it says that it begins at."""
    of = FILMS[of] if isinstance(of, str) else of
    numbers = range(round(seconds * of.rate))
    shown = (np.asarray(scene(first_seed + number // of.rate, *of.size)) for number in numbers)
    return filmed(shown, of, late=late)


def filmed(
    pictures: Iterable[Pixels], of: Film | str = "mp4", late: float = 0, times: Iterable[float] | None = None
) -> bytes:
    """A film of pictures of its size, (height, width, 3) or grey (height, width).

    late: as above. times: of the pictures in seconds, where they do not come at a steady rate.
    """
    of = FILMS[of] if isinstance(of, str) else of
    base = Fraction(1, of.rate) if times is None else Fraction(1, 1000)
    stamps = itertools.count(round(late * of.rate)) if times is None else (round(time * 1000) for time in times)
    out = io.BytesIO()
    with av.open(out, "w", format=of.container, container_options=of.container_options) as container:
        stream: Any = container.add_stream(of.codec, rate=of.rate, options=of.options)
        stream.width, stream.height = of.size
        stream.pix_fmt = of.pixels
        stream.bit_rate = 2_000_000
        stream.codec_context.time_base = base
        container.start_encoding()
        for pixels, stamp in zip(pictures, stamps, strict=False):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.ndim == 3 else "gray")
            frame.pts, frame.time_base = stamp, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def sound(container: str = "mp4", codec: str = "aac", seconds: int = 1) -> bytes:
    """A file with sound only."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as writer:
        stream: Any = writer.add_stream(codec, rate=44100)
        stream.layout = "mono"
        chance = np.random.default_rng(1)
        for start in range(0, 44100 * seconds, 1024):
            samples = chance.normal(0, 0.1, (1, 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, start
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode())
    return out.getvalue()


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(16000))
    return out.getvalue()


def box(name: bytes, *content: bytes) -> bytes:
    """A box of an ISO base media file."""
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + name + inside


def with_cover(mp4: bytes) -> bytes:
    """The MP4 with a JPEG as its cover, as music players and phones store it. Its moov must be the last box."""
    cover = box(b"covr", box(b"data", struct.pack(">II", 13, 0), saved(scene(77), "JPEG")))
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    added = box(b"udta", box(b"meta", bytes(4), handler, box(b"ilst", cover)))
    start = mp4.rindex(b"moov") - 4
    size = int.from_bytes(mp4[start : start + 4], "big")
    assert start + size == len(mp4)
    return mp4[:start] + struct.pack(">I", size + len(added)) + mp4[start + 4 :] + added


def with_display_matrix(mp4: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """The MP4 with another matrix in its track header (ISO/IEC 14496-12, tkhd): x' = a x + c y, y' = b x + d y."""
    start = mp4.index(b"tkhd") + 4
    assert mp4[start] == 0  # the version; 1 has longer times
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return mp4[: start + 40] + matrix + mp4[start + 76 :]


# Short ways to open and to compare.


def opened(data: bytes, exact: bool = False, limits: Limits = Limits()) -> Stills | OpenedFilm:
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    return open_media(io.BytesIO(data), data, media_type, limits, exact)


def opened_stills(data: bytes, exact: bool = False, limits: Limits = Limits()) -> Stills:
    medium = opened(data, exact, limits)
    assert isinstance(medium, Stills)
    return medium


def opened_film(data: bytes, exact: bool = False, limits: Limits = Limits()) -> OpenedFilm:
    medium = opened(data, exact, limits)
    assert isinstance(medium, OpenedFilm)
    return medium


def pictures(data: bytes, exact: bool = False, limits: Limits = Limits()) -> list[Picture]:
    return list(opened_stills(data, exact, limits).pictures)


def frames(data: bytes, sampling: Sampling = STEADY, exact: bool = False, limits: Limits = Limits()) -> list[Frame]:
    return list(opened_film(data, exact, limits).frames(sampling))


def decoded(data: bytes, exact: bool = False, limits: Limits = Limits()) -> list[Picture]:
    """The pictures of stills and films alike."""
    medium = opened(data, exact, limits)
    if isinstance(medium, Stills):
        return list(medium.pictures)
    return [as_picture(frame) for frame in medium.frames(STEADY)]


def as_picture(frame: Frame) -> Picture:
    image = Image.fromarray(frame.pixels)
    return Picture(image, image.size, frame.pixels.ndim == 3, frame.time)


def pixels(data: bytes) -> npt.NDArray[np.int16]:
    """The first picture as (height, width, 3) RGB, of a type that can be subtracted."""
    picture = next(opened_stills(data, exact=True).pictures)
    assert picture.image.mode == "RGB" and picture.full_size == picture.image.size
    return np.asarray(picture.image).astype(np.int16)


def away(shown: Picture | Frame, image: Image.Image) -> int:
    """How many bits of PDQ a decoded picture or frame is from what it should look like. A square of brightness stands for
    the frame scaled to 512 × 512, as Meta's vPDQ has it."""
    if isinstance(shown, Picture):
        bits = by_name("pdq").hash(shown)[0]
    elif shown.pixels.ndim == 3:
        bits = hash_exact(shown.pixels)[0]
    else:
        bits = hash_frames(shown.pixels[None])[0].tobytes()
        image = image.resize((512, 512), Image.Resampling.BILINEAR)
    return distance(bits, hash_exact(np.asarray(image.convert("RGB")))[0])

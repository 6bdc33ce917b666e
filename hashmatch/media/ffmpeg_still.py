"""Stills that FFmpeg has a decoder for and Pillow has not, or reads wrongly.

The file's bytes go to one codec as one packet, so no demuxer is involved. Its size is read from the header first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, cast

import av
from av.video.reformatter import VideoReformatter
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media.damage import is_jpeg_cut, refuse_if_little_is_left
from hashmatch.media.light import Light, shown_light
from hashmatch.media.limits import Limits
from hashmatch.media.mend import mended
from hashmatch.media.opened import Stills
from hashmatch.media.picture_headers import jpeg_frame
from hashmatch.media.pillow_file import check_size, webp_canvas
from hashmatch.media.plain_still import PlainImage, plain_still
from hashmatch.messages import Message

#: Codecs whose floats are light, not values of the sRGB curve.
_LIGHT = frozenset({"exr", "hdr", "pfm", "phm"})
#: FFmpeg's names of the codec, where it is not our name of the format.
_CODECS = {"ljpeg": "mjpeg"}
_END_MISSING = MediaError("partial", Message.of("end-missing"))


def open_ffmpeg_still(data: bytes, codec: str, limits: Limits, exact: bool) -> Stills:
    """Open a still that is held in memory.

    codec: FFmpeg's name of it.
    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format.
    """
    size = _SIZES[codec](data)
    if size is None:
        raise MediaError("corrupt", Message.of("bad-header"))
    check_size(size, limits)
    name = _CODECS.get(codec, codec)
    if codec == "pam":
        data = _with_tuple_type(data)
    if codec == "webp":
        return _what_is_left_of_webp(data, limits, exact)
    missing = _END_MISSING if codec in ("ljpeg", "jpegls") and is_jpeg_cut(data) else None
    return plain_still(f"ffmpeg {name}", lambda: _decoded(data, name, limits, codec in _LIGHT), exact, missing)


def _what_is_left_of_webp(data: bytes, limits: Limits, exact: bool) -> Stills:
    """Of a WebP that is cut, libwebp gives nothing, and FFmpeg the rows that are there."""
    is_cut = int.from_bytes(data[4:8], "little") + 8 > len(data)
    whole = mended(data, "WEBP") or data

    def decode() -> PlainImage:
        made = _decoded(whole, "webp", limits, False)
        refuse_if_little_is_left(made.image)
        return made

    return plain_still("ffmpeg webp", decode, exact, _END_MISSING if is_cut else None)


def _decoded(data: bytes, name: str, limits: Limits, is_light: bool) -> PlainImage:
    av.logging.set_level(None)
    codec: Any = av.CodecContext.create(name, "r")
    codec.thread_count = 1
    codec.options = {"max_pixels": str(limits.max_pixels)}
    frames = codec.decode(av.Packet(data)) or codec.decode(None)
    if not frames:
        raise ValueError("no picture")
    frame = frames[0]
    if is_light and "f" in frame.format.name.removeprefix("gbr"):
        return shown_light(_floats(frame))
    grey, alpha = len(frame.format.components) < 3, any(c.is_alpha for c in frame.format.components)
    form = "rgba" if alpha else "gray" if grey and not frame.format.has_palette else "rgb24"
    pixels = VideoReformatter().reformat(frame, format=form, threads=1).to_ndarray()
    return PlainImage(Image.fromarray(pixels))


def _floats(frame: av.VideoFrame) -> Light:
    """The light of a frame, float32 (height, width, 3), or (height, width) for a grey one. An alpha channel is left out."""
    form = "gbrpf32le" if len(frame.format.components) >= 3 else "grayf32le"
    if frame.format.name != form:
        frame = VideoReformatter().reformat(frame, format=form, threads=1)
    light: Any = frame.to_ndarray()
    return cast(Light, light)


def _with_tuple_type(data: bytes) -> bytes:
    """A PAM with the line that FFmpeg needs and the format does not."""
    head, end, _pixels = data[:4096].partition(b"ENDHDR\n")
    depth = re.search(rb"DEPTH\s+([1-4])\s", head)
    if not end or depth is None or b"TUPLTYPE" in head:
        return data
    name = (b"GRAYSCALE", b"GRAYSCALE_ALPHA", b"RGB", b"RGB_ALPHA")[int(depth[1]) - 1]
    return head + b"TUPLTYPE " + name + b"\n" + data[len(head) :]


StillSize = tuple[int, int] | None


def _at(form: str, at: int) -> Callable[[bytes], StillSize]:
    """Reads width and height where a header has them."""

    def size(data: bytes) -> StillSize:
        try:
            width, height = struct.unpack_from(form, data, at)
        except struct.error:
            return None
        return width, height

    return size


def _found(pattern: bytes) -> Callable[[bytes], StillSize]:
    """Reads width ("w") and height ("h") from a header that is text."""
    compiled = re.compile(pattern, re.S)

    def size(data: bytes) -> StillSize:
        found = compiled.search(data[:4096])
        return (int(found["w"][:9]), int(found["h"][:9])) if found else None

    return size


def _exr(data: bytes) -> StillSize:
    """The data window, the corners of what is stored (OpenEXR file layout)."""
    at = data.find(b"dataWindow\0box2i\0\x10\0\0\0", 0, 1 << 20)
    if at < 0 or at + 37 > len(data):
        return None
    left, top, right, bottom = struct.unpack_from("<4i", data, at + 21)
    return right - left + 1, bottom - top + 1


def _swapped(size: Callable[[bytes], StillSize]) -> Callable[[bytes], StillSize]:
    """Where the height comes before the width."""

    def swapped(data: bytes) -> StillSize:
        found = size(data)
        return None if found is None else found[::-1]

    return swapped


def _pcx(data: bytes) -> StillSize:
    corners = _at("<HH", 8)(data)
    return None if corners is None else (corners[0] + 1, corners[1] + 1)


def _dpx(data: bytes) -> StillSize:
    return _at(">II" if data[:4] == b"SDPX" else "<II", 772)(data)


_WIDTH_HEIGHT = _found(rb"^(?=.*?\nWIDTH\s+(?P<w>\d+))(?=.*?\nHEIGHT\s+(?P<h>\d+))")
_FLOAT_MAP = _found(rb"^P[FfHh]\n(?:#[^\n]*\n)*(?P<w>\d+)\s+(?P<h>\d+)")
_SIZES: dict[str, Callable[[bytes], StillSize]] = {
    "exr": _exr,
    "hdr": _found(rb"\n[-+]Y\s+(?P<h>\d+)\s+[-+]X\s+(?P<w>\d+)\n"),
    "dpx": _dpx,
    "pam": _WIDTH_HEIGHT,
    "pfm": _FLOAT_MAP,
    "phm": _FLOAT_MAP,
    "jpegls": jpeg_frame,
    "ljpeg": jpeg_frame,
    "xwd": _at(">II", 16),
    "photocd": lambda _data: (768, 512),
    # What Pillow has refused; see second_choice.py.
    "qoi": _at(">II", 4),
    "dds": _swapped(_at("<II", 12)),
    "targa": _at("<HH", 12),
    "sgi": _at(">HH", 6),
    "pcx": _pcx,
    "psd": _swapped(_at(">II", 14)),
    "webp": webp_canvas,
    "xbm": _found(rb"width[ \t]+(?P<w>\d+).*?height[ \t]+(?P<h>\d+)"),
}

"""Films with transparency, in every codec that has it, made on the fly."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw


@dataclass(frozen=True)
class AlphaFilm:
    """How to write such a film."""

    container: str
    codec: str
    pixels: str
    options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


ALPHA_FILMS = {
    "webm-vp9": AlphaFilm(
        "webm", "libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "cpu-used": "8"}, {"alpha_mode": "1"}
    ),
    "webm-vp8": AlphaFilm("webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "cpu-used": "8"}, {"alpha_mode": "1"}),
    "mov-qtrle": AlphaFilm("mov", "qtrle", "argb"),
    "mov-png": AlphaFilm("mov", "png", "rgba"),
    "mov-prores": AlphaFilm("mov", "prores_ks", "yuva444p10le"),
    "mkv-ffv1": AlphaFilm("matroska", "ffv1", "bgra"),
    "avi-utvideo": AlphaFilm("avi", "utvideo", "gbrap"),
}


def sticker(number: int, light: bool, side: int = 192) -> Image.Image:
    """A rough figure on transparent ground, light or dark; the colours behind are those of another picture."""
    chance = np.random.default_rng(number)
    tones = chance.integers(150, 256, (8, 8, 3), np.uint8) if light else chance.integers(0, 80, (8, 8, 3), np.uint8)
    figure = Image.fromarray(tones).resize((side, side), Image.Resampling.BICUBIC).convert("RGBA")
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    for _blob in range(6):
        x, y, radius = (int(each) for each in chance.integers(side // 8, side * 7 // 8, 3))
        radius = side // 10 + radius % (side // 6)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    figure.putalpha(mask)
    return figure


def alpha_film(name: str, pictures: Sequence[Image.Image], rate: int = 8) -> bytes:
    """A film of the pictures, one frame each; skips the test if this build of PyAV cannot write it."""
    of, out = ALPHA_FILMS[name], io.BytesIO()
    try:
        av.codec.Codec(of.codec, "w")
    except Exception:
        pytest.skip(f"this build of PyAV has no encoder {of.codec}")
    with av.open(out, "w", format=of.container) as container:
        stream: Any = container.add_stream(of.codec, rate=rate, options=of.options)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt, stream.bit_rate = of.pixels, 2_000_000
        stream.metadata.update(of.metadata)
        for number, picture in enumerate(pictures):
            pixels: npt.NDArray[np.uint8] = np.asarray(picture.convert("RGBA"))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=of.pixels)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def animated_sticker(pictures: Sequence[Image.Image], format: str = "WEBP") -> bytes:
    """The same as an animated picture."""
    out = io.BytesIO()
    pictures[0].save(out, format, save_all=True, append_images=list(pictures[1:]), duration=125, lossless=True)
    return out.getvalue()

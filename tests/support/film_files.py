"""Films and sound, made on the fly in every supported container."""

from __future__ import annotations

import functools
import io
import itertools
import os
import struct
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from tests.support.still_files import Pixels, saved, scene

av.logging.set_level(None)


@dataclass(frozen=True)
class Film:
    """How to write a kind of film, and FFmpeg's name for the demuxer that reads it."""

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

#: Films of containers that are met seldom.
RARE_FILMS = {
    "ivf": Film("ivf", "libvpx-vp9", "ivf"),
    "nut": Film("nut", "mpeg4", "nut"),
    "mxf": Film("mxf", "mpeg2video", "mxf", rate=25),
    "dv": Film("dv", "dvvideo", "dv", rate=25, size=(720, 576)),
    "rm": Film("rm", "rv20", "rm"),
    "wtv": Film("wtv", "mpeg2video", "wtv", rate=25),
    "gxf": Film("gxf", "mpeg2video", "gxf", rate=25, size=(720, 576)),
    "y4m": Film("yuv4mpegpipe", "wrapped_avframe", "yuv4mpegpipe"),
    "swf": Film("swf", "flv", "swf", rate=25),
    "swf-jpeg": Film("swf", "mjpeg", "swf", rate=25, pixels="yuvj420p"),
    "3g2": Film("3g2", "h263", "mov"),
    "f4v": Film("f4v", "libx264", "mov"),
    "smooth-streaming": Film("ismv", "libx264", "mov"),
    "vcd": Film("vcd", "mpeg1video", "mpeg", rate=25),
    "dvd": Film("dvd", "mpeg2video", "mpeg", rate=25),
    "roq": Film("roq", "roqvideo", "roq", rate=30, size=(128, 128), pixels="yuvj444p"),
    "avi-cinepak": Film("avi", "cinepak", "avi", pixels="rgb24"),
    "mov-rle": Film("mov", "qtrle", "mov", pixels="rgb24"),
    "flv-screen": Film("flv", "flashsv", "flv", pixels="bgr24"),
}


def film(of: Film | str = "mp4", seconds: float = 5.5, first_seed: int = 0, late: float = 0) -> bytes:
    """A film with a new scene every second. late: the time of its first frame, in seconds."""
    if isinstance(of, str):
        return _film(of, seconds, first_seed, late)
    numbers = range(round(seconds * of.rate))
    shown = (np.asarray(scene(first_seed + number // of.rate, *of.size)) for number in numbers)
    return filmed(shown, of, late=late)


@functools.lru_cache(64)
def _film(name: str, seconds: float, first_seed: int, late: float) -> bytes:
    return film((FILMS | RARE_FILMS)[name], seconds, first_seed, late)


def filmed(
    pictures: Iterable[Pixels], of: Film | str = "mp4", late: float = 0, times: Iterable[float] | None = None
) -> bytes:
    """A film of the given pictures, (height, width, 3) or grey (height, width), in the size of `of`.

    late: as for film. times: when each picture is shown, in seconds; None for a steady rate.
    """
    of = (FILMS | RARE_FILMS)[of] if isinstance(of, str) else of
    base = Fraction(1, of.rate) if times is None else Fraction(1, 1000)
    stamps = itertools.count(round(late * of.rate)) if times is None else (round(time * 1000) for time in times)
    out = io.BytesIO()
    with av.open(out, "w", format=of.container, container_options=of.container_options) as container:
        stream: Any = container.add_stream(of.codec, rate=of.rate, options=of.options)
        stream.width, stream.height = of.size
        stream.pix_fmt = of.pixels
        stream.bit_rate = 2_000_000
        stream.codec_context.time_base = base
        with as_ordinary_process():
            container.start_encoding()
        for pixels, stamp in zip(pictures, stamps, strict=False):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.ndim == 3 else "gray")
            frame.pts, frame.time_base = stamp, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


@contextmanager
def as_ordinary_process() -> Iterator[None]:
    """Undo what SVT-AV1 does where it may: it makes its caller a real-time process, which waits in a busy loop.

    Two such processes keep two cores from everything else, encoding included, and children inherit the priority.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, parameters)


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
    """The MP4 with a JPEG as its cover, stored as music players and phones do. Its moov must be the last box."""
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


def encoder_or_skip(name: str) -> Film:
    import av

    film = (FILMS | RARE_FILMS)[name]
    try:
        av.codec.Codec(film.codec, "w")
    except Exception:
        pytest.skip(f"this build of PyAV has no encoder {film.codec}")
    return film

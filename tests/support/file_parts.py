"""Files that show more than one thing: pictures and films in them, after their end, and in several streams."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.support.film_files import box
from tests.support.still_files import saved, scene

#: What a film of several streams shows: a scene for each second of each stream.
SECONDS, RATE, SIZE = 5, 8, (176, 144)


def seeds_of(stream: int) -> list[int]:
    """The scenes of one stream, one a second."""
    return [100 * (stream + 1) + second for second in range(SECONDS)]


def in_streams(container: str, frames: Sequence[int], codec: str = "libx264", main: int | None = None) -> bytes:
    """A film with several video streams. frames: how many each has. main: the one that is marked as the default."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as writer:
        streams: list[Any] = []
        for number in range(len(frames)):
            stream: Any = writer.add_stream(codec, rate=RATE)
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            if main is not None:
                stream.disposition = av.stream.Disposition.default if number == main else av.stream.Disposition(0)
            streams.append(stream)
        for at in range(max(frames)):
            for number, (stream, count) in enumerate(zip(streams, frames, strict=True)):
                if at < count:
                    picture = scene(seeds_of(number)[at // RATE], *SIZE)
                    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                    frame.pts, frame.time_base = at, Fraction(1, RATE)
                    writer.mux(stream.encode(frame))
        for stream in streams:
            writer.mux(stream.encode())
    return out.getvalue()


def mpo(*pictures: Image.Image) -> bytes:
    """Several pictures in one file, as cameras with two lenses write them."""
    return saved(pictures[0], "MPO", save_all=True, append_images=list(pictures[1:]))


def heif(*pictures: Image.Image) -> bytes:
    return saved(pictures[0], "HEIF", save_all=True, append_images=list(pictures[1:]), quality=90)


def icon(*pictures: Image.Image) -> bytes:
    """An icon file with these pictures, as PNG."""
    contents = [saved(each, "PNG") for each in pictures]
    head, place = struct.pack("<HHH", 0, 1, len(pictures)), 6 + 16 * len(pictures)
    for picture, content in zip(pictures, contents, strict=True):
        head += struct.pack("<BBBBHHII", picture.width % 256, picture.height % 256, 0, 0, 1, 32, len(content), place)
        place += len(content)
    return head + b"".join(contents)


def motion_photo(picture: Image.Image, film: bytes, format: str = "JPEG") -> bytes:
    """A picture with its film: appended to a JPEG behind a few bytes that some phones put there, or in a box of a HEIF."""
    if format == "HEIF":
        return heif(picture) + box(b"mpvd", film)
    return saved(picture, format) + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + film


def song_with_cover(cover: bytes, seconds: int = 1) -> bytes:
    """An MP3 with a picture in its ID3 tag (ID3v2.3, APIC)."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", container_options={"id3v2_version": "0", "write_xing": "0"}) as writer:
        stream: Any = writer.add_stream("libmp3lame", rate=44100)
        stream.layout = "mono"
        for start in range(0, 44100 * seconds, 1152):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, start
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode())
    picture = b"\0image/jpeg\0\3\0" + cover
    tag = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + tag + out.getvalue()


def gain_map(picture: Image.Image) -> bytes:
    """A JPEG that says it is the gain map of another picture."""
    data = saved(picture, "JPEG")
    text = (
        b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:GainMapMax="2" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
    )
    return data[:2] + b"\xff\xe1" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]

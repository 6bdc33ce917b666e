"""Frames out of film files and into them: RGB arrays (height, width, 3) of 8 bits, at a constant rate."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

#: Queries are made no larger than this: 480p, the size most copies are passed on in, and quick to encode.
LONGEST_SIDE = 854


def length(path: Path) -> float:
    """Seconds from the first frame to the end of the last, by time stamps of packets: containers exaggerate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [
            (packet.pts if packet.pts is not None else packet.dts, packet.duration or 0)
            for packet in container.demux(stream)
            if packet.pts is not None or packet.dts is not None
        ]
        if not stamps or stream.time_base is None:
            raise ValueError(f"{path.name} has no time stamps")
        ends = max(stamp + long for stamp, long in stamps)
        return float((ends - min(stamp for stamp, _long in stamps)) * stream.time_base)


def rate(path: Path) -> Fraction:
    """Frames a second on average, between 5 and 50."""
    with av.open(str(path)) as container:
        told = container.streams.video[0].average_rate or Fraction(25)
    return min(max(Fraction(told).limit_denominator(1001), Fraction(5)), Fraction(50))


def shape(path: Path) -> tuple[int, int]:
    """Width and height of what `frames` yields, in pixels, both even."""
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        width, height = codec.width, codec.height
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return _even(width * scale), _even(height * scale)


def frames(path: Path, start: float, end: float, per_second: Fraction, speed: float = 1.0) -> Iterator[Frame]:
    """What is on the screen from `start` to `end` (seconds of the source), at a constant rate of the result.

    speed: seconds of the source that pass in one second of the result.
    """
    width, height = shape(path)
    count = round((end - start) / speed * per_second)
    number = 0
    shown: Frame | None = None
    for time, frame in _decoded(path):
        # A frame stays until the next one comes. Half a tick of tolerance, for rounded time stamps.
        while shown is not None and number < count and start + number / per_second * speed < time - 1e-4:
            yield shown
            number += 1
        if number >= count:
            return
        if start + number / per_second * speed < time + 1.0:  # earlier ones are never shown
            shown = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
    while shown is not None and number < count:
        yield shown
        number += 1


def _decoded(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Frames with their seconds since the first. Bad packets are left out."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first: float | None = None
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                continue
            for frame in decoded:
                if frame.time is None:
                    continue
                first = frame.time if first is None else first
                yield frame.time - first, frame


def write(
    path: Path,
    pictures: Iterable[Frame],
    per_second: Fraction,
    crf: int = 26,
    options: dict[str, str] | None = None,
    codec: str = "libx264",
) -> None:
    """Encode frames of one size as a film, without an odd last row or column. It appears only when it is complete.

    crf: x264's constant quality. options: more of the encoder's own. Key frames are x264's: at cuts, else every 250.
    """
    unfinished = path.with_suffix(f".part{path.suffix}")
    settings = {"preset": "superfast", "crf": str(crf)} | (options or {})
    with av.open(str(unfinished), "w") as container:
        stream = None
        for picture in map(even, pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=per_second, options=settings)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        if stream is None:
            raise ValueError(f"no frames for {path.name}")
        container.mux(stream.encode(None))
    os.replace(unfinished, path)


def resized(picture: Frame, size: tuple[int, int]) -> Frame:
    """size: width and height in pixels."""
    shrinking = size[0] < picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)  # type: ignore[return-value]


def fitted(picture: Frame, size: tuple[int, int]) -> Frame:
    """The whole picture in the middle of a black one of width and height in pixels."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = resized(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - inner.shape[0]) // 2, (size[0] - inner.shape[1]) // 2
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return canvas


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def even(picture: Frame) -> Frame:
    """Without an odd last row and column, which 4:2:0 can't hold."""
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]

"""A film's decoded frames as a player shows them: upright, in their colours, on a ground; to hash, or for people."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from hashmatch.errors import MediaError
from hashmatch.media.classified import one_line
from hashmatch.media.film_alpha import grounded, on_white
from hashmatch.media.film_colour import Pixels8, colour, displayed, grey
from hashmatch.media.grounds import AS_STORED, ON_DARK
from hashmatch.media.limits import Limits
from hashmatch.media.looks import REDUCED_SIDE
from hashmatch.media.opened import Frame
from hashmatch.messages import Message
from hashmatch.records import Pixels

#: Side in pixels of a picture that is only made to ask it for its side data.
_TINY = 16


class Screen:
    """Shows the frames of one film, in order. It keeps what need not be found out for each frame anew."""

    def __init__(self, limits: Limits) -> None:
        # One for all frames, and in this thread: a new one for each frame would start threads, and take 100 times as long.
        self._reformatter = VideoReformatter()
        self._limits = limits
        self._rotation: int | None = None
        self._signs = (1, 0, 0, 1)

    def square(self, frame: av.VideoFrame, time: float, reach: int, side: int) -> Frame:
        """The frame as a square of brightness, and its further looks. Raises MediaError: too-large, partial."""
        with self._showing(frame):
            return self._bright(frame, time, reach, (side, side))

    def still(self, frame: av.VideoFrame, time: float, reach: int) -> Frame:
        """The only frame of a film: as `square`, but in its true shape, and as large as a still picture is decoded."""
        factor = max(1, min(frame.width, frame.height) // REDUCED_SIDE)
        with self._showing(frame):
            return self._bright(frame, time, reach, (frame.width // factor, frame.height // factor))

    def _bright(self, frame: av.VideoFrame, time: float, reach: int, size: tuple[int, int]) -> Frame:
        both = grounded(frame, *size, self._reformatter)
        shown = both[0] if both is not None else grey(frame, *size, self._reformatter)
        self._notice_turn(frame, shown if both is None and max(size) < REDUCED_SIDE else None)
        pixels = _pixels(shown)
        others = [(ON_DARK, _pixels(both[1]))] if both is not None else []
        if both is None and (better := displayed(frame, *size, self._reformatter)) is not None:
            pixels, others = better, [(AS_STORED, pixels)]
        looks = tuple((name, self._turned(look)) for name, look in others)
        return Frame(self._turned(pixels), round(time, 3), self._size(frame), reach, looks)

    def whole(self, frame: av.VideoFrame, time: float, reach: int) -> Frame:
        """The frame in full size and RGB, as a plain decoder gives it: for exact hashes. Raises as `square`."""
        with self._showing(frame):
            self._notice_turn(frame)
            pixels: Any = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
            return Frame(self._turned(pixels), round(time, 3), self._size(frame), reach)

    def small(self, frame: av.VideoFrame, side: int, shape: float) -> Pixels:
        """The frame in colour. side: pixels of the longer side, at most. shape: a pixel's width divided by its height."""
        with self._showing(frame):
            wide = frame.width * shape
            scale = min(1.0, side / max(wide, frame.height))
            width, height = (max(1, round(length * scale)) for length in (wide, frame.height))
            self._notice_turn(frame)
            pixels = self._turned(colour(on_white(frame, self._reformatter), width, height, self._reformatter))
        return Pixels(pixels.shape[1], pixels.shape[0], pixels.tobytes())

    @contextlib.contextmanager
    def _showing(self, frame: av.VideoFrame) -> Iterator[None]:
        if frame.width * frame.height > self._limits.max_pixels:
            raise MediaError("too-large", Message.of("frame-too-large"))
        try:
            yield
        except (ValueError, OSError) as error:
            raise MediaError("partial", Message.of("frame-not-shown", why=one_line(error))) from error

    def _notice_turn(self, frame: av.VideoFrame, scaled: av.VideoFrame | None = None) -> None:
        """Read how the container turns and mirrors the frame, if that may have changed.

        scaled: a small picture of the frame, if there is one. PyAV holds on to a frame whose side data were asked for, so we
        ask the small one, which has them, too; and only when the rotation changes, which costs nothing to see.
        """
        if frame.rotation == self._rotation:
            return
        self._rotation = frame.rotation
        tiny = scaled or grey(frame, _TINY, _TINY, VideoReformatter())
        matrix: Any = tiny.side_data.get("DISPLAYMATRIX")
        # ISO/IEC 14496-12, tkhd: x' = a x + c y, y' = b x + d y
        a, b, _u, c, d = (1, 0, 0, 0, 1) if matrix is None else np.sign(np.frombuffer(matrix, np.int32)[:5]).tolist()
        self._signs = (a, b, c, d)

    def _size(self, frame: av.VideoFrame) -> tuple[int, int]:
        return (frame.height, frame.width) if self._is_on_its_side else (frame.width, frame.height)

    @property
    def _is_on_its_side(self) -> bool:
        a, _b, _c, d = self._signs
        return a == 0 and d == 0

    def _turned(self, pixels: Pixels8) -> Pixels8:
        a, b, c, d = self._signs
        if self._is_on_its_side:
            pixels, a, d = pixels.swapaxes(0, 1), c, b
        return np.ascontiguousarray(pixels[:: d or 1, :: a or 1])


def _pixels(scaled: av.VideoFrame) -> Pixels8:
    pixels: Any = scaled.to_ndarray()
    return pixels  # type: ignore[no-any-return]

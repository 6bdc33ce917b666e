"""Limits on what examining one file may cost. A file above a limit is reported as such, never as clean.

CPU time is granted by what a file cannot make up: its bytes, and the pixels that were really decoded. The length that a
film states buys nothing. docs/isolation.md tells where the numbers come from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hashmatch.errors import MediaError
from hashmatch.messages import Message
from hashmatch.system import own_memory

#: Bytes read and digested per second of CPU time on a slow and busy machine. Measured on an ordinary one: 8 times as many.
SLOWEST_DIGEST = 32 << 20
#: A file may take `max_seconds` once more for each so many pixels decoded, and for each so many of its bytes: whichever
#: is less. Measured: films of 1080p and more take 1 to 5 ns a pixel, a tenth of what this grants; a film in which nothing
#: moves, the one with fewest bytes for its frames, takes 40 microseconds a byte, a fifth.
PIXELS, BYTES = 400_000_000, 100_000
#: A smaller frame counts as this many pixels, because hashing costs the same for all sizes.
LEAST_FRAME = 250_000
#: No file may take more than `max_seconds` so many times: a day.
MOST_TIMES = 4320
#: An animation's canvas is held several times over, four bytes a pixel; so it may have this share of `max_pixels`.
ANIMATION_SHARE = 4
#: Only frames of more pixels can fill the memory. A pixel takes 1.5 bytes in most films, 3 in those of 10 bits.
_LARGE, _BYTES_A_PIXEL = 4_000_000, 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file.

    max_bytes: of any file.
    max_picture_bytes: of a still image or animation, which is held in memory.
    max_pixels: of one picture or frame in colour, which the default keeps within 0.7 GB; in grey or with a palette, twice as
        many. A JPEG counts as it is decoded, perhaps at an eighth of its size.
    max_frames: hashes to keep of a film or animation; about 12 hours of a reference film.
    max_pages: pages to hash of one image.
    max_seconds: CPU seconds for any file, however small; see `cpu_seconds`.
    film_memory: bytes that a film may take of a worker's memory, most of them for frames on which later ones build.
    """

    max_bytes: int = 256 << 30
    max_picture_bytes: int = 512 << 20
    max_pixels: int = 178_000_000
    max_frames: int = 300_000
    max_pages: int = 64
    max_seconds: float = 20.0
    film_memory: int = 384 << 20

    def pixels_of_bytes(self, each: int) -> int:
        """The most pixels of a picture in which each takes so many bytes. Of one byte, we allow half of what would fit."""
        return self.max_pixels * 2 if each == 1 else self.max_pixels

    def cpu_seconds(self, size: int, pixels: int) -> float:
        """CPU seconds for a file of `size` bytes, once so many pixels of it have been decoded.

        A worker that lies about the pixels gains no more than the file's size allows.
        """
        times = 1 + max(0.0, min(pixels / PIXELS, size / BYTES))
        return self.max_seconds * min(times, MOST_TIMES) + size / SLOWEST_DIGEST


class Meter:
    """Counts what one file has cost, and ends its decoding cleanly before the system ends the worker."""

    def __init__(self, limits: Limits, size: int, tell: Callable[[float, int], None]) -> None:
        """size: bytes of the file. tell: called at each beat, with the seconds of film and all pixels decoded so far."""
        self._limits, self._size, self._tell = limits, size, tell
        self._start, self._pixels = time.thread_time(), 0
        self._memory = own_memory()

    def beat(self, position: float, pixels: int) -> None:
        """A sign of life: a frame at `position` seconds was decoded, of so many pixels; 0 if something else was done.

        Raises MediaError: "timeout" once the file has cost more CPU time than it may, "out-of-memory" if another frame of
        this size might take more memory.
        """
        self._pixels += max(pixels, LEAST_FRAME) if pixels else 0
        spent = time.thread_time() - self._start
        if spent > self._limits.cpu_seconds(self._size, self._pixels):
            raise MediaError("timeout", Message.of("cpu-limit"))
        if pixels > _LARGE and own_memory() - self._memory + _BYTES_A_PIXEL * pixels > self._limits.film_memory:
            raise MediaError("out-of-memory", Message.of("memory-limit"))
        self._tell(position, self._pixels)

"""What one file may cost. Over a limit, a file is reported as such, never as clean."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.media.sampling import HEARTBEAT

#: Bytes that are read and digested in a second of CPU time, on a machine that is slow and busy. Measured: 8 times that.
SLOWEST_DIGEST = 32 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file.

    max_bytes: of a file that is read at all. max_picture_bytes: of a still image or animation, which is held in memory.
    max_pixels: of one picture or film frame; the default keeps an RGB picture within Pillow's own bomb limit and 0.7 GB.
    max_frames: hashes of a film or animation that are kept: of a reference some 12 hours. max_pages: of a multi-page image.
    max_seconds: of CPU time; film_seconds: so many more for each minute of film that was decoded.
    """

    max_bytes: int = 256 << 30
    max_picture_bytes: int = 512 << 20
    max_pixels: int = 178_000_000
    max_frames: int = 300_000
    max_pages: int = 64
    max_seconds: float = 20.0
    film_seconds: float = 120.0

    def cpu_seconds(self, size: int, position: float) -> float:
        """CPU time for a file of `size` bytes, of which `position` seconds of film have been decoded.

        No film that is examined has fewer hashes than one in five seconds.
        """
        minutes = min(max(position, 0.0), HEARTBEAT * self.max_frames) / 60
        return self.max_seconds + self.film_seconds * minutes + size / SLOWEST_DIGEST

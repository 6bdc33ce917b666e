"""Limits on what examining one file may cost. A file above a limit is reported as such, never as clean."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.media.sampling import HEARTBEAT

#: Bytes read and digested per second of CPU time on a slow and busy machine. Measured on an ordinary one: 8 times as many.
SLOWEST_DIGEST = 32 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file.

    max_bytes: of any file.
    max_picture_bytes: of a still image or animation, which is held in memory.
    max_pixels: of one picture or frame in colour, which the default keeps within 0.7 GB; in grey or with a palette, twice as
        many. A JPEG counts as it is decoded, perhaps at an eighth of its size.
    max_frames: hashes to keep of a film or animation; about 12 hours of a reference film.
    max_pages: pages to hash of one image.
    max_seconds: CPU seconds for any file. film_seconds: further CPU seconds for each minute of film decoded.
    """

    max_bytes: int = 256 << 30
    max_picture_bytes: int = 512 << 20
    max_pixels: int = 178_000_000
    max_frames: int = 300_000
    max_pages: int = 64
    max_seconds: float = 20.0
    film_seconds: float = 120.0

    def pixels_of_bytes(self, each: int) -> int:
        """The most pixels of a picture in which each takes so many bytes. Of one byte, we allow half of what would fit."""
        return self.max_pixels * 2 if each == 1 else self.max_pixels

    def cpu_seconds(self, size: int, position: float) -> float:
        """CPU seconds for a file of `size` bytes, once `position` seconds of film are decoded.

        The position is capped, because every film has at least one hash in five seconds.
        """
        minutes = min(max(position, 0.0), HEARTBEAT * self.max_frames) / 60
        return self.max_seconds + self.film_seconds * minutes + size / SLOWEST_DIGEST

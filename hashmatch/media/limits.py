"""What one file may cost. Over a limit, a file is reported as such, never as clean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file.

    max_bytes: of a file that is read at all. max_picture_bytes: of a still image or animation, which is held in memory.
    max_pixels: of one picture or film frame; the default keeps an RGB picture within Pillow's own bomb limit and 0.7 GB.
    max_frames: of a film or animation that are hashed. max_pages: of a multi-page image.
    """

    max_bytes: int = 256 << 30
    max_picture_bytes: int = 512 << 20
    max_pixels: int = 178_000_000
    max_frames: int = 100_000
    max_pages: int = 64

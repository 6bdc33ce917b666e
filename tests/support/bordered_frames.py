"""Frames of a moving camera, with or without a border around them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers.frames import FrameArea

Squares = npt.NDArray[np.uint8]
SIDE, FRAMES = 128, 16
WIDE = (320, 180)


def world(seed: int, size: tuple[int, int] = (640, 360), cells: int = 14) -> Image.Image:
    """A large picture with shapes and grain, for a camera to move over."""
    chance = np.random.default_rng(seed)
    coarse = Image.fromarray(chance.integers(40, 215, (cells, cells * 2), np.uint8))
    grown = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) + chance.normal(0, 6, size[::-1])
    return Image.fromarray(grown.clip(20, 235).astype(np.uint8))


def moving(seed: int, size: tuple[int, int] = WIDE) -> list[Image.Image]:
    """A camera that moves on by eight pixels a frame."""
    whole = world(seed, (size[0] + 8 * FRAMES, size[1] + 60))
    return [whole.crop((8 * n, 2 * n, 8 * n + size[0], 2 * n + size[1])) for n in range(FRAMES)]


def shrunk(frames: list[Image.Image]) -> Squares:
    return np.stack([np.asarray(frame.resize((SIDE, SIDE), Image.Resampling.BOX)) for frame in frames])


def within(frames: list[Image.Image], ground: Image.Image, left: int, top: int) -> tuple[Squares, FrameArea]:
    """The frames in a picture, and where they are."""
    sheets = []
    for frame in frames:
        sheet = ground.copy()
        sheet.paste(frame, (left, top))
        sheets.append(sheet)
    (width, height), (across, down) = frames[0].size, ground.size
    return shrunk(sheets), FrameArea(left / across, top / down, (left + width) / across, (top + height) / down)

"""A finer look at a picture, which tells two posters of one layout apart: where are brightness and detail?

PDQ and hashes like it keep 16 frequencies of the whole picture, so the same card with a different text is within 31 bits.
Here the picture is averaged to 144 × 144 points and cut into 18 × 18 blocks. Of each block we keep the lowest DCT
frequencies as nothing (flat), something or strong, the latter two with their sign. Whatever the codec, size or tone, hardly
any strong coefficient of a copy changes sign; with two different texts on one card, neighbouring blocks contradict each
other. It matters that the coefficients are local: in a sign hash of 1,024 frequencies of the whole picture, blur changes
more bits than a different text does (figures in docs/matching.md).
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.arrays import Float32
from hashmatch.hashers.base import Hasher, Picture
from hashmatch.hashers.orientations import orient_blocks

SIDE = 144  # points across and down that the picture is averaged to
BLOCK = 8  # points across and down in a block
GRID = SIDE // BLOCK
#: The frequencies kept of a block: (down, across). Each has its transpose here, so that pictures can be turned.
FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))
#: A coefficient counts as something, or as strong, from this share of the picture's root mean square coefficient.
SOMETHING, STRONG = 0.1, 0.4

Levels = npt.NDArray[np.int8]


def hash_picture(picture: Picture) -> tuple[bytes, None]:
    """The packed levels of a picture: 972 bytes, and no quality."""
    return pack(levels_of(picture.image)), None


#: Three bits per coefficient. Hamming distance means nothing here; matching/layouts.py compares them.
HASHER = Hasher(
    name="blocks",
    title="blocks",
    bits=3 * GRID * GRID * len(FREQUENCIES),
    version=1,
    hash=hash_picture,
    thresholds=None,
    shows_picture=True,
)


def levels_of(image: Image.Image, side: int = SIDE) -> Levels:
    """The levels of a picture: int8 (side / 8, side / 8, 8), where ±2 is strong, ±1 something and 0 nothing.

    image: mode "L" or "RGB". side: points across and down that it is averaged to, a multiple of 8.
    """
    gray = image if image.mode == "L" else image.convert("L")
    chosen = coefficients_of(np.asarray(gray.resize((side, side), Image.Resampling.BOX)).astype(np.float32))
    strength = np.abs(chosen) / max(float(np.sqrt(np.mean(chosen * chosen))), 1e-3)
    level: Levels = (strength >= SOMETHING).astype(np.int8) + (strength >= STRONG)
    signed: Levels = np.where(chosen < 0, -level, level)
    return signed


def coefficients_of(points: Float32) -> Float32:
    """The DCT coefficients of FREQUENCIES in each block: float32 (side / 8, side / 8, 8). points: float32 (side, side)."""
    side = len(points)
    cosines, grid = _cosines(), side // BLOCK
    # (rows, 3, columns, 3): first down, for all blocks of a row at once, then across.
    coefficients = np.matmul(cosines, points.reshape(grid, BLOCK, side)).reshape(grid, 3, grid, BLOCK) @ cosines.T
    down, across = zip(*FREQUENCIES, strict=True)
    chosen: Float32 = coefficients.swapaxes(1, 2)[:, :, down, across]
    return chosen


def pack(levels: Levels) -> bytes:
    """Levels as bytes, in three bit planes: strong; something or strong; negative."""
    return np.packbits([abs(levels) == 2, levels != 0, levels < 0]).tobytes()


def unpack(bits: bytes) -> Levels:
    """The levels that `pack` turned into these bytes."""
    grid = math.isqrt(len(bits) * 8 // (3 * len(FREQUENCIES)))
    planes = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(3, grid, grid, len(FREQUENCIES)).view(np.int8)
    levels: Levels = (planes[0] + planes[1]) * (1 - 2 * planes[2])
    return levels


def turned(levels: Levels, orientation: str) -> Levels:
    """The levels of the picture in another orientation."""
    return orient_blocks(levels, FREQUENCIES, orientation)


@functools.cache
def _cosines() -> npt.NDArray[np.float32]:
    """Rows 0 to 2 of the DCT-II, each of length 1: float32 (3, 8)."""
    angle = np.pi / 2 / BLOCK * np.arange(3)[:, None] * (2 * np.arange(BLOCK) + 1)
    rows = np.cos(angle) * np.sqrt(np.array([1, 2, 2])[:, None] / BLOCK)
    matrix: npt.NDArray[np.float32] = rows.astype(np.float32)
    return matrix

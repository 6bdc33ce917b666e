"""A finer look at a picture, to tell two posters of one layout apart: where on it do brightness and detail lie?

PDQ knows only 16 frequencies of the whole picture, and so do hashes like it: the same card with another text is within 31
bits of itself. So the picture is averaged to 144 × 144 points, cut into 18 × 18 blocks, and of each block the lowest
frequencies of its DCT are kept, as nothing (flat), something, or strong, with the sign of the latter two. In copies of a
picture hardly any strong coefficient turns its sign, whatever codec, size or tone; in two texts on one card neighbouring
blocks contradict each other. Being local is what makes the difference: a sign hash of 1,024 frequencies of the whole
picture is moved further by blur than by another text (figures in docs/matching.md).
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers.base import Hasher, Picture
from hashmatch.hashers.orientations import orient_blocks

SIDE = 144  # points that the picture is averaged to
BLOCK = 8  # points of a block's side
GRID = SIDE // BLOCK
#: Of a block: frequencies downwards and across. For each there is its mirror image, so that pictures can be turned.
FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))
#: A coefficient is something, or strong, from these parts of the picture's root mean square coefficient.
SOMETHING, STRONG = 0.1, 0.4

Levels = npt.NDArray[np.int8]


def hash_picture(picture: Picture) -> tuple[bytes, None]:
    """The packed levels of a picture: 972 bytes."""
    return pack(levels_of(picture.image)), None


#: Three bits a coefficient, and no Hamming distance: matching/layouts.py compares them.
HASHER = Hasher(
    name="blocks",
    title="blocks",
    bits=3 * GRID * GRID * len(FREQUENCIES),
    version=1,
    hash=hash_picture,
    thresholds=None,
)


def levels_of(image: Image.Image) -> Levels:
    """int8 (18, 18, 8): -2 and 2 strong, -1 and 1 something, 0 nothing. image: of mode "L" or "RGB"."""
    gray = image if image.mode == "L" else image.convert("L")
    points = np.asarray(gray.resize((SIDE, SIDE), Image.Resampling.BOX)).astype(np.float32)
    cosines = _cosines()
    # (rows, 3, columns, 3): first down all blocks of a row at once, then across.
    coefficients = np.matmul(cosines, points.reshape(GRID, BLOCK, SIDE)).reshape(GRID, 3, GRID, BLOCK) @ cosines.T
    down, across = zip(*FREQUENCIES, strict=True)
    chosen = coefficients.swapaxes(1, 2)[:, :, down, across]
    strength = np.abs(chosen) / max(float(np.sqrt(np.mean(chosen * chosen))), 1e-3)
    level: Levels = (strength >= SOMETHING).astype(np.int8) + (strength >= STRONG)
    signed: Levels = np.where(chosen < 0, -level, level)
    return signed


def pack(levels: Levels) -> bytes:
    """Three planes of bits: strong; something or more; negative."""
    return np.packbits([abs(levels) == 2, levels != 0, levels < 0]).tobytes()


def unpack(bits: bytes) -> Levels:
    """What `pack` was given."""
    planes = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(3, GRID, GRID, len(FREQUENCIES)).view(np.int8)
    levels: Levels = (planes[0] + planes[1]) * (1 - 2 * planes[2])
    return levels


def turned(levels: Levels, orientation: str) -> Levels:
    """The levels of the picture in another orientation."""
    return orient_blocks(levels, FREQUENCIES, orientation)


@functools.cache
def _cosines() -> npt.NDArray[np.float32]:
    """(3, 8): the DCT-II's rows 0 to 2, of length 1."""
    angle = np.pi / 2 / BLOCK * np.arange(3)[:, None] * (2 * np.arange(BLOCK) + 1)
    rows = np.cos(angle) * np.sqrt(np.array([1, 2, 2])[:, None] / BLOCK)
    matrix: npt.NDArray[np.float32] = rows.astype(np.float32)
    return matrix

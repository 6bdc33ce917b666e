"""The finest look at a picture: it tells a headline from another one, and a flag from one in other colours.

The blocks (blocks.py) average a picture to 144 × 144 points, at which the letters of a headline are five points wide. Here
it is the same at 288 × 288 points, in 36 × 36 blocks; and beside them the mean colours of 12 × 12 cells, of which blocks
know nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers import blocks
from hashmatch.hashers.base import Hasher, Picture
from hashmatch.hashers.blocks import Levels
from hashmatch.hashers.orientations import turn

SIDE = 288  # points across and down that the picture is averaged to
GRID = SIDE // blocks.BLOCK
CELLS = 12  # cells across and down, of which the mean colour is kept

#: Three levels of five values each are packed in seven bits: a fifth less than in blocks.py.
_LEVELS = GRID * GRID * len(blocks.FREQUENCIES)
_LEVELS_BYTES = _LEVELS // 3 * 7 // 8
_PLACES = np.array([25, 5, 1], np.uint8)
#: Stands for the chroma of a picture of which only brightness was decoded; no colour has it.
_UNKNOWN = 255

Cells = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """A picture's finer blocks and its colours.

    levels: int8 (36, 36, 8), as in blocks.py. cells: uint8 (12, 12, 3), Y, Cb and Cr of JPEG; None if the colours are
    unknown.
    """

    levels: Levels
    cells: Cells | None

    def turned(self, orientation: str) -> Details:
        """Those of the picture in another orientation."""
        cells = None if self.cells is None else turn(self.cells, orientation)
        return Details(blocks.turned(self.levels, orientation), cells)

    def negative(self) -> Details:
        """Those of the negative."""
        return Details(-self.levels, None if self.cells is None else 255 - self.cells)


def hash_picture(picture: Picture) -> tuple[bytes, None]:
    """The packed details of a picture: 3,456 bytes, and no quality."""
    return pack(details_of(picture.image, picture.colours)), None


#: Hamming distance means nothing here; matching/layouts.py compares them.
HASHER = Hasher(
    name="details",
    title="details",
    bits=8 * (_LEVELS_BYTES + 3 * CELLS * CELLS),
    version=1,
    hash=hash_picture,
    thresholds=None,
    shows_picture=True,
)


def details_of(image: Image.Image, colours: Image.Image | None) -> Details:
    """The details of a picture. image: mode "L" or "RGB". colours: the same picture, perhaps smaller, in mode "RGB" or
    "YCbCr"; None if they are unknown."""
    cells = None
    if colours is not None:
        small = colours.resize((CELLS, CELLS), Image.Resampling.BOX)
        cells = np.asarray(small if small.mode == "YCbCr" else small.convert("YCbCr"))
    return Details(blocks.levels_of(image, SIDE), cells)


def pack(details: Details) -> bytes:
    """Details as bytes: the levels, then the colours cell by cell."""
    cells = details.cells if details.cells is not None else np.full((CELLS, CELLS, 3), _UNKNOWN, np.uint8)
    triples = (details.levels + 2).astype(np.uint8).reshape(-1, 3) @ _PLACES
    levels = np.packbits(np.unpackbits(triples[:, None], axis=1)[:, 1:])
    return levels.tobytes() + np.ascontiguousarray(cells).tobytes()


@functools.lru_cache(64)
def unpack(bits: bytes) -> Details:
    """The details that `pack` turned into these bytes."""
    cells = np.frombuffer(bits, np.uint8, offset=_LEVELS_BYTES).reshape(CELLS, CELLS, 3)
    seven = np.unpackbits(np.frombuffer(bits, np.uint8, _LEVELS_BYTES)).reshape(-1, 7)
    triples = np.packbits(np.pad(seven, ((0, 0), (1, 0))), axis=1)
    levels = (triples // _PLACES % 5).astype(np.int8).reshape(GRID, GRID, -1) - 2
    return Details(levels, None if (cells[..., 1:] == _UNKNOWN).all() else cells)

"""The eight orientations of a picture: as it is and mirrored, each in four quarter turns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: What was done to the picture, as matches name it. rotate90 is a quarter turn clockwise.
ORIENTATIONS = ("none", "mirror", "flip", "rotate180", "transpose", "rotate90", "rotate270", "transverse")

#: For each: whether to transpose, and whether odd frequencies across, and odd frequencies down, then change sign.
_STEPS = {
    "none": (False, False, False),
    "mirror": (False, True, False),
    "flip": (False, False, True),
    "rotate180": (False, True, True),
    "transpose": (True, False, False),
    "rotate90": (True, True, False),
    "rotate270": (True, False, True),
    "transverse": (True, True, True),
}

#: The orientation that undoes each.
INVERSE = {name: name for name in ORIENTATIONS} | {"rotate90": "rotate270", "rotate270": "rotate90"}

#: Those that keep width and height: (is upside down, is mirrored) -> orientation.
FLIPS = {(False, False): "none", (False, True): "mirror", (True, False): "flip", (True, True): "rotate180"}

#: For each of these: the same, transposed.
TRANSPOSED = {"none": "transpose", "mirror": "rotate270", "flip": "rotate90", "rotate180": "transverse"}


def turn(pixels: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """The picture in another orientation. pixels: uint8 (height, width, …)."""
    transposed, across, down = _STEPS[name]
    turned = pixels.swapaxes(0, 1) if transposed else pixels
    return turned[:: -1 if down else 1, :: -1 if across else 1]


def orient_blocks(
    values: npt.NDArray[np.int8], frequencies: tuple[tuple[int, int], ...], name: str
) -> npt.NDArray[np.int8]:
    """The DCT coefficients of a grid of blocks, for the picture in another orientation.

    Flipping a block changes the sign of its odd frequencies.

    values: int8 (rows, columns, n) with rows == columns. frequencies: (down, across) of each of the n coefficients; with
    (u, v), (v, u) must be there too.
    """
    transposed, across, down = _STEPS[name]
    if transposed:
        values = values.transpose(1, 0, 2)[:, :, [frequencies.index((v, u)) for u, v in frequencies]]
    if across:
        values = values[:, ::-1] * np.array([-1 if v % 2 else 1 for _u, v in frequencies], np.int8)
    if down:
        values = values[::-1] * np.array([-1 if u % 2 else 1 for u, _v in frequencies], np.int8)
    return values

"""The eight orientations of a picture: as it is and mirrored, each turned by quarters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Names as matches tell them: what was done to the picture. rotate90 is a quarter turn clockwise.
ORIENTATIONS = ("none", "mirror", "flip", "rotate180", "transpose", "rotate90", "rotate270", "transverse")

#: Of each: whether rows and columns change places, and whether odd frequencies across and down then change their signs.
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

#: What undoes each.
INVERSE = {name: name for name in ORIENTATIONS} | {"rotate90": "rotate270", "rotate270": "rotate90"}


#: Of each that is no turn by a quarter, the one that is it transposed.
TRANSPOSED = {"none": "transpose", "mirror": "rotate270", "flip": "rotate90", "rotate180": "transverse"}


def turn(pixels: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """The picture in another orientation. pixels: (height, width, …)."""
    transposed, across, down = _STEPS[name]
    turned = pixels.swapaxes(0, 1) if transposed else pixels
    return turned[:: -1 if down else 1, :: -1 if across else 1]


def orient_blocks(
    values: npt.NDArray[np.int8], frequencies: tuple[tuple[int, int], ...], name: str
) -> npt.NDArray[np.int8]:
    """A grid of blocks that each have a few DCT coefficients, of the picture in another orientation: flipping a block flips
    the signs of its odd frequencies.

    values: (rows, columns, n) with rows == columns. frequencies: of each of n, the frequency downwards and across; with
    (u, v) there must be (v, u).
    """
    transposed, across, down = _STEPS[name]
    if transposed:
        values = values.transpose(1, 0, 2)[:, :, [frequencies.index((v, u)) for u, v in frequencies]]
    if across:
        values = values[:, ::-1] * np.array([-1 if v % 2 else 1 for _u, v in frequencies], np.int8)
    if down:
        values = values[::-1] * np.array([-1 if u % 2 else 1 for u, _v in frequencies], np.int8)
    return values

"""The eight orientations of a picture, and what they do to DCT coefficients.

Mirroring a picture flips the signs of every other frequency, and turning it over its diagonal transposes the frequencies;
so one DCT serves all eight (as PDQ's reference implementation has it: github.com/facebook/ThreatExchange, pdq/README.md).
"""

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


def orient(coefficients: npt.NDArray[np.float32], name: str, first: int = 1) -> npt.NDArray[np.float32]:
    """The DCT coefficients of the picture in another orientation.

    coefficients: (n, n), rows are frequencies downwards. first: the frequency of the first row and column.
    """
    transposed, across, down = _STEPS[name]
    turned = coefficients.T if transposed else coefficients
    signs = np.where((np.arange(len(turned)) + first) % 2, -1, 1).astype(coefficients.dtype)
    if across:
        turned = turned * signs
    if down:
        turned = turned * signs[:, None]
    return turned


def orient_blocks(
    values: npt.NDArray[np.int8], frequencies: tuple[tuple[int, int], ...], name: str
) -> npt.NDArray[np.int8]:
    """The same for a grid of blocks that each have a few DCT coefficients.

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

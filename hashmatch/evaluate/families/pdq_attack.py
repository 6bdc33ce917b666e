"""Noise made against PDQ: the least change that moves as many of its bits as a given error allows.

PDQ's bits tell which of 16 x 16 low frequencies of the picture's brightness lie above their median. The frequencies are
linear in the pixels and nearly orthogonal, so the cheapest attack is known: take those nearest to the median, as many from
above as from below (so that the median stays), and push each to the other side. How many can be pushed within an error is
found by halving. This is what somebody can do who knows PDQ and has the picture, without any search.
"""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers.pdq import dct_matrix, sampling_matrix

_Floats = npt.NDArray[np.float64]
#: How far beyond the median a frequency is pushed, in parts of the frequencies' median absolute value: what rounding and a
#: JPEG take back.
BEYOND = 0.1


def against_pdq(image: Image.Image, random: Random, error: float) -> Image.Image:
    """The picture with the noise; error: root mean square in levels of 255, never more than that."""
    pixels = np.asarray(image, np.float64)
    down, across = (dct_matrix() @ sampling_matrix(side, side) for side in pixels.shape[:2])
    frequencies = down @ (pixels @ (0.299, 0.587, 0.114)) @ across.T
    back = np.linalg.pinv(down), np.linalg.pinv(across)
    moves, order = _crossings(frequencies)
    noise = np.zeros(pixels.shape[:2])
    fewest, most = 0, len(order)
    while fewest < most:
        pushed = (fewest + most + 1) // 2
        chosen = np.zeros(moves.size)
        chosen[order[:pushed].ravel()] = moves[order[:pushed].ravel()]
        tried = back[0] @ chosen.reshape(frequencies.shape) @ back[1].T
        if np.sqrt((tried**2).mean()) <= error:
            fewest, noise = pushed, tried
        else:
            most = pushed - 1
    return Image.fromarray(np.clip(pixels + noise[:, :, None], 0, 255).round().astype(np.uint8))


def _crossings(frequencies: _Floats) -> tuple[_Floats, npt.NDArray[np.intp]]:
    """What brings each frequency to the other side of the median, and which to take: pairs, (N, 2), the cheapest first; one
    of each comes from above, one from below."""
    flat = frequencies.ravel()
    middle = float(np.median(flat))
    above = flat > middle
    beyond = BEYOND * float(np.median(np.abs(flat - middle)))
    moves = middle - flat + np.where(above, -beyond, beyond)
    sides = [np.flatnonzero(side) for side in (above, ~above)]
    cheapest = [side[np.argsort(np.abs(moves[side]), kind="stable")] for side in sides]
    count = min(map(len, cheapest))
    return moves, np.stack([side[:count] for side in cheapest], axis=1)

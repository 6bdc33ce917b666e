"""Pictures rebuilt from what a list says of them, and how like the original they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from leaks import Floats, Leak, points
from PIL import Image

from hashmatch.hashers import blocks, pdq

#: From what a list says to a picture: float32 (side, side).
Rebuild = Callable[[Floats], Floats]


def invert_pdq(bits: Floats) -> Floats:
    """The picture whose DCT coefficients have these signs, and sizes as photographs have: float32 (64, 64)."""
    row, column = np.mgrid[1:17, 1:17]
    coefficients = bits[:256].reshape(16, 16) / np.hypot(row, column)
    cosines = pdq.dct_matrix()
    rebuilt: Floats = (cosines.T @ coefficients @ cosines).astype(np.float32)
    return rebuilt


def invert_blocks(levels: Floats) -> Floats:
    """The picture whose blocks have these levels, without the brightness of each: float32 (144, 144)."""
    size = np.array([0, 0.3, 1.0])
    shaped = levels.reshape(blocks.GRID, blocks.GRID, len(blocks.FREQUENCIES))
    coefficients = np.zeros((blocks.GRID, blocks.GRID, 3, 3))
    down, across = zip(*blocks.FREQUENCIES, strict=True)
    coefficients[:, :, down, across] = np.sign(shaped) * size[np.abs(shaped).astype(int)]
    cosines = blocks._cosines()
    squares = np.einsum("rcuv,uy,vx->rycx", coefficients, cosines, cosines)
    rebuilt: Floats = squares.reshape(blocks.SIDE, blocks.SIDE).astype(np.float32)
    return rebuilt


def learn(leak: Leak, known: Sequence[Image.Image], side: int) -> Rebuild:
    """What pictures with such bits look like, by ridge regression, linear or on Gaussian kernels of the bits.

    The kernel and the strength are those that rebuild a fifth of the pictures best from the others.
    """
    bits = np.array([leak.of(image) for image in known])
    seen = np.array([points(image, side).ravel() for image in known])
    held = np.arange(len(known)) % 5 == 0
    best: tuple[float, float | None, float] = (-1.0, None, 1.0)
    for width in (None, 0.5, 2.0):
        for strength in (0.003, 0.03, 0.3):
            predict = _ridge(bits[~held], seen[~held], width, strength)
            rebuilt = predict(bits[held])
            score = float(np.mean([correlation(x, y) for x, y in zip(rebuilt, seen[held], strict=True)]))
            best = max(best, (score, width, strength), key=lambda each: each[0])
    predict = _ridge(bits, seen, best[1], best[2])
    return lambda x: predict(x[None]).reshape(side, side)


def _ridge(bits: Floats, seen: Floats, width: float | None, strength: float) -> Rebuild:
    mean = seen.mean(axis=0)
    scale = float((bits * bits).sum(axis=1).mean())

    def kernel(one: Floats) -> Floats:
        product = one @ bits.T / scale
        if width is None:
            return product
        own, theirs = (one * one).sum(axis=1)[:, None] / scale, (bits * bits).sum(axis=1) / scale
        found: Floats = np.exp(-(own + theirs - 2 * product) / width)
        return found

    weights = np.linalg.solve(kernel(bits) + strength * np.eye(len(bits)), seen - mean).astype(np.float32)
    return lambda x: kernel(x) @ weights + mean


def correlation(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Pearson's, of all points."""
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


def ssim(one: Floats, other: Floats) -> float:
    """Structural similarity in windows of 8 × 8 points, of pictures brought to one mean and contrast.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    a, b = (((each - each.mean()) / max(float(each.std()), 1e-6) * 50 + 128) for each in (one, other))
    side = one.shape[0] // 8
    first, second = (
        each[: 8 * side, : 8 * side].reshape(side, 8, side, 8).swapaxes(1, 2).reshape(-1, 64) for each in (a, b)
    )
    mean_a, mean_b = first.mean(axis=1), second.mean(axis=1)
    both = (first * second).mean(axis=1) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((light * (2 * both + c2) / (first.var(axis=1) + second.var(axis=1) + c2)).mean())

"""Pictures rebuilt from what a list says of them, and how like the original they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from leaks import Floats

from hashmatch.hashers import blocks, pdq

#: From what a list says to a picture: float32, flat or (side, side).
Rebuild = Callable[[Floats], Floats]


def invert_pdq(bits: Floats) -> Floats:
    """The picture whose DCT coefficients have these signs, and sizes as photographs have: float32 (64, 64)."""
    row, column = np.mgrid[1:17, 1:17]
    coefficients = bits[:256].reshape(16, 16) / np.hypot(row, column)
    rebuilt: Floats = (pdq.dct_matrix().T @ coefficients @ pdq.dct_matrix()).astype(np.float32)
    return rebuilt


def invert_blocks(levels: Floats) -> Floats:
    """The picture whose blocks have these levels, as smooth over their borders as it can be: float32 (144, 144)."""
    grid = blocks.GRID
    shaped = levels.reshape(grid, grid, -1)
    coefficients = np.zeros((grid, grid, 3, 3))
    down, across = zip(*blocks.FREQUENCIES, strict=True)
    coefficients[:, :, down, across] = np.sign(shaped) * np.array([0, 0.3, 1.0])[np.abs(shaped).astype(int)]
    cosines = blocks._cosines()
    squares = np.einsum("rcuv,uy,vx->rcyx", coefficients, cosines, cosines)
    steps = [
        (squares[:, 1:, :, 0] - squares[:, :-1, :, -1]).mean(axis=2).ravel(),
        (squares[1:, :, 0] - squares[:-1, :, -1]).mean(axis=2).ravel(),
    ]
    means = (_from_steps() @ np.concatenate(steps)).reshape(grid, grid, 1, 1)
    rebuilt: Floats = (squares + means).swapaxes(1, 2).reshape(blocks.SIDE, blocks.SIDE).astype(np.float32)
    return rebuilt


@cache
def _from_steps() -> Floats:
    """Which brightness each block must have so that all steps between neighbours vanish, as nearly as they can."""
    number = np.arange(blocks.GRID**2).reshape(blocks.GRID, blocks.GRID)
    one = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    other = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    steps = np.zeros((len(one), number.size))
    steps[np.arange(len(one)), one] = 1
    steps[np.arange(len(one)), other] = -1
    inverse: Floats = np.linalg.pinv(steps).astype(np.float32)
    return inverse


def learn(bits: Floats, seen: Floats) -> Rebuild:
    """What pictures with such bits look like, by ridge regression, linear or on Gaussian kernels of the bits.

    bits: float32 (pictures, n). seen: their points, float32 (pictures, m). The kernel and the strength are those that
    rebuild a fifth of these pictures best from the others.
    """
    held = np.arange(len(bits)) % 5 == 0
    best: tuple[float, float | None, float] = (-1.0, None, 1.0)
    for width in (None, 0.5, 2.0):
        for strength in (0.003, 0.03, 0.3):
            predict = _ridge(bits[~held], seen[~held], width, strength)
            score = np.mean([correlation(predict(x), y) for x, y in zip(bits[held], seen[held], strict=True)])
            best = max(best, (float(score), width, strength), key=lambda each: each[0])
    return _ridge(bits, seen, *best[1:])


def _ridge(bits: Floats, seen: Floats, width: float | None, strength: float) -> Rebuild:
    mean = seen.mean(axis=0)
    scale = float((bits * bits).sum(axis=1).mean())

    def kernel(one: Floats) -> Floats:
        product = one @ bits.T / scale
        if width is None:
            return product
        own, theirs = (one * one).sum(axis=-1, keepdims=True) / scale, (bits * bits).sum(axis=1) / scale
        found: Floats = np.exp(-(own + theirs - 2 * product) / width)
        return found

    weights = np.linalg.solve(kernel(bits) + strength * np.eye(len(bits)), seen - mean).astype(np.float32)
    return lambda x: kernel(x) @ weights + mean


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's, of all points."""
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


def ssim(one: Floats, other: Floats) -> float:
    """Structural similarity in windows of 8 × 8 points, of pictures brought to one mean and contrast.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    side = len(one) // 8
    windows = []
    for each in (one, other):
        even = (each - each.mean()) / max(float(each.std()), 1e-6) * 50 + 128
        windows.append(even[: 8 * side, : 8 * side].reshape(side, 8, side, 8).swapaxes(1, 2).reshape(-1, 64))
    a, b = windows
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    both = (a * b).mean(axis=1) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((light * (2 * both + c2) / (a.var(axis=1) + b.var(axis=1) + c2)).mean())

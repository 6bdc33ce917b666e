"""What a list could say of a picture: the hashes that leave, the blocks that do not, and guards that might.

Each is taken in two forms. Whoever has a picture has exact numbers; a list has them in a few bits. So a reader can try:
which picture has exact numbers that agree with these bits?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers import blocks, dhash, pdq, phash
from hashmatch.hashers.base import Picture

Floats = npt.NDArray[np.float32]
SIDE = 144
#: Parts of a picture whose PDQ a list may also have: the middle, the upper and the lower half, as borders leave them.
PARTS = ((0.1, 0.1, 0.9, 0.9), (0.0, 0.0, 1.0, 0.55), (0.0, 0.45, 1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that a list may say of a picture.

    name: as tables have it. size: bytes in a list. look: a picture's exact numbers, float32 (n,). keep: what a list has of
    them, float32 (m,). differ: how much a picture's numbers contradict what a list has; more is worse.
    """

    name: str
    size: int
    look: Callable[[Image.Image], Floats]
    keep: Callable[[Floats], Floats]
    differ: Callable[[Floats, Floats], float]

    def of(self, image: Image.Image) -> Floats:
        """What a list has of this picture."""
        return self.keep(self.look(image))


def points(image: Image.Image, side: int = SIDE) -> Floats:
    """A picture's brightness averaged to side × side points: float32, 0 to 255."""
    gray = image.convert("L").resize((side, side), Image.Resampling.BOX)
    return np.asarray(gray).astype(np.float32)


def signs(values: Floats) -> Floats:
    """1 where positive, else -1."""
    return np.where(values > 0, 1, -1).astype(np.float32)


def margin(ours: Floats, theirs: Floats) -> float:
    """How far our numbers are on the wrong side of zero, all together."""
    return float(np.maximum(-ours * theirs, 0).sum())


def pdq_numbers(image: Image.Image) -> Floats:
    """The 256 DCT coefficients behind PDQ, less their median, in units of their mean size."""
    luma = np.asarray(image.convert("L")).astype(np.float32)
    samples = pdq._sample_rows(image.width, pdq._sample_rows(image.height, luma).T).T
    coefficients = pdq._coefficients(samples).ravel()
    values = coefficients - np.median(coefficients)
    scaled: Floats = values / max(float(np.abs(values).mean()), 1e-3)
    return scaled


def _views_numbers(image: Image.Image) -> Floats:
    width, height = image.size
    parts = [(left * width, top * height, right * width, bottom * height) for left, top, right, bottom in PARTS]
    return np.concatenate([pdq_numbers(image), *(pdq_numbers(image.crop(part)) for part in parts)])


def _small_hashes(image: Image.Image) -> Floats:
    bits = b"".join(each.hash_picture(Picture(image, image.size))[0] for each in (phash, dhash))
    small = 2.0 * np.unpackbits(np.frombuffer(bits, np.uint8)) - 1
    return np.concatenate([pdq_numbers(image), small.astype(np.float32)])


def _levels(image: Image.Image) -> Floats:
    return blocks.levels_of(image).astype(np.float32).ravel()


# Guards that were tried: at most 64 bytes, to tell two texts on one layout apart.


def fine(image: Image.Image) -> Floats:
    """The detail of a picture: its points less what is blurred by about 3 points, with a root mean square of 1."""
    from scipy.ndimage import gaussian_filter

    values = points(image)
    values = values - gaussian_filter(values, 3)
    scaled: Floats = values / max(float(np.sqrt((values * values).mean())), 1e-3)
    return scaled


@cache
def _patterns(down: int, across: int, count: int) -> Floats:
    """Random patterns for each cell of a grid, smooth over about a point: float32 (cells, count, points of a cell)."""
    from scipy.ndimage import gaussian_filter

    cells = down * across
    noise = np.random.default_rng(0).standard_normal((cells, count, SIDE // down, SIDE // across))
    smooth = gaussian_filter(noise, (0, 0, 1.2, 1.2))
    smooth -= smooth.mean((2, 3), keepdims=True)
    smooth /= np.sqrt((smooth**2).sum((2, 3), keepdims=True))
    patterns: Floats = smooth.reshape(cells, count, -1).astype(np.float32)
    return patterns


def _cells(image: Image.Image, grid: int, count: int) -> Floats:
    side = SIDE // grid
    cells = fine(image).reshape(grid, side, grid, side).swapaxes(1, 2).reshape(grid * grid, side * side, 1)
    numbers: Floats = np.matmul(_patterns(grid, grid, count), cells).ravel()
    return numbers


def _worst_cell(ours: Floats, theirs: Floats, grid: int) -> float:
    wrong = np.clip(-ours * theirs - 0.3, 0, 4)
    return float(wrong.reshape(grid * grid, -1).sum(axis=1).max())


def _bands(image: Image.Image, bands: int, halves: int, count: int) -> Floats:
    """Signs of patterns in bands across the picture, multiplied over the parts of a band, as large as the least of them.

    Multiplied, no part of a line of text can be told right or wrong without the other part.
    """
    values = fine(image).reshape(bands, SIDE // bands, halves, SIDE // halves).swapaxes(1, 2)
    numbers = np.matmul(_patterns(bands, halves, count), values.reshape(bands * halves, -1, 1)) - 0.3
    numbers = numbers.reshape(bands, halves, count)
    product: Floats = (np.sign(numbers).prod(axis=1) * np.abs(numbers).min(axis=1)).ravel()
    return product


def _worst_band(ours: Floats, theirs: Floats, bands: int) -> float:
    wrong = np.clip(-ours * theirs - 0.2, 0, 3)
    return float(wrong.reshape(bands, -1).sum(axis=1).max())


@cache
def _mixture() -> Floats:
    return (np.random.default_rng(1).standard_normal((512, SIDE * SIDE)) / SIDE).astype(np.float32)


def _mixed(image: Image.Image) -> Floats:
    return _mixture() @ fine(image).ravel()


def _energy(image: Image.Image) -> Floats:
    """Which of 16 × 32 cells have more edges than the cells around them."""
    from scipy.ndimage import median_filter

    values = np.abs(fine(image))[:, : SIDE // 32 * 32].reshape(16, SIDE // 16, 32, SIDE // 32).mean((1, 3))
    above: Floats = (values - median_filter(values, 5)).ravel().astype(np.float32)
    return above / max(float(np.abs(above).mean()), 1e-3)


def _profiles(image: Image.Image) -> Floats:
    """Ink of 64 bands across and 64 down, as 16 ranks each: 4 bits each in a list."""
    values = np.abs(fine(image))
    at = np.linspace(0, SIDE, 65).astype(int)
    bands = [np.add.reduceat(values.sum(axis), at[:-1]) for axis in (0, 1)]
    return np.concatenate([np.argsort(np.argsort(each)) / 4 for each in bands]).astype(np.float32)


def _apart(ours: Floats, theirs: Floats) -> float:
    return float(np.abs(ours - theirs).sum())


def _blocks_apart(ours: Floats, theirs: Floats) -> float:
    from hashmatch.matching.layouts import contradiction

    shape = (blocks.GRID, blocks.GRID, len(blocks.FREQUENCIES))
    one, other = (each.astype(np.int8).reshape(shape) for each in (ours, theirs))
    return contradiction(one, other)


def _same(values: Floats) -> Floats:
    return values


PDQ = Leak("PDQ", 32, pdq_numbers, signs, margin)
SMALL = Leak("PDQ, pHash and dHash", 48, _small_hashes, signs, margin)
VIEWS = Leak("PDQ of the whole and of three parts", 128, _views_numbers, signs, margin)
BLOCKS = Leak("blocks", 972, _levels, _same, _blocks_apart)
CELLS = Leak(
    "8 signs for each of 8 × 8 cells", 64, partial(_cells, grid=8, count=8), signs, partial(_worst_cell, grid=8)
)
HALVES = Leak(
    "42 signs for each of 12 bands, left times right",
    63,
    partial(_bands, bands=12, halves=2, count=42),
    signs,
    partial(_worst_band, bands=12),
)
GUARDS = (
    BLOCKS,
    CELLS,
    Leak("4 signs for each of 8 × 8 cells", 32, partial(_cells, grid=8, count=4), signs, partial(_worst_cell, grid=8)),
    Leak(
        "14 signs for each of 6 × 6 cells", 63, partial(_cells, grid=6, count=14), signs, partial(_worst_cell, grid=6)
    ),
    Leak(
        "32 signs for each of 16 bands",
        64,
        partial(_bands, bands=16, halves=1, count=32),
        signs,
        partial(_worst_band, bands=16),
    ),
    HALVES,
    Leak("512 signs of mixtures of all detail", 64, _mixed, signs, margin),
    Leak("edges above the local median, 32 × 16", 64, _energy, signs, margin),
    Leak("ranks of ink by rows and columns", 64, _profiles, np.floor, _apart),
)

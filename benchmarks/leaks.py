"""What a list could say of a picture: the hashes that leave, the blocks that do not, and guards that might.

Each has two forms. Whoever has a picture has exact numbers; a list has them in a few bits. So an attacker can ask which
picture has exact numbers that agree with the bits.
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
from hashmatch.matching.layouts import contradiction

Floats = npt.NDArray[np.float32]
SIDE = blocks.SIDE
#: Parts of a picture whose PDQ our own formats may also carry: the middle, the upper and the lower half.
PARTS = ((0.1, 0.1, 0.9, 0.9), (0.0, 0.0, 1.0, 0.55), (0.0, 0.45, 1.0, 1.0))


def signs(values: Floats) -> Floats:
    """1 where positive, else -1."""
    return np.where(values > 0, 1, -1).astype(np.float32)


def margin(ours: Floats, theirs: Floats) -> float:
    """How far our numbers are on the wrong side of zero, all together."""
    return float(np.clip(-ours * theirs, 0, 4).sum())


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that a list may say of a picture.

    name: as tables have it. size: bytes in a list. look: a picture's exact numbers, float32 (n,). keep: what a list has of
    them. differ: how much a picture's numbers contradict what a list has, as a guard would judge. wrong: the same, all
    together, as an attacker would.
    """

    name: str
    size: int
    look: Callable[[Image.Image], Floats]
    keep: Callable[[Floats], Floats] = signs
    differ: Callable[[Floats, Floats], float] = margin
    wrong: Callable[[Floats, Floats], float] = margin

    def of(self, image: Image.Image) -> Floats:
        """What a list has of this picture."""
        return self.keep(self.look(image))


def points(image: Image.Image, side: int = SIDE) -> Floats:
    """A picture's brightness averaged to side × side points: float32, 0 to 255."""
    return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BOX)).astype(np.float32)


def pdq_numbers(image: Image.Image, rows: int = pdq.FREQUENCIES) -> Floats:
    """The DCT coefficients behind PDQ (or more of them), less their median, in units of their mean size."""
    luma = np.asarray(image.convert("L")).astype(np.float32)
    samples = pdq._sample_rows(image.width, pdq._sample_rows(image.height, luma).T).T
    if rows == pdq.FREQUENCIES:
        coefficients = pdq._coefficients(samples).ravel()
    else:
        angle = np.pi / 2 / pdq.SIDE * np.arange(1, rows + 1)[:, None] * (2 * np.arange(pdq.SIDE) + 1)
        coefficients = (np.cos(angle) @ samples @ np.cos(angle).T).ravel().astype(np.float32)
    values: Floats = coefficients - np.median(coefficients)
    return values / max(float(np.abs(values).mean()), 1e-3)


def _views_numbers(image: Image.Image) -> Floats:
    x, y = image.size
    views = (image, *(image.crop((round(a * x), round(b * y), round(c * x), round(d * y))) for a, b, c, d in PARTS))
    return np.concatenate([pdq_numbers(view) for view in views])


def _small_hashes(image: Image.Image) -> Floats:
    bits = b"".join(each.hash_picture(Picture(image, image.size))[0] for each in (phash, dhash))
    return np.concatenate([pdq_numbers(image), signs(np.unpackbits(np.frombuffer(bits, np.uint8)).astype(np.float32))])


def _levels(image: Image.Image) -> Floats:
    return blocks.levels_of(image).astype(np.float32).ravel()


def _blocks_differ(ours: Floats, theirs: Floats) -> float:
    one, other = (each.astype(np.int8).reshape(blocks.GRID, blocks.GRID, -1) for each in (ours, theirs))
    return contradiction(one, other)


def _apart(ours: Floats, theirs: Floats) -> float:
    return float(np.abs(ours - theirs).sum())


# Guards that were tried: at most 64 bytes, to tell two texts on one layout apart.


def _detail(image: Image.Image) -> Floats:
    """A picture's points less what is blurred by 3 points, with a root mean square of 1."""
    from scipy.ndimage import gaussian_filter

    values = points(image)
    values = values - gaussian_filter(values, 3)
    scaled: Floats = values / max(float(np.sqrt((values * values).mean())), 1e-3)
    return scaled


@cache
def _patterns(down: int, across: int, count: int) -> Floats:
    """Random patterns for each cell of a grid, smooth over about a point: float32 (cells, count, points of a cell)."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).standard_normal((down * across, count, SIDE // down, SIDE // across))
    smooth = gaussian_filter(noise, (0, 0, 1.2, 1.2))
    smooth -= smooth.mean((2, 3), keepdims=True)
    smooth /= np.sqrt((smooth**2).sum((2, 3), keepdims=True))
    return smooth.reshape(down * across, count, -1).astype(np.float32)


def _cells(image: Image.Image, down: int, across: int, count: int) -> Floats:
    cells = _detail(image).reshape(down, SIDE // down, across, SIDE // across).swapaxes(1, 2)
    numbers: Floats = np.matmul(_patterns(down, across, count), cells.reshape(down * across, -1, 1)).ravel()
    return numbers


def _worst(ours: Floats, theirs: Floats, cells: int) -> float:
    """The contradiction in the worst cell; what is close to zero may have either sign."""
    return float(np.clip(-ours * theirs - 0.3, 0, 4).reshape(cells, -1).sum(axis=1).max())


def _bands(image: Image.Image, bands: int, count: int) -> Floats:
    """Signs of patterns in bands across the picture, left half times right half, as large as the smaller one.

    Multiplied, so that no half of a line of text can be tried without the other.
    """
    numbers = _cells(image, bands, 2, count).reshape(bands, 2, count)
    product: Floats = (np.sign(numbers).prod(axis=1) * np.abs(numbers).min(axis=1)).ravel()
    return product


def _edges(image: Image.Image) -> Floats:
    """Which of 16 × 32 cells have more edges than the cells around them."""
    from scipy.ndimage import median_filter

    values = np.abs(_detail(image))[:, : SIDE // 32 * 32].reshape(16, SIDE // 16, 32, SIDE // 32).mean((1, 3))
    above = (values - median_filter(values, 5)).ravel().astype(np.float32)
    scaled: Floats = above / max(float(np.abs(above).mean()), 1e-3)
    return scaled


def _ranks(image: Image.Image) -> Floats:
    """Detail in 64 rows and 64 columns, as ranks of 0 to 15: 4 bits each in a list."""
    at = np.linspace(0, SIDE, 65)[:-1].astype(int)
    lines = [np.add.reduceat(np.abs(_detail(image)).sum(axis), at) for axis in (0, 1)]
    return np.concatenate([np.argsort(np.argsort(each)) / 4 for each in lines]).astype(np.float32)


def _grid(side: int, count: int, size: int) -> Leak:
    name = f"{count} signs for each of {side} × {side} cells"
    return Leak(name, size, partial(_cells, down=side, across=side, count=count), differ=partial(_worst, cells=side**2))


PDQ = Leak("PDQ", 32, pdq_numbers)
SMALL = Leak("PDQ, pHash and dHash", 48, _small_hashes)
VIEWS = Leak("PDQ of the whole and of three parts", 128, _views_numbers)
BLOCKS = Leak("blocks", 972, _levels, np.copy, _blocks_differ, _apart)
BANDS = Leak(
    "32 signs for each of 16 bands",
    64,
    partial(_cells, down=16, across=1, count=32),
    differ=partial(_worst, cells=16),
)
PRODUCTS = Leak(
    "42 signs for each of 12 bands, left × right",
    63,
    partial(_bands, bands=12, count=42),
    differ=partial(_worst, cells=12),
)
GUARDS = (
    BANDS,
    _grid(8, 8, 64),
    _grid(6, 14, 63),
    _grid(8, 4, 32),
    PRODUCTS,
    Leak("512 signs for the whole picture", 64, partial(_cells, down=1, across=1, count=512)),
    Leak("PDQ with 22 × 22 frequencies", 61, partial(pdq_numbers, rows=22)),
    Leak("edges in 16 × 32 cells, above their surroundings", 64, _edges),
    Leak("ranks of detail in rows and columns", 64, _ranks, np.floor, _apart, _apart),
)

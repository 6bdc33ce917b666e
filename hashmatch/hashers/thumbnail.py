"""The thumbnails that pHash and dHash are made from: Pillow's LANCZOS resize, as two matrix products.

Pillow's own resize takes longer than all of PDQ. We use the same weights, rounded to 22-bit fixed point as it does, and
round between the passes as it does (github.com/python-pillow/Pillow, src/libImaging/Resample.c). Sums of 8-bit pixels times
22-bit weights are exact in double precision, so the pixels come out the same.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.hashers.base import Picture

SUPPORT = 3  # lobes of the Lanczos kernel
PRECISION = 1 << 22  # of Pillow's weights

#: Pillow 13 resizes narrow or tall pictures down first and across second, which earlier versions never did. Pillow itself
#: resizes pictures narrower than this, or taller than this many times their width.
NARROWEST = 128
TALLEST = 1.5


def thumbnail(picture: Picture, width: int, height: int) -> Image.Image:
    """The brightness of a picture at width × height: mode "L", equal to `Image.resize` with LANCZOS."""
    image = picture.image if picture.image.mode == "L" else picture.image.convert("L")
    if picture.exact or image.width < NARROWEST or image.height > TALLEST * image.width:
        return image.resize((width, height), Image.Resampling.LANCZOS)
    across = _rounded(picture.luma.astype(np.float64) @ lanczos_matrix(image.width, width).T)
    down = _rounded(lanczos_matrix(image.height, height) @ across)
    return Image.fromarray(down.astype(np.uint8))


@functools.lru_cache(maxsize=256)
def lanczos_matrix(length: int, size: int) -> npt.NDArray[np.float64]:
    """The weights by which `length` pixels become `size`: float64 (size, length)."""
    scale = length / size
    stretch = max(scale, 1.0)
    centre = (np.arange(size)[:, None] + 0.5) * scale
    first = np.maximum((centre - SUPPORT * stretch + 0.5).astype(np.intp), 0)
    last = np.minimum((centre + SUPPORT * stretch + 0.5).astype(np.intp), length)
    pixel = first + np.arange(int((last - first).max()))
    x = (pixel - centre + 0.5) / stretch
    weights = np.where((np.abs(x) < SUPPORT) & (pixel < last), np.sinc(x) * np.sinc(x / SUPPORT), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    weights = np.trunc(weights * PRECISION + np.copysign(0.5, weights)) / PRECISION
    place = np.arange(size)[:, None] * length + np.minimum(pixel, length - 1)
    matrix: npt.NDArray[np.float64] = np.bincount(place.ravel(), weights.ravel(), size * length).astype(np.float64)
    return matrix.reshape(size, length)


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Pixels as Pillow stores them after each pass: whole numbers from 0 to 255."""
    pixels: npt.NDArray[np.float64] = np.clip(np.floor(values + 0.5), 0, 255)
    return pixels

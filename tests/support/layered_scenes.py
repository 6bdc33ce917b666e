"""Pictures with shapes of all sizes, and how Pillow turns them."""

from __future__ import annotations

import numpy as np
from PIL import Image

T = Image.Transpose
#: Pillow's operation for each orientation. Its ROTATE_90 is counter-clockwise.
BY_PILLOW = {
    "mirror": T.FLIP_LEFT_RIGHT,
    "flip": T.FLIP_TOP_BOTTOM,
    "rotate180": T.ROTATE_180,
    "transpose": T.TRANSPOSE,
    "rotate90": T.ROTATE_270,
    "rotate270": T.ROTATE_90,
    "transverse": T.TRANSVERSE,
}


def layered_scene(seed: int, size: tuple[int, int] = (576, 320)) -> Image.Image:
    """A grey picture with shapes of all sizes, as photographs have."""
    chance, total = np.random.default_rng(seed), np.zeros(size[::-1])
    for cells in (3, 6, 12, 24, 48):
        noise = chance.integers(0, 256, (cells, cells), np.uint8)
        total += np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC), float) * cells**-0.5
    return Image.fromarray((255 * (total - total.min()) / np.ptp(total)).astype(np.uint8))

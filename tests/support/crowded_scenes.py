"""Pictures with corners everywhere, where local features are found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Luma = npt.NDArray[np.uint8]


def crowded_scene(seed: int, width: int = 480, height: int = 360) -> Luma:
    """Overlapping shapes and words in many greys, with some grain: a picture with corners everywhere."""
    chance = np.random.default_rng(seed)
    image = Image.new("L", (width, height), int(chance.integers(60, 200)))
    pencil = ImageDraw.Draw(image)
    for _ in range(90):
        x, y = chance.integers(-20, width), chance.integers(-20, height)
        wide, high = chance.integers(8, 90, 2)
        grey = int(chance.integers(0, 256))
        [pencil.rectangle, pencil.ellipse][int(chance.integers(2))]((x, y, x + wide, y + high), fill=grey)
        pencil.text(
            (int(x), int(y)), str(chance.integers(1000)), fill=255 - grey, font_size=int(chance.integers(12, 40))
        )
    grain = chance.normal(0, 4, (height, width))
    return np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)

"""Made-up pictures with detail at all scales, as photographs have."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

from PIL import Image

from hashmatch.evaluate.scenes import scene


def picture(seed: object = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    return scene(size, Random(f"{seed}"))


def opened(data: bytes) -> Image.Image:
    """The picture in a file's bytes, as RGB."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def folder_of(path: Path, count: int, size: tuple[int, int] = (160, 120)) -> Path:
    """Fill a folder with different pictures: 0.png, 1.png and so on."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture(number, size).save(path / f"{number}.png")
    return path

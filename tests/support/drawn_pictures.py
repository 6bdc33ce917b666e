"""Small pictures and films, drawn here: detailed enough for good hashes, and far from each other."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from PIL import Image


def draw(seed: object, size: tuple[int, int] = (192, 144)) -> Image.Image:
    """A picture of soft coloured patches: detailed enough for a good hash, and far from the picture of any other seed."""
    patches = Image.frombytes("RGB", (24, 18), random.Random(str(seed)).randbytes(24 * 18 * 3))
    return patches.resize(size, Image.Resampling.BICUBIC)


def picture(path: Path, seed: object, quality: int = 90) -> Path:
    """Save a picture, in the format that the name says. Returns the path."""
    draw(seed).save(path, quality=quality)
    return path


def animation(path: Path, seeds: Iterable[object], size: tuple[int, int] = (192, 144)) -> Path:
    """Save a film that shows one picture per second, as animated WebP. Returns the path."""
    first, *others = (draw(seed, size) for seed in seeds)
    first.save(path, save_all=True, append_images=others, duration=1000, quality=80)
    return path

"""Small pictures and films, drawn here: detailed enough for good hashes, and far from each other."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from PIL import Image


def draw(seed: object, size: tuple[int, int] = (192, 144)) -> Image.Image:
    """A picture of soft coloured patches: detailed enough for a good hash, and far from that of any other seed."""
    patches = Image.frombytes("RGB", (24, 18), random.Random(str(seed)).randbytes(24 * 18 * 3))
    return patches.resize(size, Image.Resampling.BICUBIC)


def picture(path: Path, seed: object, quality: int = 90) -> Path:
    """A picture in a file: a JPEG, or what the name says."""
    draw(seed).save(path, quality=quality)
    return path


def animation(path: Path, seeds: Iterable[object], size: tuple[int, int] = (192, 144)) -> Path:
    """A film that shows a picture a second, as animated WebP."""
    first, *others = (draw(seed, size) for seed in seeds)
    first.save(path, save_all=True, append_images=others, duration=1000, quality=80)
    return path

"""Made-up pictures for PDQ: some whose bits rounding or ties decide, and sizes at which its filters change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from PIL import Image, ImageDraw

Pixels = npt.NDArray[np.uint8]

KINDS = ("flat", "gradient", "halves", "noise", "smooth noise", "text", "stripes", "checks", "one dot", "symmetric")


def draw(kind: str, width: int, height: int, seed: int) -> Pixels:
    """A picture of one of KINDS: uint8 (height, width, 3)."""
    chance = np.random.default_rng(seed)
    colours = chance.integers(0, 256, (2, 3), np.uint8)
    if seed % 3 == 0:
        colours = np.array([(0, 0, 0), (255, 255, 255)], np.uint8)
    y, x = np.mgrid[:height, :width]
    if kind in ("noise", "symmetric"):
        pixels = chance.integers(0, 256, (height, width, 3), np.uint8)
        if kind == "symmetric":
            pixels = np.where((y < height / 2)[:, :, None], pixels, pixels[::-1])
            pixels = np.where((x < width / 2)[:, :, None], pixels, pixels[:, ::-1])
        return pixels
    if kind == "smooth noise":
        small = Image.fromarray(chance.integers(0, 256, (9, 11, 3), np.uint8))
        return np.array(small.resize((width, height), Image.Resampling.BICUBIC))
    if kind == "text":
        page = Image.new("RGB", (width, height), tuple(map(int, colours[1])))
        words = "".join(chr(c) for c in chance.integers(33, 127, 40))
        for line in range(height // 12 + 1):
            ImageDraw.Draw(page).text((2, line * 12), words[line % 30 :], fill=tuple(map(int, colours[0])))
        return np.array(page)
    shares = {
        "flat": np.zeros((height, width)),
        "gradient": (x / width + y / height * (seed % 2)) / 2,
        "halves": (x * 2 < width) if seed % 2 else (y * 2 < height),
        "stripes": ((x + y * (seed % 2)) // (seed % 7 + 1)) % 2,
        "checks": ((x // (seed % 5 + 1)) + (y // (seed % 5 + 1))) % 2,
        "one dot": (x == seed % width) & (y == seed % height),
    }[kind]
    mixed = colours[0] + np.asarray(shares, np.float64)[:, :, None] * (colours[1].astype(np.float64) - colours[0])
    return mixed.astype(np.uint8)


def pictures(smallest: int, largest: int) -> st.SearchStrategy[Pixels]:
    """Pictures with sides of `smallest` to `largest` pixels; often 64×64, and often far from square."""
    edges = [side for side in (5, 63, 64, 65, 127, 128, 129, 256, 257) if smallest <= side <= largest]
    side = st.integers(smallest, largest) | st.sampled_from(edges)
    extremes = [(64, 64), (smallest, largest), (largest, smallest)]
    sizes = st.tuples(side, side) | st.sampled_from([size for size in extremes if max(size) <= largest])
    return st.builds(
        lambda kind, size, seed: draw(kind, *size, seed), st.sampled_from(KINDS), sizes, st.integers(0, 2**20)
    )

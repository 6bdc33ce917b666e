"""Made-up flags: one layout in many colours, flat or in the wind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from hashmatch.evaluate.scenes import Colour

COLOURS: tuple[Colour, ...] = (
    (200, 20, 40), (0, 60, 150), (250, 250, 250), (10, 10, 10), (0, 130, 70), (250, 205, 0), (245, 130, 20), (110, 190, 230),
    (110, 20, 110),
)  # fmt: skip
STRIPES, COLUMNS, CROSS, TRIANGLE, CANTON = range(5)


def flag(size: tuple[int, int], layout: Random, colours: Sequence[Colour]) -> Image.Image:
    """A flag in these colours, of which there are five or more."""
    kind, waving, sign = layout.randrange(5), layout.random() < 0.5, layout.random() < 0.5
    count, points, phase = layout.choice((2, 3, 3, 5)), layout.randint(3, 9), layout.uniform(0, 6)
    sheet = Image.new("RGB", size, colours[0])
    _cloth(ImageDraw.Draw(sheet), size, kind, count, colours)
    if sign:
        x, y, r = size[0] / 2, size[1] / 2, min(size) * 0.17
        draw = ImageDraw.Draw(sheet)
        draw.ellipse((x - r, y - r, x + r, y + r), outline=colours[4], width=max(1, round(r / 8)))
        draw.regular_polygon((x, y, r * 0.7), points, fill=colours[4])
    return _in_the_wind(sheet, phase) if waving else sheet


def _cloth(draw: ImageDraw.ImageDraw, size: tuple[int, int], kind: int, count: int, colours: Sequence[Colour]) -> None:
    width, height = size
    if kind == COLUMNS:
        for number in range(count):
            draw.rectangle((width * number / count, 0, width * (number + 1) / count, height), colours[number % 3])
        return
    if kind == CROSS:
        draw.rectangle((width * 0.3, 0, width * 0.42, height), colours[1])
        draw.rectangle((0, height * 0.42, width, height * 0.58), colours[1])
        return
    for number in range(count):
        draw.rectangle((0, height * number / count, width, height * (number + 1) / count), colours[number % 3])
    if kind == TRIANGLE:
        draw.polygon(((0, 0), (width * 0.42, height / 2), (0, height)), colours[3])
    elif kind == CANTON:
        draw.rectangle((0, 0, width * 0.42, height * 0.52), colours[3])


def _in_the_wind(sheet: Image.Image, phase: float) -> Image.Image:
    """Folds: bright and dark slanting waves."""
    y, x = np.mgrid[0 : sheet.height, 0 : sheet.width].astype(np.float32)
    along = (x * 3.1 + y * 0.9) / max(sheet.size) * 2 * math.pi
    light = 1 + 0.25 * np.sin(along + phase) + 0.12 * np.sin(2.3 * along + 1)
    return Image.fromarray(np.clip(np.asarray(sheet, np.float32) * light[:, :, None], 0, 255).astype(np.uint8))

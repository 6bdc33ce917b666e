"""Made-up material for edits and templates: busy photo-like scenes, colours and words. All of it comes from a seed."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_TEXT = (
    "the of and to in is for on with as at by from this that it an be are was will all new see now day time "
    "people message watch share breaking today official channel news video part one join link live update never "
    "forget we our they truth voice street city morning victory brothers road fire light winter history world "
    "stand together statement report number release special episode exclusive photo follow subscribe tonight "
    "market water family"
)
_WORDS = _TEXT.split()


def colour(random: Random, low: int = 0, high: int = 255) -> Colour:
    """Any colour whose three values are from low to high."""
    return random.randint(low, high), random.randint(low, high), random.randint(low, high)


def words(random: Random, count: int) -> str:
    """A few words of no meaning."""
    return " ".join(random.choices(_WORDS, k=count))


def lines(random: Random, count: int, shortest: int = 3, longest: int = 6) -> str:
    """Several lines of words."""
    return "\n".join(words(random, random.randint(shortest, longest)) for _ in range(count))


def font(size: float) -> Font:
    """Pillow's own font, so that none need be installed. It has Latin letters only."""
    return ImageFont.load_default(size=max(8.0, size))


def generator(random: Random) -> np.random.Generator:
    """numpy's generator of random numbers, started from Python's."""
    return np.random.default_rng(random.getrandbits(64))


class Chance(Random):
    """A source of randomness that has some pictures to put beside others; without any, scenes are made up."""

    pictures: tuple[Image.Image, ...] = ()


def another(size: tuple[int, int], random: Random) -> Image.Image:
    """Another picture of this size: one that chance has, cut to the shape, or a scene."""
    pictures = random.pictures if isinstance(random, Chance) else ()
    if not pictures:
        return scene(size, random)
    return ImageOps.fit(random.choice(pictures), size, Image.Resampling.BICUBIC)


def scene(size: tuple[int, int], random: Random) -> Image.Image:
    """A busy picture with detail of all scales, as photos have it: a sky, a ground, and things before them.

    size: width, height in pixels. The spectrum falls with frequency as in natural images (Field, 1987, "Relations
    between the statistics of natural images and the response properties of cortical cells").
    """
    width, height = size
    sky, ground = (np.array(_muted(random), np.float32) for _ in range(2))
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    horizon = np.clip((down - random.uniform(0.3, 0.7)) * 8 + 0.5, 0, 1)
    behind = sky * (1 - horizon) * (1 - 0.3 * down) + ground * horizon
    picture = _pixels(np.broadcast_to(behind, (height, width, 3)) + _clouds(size, random, 40))
    draw = ImageDraw.Draw(picture)
    for number in range(random.randint(25, 50)):
        far = number / 50  # what is painted later stands nearer: larger and lower
        x, y = random.uniform(0, width), height * random.uniform(0.3 + 0.4 * far, 0.7 + 0.4 * far)
        w, h = width * random.uniform(0.01, 0.05 + 0.15 * far), height * random.uniform(0.02, 0.1 + 0.25 * far)
        shape = random.choice((draw.rectangle, draw.ellipse))
        shape((x - w / 2, y - h / 2, x + w / 2, y + h / 2), fill=_muted(random))
    return _pixels(np.asarray(picture, np.float32) + _clouds(size, random, 14))


def _muted(random: Random) -> Colour:
    """A colour as outdoors: any brightness, little saturation."""
    value = random.randint(30, 225)
    red, green, blue = (min(255, max(0, value + random.randint(-35, 35))) for _ in range(3))
    return red, green, blue


def _clouds(size: tuple[int, int], random: Random, deviation: float) -> NDArray[np.float32]:
    """Noise of all scales, shape (height, width, 1), of a standard deviation in levels of 255."""
    width, height = max(2, size[0] // 2), max(2, size[1] // 2)  # the finest is two pixels wide
    noise = generator(random)
    total = np.zeros((height, width), np.float32)
    cells, weight = 4, 1.0
    while cells <= 256:
        grid = noise.integers(0, 256, (cells, max(2, round(cells * width / height))), np.uint8)
        total += weight * _resized(grid, (width, height))
        cells, weight = cells * 2, weight * 0.55
    total = (total - total.mean()) * (deviation / max(1.0, float(total.std())))
    return _resized(total, size)[:, :, None]


def _resized(values: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR), np.float32)


def _pixels(values: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def text_block(
    size: tuple[int, int],
    text: str,
    ink: Colour,
    paper: Colour,
    share: float = 0.9,
) -> Image.Image:
    """Text in the middle of a plain sheet, as large as fits into `share` of it."""
    sheet = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(sheet)
    place_text(draw, (size[0] / 2, size[1] / 2), text, (size[0] * share, size[1] * share), ink)
    return sheet


def place_text(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    text: str,
    room: tuple[float, float],
    ink: Colour,
    outline: Colour | None = None,
) -> None:
    """Write text around a point, in the largest font with which it fits into a room (width, height in pixels)."""
    tall = room[1] / (1.25 * (text.count("\n") + 1))
    left, _top, right, _bottom = draw.multiline_textbbox((0, 0), text, font=font(tall))
    fitted = font(min(tall, tall * room[0] / max(1.0, right - left)))
    edge = max(1, round(tall / 14)) if outline is not None else 0
    draw.multiline_text(
        centre, text, fill=ink, font=fitted, anchor="mm", align="center", stroke_width=edge, stroke_fill=outline
    )

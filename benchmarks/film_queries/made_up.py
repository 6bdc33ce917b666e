"""Films that show nothing of anybody: black, bars, titles, countdowns, noise. Generators of frames, 25 a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from film_queries.footage import Frame
from hashmatch.evaluate.scenes import font, lines, place_text, scene, text_block

SIZE = 480, 270
PER_SECOND = 25

#: 75 % colours of SMPTE's test picture (EG 1-1990), from the left.
_TOP = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
_BELOW = ((0, 0, 191), (19, 19, 19), (191, 0, 191), (19, 19, 19), (0, 191, 191), (19, 19, 19), (191, 191, 191))
_LAST = ((0, 33, 76), (255, 255, 255), (50, 0, 106), (19, 19, 19), (9, 9, 9), (29, 29, 29), (19, 19, 19))


def still(picture: Image.Image, seconds: float) -> Iterator[Frame]:
    shown = np.asarray(picture.convert("RGB"))
    for _number in range(round(seconds * PER_SECOND)):
        yield shown


def black(random: Random, seconds: float = 8) -> Iterator[Frame]:
    yield from still(Image.new("RGB", SIZE), seconds)


def bars(random: Random, seconds: float = 8) -> Iterator[Frame]:
    """Like SMPTE's colour bars."""
    picture = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(picture)
    width, height = SIZE
    edges = (0.0, 0.67, 0.75, 1.0)
    for row, colours in enumerate((_TOP, _BELOW, _LAST)):
        for number, colour in enumerate(colours):
            left, right = (round(width * (number + step) / 7) for step in (0, 1))
            draw.rectangle((left, height * edges[row], right, height * edges[row + 1]), colour)
    yield from still(picture, seconds)


def title(random: Random, seconds: float = 8) -> Iterator[Frame]:
    """White letters on black that fade in and out."""
    picture = np.asarray(text_block(SIZE, lines(random, 3), (255, 255, 255), (0, 0, 0), 0.7), np.float32)
    count = round(seconds * PER_SECOND)
    for number in range(count):
        yield (picture * min(1.0, number / 20, (count - number) / 20)).astype(np.uint8)


def credits(random: Random, seconds: float = 15) -> Iterator[Frame]:
    """Lines that run upwards."""
    width, height = SIZE
    tall = height * 4
    sheet = Image.new("RGB", (width, tall))
    place_text(
        ImageDraw.Draw(sheet), (width / 2, tall / 2), lines(random, 30, 2, 4), (width * 0.7, tall * 0.8), (230,) * 3
    )
    pixels = np.asarray(sheet)
    count = round(seconds * PER_SECOND)
    for number in range(count):
        top = round((tall - height) * number / count)
        yield pixels[top : top + height]


def countdown(random: Random, seconds: float = 8) -> Iterator[Frame]:
    """Film leader: a digit a second in two rings, a hand going round."""
    width, height = SIZE
    for number in range(round(seconds * PER_SECOND)):
        left, turn = divmod(number, PER_SECOND)
        picture = Image.new("RGB", SIZE, (150, 145, 135))
        draw = ImageDraw.Draw(picture)
        box = width / 2 - height * 0.6, -height * 0.1, width / 2 + height * 0.6, height * 1.1
        draw.pieslice(box, -90, -90 + 360 * turn / PER_SECOND, (110, 105, 95))
        for radius in (0.42, 0.37):
            ring = tuple(centre + side * radius * height for side in (-1, 1) for centre in (width / 2, height / 2))
            draw.ellipse(ring, outline=(240, 240, 235), width=3)
        draw.line((0, height / 2, width, height / 2), (40, 40, 40), 2)
        draw.line((width / 2, 0, width / 2, height), (40, 40, 40), 2)
        draw.text((width / 2, height / 2), str(max(1, 8 - left)), (20, 20, 20), font(height * 0.6), anchor="mm")
        yield np.asarray(picture)


def noise(random: Random, seconds: float = 8) -> Iterator[Frame]:
    """The snow of a set without a signal."""
    generator = np.random.default_rng(random.getrandbits(32))
    for _number in range(round(seconds * PER_SECOND)):
        grey = generator.integers(0, 256, (SIZE[1] // 2, SIZE[0] // 2, 1), np.uint8)
        yield np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:2], 3)))


def slides(random: Random, seconds: float = 24) -> Iterator[Frame]:
    """A talk: pages of text on white, four seconds each."""
    for _page in range(round(seconds / 4)):
        yield from still(text_block(SIZE, lines(random, 6), (20, 20, 20), (250, 250, 250)), 4)


def flight(random: Random, seconds: float = 20) -> Iterator[Frame]:
    """A camera that moves over made-up scenery, with cuts: busy frames that nobody has."""
    for _shot in range(round(seconds / 4)):
        wide = scene((SIZE[0] * 2, SIZE[1] * 2), random)
        x, y, across, down = (
            random.uniform(0, 0.5),
            random.uniform(0, 0.5),
            random.uniform(0, 0.5),
            random.uniform(0, 0.5),
        )
        for number in range(4 * PER_SECOND):
            part = number / (4 * PER_SECOND)
            left = round(wide.width * (x + (across - x) * part))
            top = round(wide.height * (y + (down - y) * part))
            yield np.asarray(wide.crop((left, top, left + SIZE[0], top + SIZE[1])))


MADE_UP: dict[str, Callable[[Random], Iterator[Frame]]] = {
    "black": black,
    "bars": bars,
    "title": title,
    "credits": credits,
    "countdown": countdown,
    "noise": noise,
    "slides": slides,
    "flight": flight,
}
#: What many films have in common before they begin.
LEADER = ("bars", "countdown", "black")

"""Made-up cards whose headline is known: one layout, and any headline on it. All of it comes from a number."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont, ImageOps

from hashmatch.evaluate.scenes import Colour, Font, colour, font, scene, words

SIZE = 576, 432
#: Height of the letters, in parts of the card's height, and how many words fit.
HEADLINES = ((0.07, 3), (0.12, 2), (0.22, 1))
OTHER_FACE = "DejaVuSerif-Bold.ttf"


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A card: its picture without the headline, where the headline stands (left, top, right, bottom), and what it says.

    face: "" for Pillow's own font, else a file. count: how many words fit.
    """

    sheet: Image.Image
    box: tuple[int, int, int, int]
    ink: Colour
    headline: str
    count: int
    face: str = ""

    def saying(self, text: str) -> Image.Image:
        """The card with this headline, as large as its place allows."""
        left, top, right, bottom = self.box
        image = self.sheet.copy()
        draw = ImageDraw.Draw(image)
        size = 0.8 * (bottom - top)
        size *= min(1.0, (right - left) / max(1.0, draw.textlength(text, _font(self.face, size))))
        draw.text((left, (top + bottom) / 2), text, self.ink, _font(self.face, size), anchor="lm")
        return image


def made(number: int) -> Card:
    """A card of one of three kinds: on a picture under a veil, on plain paper, on a strip over a picture."""
    random = Random(f"card to read {number}")
    (height, count), width = HEADLINES[number // 3 % 3], random.uniform(0.75, 0.92)
    middle, high = (random.uniform(0.4, 0.75) if number % 3 < 2 else 0.8), height / 0.8
    x, y = SIZE
    box = (
        round(x * (1 - width) / 2),
        round(y * (middle - high / 2)),
        round(x * (1 + width) / 2),
        round(y * (middle + high / 2)),
    )
    sheet, ink = scene(SIZE, random), (255, 255, 255)
    if number % 3 == 0:
        sheet = Image.blend(sheet, Image.new("RGB", SIZE, colour(random, 0, 50)), random.uniform(0.35, 0.6))
    elif number % 3 == 1:
        sheet, ink = Image.new("RGB", SIZE, colour(random, 200, 255)), (20, 20, 30)
        ImageDraw.Draw(sheet).rectangle((12, 12, x - 12, y - 12), outline=colour(random, 100, 160), width=3)
    else:
        ImageDraw.Draw(sheet).rectangle((0, box[1] - 8, x, box[3] + 8), colour(random, 0, 90))
    draw = ImageDraw.Draw(sheet)
    middle_of_emblem, side = x * random.choice((0.15, 0.5, 0.85)), y * 0.09
    draw.regular_polygon((middle_of_emblem, y * 0.14, side), random.randint(3, 9), fill=colour(random))
    return Card(sheet, box, ink, words(random, count).upper(), count)


def film_frame(card: Card, number: int) -> Image.Image:
    """The card's headline over another picture, as over a film that goes on."""
    return replace(card, sheet=scene(SIZE, Random(f"film {card.headline} {number}"))).saying(card.headline)


def passed_on(image: Image.Image, width: int, quality: int) -> Image.Image:
    """A picture as somebody else has it: smaller, and compressed again."""
    out = io.BytesIO()
    ImageOps.contain(image, (width, width)).save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def has_other_face() -> bool:
    """Whether a second font is installed."""
    try:
        ImageFont.truetype(OTHER_FACE)
    except OSError:
        return False
    return True


@lru_cache(maxsize=256)
def _font(face: str, size: float) -> Font:
    return ImageFont.truetype(face, max(8.0, size)) if face else font(size)

"""Made-up cards whose words are known: one layout, and any headline on it. Layout and words come from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from hashmatch.evaluate.scenes import Colour, Font, colour, scene, words

_FONTS = Path("/usr/share/fonts/truetype/dejavu")
#: Where DejaVu is installed, its faces; Pillow's own font in any case.
FACES = ("", "DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansCondensed-Bold.ttf", "DejaVuSans.ttf")
ARABIC_FACES = ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf")
# fmt: off
_ARABIC = (
    "اليوم", "خبر", "جديد", "من", "المدينة", "السوق", "الماء", "النور", "الشارع", "الصباح", "الأهل",
    "الطريق", "العالم", "تقرير", "رقم", "خاص", "بيان", "الشتاء", "التاريخ", "صورة", "فيديو", "قناة",
    "رسمية", "انتظروا", "قريبا", "الجزء", "الأول", "الثاني", "الثالث", "مشاهدة", "العائلة", "الأسبوع",
    "الليل", "معا", "كلمة", "صوت", "النصر", "الحياة", "البحر", "الجبل", "الكتاب", "المدرسة", "الطعام",
)
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A card without its headline.

    sheet: the picture under the headline, RGB. box: (left, top, right, bottom) of the headline in pixels. face: file of the
    font; "" for Pillow's own. rows: lines of the headline. is_arabic: its script.
    """

    sheet: Image.Image
    box: tuple[int, int, int, int]
    face: str
    ink: Colour
    rows: int
    is_arabic: bool

    def with_headline(self, text: str) -> Image.Image:
        """The card with this headline, as large as the box allows; its lines are separated by line ends."""
        image = self.sheet.copy()
        left, top, right, bottom = self.box
        draw = ImageDraw.Draw(image)
        lines = text.split("\n")
        height = (bottom - top) / len(lines)
        for number, line in enumerate(lines):
            face = _face(self.face, height * 0.8)
            across = draw.textlength(line, face) or 1
            if across > right - left:
                face = _face(self.face, height * 0.8 * (right - left) / across)
            draw.text(((left + right) / 2, top + height * (number + 0.5)), line, self.ink, face, anchor="mm")
        return image


def has_arabic() -> bool:
    """Whether a font with Arabic letters, and what joins them, are installed."""
    from PIL import features

    return bool(features.check("raqm")) and all((_FONTS / face).is_file() for face in ARABIC_FACES)


def another_face(face: str) -> str:
    """Another font that is installed; the same one if there is none."""
    return next((each for each in FACES if each not in ("", face) and (_FONTS / each).is_file()), "")


def layout(seed: object, size: tuple[int, int] | None = None, height: float | None = None) -> Layout:
    """A layout of one of three kinds: a poster on a picture, a plain card, a studio with a strip at the bottom.

    size: width, height in pixels; by the seed if not given. height: of the headline's letters, in parts of the card's
    height.
    """
    random = Random(f"layout/{seed}")
    size = size or random.choice(((800, 1120), (900, 900), (1280, 720), (1080, 720)))
    arabic = random.random() < 0.35 and has_arabic()
    face = random.choice(ARABIC_FACES if arabic else FACES)
    paint: Callable[[Random, tuple[int, int]], tuple[Image.Image, float, Colour]]
    paint = random.choice((_poster, _plain, _studio))
    sheet, middle, ink = paint(random, size)
    rows = 1 if paint is _studio else random.randint(1, 3)
    high = (height or (random.uniform(0.05, 0.08) if paint is _studio else random.uniform(0.07, 0.14))) / 0.8
    width = random.uniform(0.7, 0.92)
    box = (
        round(size[0] * (1 - width) / 2),
        round(size[1] * (middle - high * rows / 2)),
        round(size[0] * (1 + width) / 2),
        round(size[1] * (middle + high * rows / 2)),
    )
    if face and not (_FONTS / face).is_file():
        face = ""
    return Layout(sheet, box, face, ink, rows, arabic)


def headline(layout: Layout, seed: object) -> str:
    """Words for a layout, in its script, as many lines as it has."""
    random = Random(f"headline/{seed}")
    if layout.is_arabic:
        return "\n".join(" ".join(random.choices(_ARABIC, k=random.randint(2, 4))) for _row in range(layout.rows))
    return "\n".join(words(random, random.randint(2, 4)).upper() for _row in range(layout.rows))


def _poster(random: Random, size: tuple[int, int]) -> tuple[Image.Image, float, Colour]:
    sheet = Image.blend(scene(size, random), Image.new("RGB", size, colour(random, 0, 50)), random.uniform(0.3, 0.6))
    _furniture(ImageDraw.Draw(sheet), random, size)
    return sheet, random.uniform(0.55, 0.75), random.choice(((255, 255, 255), (255, 214, 90)))


def _plain(random: Random, size: tuple[int, int]) -> tuple[Image.Image, float, Colour]:
    dark = random.random() < 0.5
    sheet = Image.new("RGB", size, colour(random, 0, 60) if dark else colour(random, 200, 255))
    draw = ImageDraw.Draw(sheet)
    _furniture(draw, random, size)
    edge = round(min(size) * 0.03)
    draw.rectangle((edge, edge, size[0] - edge, size[1] - edge), outline=colour(random, 100, 160), width=edge // 4)
    return sheet, random.uniform(0.4, 0.7), (240, 240, 230) if dark else (20, 20, 30)


def _studio(random: Random, size: tuple[int, int]) -> tuple[Image.Image, float, Colour]:
    sheet = scene(size, random)
    draw = ImageDraw.Draw(sheet)
    middle = random.uniform(0.8, 0.88)
    draw.rectangle((0, size[1] * (middle - 0.07), size[0], size[1] * (middle + 0.07)), colour(random, 0, 90))
    _furniture(draw, random, size)
    return sheet, middle, (255, 255, 255)


def _furniture(draw: ImageDraw.ImageDraw, random: Random, size: tuple[int, int]) -> None:
    """What every card of a layout has: an emblem and the sender's name."""
    side = min(size) * random.uniform(0.07, 0.12)
    x, y = size[0] * random.choice((0.15, 0.5, 0.85)), size[1] * 0.14
    draw.ellipse((x - side, y - side, x + side, y + side), colour(random, 0, 110), colour(random, 150), 4)
    draw.regular_polygon((x, y, side * 0.8), random.randint(3, 9), outline=colour(random, 150), width=4)
    name = words(random, 2).title()
    draw.text((size[0] / 2, size[1] * 0.96), name, (200, 200, 200), _face("", size[1] * 0.035), anchor="mm")


def _face(name: str, size: float) -> Font:
    size = max(8.0, size)
    return ImageFont.truetype(_FONTS / name, size) if name else ImageFont.load_default(size)

"""Posts in apps: the picture as other people see it, on a phone's or a laptop's screen, light and dark.

The apps are made up. Each has the layout of one that is common: where the author's name, the words and the buttons are, how
much of the width the picture has, and into which shapes it is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from PIL import Image, ImageDraw, ImageOps

from hashmatch.evaluate.scenes import Colour, another, colour, font, words
from hashmatch.evaluate.surroundings import TALLEST

#: Width and least height of a phone's screen, in pixels.
WIDTH, HEIGHT = 720, 1480
#: A laptop's screen.
LAPTOP = 1366, 768


@dataclass(frozen=True, slots=True)
class AppLayout:
    """How one app shows a post. paper, bubble: (light, dark) colours; bubble: of a message, None if it has none.

    margin: beside the picture, in parts of the screen's width. indent: picture and words begin right of the author's
    portrait. radius: of the picture's corners, in pixels. words: lines above and below the picture. shapes: smallest
    and largest width by height that is shown; the picture is cut to that. buttons: how they look, and how many.
    """

    paper: tuple[Colour, Colour]
    bubble: tuple[Colour, Colour] | None = None
    margin: float = 0.0
    indent: bool = False
    radius: int = 0
    words: tuple[int, int] = (1, 0)
    shapes: tuple[float, float] = (0.5, 3.0)
    buttons: tuple[Literal["rings", "words", "pills", "none"], int] = ("rings", 4)
    square_portrait: bool = False


_PLAIN: tuple[Colour, Colour] = ((255, 255, 255), (16, 16, 18))

LAYOUTS: dict[str, AppLayout] = {
    "channel": AppLayout(
        ((206, 222, 200), (14, 22, 30)),
        ((255, 255, 255), (24, 37, 51)),
        margin=0.03,
        radius=14,
        words=(0, 4),
        buttons=("pills", 3),
    ),
    "messenger": AppLayout(
        ((236, 229, 221), (11, 20, 26)),
        ((217, 253, 211), (0, 92, 75)),
        margin=0.12,
        radius=12,
        words=(0, 1),
        shapes=(0.75, 1.9),
        buttons=("none", 0),
    ),
    "microblog": AppLayout(_PLAIN, margin=0.04, indent=True, radius=22, words=(2, 0), shapes=(0.75, 2.2)),
    "network": AppLayout(_PLAIN, words=(2, 0), shapes=(0.66, 2.0), buttons=("words", 3)),
    "gallery": AppLayout(_PLAIN, words=(0, 2), shapes=(0.8, 1.91)),
    "forum": AppLayout(
        ((246, 247, 248), (26, 26, 27)), margin=0.035, radius=16, words=(2, 0), shapes=(0.75, 2.4), buttons=("pills", 3)
    ),
    "server": AppLayout(
        ((255, 255, 255), (49, 51, 56)), margin=0.02, indent=True, radius=8, words=(1, 0), buttons=("pills", 2)
    ),
    "community": AppLayout(
        ((249, 249, 249), (15, 15, 15)), margin=0.035, radius=12, words=(3, 0), shapes=(1.0, 2.2), square_portrait=True
    ),
    "private": AppLayout(
        ((255, 255, 255), (27, 27, 29)),
        ((44, 107, 237), (59, 59, 59)),
        margin=0.1,
        radius=18,
        words=(0, 0),
        shapes=(0.7, 1.8),
        buttons=("none", 0),
    ),
}


@dataclass(slots=True)
class _Screen:
    """A screen on which one thing is drawn below the other. y: where the next one begins."""

    draw: ImageDraw.ImageDraw
    random: Random
    layout: AppLayout
    dark: bool
    width: int = WIDTH
    y: float = 0.0

    @property
    def ink(self) -> Colour:
        return (236, 236, 238) if self.dark else (18, 18, 20)

    @property
    def faint(self) -> Colour:
        return (134, 138, 144) if self.dark else (120, 124, 130)

    @property
    def left(self) -> float:
        """Where words and pictures begin."""
        return self.width * (self.layout.margin + (0.12 if self.layout.indent else 0.0))

    def say(self, count: int, size: float = 26, left: float | None = None) -> None:
        """Lines of words that fit the screen."""
        x = self.left if left is None else left
        letters = int((self.width - x) / size * 1.75)
        for _line in range(count):
            self.draw.text((max(x, 16), self.y), words(self.random, 14)[:letters], self.ink, font(size))
            self.y += size * 1.4


def post(image: Image.Image, random: Random, app: str, dark: bool) -> Image.Image:
    """A screenshot of the picture in a post; app: a name in LAYOUTS."""
    layout = LAYOUTS[app]
    shown = _cut(image, layout)
    left = WIDTH * (layout.margin + (0.12 if layout.indent else 0.0))
    shown = _to_width(shown, round(WIDTH * (1 - layout.margin) - left))
    return _with_post(shown, random, layout, dark, max(HEIGHT, shown.height + 620))


def quoting_post(image: Image.Image, random: Random, dark: bool) -> Image.Image:
    """A post that quotes another one: a box with a small portrait, a few words, and the picture in it."""
    layout = replace(LAYOUTS["microblog"], shapes=(0.2, 5.0))
    width = round(WIDTH * 0.8)
    shown = _to_width(_cut(image, LAYOUTS["microblog"]), width)
    box = Image.new("RGB", (width, shown.height + 130), layout.paper[dark])
    screen = _Screen(ImageDraw.Draw(box), random, layout, dark, width, 14)
    screen.draw.ellipse((16, 12, 52, 48), colour(random))
    screen.draw.text((64, 16), words(random, 3).title(), screen.ink, font(22))
    screen.y = 60
    screen.say(2, 22, 16)
    box.paste(shown, (0, 130))
    screen.draw.rounded_rectangle((0, 0, width - 1, box.height - 1), 22, outline=screen.faint, width=2)
    return _with_post(box, random, layout, dark, max(HEIGHT, box.height + 560))


def reposted_screenshot(image: Image.Image, random: Random, dark: bool) -> Image.Image:
    """A screenshot of a post in one app, cut to the post, which is then posted in another app."""
    first, second = random.sample(sorted(LAYOUTS), 2)
    screen = post(image, random, first, random.random() < 0.5)
    top, bottom = round(screen.height * 0.07), round(screen.height * random.uniform(0.86, 0.95))
    return post(screen.crop((0, top, screen.width, bottom)), random, second, dark)


def laptop_post(image: Image.Image, random: Random, dark: bool) -> Image.Image:
    """A browser's window on a laptop: a menu, the post in the middle, and what else is talked about."""
    width, height = LAPTOP
    layout = LAYOUTS["microblog"]
    sheet = Image.new("RGB", LAPTOP, layout.paper[dark])
    screen = _Screen(ImageDraw.Draw(sheet), random, layout, dark, width)
    bar: Colour = (38, 38, 42) if dark else (222, 225, 230)
    screen.draw.rectangle((0, 0, width, 72), bar)
    screen.draw.rounded_rectangle((180, 36, 980, 66), 14, layout.paper[dark])
    screen.draw.text((200, 42), words(random, 3).replace(" ", "/"), screen.ink, font(16))
    for number in range(9):
        y = 100 + 58 * number
        screen.draw.ellipse((60, y, 88, y + 28), outline=screen.ink, width=3)
        screen.draw.text((104, y + 2), words(random, 1).title(), screen.ink, font(20))
    screen.draw.ellipse((370, 92, 412, 134), colour(random))
    screen.draw.text((424, 98), words(random, 3).title(), screen.ink, font(18))
    screen.y = 144
    screen.say(2, 17, 424)
    shown = ImageOps.contain(_cut(image, layout), (520, height - 260), Image.Resampling.LANCZOS)
    sheet.paste(shown, (424, 200), _round(shown, 14))
    screen.y = 216.0 + shown.height
    _buttons(screen, 424)
    screen.draw.rounded_rectangle((990, 100, 1320, 640), 16, bar)
    screen.y = 120
    for _topic in range(7):
        screen.draw.text((1010, screen.y), words(random, 4), screen.faint, font(15))
        screen.draw.text((1010, screen.y + 22), words(random, 2).title(), screen.ink, font(19))
        screen.y += 72
    return sheet


def _with_post(shown: Image.Image, random: Random, layout: AppLayout, dark: bool, height: int) -> Image.Image:
    """The whole screen: status and title bar, the end of another post, the author, words, what is shown, words, buttons, and
    what comes next."""
    sheet = Image.new("RGB", (WIDTH, min(TALLEST, height)), layout.paper[dark])
    screen = _Screen(ImageDraw.Draw(sheet), random, layout, dark)
    _title_bar(screen)
    if random.random() < 0.5:
        screen.say(random.randint(1, 2))
        screen.y += 20
    top = screen.y
    screen.y += 90 if layout.bubble is None or random.random() < 0.5 else 10
    tall = shown.height + 38 * sum(layout.words) + (screen.y - top) + 30
    if layout.bubble is not None:
        edge = screen.left - 8
        screen.draw.rounded_rectangle((edge, top, edge + shown.width + 16, top + tall), 18, layout.bubble[dark])
    if screen.y - top > 50:
        _author(screen, top)
    screen.say(layout.words[0])
    sheet.paste(shown, (round(screen.left), round(screen.y)), _round(shown, layout.radius))
    screen.y += shown.height + 12
    screen.say(layout.words[1])
    if layout.buttons[0] == "none":
        screen.draw.text((WIDTH * (1 - layout.margin) - 90, screen.y - 8), "12:07", screen.faint, font(20))
        screen.y += 50
    else:
        _buttons(screen, screen.left)
    _what_follows(sheet, screen)
    return sheet


def _title_bar(screen: _Screen) -> None:
    draw, random = screen.draw, screen.random
    bar = screen.layout.paper[screen.dark] if screen.layout.bubble is None else screen.layout.bubble[screen.dark]
    draw.rectangle((0, 0, WIDTH, 130), bar)
    draw.text((28, 14), f"{random.randint(0, 23)}:{random.randint(0, 59):02}", screen.ink, font(24))
    for number in range(4):
        draw.rectangle((570 + 12 * number, 38 - 6 * number, 577 + 12 * number, 42), screen.ink)
    draw.rounded_rectangle((636, 18, 690, 42), 6, outline=screen.ink, width=3)
    draw.line((48, 74, 30, 92, 48, 110), screen.ink, 4)
    draw.text((96, 74), words(random, 2).title(), screen.ink, font(34))
    draw.line((0, 130, WIDTH, 130), screen.faint, 1)
    screen.y = 150


def _author(screen: _Screen, top: float) -> None:
    """Portrait, name and time."""
    draw, random = screen.draw, screen.random
    x = max(16.0, WIDTH * screen.layout.margin)
    face = (x, top + 10, x + 64, top + 74)
    if screen.layout.square_portrait:
        draw.rounded_rectangle(face, 12, colour(random))
    else:
        draw.ellipse(face, colour(random))
    draw.ellipse((x + 20, top + 22, x + 44, top + 46), colour(random, 60))
    draw.text((x + 82, top + 12), words(random, 2).title(), screen.ink, font(27))
    draw.text((x + 82, top + 46), f"{words(random, 1)} · {random.randint(1, 23)} h", screen.faint, font(21))
    for dot in range(3):
        draw.ellipse((WIDTH - 60 + 12 * dot, top + 30, WIDTH - 55 + 12 * dot, top + 35), screen.ink)


def _buttons(screen: _Screen, left: float) -> None:
    draw, random = screen.draw, screen.random
    kind, count = screen.layout.buttons
    step = (WIDTH - 60) / max(1, count)
    for number in range(count):
        x, y = max(24, left) + step * number * 0.9, screen.y + 10
        if kind == "rings":
            draw.ellipse((x, y, x + 34, y + 34), outline=screen.ink, width=3)
            draw.text((x + 44, y + 4), str(random.randint(1, 9999)), screen.faint, font(20))
        elif kind == "pills":
            draw.rounded_rectangle((x, y, x + 120, y + 42), 20, outline=screen.faint, width=2)
            draw.text((x + 20, y + 8), str(random.randint(1, 999)), screen.ink, font(22))
        else:
            draw.rectangle((x, y + 4, x + 28, y + 28), outline=screen.faint, width=3)
            draw.text((x + 40, y + 2), words(random, 1).title(), screen.faint, font(24))
    screen.y += 68


def _what_follows(sheet: Image.Image, screen: _Screen) -> None:
    """Comments, or the next post with another picture, and the bar below."""
    if screen.layout.bubble is None and screen.random.random() < 0.4 and screen.y < sheet.height - 420:
        screen.draw.line((0, screen.y, WIDTH, screen.y), screen.faint, 2)
        _author(screen, screen.y + 8)
        left = round(screen.left)
        sheet.paste(another((WIDTH - left * 2, 600), screen.random), (left, round(screen.y) + 96))
    else:
        while screen.y < sheet.height - 160:
            screen.draw.ellipse((24, screen.y + 4, 64, screen.y + 44), colour(screen.random))
            screen.say(screen.random.randint(1, 2), 23, 84)
            screen.y += 24
    bottom = sheet.height - 96
    screen.draw.rectangle((0, bottom, WIDTH, sheet.height), screen.layout.paper[screen.dark])
    screen.draw.line((0, bottom, WIDTH, bottom), screen.faint, 1)
    for number in range(5):
        x = WIDTH * (2 * number + 1) // 10
        screen.draw.rounded_rectangle((x - 20, bottom + 26, x + 20, bottom + 66), 10, outline=screen.ink, width=4)


def _cut(image: Image.Image, layout: AppLayout) -> Image.Image:
    """The middle of the picture, if its shape is not one that the app shows."""
    narrow, wide = layout.shapes
    width = min(image.width, max(1, round(image.height * wide)))
    height = min(image.height, max(1, round(image.width / narrow)))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _to_width(image: Image.Image, width: int) -> Image.Image:
    height = min(TALLEST - 1200, max(1, round(image.height * width / image.width)))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _round(image: Image.Image, radius: int) -> Image.Image:
    """A mask with round corners."""
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius, 255)
    return mask

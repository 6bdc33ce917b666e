"""Edits that put something around the picture: bars, blurred borders, meme texts, screens of phones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from hashmatch.evaluate.scenes import Colour, colour, font, lines, text_block, words

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
#: Pixels; about the width of a screenshot after a messenger.
PHONE_WIDTH = 720
#: Most pixels of a screen's height; WebP allows 16,383.
TALLEST = 15_000

FrameSide = Literal["left", "top", "right", "bottom"]


def bars(
    image: Image.Image,
    random: Random,
    sides: Sequence[FrameSide],
    share: float,
    colours: Sequence[Colour] = (),
    unequal: bool = False,
) -> Image.Image:
    """Plain bars; share: the width of each in parts of the picture's side. colours: used in turn; None for random ones.
    unequal: each bar between a third of that and all of it."""
    chosen = colours or (colour(random),)
    thick = {side: share * (random.uniform(0.33, 1) if unequal else 1) for side in sides}
    for number, side in enumerate(sides):
        along = image.width if side in ("left", "right") else image.height
        bar = max(1, round(along * thick[side]))
        border = {"left": (bar, 0, 0, 0), "top": (0, bar, 0, 0), "right": (0, 0, bar, 0), "bottom": (0, 0, 0, bar)}
        image = ImageOps.expand(image, border[side], chosen[number % len(chosen)])
    return image


def fit(image: Image.Image, random: Random, shape: float, paper: Colour = BLACK) -> Image.Image:
    """Letterbox or pillarbox: the whole picture in the middle of a canvas. shape: its width by its height."""
    canvas = Image.new("RGB", _around(image, shape), paper)
    canvas.paste(image, ((canvas.width - image.width) // 2, (canvas.height - image.height) // 2))
    return canvas


def blurred_border(
    image: Image.Image, random: Random, shape: float, strength: float = 0.04, brightness: float = 1.0
) -> Image.Image:
    """The picture before an enlarged and blurred copy of itself, as video editors fill a canvas of another shape.

    strength: the standard deviation of the Gaussian in parts of the canvas' longer side.
    """
    size = _around(image, shape)
    small = max(1, size[0] // 4), max(1, size[1] // 4)  # a blurred picture has no detail to lose
    behind = ImageOps.fit(image, small).filter(ImageFilter.GaussianBlur(strength * max(small)))
    canvas = ImageEnhance.Brightness(behind.resize(size, Image.Resampling.BICUBIC)).enhance(brightness)
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def _around(image: Image.Image, shape: float) -> tuple[int, int]:
    """The smallest canvas of a shape that holds the whole picture."""
    return max(image.width, round(image.height * shape)), max(image.height, round(image.width / shape))


def meme(
    image: Image.Image, random: Random, above: float, below: float, paper: Colour = WHITE, margin: float = 0.0
) -> Image.Image:
    """Text on plain paper above and below; above, below, margin: in parts of the picture's height, height, width."""
    ink = BLACK if sum(paper) > 380 else WHITE
    edge = round(image.width * margin)
    width = image.width + 2 * edge
    parts = [round(image.height * above), image.height, round(image.height * below)]
    canvas = Image.new("RGB", (width, sum(parts) + edge), paper)
    canvas.paste(image, (edge, parts[0]))
    for top, tall in ((0, parts[0]), (parts[0] + parts[1], parts[2])):
        if tall:
            text = lines(random, 1 if tall < width * 0.18 else 2).upper()
            canvas.paste(text_block((width, tall), text, ink, paper), (0, top))
    return canvas


def phone_post(image: Image.Image, random: Random, dark: bool, margin: float = 0.0) -> Image.Image:
    """A screenshot of a social network's app: status bar, app header, author, the picture, buttons, comments.

    margin: on both sides of the picture, in parts of the screen's width.
    """
    paper, ink, faint = _theme(dark)
    edge = round(PHONE_WIDTH * margin)
    shown = _to_width(image, PHONE_WIDTH - 2 * edge)
    screen = Image.new("RGB", (PHONE_WIDTH, max(1560, shown.height + 520)), paper)
    draw = ImageDraw.Draw(screen)
    _status_bar(draw, random, ink)
    draw.text((28, 76), words(random, 1).title(), ink, font(40))
    draw.line((0, 140, PHONE_WIDTH, 140), faint, 2)
    draw.ellipse((24, 160, 88, 224), colour(random))
    draw.text((108, 164), words(random, 2), ink, font(26))
    draw.text((108, 198), words(random, 1), faint, font(20))
    screen.paste(shown, (edge, 244))
    below = 244 + shown.height
    for number in range(4):
        x = 28 + 84 * number
        draw.ellipse((x, below + 24, x + 44, below + 68), outline=ink, width=4)
    y = below + 96
    while y < screen.height - 130:
        draw.text((28, y), words(random, random.randint(4, 8)), ink if random.random() < 0.6 else faint, font(24))
        y += 44
    _navigation_bar(draw, screen.height, ink, faint)
    return screen


def phone_chat(image: Image.Image, random: Random, dark: bool) -> Image.Image:
    """A screenshot of a messenger: the picture in a rounded bubble among other messages."""
    paper, ink, faint = _theme(dark)
    bubble: Colour = (32, 44, 52) if dark else (217, 253, 211)
    other: Colour = (50, 60, 66) if dark else (255, 255, 255)
    wall: Colour = (11, 20, 26) if dark else (236, 229, 221)
    shown = _to_width(image, round(PHONE_WIDTH * random.uniform(0.68, 0.82)))
    screen = Image.new("RGB", (PHONE_WIDTH, max(1560, shown.height + 640)), wall)
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, PHONE_WIDTH, 150), paper)
    _status_bar(draw, random, ink)
    draw.ellipse((70, 72, 134, 136), colour(random))
    draw.text((154, 84), words(random, 2).title(), ink, font(30))
    y = 180
    for _ in range(random.randint(1, 3)):
        wide = random.randint(240, 520)
        draw.rounded_rectangle((20, y, 20 + wide, y + 66), 16, other)
        draw.text((40, y + 16), words(random, wide // 110), ink, font(24))
        y += 86
    x = random.choice((20, PHONE_WIDTH - shown.width - 32))
    draw.rounded_rectangle((x, y, x + shown.width + 12, y + shown.height + 56), 18, bubble)
    corners = Image.new("L", shown.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, shown.width - 1, shown.height - 1), 16, 255)
    screen.paste(shown, (x + 6, y + 6), corners)
    draw.text((x + 18, y + shown.height + 16), words(random, 3), ink, font(24))
    y += shown.height + 80
    while y < screen.height - 200:
        wide = random.randint(240, 560)
        draw.rounded_rectangle((20, y, 20 + wide, y + 66), 16, other)
        draw.text((40, y + 16), words(random, wide // 110), ink, font(24))
        y += 86
    draw.rounded_rectangle((16, screen.height - 90, PHONE_WIDTH - 96, screen.height - 20), 34, other)
    draw.text((48, screen.height - 70), "Message", faint, font(26))
    draw.ellipse((PHONE_WIDTH - 84, screen.height - 90, PHONE_WIDTH - 14, screen.height - 20), (0, 168, 132))
    return screen


def phone_gallery(image: Image.Image, random: Random, dark: bool) -> Image.Image:
    """A screenshot of the picture shown alone: status bar, title and a row of buttons on plain ground."""
    paper, ink, _faint = _theme(dark)
    paper = BLACK if dark else paper
    shown = _to_width(image, PHONE_WIDTH)
    screen = Image.new("RGB", (PHONE_WIDTH, max(1560, shown.height + 300)), paper)
    draw = ImageDraw.Draw(screen)
    _status_bar(draw, random, ink)
    draw.text((90, 84), words(random, 3).title(), ink, font(28))
    draw.line((50, 82, 30, 102, 50, 122), ink, 4)
    screen.paste(shown, (0, (screen.height - shown.height) // 2))
    for number in range(4):
        x = PHONE_WIDTH * (2 * number + 1) // 8
        draw.rectangle((x - 20, screen.height - 110, x + 20, screen.height - 70), outline=ink, width=4)
    return screen


def _theme(dark: bool) -> tuple[Colour, Colour, Colour]:
    """Colours of the paper, of text and of faint text."""
    return (
        ((18, 18, 18), (235, 235, 235), (130, 130, 130)) if dark else ((255, 255, 255), (20, 20, 20), (140, 140, 140))
    )


def _to_width(image: Image.Image, width: int) -> Image.Image:
    height = min(TALLEST, max(1, round(image.height * width / image.width)))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _status_bar(draw: ImageDraw.ImageDraw, random: Random, ink: Colour) -> None:
    draw.text((28, 16), f"{random.randint(0, 23)}:{random.randint(0, 59):02}", ink, font(26))
    for number in range(4):
        draw.rectangle((560 + 12 * number, 40 - 6 * number, 567 + 12 * number, 44), ink)
    draw.rounded_rectangle((630, 20, 690, 46), 6, outline=ink, width=3)
    draw.rectangle((635, 25, 635 + random.randint(8, 50), 41), ink)


def _navigation_bar(draw: ImageDraw.ImageDraw, height: int, ink: Colour, faint: Colour) -> None:
    draw.line((0, height - 110, PHONE_WIDTH, height - 110), faint, 2)
    for number in range(5):
        x = PHONE_WIDTH * (2 * number + 1) // 10
        draw.rounded_rectangle((x - 20, height - 84, x + 20, height - 44), 8, outline=ink, width=4)

"""Edits that put a mark on the picture or hide parts of it, but leave it in its place."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from hashmatch.evaluate.families.flags import COLOURS, flag
from hashmatch.evaluate.scenes import colour, font, place_text, words


def under_flag(image: Image.Image, random: Random, opacity: float) -> Image.Image:
    """A flag over all of it, as profile pictures have it."""
    return Image.blend(image, flag(image.size, random, random.sample(COLOURS, 5)), opacity)


def emblem(image: Image.Image, random: Random, share: float, opacity: float) -> Image.Image:
    """A large round sign in the middle; share: its width in parts of the shorter side."""
    changed = image.copy()
    side = max(12, round(share * min(image.size)))
    sign = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(sign)
    ink = (*colour(random, 150), 255)
    draw.ellipse((0, 0, side - 1, side - 1), (*colour(random, 0, 90), 255), ink, max(1, side // 18))
    draw.regular_polygon((side / 2, side / 2, side * 0.36), random.randint(3, 8), outline=ink, width=max(1, side // 30))
    place_text(draw, (side / 2, side / 2), words(random, 1)[:5].upper(), (side * 0.5, side * 0.25), (255, 255, 255))
    sign.putalpha(sign.getchannel("A").point([round(value * opacity) for value in range(256)]))
    changed.paste(sign, ((image.width - side) // 2, (image.height - side) // 2), sign)
    return changed


def sparks(image: Image.Image, random: Random, count: int) -> Image.Image:
    """Bright stars, hearts and flakes all over."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    for _spark in range(count):
        x, y = random.uniform(0, image.width), random.uniform(0, image.height)
        r = random.uniform(0.005, 0.025) * max(image.size)
        ink = random.choice(((255, 255, 255), (255, 240, 150), (255, 150, 190)))
        for turn in range(4):
            angle = turn * math.pi / 4
            reach = r if turn % 2 == 0 else r / 2
            across, down = reach * math.cos(angle), reach * math.sin(angle)
            draw.line((x - across, y - down, x + across, y + down), ink, max(1, round(r / 5)))
    return changed


def signed(image: Image.Image, random: Random, opacity: float) -> Image.Image:
    """Names of channels, large, across the picture in three lines, half transparent."""
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    for row in range(3):
        text, size = "@" + words(random, 2).replace(" ", "_"), max(image.size) / random.uniform(9, 14)
        draw.text((image.width / 2, image.height * (row + 0.5) / 3), text, 255, font(size), anchor="mm")
    white = Image.new("RGB", image.size, (255, 255, 255))
    return Image.composite(white, image, mask.point([round(value * opacity) for value in range(256)]))


def pixelate(image: Image.Image, random: Random, share: float, count: int) -> Image.Image:
    """Areas made of coarse blocks; share: the side of each in parts of the picture's sides."""
    changed = image.copy()
    for _area in range(count):
        wide, high = max(1, round(share * image.width)), max(1, round(share * image.height))
        x, y = random.randint(0, image.width - wide), random.randint(0, image.height - high)
        coarse = changed.crop((x, y, x + wide, y + high)).resize((7, 7), Image.Resampling.BOX)
        changed.paste(coarse.resize((wide, high), Image.Resampling.NEAREST), (x, y))
    return changed


def black_bars(image: Image.Image, random: Random, count: int) -> Image.Image:
    """Bars over what must not be seen, each a fifth to two fifths of the width."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    for _bar in range(count):
        wide, high = random.uniform(0.2, 0.4) * image.width, random.uniform(0.06, 0.13) * image.height
        x, y = random.uniform(0, image.width - wide), random.uniform(0, image.height - high)
        draw.rectangle((x, y, x + wide, y + high), (0, 0, 0))
    return changed


def scribble(image: Image.Image, random: Random, strokes: int) -> Image.Image:
    """Thick lines by hand, circles and arrows."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    width, height = image.size
    for number in range(strokes):
        ink, thick = colour(random), max(2, round(random.uniform(0.008, 0.02) * max(image.size)))
        x, y = random.uniform(0.1, 0.9) * width, random.uniform(0.1, 0.9) * height
        if number % 3 == 2:
            r = random.uniform(0.06, 0.16) * min(image.size)
            draw.ellipse((x - r, y - r, x + r, y + r), outline=ink, width=thick)
            continue
        points = [(x, y)]
        for step in range(random.randint(4, 9)):
            x += random.uniform(0.03, 0.12) * width * (1 if step % 2 == 0 else -1)
            y += random.uniform(0.01, 0.07) * height
            points.append((x, y))
        draw.line(points, ink, thick, joint="curve")
    return changed

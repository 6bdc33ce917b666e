"""Made-up posters, title cards, statements and slides: one layout with many texts, as media offices publish them.

Two cards of one template with different texts are different publications, though most of their pixels are equal.
"""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hashmatch.evaluate.scenes import Colour, colour, font, lines, place_text, scene, words

WHITE: Colour = (255, 255, 255)
INKS: tuple[Colour, ...] = ((230, 230, 230), (212, 175, 55), (190, 60, 50))


def card(template: int, text: int, seed: int = 0) -> Image.Image:
    """One card, RGB. Layout, colours, pictures and emblems come from seed and template alone, words from text too."""
    painters = (_poster, _title_card, _statement, _slide, _quotation, _bulletin, _figures)
    layout = Random(f"{seed}/layout/{template}")
    return painters[template % len(painters)](layout, Random(f"{seed}/text/{template}/{text}"))


def _poster(layout: Random, text: Random) -> Image.Image:
    """A picture with a dark veil, on which the headline stands; a strip with the sender below."""
    size = layout.choice(((800, 1120), (900, 900), (720, 1280)))
    width, height = size
    sheet = _veiled(scene(size, layout), colour(layout, 0, 50), layout.uniform(0.35, 0.6))
    draw = ImageDraw.Draw(sheet)
    _emblem(draw, layout, (width * layout.choice((0.14, 0.86)), height * 0.1), width * 0.08)
    ink = layout.choice((WHITE, (255, 214, 90), (240, 240, 220)))
    rows = layout.randint(2, 5)
    tall = height * layout.uniform(0.08, 0.13) * rows
    _write(draw, text, (width / 2, height * 0.86 - tall / 2), (width * 0.88, tall), ink, rows, upper=True)
    draw.rectangle((0, height * 0.92, width, height), colour(layout, 0, 120))
    place_text(draw, (width * 0.3, height * 0.96), words(layout, 2).title(), (width * 0.5, height * 0.04), WHITE)
    place_text(draw, (width * 0.8, height * 0.96), _date(text), (width * 0.3, height * 0.035), WHITE)
    return sheet


def _title_card(layout: Random, text: Random) -> Image.Image:
    """The first seconds of a film: emblem, ornaments, a title in the middle of a gradient."""
    size = width, height = layout.choice(((1280, 720), (960, 720)))
    ground = colour(layout, 0, 90), colour(layout, 20, 160)
    sheet = _gradient(size, *ground, layout.random() < 0.5)
    draw = ImageDraw.Draw(sheet)
    # What is as bright as the ground could be read by its colour only, and hashes are of brightness.
    inks = [ink for ink in INKS if all(abs(_brightness(ink) - _brightness(each)) >= 60 for each in ground)]
    gold = layout.choice(inks or INKS[:1])
    _emblem(draw, layout, (width / 2, height * 0.22), height * 0.13)
    for y in (0.42, 0.78):
        draw.line((width * 0.15, height * y, width * 0.85, height * y), gold, 5)
        for x in (0.15, 0.5, 0.85):
            draw.regular_polygon((width * x, height * y, height * 0.018), 4, fill=gold)
    rows = layout.randint(1, 2)
    _write(draw, text, (width / 2, height * 0.6), (width * 0.66, height * 0.15 * rows), gold, rows, upper=True)
    place_text(draw, (width / 2, height * 0.87), f"part {text.randint(1, 40)}", (width * 0.3, height * 0.06), WHITE)
    return sheet


def _statement(layout: Random, text: Random) -> Image.Image:
    """A typed statement on headed paper, with a stamp."""
    width, height = 850, 1200
    sheet = Image.new("RGB", (width, height), layout.choice((WHITE, (250, 246, 232))))
    draw = ImageDraw.Draw(sheet)
    main = colour(layout, 0, 110)
    draw.rectangle((0, 0, width, height * 0.13), main)
    _emblem(draw, layout, (width * layout.choice((0.12, 0.5, 0.88)), height * 0.065), height * 0.05)
    draw.rectangle((20, 20, width - 20, height - 20), outline=main, width=4)
    place_text(draw, (width * 0.5, height * 0.17), words(layout, 3).upper(), (width * 0.7, height * 0.035), main)
    draw.text((width * 0.1, height * 0.21), f"No. {text.randint(100, 999)}   {_date(text)}", (40, 40, 40), font(20))
    _write(draw, text, (width * 0.5, height * 0.27), (width * 0.8, height * 0.05), (20, 20, 20), 1, upper=True)
    rows = layout.randint(10, 17)
    for row in range(rows + text.randint(-2, 2)):
        line = words(text, 11 if row % 5 != 4 else text.randint(3, 9))
        draw.text((width * 0.1, height * (0.32 + 0.028 * row)), line, (30, 30, 30), font(19))
    x, y = width * layout.uniform(0.2, 0.75), height * 0.9
    draw.ellipse((x - 70, y - 70, x + 70, y + 70), outline=main, width=6)
    place_text(draw, (x, y), words(layout, 2).upper().replace(" ", "\n"), (90, 60), main)
    return sheet


def _slide(layout: Random, text: Random) -> Image.Image:
    """A title, points, and a picture that every slide of the set shares."""
    size = width, height = 1280, 720
    paper, ink = layout.choice(
        ((WHITE, (25, 25, 25)), ((238, 242, 248), (20, 30, 70)), ((28, 32, 44), (235, 235, 235)))
    )
    sheet = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, width, height * 0.17), colour(layout, 0, 130))
    _write(draw, text, (width * 0.45, height * 0.085), (width * 0.8, height * 0.1), WHITE, 1)
    _emblem(draw, layout, (width * 0.93, height * 0.085), height * 0.06)
    left = layout.random() < 0.5
    picture = scene((round(width * 0.32), round(height * 0.55)), layout)
    sheet.paste(picture, (round(width * (0.04 if left else 0.64)), round(height * 0.26)))
    rows, letters = layout.randint(4, 6), font(layout.uniform(26, 40))
    for row in range(rows):
        x, y = width * (0.4 if left else 0.04), height * (0.25 + 0.65 / rows * row)
        draw.ellipse((x, y + 8, x + 14, y + 22), colour(layout, 40, 180))
        draw.multiline_text((x + 30, y), lines(text, 2), ink, letters)
    draw.rectangle((0, height * 0.94, width, height), colour(layout, 0, 130))
    return sheet


def _quotation(layout: Random, text: Random) -> Image.Image:
    """A portrait in a circle and what was said."""
    size = width, height = layout.choice(((1000, 1000), (1080, 720)))
    sheet = _gradient(size, colour(layout, 30, 200), colour(layout, 0, 120), True)
    draw = ImageDraw.Draw(sheet)
    side = round(min(size) * 0.34)
    circle = Image.new("L", (side, side), 0)
    ImageDraw.Draw(circle).ellipse((0, 0, side - 1, side - 1), 255)
    at = round(width * layout.choice((0.06, 0.33, 0.6))), round(height * 0.05)
    sheet.paste(scene((side, side), layout), at, circle)
    for x in (0.06, 0.1):
        draw.pieslice((width * x, height * 0.44, width * (x + 0.035), height * 0.5), 90, 360, WHITE)
    rows = layout.randint(3, 5)
    _write(draw, text, (width / 2, height * 0.67), (width * 0.86, height * 0.075 * rows), WHITE, rows)
    draw.line((width * 0.3, height * 0.88, width * 0.7, height * 0.88), WHITE, 4)
    place_text(draw, (width / 2, height * 0.93), words(layout, 2).title(), (width * 0.5, height * 0.05), WHITE)
    return sheet


def _bulletin(layout: Random, text: Random) -> Image.Image:
    """A news agency's frame around the same archive picture: red tag, headline, ticker."""
    size = width, height = layout.choice(((1280, 720), (1000, 1000)))
    sheet = scene(size, layout)
    draw = ImageDraw.Draw(sheet)
    main = colour(layout, 0, 140)
    top = layout.uniform(0.5, 0.68)
    draw.rectangle((0, height * top, width, height * 0.9), main)
    draw.rectangle((0, height * 0.9, width, height), (245, 245, 245))
    draw.rectangle((width * 0.03, height * (top - 0.07), width * 0.3, height * top), (190, 20, 20))
    place_text(
        draw, (width * 0.165, height * (top - 0.035)), words(layout, 1).upper(), (width * 0.2, height * 0.05), WHITE
    )
    room = width * 0.92, height * (0.88 - top)
    _write(draw, text, (width * 0.5, height * (0.9 + top) / 2), room, WHITE, layout.randint(2, 4))
    draw.text((width * 0.03, height * 0.93), words(text, 12), (20, 20, 20), font(height * 0.035))
    _emblem(draw, layout, (width * 0.92, height * 0.11), height * 0.07)
    return sheet


def _figures(layout: Random, text: Random) -> Image.Image:
    """A grid of icons with numbers: the weekly report."""
    width, height = 900, 1100
    sheet = _gradient((width, height), colour(layout, 0, 80), colour(layout, 0, 80), False)
    draw = ImageDraw.Draw(sheet)
    _emblem(draw, layout, (width * 0.12, height * 0.08), height * 0.055)
    _write(draw, text, (width * 0.58, height * 0.08), (width * 0.7, height * 0.08), WHITE, 1, upper=True)
    for cell in range(6):
        x, y = width * (0.27 + 0.46 * (cell % 2)), height * (0.27 + 0.25 * (cell // 2))
        draw.rounded_rectangle((x - 180, y - 115, x + 180, y + 115), 20, colour(layout, 60, 200))
        draw.regular_polygon((x - 100, y, 50), layout.randint(3, 8), fill=colour(layout))
        place_text(draw, (x + 70, y - 15), str(text.randint(1, 9999)), (210, 120), WHITE)
        place_text(draw, (x + 70, y + 70), words(layout, 1), (180, 36), WHITE)
    place_text(draw, (width / 2, height * 0.95), _date(text), (width * 0.6, height * 0.04), WHITE)
    return sheet


def _write(
    draw: ImageDraw.ImageDraw,
    text: Random,
    centre: tuple[float, float],
    room: tuple[float, float],
    ink: Colour,
    rows: int,
    upper: bool = False,
) -> None:
    written = lines(text, rows, 2, 4)
    place_text(draw, centre, written.upper() if upper else written, room, ink)


def _brightness(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _date(text: Random) -> str:
    return f"{text.randint(1, 28)}.{text.randint(1, 12)}.{text.randint(2014, 2026)}"


def _emblem(draw: ImageDraw.ImageDraw, layout: Random, centre: tuple[float, float], radius: float) -> None:
    """A logo: a ring, a polygon and letters."""
    x, y = centre
    edge, ink = colour(layout, 150), colour(layout, 150)
    ring = x - radius, y - radius, x + radius, y + radius
    draw.ellipse(ring, colour(layout, 0, 110), edge, max(1, round(radius / 8)))
    draw.regular_polygon((x, y, radius * 0.8), layout.randint(3, 9), outline=edge, width=max(1, round(radius / 16)))
    place_text(draw, (x, y), words(layout, 1)[:4].upper(), (radius * 1.1, radius * 0.7), ink)


def _gradient(size: tuple[int, int], first: Colour, last: Colour, upright: bool) -> Image.Image:
    width, height = size
    along = np.linspace(0, 1, height if upright else width)[:, None]
    line = np.asarray(first) * (1 - along) + np.asarray(last) * along
    shape = line[:, None, :] if upright else line[None, :, :]
    return Image.fromarray(np.broadcast_to(shape, (height, width, 3)).astype(np.uint8))


def _veiled(picture: Image.Image, veil: Colour, opacity: float) -> Image.Image:
    """The picture under a veil that grows thicker towards the lower edge."""
    upright = np.linspace(opacity * 255 * 0.3, min(255.0, opacity * 255 * 1.5), picture.height)[:, None]
    mask = Image.fromarray(np.broadcast_to(upright, (picture.height, picture.width)).astype(np.uint8))
    sheet = Image.new("RGB", picture.size, veil)
    return Image.composite(sheet, picture.filter(ImageFilter.GaussianBlur(1)), mask)

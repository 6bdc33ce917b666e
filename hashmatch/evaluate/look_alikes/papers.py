"""Look-alikes in print: statements, letters, covers of magazines, emblems with a name."""

from __future__ import annotations

import textwrap
from random import Random

from PIL import Image, ImageDraw, ImageOps

from hashmatch.evaluate.scenes import Colour, colour, font, place_text, scene, words

WHITE: Colour = (255, 255, 255)
#: Words that no made-up sentence has.
_OTHERS = (
    "silver",
    "garden",
    "window",
    "seven",
    "bridge",
    "yellow",
    "paper",
    "letter",
    "forest",
    "engine",
    "silent",
    "island",
)


def other_word(word: str, number: int) -> str:
    """Another word than this, of about its length; another one for each number."""
    nearest = sorted(_OTHERS, key=lambda other: abs(len(other) - len(word)))
    return nearest[number % len(nearest)]


def statement(layout: Random, said: str) -> Image.Image:
    """A sentence as large as it fits: over a picture under a veil, on a gradient, or on plain paper."""
    size = width, height = layout.choice(((1080, 1080), (1080, 720), (800, 1000)))
    kind, ink = layout.randrange(3), WHITE
    if kind == 0:
        sheet = Image.blend(
            scene(size, layout), Image.new("RGB", size, colour(layout, 0, 50)), layout.uniform(0.4, 0.65)
        )
    elif kind == 1:
        sheet = ImageOps.colorize(
            Image.linear_gradient("L").resize(size), colour(layout, 0, 90), colour(layout, 30, 150)
        )
    else:
        sheet, ink = Image.new("RGB", size, colour(layout, 225, 255)), colour(layout, 0, 80)
        ImageDraw.Draw(sheet).rectangle((24, 24, width - 24, height - 24), outline=colour(layout, 60, 160), width=6)
    draw = ImageDraw.Draw(sheet)
    x, r = width * layout.choice((0.14, 0.5, 0.86)), width * 0.055
    draw.ellipse((x - r, height * 0.1 - r, x + r, height * 0.1 + r), colour(layout, 0, 120), WHITE, 4)
    draw.regular_polygon((x, height * 0.1, r * 0.7), layout.randint(3, 8), fill=colour(layout, 150))
    rows = "\n".join(textwrap.wrap(said.capitalize(), layout.choice((16, 22, 28))))
    place_text(draw, (width / 2, height * 0.54), rows, (width * 0.84, height * layout.uniform(0.35, 0.62)), ink)
    place_text(draw, (width / 2, height * 0.93), words(layout, 3).upper(), (width * 0.6, height * 0.04), ink)
    return sheet


def letter(layout: Random, text: Random) -> Image.Image:
    """A typed letter: the sender's head, address and date, paragraphs, a signature, a stamp."""
    width, height = 850, 1200
    sheet = Image.new("RGB", (width, height), layout.choice((WHITE, (250, 247, 236), (244, 244, 248))))
    draw = ImageDraw.Draw(sheet)
    main = colour(layout, 0, 120)
    x, r = width * layout.choice((0.15, 0.5, 0.85)), 52
    draw.ellipse((x - r, 90 - r, x + r, 90 + r), outline=main, width=6)
    draw.regular_polygon((x, 90, 34), layout.randint(3, 9), fill=main)
    place_text(draw, (width / 2, 172), words(layout, 4).upper(), (width * 0.7, 44), main)
    draw.line((70, 205, width - 70, 205), main, 4)
    draw.multiline_text(
        (80, 230), "\n".join(words(text, 3).title() for _row in range(3)), (40, 40, 40), font(18), spacing=6
    )
    draw.text(
        (width - 240, 230),
        f"{text.randint(1, 28)}.{text.randint(1, 12)}.20{text.randint(14, 26)}",
        (40, 40, 40),
        font(18),
    )
    y, size = 350.0, layout.choice((17, 19, 22))
    for _paragraph in range(layout.randint(3, 4)):
        for row in textwrap.wrap(words(text, text.randint(26, 44)).capitalize() + ".", round(1380 / size)):
            draw.text((80, y), row, (30, 30, 34), font(size))
            y += size * 1.5
        y += size
    y = min(y + 20, height - 180.0)
    points = [(100 + 14 * step, y + layout.uniform(0, 50)) for step in range(14)]
    draw.line(points, (30, 40, 120), 3, joint="curve")
    draw.ellipse((width - 260, y - 20, width - 120, y + 120), outline=(150, 40, 60), width=5)
    place_text(draw, (width - 190, y + 50), words(layout, 2).upper().replace(" ", "\n"), (100, 60), (150, 40, 60))
    draw.line((70, height - 60, width - 70, height - 60), main, 2)
    draw.text((80, height - 50), words(layout, 8), main, font(14))
    return sheet


def magazine(layout: Random, text: Random) -> Image.Image:
    """A cover: the name across the top, a picture, lines of different sizes on either side, a number."""
    size = width, height = 900, 1200
    sheet = scene(size, layout)
    draw = ImageDraw.Draw(sheet)
    ink: Colour = layout.choice((WHITE, (255, 230, 80), (250, 60, 60)))
    place_text(draw, (width / 2, 90), words(layout, 1).upper(), (width * 0.94, 160), ink, (0, 0, 0))
    draw.text((40, 180), f"{words(layout, 1).title()} · No. {text.randint(1, 99)}", WHITE, font(24))
    for left in (True, False):
        y = height * layout.uniform(0.26, 0.4)
        for _line in range(layout.randint(2, 4)):
            large = layout.uniform(26, 44)
            title = words(text, text.randint(1, 3)).upper()[:18]
            x, anchor = (40, "ls") if left else (width - 40, "rs")
            draw.text((x, y), title, ink, font(large), anchor, stroke_width=2, stroke_fill=(0, 0, 0))
            draw.text((x, y + 30), words(text, 4)[:30], WHITE, font(20), anchor, stroke_width=1, stroke_fill=(0, 0, 0))
            y += large + 90
    place_text(draw, (width / 2, height * 0.86), words(text, 3).title(), (width * 0.8, height * 0.08), ink, (0, 0, 0))
    draw.rectangle((width - 190, height - 110, width - 40, height - 30), WHITE)
    for bar in range(24):
        draw.line(
            (width - 182 + 6 * bar, height - 104, width - 182 + 6 * bar, height - 44), (0, 0, 0), layout.randint(1, 4)
        )
    return sheet


def emblem_and_name(layout: Random, text: Random) -> Image.Image:
    """A large emblem on a plain ground, and a name below, a sixth of the height."""
    size = width, height = layout.choice(((900, 900), (1000, 750)))
    sheet = ImageOps.colorize(Image.radial_gradient("L").resize(size), colour(layout, 60, 230), colour(layout, 0, 140))
    draw = ImageDraw.Draw(sheet)
    x, y, r = width / 2, height * 0.42, height * 0.3
    draw.ellipse((x - r, y - r, x + r, y + r), colour(layout, 0, 120), colour(layout, 140), round(r / 9))
    for ring in range(layout.randint(2, 4)):
        draw.regular_polygon(
            (x, y, r * (0.85 - 0.18 * ring)),
            layout.randint(3, 10),
            layout.randint(0, 60),
            colour(layout),
            colour(layout),
            4,
        )
    name = words(text, 2).upper()
    place_text(draw, (x, height * 0.87), name, (width * 0.84, height * 0.16), WHITE, (0, 0, 0))
    return sheet

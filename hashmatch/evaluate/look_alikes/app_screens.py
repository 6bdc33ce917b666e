"""Look-alikes on a phone: an app's settings in another language, its list of chats with other people in it."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from hashmatch.evaluate.scenes import Colour, colour, font, words

SIZE = WIDTH, HEIGHT = 720, 1480


def menu(layout: Random, text: Random) -> Image.Image:
    """Icons, labels and switches in groups: all but the labels is the layout."""
    sheet, ink, faint = _sheet(layout)
    draw = ImageDraw.Draw(sheet)
    _bars(draw, layout, text, ink)
    y, accent = 170, colour(layout, 0, 200)
    while y < HEIGHT - 160:
        if layout.random() < 0.25:
            draw.text((32, y), words(text, 2).title(), accent, font(23))
            y += 50
            continue
        _icon(draw, layout, (58, y + 28), ink)
        draw.text((110, y + 2), words(text, text.randint(1, 3)).capitalize(), ink, font(27))
        draw.text((110, y + 36), words(text, text.randint(2, 5))[:44], faint, font(20))
        if layout.random() < 0.4:
            on = layout.random() < 0.5
            draw.rounded_rectangle((628, y + 14, 690, y + 46), 16, accent if on else faint)
            draw.ellipse((660 if on else 632, y + 18, 684 if on else 656, y + 42), (255, 255, 255))
        y += 92
    return sheet


def chats(layout: Random, text: Random) -> Image.Image:
    """Portraits, names, first words and times: only the bars, the lines and the colours are the layout."""
    sheet, ink, faint = _sheet(layout)
    draw = ImageDraw.Draw(sheet)
    _bars(draw, layout, layout, ink)
    y, accent, step = 170, colour(layout, 0, 200), layout.choice((104, 118, 132))
    while y < HEIGHT - 140:
        draw.ellipse((28, y + 8, 104, y + 84), colour(text))
        draw.ellipse((54, y + 24, 78, y + 48), colour(text, 80))
        draw.text((126, y + 12), words(text, 2).title(), ink, font(28))
        draw.text((126, y + 50), words(text, 6)[: text.randint(14, 36)], faint, font(22))
        draw.text((612, y + 16), f"{text.randint(0, 23)}:{text.randint(10, 59)}", faint, font(20))
        if text.random() < 0.4:
            draw.ellipse((640, y + 48, 676, y + 84), accent)
            draw.text((658, y + 66), str(text.randint(1, 9)), (255, 255, 255), font(20), anchor="mm")
        y += step
    draw.ellipse((600, HEIGHT - 230, 690, HEIGHT - 140), accent)
    return sheet


def _sheet(layout: Random) -> tuple[Image.Image, Colour, Colour]:
    """A blank screen, its ink and its faint ink."""
    dark = layout.random() < 0.5
    paper: Colour = layout.choice(
        ((18, 18, 20), (17, 27, 33), (0, 0, 0)) if dark else ((255, 255, 255), (245, 246, 250))
    )
    return Image.new("RGB", SIZE, paper), (236, 236, 238) if dark else (20, 20, 24), (128, 132, 138)


def _bars(draw: ImageDraw.ImageDraw, layout: Random, text: Random, ink: Colour) -> None:
    """Time and title above, five icons below."""
    if layout.random() < 0.5:
        draw.rectangle((0, 0, WIDTH, 140), colour(layout, 20, 140))
        ink = (255, 255, 255)
    draw.text((28, 14), "12:07", ink, font(24))
    draw.rounded_rectangle((636, 18, 690, 42), 6, outline=ink, width=3)
    draw.text((32, 74), words(text, 1).title(), ink, font(40))
    for number in range(5):
        _icon(draw, layout, (WIDTH * (2 * number + 1) // 10, HEIGHT - 56), (128, 132, 138))


def _icon(draw: ImageDraw.ImageDraw, layout: Random, at: tuple[float, float], ink: Colour) -> None:
    x, y = at
    kind = layout.randrange(4)
    if kind == 0:
        draw.ellipse((x - 20, y - 20, x + 20, y + 20), outline=ink, width=4)
    elif kind == 1:
        draw.rounded_rectangle((x - 20, y - 18, x + 20, y + 18), 6, outline=ink, width=4)
    else:
        draw.regular_polygon((x, y, 22), layout.randint(3, 6), layout.randint(0, 60), outline=ink, width=4)
    draw.line((x - 8, y, x + 8, y + layout.randint(-8, 8)), ink, 4)

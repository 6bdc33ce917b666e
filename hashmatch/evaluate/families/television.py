"""Television: lower thirds, tickers, and the picture in a box beside a speaker in a studio.

layout decides how a channel looks, text what it says: the same channel with another headline is another picture.
"""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from hashmatch.evaluate.scenes import Colour, colour, font, lines, place_text, words

SIZE = WIDTH, HEIGHT = 1280, 720
WHITE: Colour = (255, 255, 255)


def lower_third(image: Image.Image, random: Random, ticker: bool, cut: bool = False) -> Image.Image:
    """The picture fills the screen, under the channel's sign and a strip with a headline. ticker: another line below.
    cut: to 16:9; else the screen has the picture's shape."""
    frame = _filled(image, cut)
    with_lower_third(frame, random, random, ticker)
    with_sign(frame, random)
    return frame if cut else _in_shape(frame, image)


def only_ticker(image: Image.Image, random: Random) -> Image.Image:
    """The picture fills the screen, over it the channel's sign and a running line."""
    frame = _filled(image, cut=False)
    with_ticker(frame, random, random)
    with_sign(frame, random)
    return _in_shape(frame, image)


def _filled(image: Image.Image, cut: bool) -> Image.Image:
    """A screen full of the picture, cut or squeezed."""
    return ImageOps.fit(image, SIZE, Image.Resampling.LANCZOS) if cut else image.resize(SIZE, Image.Resampling.LANCZOS)


def _in_shape(frame: Image.Image, image: Image.Image) -> Image.Image:
    """The screen in the shape of the picture that was squeezed into it; at most three times as long as wide."""
    shape = min(3.0, max(1 / 3, image.width / image.height))
    return frame.resize((round(HEIGHT * shape), HEIGHT) if shape < WIDTH / HEIGHT else (WIDTH, round(WIDTH / shape)))


def studio_box(image: Image.Image, random: Random, share: tuple[float, float]) -> Image.Image:
    """A studio with a speaker, and the picture in a box beside her. share: the box's width in parts of the screen's."""
    frame = studio(random)
    width = round(WIDTH * random.uniform(*share))
    shown = ImageOps.contain(image, (width, round(HEIGHT * 0.6)), Image.Resampling.LANCZOS)
    left = round(WIDTH * random.uniform(0.42, 0.46)) + max(0, (width - shown.width) // 2)
    left, top = min(left, WIDTH - shown.width - 20), round(HEIGHT * 0.38 - shown.height / 2)
    draw = ImageDraw.Draw(frame)
    draw.rectangle((left - 6, top - 6, left + shown.width + 5, top + shown.height + 5), colour(random, 120))
    frame.paste(shown, (left, top))
    with_lower_third(frame, random, random, random.random() < 0.6)
    with_sign(frame, random)
    return frame


def studio(layout: Random) -> Image.Image:
    """An empty studio with its speaker: coloured panels of light, a desk, a head and shoulders."""
    ground = ImageOps.colorize(Image.linear_gradient("L").resize(SIZE), colour(layout, 0, 70), colour(layout, 30, 160))
    draw = ImageDraw.Draw(ground)
    for _panel in range(layout.randint(5, 10)):
        x, wide = layout.uniform(0, WIDTH), layout.uniform(30, 220)
        draw.rectangle((x, layout.uniform(0, 200), x + wide, layout.uniform(320, HEIGHT)), colour(layout, 10, 170))
    for _lamp in range(layout.randint(4, 14)):
        x, y, r = layout.uniform(0, WIDTH), layout.uniform(0, HEIGHT * 0.5), layout.uniform(4, 16)
        draw.ellipse((x - r, y - r, x + r, y + r), colour(layout, 180))
    frame = ground.filter(ImageFilter.GaussianBlur(3))
    draw = ImageDraw.Draw(frame)
    x, skin, suit = (
        WIDTH * layout.uniform(0.18, 0.27),
        layout.choice(((224, 178, 148), (150, 104, 78), (96, 62, 46))),
        colour(layout, 10, 90),
    )
    draw.ellipse((x - 190, 400, x + 190, 900), suit)
    draw.polygon(((x - 60, 420), (x + 60, 420), (x, 560)), WHITE)
    draw.polygon(((x - 16, 430), (x + 16, 430), (x, 560)), colour(layout, 60, 200))
    draw.ellipse((x - 92, 150, x + 92, 300), colour(layout, 10, 70))
    draw.ellipse((x - 78, 180, x + 78, 400), skin)
    for side in (-1, 1):
        draw.ellipse((x + side * 32 - 11, 268, x + side * 32 + 11, 280), (30, 24, 20))
        draw.line((x + side * 32 - 18, 254, x + side * 32 + 18, 252), (40, 28, 20), 5)
    draw.arc((x - 30, 310, x + 30, 356), 20, 160, (150, 60, 60), 6)
    draw.rectangle((0, HEIGHT * 0.86, WIDTH * 0.55, HEIGHT), colour(layout, 10, 120))
    return frame


def with_lower_third(frame: Image.Image, layout: Random, text: Random, ticker: bool) -> None:
    """Draw a headline in two strips over the lower part, and a ticker below if wanted."""
    draw = ImageDraw.Draw(frame)
    main, second = colour(layout, 0, 140), colour(layout, 0, 200)
    top, tall = HEIGHT * layout.uniform(0.7, 0.76), HEIGHT * layout.uniform(0.085, 0.12)
    left, right = WIDTH * layout.choice((0.0, 0.06)), WIDTH * layout.choice((1.0, 0.94))
    draw.rectangle((left, top, right, top + tall), main)
    draw.rectangle((left, top, left + 130, top + tall), (190, 20, 25))
    place_text(draw, (left + 65, top + tall / 2), words(layout, 1).upper(), (110, tall * 0.7), WHITE)
    draw.text((left + 150, top + tall / 2), words(text, 9).upper()[:44], WHITE, font(tall * 0.52), anchor="lm")
    draw.rectangle((left, top + tall, right * 0.7, top + tall * 1.6), second)
    draw.text((left + 20, top + tall * 1.3), words(text, 7).title()[:50], WHITE, font(tall * 0.36), anchor="lm")
    if ticker:
        with_ticker(frame, layout, text)


def with_ticker(frame: Image.Image, layout: Random, text: Random) -> None:
    """Draw a running line at the very bottom."""
    draw = ImageDraw.Draw(frame)
    tall = HEIGHT * layout.uniform(0.055, 0.08)
    paper, ink = layout.choice((((245, 245, 245), (20, 20, 20)), ((20, 24, 60), WHITE), ((200, 160, 20), (20, 20, 20))))
    draw.rectangle((0, HEIGHT - tall, WIDTH, HEIGHT), paper)
    draw.text((text.uniform(-60, 120), HEIGHT - tall / 2), words(text, 22), ink, font(tall * 0.6), anchor="lm")
    draw.rectangle((0, HEIGHT - tall, 120, HEIGHT), (180, 20, 30))
    draw.text(
        (60, HEIGHT - tall / 2),
        f"{layout.randint(0, 23)}:{layout.randint(10, 59)}",
        WHITE,
        font(tall * 0.6),
        anchor="mm",
    )


def with_sign(frame: Image.Image, layout: Random) -> None:
    """Draw the channel's sign in an upper corner, and what is live or archived in the other."""
    draw = ImageDraw.Draw(frame)
    x = layout.choice((40, WIDTH - 160))
    draw.rounded_rectangle((x, 30, x + 120, 86), 8, colour(layout, 0, 120))
    place_text(draw, (x + 60, 58), lines(layout, 1, 1, 1)[:4].upper(), (100, 44), WHITE)
    other = WIDTH - 150 if x < WIDTH / 2 else 40
    draw.rectangle((other, 34, other + 100, 74), (200, 25, 30))
    place_text(draw, (other + 50, 54), layout.choice(("LIVE", "ARCHIVE", "TODAY")), (86, 30), WHITE)

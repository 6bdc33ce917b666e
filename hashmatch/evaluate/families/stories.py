"""Stories: the picture smaller, often tilted, on a coloured or blurred 9:16 canvas, with stickers and words over it."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from hashmatch.evaluate.overlays import emoji
from hashmatch.evaluate.scenes import Colour, colour, font, words

SIZE = WIDTH, HEIGHT = 1080, 1920


def story(
    image: Image.Image, random: Random, share: tuple[float, float], tilt: tuple[float, float], stickers: int
) -> Image.Image:
    """share: the picture's width in parts of the canvas', smallest and largest. tilt: in degrees, least and most, either
    way. stickers: how many lie over it."""
    canvas = _ground(image, random)
    scale = random.uniform(*share)
    shown = ImageOps.contain(image, (round(WIDTH * scale), round(HEIGHT * 0.78 * scale)), Image.Resampling.LANCZOS)
    mask = Image.new("L", shown.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, shown.width - 1, shown.height - 1), random.choice((0, 24)), 255)
    angle = random.uniform(*tilt) * random.choice((-1, 1))
    shown = shown.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    left = (WIDTH - shown.width) // 2 + random.randint(-40, 40)
    top = (HEIGHT - shown.height) // 2 + random.randint(-160, 120)
    canvas.paste(shown, (left, top), mask)
    for _sticker in range(stickers):
        near = left + random.uniform(0.1, 0.9) * shown.width, top + random.uniform(0.05, 1.0) * shown.height
        random.choice((_label, _poll, _mention))(canvas, random, near)
    if stickers:
        canvas = emoji(canvas, random, 0.13, random.randint(1, 2))
    _header(canvas, random)
    return canvas


def _ground(image: Image.Image, random: Random) -> Image.Image:
    """A gradient of two colours, or the picture itself, enlarged and blurred."""
    if random.random() < 0.35:
        small = ImageOps.fit(image, (WIDTH // 8, HEIGHT // 8))
        return small.filter(ImageFilter.GaussianBlur(8)).resize(SIZE, Image.Resampling.BICUBIC)
    gradient = Image.linear_gradient("L").resize(SIZE)
    return ImageOps.colorize(gradient, colour(random, 0, 200), colour(random, 40, 255))


def _header(canvas: Image.Image, random: Random) -> None:
    """The bars of time, the author, and the field for an answer."""
    draw = ImageDraw.Draw(canvas)
    count = random.randint(1, 5)
    for number in range(count):
        x = 24 + (WIDTH - 48) / count * number
        draw.rounded_rectangle(
            (x, 24, x + (WIDTH - 48) / count - 8, 30), 3, (255, 255, 255) if number == 0 else (170, 170, 170)
        )
    draw.ellipse((32, 54, 112, 134), colour(random), (255, 255, 255), 3)
    draw.text((130, 74), f"{words(random, 1)}_{words(random, 1)}  {random.randint(1, 23)}h", (255, 255, 255), font(36))
    draw.rounded_rectangle((40, HEIGHT - 140, WIDTH - 240, HEIGHT - 50), 44, outline=(255, 255, 255), width=3)
    draw.text((80, HEIGHT - 116), words(random, 2), (255, 255, 255), font(36))


def _label(canvas: Image.Image, random: Random, at: tuple[float, float]) -> None:
    """Words on a coloured strip, tilted a little."""
    text = words(random, random.randint(1, 3)).upper()
    letters = font(random.uniform(44, 76))
    wide = round(letters.getlength(text)) + 48
    strip = Image.new("RGBA", (wide, 104), (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.rounded_rectangle((0, 0, wide - 1, 103), 18, (*colour(random), 255))
    draw.text((24, 52), text, (255, 255, 255), letters, anchor="lm")
    turned = strip.rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
    canvas.paste(turned, (round(at[0] - turned.width / 2), round(at[1] - turned.height / 2)), turned)


def _mention(canvas: Image.Image, random: Random, at: tuple[float, float]) -> None:
    draw = ImageDraw.Draw(canvas)
    text, letters = f"@{words(random, 1)}{words(random, 1)}", font(48)
    wide = letters.getlength(text) + 50
    x, y = at[0] - wide / 2, at[1] - 40
    draw.rounded_rectangle((x, y, x + wide, y + 80), 16, (255, 255, 255))
    draw.text((x + 25, y + 40), text, (210, 60, 120), letters, anchor="lm")


def _poll(canvas: Image.Image, random: Random, at: tuple[float, float]) -> None:
    """A question with two answers."""
    draw = ImageDraw.Draw(canvas)
    x, y = min(max(20.0, at[0] - 230), WIDTH - 480.0), at[1] - 80
    ink: Colour = (25, 25, 30)
    draw.text((x, y - 60), words(random, 3).title() + "?", (255, 255, 255), font(44), stroke_width=2, stroke_fill=ink)
    draw.rounded_rectangle((x, y, x + 460, y + 110), 22, (255, 255, 255))
    draw.line((x + 230, y, x + 230, y + 110), (200, 200, 200), 3)
    for number in range(2):
        draw.text(
            (x + 115 + 230 * number, y + 55), words(random, 1).upper(), colour(random, 0, 140), font(40), anchor="mm"
        )

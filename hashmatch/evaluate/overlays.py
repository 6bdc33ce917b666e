"""Edits that put something over the picture, or the picture over something else."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from hashmatch.evaluate.scenes import Colour, colour, font, place_text, scene, words

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def logo(image: Image.Image, random: Random, share: float, opacity: float = 1.0) -> Image.Image:
    """A round emblem with letters in one corner; share: its width in parts of the picture's shorter side."""
    side = max(8, round(share * min(image.size)))
    emblem = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(emblem)
    ink = colour(random, 160)
    draw.ellipse((0, 0, side - 1, side - 1), (*colour(random, 0, 110), 255), (*ink, 255), max(1, side // 14))
    place_text(draw, (side / 2, side / 2), words(random, 1)[:3].upper(), (side * 0.7, side * 0.5), ink)
    emblem.putalpha(emblem.getchannel("A").point([round(value * opacity) for value in range(256)]))
    edge = round(0.03 * min(image.size))
    x = random.choice((edge, image.width - side - edge))
    y = random.choice((edge, image.height - side - edge))
    return _over(image, emblem, (x, y))


def banner(image: Image.Image, random: Random, share: float) -> Image.Image:
    """A news banner over the lower edge; share: its height in parts of the picture's."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    width, height = image.size
    top = round(height * (1 - share))
    paper = colour(random, 0, 120)
    draw.rectangle((0, top, width, height), paper)
    draw.rectangle((0, top, width * 0.2, height), colour(random, 120))
    room = width * 0.72, height * share * 0.8
    place_text(draw, (width * 0.6, height * (1 - share / 2)), words(random, 5).upper(), room, WHITE)
    return changed


def subtitle(image: Image.Image, random: Random, rows: int) -> Image.Image:
    """White text with a black outline near the lower edge."""
    changed = image.copy()
    tall = 0.09 * rows
    text = "\n".join(words(random, random.randint(4, 7)) for _ in range(rows))
    centre = image.width / 2, image.height * (0.95 - tall / 2)
    place_text(ImageDraw.Draw(changed), centre, text, (image.width * 0.9, image.height * tall), WHITE, BLACK)
    return changed


def caption(image: Image.Image, random: Random) -> Image.Image:
    """Large outlined letters over the upper and lower edge of the picture, as in the oldest memes."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    room = image.width * 0.94, image.height * 0.14
    for y in (0.1, 0.9):
        place_text(draw, (image.width / 2, image.height * y), words(random, 3).upper(), room, WHITE, BLACK)
    return changed


def emoji(image: Image.Image, random: Random, share: float, count: int = 1) -> Image.Image:
    """Yellow faces anywhere; share: the width of each in parts of the picture's shorter side."""
    changed = image.copy()
    draw = ImageDraw.Draw(changed)
    side = share * min(image.size)
    for _ in range(count):
        x, y = random.uniform(0, image.width - side), random.uniform(0, image.height - side)
        draw.ellipse((x, y, x + side, y + side), (255, 204, 50), (200, 140, 20), max(1, round(side / 30)))
        for eye in (0.3, 0.62):
            draw.ellipse((x + side * eye, y + side * 0.3, x + side * (eye + 0.1), y + side * 0.45), (60, 40, 10))
        mouth = x + side * 0.25, y + side * 0.4, x + side * 0.75, y + side * 0.8
        draw.arc(mouth, 20, 160, (60, 40, 10), max(2, round(side / 18)))
    return changed


def watermark(image: Image.Image, random: Random, opacity: float, tiled: bool) -> Image.Image:
    """Half-transparent slanting text: once across the middle, or all over."""
    text = words(random, 2).upper()
    size = max(image.size)
    sheet = Image.new("L", (2 * size, 2 * size), 0)
    draw = ImageDraw.Draw(sheet)
    if tiled:
        letters = font(size / 22)
        step_x, step_y = draw.textlength(text, letters) * 1.4, size / 7
        for row in range(round(2 * size / step_y)):
            for column in range(round(2 * size / step_x) + 1):
                draw.text((column * step_x - (row % 2) * step_x / 2, row * step_y), text, 255, letters)
    else:
        draw.text((size, size), text, 255, font(size / 9), anchor="mm")
    slanting = sheet.rotate(random.uniform(20, 40), Image.Resampling.BILINEAR)
    left, top = size - image.width // 2, size - image.height // 2
    mask = slanting.crop((left, top, left + image.width, top + image.height))
    white = Image.new("RGB", image.size, WHITE)
    return Image.composite(white, image, mask.point([round(value * opacity) for value in range(256)]))


def censor(image: Image.Image, random: Random, share: float) -> Image.Image:
    """A square made of coarse blocks, as faces are hidden; share: its side in parts of the picture's shorter side."""
    side = max(1, round(share * min(image.size)))
    x, y = random.randint(0, image.width - side), random.randint(0, image.height - side)
    hidden = image.crop((x, y, x + side, y + side)).resize((6, 6), Image.Resampling.BOX)
    changed = image.copy()
    changed.paste(hidden.resize((side, side), Image.Resampling.NEAREST), (x, y))
    return changed


def picture_in_picture(image: Image.Image, random: Random, smallest: float, largest: float) -> Image.Image:
    """The picture somewhere on a busy screen; smallest, largest: its width in parts of the screen's."""
    share = random.uniform(smallest, largest)
    if image.width >= image.height:
        width, height = 1280, random.choice((720, 960))
    else:
        width, height = 720, random.choice((960, 1280))
    wide = round(width * share)
    shown = image.resize((wide, max(1, round(image.height * wide / image.width))), Image.Resampling.BICUBIC)
    screen = scene((width, max(height, round(shown.height * 1.1))), random)
    at = random.randint(0, width - shown.width), random.randint(0, screen.height - shown.height)
    if random.random() < 0.5:
        ImageDraw.Draw(screen).rectangle(
            (at[0] - 4, at[1] - 4, at[0] + shown.width + 3, at[1] + shown.height + 3), WHITE
        )
    screen.paste(shown, at)
    return screen


def collage(image: Image.Image, random: Random, columns: int, rows: int, gap: float = 0.0) -> Image.Image:
    """The picture, in its own shape, as one cell among made-up ones; gap: in parts of a cell's width."""
    edge = round(image.width * gap)
    width, height = image.width + edge, image.height + edge
    sheet = Image.new("RGB", (columns * width + edge, rows * height + edge), random.choice((WHITE, BLACK)))
    mine = random.randrange(columns * rows)
    for cell in range(columns * rows):
        at = edge + cell % columns * width, edge + cell // columns * height
        sheet.paste(image if cell == mine else scene(image.size, random), at)
    size = max(1, sheet.width // columns), max(1, sheet.height // columns)
    return sheet.resize(size, Image.Resampling.BICUBIC)


def _over(image: Image.Image, sticker: Image.Image, at: tuple[int, int]) -> Image.Image:
    changed = image.copy()
    changed.paste(sticker, at, sticker)
    return changed

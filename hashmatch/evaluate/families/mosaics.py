"""Collages: the picture in one of several cells, cut to the cell's shape, as apps and collage makers do it."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageOps

from hashmatch.evaluate.scenes import another
from hashmatch.evaluate.surroundings import BLACK, WHITE

#: A cell: left, top, right, bottom in parts of the sheet.
Cell = tuple[float, float, float, float]


def grid(columns: int, rows: int) -> tuple[Cell, ...]:
    """Equal cells."""
    return tuple(
        (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
        for row in range(rows)
        for column in range(columns)
    )


#: One large cell above three small ones; two halves.
ONE_AND_THREE: tuple[Cell, ...] = ((0, 0, 1, 0.6), *((n / 3, 0.6, (n + 1) / 3, 1) for n in range(3)))
SIDE_BY_SIDE: tuple[Cell, ...] = grid(2, 1)


def mosaic(
    image: Image.Image, random: Random, cells: tuple[Cell, ...], longest: int, gap: float = 0.0, whole: bool = False
) -> Image.Image:
    """A sheet of cells with other pictures and, in a random one, the picture.

    longest: the sheet's longer side in pixels. gap: between cells, in parts of it. whole: the picture is not cut to its
    cell, but has bars beside it.
    """
    mine = random.randrange(len(cells))
    width, height = _size(image, cells, longest)
    paper = random.choice((WHITE, BLACK))
    sheet = Image.new("RGB", (width, height), paper)
    edge = gap * longest / 2
    for number, (left, top, right, bottom) in enumerate(cells):
        x, y = round(left * width + edge), round(top * height + edge)
        size = max(1, round(right * width - edge) - x), max(1, round(bottom * height - edge) - y)
        if number != mine:
            sheet.paste(another(size, random), (x, y))
        elif whole:
            sheet.paste(ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=paper), (x, y))
        else:
            centre = random.uniform(0.35, 0.65), random.uniform(0.35, 0.65)
            sheet.paste(ImageOps.fit(image, size, Image.Resampling.LANCZOS, centering=centre), (x, y))
    return sheet


def before_and_after(image: Image.Image, random: Random, longest: int) -> Image.Image:
    """The picture beside another one, each whole, with an arrow between them."""
    sheet = mosaic(image, random, SIDE_BY_SIDE, longest, 0.03, whole=True)
    draw = ImageDraw.Draw(sheet)
    x, y, r = sheet.width / 2, sheet.height / 2, sheet.width * 0.04
    draw.ellipse((x - r, y - r, x + r, y + r), (220, 40, 40))
    draw.polygon(((x - r / 2, y - r / 2), (x + r * 0.7, y), (x - r / 2, y + r / 2)), WHITE)
    return sheet


def _size(image: Image.Image, cells: tuple[Cell, ...], longest: int) -> tuple[int, int]:
    """A sheet in which cells of the picture's shape fit about, but none narrower than 9:16 or 16:9."""
    shape = min(16 / 9, max(9 / 16, image.width / image.height))
    if len(cells) == 2:
        shape = min(2.2, max(1.2, 2 * shape))
    return (longest, round(longest / shape)) if shape >= 1 else (round(longest * shape), longest)

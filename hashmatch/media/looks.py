"""A decoded picture to the pictures that are hashed: as it is shown, upright, and what else it can look like."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image

from hashmatch import hashers
from hashmatch.hashers.base import Picture
from hashmatch.media.colour import PLAIN, SaidColours, correction
from hashmatch.media.grounds import AS_STORED, LOOK_BITS, ON_DARK
from hashmatch.media.shown import Corrections, Shown, as_stored, shown
from hashmatch.views import FULL, ViewKind, ViewName

#: A picture is decoded at a fraction of its size, or averaged down, as long as each side keeps this many pixels. PDQ samples
#: each side at 64 points, so 8 pixels remain per sample. Measured in benchmarks/: at most 4 bits from full size.
REDUCED_SIDE = 512
LONGEST_SIDE = 4096
#: The same for its colours, of which 12 cells a side are compared (hashers/details.py), also of a part of the picture.
COLOURED_SIDE = 96

#: Two looks are alike, and PDQ need not be asked, where they differ on average by less than this share of their contrast.
_ALIKE = 0.15

_ORIENTATION = 0x0112  # EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def looks_of(
    image: Image.Image,
    full_size: tuple[int, int],
    exact: bool,
    said: SaidColours = PLAIN,
    page: int = 1,
    orientation: int | None = None,
    colours: Image.Image | Literal["own"] | None = "own",
) -> list[Picture]:
    """A picture as a person sees it: upright, in 8 bits of brightness, with right colours, on white where it is transparent.

    image: decoded. full_size: its width and height in the file, as stored. exact: in full size and colour as a plain decoder
    gives it, with colours as they are stored. said: about its colours. page: from 1.
    orientation: as EXIF has it, where the picture does not say it itself. colours: the picture in colour, as stored, where
    `image` itself is only its brightness; None if they are unknown.
    Returns it, and after it what else it can look like, if that is another picture by PDQ: look1 is how it is stored, look2
    how it is on a dark ground. Of page 2, these are look3 and look4, and so on.
    """
    orientation = orientation_of(image) if orientation is None else orientation
    if orientation in (5, 6, 7, 8):  # stored lying on its side
        full_size = full_size[::-1]
    seen = upright(image, exact, said, orientation, in_colour=colours == "own" and not exact)
    view = FULL if page == 1 else str(ViewName(ViewKind.PAGE, page))
    if exact:
        show = functools.partial(displayed, image, said, orientation)
        return [Picture(seen.on_white, full_size, exact, view=view, displayed=show)]
    coloured = seen.in_colour
    if coloured is None and isinstance(colours, Image.Image):
        coloured = Shown(_upright_image(colours, orientation))
    pictures = [Picture(seen.on_white, full_size, view=view, small=_coarse(coloured.on_white if coloured else None))]
    for number, other, bits, small in (
        (2 * page - 1, seen.stored, LOOK_BITS[AS_STORED], coloured.stored if coloured else None),
        (2 * page, seen.on_dark, LOOK_BITS[ON_DARK], coloured.on_dark if coloured else None),
    ):
        if other is not None and _differ(seen.on_white, other, bits):
            look = str(ViewName(ViewKind.LOOK, number))
            pictures.append(Picture(other, full_size, view=look, small=_coarse(small)))
    return pictures


def _coarse(image: Image.Image | None) -> Image.Image | None:
    """A picture of which only the colours are wanted, small."""
    if image is None:
        return None
    return image.reduce((max(1, image.width // COLOURED_SIDE), max(1, image.height // COLOURED_SIDE)))


def upright(image: Image.Image, exact: bool, said: SaidColours, orientation: int, in_colour: bool = False) -> Shown:
    """All looks of a decoded picture, upright; see shown.shown. orientation: as EXIF has it."""
    corrections: Corrections = as_stored if exact else functools.partial(correction, said)
    factors = (1, 1) if exact else _factors(image.size)
    seen = shown(image, "RGB" if exact else "L", factors, corrections, in_colour)
    return _turned(image, seen, orientation)


def displayed(image: Image.Image, said: SaidColours, orientation: int) -> Image.Image:
    """A decoded picture for a person, upright, in mode "RGB" and right colours; of the two grounds behind a transparent one,
    that which shows more of it. said, orientation: as for `looks_of`."""
    seen = _turned(image, shown(image, "RGB", (1, 1), functools.partial(correction, said)), orientation)
    if seen.on_dark is None or _contrast(seen.on_white) >= _contrast(seen.on_dark):
        return seen.on_white
    return seen.on_dark


def _contrast(image: Image.Image) -> float:
    return float(np.asarray(image.convert("L")).std())


def _turned(image: Image.Image, seen: Shown, orientation: int) -> Shown:
    turn = _TURNS.get(orientation)
    if turn is None:
        # The next page is decoded into the same image.
        return replace(seen, on_white=image.copy()) if seen.on_white is image and image.format == "TIFF" else seen
    on_white, on_dark, stored = (
        None if each is None else each.transpose(turn) for each in (seen.on_white, seen.on_dark, seen.stored)
    )
    assert on_white is not None
    coloured = seen.in_colour and _turned(image, seen.in_colour, orientation)
    return Shown(on_white, on_dark, stored, coloured)


def _upright_image(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def orientation_of(image: Image.Image) -> int:
    """How a decoded picture must be turned, by EXIF; 1 if it is upright."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block can raise anything, and the pixels may still be sound
        return 1


def _factors(size: tuple[int, int]) -> tuple[int, int]:
    """Both sides by one factor, to keep shapes; but no side of a ribbon-like picture stays endless."""
    width, height = size
    factor = max(1, min(size) // REDUCED_SIDE)
    return max(factor, width // LONGEST_SIDE), max(factor, height // LONGEST_SIDE)


def _differ(one: Image.Image, other: Image.Image, bits: int) -> bool:
    """Whether two looks are more than so many bits of PDQ apart."""
    first, second = (np.asarray(each)[::4, ::4].astype(np.int16) for each in (one, other))
    if np.abs(first - second).mean() < _ALIKE * min(first.std(), second.std()):
        return False
    hasher = hashers.by_name("pdq")
    values = [int.from_bytes(hasher.hash(Picture(each, each.size))[0], "big") for each in (one, other)]
    return (values[0] ^ values[1]).bit_count() > bits

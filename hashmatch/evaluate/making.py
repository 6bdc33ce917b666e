"""What an edit is, and how its copies are written as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from PIL import Image

from hashmatch.evaluate import adjustments

#: Returns a changed RGB picture and leaves the given one as it is.
EditFunction = Callable[[Image.Image, Random], Image.Image]
#: A picture as the bytes of a file.
EncodeFunction = Callable[[Image.Image, Random], bytes]


@dataclass(frozen=True, slots=True)
class Edit:
    """One way to make a copy. `group` is one of those in goals.GOALS.

    `make` takes an RGB picture and a source of randomness, and returns an encoded image file; the same picture and
    seed give the same bytes with the same version of Pillow.
    """

    name: str
    group: str
    make: Callable[[Image.Image, Random], bytes]


def jpeg(image: Image.Image, random: Random, quality: int | None = None) -> bytes:
    """quality: random from 85 to 90 if not given, as most programs write it."""
    return encoded(image, random, "JPEG", quality=quality if quality is not None else random.randint(85, 90))


def encoded(image: Image.Image, random: Random, format: str, **parameters: int) -> bytes:
    """A file of one of Pillow's formats, with the parameters of its writer."""
    out = io.BytesIO()
    image.save(out, format, **parameters)
    return out.getvalue()


def palette(image: Image.Image, random: Random, colours: int) -> bytes:
    """A GIF of at most 256 colours, dithered."""
    chosen = image.resize((96, 96), Image.Resampling.NEAREST).quantize(colours)
    return encoded(image.quantize(palette=chosen, dither=Image.Dither.FLOYDSTEINBERG), random, "GIF")


def passed_on(image: Image.Image, random: Random, times: int) -> bytes:
    """Forward from messenger to messenger: each makes the picture a little smaller and compresses it again."""
    for _time in range(times):
        image = Image.open(io.BytesIO(jpeg(image, random, random.randint(55, 75))))
        image = adjustments.resize(image, random, random.uniform(0.9, 0.97))
    return jpeg(image, random, 70)


def _make(image: Image.Image, random: Random, changes: tuple[EditFunction, ...], encode: EncodeFunction) -> bytes:
    for change in changes:
        image = change(image, random)
    return encode(image, random)


def edit(name: str, group: str, *changes: EditFunction, encode: EncodeFunction = jpeg) -> Edit:
    """An edit that makes these changes one after the other, and writes a JPEG if nothing else is said."""
    return Edit(name, group, partial(_make, changes=changes, encode=encode))  # picklable, for worker processes


def jpeg_of(quality: int) -> EncodeFunction:
    """Writes JPEGs of one quality."""
    return partial(jpeg, quality=quality)

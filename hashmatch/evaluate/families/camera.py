"""Photographs of a screen or a print: perspective, a frame, moire, glare, paper, a lens and a sensor."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

from hashmatch.evaluate import adjustments
from hashmatch.evaluate.families.apps import laptop_post, post
from hashmatch.evaluate.families.recolourings import halftone
from hashmatch.evaluate.families.warps import Corners, curl, seen
from hashmatch.evaluate.scenes import Colour, generator, scene

#: The longer side of the photograph, in pixels.
LONGEST = 1280


def of_screen(image: Image.Image, random: Random, tilt: float, moire: float, glare: float = 0.0) -> Image.Image:
    """tilt: by how much of the width or height corners are displaced. moire, glare: strength in levels of 255."""
    framed = ImageOps.expand(image, max(2, round(0.025 * max(image.size))), (12, 12, 14))
    shot = _shoot(framed, _room(image, random), random, tilt, random.uniform(0.62, 0.95))
    if moire:
        shot = _moire(shot, random, moire)
    if glare:
        shot = _glare(shot, random, glare)
    return _developed(shot, random)


def of_print(image: Image.Image, random: Random, tilt: float, glare: float = 0.0) -> Image.Image:
    """A print with a white edge lies on a table: printed dots, dull colours, paper that bends, a shadow."""
    printed = adjustments.enhance(image, random, "contrast", random.uniform(0.65, 0.85))
    printed = adjustments.cast(printed, random, 1.0, random.uniform(0.93, 1.0), random.uniform(0.82, 0.95))
    if random.random() < 0.5:
        dots = halftone(printed, random, 260, coloured=True).resize(printed.size, Image.Resampling.LANCZOS)
        printed = Image.blend(printed, dots, 0.4)
    paper: Colour = (238, 234, 224)
    sheet = ImageOps.expand(printed, max(2, round(random.uniform(0.02, 0.09) * max(image.size))), paper)
    sheet = curl(sheet, random, random.uniform(0, 0.02))
    sheet = _creased(sheet, random)
    shot = _shoot(sheet, _room(image, random), random, tilt, random.uniform(0.6, 0.92))
    if glare:
        shot = _glare(shot, random, glare)
    return _developed(shot, random)


def of_phone_post(image: Image.Image, random: Random, app: str) -> Image.Image:
    """A phone that shows the picture in a post."""
    return of_screen(post(image, random, app, random.random() < 0.5), random, 0.05, 8)


def of_laptop_post(image: Image.Image, random: Random) -> Image.Image:
    """A laptop that shows the picture in a post."""
    return of_screen(laptop_post(image, random, random.random() < 0.5), random, 0.06, 10)


def _room(image: Image.Image, random: Random) -> Image.Image:
    """What lies around it, out of focus: in the picture's direction."""
    shape = random.choice((4 / 3, 16 / 9))
    size = (LONGEST, round(LONGEST / shape)) if image.width >= image.height else (round(LONGEST / shape), LONGEST)
    behind = scene((size[0] // 2, size[1] // 2), random).filter(ImageFilter.GaussianBlur(random.uniform(1, 6)))
    return adjustments.enhance(
        behind.resize(size, Image.Resampling.BICUBIC), random, "brightness", random.uniform(0.4, 1)
    )


def _shoot(image: Image.Image, room: Image.Image, random: Random, tilt: float, fills: float) -> Image.Image:
    """The flat picture in the room; fills: the share of the width or height that it takes, whichever is more."""
    scale = fills * min(room.width / image.width, room.height / image.height)
    wide, high = image.width * scale, image.height * scale
    middle = [
        side / 2 + random.uniform(-0.3, 0.3) * (side - own) for side, own in zip(room.size, (wide, high), strict=True)
    ]
    slant = math.radians(random.uniform(-5, 5))
    corners = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        across = x * wide / 2 + random.uniform(-tilt, tilt) * wide
        down = y * high / 2 + random.uniform(-tilt, tilt) * high
        turned = across * math.cos(slant) - down * math.sin(slant), across * math.sin(slant) + down * math.cos(slant)
        corners.append((middle[0] + turned[0], middle[1] + turned[1]))
    a, b, c, d = corners
    places: Corners = (a, b, c, d)
    return seen(image, room, places)


def _moire(image: Image.Image, random: Random, strength: float) -> Image.Image:
    """Curved coloured stripes, where the screen's grid and the sensor's meet, and slow dark bands of its refreshing."""
    y, x = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    stripes = []
    bend = random.uniform(1e-4, 4e-4), random.uniform(0, image.width), random.uniform(0, image.height)
    curve = bend[0] * ((x - bend[1]) ** 2 + (y - bend[2]) ** 2)
    angle, period = random.uniform(0, math.pi), random.uniform(7, 30)
    along = (x * math.cos(angle) + y * math.sin(angle)) * 2 * math.pi / period
    for channel in range(3):
        stripes.append(strength * np.sin(along + curve + channel * random.uniform(0.2, 2.2)))
    bands = 0.5 * strength * np.sin(y * 2 * math.pi / (image.height * random.uniform(0.15, 0.5)) + random.uniform(0, 6))
    return _plus(image, np.dstack(stripes) + bands[:, :, None])


def _glare(image: Image.Image, random: Random, strength: float) -> Image.Image:
    """A lamp's reflection: a bright spot, and a weak veil."""
    y, x = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    middle = random.uniform(0.2, 0.8) * image.width, random.uniform(0.2, 0.8) * image.height
    wide, high = (random.uniform(0.06, 0.2) * side for side in image.size)
    spot = np.exp(-(((x - middle[0]) / wide) ** 2) - ((y - middle[1]) / high) ** 2)
    veil = 0.15 * np.clip(x / image.width * random.choice((-1, 1)) + 0.5, 0, 1)
    return _plus(image, strength * (spot + veil)[:, :, None])


def _creased(image: Image.Image, random: Random) -> Image.Image:
    """A fold across the sheet, a texture of paper, and light from one side."""
    y, x = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    fold = random.uniform(0.3, 0.7) * image.height
    crease = -30 * np.exp(-(((y - fold) / (0.004 * image.height + 1)) ** 2)) if random.random() < 0.6 else 0 * y
    light = random.uniform(10, 35) * (x / image.width - 0.5) * random.choice((-1, 1))
    texture = generator(random).normal(0, 4, x.shape)
    return _plus(image, (crease + light + texture)[:, :, None])


def _developed(image: Image.Image, random: Random) -> Image.Image:
    """What lens and camera do: a little blur, noise, another white, another contrast."""
    blurred = image.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.1)))
    warm = random.uniform(-0.1, 0.1)
    toned = adjustments.cast(blurred, random, 1 + warm, 1.0, 1 - warm)
    toned = adjustments.gamma(toned, random, random.uniform(0.85, 1.25))
    return adjustments.noise(toned, random, random.uniform(3, 7))


def _plus(image: Image.Image, light: npt.NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + light, 0, 255).astype(np.uint8))

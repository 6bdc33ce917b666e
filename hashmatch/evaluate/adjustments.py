"""Edits of the picture as a whole: size, tone, blur, noise, cuts and turns.

Every edit takes an RGB picture and a source of randomness, and returns a new RGB picture. Sizes are shares of the
picture's own, so that an edit is as strong on a large picture as on a small one.
"""

from __future__ import annotations

import math
from random import Random
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from hashmatch.evaluate.scenes import generator

ToneProperty = Literal["brightness", "contrast", "saturation", "sharpness"]
_ENHANCERS = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
    "sharpness": ImageEnhance.Sharpness,
}


def resize(image: Image.Image, random: Random, factor: float) -> Image.Image:
    return stretch(image, random, factor, factor)


def stretch(image: Image.Image, random: Random, across: float, down: float) -> Image.Image:
    size = max(1, round(image.width * across)), max(1, round(image.height * down))
    return image.resize(size, Image.Resampling.BICUBIC)


def enhance(image: Image.Image, random: Random, what: ToneProperty, factor: float) -> Image.Image:
    return _ENHANCERS[what](image).enhance(factor)


def gamma(image: Image.Image, random: Random, exponent: float) -> Image.Image:
    """exponent: above 1 the middle tones become darker, below 1 brighter."""
    return image.point([round(255 * (value / 255) ** exponent) for value in range(256)] * 3)


def greyscale(image: Image.Image, random: Random) -> Image.Image:
    return image.convert("L").convert("RGB")


def sepia(image: Image.Image, random: Random) -> Image.Image:
    return ImageOps.colorize(image.convert("L"), "#1a0f00", "#fff4dc", mid="#9c7a4c")


def hue(image: Image.Image, random: Random, degrees: float) -> Image.Image:
    """Turn all colours around the colour wheel."""
    hues, saturation, value = image.convert("HSV").split()
    turned = hues.point([(step + round(degrees * 256 / 360)) % 256 for step in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def cast(image: Image.Image, random: Random, red: float, green: float, blue: float) -> Image.Image:
    """A colour filter: each channel times a factor."""
    return image.point([min(255, round(value * factor)) for factor in (red, green, blue) for value in range(256)])


def equalise(image: Image.Image, random: Random) -> Image.Image:
    """Even out the brightness histogram halfway, as "auto enhance" does."""
    luma, *chroma = image.convert("YCbCr").split()
    return Image.merge("YCbCr", (Image.blend(luma, ImageOps.equalize(luma), 0.5), *chroma)).convert("RGB")


def invert(image: Image.Image, random: Random) -> Image.Image:
    return ImageOps.invert(image)


def blur(image: Image.Image, random: Random, share: float) -> Image.Image:
    """share: the standard deviation of the Gaussian, in parts of the longer side."""
    return image.filter(ImageFilter.GaussianBlur(share * max(image.size)))


def motion_blur(image: Image.Image, random: Random, share: float) -> Image.Image:
    """The mean of copies that are moved along a line of a random direction."""
    length, angle = share * max(image.size), random.uniform(0, math.pi)
    steps = max(2, round(length))
    offsets = [(length * (step / (steps - 1) - 0.5)) for step in range(steps)]
    edge = math.ceil(length)
    wide = np.pad(np.asarray(image, np.float32), ((edge, edge), (edge, edge), (0, 0)), mode="edge")
    total = np.zeros((image.height, image.width, 3), np.float32)
    for offset in offsets:
        x, y = edge + round(offset * math.cos(angle)), edge + round(offset * math.sin(angle))
        total += wide[y : y + image.height, x : x + image.width]
    return Image.fromarray((total / steps).round().astype(np.uint8))


def noise(image: Image.Image, random: Random, sigma: float, coloured: bool = True) -> Image.Image:
    """Gaussian noise; sigma in levels of 255. coloured: each channel by itself, as a sensor's; else film grain."""
    added = generator(random).normal(0, sigma, (image.height, image.width, 3 if coloured else 1))
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + added, 0, 255).round().astype(np.uint8))


def salt_and_pepper(image: Image.Image, random: Random, share: float) -> Image.Image:
    """share: the part of all pixels that become black or white."""
    drawn = generator(random).random((image.height, image.width, 1))
    return Image.fromarray(
        np.where(drawn < share / 2, 0, np.where(drawn < share, 255, np.asarray(image))).astype(np.uint8)
    )


def transpose(image: Image.Image, random: Random, how: Image.Transpose) -> Image.Image:
    return image.transpose(how)


def crop_centre(image: Image.Image, random: Random, share: float) -> Image.Image:
    """share: the part of the width and height that is cut off on each side."""
    return _cut(image, share, share, share, share)


def crop_side(image: Image.Image, random: Random, share: float) -> Image.Image:
    """share: the part that is cut off on one random side."""
    cut = [0.0] * 4
    cut[random.randrange(4)] = share
    return _cut(image, *cut)


def crop_random(image: Image.Image, random: Random, most: float) -> Image.Image:
    """most: the largest part that is cut off a side; each side separately, at any pixel."""
    return _cut(image, *(random.uniform(0, most) for _ in range(4)))


def _cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    first = round(width * left), round(height * top)
    last = max(first[0] + 1, round(width * (1 - right))), max(first[1] + 1, round(height * (1 - bottom)))
    return image.crop((*first, *last))


def rotate(image: Image.Image, random: Random, degrees: float, inner: bool) -> Image.Image:
    """Rotate left or right. inner: crop to the picture's shape without black corners, as phones do."""
    turned = image.rotate(degrees * random.choice((-1, 1)), Image.Resampling.BICUBIC)
    if not inner:
        return turned
    width, height = image.size
    angle = math.radians(degrees)
    longer = max(width / height, height / width)
    cut = (1 - 1 / (math.cos(angle) + longer * math.sin(angle))) / 2
    return _cut(turned, cut, cut, cut, cut)

"""Edits that repaint the picture: colour filters, drawings, halftones, and what smoothing and many codecs leave of it."""

from __future__ import annotations

import io
import math
from random import Random

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from hashmatch.evaluate import adjustments
from hashmatch.evaluate.families.warps import computer_vision
from hashmatch.evaluate.making import encoded, jpeg
from hashmatch.evaluate.scenes import generator


def solarise(image: Image.Image, random: Random, threshold: int) -> Image.Image:
    """Turn all values from the threshold on into their negative."""
    return ImageOps.solarize(image, threshold)


def posterise(image: Image.Image, random: Random, bits: int) -> Image.Image:
    return ImageOps.posterize(image, bits)


def thermal(image: Image.Image, random: Random) -> Image.Image:
    """Brightness as colours from blue over green to red, as a thermal camera shows warmth."""
    cv2 = computer_vision()
    coloured = cv2.applyColorMap(np.asarray(image.convert("L")), cv2.COLORMAP_JET)
    return Image.fromarray(np.ascontiguousarray(coloured[:, :, ::-1]))


def duotone(image: Image.Image, random: Random) -> Image.Image:
    """Two colours, a dark and a bright one, and what lies between."""
    dark, bright = random.choice((("#2b0a3d", "#ffd34e"), ("#001f54", "#ff5d8f"), ("#0b3d20", "#f2f7c1")))
    return ImageOps.colorize(image.convert("L"), dark, bright)


def stylise(image: Image.Image, random: Random) -> Image.Image:
    """A painting: smooth areas, dark edges (Gastal and Oliveira 2011, in OpenCV)."""
    cv2 = computer_vision()
    return Image.fromarray(cv2.stylization(np.asarray(image), sigma_s=40, sigma_r=0.45))


def sketch(image: Image.Image, random: Random) -> Image.Image:
    """A pencil drawing: brightness divided by that of its neighbourhood."""
    luma = image.convert("L")
    around = luma.filter(ImageFilter.GaussianBlur(0.012 * max(image.size)))
    lines = 255 * np.asarray(luma, np.float32) / np.maximum(np.asarray(around, np.float32), 1)
    return Image.fromarray(np.clip(lines, 0, 255).astype(np.uint8)).convert("RGB")


def emboss(image: Image.Image, random: Random) -> Image.Image:
    """Grey relief, lit from the upper left."""
    return image.convert("L").filter(ImageFilter.EMBOSS).convert("RGB")


def cartoon(image: Image.Image, random: Random) -> Image.Image:
    """A few flat colours and black lines around them."""
    cv2 = computer_vision()
    pixels = np.asarray(image)
    flat = pixels
    for _time in range(3):
        flat = cv2.bilateralFilter(flat, 7, 40, 7)
    luma = cv2.medianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 5)
    edges = cv2.adaptiveThreshold(luma, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 5)
    flat = (flat // 32) * 32 + 16
    return Image.fromarray(np.where(edges[:, :, None] > 0, flat, 0).astype(np.uint8))


def halftone(image: Image.Image, random: Random, dots: int, coloured: bool) -> Image.Image:
    """Printed dots of different sizes on a slanting grid; dots: so many along the longer side. coloured: one grid for
    each of cyan, magenta, yellow and black; else black dots alone."""
    factor = max(1.0, 1400 / max(image.size))  # a dot needs some pixels
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    ink = image.resize(size, Image.Resampling.BICUBIC)
    if not coloured:
        return Image.fromarray(_dots(np.asarray(ImageOps.invert(ink.convert("L"))), dots, 45) ^ 255).convert("RGB")
    black = 255 - np.asarray(ink).max(axis=2)
    inks = [255 - np.asarray(band) - black for band in ink.split()]
    printed = [_dots(each, dots, angle) for each, angle in zip((*inks, black), (15, 75, 0, 45), strict=True)]
    paper = [255 - np.maximum(each, printed[3]) for each in printed[:3]]
    return Image.fromarray(np.dstack(paper)).filter(ImageFilter.GaussianBlur(0.8))


def _dots(
    ink: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], dots: int, degrees: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """255 where there is ink: round dots that cover as much of the paper as the amount (0 to 255) asks for."""
    height, width = ink.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * (2 * math.pi * dots / max(height, width))
    slant = math.radians(degrees)
    u, v = x * math.cos(slant) + y * math.sin(slant), y * math.cos(slant) - x * math.sin(slant)
    screen = (np.cos(u) + np.cos(v)) / 4 + 0.5
    return np.where(screen > 1 - ink / 255, 255, 0).astype(np.uint8)


def grain(image: Image.Image, random: Random, sigma: float) -> Image.Image:
    """Coarse film grain: noise that is a little blurred, strongest in the middle tones."""
    width, height = image.size
    noise = generator(random).normal(0, 255, (height, width)).astype(np.float32)
    blurred = computer_vision().blur(noise, (3, 3))
    pixels = np.asarray(image, np.float32)
    share = 1 - (np.abs(pixels.mean(axis=2) - 128) / 160) ** 2
    added = blurred / max(1.0, float(blurred.std())) * sigma * share
    return Image.fromarray(np.clip(pixels + added[:, :, None], 0, 255).astype(np.uint8))


def smooth(image: Image.Image, random: Random, times: int) -> Image.Image:
    """What "beautify" does: areas are smoothed and edges kept, again and again."""
    cv2 = computer_vision()
    pixels = np.asarray(image)
    for _time in range(times):
        pixels = cv2.bilateralFilter(pixels, 9, 45, 9)
    return Image.fromarray(pixels)


def upscale(image: Image.Image, random: Random, factor: float) -> Image.Image:
    """Shrunk to a thumbnail and blown up again with too much sharpness; factor: the thumbnail's share of the width."""
    small = adjustments.resize(image, random, factor).filter(ImageFilter.MedianFilter(3))
    large = small.resize(image.size, Image.Resampling.LANCZOS)
    return large.filter(ImageFilter.UnsharpMask(max(1, round(0.5 / factor)), 180, 0))


def recompress(image: Image.Image, random: Random, times: int, lowest: int) -> Image.Image:
    """From platform to platform: every time another size, another codec, another quality from `lowest` on."""
    longest = max(image.size)
    for _time in range(times):
        size = random.uniform(0.6, 1.1) * longest / max(image.size)
        image = adjustments.resize(image, random, size)
        quality = random.randint(lowest, lowest + 25)
        data = (
            jpeg(image, random, quality) if random.random() < 0.7 else encoded(image, random, "WEBP", quality=quality)
        )
        image = Image.open(io.BytesIO(data)).convert("RGB")
    return image

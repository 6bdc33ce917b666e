"""Edits that move the picture's points: perspective, large turns, crops by the share that is kept, waves and glass."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.evaluate.scenes import Colour, generator

_Floats = npt.NDArray[np.float32]
#: Four points (x, y) in pixels: upper left, upper right, lower right, lower left.
Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


def computer_vision() -> Any:
    """OpenCV on one thread: processes that are forked later must not inherit its pool of threads."""
    import cv2

    cv2.setNumThreads(0)
    return cv2


def seen(image: Image.Image, behind: Image.Image, corners: Corners) -> Image.Image:
    """The picture over another one, with its corners at these four points; smooth edges."""
    cv2 = computer_vision()
    place = np.array(corners, np.float32)
    # OpenCV would leave pixels out, instead of taking their mean.
    factor = min(1.0, math.sqrt(cv2.contourArea(place) / max(1, image.width * image.height)))
    if factor < 0.9:
        size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
    width, height = image.size
    own = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    matrix = cv2.getPerspectiveTransform(own - 0.5, place - 0.5)
    moved = cv2.warpPerspective(np.asarray(image), matrix, behind.size, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(moved.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round((place - 0.5) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return Image.composite(Image.fromarray(moved), behind, Image.fromarray(mask))


def perspective(image: Image.Image, random: Random, share: float, paper: Colour = (0, 0, 0)) -> Image.Image:
    """Each corner moves inwards by at most this share of the width and height, one of them by all of it."""
    width, height = image.size
    pull = [[random.uniform(0, share), random.uniform(0, share)] for _corner in range(4)]
    pull[random.randrange(4)] = [share, share]
    (a, b), (c, d), (e, f), (g, h) = pull
    corners: Corners = (
        (a * width, b * height),
        ((1 - c) * width, d * height),
        ((1 - e) * width, (1 - f) * height),
        (g * width, (1 - h) * height),
    )
    return seen(image, Image.new("RGB", image.size, paper), corners)


def turn(image: Image.Image, random: Random, degrees: float, cut: bool) -> Image.Image:
    """Turn left or right around the middle. cut: the largest upright part without corners, in the picture's shape; else
    the whole picture on a plain canvas that holds it."""
    angle = degrees * random.choice((-1, 1))
    paper = random.choice(((0, 0, 0), (255, 255, 255), (120, 120, 120)))
    if not cut:
        return image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    turned = image.rotate(angle, Image.Resampling.BICUBIC)
    width, height = image.size
    slant = math.radians(degrees)
    longer = max(width / height, height / width)
    share = max(0.01, 1 / (math.cos(slant) + longer * math.sin(slant)) - 2 / min(image.size))
    return _part(turned, (1 - share) / 2, (1 - share) / 2, share, share)


def keep(image: Image.Image, random: Random, share: float) -> Image.Image:
    """A part anywhere in the picture, of this share of the width and of the height."""
    return _part(image, random.uniform(0, 1 - share), random.uniform(0, 1 - share), share, share)


def stretch_and_keep(image: Image.Image, random: Random, across: float, share: float) -> Image.Image:
    """Make the picture wider or narrower, and keep a part of it."""
    wide = image.resize((max(1, round(image.width * across)), image.height), Image.Resampling.BICUBIC)
    return keep(wide, random, share)


def _part(image: Image.Image, left: float, top: float, wide: float, high: float) -> Image.Image:
    x, y = min(image.width - 1, round(image.width * left)), min(image.height - 1, round(image.height * top))
    return image.crop((x, y, x + max(1, round(image.width * wide)), y + max(1, round(image.height * high))))


def wave(image: Image.Image, random: Random, share: float) -> Image.Image:
    """Rows and columns sway; share: by so much of the longer side, five times over it."""
    x, y = _grid(image)
    size = max(image.size)
    turns, phase = 5 * 2 * math.pi / size, random.uniform(0, 6)
    across, down = share * size * np.sin(y * turns + phase), share * size * np.cos(x * turns)
    return _remap(image, x + across, y + down)


def pinch(image: Image.Image, random: Random, strength: float) -> Image.Image:
    """Draw the middle together (strength above 0) or blow it up (below 0)."""
    x, y = _grid(image)
    middle_x, middle_y = (random.uniform(0.4, 0.6) * side for side in image.size)
    far = np.hypot((x - middle_x) / image.width, (y - middle_y) / image.height) / 0.5
    factor = np.where(far < 1, np.maximum(far, 1e-3) ** -strength, 1).astype(np.float32)
    factor = 1 + (factor - 1) * np.clip(1 - far, 0, 1)
    return _remap(image, middle_x + (x - middle_x) * factor, middle_y + (y - middle_y) * factor)


def swirl(image: Image.Image, random: Random, degrees: float) -> Image.Image:
    """Turn the middle, and less so what is farther from it."""
    x, y = _grid(image)
    middle_x, middle_y = image.width / 2, image.height / 2
    far = np.hypot(x - middle_x, y - middle_y) / (0.5 * max(image.size))
    angle = math.radians(degrees) * np.clip(1 - far, 0, 1) ** 2
    across, down = x - middle_x, y - middle_y
    turned = (
        middle_x + across * np.cos(angle) - down * np.sin(angle),
        middle_y + across * np.sin(angle) + down * np.cos(angle),
    )
    return _remap(image, *turned)


def glass(image: Image.Image, random: Random, share: float, cells: int) -> Image.Image:
    """Behind ribbed or frosted glass: each cell is displaced by its own amount, up to a share of the longer side."""
    cv2 = computer_vision()
    x, y = _grid(image)
    moves = generator(random).uniform(-1, 1, (2, cells, cells)).astype(np.float32) * share * max(image.size)
    across, down = (cv2.resize(each, image.size, interpolation=cv2.INTER_CUBIC) for each in moves)
    return _remap(image, x + across, y + down)


def curl(image: Image.Image, random: Random, share: float) -> Image.Image:
    """A sheet that bends: rows are shifted up and down along an arc; share: of the height, at the middle."""
    x, y = _grid(image)
    arc = np.sin(x / image.width * math.pi) * share * image.height * random.choice((-1, 1))
    return _remap(image, x, y + arc)


def _grid(image: Image.Image) -> tuple[_Floats, _Floats]:
    """x and y of each pixel."""
    y, x = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32)
    return x, y


def _remap(image: Image.Image, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> Image.Image:
    """The picture whose pixels are taken from these places."""
    cv2 = computer_vision()
    where = x.astype(np.float32), y.astype(np.float32)
    return Image.fromarray(cv2.remap(np.asarray(image), *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))

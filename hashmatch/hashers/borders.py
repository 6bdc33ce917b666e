"""Finds the picture inside what was put around it: bars, blurred borders, meme text, a phone's screen.

A framed picture has a completely different perceptual hash, so each part found here gets a hash of its own. All frames have
this in common: the picture ends at straight edges along a whole side, and what lies beyond is either plain (bars, paper with
text, an app's page) or much smoother than any picture (its own blurred copy, with which editors fill a canvas of another
shape). References and queries are both trimmed. So a picture whose own margin looks like a frame, such as an object in front
of a white wall, is trimmed in the same way on both sides, and still matches.

All thresholds were chosen on one half of 200 photographs of ImageNet, in frames of random kinds and sizes, and checked on
the other half, in other frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hashmatch.arrays import Float32, UInt8

Mask = npt.NDArray[np.bool_]
Edges = npt.NDArray[np.intp]
Brightness = Float32 | UInt8

MOST_VIEWS = 3
#: Pixels. Smaller parts have too little detail to be told apart.
SMALLEST_SIDE = 32
#: A part is sampled along 48 to 95 lines down and as many across. Along these, edges are found to the pixel, and all of them
#: cross a frame's edge.
LINES = 48
#: How many frames inside each other are looked for.
DEPTH = 6

# Differences in brightness, out of 255.
SAME = 14  # plain ground may vary by this much: JPEG noise beside text and edges
ALMOST_SAME = 6
STEP = 8  # from plain ground into a picture
SMALL_STEP = 4  # from a blurred border, which has no noise, into a picture

# Shares of a line's samples, but for the last.
STRAYS = 0.03  # may differ in a line of plain ground
BAR_STEPS = 0.35  # make a step where a bar ends
PAPER_STEPS = 0.3  # make a step where a picture on paper ends; fewer, as the margins beside it make none
LEAST_PART = 0.12  # share of a side that a picture on paper takes up

#: Blurred borders have this score or more: the sum of the shares of samples with a step at both edges, less ROUGHNESS_WEIGHT
#: for each doubling of the mean difference between neighbouring pixels outside (from a logistic regression). At 0.6, 226 of
#: 226 edges were found, and 11 of 200 photographs without such borders seemed to have some; at 1.0, 222 and 10.
BLURRED_SCORE = 0.6
BLURRED_STEPS = 0.2  # the least share of steps at either edge: a blank picture is smooth, and has none
ROUGHNESS_WEIGHT = 0.45


class Box(NamedTuple):
    """A part of an array of pixels: luma[top:bottom, left:right]."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a picture, with samples of it.

    rows: every pixel down, and some across, uint8 (height, n). columns: every pixel across, and some down, uint8 (width, m).
    plain_rows, plain_columns: which of them are plain ground, bool (height,) and (width,); see _ground.
    """

    box: Box
    rows: UInt8
    columns: UInt8
    plain_rows: Mask
    plain_columns: Mask


#: Pixels outside a box that still belong to its edge; a step in brightness too large for noise; and the largest share of
#: neighbouring pixels with such a step in plain surroundings. Bars and blurred borders have none (median), and memes, phone
#: screens and the texts of posters 0.25 % or more.
SEAM, STEEP, PLAIN_SHARE = 4, 32, 0.002

#: Takes a part of a picture, and returns the same part or a smaller one.
Trim = Callable[[Brightness, _Part], _Part]


def find_views(luma: Brightness) -> tuple[Box, ...]:
    """Up to three parts of a picture that may have been framed, the likeliest first; often none.

    luma: brightness of the upright picture, (height, width), 0 to 255.
    """
    height, width = luma.shape
    if min(height, width) < 2 * SMALLEST_SIDE:
        return ()
    whole = _part(luma, Box(0, 0, width, height))
    plain = [whole, *_trimmed(luma, whole, _off_paper, _off_bars)]
    innermost = plain[-1]
    # In the whole picture first, since parts of a blurred border can look like bars or paper.
    unblurred = _off_blur(luma, whole)
    if unblurred is whole is not innermost:
        unblurred = _off_blur(luma, innermost)
    sharp = [unblurred]
    if not _alike(unblurred.box, innermost.box):
        sharp += _trimmed(luma, unblurred, _off_paper, _off_bars)
    views: list[Box] = []
    for part in (innermost, *sharp[::-1], _off_plain_ground(luma, innermost), *plain[::-1]):
        if not any(_alike(part.box, other) for other in (whole.box, *views)):
            views.append(part.box)
    return tuple(views[:MOST_VIEWS])


def _trimmed(luma: Brightness, part: _Part, *trims: Trim) -> Iterator[_Part]:
    """What is left after each step. A step applies the first of `trims` that takes anything off."""
    for _step in range(DEPTH):
        before = part
        part = next((smaller for trim in trims if (smaller := trim(luma, before)) is not before), before)
        if part is before:
            return
        yield part


def _part(luma: Brightness, box: Box) -> _Part:
    pixels = luma[box.top : box.bottom, box.left : box.right]
    down, across = (max(1, length // LINES) for length in pixels.shape)
    rows = pixels[:, across // 2 :: across].astype(np.uint8, order="C")
    columns = pixels[down // 2 :: down].T.astype(np.uint8, order="C")
    return _Part(box, rows, columns, _ground(rows), _ground(columns))


def _alike(box: Box, other: Box) -> bool:
    """Whether two boxes are the same, as precisely as edges can be found."""
    return all(abs(a - b) <= 2 for a, b in zip(box, other, strict=True))


def _cut(luma: Brightness, part: _Part, down: tuple[int, int], across: tuple[int, int]) -> _Part:
    """Rows down[0] to down[1] and columns across[0] to across[1] of a part; the same part if that is all of it."""
    if (down, across) == ((0, len(part.rows)), (0, len(part.columns))):
        return part
    left, top = part.box.left, part.box.top
    return _part(luma, Box(left + across[0], top + down[0], left + across[1], top + down[1]))


# The following functions look at `lines`, uint8 (length, n): rows or columns, each with n samples. Edge i lies between lines
# i - 1 and i; edges 0 and `length` are those of the part.


def _off_bars(luma: Brightness, part: _Part) -> _Part:
    """Take off bars of one or several colours, each up to a straight edge."""
    height, width = len(part.rows), len(part.columns)
    top, bottom = _bar(part.rows), height - _bar(part.rows[::-1])
    left, right = _bar(part.columns), width - _bar(part.columns[::-1])
    if bottom - top < SMALLEST_SIDE or right - left < SMALLEST_SIDE:
        return part
    # Judge each edge between the other bars only: where it runs on between bars of one colour, there is no step.
    rows = part.rows[:, _samples(part.rows, left / width, right / width)]
    columns = part.columns[:, _samples(part.columns, top / height, bottom / height)]
    return _cut(luma, part, _straight(rows, top, bottom), _straight(columns, left, right))


def _straight(lines: UInt8, start: int, end: int) -> tuple[int, int]:
    """Where the bars end, if at straight edges, or else the part's own edges."""
    at_start, at_end = _steps(lines, np.array([start, end])) >= BAR_STEPS
    return start if at_start else 0, end if at_end else len(lines)


def _samples(lines: UInt8, start: float, end: float) -> slice:
    """The samples of lines from start to end, as shares of their length."""
    first = int(start * lines.shape[1])
    return slice(first, max(first + 1, int(end * lines.shape[1])))


def _bar(lines: UInt8) -> int:
    """How many lines at the start are like the first, if that is plain or has a few plain colours."""
    first = np.sort(lines[:3], axis=0)[1]
    if _share(_difference(first[1:], first[:-1])[None] > ALMOST_SAME)[0] > STRAYS:
        return 0
    different = _share(_difference(lines, first) > SAME) > STRAYS
    end = int(different.argmax())
    if end < max(3, len(lines) // 100) or not different[end]:
        return 0
    return int(_to_the_pixel(lines, np.array([end]))[0])


def _off_paper(luma: Brightness, part: _Part, least_steps: float = PAPER_STEPS) -> _Part:
    """Keep the largest picture on plain ground among text, symbols and lines, as in a meme or an app's page."""
    part = _cut(luma, part, _on_paper(part.rows, part.plain_rows, least_steps), (0, len(part.columns)))
    return _cut(luma, part, (0, len(part.rows)), _on_paper(part.columns, part.plain_columns, least_steps))


def _off_plain_ground(luma: Brightness, part: _Part) -> _Part:
    """Keep the largest thing on plain ground, of any shape: all that shows of a picture with white edges on a white page."""
    return _off_paper(luma, part, 0.0)


def _on_paper(lines: UInt8, ground: Mask, least_steps: float) -> tuple[int, int]:
    """Cut the lines where the ground begins and ends. Returns both ends of the piece with most lines other than ground."""
    length = len(lines)
    if not ground.any():
        return 0, length
    edges = _to_the_pixel(lines, np.flatnonzero(ground[1:] != ground[:-1]) + 1)
    cuts = np.array(sorted({0, *edges[_steps(lines, edges) >= least_steps].tolist(), length}))
    others = np.concatenate(([0], np.cumsum(~ground)))
    largest = int(np.diff(others[cuts]).argmax())
    start, end = int(cuts[largest]), int(cuts[largest + 1])
    return (start, end) if end - start >= max(SMALLEST_SIDE, LEAST_PART * length) else (0, length)


def _ground(lines: UInt8) -> Mask:
    """Which lines are plain and have the brightness of most plain lines: bool (length,)."""
    ground = np.zeros(len(lines), np.bool_)
    few = np.sort(lines[:, ::8], axis=1)
    maybe = np.flatnonzero(few[:, -1] - few[:, 0] <= 2 * SAME)
    middle = few[maybe, few.shape[1] // 2]
    plain = _share(_difference(lines[maybe], middle[:, None]) > SAME) <= STRAYS
    if plain.any():
        brightness = np.convolve(np.bincount(middle[plain], minlength=256), np.ones(9), "same").argmax()
        ground[maybe] = plain & (_difference(middle, np.uint8(brightness)) <= ALMOST_SAME)
    return ground


def _off_blur(luma: Brightness, part: _Part) -> _Part:
    """Take off equally wide borders on opposite sides that are much smoother than a picture."""
    return _cut(luma, part, _between_smooth_borders(part.rows), _between_smooth_borders(part.columns))


def _between_smooth_borders(lines: UInt8) -> tuple[int, int]:
    """Where the middle begins and ends if there are such borders, or else both ends of all lines."""
    length = len(lines)
    width = np.arange(max(5, length // 50), min(int(0.46 * length), (length - SMALLEST_SIDE) // 2))
    if not width.size:
        return 0, length
    at_start, at_end = _smooth_on_one_side(lines)
    differences = np.minimum(_difference(lines[1:], lines[:-1]), 40).astype(np.float32)
    roughness = differences @ np.full(lines.shape[1], 1 / lines.shape[1], np.float32)
    outside = (roughness.cumsum()[width - 3] + roughness[::-1].cumsum()[width - 3]) / (2 * (width - 2))
    steps = np.stack((at_start[width], at_end[length - width]))
    score = steps.sum(axis=0) - ROUGHNESS_WEIGHT * np.log2(outside + 0.2)
    best = int(np.where(steps.min(axis=0) >= BLURRED_STEPS, score, -np.inf).argmax())
    if score[best] < BLURRED_SCORE or steps[:, best].min() < BLURRED_STEPS:
        return 0, length
    start, end = _to_the_pixel(lines, np.array([width[best], length - width[best]]))
    return int(start), int(end)


def _smooth_on_one_side(lines: UInt8) -> tuple[Float32, Float32]:
    """For each edge, the share of samples with a step near it that is at most half as large before it, or after it.

    Steps are taken over three lines, since scaling and compression spread an edge that far.
    Returns two float32 (length + 1,): smooth before, smooth after.
    """
    step = _difference(lines[3:], lines[:-3])  # step[i] is about the edge i + 2
    small, large = step >> 1, step >= SMALL_STEP
    shares = np.zeros((2, len(lines) + 1), np.float32)
    shares[0, 5:-2] = _share(large[3:] & (small[3:] >= step[:-3]))
    shares[1, 2:-5] = _share(large[:-3] & (small[:-3] >= step[3:]))
    near = shares.copy()
    for distance in (1, 2):
        np.maximum(near[:, distance:], shares[:, :-distance], out=near[:, distance:])
        np.maximum(near[:, :-distance], shares[:, distance:], out=near[:, :-distance])
    return near[0], near[1]


def _to_the_pixel(lines: UInt8, edges: Edges) -> Edges:
    """Each edge moved by up to three lines, to the largest step."""
    near = np.clip(edges[:, None] + np.arange(-3, 4), 1, len(lines) - 1)
    differences = _difference(lines[near], lines[near - 1]).sum(axis=2, dtype=np.int32)
    nearest: Edges = near[np.arange(len(edges)), differences.argmax(axis=1)]
    return nearest


def _steps(lines: UInt8, edges: Edges) -> Float32:
    """The share of samples that make a step at each edge: float32; 1 at the part's own edges."""
    before, after = lines[np.maximum(edges - 2, 0)], lines[np.minimum(edges + 1, len(lines) - 1)]
    own = (edges == 0) | (edges == len(lines))
    return np.where(own, np.float32(1), _share(_difference(before, after) > STEP))


def _difference(a: UInt8, b: UInt8 | np.uint8) -> UInt8:
    """|a - b|; plain subtraction of unsigned numbers would wrap around."""
    return np.maximum(a, b) - np.minimum(a, b)


def _share(mask: Mask) -> Float32:
    """The share of set samples in each line: float32 (length,). Several times as fast as `mask.mean(axis=1)`."""
    set_samples = np.add.reduce(mask.view(np.uint8), axis=1, dtype=np.uint8)  # at most 95, so they fit
    share: Float32 = set_samples / np.float32(mask.shape[1])
    return share


def is_plain_outside(luma: UInt8, box: Box) -> bool:
    """Whether everything outside a box is plain or smooth, as bars and blurred borders are, and text and buttons are not.

    luma: brightness, uint8 (height, width).
    """
    height, width = luma.shape
    # The edge of the box itself does not count as detail outside.
    left, top = max(0, box.left - SEAM), max(0, box.top - SEAM)
    right, bottom = min(width, box.right + SEAM), min(height, box.bottom + SEAM)
    steps = edges = 0
    for part in (luma[:top], luma[bottom:], luma[top:bottom, :left], luma[top:bottom, right:]):
        for one, other in ((part[1:], part[:-1]), (part[:, 1:], part[:, :-1])):
            edges += int(np.count_nonzero(_difference(one, other) > STEEP))
            steps += one.size
    return edges <= PLAIN_SHARE * steps

"""Where the picture begins within what was put around it: bars, blurred borders, meme text, a phone's screen.

A perceptual hash of a framed picture is that of another picture, so each part found here gets a hash of its own. What
frames have in common is that the picture ends at straight edges along a whole side, and that what lies beyond is either
plain (bars, paper with text, an app's page) or much smoother than any picture (its own blurred copy, which editors put
behind a picture to fill a canvas of another shape). References and queries are both trimmed. A picture whose own margin
looks like a frame, such as an object before a white wall, is therefore trimmed alike on both sides and matches as well.

All thresholds were set on one half of 200 photographs of ImageNet, in frames of random kinds and sizes, and checked on
the other half in other frames.
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
#: Pixels. Smaller parts have too little in them to be told apart.
SMALLEST_SIDE = 32
#: A part is looked at along some 48 to 95 lines down and as many across: edges are found to the pixel along these, and
#: a frame's edge is there in all of them.
LINES = 48
#: How often a frame within a frame is looked for.
DEPTH = 6

# Differences of brightness, of 255.
SAME = 14  # plain ground may vary by so much: noise of JPEG beside text and edges
ALMOST_SAME = 6
STEP = 8  # from plain ground into a picture
SMALL_STEP = 4  # from a blurred border, which has no noise, into a picture

# Parts of a line's samples.
STRAYS = 0.03  # that may differ in a line of plain ground
BAR_STEPS = 0.35  # that make a step where a bar ends
PAPER_STEPS = 0.3  # that make a step where a picture on paper ends; lower, as margins beside it make none
LEAST_PART = 0.12  # of a side that a picture on paper takes up

#: Blurred borders are told by the shares of samples with a step at both edges, less ROUGHNESS_WEIGHT for each doubling of
#: the mean difference of neighbouring pixels outside (from a logistic regression). At 0.6, 226 of 226 edges were found,
#: and 11 of 200 photographs without such borders seemed to have some; at 1.0 it was 222 and 10.
BLURRED_SCORE = 0.6
BLURRED_STEPS = 0.2  # the least share at either edge: a blank picture has none, and is smooth
ROUGHNESS_WEIGHT = 0.45


class Box(NamedTuple):
    """A part of an array of pixels: luma[top:bottom, left:right]."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a picture, and samples of it.

    rows: (height, n) every pixel down, and some across; columns: (width, m) every pixel across, and some down.
    plain_rows, plain_columns: (height,), (width,) which of them are ground that something may lie on; see _ground.
    """

    box: Box
    rows: UInt8
    columns: UInt8
    plain_rows: Mask
    plain_columns: Mask


#: Pixels beside the edge of a box that belong to it; a step of brightness that is no noise; and the share of neighbouring
#: pixels with such a step up to which what lies outside of a box is plain: bars and blurred borders have 0 (median), memes,
#: phone screens and the texts of posters 0.25 % and more.
SEAM, STEEP, PLAIN_SHARE = 4, 32, 0.002

#: Takes a part of a picture, and gives it back or a smaller one.
Trim = Callable[[Brightness, _Part], _Part]


def find_views(luma: Brightness) -> tuple[Box, ...]:
    """Up to three parts of a picture that may be what a frame was put around, the likeliest first; often none.

    luma: (height, width) brightness, 0 to 255, upright.
    """
    height, width = luma.shape
    if min(height, width) < 2 * SMALLEST_SIDE:
        return ()
    whole = _part(luma, Box(0, 0, width, height))
    plain = [whole, *_trimmed(luma, whole, _off_paper, _off_bars)]
    innermost = plain[-1]
    # Looked for in the whole first: a blurred border can hold what looks like bars or paper.
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
    """What is left after each step, where a step is the first of `trims` that takes anything off."""
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
    """Whether they differ by no more than edges are found to."""
    return all(abs(a - b) <= 2 for a, b in zip(box, other, strict=True))


def _cut(luma: Brightness, part: _Part, down: tuple[int, int], across: tuple[int, int]) -> _Part:
    """The part from its rows down[0] to down[1] and its columns across[0] to across[1]; itself where that is all of it."""
    if (down, across) == ((0, len(part.rows)), (0, len(part.columns))):
        return part
    left, top = part.box.left, part.box.top
    return _part(luma, Box(left + across[0], top + down[0], left + across[1], top + down[1]))


# Each of the following looks at `lines`, (length, n): `length` rows or columns, of each of which there are n samples. An
# edge at i lies between the lines i - 1 and i; at 0 and at length it is that of the part.


def _off_bars(luma: Brightness, part: _Part) -> _Part:
    """Take off bars of one colour or of several, each as far as a straight edge."""
    height, width = len(part.rows), len(part.columns)
    top, bottom = _bar(part.rows), height - _bar(part.rows[::-1])
    left, right = _bar(part.columns), width - _bar(part.columns[::-1])
    if bottom - top < SMALLEST_SIDE or right - left < SMALLEST_SIDE:
        return part
    # An edge is judged between the other bars: where it goes on between bars of one colour there is no step.
    rows = part.rows[:, _samples(part.rows, left / width, right / width)]
    columns = part.columns[:, _samples(part.columns, top / height, bottom / height)]
    return _cut(luma, part, _straight(rows, top, bottom), _straight(columns, left, right))


def _straight(lines: UInt8, start: int, end: int) -> tuple[int, int]:
    """Where bars end, if at straight edges, else the part's own edges."""
    at_start, at_end = _steps(lines, np.array([start, end])) >= BAR_STEPS
    return start if at_start else 0, end if at_end else len(lines)


def _samples(lines: UInt8, start: float, end: float) -> slice:
    """The samples of lines from start to end, in parts of their length."""
    first = int(start * lines.shape[1])
    return slice(first, max(first + 1, int(end * lines.shape[1])))


def _bar(lines: UInt8) -> int:
    """How many lines at the start are like the first, which is plain or of a few plain colours."""
    first = np.sort(lines[:3], axis=0)[1]
    if _share(_difference(first[1:], first[:-1])[None] > ALMOST_SAME)[0] > STRAYS:
        return 0
    different = _share(_difference(lines, first) > SAME) > STRAYS
    end = int(different.argmax())
    if end < max(3, len(lines) // 100) or not different[end]:
        return 0
    return int(_to_the_pixel(lines, np.array([end]))[0])


def _off_paper(luma: Brightness, part: _Part, least_steps: float = PAPER_STEPS) -> _Part:
    """Keep the largest picture that lies on plain ground among text, symbols and lines: a meme, an app's page."""
    part = _cut(luma, part, _on_paper(part.rows, part.plain_rows, least_steps), (0, len(part.columns)))
    return _cut(luma, part, (0, len(part.rows)), _on_paper(part.columns, part.plain_columns, least_steps))


def _off_plain_ground(luma: Brightness, part: _Part) -> _Part:
    """Keep the largest thing on plain ground, of whatever shape: what a white page leaves of a picture on white."""
    return _off_paper(luma, part, 0.0)


def _on_paper(lines: UInt8, ground: Mask, least_steps: float) -> tuple[int, int]:
    """Cut the lines at edges to and from the ground, and return the ends of the piece with most lines that are not."""
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
    """(length,) which lines are plain, and of the brightness that most plain lines have."""
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
    """Take off borders at opposite sides that are equally wide and much smoother than a picture."""
    return _cut(luma, part, _between_smooth_borders(part.rows), _between_smooth_borders(part.columns))


def _between_smooth_borders(lines: UInt8) -> tuple[int, int]:
    """The edges of what lies in the middle, if there are such borders, else those of all lines."""
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
    """(length + 1,) the share of samples that have a step near each edge, and before it, or after it, half as much or less.

    Steps are taken over three lines, since scaling and compression spread an edge over so many.
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
    """The edges with the greatest step within three lines of each."""
    near = np.clip(edges[:, None] + np.arange(-3, 4), 1, len(lines) - 1)
    differences = _difference(lines[near], lines[near - 1]).sum(axis=2, dtype=np.int32)
    nearest: Edges = near[np.arange(len(edges)), differences.argmax(axis=1)]
    return nearest


def _steps(lines: UInt8, edges: Edges) -> Float32:
    """The share of samples that make a step at each edge; at the part's own edges, 1."""
    before, after = lines[np.maximum(edges - 2, 0)], lines[np.minimum(edges + 1, len(lines) - 1)]
    own = (edges == 0) | (edges == len(lines))
    return np.where(own, np.float32(1), _share(_difference(before, after) > STEP))


def _difference(a: UInt8, b: UInt8 | np.uint8) -> UInt8:
    """|a - b|, which unsigned numbers would wrap around."""
    return np.maximum(a, b) - np.minimum(a, b)


def _share(mask: Mask) -> Float32:
    """(length,) the share of samples in each line that are set; several times as fast as `mask.mean(axis=1)`."""
    set_samples = np.add.reduce(mask.view(np.uint8), axis=1, dtype=np.uint8)  # of at most 95
    share: Float32 = set_samples / np.float32(mask.shape[1])
    return share


def is_plain_outside(luma: UInt8, box: Box) -> bool:
    """Whether what lies outside a box is plain or smooth: bars and blurred borders are, text and buttons are not.

    luma: uint8 (height, width), brightness.
    """
    height, width = luma.shape
    # The edge of the box itself is no detail of what is outside.
    left, top = max(0, box.left - SEAM), max(0, box.top - SEAM)
    right, bottom = min(width, box.right + SEAM), min(height, box.bottom + SEAM)
    steps = edges = 0
    for part in (luma[:top], luma[bottom:], luma[top:bottom, :left], luma[top:bottom, right:]):
        for one, other in ((part[1:], part[:-1]), (part[:, 1:], part[:, :-1])):
            edges += int(np.count_nonzero(_difference(one, other) > STEEP))
            steps += one.size
    return edges <= PLAIN_SHARE * steps

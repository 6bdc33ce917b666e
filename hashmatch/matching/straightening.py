"""Near by proof: the quadrilateral that local features found is straightened, and compared with the reference's guards.

Local features say where a reference's picture is in a suspect. Warped to a square, that part of the suspect is a picture
whose hash and guards can be compared with those that are stored. Where the suspect shows only a part of the reference, the
blocks that it shows are compared, and PDQ, which is of the whole picture, says nothing.

Features place the corners to some pixels, and the finer guard notices two. So the quadrilateral is moved and scaled a little
to where the finer blocks agree best. No move makes one text of another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashmatch.hashers import blocks, details
from hashmatch.hashers.blocks import Levels
from hashmatch.matching import layouts
from hashmatch.matching.local import LocalMatch
from hashmatch.matching.results import StraightenedEvidence
from hashmatch.matching.tiers import (
    ENOUGH_VISIBLE,
    MOST_COLOUR_DIFFERENCE,
    STRAIGHT,
    WHOLE,
)
from hashmatch.records import Guards, SmallCopy

Samples = npt.NDArray[np.float32]

#: Points of a side of the straightened picture: twice those of the details, and four times those of the blocks.
SIDE = 2 * details.SIDE
#: How far the quadrilateral is moved, in parts of the reference's side, first by the blocks and then by the finer ones.
_COARSE_STEPS, _FINE_STEPS = (0.03, 0.015), (0.008, 0.004, 0.002)
#: What is moved: all across, all down, the width, the height; and each corner, for perspective, which an affine transform
#: lacks. Float64 (12, 4, 2).
_MOVES: npt.NDArray[np.float64] = np.concatenate(
    (
        [
            [(1, 0), (1, 0), (1, 0), (1, 0)],
            [(0, 1), (0, 1), (0, 1), (0, 1)],
            [(-1, 0), (1, 0), (1, 0), (-1, 0)],
            [(0, -1), (0, -1), (0, 1), (0, 1)],
        ],
        np.eye(8).reshape(8, 4, 2),
    )
)


def proves(found: StraightenedEvidence) -> bool:
    """Whether this proves the same picture."""
    is_like = found.contradiction <= STRAIGHT.contradiction and (
        (found.distance is not None and found.distance <= STRAIGHT.distance)
        or (found.contradiction <= STRAIGHT.few and found.agreement >= STRAIGHT.agreement)
    )
    fits = found.details <= STRAIGHT.in_a_row and (found.colours is None or found.colours <= MOST_COLOUR_DIFFERENCE)
    return is_like and fits and found.visible >= ENOUGH_VISIBLE and found.agreement >= STRAIGHT.least_agreement


def straighten(copy: SmallCopy, local: LocalMatch, bits: bytes | None, guards: Guards) -> StraightenedEvidence | None:
    """Compare the part of a suspect within a quadrilateral with a reference.

    copy: the suspect. local: where the reference is in it. bits: PDQ of the reference. guards: of its whole picture.
    Returns None where there is nothing to compare: the reference has no details, or too little of it is visible.
    """
    if guards.details is None:
        return None
    coarse, finer = blocks.unpack(guards.blocks), details.unpack(guards.details)
    luma, *chroma = _planes(copy, local.inverted)
    corners = np.array(local.quadrilateral, np.float64)
    if _visible(luma.shape, corners, details.GRID).mean() < ENOUGH_VISIBLE:
        return None
    corners = _moved(luma, corners, coarse, _COARSE_STEPS)
    corners = _moved(luma, corners, finer.levels, _FINE_STEPS)
    points, seen = _warped(luma, corners), _visible(luma.shape, corners, blocks.GRID)
    visible = float(seen.mean())
    ours = _levels(points, coarse, seen)
    fine_seen = _visible(luma.shape, corners, details.GRID)
    fine = _levels(points, finer.levels, fine_seen)
    strong = (np.abs(coarse) == 2) & seen[:, :, None]
    colours = None
    if visible >= WHOLE and finer.cells is not None and chroma:
        colours = round(layouts.colour_difference(_cells([luma, *chroma], corners), finer.cells), 1)
    one, two, three, four = ((round(float(x), 4), round(float(y), 4)) for x, y in corners)
    return StraightenedEvidence(
        _distance(points, bits) if visible >= WHOLE and bits is not None else None,
        layouts.contradiction(ours, coarse),
        layouts.row_contradiction(fine, finer.levels),
        colours,
        round(float((ours * coarse >= 2)[strong].mean()) if strong.any() else 0.0, 3),
        round(visible, 3),
        (one, two, three, four),
    )


def _moved(
    luma: npt.NDArray[np.uint8], corners: npt.NDArray[np.float64], reference: Levels, steps: Sequence[float]
) -> npt.NDArray[np.float64]:
    """The corners, moved to where the blocks agree best with the reference's, by steps that become smaller."""
    wanted, grid = reference.astype(np.float32), len(reference)

    def agreement(some: npt.NDArray[np.float64]) -> float:
        seen = _visible(luma.shape, some, grid)
        ours, theirs = blocks.coefficients_of(_warped(luma, some, grid * blocks.BLOCK))[seen], wanted[seen]
        return float((ours * theirs).sum()) / max(float(np.linalg.norm(ours) * np.linalg.norm(theirs)), 1e-6)

    across, down = corners[1] - corners[0], corners[3] - corners[0]
    best = agreement(corners)
    for step in steps:
        for move in _MOVES:
            for size in (step, -step):
                other = (corners + size * (move[:, :1] * across + move[:, 1:] * down)).astype(np.float64)
                found = agreement(other)
                if found > best:
                    best, corners = found, other
                    break
    return corners


def _matrix(shape: tuple[int, ...], corners: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """The perspective transform from the straightened square to pixels of a picture of this (height, width)."""
    import cv2

    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    places = (corners * (shape[1], shape[0])).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(square, places), np.float64)


def _warped(picture: npt.NDArray[np.uint8], corners: npt.NDArray[np.float64], side: int = SIDE) -> Samples:
    """A picture's part within the corners, as a square: float32 (side, side), 0 to 255."""
    import cv2

    # Pixels are squares: the centre of the first is at a half.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = np.linalg.inv(half) @ _matrix(picture.shape, corners, side) @ half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(picture, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def _visible(shape: tuple[int, ...], corners: npt.NDArray[np.float64], grid: int) -> npt.NDArray[np.bool_]:
    """Which blocks of a grid the suspect shows as a whole: bool (grid, grid)."""
    edges = np.linspace(0, SIDE, grid + 1)
    places = (
        np.stack((*np.meshgrid(edges, edges), np.ones((grid + 1, grid + 1))), axis=-1) @ _matrix(shape, corners, SIDE).T
    )
    x, y, w = np.moveaxis(places, -1, 0)
    slack = 0.01 * max(shape)
    inside = (
        (w > 0) & (x >= -slack * w) & (x <= (shape[1] + slack) * w) & (y >= -slack * w) & (y <= (shape[0] + slack) * w)
    )
    whole: npt.NDArray[np.bool_] = inside[1:, 1:] & inside[:-1, 1:] & inside[1:, :-1] & inside[:-1, :-1]
    return whole


def _levels(points: Samples, reference: Levels, seen: npt.NDArray[np.bool_]) -> Levels:
    """The levels of a straightened picture, with those of the reference where it is not seen.

    What counts as strong depends on the whole picture, of which we may see a part. So as many coefficients are strong as the
    reference has there.
    """
    grid = len(reference)
    chosen = blocks.coefficients_of(points.reshape(grid * 8, SIDE // grid // 8, grid * 8, -1).mean(axis=(1, 3)))
    strengths = np.abs(chosen)
    theirs = np.abs(reference[seen])
    limits = [
        float(np.quantile(strengths[seen], 1 - np.clip((theirs >= level).mean(), 0.0, 1.0))) if seen.any() else 0.0
        for level in (1, 2)
    ]
    level = (strengths >= max(limits[0], 1e-3)).astype(np.int8) + (strengths >= max(limits[1], 1e-3))
    signed: Levels = np.where(chosen < 0, -level, level).astype(np.int8)
    return np.where(seen[:, :, None], signed, reference).astype(np.int8)


def _distance(points: Samples, bits: bytes) -> int:
    from hashmatch.hashers import pdq

    ours, _quality = pdq.hash_luma(points, (SIDE, SIDE))
    return (int.from_bytes(ours, "big") ^ int.from_bytes(bits, "big")).bit_count()


def _planes(copy: SmallCopy, inverted: bool) -> list[npt.NDArray[np.uint8]]:
    """Brightness and, if they are known, Cb and Cr: uint8, each (height, width) of its own. inverted: of the negative."""
    planes = [np.frombuffer(copy.luma, np.uint8).reshape(copy.height, copy.width)]
    if copy.chroma:
        planes += list(np.frombuffer(copy.chroma, np.uint8).reshape(2, copy.chroma_height, copy.chroma_width))
    return [255 - plane for plane in planes] if inverted else planes


def _cells(planes: list[npt.NDArray[np.uint8]], corners: npt.NDArray[np.float64]) -> details.Cells:
    """The mean colours of the straightened picture's cells."""
    size = SIDE // details.CELLS
    warped = [_warped(plane, corners) for plane in planes]
    cells = [plane.reshape(details.CELLS, size, details.CELLS, size).mean(axis=(1, 3)) for plane in warped]
    return np.stack(cells, axis=-1).round().astype(np.uint8)

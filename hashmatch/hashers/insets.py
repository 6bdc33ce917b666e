"""A film that is shown within another picture, be that still or in motion: found by its edges, which are straight and stay
where they are while all else changes.
"""

from __future__ import annotations

import itertools

import numpy as np

from hashmatch.arrays import Float32, UInt8
from hashmatch.hashers.frames import FrameArea

#: Difference of brightness, of 255, that makes an edge, over two pixels, since scaling spreads one over so many.
STEP = 8
#: An edge must be there in this part of the frames, on average along each side. Of insets in unlike surroundings it is 0.5
#: to 1; where both are dark it is less.
THERE = 0.35
#: Lines across and down that are looked at, and how far apart they are, in pixels.
LINES, APART = 8, 4
#: The smallest inset, in parts of a side; a smaller one is a window or a sign in the scene.
SMALLEST = 0.4
#: And the largest, by what is left around it: less is no frame.
THINNEST = 0.03


def find_inset(squares: UInt8) -> FrameArea | None:
    """The rectangle with the most lasting edges on all four sides; None where there is none.

    squares: uint8 (n, side, side), brightness, frames of some seconds of a film.
    """
    side = squares.shape[1]
    down, across = _lasting(squares), _lasting(squares.swapaxes(1, 2)).T
    # How much of the lines down, at each column, is there from the top to each row; and of those across alike.
    down_to, across_to = _summed(_wide(down)), _summed(_wide(across.T)).T
    columns, rows = _strongest(down), _strongest(across.T)
    best, found = 0.0, None
    for (left, right), (top, bottom) in itertools.product(_pairs(columns, side), _pairs(rows, side)):
        height, width = bottom - top, right - left
        edges = (
            (down_to[bottom, left] - down_to[top, left], height),
            (down_to[bottom, right] - down_to[top, right], height),
            (across_to[top, right] - across_to[top, left], width),
            (across_to[bottom, right] - across_to[bottom, left], width),
        )
        if min(there / length for there, length in edges) < THERE:
            continue
        weight = sum(float(there) - THERE * length for there, length in edges)
        if weight > best:
            best, found = weight, FrameArea(left / side, top / side, (right + 1) / side, (bottom + 1) / side)
    if found is None or max(found.left, found.top, 1 - found.right, 1 - found.bottom) < THINNEST:
        return None
    return found


def _lasting(squares: UInt8) -> Float32:
    """(side, side): the part of the frames in which there is an edge down at each place, between its neighbours, more than
    beside it: where there is much to see, there are edges everywhere, now and then."""
    count, side, _side = squares.shape
    lasting = np.zeros((side, side), np.float32)
    before, after = squares[:, :, :-2], squares[:, :, 2:]
    edges = np.maximum(before, after) - np.minimum(before, after) > STEP
    lasting[:, 1:-1] = edges.sum(axis=0) / np.float32(count)
    padded = np.pad(lasting[:, 1:-1], ((0, 0), (1 + APART, 1 + APART)), "reflect")
    return np.maximum(lasting - np.minimum(padded[:, : -2 * APART], padded[:, 2 * APART :]), 0)


def _strongest(lasting: Float32) -> list[int]:
    """Columns with the heaviest stretch of a lasting edge, ascending."""
    summed = _summed(lasting - THERE)
    heaviest = (summed - np.minimum.accumulate(summed, axis=0)).max(axis=0)
    least = (1 - THERE) * SMALLEST / 4 * len(lasting)
    chosen: list[int] = []
    for column in np.argsort(-heaviest, kind="stable").tolist():
        if heaviest[column] < least or len(chosen) == LINES:
            break
        if all(abs(column - other) >= APART for other in chosen):
            chosen.append(column)
    return sorted(chosen)


def _pairs(lines: list[int], side: int) -> list[tuple[int, int]]:
    return [(a, b) for a, b in itertools.combinations(lines, 2) if b - a >= SMALLEST * side]


def _wide(lasting: Float32) -> Float32:
    """Each place with the most of itself and its neighbours across: no edge is everywhere at the same pixel."""
    wide = lasting.copy()
    np.maximum(wide[:, 1:], lasting[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], lasting[:, 1:], out=wide[:, :-1])
    return wide


def _summed(values: Float32) -> Float32:
    """(n + 1, m): sums of the rows before each."""
    summed: Float32 = np.zeros((len(values) + 1, values.shape[1]), np.float32)
    np.cumsum(values, axis=0, out=summed[1:])
    return summed

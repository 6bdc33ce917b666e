"""Finds a film shown inside another picture, still or moving: its edges are straight, and stay in place while all else
changes.
"""

from __future__ import annotations

import itertools

import numpy as np

from hashmatch.arrays import Float32, UInt8
from hashmatch.hashers.frames import FrameArea

#: Difference in brightness, out of 255, that counts as an edge. It is taken over two pixels, since scaling blurs an edge.
STEP = 8
#: The share of frames in which an edge must be there, on average along each side. Insets in surroundings unlike themselves
#: have 0.5 to 1; where both are dark, less.
THERE = 0.35
#: How many lines across, and how many down, are considered; and their least distance, in pixels.
LINES, APART = 8, 4
#: The smallest inset, as a share of a side; anything smaller is a window or a sign in the scene.
SMALLEST = 0.4
#: The largest inset, by the share of a side that must be left beside it.
THINNEST = 0.03


def find_inset(squares: UInt8) -> FrameArea | None:
    """The rectangle with the most lasting edges on all four sides, or None.

    squares: brightness of the frames of a few seconds of film, uint8 (n, side, side).
    """
    side = squares.shape[1]
    down, across = _lasting(squares), _lasting(squares.swapaxes(1, 2)).T
    # How much of the edge down each column there is, from the top to each row; and the same across.
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
    """In which share of the frames there is a vertical edge at each place: float32 (side, side).

    Less the share beside it, since in a busy scene there are edges everywhere now and then.
    """
    count, side, _side = squares.shape
    lasting = np.zeros((side, side), np.float32)
    before, after = squares[:, :, :-2], squares[:, :, 2:]
    edges = np.maximum(before, after) - np.minimum(before, after) > STEP
    lasting[:, 1:-1] = edges.sum(axis=0) / np.float32(count)
    padded = np.pad(lasting[:, 1:-1], ((0, 0), (1 + APART, 1 + APART)), "reflect")
    return np.maximum(lasting - np.minimum(padded[:, : -2 * APART], padded[:, 2 * APART :]), 0)


def _strongest(lasting: Float32) -> list[int]:
    """The columns with the strongest stretch of a lasting edge, ascending."""
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
    """The largest of each place and its neighbours to the left and right, since no edge keeps to one pixel."""
    wide = lasting.copy()
    np.maximum(wide[:, 1:], lasting[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], lasting[:, 1:], out=wide[:, :-1])
    return wide


def _summed(values: Float32) -> Float32:
    """For each row, the sum of all rows before it: float32 (n + 1, m)."""
    summed: Float32 = np.zeros((len(values) + 1, values.shape[1]), np.float32)
    np.cumsum(values, axis=0, out=summed[1:])
    return summed

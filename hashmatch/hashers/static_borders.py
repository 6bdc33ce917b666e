"""Where a film's picture begins within what was put around it: as borders.py tells of one picture, but with more to go by,
since borders stay where they are while the film goes on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.borders import SMALLEST_SIDE, Box, find_views
from hashmatch.hashers.frames import Area

UInt8 = npt.NDArray[np.uint8]

#: Frames of a stretch of film that are looked at singly, and the part of them that must agree on an edge.
LOOKED_AT, AGREE = 8, 0.4
#: Edges agree within this part of a side; and what takes less than that off is no border.
SAME_EDGE, THINNEST = 0.02, 0.03
MOST_AREAS = 2

#: Brightness (of 255) by which a pixel changes in a stretch of film if it shows the film and not something still; and how
#: much of a rectangle must change, and how little around it, for it to be a film within a still picture rather than
#: somebody who moves about.
MOVES, FULL_OF_MOTION, STILL_OUTSIDE = 24, 0.7, 0.02


def find_areas(squares: UInt8) -> tuple[Area, ...]:
    """Up to two parts of the frames that something was put around, the likeliest first; often none.

    squares: uint8 (n, side, side), brightness, frames of some seconds of a film.
    """
    side = squares.shape[1]
    some = squares[np.linspace(0, len(squares) - 1, min(LOOKED_AT, len(squares))).round().astype(np.intp)]
    boxes = [box for square in some for box in find_views(square)]
    areas = [area for box in boxes if _thickness(area := _area(box, side)) > THINNEST]
    moving = _moving(squares)
    chosen: list[tuple[int, Area]] = []
    for area in areas:
        if not any(is_alike(area, other) for _count, other in chosen):
            alike = [each for each in areas if is_alike(each, area)]
            if len(alike) >= AGREE * len(some):
                # The middle of each edge (np.median would import numpy.ma, which a locked worker cannot).
                left, top, right, bottom = np.sort(np.array(alike), axis=0)[len(alike) // 2].tolist()
                chosen.append((len(alike), Area(left, top, right, bottom)))
    chosen.sort(key=lambda each: -each[0])
    found = [area for _count, area in chosen]
    if moving is not None and not any(is_alike(moving, other) for other in found):
        found.insert(0, moving)
    return tuple(found[:MOST_AREAS])


def is_alike(area: Area, other: Area) -> bool:
    """Whether two areas differ by no more than edges are found to."""
    return all(abs(a - b) <= SAME_EDGE for a, b in zip(area, other, strict=True))


def _area(box: Box, side: int) -> Area:
    return Area(box.left / side, box.top / side, box.right / side, box.bottom / side)


def _thickness(area: Area) -> float:
    """Of the widest border around it, in parts of a side."""
    return max(area.left, area.top, 1 - area.right, 1 - area.bottom)


def _moving(squares: UInt8) -> Area | None:
    """The rectangle that moves all over, where all around it is still; None where there is no such."""
    if len(squares) < LOOKED_AT:
        return None
    side = squares.shape[1]
    moves = squares.max(axis=0) - squares.min(axis=0) > MOVES
    rows, columns = (np.flatnonzero(moves.mean(axis=axis) > 0.1) for axis in (1, 0))
    if min(len(rows), len(columns)) < SMALLEST_SIDE:
        return None
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    inside = moves[box.top : box.bottom, box.left : box.right]
    area = _area(box, side)
    outside = (moves.sum() - inside.sum()) / max(1, moves.size - inside.size)
    is_framed = inside.mean() >= FULL_OF_MOTION and outside <= STILL_OUTSIDE and _thickness(area) > THINNEST
    return area if is_framed else None

"""Where a film's picture begins within what was put around it: as borders.py tells of one picture, but with more to go by,
since borders stay where they are while the film goes on.
"""

from __future__ import annotations

import numpy as np

from hashmatch.arrays import UInt8
from hashmatch.hashers.borders import Box, find_views
from hashmatch.hashers.frames import FrameArea

#: Frames of a stretch of film that are looked at singly, and the part of them that must agree on an edge.
LOOKED_AT, AGREE = 8, 0.4
#: Edges agree within this part of a side; and what takes less than that off is no border.
SAME_EDGE, THINNEST = 0.02, 0.03
MOST_AREAS = 2


def find_areas(squares: UInt8) -> tuple[FrameArea, ...]:
    """Up to two parts of the frames that something was put around, the likeliest first; often none.

    squares: uint8 (n, side, side), brightness, frames of some seconds of a film.
    """
    side = squares.shape[1]
    some = squares[np.linspace(0, len(squares) - 1, min(LOOKED_AT, len(squares))).round().astype(np.intp)]
    boxes = [box for square in some for box in find_views(square)]
    areas = [area for box in boxes if _thickness(area := _area(box, side)) > THINNEST]
    chosen: list[tuple[int, FrameArea]] = []
    for area in areas:
        if not any(is_alike(area, other) for _count, other in chosen):
            alike = [each for each in areas if is_alike(each, area)]
            if len(alike) >= AGREE * len(some):
                # The middle of each edge (np.median would import numpy.ma, which a locked worker cannot).
                left, top, right, bottom = np.sort(np.array(alike), axis=0)[len(alike) // 2].tolist()
                chosen.append((len(alike), FrameArea(left, top, right, bottom)))
    chosen.sort(key=lambda each: -each[0])
    return tuple(area for _count, area in chosen[:MOST_AREAS])


def is_alike(area: FrameArea, other: FrameArea) -> bool:
    """Whether two areas differ by no more than edges are found to."""
    return all(abs(a - b) <= SAME_EDGE for a, b in zip(area, other, strict=True))


def _area(box: Box, side: int) -> FrameArea:
    return FrameArea(box.left / side, box.top / side, box.right / side, box.bottom / side)


def _thickness(area: FrameArea) -> float:
    """Of the widest border around it, in parts of a side."""
    return max(area.left, area.top, 1 - area.right, 1 - area.bottom)

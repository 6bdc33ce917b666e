"""Where a film's own picture is within added borders.

borders.py does this for one picture. A film tells more: its borders stay in place while the picture moves.
"""

from __future__ import annotations

import numpy as np

from hashmatch.arrays import UInt8
from hashmatch.hashers.borders import Box, find_views
from hashmatch.hashers.frames import FrameArea

#: How many frames of a stretch of film are looked at, and the share of them that must agree on an area.
LOOKED_AT, AGREE = 8, 0.4
#: As shares of a side: edges this close are the same edge, and a border is thicker than this.
SAME_EDGE, THINNEST = 0.02, 0.03
MOST_AREAS = 2


def find_areas(squares: UInt8) -> tuple[FrameArea, ...]:
    """Up to two areas of the frames that have borders around them, the likeliest first; often none.

    squares: brightness of the frames of a few seconds of film, uint8 (n, side, side).
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
                # The median of each edge. (np.median would import numpy.ma, which a locked worker cannot.)
                left, top, right, bottom = np.sort(np.array(alike), axis=0)[len(alike) // 2].tolist()
                chosen.append((len(alike), FrameArea(left, top, right, bottom)))
    chosen.sort(key=lambda each: -each[0])
    return tuple(area for _count, area in chosen[:MOST_AREAS])


def is_alike(area: FrameArea, other: FrameArea) -> bool:
    """Whether two areas are the same, as precisely as edges can be found."""
    return all(abs(a - b) <= SAME_EDGE for a, b in zip(area, other, strict=True))


def _area(box: Box, side: int) -> FrameArea:
    return FrameArea(box.left / side, box.top / side, box.right / side, box.bottom / side)


def _thickness(area: FrameArea) -> float:
    """The width of the widest border around an area, as a share of a side."""
    return max(area.left, area.top, 1 - area.right, 1 - area.bottom)

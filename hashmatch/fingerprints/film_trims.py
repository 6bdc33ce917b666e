"""The borders of a film, one after the other, by name."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.frames import FrameArea
from hashmatch.hashers.insets import find_inset
from hashmatch.hashers.static_borders import find_areas, is_alike
from hashmatch.views import ViewKind, ViewName

#: A film may have this many different borders, one after the other; later ones are ignored.
MOST_TRIMS = 8


class Trims:
    """The areas of a film inside its borders, by name; the same area keeps its name.

    insets: also find a film within a picture. Only for queries: in a reference, everybody in front of a window would be
    one. seen: the number of stretches in which each area was found.
    """

    def __init__(self, insets: bool = False) -> None:
        self.seen = Counter[str]()
        self._insets = insets
        self._named: list[FrameArea] = []
        self._last: list[int] = []

    def of(self, squares: npt.NDArray[np.uint8]) -> list[tuple[str, FrameArea]]:
        """The areas in a stretch of film. If none is found, those of the stretch before: this one may be too dark."""
        areas = find_areas(squares)
        inset = find_inset(squares) if self._insets else None
        areas += (inset,) if inset is not None else ()
        # The same area may have been found twice.
        found = [number for number in dict.fromkeys(map(self._number, areas)) if number < MOST_TRIMS]
        self.seen.update(map(_trim, found))
        self._last = found or self._last
        return [(_trim(number), self._named[number]) for number in self._last]

    def _number(self, area: FrameArea) -> int:
        for number, known in enumerate(self._named):
            if is_alike(area, known):
                return number
        self._named.append(area)
        return len(self._named) - 1


def _trim(number: int) -> str:
    return str(ViewName(ViewKind.TRIM, number + 1))

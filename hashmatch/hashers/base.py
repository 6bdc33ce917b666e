"""What a hasher is, and what it is given."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.records import View


@dataclass(frozen=True)  # without slots, which a cached property cannot do with
class Picture:
    """An upright picture as a person sees it.

    image: mode "RGB", or "L" where only brightness was decoded.
    full_size: (width, height) of the upright original. `image` is smaller by an integer factor where the decoder
        scaled it while decoding: each of its pixels then is the mean of that many original ones.
    exact: hash as the reference implementation does, bit by bit, at the price of speed. `image` is then full-size RGB.
    time: seconds from the start of a film; None for a still image.
    view: "full", or the name of the part (a further page) that this is.
    """

    image: Image.Image
    full_size: tuple[int, int]
    exact: bool = False
    time: float | None = None
    view: str = "full"

    @functools.cached_property
    def luma(self) -> npt.NDArray[np.float32]:
        """(height, width) brightness of `image`, 0 to 255; made once for all hashers."""
        image = self.image if self.image.mode == "L" else self.image.convert("L")
        return np.asarray(image).astype(np.float32)

    def part(self, view: View) -> Picture:
        """A part of it as a picture of its own."""
        edges = zip((view.left, view.top, view.right, view.bottom), self.image.size * 2, strict=True)
        left, top, right, bottom = (round(part * length) for part, length in edges)
        across, down = (-(-full // size) for full, size in zip(self.full_size, self.image.size, strict=True))
        size = (right - left) * across, (bottom - top) * down
        return Picture(self.image.crop((left, top, right, bottom)), size, self.exact, self.time, view.name)


class Hasher(Protocol):
    """An algorithm that turns a picture into bits."""

    #: The name in the interface, in lists and in the database.
    name: str
    #: Width of the hash in bits, a multiple of 8.
    bits: int
    #: Raised when the same picture would give other bits than before; stored hashes are then made anew.
    version: int

    def hash(self, picture: Picture) -> tuple[bytes, int | None]:
        """Hash one picture: `bits / 8` bytes, and a quality from 0 to 100 or None if the algorithm has none."""
        ...

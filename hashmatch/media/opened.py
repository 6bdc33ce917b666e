"""What the decoders give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.base import Picture
from hashmatch.media.sampling import Sampling
from hashmatch.records import Pixels


@dataclass(frozen=True, slots=True)
class Stills:
    """A still image, or the pages of one, whose header has been read.

    decoder: which library and path decode it, for people and for the record.
    pictures: decodes as it is iterated. Raises MediaError; with the code "partial", what came before is good.
    """

    decoder: str
    pictures: Iterator[Picture]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a film, upright.

    pixels: uint8 (side, side) brightness, the whole frame scaled to a square; or, for exact hashes, (height, width, 3).
    time: seconds from the start of the film, to the millisecond, as
    lists and the database have it. size: width and height as shown. reach: see sampling.REACH.
    """

    pixels: npt.NDArray[np.uint8]
    time: float
    size: tuple[int, int]
    reach: int = 0


@dataclass(frozen=True, slots=True)
class Film:
    """A film or animation whose header has been read.

    duration: in seconds where the container states one. decoder: as above.
    frames: decodes, from the start at each call, the frames that are asked for, in order. Raises MediaError as above.
    pictures: the frames nearest to some seconds, in colour and true shape, the longer side at most so many pixels; None
    where none could be decoded. Calls the function with the seconds of each frame that it decodes.
    rate: frames a second as stated; None of animations, which state how long each frame lasts.
    """

    duration: float | None
    decoder: str
    frames: Callable[[Sampling], Iterator[Frame]]
    pictures: Callable[[Sequence[float], int, Callable[[float], None]], tuple[Pixels | None, ...]]
    rate: float | None = None

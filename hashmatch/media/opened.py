"""What the decoders return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.base import Picture
from hashmatch.media.sampling import Sampling
from hashmatch.records import Pixels

#: Called for each frame that was decoded, wanted or not, with its time in seconds and its pixels; with 0 pixels for other
#: signs of life. Raises MediaError once the file has cost more than it may (limits.Meter).
Beat = Callable[[float, int], None]


def unheard(position: float, pixels: int) -> None:
    """A Beat for whoever does not count."""


@dataclass(frozen=True, slots=True)
class Stills:
    """A still image, perhaps of several pages, whose header has been read.

    decoder: the library and the way in which it decodes, for people and for the record.
    pictures: decoded one by one. Raises MediaError; if its code is "partial", the pictures before are good.
    others: how many further pictures the file has, which are opened by their numbers from 0.
    """

    decoder: str
    pictures: Iterator[Picture]
    others: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a film, upright.

    pixels: uint8 (side, side) brightness, the whole frame scaled to a square; or, for exact hashes, (height, width, 3).
    time: seconds from the start of the film, to the millisecond, as in lists and the database.
    size: width and height as shown.
    reach: see sampling.REACH.
    looks: further looks of a frame that can look in more than one way, each with the name of its view (grounds.py) and
        its square, as of `pixels`.
    """

    pixels: npt.NDArray[np.uint8]
    time: float
    size: tuple[int, int]
    reach: int = 0
    looks: tuple[tuple[str, npt.NDArray[np.uint8]], ...] = ()


class DecodeFrames(Protocol):
    """Decodes the wanted frames of a film."""

    def __call__(self, sampling: Sampling, beat: Beat = unheard) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True)
class Film:
    """A film or animation whose header has been read.

    duration: seconds, if the container states it.
    decoder: as of Stills.
    frames(sampling, beat): decodes the wanted frames in order, from the start at each call. Raises MediaError as of Stills.
    pictures(moments, side, beat): the frames nearest to these seconds, in colour and true shape, the longer side at most
        `side` pixels; None for those that could not be decoded.
    rate: frames per second, if the file states it; None for animations, which state how long each frame lasts.
    others, covers: how many further films, and cover pictures, the file has. They are opened by their numbers from 0.
    """

    duration: float | None
    decoder: str
    frames: DecodeFrames
    pictures: Callable[[Sequence[float], int, Beat], tuple[Pixels | None, ...]]
    rate: float | None = None
    others: int = 0
    covers: int = 0

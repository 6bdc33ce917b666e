"""What a hasher is, what it declares, and the picture that it is given.

A hasher declares everything that the rest of the program must know about it: see `Hasher`. No other module knows an
algorithm by name, except where a feature is built on PDQ alone; `hashmatch.hashers` lists those.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hashmatch.records import View
from hashmatch.views import FULL

if TYPE_CHECKING:  # a declaration can be read without numpy and Pillow
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

#: How thorough a scan is: see docs/matching.md.
Profile = Literal["fast", "balanced", "thorough"]

#: Lists and the database take such names.
_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,31}")
#: The search works on 64-bit words, and lists hold up to 512 bytes a hash.
_WORD, _MOST_BITS = 64, 4096


@dataclass(frozen=True)  # without slots, which a cached property cannot do without
class Picture:
    """An upright picture as a person sees it.

    image: mode "RGB", or "L" where only brightness was decoded.
    full_size: (width, height) of the upright original. Where the decoder scaled down while decoding, `image` is smaller
        by an integer factor, and each of its pixels is the mean of a block of original pixels.
    exact: hash bit by bit as the reference implementation does, at the price of speed. `image` is then full-size RGB.
    time: seconds from the start of a film; None for a still image.
    view: which part of the file's picture, or which page, this is, by its name; see views.py.
    displayed: makes the picture for a person, where that is not `image`: in right colours, on a ground that shows it.
    small: the same picture in colour, mode "L", "RGB" or "YCbCr", much smaller; None where `image` has the colours, or
        nothing has.
    """

    image: Image.Image
    full_size: tuple[int, int]
    exact: bool = False
    time: float | None = None
    view: str = FULL
    displayed: Callable[[], Image.Image] | None = None
    small: Image.Image | None = None

    @property
    def colours(self) -> Image.Image | None:
        """The picture in colour, mode "RGB" or "YCbCr", perhaps much smaller; None if its colours are unknown."""
        return self.small if self.image.mode == "L" else self.image

    @functools.cached_property
    def luma(self) -> npt.NDArray[np.float32]:
        """Brightness of `image`: float32 (height, width), 0 to 255; computed once for all hashers."""
        import numpy as np

        image = self.image if self.image.mode == "L" else self.image.convert("L")
        return np.asarray(image).astype(np.float32)

    def part(self, view: View) -> Picture:
        """A part of the picture, as a picture of its own."""
        left, top, right, bottom = _edges(view, self.image)
        across, down = (-(-full // size) for full, size in zip(self.full_size, self.image.size, strict=True))
        size = (right - left) * across, (bottom - top) * down
        small = None if self.small is None else self.small.crop(_edges(view, self.small))
        return Picture(self.image.crop((left, top, right, bottom)), size, self.exact, self.time, view.name, small=small)


def _edges(view: View, image: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a view, in pixels of an image. It has at least one pixel."""
    (left, right), (top, bottom) = (
        (min(round(low * length), length - 1), round(high * length))
        for low, high, length in ((view.left, view.right, image.width), (view.top, view.bottom, image.height))
    )
    return left, top, max(right, left + 1), max(bottom, top + 1)


@dataclass(frozen=True, slots=True)
class Threshold:
    """How far apart two hashes may be, in bits, and what that proves. The rules are in matching/tiers.py.

    near: largest distance at which the distance alone proves the same picture; -1 if this hash can never prove it alone.
    possible: largest distance worth a look, and still the same picture where the blocks agree (matching/layouts.py). This
        is the search radius for still pictures.
    film: largest distance worth a look where either side is a film; the search radius for films.
    low_quality: largest distance worth a look where either side has little detail.
    turned: like `possible`, for another orientation or the negative; of films, for all but upright and mirrored ones.
    along: largest distance at which two frames continue a stretch of film that other frames prove (matching/alignment.py).
    telling: largest distance at which a frame counts as one of many that together prove the same footage.
    margin: a frame proves where in a film it is only if it is this much closer to its own frame than to any other.
    """

    near: int
    possible: int
    film: int
    low_quality: int
    turned: int
    along: int
    telling: int
    margin: int

    @classmethod
    def plain(cls, near: int, possible: int, margin: int) -> Threshold:
        """The same limit, `possible`, for everything but `near`: enough for a hasher of still pictures."""
        return cls(near, possible, possible, possible, possible, possible, possible, margin)

    def with_radius(self, radius: int) -> Threshold:
        """The threshold with a search radius that the user chose. It never widens what counts as proof."""
        return Threshold(
            near=min(self.near, radius),
            possible=radius,
            film=radius,
            low_quality=min(self.low_quality, radius),
            turned=radius,
            along=radius,
            telling=min(self.telling, radius),
            margin=self.margin,
        )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of a scan. The profile balanced has those of fast: what it does more is done by local features."""

    fast: Threshold
    thorough: Threshold

    def of(self, profile: Profile) -> Threshold:
        """The threshold of one profile. Raises KeyError for any other name."""
        return {"fast": self.fast, "balanced": self.fast, "thorough": self.thorough}[profile]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a hash's quality, 0 to 100, is worth.

    least: below it a picture (black, white, a plain card) looks like too many others to be compared at all.
    good: from here on, a hash can prove the same picture (tier `near`).
    """

    least: int
    good: int


#: Hashes one picture: `bits / 8` bytes, and a quality from 0 to 100, or None if the algorithm has none. It runs in a locked
#: worker, which can import nothing after it has hashed a first picture: import heavy libraries inside this function.
HashFunction = Callable[[Picture], tuple[bytes, int | None]]


@dataclass(frozen=True, slots=True)
class Hasher:
    """An algorithm that turns a picture into bits, with everything that the rest of the program must know about it.

    name: as commands, lists and the database have it, such as "phash".
    title: as a person reads it, such as "pHash".
    bits: width of the hash, a multiple of 64.
    version: raise it when the same picture would give other bits than before; stored hashes are then computed again.
    hash: the algorithm, see HashFunction.
    thresholds: how close is close; None for a hash that is stored beside others and never searched.
    quality: what its quality is worth; None if it has none.
    usual_ones: if the algorithm itself fixes how many bits are one, the least and the largest share, 0 to 1, that a picture
        with any detail can have. A hash that comes without a quality is judged by this.
    packages: PyPI names of the packages that the bits depend on beside numpy and Pillow. On a cluster, their versions must
        agree.
    shows_picture: whether the bits show the picture, so that text could be read from them. Such a hash stays out of lists.

    Raises ValueError if the declaration contradicts itself.
    """

    name: str
    title: str
    bits: int
    version: int
    hash: HashFunction
    thresholds: Thresholds | None
    quality: Quality | None = None
    usual_ones: tuple[float, float] | None = None
    packages: tuple[str, ...] = ()
    shows_picture: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a name that lists take")
        if self.thresholds is None:
            return
        if self.bits % _WORD or not 0 < self.bits <= _MOST_BITS:
            raise ValueError(f"{self.name}: a hash that is searched has 64 to 4096 bits, in steps of 64")
        for each in (self.thresholds.fast, self.thresholds.thorough):
            is_ordered = (
                -1 <= each.near <= each.low_quality <= min(each.possible, each.film) and each.film <= each.along
            )
            if not is_ordered or max(each.possible, each.turned, each.along) > self.bits:
                raise ValueError(
                    f"{self.name}: near ≤ low_quality ≤ possible and film, film ≤ along ≤ bits does not hold"
                )

    @property
    def width(self) -> int:
        """Bytes of one hash."""
        return self.bits // 8

    @property
    def digits(self) -> int:
        """Hexadecimal digits of one hash in a list."""
        return self.bits // 4

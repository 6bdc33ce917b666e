"""The modes in which files are examined: one type each, with the settings that this mode has.

Every mode can be asked for its `limits`, its `hashers`, and whether it is `exact`, computes `features`, which
`models` it has, or whether it reads `digests`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hashmatch.hashers.learned import ModelFile
from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits


@dataclass(frozen=True, slots=True)
class ReferenceHashing:
    """Hash files to keep them in the reference set: every frame of films, and still pictures also without their borders.

    hashers: names of algorithms. features: whether to compute local features of still pictures, too.
    models: with which to describe still pictures, too.
    """

    hashers: tuple[str, ...] = ("pdq",)
    limits: Limits = Limits()
    features: bool = False
    models: tuple[ModelFile, ...] = ()

    exact: ClassVar[bool] = False
    views: ClassVar[bool] = True
    digests: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class QueryHashing:
    """Hash files to search for them: as references, but in all orientations, and films only where it is worth it.

    hashers, features, models: as of ReferenceHashing. profile: how closely to look.
    """

    hashers: tuple[str, ...] = ("pdq",)
    limits: Limits = Limits()
    features: bool = False
    profile: Profile = "fast"
    models: tuple[ModelFile, ...] = ()

    exact: ClassVar[bool] = False
    views: ClassVar[bool] = True
    digests: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class PlainHashing:
    """Hash files for people and other programs to compare.

    exact: decode at full size and compute PDQ bit by bit as Meta's implementation does; slower, and of films one frame a
    second. views: whether to hash still pictures also without their borders, and add their blocks.
    """

    hashers: tuple[str, ...] = ("pdq",)
    limits: Limits = Limits()
    exact: bool = False
    views: bool = True

    features: ClassVar[bool] = False
    models: ClassVar[tuple[ModelFile, ...]] = ()
    digests: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class VpdqHashing:
    """Hash films as vPDQ does: PDQ of frames at equal intervals.

    interval: seconds between two frames; 0 for every frame.
    """

    interval: float
    limits: Limits = Limits()

    hashers: ClassVar[tuple[str, ...]] = ("pdq",)
    exact: ClassVar[bool] = False
    views: ClassVar[bool] = False
    features: ClassVar[bool] = False
    models: ClassVar[tuple[ModelFile, ...]] = ()
    digests: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class SmallPictures:
    """Make small pictures of files for people to see; hash nothing.

    side: pixels of the longer side, at most. moments: seconds of a film at which to take pictures; of a still image there is
    one picture anyway. colour: grey is decoded faster, but films are always in colour. digests: whether to read the whole
    file for its digests, too. part: which part of the file, by its name (media/parts.py); None: the main part.
    """

    side: int
    moments: tuple[float, ...] = ()
    limits: Limits = Limits()
    colour: bool = True
    digests: bool = True
    part: str | None = None

    hashers: ClassVar[tuple[str, ...]] = ()
    features: ClassVar[bool] = False
    models: ClassVar[tuple[ModelFile, ...]] = ()

    @property
    def exact(self) -> bool:
        """Only exact decoding keeps the colours."""
        return self.colour


#: The modes of `index` and `scan`, which a cluster has, too.
ReferenceOrQuery = ReferenceHashing | QueryHashing
#: The modes that hash.
Hashing = ReferenceOrQuery | PlainHashing | VpdqHashing
#: All modes.
Settings = Hashing | SmallPictures

"""How files are examined, and what is computed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits

#: What the picture is hashed for: to be kept, or to be searched for, which costs more.
Side = Literal["reference", "query"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How each file is examined, and what is computed of it. hashers: names. exact: PDQ bit by bit as Meta's, and slower.
    side: see Side. views: whether still pictures are hashed without their borders, too, and their blocks are kept; else
    there is one hash of each algorithm. features: whether local features are computed, too. profile: of a film
    that is a query. picture_side: of a small version of the picture, the longer side in pixels; 0 for none. moments: of a
    film nothing is hashed, but its pictures at these seconds are made, of that size. interval: of a film frames so many
    seconds apart are hashed and nothing else, as vPDQ does; 0 for every frame. digests: whether the file is read for these,
    too; else `known` is not asked."""

    hashers: tuple[str, ...] = ("pdq",)
    exact: bool = False
    limits: Limits = Limits()
    side: Side = "reference"
    views: bool = True
    features: bool = False
    profile: Profile = "fast"
    picture_side: int = 0
    moments: tuple[float, ...] = ()
    interval: float | None = None
    digests: bool = True

"""The rules that decide a tier, and the numbers they need.

Two kinds of numbers decide between tiers. What depends on the algorithm (how many bits apart, of what quality) is declared
by each hasher in its own module, and read here: see `Threshold` and `Quality` in hashers/base.py. Everything else is in this
module, with what it is based on.
"""

from __future__ import annotations

from hashmatch import hashers
from hashmatch.hashers.base import Profile as Profile
from hashmatch.hashers.base import Quality
from hashmatch.hashers.base import Threshold as Threshold

#: Of the blocks of two pictures (see layouts.py): more contradiction than this, and they are two pictures of one layout.
MOST_CONTRADICTION = 17
#: The same where one has less than LESS_DETAIL times the detail of the other: blur, noise and small sizes make what seem
#: contradictions, and another text does not change the detail so much.
MOST_IF_DEGRADED, LESS_DETAIL = 26, 0.8
#: The same at distances beyond `possible` of the fast profile, where few copies are and many layouts.
MOST_AT_A_DISTANCE = 12
#: So many strong coefficients, or there is too little in a picture to say that another one is the same.
LEAST_DETAIL = 60

#: Share of the featured time of either film that must be shared for `near`. Below, one only quotes the other: a news
#: report that shows some seconds, or a long upload with a short known clip in it; a person must look.
NEAR_COVERAGE = 0.5
#: And by so many different pictures, each within `near`, a stretch must be told (or by as many as one of the two films has,
#: if that is fewer, but never by one): black frames, title cards and static scenes are one picture, however long they last.
NEAR_PICTURES = 3
#: Or by so many within the hasher's `telling` distance, at least half of those it has. Later parts of static scenes have
#: come to 5.
MANY_PICTURES = 8
#: To be worth a look, a stretch must be told by so many pictures, or by one within `near`; by so many if all have little
#: detail.
POSSIBLE_PICTURES, LOW_QUALITY_PICTURES = 2, 3
#: A film on the allow list protects only what shows so much of it: a clip that it quotes must not escape through it.
ALLOW_COVERAGE = 0.5


def threshold_of(algorithm: str, profile: Profile = "fast", radius: int | None = None) -> Threshold | None:
    """How close is close for one algorithm; None if it is not known here or not searched.

    radius: replaces the largest distance of the main hasher, PDQ; `near` never goes beyond its own limit.
    """
    hasher = hashers.find(algorithm)
    if hasher is None or hasher.thresholds is None:
        return None
    threshold = hasher.thresholds.of(profile)
    return threshold if radius is None or algorithm != hashers.MAIN else threshold.with_radius(radius)


def thresholds(profile: Profile = "fast", radius: int | None = None) -> dict[str, Threshold]:
    """The same for every algorithm that is searched, by name."""
    found = {name: threshold_of(name, profile, radius) for name in hashers.HASHERS}
    return {name: threshold for name, threshold in found.items() if threshold is not None}


def quality_of(algorithm: str) -> Quality:
    """What the quality of an algorithm's hashes is worth.

    A list may state one even for a hasher that has none; it then counts on the scale of the main hasher.
    """
    hasher = hashers.find(algorithm)
    quality = (hasher and hasher.quality) or hashers.by_name(hashers.MAIN).quality
    assert quality is not None
    return quality


def usual_ones(algorithm: str) -> tuple[float, float] | None:
    """The least and the largest share of one-bits of a picture with any detail, if the algorithm fixes it."""
    hasher = hashers.find(algorithm)
    return hasher.usual_ones if hasher else None

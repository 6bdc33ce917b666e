"""The rules that decide a tier, and the numbers they need.

Two kinds of numbers decide between tiers. What depends on the algorithm (how many bits apart, of what quality) is declared
by each hasher in its own module, and read here: see `Threshold` and `Quality` in hashers/base.py. Everything else that
evidence must reach to be `near`, or to be worth a look, is in this module, with what it is based on.

How evidence is found and measured is not here. Steps of grids, sizes of windows, tolerances of geometry and of clocks, and
limits to the effort stand where they are used: in local.py for local features, alignment.py, time_lines.py and tracks.py
for stretches of film, coverage.py for shares of time, rarity.py for what comes before and after a stretch. The numbers of
Meta's vPDQ rule, which decides no tier of ours, are in vpdq.py.
"""

from __future__ import annotations

from hashmatch import hashers
from hashmatch.hashers.base import Profile as Profile
from hashmatch.hashers.base import Quality
from hashmatch.hashers.base import Threshold as Threshold

# Still pictures.

#: Of the blocks of two pictures (see layouts.py): more contradiction than this, and they are two pictures of one layout.
MOST_CONTRADICTION = 17
#: The same where one has less than LESS_DETAIL times the detail of the other: blur, noise and small sizes make what seem
#: contradictions, and another text does not change the detail so much.
MOST_IF_DEGRADED, LESS_DETAIL = 26, 0.8
#: The same at distances beyond `possible` of the fast profile, where few copies are and many layouts.
MOST_AT_A_DISTANCE = 12
#: So many strong coefficients, or there is too little in a picture to say that another one is the same.
LEAST_DETAIL = 60

#: A hash is too common to prove anything if so many unrelated references have one within the distance of `near`; see
#: workflows/lint.py.
TOO_COMMON = 100

# Local features, by which a picture is found within another one (local.py): what makes a match `possible`. It is never more.

#: Two descriptors within so many of 256 bits count as evidence, if geometry agrees.
CLOSE_FEATURES = 48
#: So many of them, at different places, must agree on one transform. Of 199,000 pairs of unrelated photographs, all compared
#: in full, fewer than ten had three, one had four and none had five (benchmarks/local_features.py).
ENOUGH_INLIERS = 5
#: How far the agreeing features must reach, compared with all features of the part of the reference that is visible: in
#: area, or in cells of a grid that they are in. Two pictures with the same logo or banner agree in that alone.
ENOUGH_SPREAD, ENOUGH_COVER = 0.15, 0.35
#: And how far, compared with features all over that part: a small mark on blank paper is no picture either.
ENOUGH_REACH = 0.02

# Films.

#: Share of the featured time of either film that must be shared for `near`. Below, one only quotes the other: a news
#: report that shows some seconds, or a long upload with a short known clip in it; a person must look.
NEAR_COVERAGE = 0.5
#: And so many different pictures, each within `near`, must prove a stretch. If one of the two films has fewer, all of these,
#: but never only one: black frames, title cards and static scenes are one picture, however long they last.
NEAR_PICTURES, FEWEST_NEAR_PICTURES = 3, 2
#: Or so many within the hasher's `telling` distance, if they are this share or more of the pictures in the stretch. Later
#: parts of static scenes have come to 5.
MANY_PICTURES, MANY_SHARE = 8, 0.5
#: Two frames are different pictures if they differ in this share of their bits or more.
DIFFERENT_SHARE = 1 / 8
#: To be worth a look, a stretch must have so many pictures that agree, or one within `near`. If all have little detail, it
#: must have LOW_QUALITY_PICTURES.
POSSIBLE_PICTURES, LOW_QUALITY_PICTURES = 2, 3
#: A stretch proves nothing if so many other references have it and go on with something else (rarity.py): it is a channel's
#: intro, a countdown, colour bars. Longer stretches than this, in seconds, are what compilations quote.
UNRELATED, LONGEST_INSERT = 2, 20.0
#: Another reference has the stretch if it has this share of it.
INSERT_OVERLAP = 0.8
#: Two references go on alike if this share of the frames of one has a frame within so many bits in the other.
GOES_ON_SHARE, GOES_ON_BITS = 0.3, 70
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

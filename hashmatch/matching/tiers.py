"""The rules that decide a tier, and the numbers they need.

Two kinds of numbers decide between tiers. Those that depend on the algorithm (how many bits apart, of what quality) are
declared by each hasher in its own module, and read here: see `Threshold` and `Quality` in hashers/base.py. All others are in
this module, with what they are based on: how much evidence makes a match `near`, or worth a look.

How evidence is found and measured is not here. Grid steps, window sizes, tolerances of geometry and clocks, and limits to
the effort are where they are used: in local.py for local features; in alignment.py, time_lines.py and tracks.py for
stretches of film; in coverage.py for shares of time; in rarity.py for what comes before and after a stretch. Meta's vPDQ
rule decides no tier of ours; its numbers are in vpdq.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch import hashers
from hashmatch.hashers.base import Profile as Profile
from hashmatch.hashers.base import Quality
from hashmatch.hashers.base import Threshold as Threshold

# Still pictures.

#: If the blocks of two pictures contradict each other more than this, the two only have the same layout (layouts.py).
MOST_CONTRADICTION = 17
#: The same if one has less than LESS_DETAIL times the detail of the other: blur, noise and small sizes look like
#: contradictions, and another text does not change the detail so much.
MOST_IF_DEGRADED, LESS_DETAIL = 26, 0.8
#: The same at distances beyond `possible` of the fast profile, where there are few copies and many layouts.
MOST_AT_A_DISTANCE = 12
#: If the finer blocks of two pictures contradict each other more than this in a row of four, there is another text, though
#: the blocks agree. What a row has on average is taken off before, EVEN_CONTRADICTION times, but never more than
#: MOST_EVEN_CONTRADICTION: where every line is another one, the average is high, too. (docs/matching.md has the figures.)
MOST_IN_A_ROW, EVEN_CONTRADICTION, MOST_EVEN_CONTRADICTION = 17, 3.0, 12.0
#: The same if one has less than LESS_DETAIL times the detail of the other: of ten strongly blurred photographs the worst had
#: 18, of other texts that sharp pictures tell apart, the least 20; a strong blur hides some of these, too.
MOST_IN_A_ROW_IF_DEGRADED = 18
#: If the colours of two pictures are further apart than this, in levels of 255, they are two flags and no filter.
MOST_COLOUR_DIFFERENCE = 8.5
#: A picture with fewer strong coefficients than this has too little detail to say that another one is the same.
LEAST_DETAIL = 60

#: A hash proves nothing if this many unrelated references have one within the distance of `near`; see workflows/lint.py.
TOO_COMMON = 100

# Local features, which find a picture within another one (local.py). They make a match `possible`, and never more.

#: Bits, of 256, within which two descriptors count as evidence if their geometry agrees.
CLOSE_FEATURES = 48
#: Close features, at different places, that must agree on one transform. Of 199,000 pairs of unrelated photographs, all
#: compared in full, fewer than ten had three, one had four and none had five (benchmarks/local_features.py).
ENOUGH_INLIERS = 5
#: And where the picture was stretched by more than USUAL_SQUEEZE, or its negative was found: there false matches are more,
#: and copies fewer.
ENOUGH_IF_UNUSUAL, USUAL_SQUEEZE = 8, 1.3
#: How far the agreeing features must reach, compared with all features of the visible part of the reference: by area, or by
#: cells of a grid that have one. Two pictures with the same logo or banner agree in that alone.
ENOUGH_SPREAD, ENOUGH_COVER = 0.15, 0.35
#: The most features in each cell that has one, if the cells are few: a banner has two lines of letters, and one or two
#: chance matches elsewhere make it reach far. Copies had 2.0 at most, pictures with one banner 2.5 to 3.4.
MOST_IN_CELL = 2.2
#: And how far compared with features all over that part: a small mark on blank paper is not a picture either.
ENOUGH_REACH = 0.02

# Straightened pictures (straightening.py): what local features found is `near` if it agrees with the reference's guards.


@dataclass(frozen=True, slots=True)
class StraightLimits:
    """What a straightened picture must reach: PDQ within `distance` and blocks within `contradiction`; or blocks within
    `few` and the share `agreement` of strong coefficients the same. In either case, at least `least_agreement` of them,
    and a row of finer blocks within `in_a_row`."""

    distance: int
    contradiction: int
    few: int
    agreement: float
    least_agreement: float
    in_a_row: int


#: Measured on crops, rotations, cameras and collages; docs/matching.md has the figures.
STRAIGHT = StraightLimits(distance=31, contradiction=17, few=8, agreement=0.95, least_agreement=0.8, in_a_row=15)
#: The share of the reference's blocks that must be seen; and from which on all of it is seen, and PDQ says something.
ENOUGH_VISIBLE, WHOLE = 0.3, 0.97

# Films.

#: Share of either film's featured time that must be shared for `near`. Below, one only quotes the other: a news report that
#: shows some seconds, or a long upload with a short known clip in it. A person must look.
NEAR_COVERAGE = 0.5
#: The same if the reference only opens or closes with what is shared, and both films go on with something else: it may be an
#: intro (openings.py). Both presets of vPDQ ask for so much. Of a film of 9 s, an intro of 6 s is two thirds.
OPENING_COVERAGE = 0.8
#: Different pictures, each within `near`, that must prove a stretch. If one of the two films has fewer, all of them must,
#: but one alone never proves it: black frames, title cards and static scenes are one picture, however long they last.
NEAR_PICTURES, FEWEST_NEAR_PICTURES = 3, 2
#: Or this many within the hasher's `telling` distance, if they are at least this share of the pictures in the stretch. Later
#: parts of static scenes reach 5.
MANY_PICTURES, MANY_SHARE = 8, 0.5
#: Two frames are different pictures if they differ in this share of their bits or more.
DIFFERENT_SHARE = 1 / 8
#: Pictures that must agree for a stretch to be worth a look, if none is within `near`; and if all have little detail.
POSSIBLE_PICTURES, LOW_QUALITY_PICTURES = 2, 3
#: A stretch proves nothing if this many other references have it and continue with something else (rarity.py): it is a
#: channel's intro, a countdown, colour bars. Stretches longer than this, in seconds, are what compilations quote.
UNRELATED, LONGEST_INSERT = 2, 20.0
#: Another reference has the same stretch if it has at least this share of it.
INSERT_OVERLAP = 0.8
#: Two references continue alike if this share of the frames of one has a frame of the other within so many bits.
GOES_ON_SHARE, GOES_ON_BITS = 0.3, 70
#: A film on the allow list protects only files that show at least this much of it: a clip that it quotes must not escape.
ALLOW_COVERAGE = 0.5


def threshold_of(algorithm: str, profile: Profile = "fast", radius: int | None = None) -> Threshold | None:
    """How close two hashes of one algorithm must be; None if it is not known here or not searched.

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

"""The thresholds, and what they are based on. Every number that decides between tiers is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How thorough a scan is: see docs/matching.md.
Profile = Literal["fast", "thorough"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """For one algorithm, in bits. near: largest distance of the same picture where nothing but the distance speaks; -1
    where the algorithm alone cannot say so. possible: largest distance worth a look, and of the same picture where its
    blocks agree (see layouts.py). film: the same where one of the two is a film. low_quality: largest distance worth a look
    where one side has little detail. turned: as possible, of a picture in another orientation, or of its negative. along: of
    two frames that are on one line with others, so that they go on with the stretch, but prove nothing; see alignment.py."""

    near: int
    possible: int
    film: int
    low_quality: int
    turned: int
    along: int


PDQ = {
    # near, quality: Meta's own (github.com/facebook/ThreatExchange, pdq/README.md): match at 31 of 256 bits or fewer,
    # discard quality below 50. thorough, film: of 2.7 million pairs of unrelated photographs none, and of 1.8 million
    # pairs of frames of unrelated films none within 60. fast: what multi-index search serves at little cost.
    "fast": Threshold(near=31, possible=44, film=60, low_quality=31, turned=31, along=70),
    "thorough": Threshold(near=31, possible=64, film=60, low_quality=31, turned=64, along=70),
}
# 64-bit hashes have no quality and collide; found by one of these alone, a person must look.
OTHERS = {"phash": Threshold(-1, 6, 6, 6, 6, 6), "dhash": Threshold(-1, 4, 4, 4, 4, 4)}

#: Of the blocks of two pictures (see layouts.py): more contradiction than this, and they are two pictures of one layout.
MOST_CONTRADICTION = 17
#: The same where one has less than LESS_DETAIL times the detail of the other: blur, noise and small sizes make what seem
#: contradictions, and another text does not change the detail so much.
MOST_IF_DEGRADED, LESS_DETAIL = 26, 0.8
#: The same at PDQ distances above that of the fast profile, where few copies are and many layouts.
MOST_AT_A_DISTANCE = 12
#: So many strong coefficients, or there is too little in a picture to say that another one is the same.
LEAST_DETAIL = 60

#: PDQ quality from which a hash says enough for `near`.
GOOD_QUALITY = 50
#: PDQ quality below which a picture (black, white, a plain card) looks like too many others to be compared at all.
FEATURELESS_QUALITY = 10

#: A hash without a stated quality is taken for good if its number of one-bits is about half, as it is, by construction,
#: for every picture that is not plain: exactly 128 of 256 on 1,000 of 1,000 photographs; 0 for black, 60 for white.
PLAUSIBLE_ONES = 0.4, 0.6

#: Share of the featured time of either film that must be shared for `near`. Below, one only quotes the other: a news
#: report that shows some seconds, or a long upload with a short known clip in it; a person must look.
NEAR_COVERAGE = 0.5
#: And by so many different pictures, each within `near`, a stretch must be told (or by as many as one of the two films has,
#: if that is fewer, but never by one): black frames, title cards and static scenes are one picture, however long they last.
NEAR_PICTURES = 3
#: Or by so many within so many bits, at least half of those it has. Later parts of static scenes have come to 5.
MANY_PICTURES, MANY_DISTANCE = 8, 60
#: A picture tells where in a film it is if it is so many bits nearer to its own frame than to the others that the stretch
#: meets. Later parts of a static scene with people in it are as near to all of them.
MARGIN = 8
#: To be worth a look, a stretch must be told by so many pictures, or by one within `near`; by so many if all have little
#: detail.
POSSIBLE_PICTURES, LOW_QUALITY_PICTURES = 2, 3
#: A film on the allow list protects only what shows so much of it: a clip that it quotes must not escape through it.
ALLOW_COVERAGE = 0.5


def thresholds(profile: Profile = "fast", radius: int | None = None) -> dict[str, Threshold]:
    """Of each algorithm; with a radius, PDQ's largest distance is that, and `near` never goes beyond its own limit."""
    pdq = PDQ[profile]
    if radius is not None:
        pdq = Threshold(min(pdq.near, radius), radius, radius, min(pdq.low_quality, radius), radius, radius)
    return {"pdq": pdq} | OTHERS

"""Meta's vPDQ rule of when two films match, so that figures that others publish can be reproduced.

A film is a bag of frames, hashed at equal intervals. The rule counts the share of each film's frames that have a frame
within 31 bits in the other film, in whatever order. These shares mean something only if both films were sampled alike. Ours
are not: our references keep the frames that differ. So references are not searched by this rule.

Source: github.com/facebook/ThreatExchange, vpdq/README.md ("Comparison (Matching) Algorithm") and
python-threatexchange/threatexchange/extensions/vpdq.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.arrays import UInt8
from hashmatch.hamming import HammingIndex
from hashmatch.hashers.pdq import META_DISTANCE, META_QUALITY


@dataclass(frozen=True, slots=True)
class VpdqRule:
    """When two films match.

    query_percent, compared_percent: the least share of each film's frames that must have a match in the other.
    distance: the most bits between two frames that match. quality: the least quality of a frame that counts.
    unique: whether frames with equal hashes count once, as in the README and in Python. The C++ tools count all, and ask
    for less than 31 bits.
    """

    query_percent: float
    compared_percent: float
    distance: int = META_DISTANCE
    quality: int = META_QUALITY
    unique: bool = True


#: The two published presets disagree. The README asks for most of the known film, python-threatexchange
#: (VPDQSignal.compare_hash and VPDQIndex) for most of the query, however little of the known film that is.
RULES = {"vpdq-readme": VpdqRule(0.0, 80.0), "vpdq-python": VpdqRule(80.0, 0.0)}


@dataclass(frozen=True, slots=True)
class VpdqMatch:
    """What the rule says about two films.

    query_percent, compared_percent: the share of each film's frames, 0 to 100, that match one of the other film.
    query_frames, compared_frames: how many frames counted.
    """

    is_match: bool
    query_percent: float
    compared_percent: float
    query_frames: int
    compared_frames: int


def match(query: UInt8, query_quality: UInt8, compared: UInt8, compared_quality: UInt8, rule: VpdqRule) -> VpdqMatch:
    """Whether a query and a known film match by a rule.

    query, compared: PDQ hashes of frames at equal intervals, uint8 (n, 32). query_quality, compared_quality: uint8 (n,), 0
    to 100. A film without a frame of sufficient quality matches nothing. Raises ValueError for hashes of another shape.
    """
    ours = _counted(query, query_quality, rule)
    theirs = _counted(compared, compared_quality, rule)
    if not len(ours) or not len(theirs):
        return VpdqMatch(False, 0.0, 0.0, len(ours), len(theirs))
    shares = [100 * float(_has_match(*pair, rule.distance).mean()) for pair in ((ours, theirs), (theirs, ours))]
    is_match = shares[0] >= rule.query_percent and shares[1] >= rule.compared_percent
    return VpdqMatch(is_match, round(shares[0], 2), round(shares[1], 2), len(ours), len(theirs))


def _counted(hashes: UInt8, quality: UInt8, rule: VpdqRule) -> UInt8:
    if rule.unique:
        # The first of equal hashes stays, and its quality decides, as in python-threatexchange.
        first = sorted({each.tobytes(): number for number, each in reversed(list(enumerate(hashes)))}.values())
        hashes, quality = hashes[first], quality[first]
    return hashes[quality >= rule.quality]


def _has_match(hashes: UInt8, others: UInt8, distance: int) -> npt.NDArray[np.bool_]:
    _rows, distances = HammingIndex.from_hashes(others).knn(hashes, 1)
    near: npt.NDArray[np.bool_] = distances[:, 0] <= distance
    return near

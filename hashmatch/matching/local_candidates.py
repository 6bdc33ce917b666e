"""Which references may be in a picture: votes of its local features, ranked by weak geometric consistency.

Each feature of the picture that looks like one of a reference is a vote. The votes for a reference that is there agree on
how it is turned and scaled, and chance votes do not; so votes are sorted into bins of turn and scale, and the fullest bin
of a reference counts (Jégou, Douze and Schmid, "Hamming embedding and weak geometric consistency for large scale image
search", ECCV 2008). A feature that looks like those of many references – a letter, the corner of a button – tells little of
any, so its votes weigh less. Otherwise a hundred cards of one style crowd out the one that is there.

Of the likeliest references, only those are compared for which some votes agree on the place, too: comparing all features of
two pictures costs a hundred times as much as looking at the places of a few votes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming import ApproximateIndex
from hashmatch.hashers.local_features import LEVEL_RATIO, LocalFeatures

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Bits of a direction of 8 bits that do not count (so a bin is an eighth of a turn), and of a difference in levels (so a bin
#: is two levels, a factor of 1.44). Narrower and wider bins found as much or less.
TURN_SHIFT, LEVEL_SHIFT = 5, 1
_TURNS, _ZOOMS = 8, 32
#: How the weight of a feature's votes falls with their number.
COMMONNESS = 0.5
#: References whose votes are looked at closely, and the votes of each, the heaviest ones.
MOST_LOOKED_AT, MOST_VOTES = 40, 16
#: Votes that must agree on turn, scale and place.
ENOUGH_VOTES = 3
#: How far a feature may be from where another vote expects it, in pixels of the suspect's level, and as a share of their
#: distance: directions and scales are coarse.
VOTE_PIXELS, VOTE_SHARE = 6.0, 0.15
#: References that are compared.
MOST_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Facts about the rows of an index of descriptors, those of each reference together.

    starts: int64 (R + 1,), the first row of each reference, and at the end the number of rows.
    owners: int64 (R,), the references.
    sizes: uint16 (R, 2), width and height of each, in pixels as it was examined.
    looks: uint8 (rows, 4): x and y in 1/256 of width and height, direction in 1/256 of a turn, level; see
        LocalFeatures.looks.
    """

    starts: Numbers
    owners: Numbers
    sizes: npt.NDArray[np.uint16]
    looks: npt.NDArray[np.uint8]


class LocalTable:
    """The descriptors of all references, ready to be searched, each with its owner."""

    def __init__(self, index: ApproximateIndex, rows: FeatureRows) -> None:
        """index: the descriptors of all references, in the order of `rows`. Raises ValueError if these contradict each
        other."""
        starts = rows.starts
        if len(starts) != len(rows.owners) + 1 or starts[0] != 0 or starts[-1] != len(index):
            raise ValueError("the rows of the index do not add up to those of its owners")
        shapes = rows.looks.shape == (len(index), 4) and rows.sizes.shape == (len(rows.owners), 2)
        if (np.diff(starts) < 0).any() or not shapes:
            raise ValueError("the facts about the rows contradict the index")
        self._index = index
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows.owners)

    def candidates(self, suspect: LocalFeatures, most: int = MOST_CANDIDATES) -> list[int]:
        """The references that may be in a picture, the likeliest first, at most `most`."""
        query, row = self._index.near(suspect.bits)
        if not len(query):
            return []
        votes = _Votes.of(suspect, self._rows, query, row)
        bins, score = _fullest(votes)
        groups = _padded(votes.bins, votes.weight, bins)
        agreeing = _support(suspect, self._rows, votes, groups)
        order = np.argsort(-score * agreeing, kind="stable")
        order = order[agreeing[order] >= ENOUGH_VOTES][:most]
        owners: list[int] = self._rows.owners[bins[order] // (_TURNS * _ZOOMS)].tolist()
        return owners


@dataclass(frozen=True, slots=True)
class _Votes:
    """Votes, sorted by bin, the heaviest of each bin first.

    query, row: int64 (n,), the feature of the suspect, and the row of the index. bins: int64 (n,): reference, turn and
    difference in levels as one number. weight: float64 (n,).
    """

    query: Numbers
    row: Numbers
    bins: Numbers
    weight: Floats

    @classmethod
    def of(cls, suspect: LocalFeatures, rows: FeatureRows, query: Numbers, row: Numbers) -> _Votes:
        place = np.searchsorted(rows.starts, row, side="right") - 1
        looks, others = suspect.looks[query], rows.looks[row]
        turn = (looks[:, 2] - others[:, 2]) >> TURN_SHIFT  # bytes wrap around as directions do
        zoom = (looks[:, 3].astype(np.int64) - others[:, 3] >> LEVEL_SHIFT) + _ZOOMS // 2
        bins = (place * _TURNS + turn) * _ZOOMS + np.clip(zoom, 0, _ZOOMS - 1)
        weight: Floats = np.bincount(query, minlength=len(suspect))[query].astype(np.float64) ** -COMMONNESS
        order = np.lexsort((-weight, bins))
        return cls(query[order], row[order], bins[order], weight[order])


def _fullest(votes: _Votes) -> tuple[Numbers, Floats]:
    """The fullest bin of each of the likeliest references, at most MOST_LOOKED_AT, and its weight; the heaviest first.

    In one bin, a feature of the suspect that looks like many of a reference gives one vote, and so does the reverse.
    """
    by_query, by_row = _summed(votes, votes.query), _summed(votes, votes.row)
    score = np.minimum(by_query.weight, by_row.weight)
    score[np.minimum(by_query.votes, by_row.votes) < ENOUGH_VOTES] = 0
    bins = by_query.bins[score > 0]
    score = score[score > 0]
    order = np.lexsort((bins, -score))
    bins, score = bins[order], score[order]
    first = np.sort(np.unique(bins // (_TURNS * _ZOOMS), return_index=True)[1])[:MOST_LOOKED_AT]
    return bins[first], score[first]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What was voted for each bin that has votes, in the order of the bins. votes: how many. weight: their sum."""

    bins: Numbers
    votes: Numbers
    weight: Floats


def _summed(votes: _Votes, by: Numbers) -> _Sums:
    """The votes of each bin; of those with the same `by`, only the heaviest."""
    order = np.lexsort((-votes.weight, by, votes.bins))
    bins, by, weight = votes.bins[order], by[order], votes.weight[order]
    distinct = np.append(True, (np.diff(bins) != 0) | (np.diff(by) != 0))
    bins, weight = bins[distinct], weight[distinct]
    first = np.flatnonzero(np.append(True, np.diff(bins) != 0))
    return _Sums(bins[first], np.diff(np.append(first, len(bins))), np.add.reduceat(weight, first))


def _padded(sorted_bins: Numbers, weight: Floats, bins: Numbers) -> Numbers:
    """The numbers of each bin's heaviest votes: int64 (bins, MOST_VOTES), filled up with -1."""
    start, end = np.searchsorted(sorted_bins, bins), np.searchsorted(sorted_bins, bins, side="right")
    numbers = start[:, None] + np.arange(MOST_VOTES)
    return np.where(numbers < end[:, None], numbers, -1)


def _support(suspect: LocalFeatures, rows: FeatureRows, votes: _Votes, groups: Numbers) -> Numbers:
    """How many votes agree on the place, at most, with one of them: int64 (bins,).

    Each vote on its own says where all others must be: where it is itself, and turned and scaled by what it says.
    """
    query, row = votes.query[groups], votes.row[groups]
    owner = np.searchsorted(rows.starts, row[:, :1], side="right") - 1
    here = suspect.places[query]
    looks = rows.looks[row].astype(np.float64)
    there = (looks[..., :2] + 0.5) / 256 * rows.sizes[owner]
    turn = suspect.angles[query] - looks[..., 2] * (2 * math.pi / 256)
    scale = suspect.scales[query] / LEVEL_RATIO ** looks[..., 3]
    from_here = here[:, None] - here[:, :, None]
    from_there = there[:, None] - there[:, :, None]
    cosine, sine = (scale * np.cos(turn))[:, :, None], (scale * np.sin(turn))[:, :, None]
    across = cosine * from_there[..., 0] - sine * from_there[..., 1] - from_here[..., 0]
    down = sine * from_there[..., 0] + cosine * from_there[..., 1] - from_here[..., 1]
    allowed = VOTE_PIXELS * suspect.scales[query][:, :, None] + VOTE_SHARE * np.hypot(
        from_here[..., 0], from_here[..., 1]
    )
    agree = (np.hypot(across, down) < allowed) & (groups >= 0)[:, None] & (groups >= 0)[:, :, None]
    # Several votes of one feature are one.
    distinct = np.minimum(*(agree.sum(axis=2) - _repeated(agree, by) for by in (query, row)))
    most: Numbers = distinct.max(axis=1, initial=0)
    return most


def _repeated(agree: npt.NDArray[np.bool_], by: Numbers) -> Numbers:
    """How many of the votes that agree have another one with the same `by` before them: int64 (bins, votes)."""
    same = (by[:, :, None] == by[:, None]) & np.tri(by.shape[1], k=-1, dtype=np.bool_)
    repeated: Numbers = (agree & (agree[:, :, None] & same[:, None]).any(axis=3)).sum(axis=2)
    return repeated

"""Same picture, or only the same layout? The second opinion on a hit, from the blocks that are stored beside PDQ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.blocks import FREQUENCIES, Levels
from hashmatch.matching.tiers import (
    LEAST_DETAIL,
    LESS_DETAIL,
    MOST_AT_A_DISTANCE,
    MOST_CONTRADICTION,
    MOST_IF_DEGRADED,
)

#: Looks up the packed blocks of a reference, by its id and a view's name; None if there are none.
BlocksOf = Callable[[int, str], bytes | None]

_FINE = np.array([max(frequency) > 1 or frequency == (1, 1) for frequency in FREQUENCIES])


class LayoutOpinion(NamedTuple):
    """Whether two pictures are the same.

    says: "same", they agree everywhere; "other", they contradict each other somewhere; "unclear", there is too little
    detail.
    contradiction: how much they contradict each other in the worst place.
    """

    says: Literal["same", "other", "unclear"]
    contradiction: int


def opinion(query: Levels, reference: Levels, is_far: bool) -> LayoutOpinion:
    """Compare two pictures by their blocks.

    query, reference: see hashers/blocks.py; in the same orientation. is_far: whether their hashes are further apart than a
    fast scan looks.
    """
    less, more = sorted((detail(query), detail(reference)))
    most = contradiction(query, reference)
    if most > most_contradiction(is_far, less < LESS_DETAIL * more):
        return LayoutOpinion("other", most)
    return LayoutOpinion("same" if less >= LEAST_DETAIL else "unclear", most)


def most_contradiction(is_far: bool, degraded: bool) -> int:
    """How much two copies of one picture may contradict each other.

    is_far: see `opinion`. degraded: whether one has much less detail than the other.
    """
    if is_far:
        return MOST_AT_A_DISTANCE
    return MOST_IF_DEGRADED if degraded else MOST_CONTRADICTION


def contradiction(query: Levels, reference: Levels) -> int:
    """How much two pictures contradict each other in the worst square of 2 × 2 blocks.

    A coefficient counts twice if it is strong in one and has the other sign in the other, and once if it is strong in one
    and nothing in the other.
    """
    opposed = query * reference <= -2
    gone = (np.abs(query - reference) == 2) & (query * reference == 0)
    blocks = (2 * opposed + gone).sum(axis=2)
    squares = blocks[1:] + blocks[:-1]
    return int((squares[:, 1:] + squares[:, :-1]).max())


def detail(levels: Levels) -> int:
    """How many coefficients are strong, without the lowest frequencies: a plain card or a gradient has few."""
    strong: npt.NDArray[np.bool_] = np.abs(levels) == 2
    return int(strong[:, :, _FINE].sum())

"""Same picture, or only the same layout? The second opinion on a hit, by the blocks that are kept beside PDQ."""

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

#: Packed blocks of a reference (by its id) and view, or None where there are none.
BlocksOf = Callable[[int, str], bytes | None]

_FINE = np.array([max(frequency) > 1 or frequency == (1, 1) for frequency in FREQUENCIES])


class LayoutOpinion(NamedTuple):
    """says: "same", the pictures agree everywhere; "other", somewhere they contradict each other; "unclear", there is too
    little detail. contradiction: how much they do so where they do most."""

    says: Literal["same", "other", "unclear"]
    contradiction: int


def opinion(query: Levels, reference: Levels, is_far: bool) -> LayoutOpinion:
    """query, reference: see hashers/blocks.py; in the same orientation. is_far: whether their hashes are further apart than
    a fast scan looks."""
    less, more = sorted((detail(query), detail(reference)))
    most = contradiction(query, reference)
    if most > most_contradiction(is_far, less < LESS_DETAIL * more):
        return LayoutOpinion("other", most)
    return LayoutOpinion("same" if less >= LEAST_DETAIL else "unclear", most)


def most_contradiction(is_far: bool, degraded: bool) -> int:
    """How much contradiction there may be between two copies of one picture. is_far: see `opinion`. degraded: one has much
    less detail."""
    if is_far:
        return MOST_AT_A_DISTANCE
    return MOST_IF_DEGRADED if degraded else MOST_CONTRADICTION


def contradiction(query: Levels, reference: Levels) -> int:
    """How much the two contradict each other where they do so most: in any square of 2 × 2 blocks, twice the number of
    coefficients that are strong in one and of the other sign in the other, and the number of those that are strong in
    one and nothing in the other."""
    opposed = query * reference <= -2
    gone = (np.abs(query - reference) == 2) & (query * reference == 0)
    blocks = (2 * opposed + gone).sum(axis=2)
    squares = blocks[1:] + blocks[:-1]
    return int((squares[:, 1:] + squares[:, :-1]).max())


def detail(levels: Levels) -> int:
    """How many strong coefficients there are of other than the lowest frequencies: a plain card or a gradient has few."""
    strong: npt.NDArray[np.bool_] = np.abs(levels) == 2
    return int(strong[:, :, _FINE].sum())

"""Same picture, or only the same layout? The second opinion on a hit, from the blocks that are stored beside PDQ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.blocks import FREQUENCIES, Levels
from hashmatch.hashers.details import Cells, Details
from hashmatch.matching.tiers import (
    EVEN_CONTRADICTION,
    LEAST_DETAIL,
    LESS_DETAIL,
    MOST_AT_A_DISTANCE,
    MOST_COLOUR_DIFFERENCE,
    MOST_CONTRADICTION,
    MOST_EVEN_CONTRADICTION,
    MOST_IF_DEGRADED,
    MOST_IN_A_ROW,
    MOST_IN_A_ROW_IF_DEGRADED,
)
from hashmatch.records import Guards

#: Looks up the guards of a reference, by its id and a view's name; None if it has no blocks.
GuardsOf = Callable[[int, str], Guards | None]

#: Finer blocks in a row that are looked at together: some letters of a line.
_ROW = 4
#: Weights of the fit of one picture's colours to another's: how far, in levels of 255, a cell may be off, and how much a
#: copy's colours are moved as a whole, and more where it is bright, as by a filter or another white balance.
_CELL, _TINT, _CAST = 25.0, 12.0, 9.0
#: How many of a picture's cells differ from each other, about.
_CELLS_APART = 25.0

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


class DetailsOpinion(NamedTuple):
    """Whether two pictures of one layout are the same in their details, too.

    contradiction: of their finer blocks, in the row of blocks where it is greatest.
    colours: how far their colours are apart that no filter explains, in levels of 255; None if those of either are unknown.
    """

    agree: bool
    contradiction: int
    colours: float | None


def details_opinion(query: Details, reference: Details) -> DetailsOpinion:
    """Compare two pictures by their details (hashers/details.py); in the same orientation."""
    most, colours = row_contradiction(query.levels, reference.levels), None
    if query.cells is not None and reference.cells is not None:
        colours = round(colour_difference(query.cells, reference.cells), 1)
    less, more = sorted((detail(query.levels), detail(reference.levels)))
    limit = MOST_IN_A_ROW_IF_DEGRADED if less < LESS_DETAIL * more else MOST_IN_A_ROW
    agree = most <= limit and (colours is None or colours <= MOST_COLOUR_DIFFERENCE)
    return DetailsOpinion(agree, most, colours)


def row_contradiction(query: Levels, reference: Levels) -> int:
    """How much two pictures contradict each other in the worst row of four finer blocks, counted as in `contradiction`.

    Blur, noise and small sizes contradict a little everywhere, and another text does so in one place. So what a row has on
    average is taken off, EVEN_CONTRADICTION times.
    """
    counts = _counts(query, reference)
    sums = np.pad(counts.cumsum(axis=1), ((0, 0), (1, 0)))
    usual = EVEN_CONTRADICTION * _ROW * float(counts.mean())
    return max(0, round(int((sums[:, _ROW:] - sums[:, :-_ROW]).max()) - min(usual, MOST_EVEN_CONTRADICTION)))


def colour_difference(query: Cells, reference: Cells) -> float:
    """How far the colours of two pictures are apart, in levels of 255, once those of one are fitted to the other's.

    Filters, white balance, sepia and greyscale change all colours alike. So the query's chroma is explained as a multiple of
    the reference's, none of it negative, plus a tint, plus one that grows with the reference's brightness. Both tints are
    kept small (ridge regression), since with large ones any flag of two colours could be made of any other.

    query, reference: see Details.cells. Returns the root mean square of what is left over.
    """
    theirs, ours = (each.reshape(-1, 3).astype(np.float64) - 128.0 for each in (reference, query))
    count, bright = len(theirs), theirs[:, 0] / 128.0
    # Rows: Cb of all cells, then Cr. Columns: the multiple, the tint of Cb and of Cr, and the same where it is bright.
    design = np.zeros((2 * count, 5))
    design[:, 0] = theirs[:, 1:].T.ravel()
    design[:count, 1] = design[count:, 2] = 1.0
    design[:count, 3] = design[count:, 4] = bright
    wanted = ours[:, 1:].T.ravel()
    weight = _CELLS_APART / count / _CELL**2
    products, target = design.T @ design * weight, design.T @ wanted * weight
    products += np.diag([1e-6, *(2 * (_TINT**-2.0,)), *(2 * (_CAST**-2.0,))])
    fitted = np.linalg.solve(products, target)
    if fitted[0] < 0:
        fitted = np.append(0.0, np.linalg.solve(products[1:, 1:], target[1:]))
    left = wanted - design @ fitted
    return float(np.sqrt(2 * np.mean(left * left)))


def contradiction(query: Levels, reference: Levels) -> int:
    """How much two pictures contradict each other in the worst square of 2 × 2 blocks.

    A coefficient counts twice if it is strong in one and has the other sign in the other, and once if it is strong in one
    and nothing in the other.
    """
    blocks = _counts(query, reference)
    squares = blocks[1:] + blocks[:-1]
    return int((squares[:, 1:] + squares[:, :-1]).max())


def _counts(query: Levels, reference: Levels) -> npt.NDArray[np.int64]:
    """How much each block contradicts: int64 (rows, columns)."""
    opposed = query * reference <= -2
    gone = (np.abs(query - reference) == 2) & (query * reference == 0)
    counts: npt.NDArray[np.int64] = (2 * opposed + gone).sum(axis=2)
    return counts


def detail(levels: Levels) -> int:
    """How many coefficients are strong, without the lowest frequencies: a plain card or a gradient has few."""
    strong: npt.NDArray[np.bool_] = np.abs(levels) == 2
    return int(strong[:, :, _FINE].sum())

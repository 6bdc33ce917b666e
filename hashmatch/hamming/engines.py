"""Choose the engine by cost, per query if need be: brute force or multi-index hashing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hashmatch.hamming import brute, chunks, numba_calls, probe
from hashmatch.hamming.pairs import PackedPairs, TooManyPairsError, join, pack
from hashmatch.hamming.postings import Postings
from hashmatch.hamming.words import Rows, Words, distances_of

RowSelection = npt.NDArray[np.bool_] | npt.NDArray[np.integer]

#: Queries searched together.
QUERIES = 1024
#: Nanoseconds (benchmarks/hamming.md) to build the postings of one hash, and for the numpy calls of one search in them.
BUILD_NS, CALLS_NS = 600.0, 80_000.0
#: Reading postings may cost this share of what brute force costs; then the query goes to brute force. With the cost of
#: probing, both together stay below 1.3 times brute force alone.
SHARE = 0.2


@dataclass(frozen=True, slots=True)
class IndexPart:
    """Hashes to search, with or without postings.

    words: uint64 (width / 64, n). first: the row of the first one. chosen: the rows to search, ascending, counted from
    first; None for all. mask: the same as bool (n,), if there are postings.
    """

    words: Words
    postings: Postings | None
    first: int
    chosen: Rows | None
    mask: npt.NDArray[np.bool_] | None = None

    @property
    def size(self) -> int:
        """How many rows there are to search."""
        return int(self.words.shape[1]) if self.chosen is None else len(self.chosen)


@dataclass(frozen=True, slots=True)
class SearchReach:
    """Every pair within `exact_to` is wanted; beyond it, up to the radius, only pairs that the search happens to meet."""

    radius: int
    exact_to: int

    @property
    def loose(self) -> bool:
        return self.radius > self.exact_to


def select(parts: list[IndexPart], rows: RowSelection) -> list[IndexPart]:
    """The same parts, restricted to some rows: bool (N,) or ascending integers. Raises ValueError on anything else."""
    total = sum(part.words.shape[1] for part in parts)
    whole = np.issubdtype(rows.dtype, np.integer)
    if rows.ndim != 1 or not (whole or (rows.dtype == np.bool_ and len(rows) == total)):
        raise ValueError("rows must be bool (N,) or ascending row numbers")
    numbers: Rows = rows.astype(np.int64) if whole else np.flatnonzero(rows)
    if len(numbers) and (numbers[0] < 0 or numbers[-1] >= total or (np.diff(numbers) <= 0).any()):
        raise ValueError("rows must be ascending, without repetition, and in the index")
    return [_selected(part, numbers) for part in parts]


def _selected(part: IndexPart, numbers: Rows) -> IndexPart:
    size = part.words.shape[1]
    start, end = np.searchsorted(numbers, [part.first, part.first + size])
    chosen = numbers[start:end] - part.first
    if len(chosen) == size:
        return part
    mask = None
    if part.postings is not None:
        mask = np.zeros(size, np.bool_)
        mask[chosen] = True
    return replace(part, chosen=chosen, mask=mask)


def building_pays(part: IndexPart, usual: int, queries: int, reach: SearchReach) -> bool:
    """Whether it pays to build postings, laid out for the usual radius, for this number of queries."""
    width, count = 64 * len(part.words), part.words.shape[1]
    plan = chunks.choose_layout(width, usual, count)
    limits = None if plan is None else chunks.limits_of(plan, reach.exact_to, count)
    if plan is None or limits is None:
        return False
    indexed = count * BUILD_NS + CALLS_NS + queries * sum(chunks.cost_of(plan, limits, count))
    alone: float = queries * brute.cost_of(len(part.words), reach.radius, part.size)
    return bool(indexed < alone)


def search(
    parts: list[IndexPart], queries: Words, reach: SearchReach, total: int, engine: str, most: int | None
) -> PackedPairs:
    """The pairs within reach, packed, in no order.

    queries: uint64 (width / 64, M), of `total` queries of the call. most: raise TooManyPairsError above
    this number of pairs.
    """
    found = []
    for part in parts:
        packed = _search_part(part, queries, reach, total, engine, most)
        packed += np.uint64(part.first)
        found.append(packed)
    if most is not None and sum(map(len, found)) > most:
        raise TooManyPairsError
    return join(found)


def _search_part(
    part: IndexPart, queries: Words, reach: SearchReach, total: int, engine: str, most: int | None
) -> PackedPairs:
    radius = reach.radius
    alone = brute.cost_of(len(part.words), radius, part.size)
    limits = None
    if part.postings is not None and engine != "brute":
        limits = chunks.limits_of(part.postings.layout, reach.exact_to, part.postings.count)
    if part.postings is None or limits is None:
        return _by_brute_force(part, queries, radius, total * alone, most)
    probing, looking = chunks.cost_of(part.postings.layout, limits, part.postings.count, part.postings.crowding)
    indexed = CALLS_NS / total + probing + looking
    budget = np.inf
    if engine == "auto":
        quick = numba_calls.kernels(total * min(alone, indexed)) is not None
        if indexed * (numba_calls.PROBE_SHARE if quick else 1) > alone * (numba_calls.BRUTE_SHARE if quick else 1):
            return _by_brute_force(part, queries, radius, total * alone, most)
        # Where most queries are expected to cost more than a share of brute force, they are let.
        budget = max(SHARE * alone, 2 * looking)
    found, over = _by_index(part, queries, limits, reach, (total * indexed, budget), most)
    numba_calls.spend(queries.shape[1] * indexed)
    if not over.any():
        return found
    left = np.flatnonzero(over)
    packed = _by_brute_force(part, queries[:, left], radius, len(left) * alone, most)
    # Numbered among those left; give them their own numbers again.
    number = left[(packed >> np.uint64(48)).view(np.int64)].view(np.uint64)
    return join([found, (packed & np.uint64(2**48 - 1)) | number << np.uint64(48)])


def _by_brute_force(part: IndexPart, queries: Words, radius: int, nanoseconds: float, most: int | None) -> PackedPairs:
    compiled = numba_calls.kernels(nanoseconds)
    if compiled is not None:
        return numba_calls.brute_search(compiled, part.words, queries, radius, part.chosen, most)
    numba_calls.spend(queries.shape[1] * brute.cost_of(len(part.words), radius, part.size))
    return brute.search(part.words, queries, radius, part.chosen, most)


def _by_index(
    part: IndexPart,
    queries: Words,
    limits: tuple[int, ...],
    reach: SearchReach,
    costs: tuple[float, float],
    most: int | None,
) -> tuple[PackedPairs, npt.NDArray[np.bool_]]:
    """The pairs of all queries but those that exceed the budget, and which those are. limits: for
    `exact_to`. costs: what the whole call is expected to take, and what the postings of one query may, in nanoseconds."""
    assert part.postings is not None
    nanoseconds, budget = costs
    compiled = numba_calls.kernels(nanoseconds)
    if compiled is not None:
        kind = limits, reach.loose
        found, over = numba_calls.probe_search(
            compiled, part.postings, part.words, queries, kind, reach.radius, budget, most
        )
        if part.mask is not None:
            found = found[part.mask[(found & np.uint64(2**32 - 1)).view(np.int64)]]
        return found, over
    numbers, rows, over = probe.candidates(part.postings, queries, limits, reach.loose, budget, most)
    if part.mask is not None:
        kept = part.mask[rows]
        numbers, rows = numbers[kept], rows[kept]
    distances = distances_of(part.words, rows, queries, numbers)
    near = np.flatnonzero(distances <= reach.radius)
    return pack(numbers[near], distances[near], rows[near]), over


def nearest(parts: list[IndexPart], queries: Words, count: int, radius: int, total: int) -> Iterator[PackedPairs]:
    """For each query the `count` nearest rows, as sorted pairs with query number 0. There must be at least `count` rows.

    First all within the usual radius are looked for, as that is cheap; who has too few of them is left to brute force.
    """
    size = queries.shape[1]
    near = np.empty(0, np.uint64)
    if parts[0].postings is not None:
        try:
            near = search(parts, queries, SearchReach(radius, radius), total, "auto", QUERIES * max(count, 1024))
        except TooManyPairsError:
            near = np.empty(0, np.uint64)
    near.sort()
    bounds = np.searchsorted(near, np.arange(size + 1, dtype=np.uint64) << np.uint64(48))
    for number in range(size):
        start, end = int(bounds[number]), int(bounds[number + 1])
        if end - start >= count:
            yield near[start : start + count] & np.uint64(2**48 - 1)
            continue
        best = np.empty(0, np.uint64)
        for part in parts:
            best = brute.nearest(part.words, queries[:, number], count, part.first, best)
        yield best

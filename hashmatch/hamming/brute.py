"""Exact search by vectorised brute force.

A block of rows that fits into the L2 cache is compared with one query after another. A lower bound of the distance comes
first: it takes few passes over the block and rules out unrelated hashes. The survivors are then compared in full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.pairs import PackedPairs, TooManyPairsError, join, pack
from hashmatch.hamming.words import Rows, Words, distance

__all__ = ["distance", "nearest", "search"]

#: Rows compared at a time: one column of a block is 256 KB.
BLOCK = 1 << 15
#: Nanoseconds per row for each pass over a block in the L2 cache (benchmarks/hamming.md): xor, or, counting ones, and
#: adding, comparing and looking for hits. The last is for the numpy calls of one block, whatever its size.
XOR_NS, OR_NS, COUNT_NS, REST_NS, CALLS_NS = 0.28, 0.23, 0.38, 0.17, 5_000.0
#: A bound lets few unrelated hashes through if random bits lie this many standard deviations above the radius.
SIGMAS = 4.5


@dataclass(frozen=True, slots=True)
class DistanceBound:
    """A lower bound of the distance: the ones of (a or b) for each pair of columns, plus the ones of single columns.

    The first 2 * pairs columns are taken in pairs, the next `singles` by themselves. exact: it equals the distance.
    """

    pairs: int
    singles: int
    exact: bool

    @property
    def nanoseconds(self) -> float:
        """The cost of one row."""
        columns = 2 * self.pairs + self.singles
        return columns * XOR_NS + self.pairs * OR_NS + (self.pairs + self.singles) * COUNT_NS + REST_NS


@lru_cache(maxsize=1024)
def choose_bound(columns: int, radius: int) -> DistanceBound:
    """The cheapest bound that tells unrelated hashes apart at this radius."""
    best = DistanceBound(0, columns, True)
    for pairs in range(columns // 2 + 1):
        for singles in range(columns - 2 * pairs + 1):
            # Each of 64 bits is one with a probability of 3/4 in a pair and 1/2 in a single column.
            mean, deviation = 48 * pairs + 32 * singles, math.sqrt(12 * pairs + 16 * singles)
            bound = DistanceBound(pairs, singles, pairs == 0 and singles == columns)
            if mean - SIGMAS * deviation > radius and bound.nanoseconds < best.nanoseconds:
                best = bound
    return best


def cost_of(columns: int, radius: int, count: int) -> float:
    """Nanoseconds that one query takes among `count` hashes of random bits."""
    return count * choose_bound(columns, radius).nanoseconds + (count // BLOCK + 1) * CALLS_NS


def search(words: Words, queries: Words, radius: int, chosen: Rows | None, most: int | None) -> PackedPairs:
    """Every pair within the radius, packed, in no order.

    words: uint64 (columns, N). queries: uint64 (columns, M). chosen: the rows to search, ascending, or None for all.
    most: raise TooManyPairsError above this number of pairs.
    """
    found: list[PackedPairs] = []
    pairs = 0
    count = words.shape[1] if chosen is None else len(chosen)
    scratch = _Scratch(min(count, BLOCK))
    for start in range(0, count, BLOCK):
        rows = None if chosen is None else chosen[start : start + BLOCK]
        block = words[:, start : start + BLOCK] if rows is None else words.take(rows, axis=1)
        for number in range(queries.shape[1]):
            near, distances = _within(block, queries[:, number], radius, scratch)
            if not near.size:
                continue
            found.append(pack(np.int64(number), distances, near + start if rows is None else rows.take(near)))
            pairs += near.size
            if most is not None and pairs > most:
                raise TooManyPairsError
    return join(found)


def nearest(words: Words, query: Words, count: int, first: int, best: PackedPairs) -> PackedPairs:
    """The `count` nearest rows of one query, as pairs of query 0, sorted by distance, then row.

    words: uint64 (columns, N), the rows numbered from `first` on. query: uint64 (columns,). best: the result for all
    rows before these.
    """
    scratch = _Scratch(min(words.shape[1], BLOCK))
    for start in range(0, words.shape[1], BLOCK):
        # A later row at the same distance as the worst of the best is no better.
        radius = int(best[-1] >> np.uint64(32)) - 1 if len(best) == count else 64 * len(query)
        if radius < 0:
            break
        near, distances = _within(words[:, start : start + BLOCK], query, radius, scratch)
        best = np.concatenate((best, pack(np.int64(0), distances, near + start + first)))
        best.sort()
        best = best[:count]
    return best


class _Scratch:
    """Arrays for one block. They are reused, because fresh memory costs more than the arithmetic."""

    def __init__(self, size: int) -> None:
        self.differing = np.empty(size, np.uint64)
        self.second = np.empty(size, np.uint64)
        self.ones = np.empty(size, np.uint8)
        self.total = np.empty(size, np.uint16)


def _within(
    block: Words, query: npt.NDArray[np.uint64], radius: int, scratch: _Scratch
) -> tuple[Rows, npt.NDArray[np.uint16]]:
    """The rows of one block within the radius, ascending, and their distances."""
    bound = choose_bound(len(block), radius)
    size = block.shape[1]
    total = _total(block, query, bound, scratch, size)
    near = np.flatnonzero(total <= radius) if radius < 64 * len(block) else np.arange(size)
    if bound.exact or not near.size:
        return near, total.take(near).astype(np.uint16)
    exact = np.zeros(len(near), np.uint16)
    for column, word in zip(block, query, strict=True):
        exact += np.bitwise_count(column.take(near) ^ word)
    within = exact <= radius
    return near[within], exact[within]


def _total(
    block: Words, query: npt.NDArray[np.uint64], bound: DistanceBound, scratch: _Scratch, size: int
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    differing, second, ones = scratch.differing[:size], scratch.second[:size], scratch.ones[:size]
    terms = bound.pairs + bound.singles
    total: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | None = None
    column = 0
    for term in range(terms):
        np.bitwise_xor(block[column], query[column], out=differing)
        column += 1
        if term < bound.pairs:
            np.bitwise_xor(block[column], query[column], out=second)
            np.bitwise_or(differing, second, out=differing)
            column += 1
        if total is None and terms <= 3:
            # The ones of three words fit into eight bits, those of four do not: 256 would be 0, a false hit.
            total = np.bitwise_count(differing)
        elif total is None:
            total = scratch.total[:size]
            total[:] = np.bitwise_count(differing, out=ones)
        else:
            total += np.bitwise_count(differing, out=ones)
    assert total is not None
    return total

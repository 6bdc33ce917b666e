"""Exact Hamming radius search by vectorised brute force.

Hashes are kept word-major: one contiguous uint64 array for each 64-bit column of the hash. A block of rows is compared
on as few columns as are likely to rule out unrelated hashes, and only the survivors on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

#: Rows compared at a time: one column of a block is 256 KB, so a block's few arrays stay in the L2 cache.
BLOCK = 32_768
#: Iterating yields after about so many pairs, so that memory stays bounded where everything matches everything.
PAIRS_PER_BLOCK = 1_000_000


class HammingIndex:
    """N hashes of equal width, to be searched for neighbours. Knows bits and row numbers, nothing else."""

    def __init__(self, words: npt.NDArray[np.uint64]) -> None:
        self._words = words

    @classmethod
    def from_hashes(cls, hashes: Bits) -> HammingIndex:
        """hashes: uint8 (N, bytes), the width a multiple of 8 bytes. Raises ValueError on any other shape."""
        return cls(_to_words(hashes))

    def __len__(self) -> int:
        return int(self._words.shape[1])

    def range_search(self, queries: Bits, radius: int) -> tuple[Rows, Rows, Rows]:
        """Every pair within the radius.

        queries: uint8 (M, bytes). radius: the largest distance that is still a hit, in bits.
        Returns three int64 arrays of equal length: query row, reference row, distance; sorted by query, then distance,
        then reference row.
        """
        blocks = list(self.iter_range_search(queries, radius))
        if not blocks:
            return (np.empty(0, np.int64),) * 3
        q, r, d = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return q, r, d

    def iter_range_search(self, queries: Bits, radius: int) -> Iterator[tuple[Rows, Rows, Rows]]:
        """The same in bounded memory: blocks of whole queries, each about PAIRS_PER_BLOCK pairs or one query."""
        words = _to_words(queries)
        if words.shape[0] != self._words.shape[0]:
            raise ValueError("queries and references have hashes of different widths")
        found: list[tuple[Rows, Rows, Rows]] = []
        pairs = 0
        for number in range(words.shape[1]):
            rows, distances = self._search_one(words[:, number], radius)
            if rows.size:
                found.append((np.full(rows.size, number, np.int64), rows, distances))
                pairs += rows.size
            if pairs >= PAIRS_PER_BLOCK:
                yield _joined(found)
                found, pairs = [], 0
        if found:
            yield _joined(found)

    def _search_one(self, query: npt.NDArray[np.uint64], radius: int) -> tuple[Rows, Rows]:
        columns = _filter_columns(self._words.shape[0], radius)
        rows: list[Rows] = []
        distances: list[Rows] = []
        for start in range(0, len(self), BLOCK):
            block = self._words[:, start : start + BLOCK]
            # uint16, because the distance of 256 bits does not fit into the uint8 that bitwise_count gives
            distance = np.bitwise_count(block[0] ^ query[0]).astype(np.uint16)
            for column in range(1, columns):
                distance += np.bitwise_count(block[column] ^ query[column])
            near = np.flatnonzero(distance <= radius)
            if not near.size:
                continue
            total = distance[near].astype(np.int64)
            for column in range(columns, block.shape[0]):
                total += np.bitwise_count(block[column, near] ^ query[column])
            within = total <= radius
            rows.append(near[within] + start)
            distances.append(total[within])
        if not rows:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        row, distance = np.concatenate(rows), np.concatenate(distances)
        order = np.argsort(distance, kind="stable")
        return row[order], distance[order]


def distance(one: bytes, other: bytes) -> int:
    """The Hamming distance of two hashes of equal length, in bits."""
    if len(one) != len(other):
        raise ValueError("hashes of different widths have no distance")
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _filter_columns(columns: int, radius: int) -> int:
    """How many 64-bit columns tell unrelated hashes apart: those of random bits lie 3 sigma beyond the radius."""
    return next((k for k in range(1, columns) if 32 * k - 12 * math.sqrt(k) > radius), columns)


def _to_words(hashes: Bits) -> npt.NDArray[np.uint64]:
    if hashes.ndim != 2 or hashes.shape[1] % 8 or not hashes.shape[1]:
        raise ValueError("hashes must be a uint8 array (N, bytes) with a multiple of 8 bytes")
    return np.ascontiguousarray(np.ascontiguousarray(hashes, np.uint8).view(np.uint64).T)


def _joined(found: list[tuple[Rows, Rows, Rows]]) -> tuple[Rows, Rows, Rows]:
    q, r, d = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return q, r, d

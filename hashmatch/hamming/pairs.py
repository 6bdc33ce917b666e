"""Pairs of a query and a row, packed into one number each, so that sorting them is one fast sort.

From high to low: 16 bits of query number within its block, 16 bits of distance, 32 bits of row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.words import Rows

PackedPairs = npt.NDArray[np.uint64]
Pairs = tuple[Rows, Rows, Rows]

_ROW = np.uint64(2**32 - 1)
_DISTANCE = np.uint64(2**16 - 1)


class TooManyPairsError(Exception):
    """A block of queries has more pairs than memory allows; search fewer queries at once."""


def pack(numbers: Rows | np.int64, distances: npt.NDArray[np.uint16], rows: Rows) -> PackedPairs:
    """Pack arrays of equal length; numbers may be a single query number for all."""
    packed: PackedPairs = np.asarray(numbers).astype(np.uint64) << np.uint64(48)
    packed = packed | distances.astype(np.uint64) << np.uint64(32)
    packed |= rows.astype(np.uint64)
    return packed


def unpack(packed: PackedPairs, first: int) -> Pairs:
    """Unpack into int64 query, row and distance. first: the number of the block's first query."""
    numbers = (packed >> np.uint64(48)).view(np.int64)
    numbers += first
    distances = (packed >> np.uint64(32) & _DISTANCE).view(np.int64)
    return numbers, (packed & _ROW).view(np.int64), distances


def join(parts: list[PackedPairs]) -> PackedPairs:
    """All parts as one array, in no particular order."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def no_pairs() -> Pairs:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)

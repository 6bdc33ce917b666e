"""Decides whether to use numba, the optional accelerator, and calls its kernels.

Importing numba and its compiled kernels takes about 0.4 s, and the first compilation takes seconds. So numba is used only
for work that takes longer than that, in one search or in many small ones. The environment variable HASHMATCH_NUMBA=0
forbids it, and =1 always asks for it. Compiled code is cached where numba always keeps it: beside the module if the user
may write there, else in the user's own cache folder, never where others may write.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.brute import choose_bound
from hashmatch.hamming.chunks import BUCKET_NS, LOW_BITS, POSTING_NS, ChunkLayout
from hashmatch.hamming.pairs import PackedPairs, TooManyPairsError, join
from hashmatch.hamming.postings import Postings
from hashmatch.hamming.probe import DamagedIndexError, plan_of
from hashmatch.hamming.words import Rows, Words

#: From this many nanoseconds of numpy's work on, numba is worth its import.
WORTH_NS = 3e9
#: The share of numpy's time that each engine takes with numba (benchmarks/hamming.md).
BRUTE_SHARE, PROBE_SHARE = 0.17, 0.4
#: Rows that are gathered at a time if only some are searched.
GATHERED = 1 << 20
#: Room for pairs in the first try of a search through postings: 8 MB, of which only the used part costs time.
RESERVED = 1 << 20

_ROW = np.uint64(2**32 - 1)
_NAME = "hashmatch.hamming.kernels"
#: Holds None if numba was not found.
_kernels: list[ModuleType | None] = []
#: Nanoseconds that numpy has spent instead.
_without = 0.0


def kernels(nanoseconds: float) -> ModuleType | None:
    """The compiled kernels, if numba is installed, allowed, and worth it for this much work; else None.

    Small searches add up: once they have cost as much as the import, more of them are likely to come.
    """
    global _without
    wanted = os.environ.get("HASHMATCH_NUMBA", "")
    if wanted == "0":
        return None
    if not _kernels:
        if wanted != "1" and _without + nanoseconds < WORTH_NS:
            return None
        _kernels.append(_load())
    return _kernels[0]


def spend(nanoseconds: float) -> None:
    """Note that numpy did this much work."""
    global _without
    _without += nanoseconds


def _load() -> ModuleType | None:
    import importlib

    try:
        return importlib.import_module(_NAME)
    except Exception:  # not installed, not for this numpy or Python, or nowhere to cache: all the same here
        sys.modules.pop(_NAME, None)
        return None


def brute_search(
    compiled: ModuleType, words: Words, queries: Words, radius: int, chosen: Rows | None, most: int | None
) -> PackedPairs:
    """Like brute.search, compiled."""
    bound = choose_bound(len(words), radius)
    filtering = 0 if bound.exact else {(1, 0): 2, (0, 3): 3}.get((bound.pairs, bound.singles), 0)
    by_query = np.ascontiguousarray(queries.T)
    found: list[PackedPairs] = []
    step = GATHERED if chosen is not None else max(words.shape[1], 1)
    for start in range(0, words.shape[1] if chosen is None else len(chosen), step):
        rows = None if chosen is None else chosen[start : start + step]
        some = np.ascontiguousarray(words if rows is None else words.take(rows, axis=1))
        left = some.shape[1] * len(by_query) if most is None else most - sum(map(len, found))
        out = np.empty(min(left, some.shape[1] * len(by_query)), np.uint64)
        pairs = compiled.brute(some, by_query, radius, filtering, out)
        if pairs == compiled.FULL:
            raise TooManyPairsError
        packed = out[:pairs].copy()
        if rows is not None:
            row = rows.take((packed & _ROW).view(np.int64)).view(np.uint64)
            packed = (packed & ~_ROW) | row
        found.append(packed)
    return join(found)


def probe_search(
    compiled: ModuleType,
    postings: Postings,
    words: Words,
    queries: Words,
    kind: tuple[tuple[int, ...], bool],
    radius: int,
    budget: float,
    most: int | None,
) -> tuple[PackedPairs, npt.NDArray[np.bool_]]:
    """Like probe.candidates, compiled: every pair within the radius that the limits stand for (and if loose, others within
    `radius`), packed, in no order; and bool (M,), which queries exceed the budget. kind: limits and loose."""
    by_query = np.ascontiguousarray(queries.T)
    arrays = postings.occupied, postings.starts, postings.rows, postings.beside
    plan, costs = _plan(postings.layout, *kind), (BUCKET_NS, POSTING_NS, budget)
    # A pair is found once for each chunk that is near. Reserving room for the worst case takes longer than one search.
    needed = len(kind[0]) * (postings.count * len(by_query) if most is None else most)
    room = min(needed, RESERVED)
    while True:
        spent, out = np.zeros(len(by_query)), np.empty(room, np.uint64)
        found = compiled.probe(arrays, words, by_query, plan, radius, costs, spent, out)
        if found != compiled.FULL or room == needed:
            break
        room = needed
    if found == compiled.DAMAGED:
        raise DamagedIndexError("the index contradicts itself")
    if found == compiled.FULL:
        raise TooManyPairsError
    over = spent > budget
    packed = out[:found].copy()
    if found > 1:
        packed.sort()
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
    if over.any():
        packed = packed[~over[(packed >> np.uint64(48)).view(np.int64)]]
    return packed, over


@lru_cache(maxsize=64)
def _plan(layout: ChunkLayout, limits: tuple[int, ...], loose: bool) -> tuple[Any, ...]:
    """The plan of all chunks, in the form that the kernel takes."""
    plan = plan_of(layout, limits, loose, 0, len(limits))
    ends = np.append(0, np.cumsum(plan.sizes))
    places = np.array(layout.offsets), np.array(layout.lengths), LOW_BITS
    return *places, plan.flips.astype(np.uint32), plan.base, plan.patterns, plan.slack, ends

"""Multi-index hashing in numpy: look up every key near the query's, rule out candidates by their neighbouring chunk, and
verify the rest.

Batches go chunk by chunk, so that the map of a chunk's occupied keys stays in the L2 cache. A few queries go through all
chunks at once, because the number of numpy calls is what costs then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.chunks import BUCKET_NS, LOW_BITS, POSTING_NS, ChunkLayout, loose_slack
from hashmatch.hamming.pairs import TooManyPairsError
from hashmatch.hamming.postings import Postings
from hashmatch.hamming.words import Rows, Words

#: Keys probed in one numpy call, so that its arrays stay in the L2 cache.
PROBES = 1 << 16
#: Postings compared in one numpy call.
POSTINGS = 1 << 17
_LOW = (1 << LOW_BITS) - 1


class DamagedIndexError(Exception):
    """The index contradicts itself: its file is damaged, or is not an index. Build it again."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What to probe for one query in chunks [first, last): n bytes of the map of occupied keys.

    flips: int64 (n,), to xor with the query's bucket. base: int64 (n,), the first bucket of the probe's chunk.
    chunk: int64 (n,). sizes: int64 (chunks,), how many of the n belong to each chunk. patterns: uint8 (8, n): for each
    value of the query's low bits, which keys of the byte are near enough. slack: uint8 (n,): how many differences are
    left for the low bits and the neighbour.
    """

    flips: npt.NDArray[np.int64]
    base: npt.NDArray[np.int64]
    chunk: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    patterns: npt.NDArray[np.uint8]
    slack: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ChunkKeys:
    """The keys of M queries. bucket: int64 (chunks, M), within the chunk. low: int64 (chunks, M), the low bits.
    beside: uint32 (chunks, M), what the postings hold beside the row."""

    bucket: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    beside: npt.NDArray[np.uint32]


@dataclass(slots=True)
class ProbeCandidates:
    """Rows that a query must be compared with, in parts. spent: nanoseconds that reading postings cost each query."""

    numbers: list[Rows]
    rows: list[Rows]
    spent: npt.NDArray[np.float64]
    size: int = 0


def candidates(
    postings: Postings, queries: Words, limits: tuple[int, ...], loose: bool, budget: float, most: int | None
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """Every pair within the radius that `limits` stands for, and some others.

    queries: uint64 (width / 64, M). loose: keep more of the farther pairs that it meets, too. budget: nanoseconds
    that may be spent on the postings of one query. most: raise TooManyPairsError when more than four times this number of
    pairs (a pair is found once for each chunk that is near) would take too much memory.
    Returns int64 query numbers and int64 rows, each pair once, sorted by query; and bool (M,), which queries exceed the
    budget: none of their pairs is returned. Raises DamagedIndexError.
    """
    count, chunks = queries.shape[1], len(limits)
    found = ProbeCandidates([], [], np.zeros(count))
    whole = plan_of(postings.layout, limits, loose, 0, chunks)
    if count * len(whole.flips) <= PROBES:
        plans = [whole]
    else:
        looked_up = [chunk for chunk in range(chunks) if limits[chunk] >= 0]
        plans = [plan_of(postings.layout, limits, loose, chunk, chunk + 1) for chunk in looked_up]
    keys = keys_of(postings.layout, queries)
    for plan in plans:
        step = max(1, PROBES // len(plan.flips))
        for start in range(0, count, step):
            _probe(postings, keys, plan, start, min(start + step, count), budget, found)
            if most is not None and found.size > 4 * most:
                raise TooManyPairsError
    over = found.spent > budget
    if not found.rows:
        return np.empty(0, np.int64), np.empty(0, np.int64), over
    pairs = np.concatenate(found.numbers) << 32 | np.concatenate(found.rows)
    pairs.sort()
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
    numbers = pairs >> 32
    if over.any():
        kept = np.flatnonzero(~over[numbers])
        pairs, numbers = pairs[kept], numbers[kept]
    return numbers, pairs & 0xFFFFFFFF, over


def keys_of(layout: ChunkLayout, queries: Words) -> ChunkKeys:
    """The keys of queries in each chunk. queries: uint64 (width / 64, M)."""
    word, shift, upper, mask, length = _places(layout)
    # The last word has no next one; what is shifted in instead is masked out.
    key = queries.take(word, axis=0) >> shift | queries.take(word + 1, axis=0, mode="clip") << upper
    key &= mask
    keys: npt.NDArray[np.int64] = key.view(np.int64)
    low = keys & _LOW
    neighbour = keys.take(np.arange(-1, len(keys) - 1), axis=0, mode="wrap")
    beside = neighbour | low << length
    return ChunkKeys(keys >> LOW_BITS, low, beside.astype(np.uint32))


@lru_cache(maxsize=64)
def _places(layout: ChunkLayout) -> tuple[Rows, Words, Words, Words, Rows]:
    """For each chunk: its word, how far to shift this and the next word, its mask, and its neighbour's length."""
    word, shift = np.divmod(np.array(layout.offsets)[:, None], 64)
    mask = (1 << np.array(layout.lengths)[:, None]) - 1
    neighbour = np.roll(layout.lengths, 1)[:, None]
    upper = (64 - shift).astype(np.uint64)
    return word[:, 0], shift.astype(np.uint64), upper, mask.astype(np.uint64), neighbour.astype(np.int64)


def _probe(
    postings: Postings, keys: ChunkKeys, plan: ProbePlan, start: int, end: int, budget: float, found: ProbeCandidates
) -> None:
    """Probe for queries [start, end)."""
    width = len(plan.flips)
    first, chunks = int(plan.chunk[0]), len(plan.sizes)
    if chunks == 1:
        bucket = keys.bucket[first, start:end, None] ^ plan.flips
        bucket += plan.base[0]
        near = plan.patterns.take(keys.low[first, start:end], axis=0)
    else:
        bucket = np.repeat(keys.bucket[:, start:end].T, plan.sizes, axis=1) ^ plan.flips
        bucket += plan.base
        pattern = np.repeat(keys.low[:, start:end].T * width, plan.sizes, axis=1) + np.arange(width)
        near = plan.patterns.take(pattern)
    near &= postings.occupied.take(bucket, mode="clip")
    hit = np.flatnonzero(near != 0)
    if not hit.size:
        return
    number = hit // width
    column = hit - number * width
    number += start
    chunk = plan.chunk.take(column)
    place = bucket.reshape(-1).take(hit)
    place += chunk
    begin = postings.starts.take(place).astype(np.int64)
    place += 1
    sizes = postings.starts.take(place) - begin
    # An occupied key has postings; if not, the offsets would lead to a wrong place or outside.
    if sizes.min() < 1 or int((begin + sizes).max()) > postings.count:
        raise DamagedIndexError("the buckets of the index contradict each other")
    begin += chunk * postings.count
    found.spent += np.bincount(number, weights=sizes * POSTING_NS + BUCKET_NS, minlength=len(found.spent))
    aim = keys.beside.reshape(-1).take(chunk * len(found.spent) + number)
    slack = plan.slack.take(column)
    over = found.spent[start:end] > budget
    if over.any():
        kept = np.flatnonzero(~over[number - start])
        number, begin, sizes, aim, slack = number[kept], begin[kept], sizes[kept], aim[kept], slack[kept]
    ends = np.cumsum(sizes)
    cut = 0
    while cut < len(ends):
        before = int(ends[cut - 1]) if cut else 0
        stop = max(cut + 1, int(np.searchsorted(ends, before + POSTINGS)))
        part = slice(cut, stop)
        compare_beside(postings, number[part], begin[part], sizes[part], aim[part], slack[part], found)
        cut = stop


def compare_beside(
    postings: Postings,
    number: Rows,
    begin: Rows,
    sizes: Rows,
    aim: npt.NDArray[np.uint32],
    slack: npt.NDArray[np.uint8],
    found: ProbeCandidates,
) -> None:
    """Keep the postings of the buckets whose neighbouring chunk is near enough."""
    ends = np.cumsum(sizes)
    source = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(int(ends[-1]))
    place += (begin - ends + sizes).take(source)
    differing = postings.beside.take(place)
    differing ^= aim.take(source)
    kept = np.flatnonzero(np.bitwise_count(differing) <= slack.take(source))
    if not kept.size:
        return
    rows = postings.rows.take(place.take(kept)).astype(np.int64)
    if rows.max() >= postings.count:
        raise DamagedIndexError("the index names rows that do not exist")
    found.size += len(rows)
    found.rows.append(rows)
    found.numbers.append(number.take(source.take(kept)))


@lru_cache(maxsize=256)
def plan_of(layout: ChunkLayout, limits: tuple[int, ...], loose: bool, first: int, last: int) -> ProbePlan:
    """What to probe in chunks [first, last). loose: as in candidates."""
    flips, slack, patterns, sizes = [np.empty(0, np.int64)], [np.empty(0, np.uint8)], [_patterns(0, 0)], []
    for chunk in range(first, last):
        limit = limits[chunk]
        masks = [_masks(layout.lengths[chunk] - LOW_BITS, differing) for differing in range(limit + 1)]
        flips += masks
        # limits[-1] belongs to the first chunk's neighbour.
        together = limit + limits[chunk - 1] + 1
        least = loose_slack(layout.lengths[chunk - 1]) if loose else 0
        slack += [np.full(len(mask), max(together - n, least), np.uint8) for n, mask in enumerate(masks)]
        patterns += [_patterns(limit - n, len(mask)) for n, mask in enumerate(masks)]
        sizes.append(sum(map(len, masks)))
    chunks = np.repeat(np.arange(first, last), sizes)
    base = np.cumsum((0, *layout.buckets))[chunks]
    return ProbePlan(
        np.concatenate(flips), base, chunks, np.array(sizes), np.concatenate(patterns, axis=1), np.concatenate(slack)
    )


@lru_cache(maxsize=1024)
def _masks(bits: int, differing: int) -> npt.NDArray[np.int64]:
    """Every number of `bits` bits with exactly `differing` ones, ascending: first without the highest bit, then with it."""
    if differing in (0, bits):
        return np.array([(1 << differing) - 1])
    return np.concatenate((_masks(bits - 1, differing), _masks(bits - 1, differing - 1) | 1 << (bits - 1)))


def _patterns(limit: int, repeats: int) -> npt.NDArray[np.uint8]:
    """For each value of the low bits, the keys of its byte within `limit` bits: uint8 (8, repeats)."""
    low = np.arange(1 << LOW_BITS)
    near = np.bitwise_count(low[:, None] ^ low) <= limit
    return np.repeat(np.packbits(near, axis=1, bitorder="little"), repeats, axis=1)

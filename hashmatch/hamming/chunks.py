"""How a hash is cut into chunks, and how near each chunk must be.

The pigeonhole: allow chunk i to differ in t_i bits, where all (t_i + 1) add up to radius + 1. Two hashes within the
radius then have a chunk with at most t_i differences, because otherwise their distance would be at least radius + 1. So it
is enough to look up, in each chunk, the keys within t_i bits of the query's.

The pigeons in a ring: lay the chunks in a circle and let e_i = d_i - (t_i + 1), whose sum is negative for a pair within
the radius. Start right behind the last maximum of the running sum: every running sum from there is negative (the cycle
lemma). So there is a chunk i with d_i <= t_i *and* d_i + d_j <= t_i + t_j + 1 for its neighbour j in the circle. A
posting that carries the neighbour's bits beside the row is therefore ruled out, in 199 of 200 cases, without a look at
the row. (Qin and Xiao, "Pigeonring: a principle for faster thresholded similarity search", VLDB 2018; the uneven
t_i are from Qin et al., "GPH: similarity search in Hamming space", ICDE 2018.)

Where t_i is -1, chunk i is not looked up at all. Chunks need not cover the whole hash.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

#: Nanoseconds for one key looked up, one bucket met and one posting compared in numpy (benchmarks/hamming.md).
PROBE_NS, BUCKET_NS, POSTING_NS = 3.5, 13.0, 7.0
#: The low bits of a key lie in one byte of the map of occupied keys; all keys of that byte share a bucket.
LOW_BITS = 3
#: A neighbour's key and the low bits must fit into the 32 bits beside a posting.
LONGEST_CHUNK = 32 - LOW_BITS
#: What all postings of one hash may take: this many bytes, or this many times the hash itself if that is more.
POSTING_BYTES, POSTING_SHARE = 183, 5.7
#: The largest share of unrelated postings that a loose search compares in full. A full comparison costs about 100 ns and a
#: posting 7, so one in thirty is affordable.
LOOSE_SHARE = 1 / 30
#: From this number of probed keys per query on, no index is worth it.
MOST_PROBES = 2_000_000


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """offsets, lengths: of the chunks, in bits; chunk i's neighbour is i - 1, the first one's the last."""

    offsets: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def buckets(self) -> tuple[int, ...]:
        """The number of buckets of each chunk."""
        return tuple(1 << (length - LOW_BITS) for length in self.lengths)


@lru_cache(maxsize=64)
def choose_layout(width: int, radius: int, count: int) -> ChunkLayout | None:
    """The cheapest layout for searches in `count` hashes of `width` bits at a radius, or None if there is none.

    Fewer chunks are longer, so that fewer hashes share a key, but more keys lie near the query's.
    """
    if not count:
        return None
    best: tuple[float, ChunkLayout] | None = None
    longest = min(LONGEST_CHUNK, int(math.log2(max(count, 1))) + 5)
    for chunks in range(2, width // (LOW_BITS + 2) + 1):
        length = min(width / chunks, longest)
        edges = [round(length * number) for number in range(chunks + 1)]
        lengths = tuple(end - start for start, end in itertools.pairwise(edges))
        layout = ChunkLayout(tuple(edges[:-1]), lengths)
        if max(lengths) > longest or bytes_of(layout, count) > max(POSTING_BYTES, POSTING_SHARE * width / 8) * max(
            count, 1
        ):
            continue
        limits = limits_of(layout, radius, count)
        cost = math.inf if limits is None else sum(cost_of(layout, limits, count))
        if cost < (best[0] if best else math.inf):
            best = cost, layout
    return best[1] if best else None


def bytes_of(layout: ChunkLayout, count: int) -> int:
    """The size of the postings of `count` hashes, in bytes."""
    return sum(5 * buckets + 4 + 8 * count for buckets in layout.buckets)


@lru_cache(maxsize=256)
def limits_of(layout: ChunkLayout, radius: int, count: int) -> tuple[int, ...] | None:
    """t_i of each chunk for this radius at the least cost, or None if the radius is too large for postings.

    radius + 1 units are dealt out one by one, each to the chunk where one more differing bit costs least.
    """
    if radius >= sum(layout.lengths):
        return None
    limits = [-1] * len(layout.lengths)
    queue = [(_step(length, 0, count), number) for number, length in enumerate(layout.lengths)]
    heapq.heapify(queue)
    probes = 0
    for _ in range(radius + 1):
        _cost, number = heapq.heappop(queue)
        limits[number] += 1
        length = layout.lengths[number]
        probes += math.comb(length - LOW_BITS, limits[number])
        if probes > MOST_PROBES or limits[number] >= length - LOW_BITS:
            return None
        heapq.heappush(queue, (_step(length, limits[number] + 1, count), number))
    return tuple(limits)


@lru_cache(maxsize=64)
def loose_slack(length: int) -> int:
    """How many of the bits beside a posting may differ in a loose search, if the neighbour has `length` bits: as many as let
    at most LOOSE_SHARE of random ones through."""
    bits = length + LOW_BITS
    share, slack = 0.0, -1
    while share <= LOOSE_SHARE:
        slack += 1
        share += math.comb(bits, slack) / 2.0**bits
    return slack - 1


@lru_cache(maxsize=256)
def cost_of(
    layout: ChunkLayout, limits: tuple[int, ...], count: int, crowding: tuple[float, ...] | None = None
) -> tuple[float, float]:
    """Nanoseconds that a query takes for probing keys, and for looking at the postings it finds.

    crowding: for each chunk, how many times more postings a query meets in a bucket than if hashes were random bits; None
    if they are random.
    """
    probing = looking = 0.0
    for length, limit, times in zip(layout.lengths, limits, crowding or [1.0] * len(limits), strict=True):
        for flips in range(limit + 1):
            probing += math.comb(length - LOW_BITS, flips) * PROBE_NS
            looking += times * (_step(length, flips, count) - math.comb(length - LOW_BITS, flips) * PROBE_NS)
    return probing, looking


def _step(length: int, flips: int, count: int) -> float:
    """Nanoseconds for the keys of one chunk that differ in exactly `flips` bits."""
    density = count / 2.0**length
    probes = math.comb(length - LOW_BITS, flips)
    # Some of the keys lie in bytes that fewer flips have probed already.
    buckets = min(float(probes << LOW_BITS), math.comb(length, flips) * -math.expm1(-density))
    return probes * PROBE_NS + buckets * (BUCKET_NS + POSTING_NS * (1 + density * (1 << LOW_BITS)))

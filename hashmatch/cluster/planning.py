"""Which shards a reference set is cut into: those that workers have already, as far as they go, and new ones beside."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hashmatch.cluster.shard import Shard
from hashmatch.search.cache import LATER_SHARE, MOST_LATER
from hashmatch.store import hash_rows

#: Hashes of one shard at most: what one worker builds in 20 s and 10 GB (benchmarks/hamming.md).
LARGEST = 25_000_000
#: A shard that has less than this part of what it should is built anew together with what came after it.
SMALL = 0.25


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows of the database from one to another, which have so many hashes."""

    after: int
    until: int
    count: int


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """kept: shards that there are. missing: what is to be built. later: behind which row the client itself searches."""

    kept: tuple[Shard, ...]
    missing: tuple[RowRange, ...]
    later: int


def plan(
    connection: sqlite3.Connection, algorithm: str, newest: int, available: Iterable[Shard], workers: int
) -> ShardPlan:
    """How all rows up to `newest` are searched. available: shards that some worker has, of states that the database's comes
    from; others overlap with them or not."""
    chain = _chain(available)
    gaps = [
        RowRange(start, end, _count(connection, algorithm, start, end))
        for start, end in _gaps(chain, newest)
        if start < end
    ]
    total = sum(shard.count for shard in chain) + sum(gap.count for gap in gaps)
    size = max(1, min(LARGEST, -(-total // max(1, workers))))
    last = gaps[-1] if gaps and gaps[-1].until == newest and (not chain or gaps[-1].after >= chain[-1].until) else None
    later = newest
    if last is not None and chain:
        if last.count <= max(MOST_LATER, LATER_SHARE * (total - last.count)):
            gaps.remove(last)
            later = last.after
        elif chain[-1].until == last.after and chain[-1].count < SMALL * size:
            small = chain.pop()
            gaps[-1] = RowRange(small.after, last.until, small.count + last.count)
    missing = [part for gap in gaps if gap.count for part in _cut(connection, algorithm, gap, size)]
    return ShardPlan(tuple(chain), tuple(missing), later)


def _chain(available: Iterable[Shard]) -> list[Shard]:
    """Shards one after the other that do not overlap; of those that begin alike the longest."""
    chain: list[Shard] = []
    for shard in sorted(available, key=lambda each: (each.after, -each.until, each.key)):
        if shard.after < shard.until and (not chain or shard.after >= chain[-1].until):
            chain.append(shard)
    return chain


def _gaps(chain: list[Shard], newest: int) -> Iterator[tuple[int, int]]:
    """What lies between shards, before the first and behind the last."""
    edges = [0, *itertools.chain.from_iterable((shard.after, shard.until) for shard in chain), newest]
    yield from zip(edges[::2], edges[1::2], strict=True)


def _count(connection: sqlite3.Connection, algorithm: str, after: int, until: int) -> int:
    return sum(count for _row, _reference, count in hash_rows.extents(connection, algorithm, after, until))


def _cut(connection: sqlite3.Connection, algorithm: str, gap: RowRange, size: int) -> Iterator[RowRange]:
    """A gap in parts of about equal size; all rows of one reference are in one of them."""
    parts = -(-gap.count // size)
    start, count, row, reference = gap.after, 0, gap.after, None
    for row_id, reference_id, hashes in hash_rows.extents(connection, algorithm, gap.after, gap.until):
        if reference_id != reference and count * parts >= gap.count:
            yield RowRange(start, row, count)
            start, count = row, 0
        row, reference, count = row_id, reference_id, count + hashes
    yield RowRange(start, gap.until, count)

"""How a reference set is cut into shards: the shards that workers have already, and new ones for the rows in between."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hashmatch.cluster.shard import Shard
from hashmatch.search.cache import LATER_SHARE, MOST_LATER
from hashmatch.store import hash_rows

#: At most this many hashes per shard: one worker builds it in 20 s and 10 GB (benchmarks/hamming.md).
LARGEST = 25_000_000
#: A shard with less than this share of the size it should have is built again, together with the rows after it.
SMALL = 0.25


@dataclass(frozen=True, slots=True)
class RowRange:
    """The rows of the database after one row, up to another. count: their hashes."""

    after: int
    until: int
    count: int


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """kept: shards that exist. missing: rows to build shards of. later: the client searches the rows after this one."""

    kept: tuple[Shard, ...]
    missing: tuple[RowRange, ...]
    later: int


def plan(
    connection: sqlite3.Connection, algorithm: str, newest: int, available: Iterable[Shard], workers: int
) -> ShardPlan:
    """Plan shards for all rows up to `newest`.

    available: shards on any worker's disk, made of earlier states of this database; they may overlap.
    workers: how many there are.
    """
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
    """Shards that do not overlap, in order of rows; where several begin alike, the longest."""
    chain: list[Shard] = []
    for shard in sorted(available, key=lambda each: (each.after, -each.until, each.key)):
        if shard.after < shard.until and (not chain or shard.after >= chain[-1].until):
            chain.append(shard)
    return chain


def _gaps(chain: list[Shard], newest: int) -> Iterator[tuple[int, int]]:
    """The rows before the first shard, between shards, and after the last."""
    edges = [0, *itertools.chain.from_iterable((shard.after, shard.until) for shard in chain), newest]
    yield from zip(edges[::2], edges[1::2], strict=True)


def _count(connection: sqlite3.Connection, algorithm: str, after: int, until: int) -> int:
    return sum(count for _row, _reference, count in hash_rows.extents(connection, algorithm, after, until))


def _cut(connection: sqlite3.Connection, algorithm: str, gap: RowRange, size: int) -> Iterator[RowRange]:
    """A gap in parts of about equal size. All rows of one reference are in the same part."""
    parts = -(-gap.count // size)
    start, count, row, reference = gap.after, 0, gap.after, None
    for row_id, reference_id, hashes in hash_rows.extents(connection, algorithm, gap.after, gap.until):
        if reference_id != reference and count * parts >= gap.count:
            yield RowRange(start, row, count)
            start, count = row, 0
        row, reference, count = row_id, reference_id, count + hashes
    yield RowRange(start, gap.until, count)

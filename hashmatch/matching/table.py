"""All hashes of one algorithm, ready to be searched, each with its owner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hashmatch.hamming import HammingIndex
from hashmatch.hamming.pairs import Pairs
from hashmatch.hamming.words import Rows
from hashmatch.matching.tiers import Threshold, quality_of, usual_ones
from hashmatch.records import LONGEST_FILM, UNKNOWN_QUALITY, Hash
from hashmatch.views import NUMBER_BITS, ViewKind, pack_view

#: Hits of one query hash on one reference, at most.
MOST_HITS = 64


@dataclass(frozen=True, slots=True)
class HashRows:
    """Hashes as arrays of equal length n.

    owner: int64, the reference each belongs to. bits: uint8 (n, bytes). quality: uint8, or UNKNOWN_QUALITY.
    time: float32 seconds, NaN for a still image. view: uint16, see `ViewName.packed`.
    """

    owner: npt.NDArray[np.int64]
    bits: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint8]
    time: npt.NDArray[np.float32]
    view: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.owner)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> HashRows:
        return HashRows(self.owner[rows], self.bits[rows], self.quality[rows], self.time[rows], self.view[rows])


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs of query and reference hashes within the threshold, as arrays of equal length, sorted by owner.

    query, reference: int64 rows. distance: int64 bits. good: bool, whether both sides have the quality for `near`.
    """

    query: npt.NDArray[np.int64]
    reference: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]
    good: npt.NDArray[np.bool_]

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Hits:
        return Hits(self.query[rows], self.reference[rows], self.distance[rows], self.good[rows])


class HashTable:
    """The reference hashes of one algorithm that are worth comparing, ready to be searched."""

    def __init__(
        self,
        algorithm: str,
        threshold: Threshold,
        rows: HashRows,
        index: HammingIndex | None = None,
        gone: Collection[int] = (),
        common: Sequence[bytes] = (),
    ) -> None:
        """rows: all hashes; those that are not worth comparing are left out.
        index: an index of exactly these rows. They must then be comparable and in the order of their owners, and need no
        bits (n, 0).
        gone: owners whose rows are out of date, and which are not to be found.
        common: hashes that too many references have; they are not evidence for `near`.
        """
        if index is None:
            chosen = comparable(rows, algorithm)
            if not chosen.all():
                rows = rows.select(chosen)
            if (np.diff(rows.owner) < 0).any():
                rows = rows.select(np.argsort(rows.owner, kind="stable"))
            index = HammingIndex.from_hashes(rows.bits)
            rows = replace(rows, bits=np.empty((len(rows), 0), np.uint8))  # the index holds the bits
        self.algorithm = algorithm
        self.threshold = threshold
        self.rows = rows
        self.index = index
        self._gone = np.array(sorted(gone), np.int64)
        self._common = np.empty(0, np.int64)
        if common and len(rows):
            bits = np.frombuffer(b"".join(common), np.uint8).reshape(len(common), -1)
            self._common = np.sort(self.index.range_search(bits, 0)[1])

    def __len__(self) -> int:
        return len(self.rows)

    def bits_of(self, rows: slice | Rows) -> npt.NDArray[np.uint8]:
        """The hashes of some rows: uint8 (n, bytes)."""
        return self.index.hashes(rows)

    def is_common(self, row: int) -> bool:
        """Whether too many references have the hash of this row for it to be evidence."""
        return bool(self.are_common(np.array([row]))[0])

    def are_common(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """The same for several rows: bool (n,)."""
        return np.isin(rows, self._common) if self._common.size else np.zeros(len(rows), np.bool_)

    def search(self, queries: HashRows, possible: int | npt.NDArray[np.int64], seeds: bool = False) -> Hits:
        """Find every pair of hashes that is close enough.

        possible: bits; one number for all queries, or int64 (n,). Where one of the two hashes has little detail, the
        threshold's `low_quality` counts.
        seeds: some pairs beyond `near` may be missing, which is much faster. Films have enough others.
        """
        limits = np.broadcast_to(np.asarray(possible, np.int64), len(queries))
        parts = []
        for limit in sorted(set(limits.tolist())):
            own = np.flatnonzero(limits == limit)
            pairs = self._pairs(queries, own, limit, seeds)
            parts += [
                self.within(queries, limit, own[query], reference, distance) for query, reference, distance in pairs
            ]
        if not parts:
            return Hits(*(np.empty(0, np.int64),) * 3, np.empty(0, np.bool_))
        hits = Hits(
            np.concatenate([part.query for part in parts]),
            np.concatenate([part.reference for part in parts]),
            np.concatenate([part.distance for part in parts]),
            np.concatenate([part.good for part in parts]),
        )
        return hits.select(np.argsort(self.rows.owner[hits.reference], kind="stable"))

    def _pairs(self, queries: HashRows, own: Rows, limit: int, seeds: bool) -> Iterator[Pairs]:
        radius = max(limit, self.threshold.low_quality)
        exact_to = self.threshold.near if seeds and self.threshold.near >= 0 else None
        return self.index.iter_range_search(queries.bits[own], radius, exact_to=exact_to)

    def within(self, queries: HashRows, limit: int, query: Rows, reference: Rows, distance: Rows) -> Hits:
        """The pairs, among those the index found, that are close enough. Where one of the two hashes has little detail, the
        threshold's `low_quality` counts.

        limit: bits. query, reference, distance: int64 (m,), the pairs.
        """
        good = is_good(queries, self.algorithm)[query]
        good &= is_good(self.rows.select(reference), self.algorithm)
        good &= ~is_part(self.rows.view[reference])
        good &= ~self.are_common(reference)
        within = distance <= np.where(good, limit, self.threshold.low_quality)
        if self._gone.size:
            within &= ~np.isin(self.rows.owner[reference], self._gone)
        return self._closest(Hits(query[within], reference[within], distance[within], good[within]), queries)

    def _closest(self, hits: Hits, queries: HashRows) -> Hits:
        """For each query hash and owner, the MOST_HITS closest hits. An hour of a static scene has 13 million hits on
        another hour of it, which say no more. Among equally close ones, those at about the same time, where a whole copy
        has them.
        """
        owner = self.rows.owner[hits.reference]
        apart = np.abs(seconds_of(queries.time[hits.query]) - seconds_of(self.rows.time[hits.reference]))
        order = np.lexsort((apart, hits.distance, owner, hits.query))
        query, owner = hits.query[order], owner[order]
        first = np.append(True, (np.diff(query) != 0) | (np.diff(owner) != 0))[: len(order)]
        start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
        return hits.select(np.sort(order[np.arange(len(order)) - start < MOST_HITS]))

    def of_owner(self, owner: int) -> slice:
        """The rows of one reference. They are adjacent."""
        start, end = np.searchsorted(self.rows.owner, [owner, owner + 1])
        return slice(int(start), int(end))


def rows_of(hashes: Sequence[Hash], owner: int = 0) -> HashRows:
    """Single hashes of one algorithm as arrays."""
    count = len(hashes)
    return HashRows(
        np.full(count, owner, np.int64),
        np.frombuffer(b"".join(h.bits for h in hashes), np.uint8).reshape(count, -1) if count else _no_bits(),
        np.array([UNKNOWN_QUALITY if h.quality is None else h.quality for h in hashes], np.uint8),
        np.array([np.nan if h.time is None else h.time for h in hashes], np.float32),
        np.array([pack_view(h.view) for h in hashes], np.uint16),
    )


def is_trimmed(view: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Which views show a picture without its borders: bool (n,)."""
    trimmed: npt.NDArray[np.bool_] = (view >> NUMBER_BITS == ViewKind.TRIM) | is_part(view)
    return trimmed


def is_part(view: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Which views leave out more than plain borders: bool (n,).

    Such a view of a reference is not evidence for `near`. What was left out of a poster may be the text that makes it
    different.
    """
    part: npt.NDArray[np.bool_] = view >> NUMBER_BITS == ViewKind.PART
    return part


def join_rows(parts: Iterable[HashRows]) -> HashRows:
    """Several sets of rows as one. Their hashes must have the same width."""
    found = [part for part in parts if len(part)]
    if len(found) == 1:
        return found[0]
    if not found:
        none = np.empty(0, np.int64)
        return HashRows(none, _no_bits(), none.astype(np.uint8), none.astype(np.float32), none.astype(np.uint16))
    return HashRows(
        np.concatenate([p.owner for p in found]),
        np.concatenate([p.bits for p in found]),
        np.concatenate([p.quality for p in found]),
        np.concatenate([p.time for p in found]),
        np.concatenate([p.view for p in found]),
    )


def comparable(rows: HashRows, algorithm: str) -> npt.NDArray[np.bool_]:
    """Which hashes say anything at all: bool (n,)."""
    return _has_quality(rows, algorithm, quality_of(algorithm).least)


def is_good(rows: HashRows, algorithm: str) -> npt.NDArray[np.bool_]:
    """Which hashes say enough for `near`: bool (n,). A comparable hash of unknown quality counts as good."""
    return _has_quality(rows, algorithm, quality_of(algorithm).good)


def seconds_of(time: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Times to calculate with, as lists may hold any: float64 (n,). NaN, the time of a still image, becomes 0."""
    return np.clip(np.nan_to_num(time.astype(np.float64)), 0.0, LONGEST_FILM)


def stands(time: npt.NDArray[np.float64], longest: float) -> npt.NDArray[np.float64]:
    """For how many seconds each frame of a film stands: float64 (n,).

    Each stands until the next one, but not longer than `longest`. The last one stands as long as the one before it, but not
    longer than a second. A single frame stands for one second.
    time: float64 (n,) seconds, ascending.
    """
    if len(time) < 2:
        return np.ones(len(time))
    steps = np.diff(time)
    seconds: npt.NDArray[np.float64] = np.minimum(np.append(steps, min(steps[-1], 1.0)), longest)
    return seconds


def _has_quality(rows: HashRows, algorithm: str, least: int) -> npt.NDArray[np.bool_]:
    """Which hashes have at least this quality: bool (n,). If it is unknown, they need a usual number of one-bits."""
    return np.where(
        rows.quality == UNKNOWN_QUALITY, _are_usual(rows.bits, usual_ones(algorithm)), rows.quality >= least
    )


def _are_usual(bits: npt.NDArray[np.uint8], share: tuple[float, float] | None) -> npt.NDArray[np.bool_]:
    # Either the number says nothing, or the index holds the bits, and they were checked.
    if share is None or not bits.shape[1]:
        return np.full(len(bits), True)
    low, high = (each * bits.shape[1] * 8 for each in share)
    ones = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    usual: npt.NDArray[np.bool_] = (ones >= low) & (ones <= high)
    return usual


def _no_bits() -> npt.NDArray[np.uint8]:
    return np.empty((0, 8), np.uint8)

"""Arrays of hashes, evenly spread and skewed, and a plain search to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from hashmatch.hamming.pairs import Pairs

Bits = npt.NDArray[np.uint8]


def obvious(hashes: Bits, queries: Bits, radius: int) -> Pairs:
    """Every pair within the radius, by query, distance and row."""
    distances = distances_between(hashes, queries)
    q, r = np.nonzero(distances <= radius)
    d = distances[q, r]
    order = np.lexsort((r, d, q))
    return q[order], r[order], d[order]


def distances_between(hashes: Bits, queries: Bits) -> npt.NDArray[np.int64]:
    """The distance in bits of each query to each hash: int64 (queries, hashes)."""
    one_by_one = [np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int64) for query in queries]
    return np.stack(one_by_one) if one_by_one else np.empty((0, len(hashes)), np.int64)


def same(found: Pairs, wanted: Pairs) -> None:
    """Assert that two results are equal, in order and type."""
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == np.int64
        np.testing.assert_array_equal(one, other)


def random_hashes(count: int, width: int = 256, seed: int = 0) -> Bits:
    return np.random.default_rng(seed).integers(0, 256, (count, width // 8), dtype=np.uint8)


def flipped(hashes: Bits, bits: npt.ArrayLike, seed: int = 0) -> Bits:
    """A copy with some bits of each hash flipped. bits: how many, one number for all hashes or one for each."""
    generator = np.random.default_rng(seed)
    unpacked = np.unpackbits(hashes, axis=1)
    order = generator.random(unpacked.shape).argsort(axis=1).argsort(axis=1)
    return np.packbits(unpacked ^ (order < np.reshape(bits, (-1, 1))), axis=1)


def skewed(kind: str, count: int, width: int = 256, seed: int = 0) -> Bits:
    """Hashes whose bits depend on each other, as those of a good algorithm do not. kind: one of KINDS."""
    generator = np.random.default_rng(seed)
    hashes = random_hashes(count, width, seed)
    if kind == "low rank":
        basis = generator.standard_normal((6, width))
        hashes = np.packbits(generator.standard_normal((count, 6)) @ basis > 0, axis=1)
    elif kind == "shared":
        some = generator.random(count) < 0.3
        hashes[some, : width * 3 // 32] = hashes[:1, : width * 3 // 32]
    elif kind == "few":
        hashes = hashes[generator.integers(0, min(3, count), count)]
    elif kind == "flat":
        hashes[generator.random(count) < 0.4] = 0
        hashes[generator.random(count) < 0.3] = 255
    elif kind == "clustered":
        hashes = flipped(hashes[generator.integers(0, min(20, count), count)], generator.integers(0, 40, count), seed)
    return hashes


KINDS = ("random", "low rank", "shared", "few", "flat", "clustered")


@st.composite
def searches(draw: Any, most: int = 3000) -> tuple[Bits, Bits, int]:
    """Hashes, queries that are mostly near some of them, and a radius."""
    width = draw(st.sampled_from([64, 128, 192, 256, 320, 1024]))
    count = draw(st.one_of(st.integers(0, 40), st.integers(0, most)))
    seed = draw(st.integers(0, 2**32 - 1))
    hashes = skewed(draw(st.sampled_from(KINDS)), count, width, seed) if count else random_hashes(0, width)
    radius = draw(st.one_of(st.integers(0, width // 8), st.integers(0, width)))
    size = draw(st.integers(0, 12))
    queries = random_hashes(size, width, seed + 1)
    if count and size:
        generator = np.random.default_rng(seed)
        near = flipped(hashes[generator.integers(0, count, size)], generator.integers(0, radius + 2, size), seed)
        queries = np.where(generator.random((size, 1)) < 0.8, near, queries)
        queries[: draw(st.integers(0, 2))] = draw(st.sampled_from([0, 255]))
    return hashes, queries, radius

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hamming.brute import choose_bound
from hashmatch.hamming.chunks import (
    LONGEST_CHUNK,
    LOOSE_SHARE,
    LOW_BITS,
    ChunkLayout,
    choose_layout,
    cost_of,
    limits_of,
    loose_slack,
)


@given(
    width=st.sampled_from([64, 128, 256, 1024]),
    radius=st.integers(0, 120),
    count=st.integers(0, 10**9),
    asked=st.integers(0, 200),
)
def test_a_layout_keeps_the_pigeonholes_promise(width: int, radius: int, count: int, asked: int) -> None:
    layout = choose_layout(width, radius, count)
    if layout is None:
        return
    ends = [offset + length for offset, length in zip(layout.offsets, layout.lengths, strict=True)]
    assert all(end <= start for end, start in zip(ends, [*layout.offsets[1:], width], strict=True))
    assert len(layout.lengths) >= 2 and max(layout.lengths) <= LONGEST_CHUNK
    limits = limits_of(layout, asked, count)
    if limits is not None:
        assert sum(limit + 1 for limit in limits) == asked + 1
        assert min(limits) >= -1
        probing, looking = cost_of(layout, limits, count)
        assert probing > 0 and looking > 0


@given(st.lists(st.integers(0, 4), min_size=2, max_size=9), st.data())
def test_the_ring_holds_for_every_pair_within_the_radius(apart: list[int], data: st.DataObject) -> None:
    """The claim of chunks.py: some chunk i has d_i <= t_i and d_i + d_(i-1) <= t_i + t_(i-1) + 1."""
    units = data.draw(st.lists(st.integers(0, 4), min_size=len(apart), max_size=len(apart)))
    if sum(apart) > sum(units) - 1:
        return
    limits = [unit - 1 for unit in units]
    assert any(
        apart[i] <= limits[i] and apart[i] + apart[i - 1] <= limits[i] + limits[i - 1] + 1 for i in range(len(apart))
    )


@pytest.mark.parametrize("length", [5, 16, 23, LONGEST_CHUNK])
def test_a_loose_search_lets_few_random_postings_through(length: int) -> None:
    beside = np.random.default_rng(length).integers(0, 1 << (length + LOW_BITS), 200_000, dtype=np.uint64)
    differing = np.bitwise_count(beside)
    slack = loose_slack(length)
    assert (differing <= slack).mean() <= LOOSE_SHARE * 1.1
    assert (differing <= slack + 1).mean() > LOOSE_SHARE * 0.9


def test_a_radius_that_cannot_be_served_has_no_limits() -> None:
    layout = choose_layout(256, 31, 1_000_000)
    assert layout is not None
    assert limits_of(layout, 31, 1_000_000) is not None
    assert limits_of(layout, 200, 1_000_000) is None
    assert limits_of(ChunkLayout((0, 8), (8, 8)), 16, 10) is None


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 16])
def test_bounds_are_never_above_the_distance(columns: int) -> None:
    generator = np.random.default_rng(columns)
    differing = generator.integers(0, 2**63, (columns, 500), dtype=np.uint64) & generator.integers(
        0, 2**63, 500, dtype=np.uint64
    )
    distance = np.bitwise_count(differing).sum(axis=0, dtype=np.int64)
    for radius in range(64 * columns + 1):
        bound = choose_bound(columns, radius)
        total = np.zeros(500, np.int64)
        for pair in range(bound.pairs):
            total += np.bitwise_count(differing[2 * pair] | differing[2 * pair + 1])
        for single in range(2 * bound.pairs, 2 * bound.pairs + bound.singles):
            total += np.bitwise_count(differing[single])
        assert (total <= distance).all()
        assert not bound.exact or (total == distance).all()


def test_chunks_of_all_sizes_are_tried() -> None:
    """More hashes, longer chunks."""
    longest = [max(found.lengths) for count in (10**4, 10**5, 10**6, 10**7) if (found := choose_layout(256, 31, count))]
    assert all(one < other for one, other in itertools.pairwise(longest)) and len(longest) == 4

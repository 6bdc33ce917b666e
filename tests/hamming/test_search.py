"""The search gives exactly what the obvious one-liner gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.hamming import HammingIndex, brute, hamming_index
from hashmatch.hamming.brute import BLOCK, distance

Bits = npt.NDArray[np.uint8]
Triples = list[tuple[int, int, int]]

WIDTHS = [64, 128, 256, 1024]


def obvious(references: Bits, queries: Bits, radius: int) -> Triples:
    pairs = (
        (q, r, sum((int(a) ^ int(b)).bit_count() for a, b in zip(query, reference, strict=True)))
        for q, query in enumerate(queries)
        for r, reference in enumerate(references)
    )
    return sorted((p for p in pairs if p[2] <= radius), key=lambda p: (p[0], p[2], p[1]))


def search(references: Bits, queries: Bits, radius: int) -> Triples:
    found = HammingIndex.from_hashes(references).range_search(queries, radius)
    assert [each.dtype for each in found] == [np.dtype(np.int64)] * 3
    return list(zip(*(each.tolist() for each in found), strict=True))


def hashes(count: int, width: int, seed: int = 1) -> Bits:
    return np.random.default_rng(seed).integers(0, 256, (count, width // 8), np.uint8)


def flipped(bits: Bits, count: int, seed: int) -> Bits:
    """One hash with so many of its bits turned over."""
    unpacked = np.unpackbits(bits)
    unpacked[np.random.default_rng(seed).permutation(unpacked.size)[:count]] ^= 1
    return np.packbits(unpacked)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_distance_and_every_radius(width: int) -> None:
    """References at each distance from 0 to the width; each radius finds exactly those within it."""
    query = hashes(1, width)
    references = np.array([flipped(query[0], count, seed=count) for count in range(width + 1)])
    order = np.random.default_rng(2).permutation(width + 1)
    searched = HammingIndex.from_hashes(references[order])
    for radius in range(width + 1):
        queries, rows, distances = searched.range_search(query, radius)
        assert distances.tolist() == list(range(radius + 1))
        assert order[rows].tolist() == list(range(radius + 1))
        assert not queries.any()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Bits, Bits, int]:
    """References and queries with near neighbours and duplicates among them, and any radius."""
    width = draw(st.sampled_from(WIDTHS))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    pool = [
        np.zeros(width // 8, np.uint8),
        np.full(width // 8, 255, np.uint8),
        *hashes(3, width, draw(st.integers(0, 9))),
    ]

    def some(count: int) -> Bits:
        made = [
            flipped(pool[chance.integers(len(pool))], int(chance.integers(0, 40)) * int(chance.integers(0, 2)), seed=n)
            for n in range(count)
        ]
        return np.array(made, np.uint8).reshape(count, width // 8)

    return some(draw(st.integers(0, 30))), some(draw(st.integers(0, 6))), draw(st.integers(0, width))


@settings(max_examples=200)
@given(case=cases())
def test_equals_the_obvious(case: tuple[Bits, Bits, int]) -> None:
    assert search(*case) == obvious(*case)


@settings(max_examples=100)
@given(case=cases(), block=st.integers(1, 9), pairs=st.integers(1, 20))
def test_blocks_make_no_difference(case: tuple[Bits, Bits, int], block: int, pairs: int) -> None:
    """Neither those that references are compared in, nor those that results come in."""
    references, queries, radius = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brute, "BLOCK", block)
        patch.setattr(hamming_index, "PAIRS_PER_BLOCK", pairs)
        blocks = list(HammingIndex.from_hashes(references).iter_range_search(queries, radius))
        together = search(references, queries, radius)
    joined = [triple for found in blocks for triple in zip(*(each.tolist() for each in found), strict=True)]
    assert joined == together == obvious(references, queries, radius)
    assert all(0 < len(found[0]) <= pairs for found in blocks)


@pytest.mark.parametrize("width", [256, 1024])
@pytest.mark.parametrize("radius", [0, 31, 64, 255, 256, 512, 1023, 1024])
def test_opposites_do_not_wrap_around(width: int, radius: int) -> None:
    """A distance of 256 is not 0, as it would be in 8 bits."""
    zero, one = np.zeros((1, width // 8), np.uint8), np.full((1, width // 8), 255, np.uint8)
    expected = [(0, 0, width)] if radius >= width else []
    assert search(zero, one, radius) == search(one, zero, radius) == expected


def test_distances_about_256_in_wide_hashes() -> None:
    query = hashes(1, 1024)
    references = np.array([flipped(query[0], count, seed=count) for count in range(250, 263)])
    assert [triple[2] for triple in search(references, query, 31)] == []
    assert [triple[2] for triple in search(references, query, 256)] == list(range(250, 257))


@pytest.mark.parametrize("difference", [0, 1])
@pytest.mark.parametrize("word", [0, 1, 2, 3])
def test_bits_that_differ_in_one_word_only(word: int, difference: int) -> None:
    """The first words are a filter; what is beyond the radius in the last must still be left out."""
    reference = hashes(1, 256)
    for radius in (1, 8, 31, 64):
        query = reference.copy()
        unpacked = np.unpackbits(query[0, word * 8 : word * 8 + 8])
        unpacked[: min(radius + difference, 64)] ^= 1
        query[0, word * 8 : word * 8 + 8] = np.packbits(unpacked)
        expected = min(radius + difference, 64)
        assert search(reference, query, radius) == ([(0, 0, expected)] if expected <= radius else [])


def test_duplicates_come_in_the_order_of_their_rows() -> None:
    references = np.repeat(hashes(3, 256), 50, axis=0)[np.random.default_rng(3).permutation(150)]
    queries = np.concatenate([references[:2], references[:2]])
    found = search(references, queries, 31)
    assert found == obvious(references, queries, 31)
    assert len(found) == 200


def test_more_rows_than_a_block() -> None:
    references = hashes(BLOCK * 2 + 77, 256)
    rows = [0, BLOCK - 1, BLOCK, BLOCK * 2, len(references) - 1]
    queries = np.array([flipped(references[row], 5 * n, seed=n) for n, row in enumerate(rows)])
    assert search(references, queries, 31) == [(n, row, 5 * n) for n, row in enumerate(rows)]
    everything = search(references, queries[:1], 256)
    assert len(everything) == len(references)
    assert everything == sorted(everything, key=lambda triple: (triple[2], triple[1]))


def test_memory_stays_bounded_where_all_match_all() -> None:
    references = np.zeros((3000, 32), np.uint8)
    blocks = list(HammingIndex.from_hashes(references).iter_range_search(references[:1000], 0))
    assert sum(len(block[0]) for block in blocks) == 3_000_000
    assert max(len(block[0]) for block in blocks) <= hamming_index.PAIRS_PER_BLOCK


def test_nothing_in_it_or_asked_of_it() -> None:
    nothing, something = np.empty((0, 32), np.uint8), hashes(5, 256)
    for references, queries in ((nothing, nothing), (nothing, something), (something, nothing)):
        assert search(references, queries, 256) == []
        assert list(HammingIndex.from_hashes(references).iter_range_search(queries, 256)) == []
    assert len(HammingIndex.from_hashes(nothing)) == 0
    assert len(HammingIndex.from_hashes(something)) == 5


def test_negative_radius_finds_nothing() -> None:
    assert search(hashes(5, 256), hashes(5, 256), -1) == []


def test_arrays_that_lie_oddly_in_memory() -> None:
    """Columns of a larger array, every second row, and a read-only buffer."""
    wide = hashes(40, 512)
    for view in (wide[:, 16:48], wide[::2, :32], wide[::-1, ::2], np.asfortranarray(wide[:, :32])):
        assert search(view, view, 31) == obvious(view, view, 31)
    frozen = np.frombuffer(wide[:, :32].tobytes(), np.uint8).reshape(-1, 32)
    assert len(search(frozen, frozen, 31)) == 40


def test_the_index_does_not_change_with_its_source() -> None:
    references = hashes(3, 256)
    searched, copy = HammingIndex.from_hashes(references), references.copy()
    references[:] = 0
    assert searched.range_search(copy, 0)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(32,), (4, 31), (4, 0), (4, 12), (2, 3, 8), ()])
def test_bad_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiple of 8 bytes"):
        HammingIndex.from_hashes(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="multiple of 8 bytes"):
        HammingIndex.from_hashes(hashes(4, 256)).range_search(np.zeros(shape, np.uint8), 31)


@pytest.mark.parametrize(("one", "other"), [(64, 256), (256, 64), (256, 512)])
def test_different_widths(one: int, other: int) -> None:
    with pytest.raises(ValueError, match="different widths"):
        HammingIndex.from_hashes(hashes(3, one)).range_search(hashes(3, other), 31)


@given(one=st.binary(max_size=130), seed=st.integers(0, 2**32))
def test_distance_of_two(one: bytes, seed: int) -> None:
    other = np.random.default_rng(seed).bytes(len(one))
    assert distance(one, other) == sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))
    assert distance(one, one) == 0
    assert distance(one, bytes(b ^ 255 for b in one)) == len(one) * 8


def test_distance_needs_equal_widths() -> None:
    with pytest.raises(ValueError, match="different widths"):
        distance(bytes(8), bytes(32))

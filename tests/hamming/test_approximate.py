"""Approximate search: what it finds, what it leaves out, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hamming import ApproximateIndex, DamagedIndexError, HammingIndex, verify
from hashmatch.hamming.approximate import CHUNKS, CROWDED, SLACK, STRIDE, choose_layout
from hashmatch.hamming.index_file import path_of
from tests.support.bit_arrays import Bits, distances_between, flipped, random_hashes, skewed


def pairs_of(index: ApproximateIndex, queries: Bits) -> set[tuple[int, int]]:
    query, row = index.near(queries)
    assert query.dtype == row.dtype == np.int64
    found = list(zip(query.tolist(), row.tolist(), strict=True))
    assert found == sorted(set(found))
    return set(found)


def by_definition(hashes: Bits, queries: Bits) -> set[tuple[int, int]]:
    """The same, bit by bit: some chunk's key without its low bits is shared by few, and those and the neighbour's agree."""
    layout = choose_layout(len(hashes))
    length = layout.lengths[0]
    rows, asked = (np.unpackbits(each, axis=1, bitorder="little") for each in (hashes, queries))
    found = set()
    for chunk in range(CHUNKS):
        low = STRIDE * chunk
        beside = STRIDE * ((chunk - 1) % CHUNKS)
        for number, query in enumerate(asked):
            bucket = np.flatnonzero((rows[:, low + 3 : low + length] == query[low + 3 : low + length]).all(axis=1))
            if len(bucket) > CROWDED:
                continue
            differing = (rows[bucket, low : low + 3] != query[low : low + 3]).sum(axis=1)
            differing += (rows[bucket, beside : beside + length] != query[beside : beside + length]).sum(axis=1)
            found |= {(number, int(row)) for row in bucket[differing <= SLACK]}
    return found


@given(
    st.sampled_from(["random", "low rank", "few", "flat", "clustered"]),
    st.integers(0, 1200),
    st.integers(0, 30),
    st.sampled_from([192, 256, 320]),
    st.integers(0, 2**32 - 1),
)
def test_finds_exactly_what_its_definition_says(kind: str, count: int, size: int, width: int, seed: int) -> None:
    hashes = skewed(kind, count, width, seed) if count else random_hashes(0, width)
    queries = random_hashes(size, width, seed + 1)
    if count:
        chosen = np.random.default_rng(seed).integers(0, count, size)
        queries = flipped(hashes[chosen], np.arange(size)[:, None] * 2, seed)
    assert pairs_of(ApproximateIndex.from_hashes(hashes), queries) == by_definition(hashes, queries)


def test_finds_all_equal_ones_most_near_ones_and_no_far_ones() -> None:
    hashes = random_hashes(20_000)
    index = ApproximateIndex.from_hashes(hashes)
    rows = range(0, 20_000, 40)
    assert pairs_of(index, hashes[rows]) >= {(number, row) for number, row in enumerate(rows)}
    # P(no difference in 17 bits of at least one of six chunks) at 10, 20 and 30 of 256 bits.
    for bits, share in ((10, 0.9), (20, 0.6), (30, 0.35)):
        queries = flipped(hashes[rows], bits, seed=bits)
        found = pairs_of(index, queries)
        assert len(found & set(enumerate(rows))) >= share * len(rows)
    far = distances_between(hashes, queries)
    assert all(far[pair] < 100 for pair in found)


def test_what_everything_looks_like_is_passed_over() -> None:
    crowd = np.repeat(random_hashes(1, seed=1), CROWDED + 1, axis=0)
    index = ApproximateIndex.from_hashes(np.concatenate((random_hashes(100), crowd)))
    assert pairs_of(index, crowd[:1]) == set()
    index = ApproximateIndex.from_hashes(np.concatenate((random_hashes(100), crowd[:CROWDED])))
    assert len(pairs_of(index, crowd[:1])) == CROWDED


def test_more_queries_than_one_block() -> None:
    hashes = random_hashes(3000)
    assert pairs_of(ApproximateIndex.from_hashes(hashes), hashes) >= {(row, row) for row in range(3000)}


def test_saved_opened_and_verified(tmp_path: Path) -> None:
    hashes = random_hashes(5000)
    made = ApproximateIndex.from_hashes(hashes)
    made.save(tmp_path, tag="generation 7")
    opened = ApproximateIndex.open(tmp_path)
    verify(tmp_path)
    assert (len(opened), opened.width, opened.tag, opened.nbytes) == (5000, 256, "generation 7", made.nbytes)
    queries = flipped(hashes[::10], 12)
    assert pairs_of(opened, queries) == pairs_of(made, queries)


@pytest.mark.parametrize("place", [40, 200, 5000, -9])
def test_a_wrong_byte_is_found(tmp_path: Path, place: int) -> None:
    ApproximateIndex.from_hashes(random_hashes(500)).save(tmp_path)
    path = Path(path_of(tmp_path))
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    with pytest.raises(DamagedIndexError):
        ApproximateIndex.open(tmp_path)


@given(st.integers(0, 2**32 - 1))
def test_unchecked_damage_is_an_error_or_wrong_rows_but_no_crash(seed: int) -> None:
    index = ApproximateIndex.from_hashes(random_hashes(300))
    postings = index._postings
    chance = np.random.default_rng(seed)
    for array in (postings.starts, postings.rows):
        some = chance.integers(0, len(array), 50)
        array[some] = chance.integers(0, 2**32, 50, dtype=np.uint32)
    try:
        _query, row = index.near(random_hashes(300))
    except DamagedIndexError:
        return
    assert ((row >= 0) & (row < 300)).all()


def test_the_two_kinds_of_index_are_not_taken_for_each_other(tmp_path: Path) -> None:
    hashes = random_hashes(1000)
    ApproximateIndex.from_hashes(hashes).save(tmp_path)
    with pytest.raises(DamagedIndexError):
        HammingIndex.open(tmp_path)
    HammingIndex.from_hashes(hashes).save(tmp_path)
    with pytest.raises(DamagedIndexError):
        ApproximateIndex.open(tmp_path)
    with pytest.raises(DamagedIndexError):
        ApproximateIndex.open(tmp_path / "nowhere")


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="168 bits"):
        ApproximateIndex.from_hashes(random_hashes(3, 128))
    index = ApproximateIndex.from_hashes(random_hashes(3))
    with pytest.raises(ValueError, match="widths"):
        index.near(random_hashes(3, 192))
    with pytest.raises(ValueError, match="uint8"):
        index.near(np.zeros((2, 32), np.int64))  # type: ignore[arg-type]


def test_no_hashes_and_no_queries() -> None:
    empty = ApproximateIndex.from_hashes(random_hashes(0))
    assert len(empty) == 0
    assert pairs_of(empty, random_hashes(5)) == set()
    assert pairs_of(ApproximateIndex.from_hashes(random_hashes(5)), random_hashes(0)) == set()


def test_memory_for_each_hash_stays_bounded() -> None:
    """Postings take 48 bytes; the rest are the buckets, of which there are no more than hashes from 20 bits on."""
    for count in (1 << 20, 20_000_000, 1 << 30):
        layout = choose_layout(count)
        assert CHUNKS * 8 + 5 * sum(layout.buckets) / count <= 64

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashmatch.hamming import HammingIndex, distance, engines, hamming_index, numba_calls
from hashmatch.hamming.hamming_index import Engine
from hashmatch.hamming.words import Rows
from tests.support.bit_arrays import (
    KINDS,
    Bits,
    distances_between,
    flipped,
    obvious,
    random_hashes,
    same,
    searches,
    skewed,
)

ENGINES: tuple[Engine, ...] = ("auto", "brute", "multi-index")
exactly = settings(max_examples=120, suppress_health_check=list(HealthCheck))


@exactly
@given(search=searches(), engine=st.sampled_from(ENGINES))
def test_finds_what_the_obvious_way_finds(accelerator: str, search: tuple[Bits, Bits, int], engine: Engine) -> None:
    hashes, queries, radius = search
    found = HammingIndex.from_hashes(hashes).range_search(queries, radius, engine=engine)
    same(found, obvious(hashes, queries, radius))


@exactly
@given(search=searches(), usual=st.integers(0, 80))
def test_is_exact_whatever_radius_it_was_laid_out_for(
    accelerator: str, search: tuple[Bits, Bits, int], usual: int
) -> None:
    hashes, queries, radius = search
    hamming_index = HammingIndex.from_hashes(hashes, radius=min(usual, 8 * hashes.shape[1]))
    same(hamming_index.range_search(queries, radius, engine="multi-index"), obvious(hashes, queries, radius))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [64, 256, 1024])
def test_every_radius(accelerator: str, kind: str, width: int) -> None:
    hashes = skewed(kind, 1500, width)
    queries = flipped(hashes[:6], [0, 1, 3, width // 9, width // 3, width], seed=1)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    for radius in range(0, width + 1, 1 if width == 64 else 13):
        wanted = obvious(hashes, queries, radius)
        for engine in ENGINES:
            same(hamming_index.range_search(queries, radius, engine=engine), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_large_set_goes_through_postings(accelerator: str, kind: str) -> None:
    hashes = skewed(kind, 30_000)
    queries = flipped(hashes[::1500], np.arange(20) * 2, seed=1)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    assert hamming_index.has_postings
    for radius in (0, 31, 40):
        wanted = obvious(hashes, queries, radius)
        same(hamming_index.range_search(queries, radius), wanted)
        same(hamming_index.range_search(queries, radius, engine="multi-index"), wanted)


def test_one_query_goes_through_all_chunks_at_once_and_many_chunk_by_chunk(accelerator: str) -> None:
    hashes = random_hashes(20_000)
    queries = flipped(hashes[:2000], np.arange(2000) % 32, seed=2)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    q, r, d = hamming_index.range_search(queries, 31, engine="multi-index")
    assert np.isin(np.arange(2000), q[q == r]).all()
    for number in range(0, 2000, 100):
        _, row, bits = hamming_index.range_search(queries[number : number + 1], 31, engine="multi-index")
        np.testing.assert_array_equal(row, r[q == number])
        np.testing.assert_array_equal(bits, d[q == number])


def test_a_distance_of_256_is_no_distance_of_0(accelerator: str) -> None:
    hashes = np.zeros((10, 32), np.uint8)
    queries = np.full((1, 32), 255, np.uint8)
    hamming_index = HammingIndex.from_hashes(hashes)
    for engine in ENGINES:
        assert len(hamming_index.range_search(queries, 255, engine=engine)[0]) == 0
        assert hamming_index.range_search(queries, 256, engine=engine)[2].tolist() == [256] * 10


def test_a_radius_beyond_the_width_finds_all_and_a_negative_one_nothing(accelerator: str) -> None:
    hamming_index = HammingIndex.from_hashes(random_hashes(50))
    assert len(hamming_index.range_search(random_hashes(3, seed=1), 100_000)[0]) == 150
    assert len(hamming_index.range_search(random_hashes(3, seed=1), -1)[0]) == 0


@exactly
@given(search=searches(600), data=st.data())
def test_searches_only_the_rows_that_are_asked_for(
    accelerator: str, search: tuple[Bits, Bits, int], data: st.DataObject
) -> None:
    hashes, queries, radius = search
    seed, share = data.draw(st.integers(0, 99)), data.draw(st.sampled_from([0, 0.01, 0.3, 0.9, 1]))
    mask = np.random.default_rng(seed).random(len(hashes)) < share
    rows = np.flatnonzero(mask)
    q, r, d = obvious(hashes, queries, radius)
    wanted = q[mask[r]], r[mask[r]], d[mask[r]]
    hamming_index = HammingIndex.from_hashes(hashes[: len(hashes) // 2])
    hamming_index.build()
    hamming_index.append(hashes[len(hashes) // 2 :])
    for engine in ENGINES:
        same(hamming_index.range_search(queries, radius, rows=mask, engine=engine), wanted)
        same(hamming_index.range_search(queries, radius, rows=rows, engine=engine), wanted)


@exactly
@given(search=searches(), share=st.floats(0, 1.2), engine=st.sampled_from(ENGINES), added=st.integers(0, 9))
def test_with_exact_to_finds_all_up_to_there_and_beyond_nothing_wrong(
    accelerator: str, search: tuple[Bits, Bits, int], share: float, engine: Engine, added: int
) -> None:
    hashes, queries, radius = search
    exact_to = int(share * radius)
    hamming_index = HammingIndex.from_hashes(hashes[: max(0, len(hashes) - added)])
    hamming_index.build()
    hamming_index.append(hashes[max(0, len(hashes) - added) :])
    every = obvious(hashes, queries, radius)
    found = hamming_index.range_search(queries, radius, exact_to=exact_to, engine=engine)
    # The same order, so nothing is left but to leave some of the far ones out.
    pairs = set(zip(found[0].tolist(), found[1].tolist(), strict=True))
    kept = [n for n, pair in enumerate(zip(every[0].tolist(), every[1].tolist(), strict=True)) if pair in pairs]
    same(found, (every[0][kept], every[1][kept], every[2][kept]))
    assert set(np.flatnonzero(every[2] <= exact_to).tolist()) <= set(kept)
    if engine == "brute":
        assert len(kept) == len(every[0])


def test_with_exact_to_most_of_the_farther_pairs_are_found(accelerator: str) -> None:
    hashes = random_hashes(20_000)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    for bits, share in ((35, 1), (44, 0.97), (50, 0.9), (60, 0.5)):
        q, r, d = hamming_index.range_search(flipped(hashes[:300], bits), 60, exact_to=31, engine="multi-index")
        assert (d[q == r] == bits).all()
        assert share * 300 <= (q == r).sum()
    assert (q == r).sum() < 300, "nothing was left out, so this tested brute force"


@pytest.mark.parametrize(("radius", "exact_to"), [(40, 40), (40, 99), (0, 0), (0, 31)])
def test_exact_to_the_radius_or_beyond_is_exact(accelerator: str, radius: int, exact_to: int) -> None:
    hashes = random_hashes(20_000)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    queries = flipped(hashes[:40], np.arange(40), seed=1)
    found = hamming_index.range_search(queries, radius, exact_to=exact_to, engine="multi-index")
    same(found, obvious(hashes, queries, radius))


@exactly
@given(search=searches(600), data=st.data())
def test_rows_added_later_are_found(accelerator: str, search: tuple[Bits, Bits, int], data: st.DataObject) -> None:
    hashes, queries, radius = search
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(hashes))] * 2)))
    hamming_index = HammingIndex.from_hashes(hashes[:first])
    hamming_index.build()
    hamming_index.append(hashes[first:second])
    hamming_index.append(hashes[second:])
    assert len(hamming_index) == len(hashes) and hamming_index.added == len(hashes) - first
    same(hamming_index.range_search(queries, radius), obvious(hashes, queries, radius))
    hamming_index.merge()
    assert hamming_index.added == 0
    same(hamming_index.range_search(queries, radius), obvious(hashes, queries, radius))


@pytest.mark.parametrize("width", [64, 256, 1024])
def test_gives_the_hashes_back(width: int, tmp_path: Path) -> None:
    hashes = random_hashes(700, width)
    saved = HammingIndex.from_hashes(hashes[:600])
    saved.save(tmp_path)
    for searched in (HammingIndex.from_hashes(hashes[:600]), HammingIndex.open(tmp_path)):
        searched.append(hashes[600:])
        for rows in (slice(None), slice(590, 610), slice(650, 9999), slice(-5, None), slice(500, 3, -7), slice(8, 8)):
            np.testing.assert_array_equal(searched.hashes(rows), hashes[rows])
        for some in ([699, 0, 600, 599, 0], [5], []):
            found = searched.hashes(np.array(some, np.int64))
            assert found.dtype == np.uint8 and found.shape == (len(some), width // 8)
            np.testing.assert_array_equal(found, hashes[some])
        searched.hashes(slice(None))[:] = 0
        np.testing.assert_array_equal(searched.hashes(slice(None)), hashes)


@pytest.mark.parametrize("rows", [np.array([0, 5]), np.array([-1]), np.array([[0]])])
def test_gives_no_hash_of_a_row_that_is_none(rows: Rows) -> None:
    with pytest.raises(IndexError, match="row numbers"):
        HammingIndex.from_hashes(random_hashes(5)).hashes(rows)
    with pytest.raises(IndexError, match="row numbers"):
        HammingIndex.from_hashes(random_hashes(0)).hashes(np.array([0]))


@exactly
@given(search=searches(800), k=st.integers(-1, 50), added=st.integers(0, 9))
def test_the_nearest_k_with_the_lowest_rows_first_among_equals(
    accelerator: str, search: tuple[Bits, Bits, int], k: int, added: int
) -> None:
    hashes, queries, _ = search
    hamming_index = HammingIndex.from_hashes(hashes[: max(0, len(hashes) - added)])
    hamming_index.build()
    hamming_index.append(hashes[max(0, len(hashes) - added) :])
    distances = distances_between(hashes, queries)
    wanted = distances.argsort(axis=1, kind="stable")[:, : max(k, 0)]
    rows, found = hamming_index.knn(queries, k)
    np.testing.assert_array_equal(rows, wanted)
    np.testing.assert_array_equal(found, np.take_along_axis(distances, wanted, axis=1))


def test_nearest_beyond_one_block_of_rows(accelerator: str) -> None:
    hashes = np.concatenate([skewed("few", 40_000), random_hashes(40_000, seed=5)])
    queries = np.concatenate([hashes[:2], random_hashes(2, seed=9)])
    distances = distances_between(hashes, queries)
    for k in (1, 30, 35_000):
        wanted = distances.argsort(axis=1, kind="stable")[:, :k]
        for build in (False, True):
            hamming_index = HammingIndex.from_hashes(hashes)
            if build:
                hamming_index.build()
            np.testing.assert_array_equal(hamming_index.knn(queries, k)[0], wanted)


@pytest.mark.parametrize("build", [False, True])
def test_streams_in_bounded_blocks_where_everything_matches_everything(
    accelerator: str, build: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming_index, "PAIRS_PER_BLOCK", 5000)
    hashes = np.repeat(random_hashes(1), 12_000, axis=0)
    searched = HammingIndex.from_hashes(hashes)
    if build:
        searched.build()
    blocks = list(searched.iter_range_search(hashes[:9], 3))
    assert max(len(q) for q, _, _ in blocks) <= 5000
    found = tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))
    same((found[0], found[1], found[2]), obvious(hashes, hashes[:9], 3))


def test_more_pairs_than_the_first_try_has_room_for(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_calls, "RESERVED", 3)
    hashes = skewed("clustered", 3000)
    hamming_index = HammingIndex.from_hashes(hashes)
    same(hamming_index.range_search(hashes[:9], 31, engine="multi-index"), obvious(hashes, hashes[:9], 31))


def test_postings_are_built_when_that_pays() -> None:
    hashes = random_hashes(60_000)
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.range_search(hashes[:5], 31)
    assert not hamming_index.has_postings
    hamming_index.range_search(hashes[:5000], 31)
    assert hamming_index.has_postings


@pytest.mark.slow
def test_skewed_queries_are_left_to_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHMATCH_NUMBA", "0")
    hashes = random_hashes(100_000)
    hashes[:50_000, :24] = hashes[0, :24]
    hamming_index = HammingIndex.from_hashes(hashes)
    hamming_index.build()
    left = []
    search = engines.brute.search
    monkeypatch.setattr(
        engines.brute,
        "search",
        lambda words, queries, *rest: left.append(queries.shape[1]) or search(words, queries, *rest),
    )
    queries = np.concatenate([hashes[:3], hashes[-200:]])
    same(hamming_index.range_search(queries, 20), obvious(hashes, queries, 20))
    assert left == [3]


@pytest.mark.parametrize(
    "hashes",
    [
        np.zeros((3, 7), np.uint8),
        np.zeros((3, 0), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((3, 8), np.int64),
        np.zeros((1, 8192), np.uint8),
    ],
)
def test_refuses_what_is_no_hash(hashes: Bits) -> None:
    with pytest.raises(ValueError, match="uint8"):
        HammingIndex.from_hashes(hashes)


def test_refuses_other_widths() -> None:
    hamming_index = HammingIndex.from_hashes(random_hashes(3))
    for refused in (
        lambda: hamming_index.range_search(random_hashes(1, 64), 3),
        lambda: hamming_index.knn(random_hashes(1, 64), 3),
    ):
        with pytest.raises(ValueError, match="different widths"):
            refused()
    with pytest.raises(ValueError, match="different widths"):
        hamming_index.append(random_hashes(1, 64))


@pytest.mark.parametrize(
    "rows",
    [np.ones(4, np.bool_), np.array([0, 5]), np.array([-1, 2]), np.array([2, 1]), np.array([1, 1]), np.array([0.5])],
)
def test_refuses_rows_that_are_none(rows: np.ndarray) -> None:  # type: ignore[type-arg]
    hamming_index = HammingIndex.from_hashes(random_hashes(5))
    with pytest.raises(ValueError, match="rows must be"):
        hamming_index.range_search(random_hashes(1), 3, rows=rows)


def test_array_layout_does_not_matter(accelerator: str) -> None:
    hashes = random_hashes(2000)
    turned = np.asfortranarray(hashes)
    same(HammingIndex.from_hashes(turned).range_search(turned[::-7], 40), obvious(hashes, hashes[::-7], 40))


def test_distance_of_two() -> None:
    assert distance(b"\x00" * 32, b"\xff" * 32) == 256
    assert distance(b"\x01\x00", b"\x00\x80") == 2
    with pytest.raises(ValueError, match="different widths"):
        distance(b"", b"1")


def test_importing_costs_nothing_but_numpy() -> None:
    code = (
        "import sys; import hashmatch.hamming; print([m for m in ('numba', 'llvmlite', 'faiss') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("damage", ["absent", "broken"])
def test_without_numba_or_with_a_broken_one_numpy_does_it(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_kernels.py").write_text("raise RuntimeError('no locator available for this file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba_calls, "_kernels", [])
    monkeypatch.setattr(numba_calls, "_NAME", f"{damage}_kernels")
    monkeypatch.setenv("HASHMATCH_NUMBA", "1")
    hashes = random_hashes(300)
    same(HammingIndex.from_hashes(hashes).range_search(hashes[:4], 31), obvious(hashes, hashes[:4], 31))
    assert numba_calls.kernels(1e12) is None


def test_numba_is_left_alone_where_it_is_not_worth_its_import_or_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_calls, "_kernels", [])
    monkeypatch.setattr(numba_calls, "_without", 0.0)
    monkeypatch.delenv("HASHMATCH_NUMBA", raising=False)
    assert numba_calls.kernels(numba_calls.WORTH_NS / 2) is None
    assert numba_calls._kernels == []  # not even looked for
    monkeypatch.setenv("HASHMATCH_NUMBA", "0")
    assert numba_calls.kernels(1e15) is None


def test_many_small_searches_are_worth_numba_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_calls, "_kernels", [])
    monkeypatch.setattr(numba_calls, "_NAME", "absent_kernels")
    monkeypatch.setattr(numba_calls, "_without", 0.0)
    monkeypatch.delenv("HASHMATCH_NUMBA", raising=False)
    hashes = random_hashes(300)
    hamming_index = HammingIndex.from_hashes(hashes)
    spent = []
    while not numba_calls._kernels:
        hamming_index.range_search(hashes[:4], 31)
        spent.append(numba_calls._without)
        monkeypatch.setattr(numba_calls, "_without", 2 * numba_calls._without)
    assert len(spent) > 3, "not at the first one"
    assert 0 < spent[0] < spent[-1]
    assert spent[-2] < numba_calls.WORTH_NS

"""Hits between films to shared stretches: worked examples, and a plain search for the same as the judge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.matching.alignment import LONGEST_GAP, TOLERANCE, Alignment, align
from hashmatch.matching.results import Segment
from hashmatch.matching.table import Hits

#: One hit: row of the query, row of the reference, distance.
Hit = tuple[int, int, int]


def hits_of(hits: Sequence[Hit]) -> Hits:
    query, reference, distance = (np.array([hit[field] for hit in hits], np.int64) for field in range(3))
    return Hits(query, reference, distance, np.ones(len(hits), np.bool_))


def seconds(times: Iterable[float]) -> np.ndarray:
    return np.array(list(times), np.float32)


def aligned(hits: Sequence[Hit], query: int | Sequence[float], reference: int | Sequence[float]) -> Alignment:
    """A number stands for so many frames, one a second."""
    times = [seconds(range(each) if isinstance(each, int) else each) for each in (query, reference)]
    return align(hits_of(hits), *times)


def rows(alignment: Alignment) -> set[tuple[int, int]]:
    return set(zip(alignment.hits.query.tolist(), alignment.hits.reference.tolist(), strict=True))


class TestExamples:
    def test_nothing(self) -> None:
        found = aligned([], 5, 5)
        assert (len(found.hits.query), found.segments) == (0, ())

    def test_the_same_film(self) -> None:
        found = aligned([(n, n, 2) for n in range(10)], 10, 10)
        assert found.segments == (Segment((0, 9), (0, 9), 10, 2.0),)

    def test_a_clip(self) -> None:
        found = aligned([(n, n + 50, n) for n in range(5)], 5, 100)
        assert found.segments == (Segment((0, 4), (50, 54), 5, 2.0),)

    def test_two_stretches(self) -> None:
        hits = [(n, n + 20, 0) for n in range(10)] + [(n, n + 50, 0) for n in range(10, 15)]
        found = aligned(hits, 15, 100)
        assert found.segments == (Segment((0, 9), (20, 29), 10, 0.0), Segment((10, 14), (60, 64), 5, 0.0))

    def test_stretches_in_another_order(self) -> None:
        found = aligned([(n, n + 10, 0) for n in range(10)] + [(n, n - 10, 0) for n in range(10, 20)], 20, 20)
        assert found.segments == (Segment((0, 9), (10, 19), 10, 0.0), Segment((10, 19), (0, 9), 10, 0.0))

    def test_a_short_gap_is_bridged_and_a_long_one_is_not(self) -> None:
        bridged = aligned([(n, n, 0) for n in (0, 1, 2, 6, 7)], 20, 20)
        assert bridged.segments == (Segment((0, 7), (0, 7), 5, 0.0),)
        assert LONGEST_GAP == 6 - 2
        parted = aligned([(n, n, 0) for n in (0, 1, 2, 7, 8)], 20, 20)
        assert parted.segments == (Segment((0, 2), (0, 2), 3, 0.0), Segment((7, 8), (7, 8), 2, 0.0))

    def test_a_static_scene_counts_each_frame_of_the_file_once(self) -> None:
        # Every frame of five seconds is like every frame of ten.
        found = aligned([(q, r, 0) for q in range(5) for r in range(10)], 5, 10)
        assert sorted(found.hits.query.tolist()) == [0, 1, 2, 3, 4]
        assert len(found.segments) == 1
        assert found.segments[0].frames == 5

    def test_a_still_scene_that_is_one_frame_of_the_reference(self) -> None:
        found = aligned([(q, 3, 0) for q in range(10)], 10, 10)
        assert sorted(found.hits.query.tolist()) == list(range(10))
        assert set(found.hits.reference.tolist()) == {3}

    def test_the_closer_of_two_hits_of_a_frame_is_taken(self) -> None:
        times = [0.0, 0.5, 1.0, 1.5, 2.0]
        found = aligned([(0, 0, 9), (0, 1, 3), (1, 2, 5), (2, 4, 5), (2, 3, 8)], [0.0, 0.5, 1.0], times)
        assert (0, 1) in rows(found)

    def test_the_longest_diagonal_wins_a_frame(self) -> None:
        right = [(n, n + 30, 20) for n in range(8)]
        chance = [(n, n + 5, 0) for n in (1, 2, 5)]
        found = aligned(right + chance, 8, 60)
        assert rows(found) == {(n, n + 30) for n in range(8)}

    def test_sampling_that_drifts_by_less_than_a_second_is_one_stretch(self) -> None:
        drift = [n + (0.9 if n % 2 else 0.0) for n in range(10)]
        found = aligned([(n, n, 0) for n in range(10)], 10, drift)
        assert len(found.segments) == 1
        assert found.segments[0].frames == 10

    def test_a_film_that_runs_faster_becomes_several_stretches_and_loses_no_frame(self) -> None:
        found = aligned([(n, n, 0) for n in range(60)], 60, [n * 1.1 for n in range(60)])
        assert len(found.segments) > 1
        assert sum(segment.frames for segment in found.segments) == 60

    def test_the_same_clip_twice(self) -> None:
        found = aligned([(n, n % 5 + 10, 0) for n in range(10)], 10, 30)
        assert found.segments == (Segment((0, 4), (10, 14), 5, 0.0), Segment((5, 9), (10, 14), 5, 0.0))

    def test_a_still_image_has_time_zero(self) -> None:
        found = aligned([(0, 5, 5)], [float("nan")], 10)
        assert found.segments == (Segment((0, 0), (5, 5), 1, 5.0),)


def by_hand(hits: Sequence[Hit], query: Sequence[float], reference: Sequence[float]) -> list[list[Hit]]:
    """The diagonals, found by trying every one: the most frames, else the most hits, else the smallest offset."""

    def offset(hit: Hit) -> float:
        return float(np.float32(query[hit[0]])) - float(np.float32(reference[hit[1]]))

    left, diagonals = list(hits), []
    while left:
        windows = [[hit for hit in left if start <= offset(hit) <= start + TOLERANCE] for start in map(offset, left)]
        best = max(
            windows,
            key=lambda window: (len({hit[0] for hit in window}), len(window), -min(map(offset, window))),
        )
        frames = {}
        for hit in best:
            if hit[0] not in frames or hit[2] < frames[hit[0]][2]:
                frames[hit[0]] = hit
        diagonals.append([frames[frame] for frame in sorted(frames)])
        left = [hit for hit in left if hit[0] not in frames]
    return diagonals


def stretches(diagonals: list[list[Hit]], query: Sequence[float], reference: Sequence[float]) -> list[Segment]:
    found = []
    for diagonal in diagonals:
        parts = [[diagonal[0]]]
        for before, hit in itertools.pairwise(diagonal):
            if query[hit[0]] - query[before[0]] > LONGEST_GAP:
                parts.append([])
            parts[-1].append(hit)
        for part in parts:
            ours, theirs = [query[hit[0]] for hit in part], [reference[hit[1]] for hit in part]
            mean = sum(hit[2] for hit in part) / len(part)
            found.append(
                Segment(
                    (min(ours), max(ours)), (min(theirs), max(theirs)), len(part), round(float(np.float64(mean)), 1)
                )
            )
    return sorted(found, key=lambda segment: (segment.query, segment.reference))


# Quarters of a second are exact in every float, and make ties, which are the difficult case, frequent.
_times = st.lists(st.integers(0, 120).map(lambda n: n / 4), min_size=1, max_size=25, unique=True).map(sorted)


@st.composite
def films(draw: st.DrawFn) -> tuple[list[Hit], list[float], list[float]]:
    query, reference = draw(_times), draw(_times)
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, len(query) - 1), st.integers(0, len(reference) - 1)),
            max_size=40,
            unique=True,
        )
    )
    return [(q, r, draw(st.integers(0, 31))) for q, r in pairs], query, reference


@settings(max_examples=200)
@given(films())
def test_is_what_trying_every_diagonal_finds(made: tuple[list[Hit], list[float], list[float]]) -> None:
    hits, query, reference = made
    found = aligned(hits, query, reference)
    expected = by_hand(hits, query, reference)
    assert rows(found) == {(hit[0], hit[1]) for diagonal in expected for hit in diagonal}
    assert list(found.segments) == stretches(expected, query, reference)


@given(films())
def test_what_holds_for_every_alignment(made: tuple[list[Hit], list[float], list[float]]) -> None:
    hits, query, reference = made
    found = aligned(hits, query, reference)
    assert sorted(found.hits.query.tolist()) == sorted({hit[0] for hit in hits}), "each matched frame once"
    assert rows(found) <= {(hit[0], hit[1]) for hit in hits}
    assert sum(segment.frames for segment in found.segments) == len(found.hits.query)
    for segment in found.segments:
        assert segment.query[0] <= segment.query[1] and segment.reference[0] <= segment.reference[1]
        # A stretch is a diagonal: both sides are as long, but for the tolerance.
        length = segment.query[1] - segment.query[0], segment.reference[1] - segment.reference[0]
        assert abs(length[0] - length[1]) <= TOLERANCE + 1e-6


def test_hits_that_lie_nowhere_end() -> None:
    # As of a film of noise: no two hits on one diagonal. The rest is dropped after so many.
    found = aligned(
        [(n, (n * 37) % 1000, 0) for n in range(300)], [n * 2.0 for n in range(300)], [n * 3.0 for n in range(1000)]
    )
    assert 64 <= len(found.hits.query) < 300

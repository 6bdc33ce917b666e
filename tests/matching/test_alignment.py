"""Stretches that two films share: copies at all speeds in made-up films, and a plain search along a line as the judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.hamming.words import to_words
from hashmatch.matching.alignment import MOST_LINES, TOLERANCE, Sides, Stretch, align, follow
from hashmatch.matching.queries import queries_of
from hashmatch.matching.time_lines import Line
from hashmatch.matching.tracks import footage_of, frames_of
from hashmatch.records import Hash
from tests.support.hash_walks import join, part, query, reference, sparse, still, walk
from tests.support.made_hashes import table_of


def aligned(file: list[Hash], known: list[Hash]) -> list[Stretch]:
    table, queries = table_of({1: known}), queries_of(file, "pdq", "video")
    hits = table.search(queries.rows, table.threshold.film)
    if not len(hits.query):
        return []
    words = to_words(queries.rows.bits)
    return align(hits, Sides(frames_of(queries, 0), 0, words, footage_of(table, 1), table.threshold))


def iou(one: tuple[float, float], other: tuple[float, float]) -> float:
    both = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return both / (max(one[1], other[1]) - min(one[0], other[0]))


def only(stretches: list[Stretch]) -> Stretch:
    (stretch,) = stretches
    return stretch


class TestCopies:
    def test_the_same_film(self) -> None:
        film = walk(1, 60)
        stretch = only(aligned(query(film), reference(film)))
        assert stretch.query == pytest.approx((0.0, 60.0), abs=0.2)
        assert stretch.line.speed == pytest.approx(1.0, abs=0.003)
        assert len(stretch.frames) == 120 and stretch.distance.max() <= 32

    @settings(max_examples=40)
    @given(st.integers(1, 10**6), st.floats(0.8, 1.25), st.floats(0, 90), st.floats(8, 30), st.integers(0, 40))
    def test_a_clip_is_found_where_it_is(
        self, seed: int, speed: float, start: float, seconds: float, noise: int
    ) -> None:
        film = walk(seed, 120)
        clip = part(film, start, start + seconds)
        file = query(join([walk(seed + 1, 11), clip]), noise=noise)
        # Only the clip is played faster.
        moved = [Hash("pdq", h.bits, 100, (h.time or 0.0) / speed) for h in file]
        found = max(aligned(moved, reference(film)), key=lambda each: len(each.frames))
        truth = (start, min(start + seconds, 120.0))
        assert iou(found.reference, truth) >= 0.85
        assert iou(found.query, (11 / speed, (11 + truth[1] - truth[0]) / speed)) >= 0.85
        ends = np.abs(np.array([*found.reference]) - truth)
        assert ends.max() <= 1.2 and ends.min() <= 0.7

    @pytest.mark.slow
    @pytest.mark.parametrize("speed", [0.8, 0.9, 0.97, 1.0, 1.05, 1.1, 1.25])
    def test_the_speed_of_a_long_copy_is_exact(self, speed: float) -> None:
        film = walk(7, 600)
        stretch = only(aligned(query(film, speed, 20), reference(film)))
        assert stretch.line.speed == pytest.approx(speed, rel=0.001)
        assert stretch.reference[0] <= 0.5 and stretch.reference[1] >= 599
        assert np.abs(stretch.line.offset) <= 0.5

    @pytest.mark.parametrize("step", [1.0, 2.0, 5.0])
    def test_references_of_few_frames(self, step: float) -> None:
        """As lists have them, and older versions of this program made them."""
        film = walk(3, 120, restless=1)
        stretch = max(aligned(query(part(film, 31.3, 101.3)), sparse(film, step)), key=lambda each: len(each.frames))
        assert iou(stretch.reference, (31.3, 101.3)) >= 0.8

    def test_key_frames_only(self) -> None:
        film = walk(4, 120)
        found = aligned(query(part(film, 20, 100), rate=0.25), reference(film))
        stretch = max(found, key=lambda each: len(each.frames))
        assert len(stretch.frames) == 20 and iou(stretch.reference, (20, 100)) >= 0.95

    def test_a_film_cut_up_and_joined_in_another_order(self) -> None:
        film = walk(5, 120)
        order = [(70, 82), (10, 22), (100, 112), (40, 52)]
        found = aligned(query(join([part(film, *each) for each in order]), noise=10), reference(film))
        assert len(found) == 4
        for number, truth in enumerate(order):
            each = max(found, key=lambda each: iou(each.reference, truth))
            assert iou(each.reference, truth) >= 0.9
            assert iou(each.query, (12 * number, 12 * number + 12)) >= 0.9

    def test_footage_that_is_shown_twice(self) -> None:
        film = walk(6, 60)
        twice = join([part(film, 20, 30), walk(61, 10), part(film, 20, 30)])
        found = sorted(aligned(query(twice), reference(film)), key=lambda each: each.query)
        assert [iou(each.query, truth) >= 0.9 for each, truth in zip(found, [(0, 10), (20, 30)], strict=True)]
        assert all(iou(each.reference, (20, 30)) >= 0.85 for each in found)

    def test_a_caption_does_not_cut_it_and_another_scene_does(self) -> None:
        film = walk(8, 60)
        for seconds, stretches in ((1.5, 1), (6.0, 2)):
            changed = join([part(film, 0, 20), walk(81, seconds), part(film, 20 + seconds, 60)])
            found = [each for each in aligned(query(changed), reference(film)) if len(each.frames) > 5]
            assert len(found) == stretches

    def test_a_static_scene_within_it(self) -> None:
        film = join([walk(9, 20), still(91, 60), walk(92, 20)])
        stretch = only(aligned(query(film, 1.1, 10), reference(film)))
        assert stretch.line.speed == pytest.approx(1.1, rel=0.003) and iou(stretch.reference, (0, 100)) >= 0.98


class TestOthers:
    @given(st.integers(1, 10**6))
    @settings(max_examples=20)
    def test_unrelated_films(self, seed: int) -> None:
        assert aligned(query(walk(seed, 60)), reference(walk(seed + 1, 60))) == []

    def test_nothing_but_one_picture(self) -> None:
        """Millions of hits; what is found of them is bounded, and so is the time."""
        scene = still(1, 1800)
        found = aligned(query(scene), reference(still(1, 1800)))
        assert 0 < len(found) <= MOST_LINES

    def test_all_at_one_time(self) -> None:
        film = [Hash("pdq", h.bits, 100, 3.0) for h in reference(walk(1, 10))]
        found = aligned(query(walk(1, 10)), film)
        assert found and all(len(each.frames) <= 2 for each in found)

    def test_one_frame(self) -> None:
        film = walk(2, 10)
        for file, known in ((query(film)[:1], reference(film)), (query(film), reference(film)[:1])):
            stretch = only([each for each in aligned(file, known) if each.distance.min() == 0])
            assert len(stretch.frames) <= 4


@settings(max_examples=30)
@given(st.integers(1, 10**6), st.floats(0.8, 1.25), st.floats(-30, 30))
def test_following_a_line_is_what_looking_at_each_frame_finds(seed: int, speed: float, offset: float) -> None:
    film = walk(seed, 40)
    table, queries = table_of({1: reference(film)}), queries_of(query(film, noise=15), "pdq", "video")
    frames, footage, words = frames_of(queries, 0), footage_of(table, 1), to_words(queries.rows.bits)
    # Beside round numbers, so that no frame begins or ends just where another one's tolerance does.
    line = Line(speed, offset := offset + 1 / 3000)
    found = follow(line, np.arange(len(frames.time)), Sides(frames, 0, words, footage, table.threshold))
    expected = {}
    for number, time in enumerate(frames.time.tolist()):
        at = speed * time + offset
        near = [
            int(np.bitwise_count(queries.rows.bits[frames.rows[number]] ^ table.bits_of(slice(row, row + 1))[0]).sum())
            for row, (start, stop) in enumerate(zip(footage.start.tolist(), footage.stop.tolist(), strict=True))
            if start <= at + TOLERANCE and stop >= at - TOLERANCE
        ]
        if near:
            expected[number] = min(near)
    assert dict(zip(found.frame.tolist(), found.distance.tolist(), strict=True)) == expected
    assert (found.agrees == (found.distance <= table.threshold.along)).all()

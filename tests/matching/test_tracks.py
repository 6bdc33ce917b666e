"""Hashes of a film in order of time, and for how long each stands."""

from __future__ import annotations

import numpy as np

from hashmatch.matching.queries import queries_of
from hashmatch.matching.tracks import LONGEST_STAND, MOST_BEFORE, footage_of, frames_of
from hashmatch.records import Hash
from tests.support.made_hashes import still, table_of
from tests.support.made_references import pdq_bits


def at(seed: object, time: float, view: str = "full", quality: int = 100) -> Hash:
    return Hash("pdq", pdq_bits(seed), quality, time, view)


class TestFrames:
    def test_views_of_one_moment_are_one_frame(self) -> None:
        hashes = [at("b", 1.0), at("a", 0.0), at("b2", 1.0, "wide1"), at("c", 1.5, quality=20)]
        frames = frames_of(queries_of(hashes, "pdq", "video"), 0)
        assert frames.time.tolist() == [0.0, 1.0, 1.5]
        assert frames.stop.tolist() == [1.0, 1.5, 2.0]
        assert frames.rows.tolist() == [1, 0, 2, 3] and frames.frame.tolist() == [0, 1, 1, 2]
        assert frames.good.tolist() == [True, True, True, False]

    def test_black_ends_the_frame_before_it(self) -> None:
        hashes = [at("a", 0.0), Hash("pdq", bytes(32), 0, 1.0), at("b", 8.0)]
        frames = frames_of(queries_of(hashes, "pdq", "video"), 0)
        assert (frames.time.tolist(), frames.stop.tolist()) == ([0.0, 8.0], [1.0, 9.0])

    def test_mirror_images_are_frames_of_their_own(self) -> None:
        hashes = [Hash("pdq", pdq_bits(n), 100, float(n), turned=pdq_bits(("m", n))) for n in range(3)]
        queries = queries_of(hashes, "pdq", "video")
        upright, mirrored, both = (frames_of(queries, turn) for turn in (0, 1, None))
        assert upright.time.tolist() == mirrored.time.tolist() == both.time.tolist() == [0, 1, 2]
        assert set(upright.rows.tolist()).isdisjoint(mirrored.rows.tolist())
        assert len(both.rows) == 6 and both.frame.tolist() == [0, 0, 1, 1, 2, 2]


class TestFootage:
    def test_views_are_tracks(self) -> None:
        hashes = [at("a", 0.0), at("b", 0.5), at("c", 2.0), at("b2", 0.5, "trim1"), at("d", 30.0)]
        table = table_of({1: [still("x")], 7: hashes, 9: [still("y")]})
        footage = footage_of(table, 7)
        assert footage.first == 1 and len(footage.tracks) == 2
        whole, trimmed = footage.tracks
        assert whole.start.tolist() == [0.0, 0.5, 2.0, 30.0] and trimmed.start.tolist() == [0.5]
        assert whole.stop.tolist() == [0.5, 2.0, 2.0 + LONGEST_STAND, 31.0] and trimmed.stop.tolist() == [1.5]
        assert table.rows.time[whole.rows].tolist() == whole.start.tolist()
        assert footage.before[whole.rows - footage.first].tolist() == [0, MOST_BEFORE, MOST_BEFORE, MOST_BEFORE]
        assert footage.words.T.tobytes() == b"".join(each.bits for each in hashes)

    def test_rows_in_any_order(self) -> None:
        hashes = [at("b", 3.0), at("a", 1.0)]
        footage = footage_of(table_of({1: hashes}), 1)
        assert footage.start.tolist() == [3.0, 1.0] and footage.tracks[0].rows.tolist() == [1, 0]

    def test_what_is_no_evidence(self) -> None:
        hashes = [at("a", 0.0), at("b", 1.0, quality=30), at("card", 2.0), at("c", 3.0, "part1")]
        footage = footage_of(table_of({1: hashes}, common=[pdq_bits("card")]), 1)
        assert footage.good.tolist() == [True, False, False, False]

    def test_times_that_make_no_sense(self) -> None:
        hashes = [at("a", float("nan")), at("b", float("inf")), at("c", -7.0)]
        footage = footage_of(table_of({1: hashes}), 1)
        assert np.isfinite(footage.start).all() and (footage.stop >= footage.start).all()

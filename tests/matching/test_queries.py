"""What a file is searched by."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hashmatch.fingerprints.picture import hashes_of
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.hashers import GUARD, blocks, details
from hashmatch.hashers.base import Picture
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS
from hashmatch.matching.queries import TURNS, limits_of, queries_of
from hashmatch.matching.tiers import Profile, thresholds
from hashmatch.records import Hash
from tests.support.layered_scenes import BY_PILLOW, layered_scene
from tests.support.made_references import flip, pdq_bits


def of_picture(image: Image.Image, side: str = "query") -> tuple[Hash, ...]:
    return tuple(hashes_of(Picture(image, image.size), QueryHashing() if side == "query" else ReferenceHashing()))


def test_a_picture_is_searched_in_all_orientations_and_as_negative() -> None:
    queries = queries_of(of_picture(layered_scene(1)), "pdq", "image")
    assert sorted(TURNS[turn] for turn in queries.turn.tolist()) == sorted(TURNS)
    assert len({bits.tobytes() for bits in queries.rows.bits}) == 9


def test_each_turn_says_what_was_done_to_the_reference() -> None:
    """A reference that was turned is found by the row whose turn names what was done to it."""
    original = layered_scene(2)
    (reference, guard, finer) = of_picture(original, "reference")
    for name in ORIENTATIONS:
        query = original if name == "none" else original.transpose(BY_PILLOW[name])
        queries = queries_of(of_picture(query), "pdq", "image")
        distance = np.bitwise_count(queries.rows.bits ^ np.frombuffer(reference.bits, np.uint8)).sum(axis=1)
        best = int(distance.argmin())
        assert TURNS[int(queries.turn[best])] == name and distance[best] <= 16
        levels, found = queries.blocks_of(best), queries.details_of(best)
        assert found is not None and (found.levels != details.unpack(finer.bits).levels).mean() < 0.05
        assert levels is not None and (levels != blocks.unpack(guard.bits)).mean() < 0.05


def test_a_negative() -> None:
    original = layered_scene(3)
    (reference, guard, finer) = of_picture(original, "reference")
    queries = queries_of(of_picture(original.point(lambda value: 255 - value)), "pdq", "image")
    distance = np.bitwise_count(queries.rows.bits ^ np.frombuffer(reference.bits, np.uint8)).sum(axis=1)
    best = int(distance.argmin())
    assert TURNS[int(queries.turn[best])] == "inverted" and distance[best] <= 8
    levels, found = queries.blocks_of(best), queries.details_of(best)
    assert found is not None and (found.levels * details.unpack(finer.bits).levels < 0).mean() < 0.001
    assert levels is not None and (levels != blocks.unpack(guard.bits)).mean() < 0.05


def test_films_and_other_algorithms_as_they_are() -> None:
    frames = [Hash("pdq", flip(pdq_bits("a"), number), 100, float(number)) for number in range(3)]
    assert queries_of(frames, "pdq", "video").turn.tolist() == [0, 0, 0]
    assert queries_of([Hash("phash", bytes(8))], "phash", "image").turn.tolist() == [0]
    assert len(queries_of(frames, "phash", "video").rows) == 0


def test_a_film_in_all_orientations_where_its_frames_have_them() -> None:
    others = b"".join(pdq_bits(("turned", number)) for number in range(7))
    frames = [
        Hash("pdq", pdq_bits("a"), 100, 0.0, turned=others),
        Hash("pdq", pdq_bits("b"), 100, 0.5, turned=others[:32]),
    ]
    queries = queries_of(frames, "pdq", "video")
    assert sorted(TURNS[turn] for turn in queries.turn[queries.rows.time == 0].tolist()) == sorted(TURNS)
    assert sorted(TURNS[turn] for turn in queries.turn[queries.rows.time == 0.5].tolist()) == ["mirror", "none"]
    (negative,) = queries.rows.bits[queries.turn == TURNS.index("inverted")]
    assert (negative ^ np.frombuffer(pdq_bits("a"), np.uint8) == 255).all()


@pytest.mark.parametrize("profile", ["fast", "thorough"])
def test_how_close_each_must_be(profile: Profile) -> None:
    """Stricter where a film is turned or a negative, and where a still picture is anything but upright."""
    hashes = [Hash("pdq", pdq_bits("a"), 100, turned=bytes(7 * 32))]
    queries, threshold = queries_of(hashes, "pdq", "image"), thresholds(profile)["pdq"]
    of_film = dict(zip(queries.turn.tolist(), limits_of(queries, "video", threshold).tolist(), strict=True))
    of_still = dict(zip(queries.turn.tolist(), limits_of(queries, "image", threshold).tolist(), strict=True))
    usual = {TURNS.index("none"), TURNS.index("mirror")}
    assert {of_film[turn] for turn in of_film if turn in usual} == {threshold.film}
    assert {of_film[turn] for turn in of_film if turn not in usual} == {min(threshold.turned, threshold.film)}
    assert {of_still[turn] for turn in of_still if turn} == {threshold.turned} and of_still[0] == threshold.possible


def test_what_says_nothing_is_left_out() -> None:
    assert len(queries_of([Hash("pdq", pdq_bits("a"), 9)], "pdq", "image").rows) == 0
    assert len(queries_of([Hash("pdq", bytes(32))], "pdq", "image").rows) == 0


def test_blocks_are_those_of_the_same_view() -> None:
    full, trimmed = (blocks.pack(blocks.levels_of(layered_scene(seed))) for seed in (5, 6))
    hashes = [
        Hash("pdq", pdq_bits("a"), 100),
        Hash("pdq", pdq_bits("b"), 100, view="trim1"),
        Hash(GUARD, full),
        Hash(GUARD, trimmed, view="trim1"),
        Hash("pdq", pdq_bits("c"), 100, view="page2"),
    ]
    queries = queries_of(hashes, "pdq", "image")
    upright = {int(view): row for row, view in enumerate(queries.rows.view) if queries.turn[row] == 0}
    first, second, third = (queries.blocks_of(row) for row in upright.values())
    assert first is not None and (first == blocks.unpack(full)).all()
    assert second is not None and (second == blocks.unpack(trimmed)).all()
    assert third is None


def test_turns_are_undone_by_a_turn() -> None:
    assert {INVERSE[name] for name in ORIENTATIONS} == set(ORIENTATIONS)

"""Candidates: votes that agree on turn, scale and place count, and no others."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.hamming import ApproximateIndex
from hashmatch.hashers.local_features import LEVEL_RATIO, LocalFeatures, pack
from hashmatch.matching.local_candidates import ENOUGH_VOTES, MOST_CANDIDATES, FeatureRows, LocalTable
from tests.support.local_tables import table_of


def made(seed: int, count: int = 20) -> LocalFeatures:
    """Features anywhere, in any direction, that look like no others."""
    chance = np.random.default_rng(seed)
    places, angles = chance.uniform(100, 300, (count, 2)), chance.uniform(0, 6, count)
    levels, bits = chance.integers(2, 5, count), chance.integers(0, 256, (count, 32), np.uint8)
    return pack(400, 400, places, angles, levels, bits)


def moved(features: LocalFeatures, turn: float, levels: int, by: tuple[float, float] = (0, 0)) -> LocalFeatures:
    """The same features, turned by radians around the middle, so many levels larger, and moved by pixels."""
    scale, middle = LEVEL_RATIO**levels, np.array((200.0, 200.0))
    matrix = scale * np.array([(math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))])
    places = (features.places - middle) @ matrix + middle + by
    at = np.rint(np.log(features.scales) / math.log(LEVEL_RATIO)).astype(np.int64) + levels
    return pack(400, 400, np.clip(places, 0, 400), features.angles + turn, at, features.bits)


def part(features: LocalFeatures, count: int) -> LocalFeatures:
    """The first of the features."""
    return replace(features, descriptors=features.descriptors[: 32 * count], points=features.points[: 6 * count])


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.integers(-2, 2), st.integers(0, 1000))
def test_a_picture_is_its_own_candidate_however_it_is_turned_and_scaled(turn: float, levels: int, seed: int) -> None:
    references = [made(seed + number) for number in range(5)]
    table = table_of(references, [7, 8, 9, 10, 11])
    assert table.candidates(moved(references[2], turn, levels if levels < 1 else 0)) == [9]


def test_votes_that_agree_on_nothing_count_for_nothing() -> None:
    """The same descriptors, each somewhere else and turned in another way."""
    reference, chance = made(1), np.random.default_rng(5)
    shuffled = pack(
        400, 400, chance.uniform(0, 400, (20, 2)), chance.uniform(0, 6, 20), chance.integers(0, 7, 20), reference.bits
    )
    table = table_of([reference], [1])
    assert table.candidates(reference) == [1]
    assert table.candidates(shuffled) == []


def test_the_right_direction_at_the_wrong_place_counts_for_nothing() -> None:
    reference = part(made(1), 8)
    levels = np.rint(np.log(reference.scales) / math.log(LEVEL_RATIO)).astype(np.int64)
    places = np.random.default_rng(6).uniform(0, 400, (8, 2))
    table = table_of([reference], [1])
    assert table.candidates(reference) == [1]
    assert table.candidates(pack(400, 400, places, reference.angles, levels, reference.bits)) == []


def test_a_hundred_like_references_do_not_crowd_out_the_right_one() -> None:
    """Each has most features of a template, at the template's places; and the right one also some of its own."""
    template = made(50, 40)
    own = [made(100 + number, 6) for number in range(100)]

    def card(number: int, shared: int) -> LocalFeatures:
        kept = part(template, shared)
        return replace(
            kept,
            descriptors=kept.descriptors + own[number].descriptors,
            points=kept.points + own[number].points,
        )

    references = [card(number, 40) for number in range(100)]
    suspect = card(41, 30)
    assert table_of(references, list(range(100))).candidates(suspect)[0] == 41


def test_no_more_candidates_than_are_compared_and_at_least_so_many_votes() -> None:
    picture = made(3)
    table = table_of([picture] * 30, list(range(30)))
    assert len(table.candidates(picture)) == MOST_CANDIDATES
    assert table.candidates(part(picture, ENOUGH_VOTES - 1)) == []
    assert table.candidates(part(picture, ENOUGH_VOTES)) != []


def test_one_feature_is_one_vote() -> None:
    """Neither a suspect's feature that is everywhere in a reference nor the other way round has many votes."""
    one = np.random.default_rng(1).integers(0, 256, (1, 32), np.uint8)
    single = LocalFeatures(400, 300, one.tobytes(), bytes(6))
    repeated = LocalFeatures(400, 300, np.repeat(one, 100, axis=0).tobytes(), bytes(600))
    assert table_of([repeated], [1]).candidates(single) == []
    assert table_of([single], [1]).candidates(repeated) == []


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_nonsense_crashes_nothing(some: int, others: int, seed: int, alike: bool) -> None:
    chance = np.random.default_rng(seed)

    def nonsense(count: int) -> LocalFeatures:
        bits = chance.integers(0, 256, (count, 32), np.uint8) * np.uint8(not alike)
        points = chance.integers(0, 256, (count, 6), np.uint8)
        points[:, 5] %= 32
        return LocalFeatures(400, 300, bits.tobytes(), points.tobytes())

    assert len(table_of([nonsense(others), nonsense(3)], [1, 2]).candidates(nonsense(some))) <= 2


def test_rows_that_do_not_add_up_are_refused() -> None:
    index = ApproximateIndex.from_hashes(np.zeros((5, 32), np.uint8))
    looks = np.zeros((5, 4), np.uint8)
    for starts, owners in (([0, 4], [1]), ([1, 5], [1]), ([0, 5], [1, 2]), ([0, 6, 5], [1, 2])):
        rows = FeatureRows(np.array(starts), np.array(owners), np.zeros((len(owners), 2), np.uint16), looks)
        with pytest.raises(ValueError, match=r"add up|contradict"):
            LocalTable(index, rows)
    with pytest.raises(ValueError, match="contradict"):
        LocalTable(index, FeatureRows(np.array([0, 5]), np.array([1]), np.zeros((1, 2), np.uint16), looks[:4]))

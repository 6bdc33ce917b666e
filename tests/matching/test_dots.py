"""Which dots are drawn of two films."""

from __future__ import annotations

from hashmatch.matching.dots import MOST_DOTS, PARTS, dots_of
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.matching.tiers import thresholds
from hashmatch.records import Hash
from tests.support.made_references import flip, pdq_bits


def frame(seed: object, time: float, distance: int = 0, turned: bytes = b"") -> Hash:
    return Hash("pdq", flip(pdq_bits(seed), distance), 100, time, turned=turned)


def table(*hashes: Hash) -> HashTable:
    return HashTable("pdq", thresholds("thorough")["pdq"], rows_of(hashes))


def test_every_frame_that_both_show() -> None:
    query = [frame(3, 0.0, 7), frame(4, 1.0, 60), frame(5, 2.0, 62), frame("other", 3.0)]
    found = dots_of(query, table(*(frame(number, 10.0 * number) for number in range(9))))
    assert sorted(zip(found.query, found.reference, found.distance, strict=True)) == [(0.0, 30.0, 7), (1.0, 40.0, 60)]


def test_the_closest_last() -> None:
    query = [frame(1, 0.0, 20), frame(2, 1.0), frame(3, 2.0, 40)]
    found = dots_of(query, table(*(frame(number, float(number)) for number in range(4))))
    assert found.distance.tolist() == [40, 20, 0]


def test_mirrored_frames() -> None:
    query = [frame("mirrored", 0.0, turned=pdq_bits(1))]
    assert dots_of(query, table(frame(1, 5.0))).reference.tolist() == [5.0]


def test_a_static_scene_has_no_more_than_can_be_seen() -> None:
    scene = [frame("scene", number / 2, number % 3) for number in range(1200)]
    found = dots_of(scene, table(*scene))
    assert PARTS < len(found.query) <= MOST_DOTS
    assert (found.distance <= 4).all()


def test_none() -> None:
    assert len(dots_of([], table(frame(1, 0.0))).query) == len(dots_of([frame(1, 0.0)], table()).query) == 0

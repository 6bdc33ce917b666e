"""What a stretch proves: by different pictures, each of which tells where in the film it is."""

from __future__ import annotations

import pytest

from hashmatch.hamming.words import to_words
from hashmatch.matching.alignment import Sides, align
from hashmatch.matching.evidence import MOST_PICTURES, StretchEvidence, evidence_of
from hashmatch.matching.queries import queries_of
from hashmatch.matching.tiers import MANY_PICTURES, NEAR_PICTURES
from hashmatch.matching.tracks import footage_of, frames_of
from hashmatch.records import Hash
from tests.support.made_hashes import film, table_of


def strongest(file: list[Hash], known: list[Hash]) -> StretchEvidence | None:
    """Of the stretches of two films."""
    table, queries = table_of({1: known}), queries_of(file, "pdq", "video")
    hits, footage, words = table.search(queries.rows, 60), footage_of(table, 1), to_words(queries.rows.bits)
    stretches = align(hits, Sides(frames_of(queries, 0), 0, words, footage, table.threshold))
    found = [each for stretch in stretches if (each := evidence_of(stretch, words, footage, table)) is not None]
    return max(found, key=lambda each: each.rank, default=None)


@pytest.mark.parametrize("distance", [0, 31, 32, 60])
def test_different_pictures_are_counted(distance: int) -> None:
    found = strongest(film(range(6), distance), film(range(20)))
    assert found is not None
    assert (found.strong, found.pictures, found.seen) == (6 if distance <= 31 else 0, 6, 6)


def test_the_same_picture_counts_once() -> None:
    shown = ["a", "a", "b", "b", "b", "a"]
    found = strongest(film(shown), film(shown))
    assert found is not None and (found.strong, found.pictures, found.seen) == (2, 2, 2)
    assert len(found.stretch.frames) == 6


def test_what_is_as_near_to_other_pictures_of_the_film_tells_nothing() -> None:
    """Later parts of a static scene: all of its pictures are alike, and the file is as near to one as to the next."""
    scene, later = ([_with(range(start + 20 * n, start + 20 * n + 20), n) for n in range(6)] for start in (0, 120))
    assert strongest(later, scene) is None
    found = strongest(scene, scene)
    assert found is not None and (found.strong, found.pictures) == (6, 6)


def _with(changed: range, time: int) -> Hash:
    """A frame of a scene, with these bits of its own."""
    bits = sum(1 << position for position in changed) ^ (1 << 256) // 3
    return Hash("pdq", bits.to_bytes(32, "big"), 100, float(time))


def test_a_lone_picture_must_be_near() -> None:
    assert strongest(film(["a"], 31), film(["a", "b"])) is not None
    assert strongest(film(["a"], 32), film(["a", "b"])) is None
    assert strongest(film(["a", "b"], 32), film(["a", "b"])) is not None


def test_little_detail_needs_more_pictures() -> None:
    assert strongest(film(range(3), quality=40), film(range(9))) is not None
    assert strongest(film(range(2), quality=40), film(range(9))) is None


def test_the_number_of_pictures_is_bounded() -> None:
    found = strongest(film(range(100)), film(range(100)))
    assert found is not None and found.strong == found.seen == MOST_PICTURES


def test_what_is_sure() -> None:
    found = strongest(film(range(4)), film(range(9)))
    assert found is not None

    def is_sure(strong: int, pictures: int, seen: int) -> bool:
        return StretchEvidence(found.stretch, strong, pictures, seen).is_sure(NEAR_PICTURES)

    assert is_sure(NEAR_PICTURES, NEAR_PICTURES, 20)
    assert not is_sure(NEAR_PICTURES - 1, MANY_PICTURES - 1, MANY_PICTURES - 1)
    assert is_sure(0, MANY_PICTURES, 2 * MANY_PICTURES)
    assert not is_sure(0, MANY_PICTURES, 2 * MANY_PICTURES + 1)

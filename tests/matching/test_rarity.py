"""Intros that unrelated films share, and copies of one film that share everything."""

from __future__ import annotations

import pytest

from hashmatch.matching.rarity import LONGEST_INSERT
from tests.support.hash_walks import join, part, query, reference, walk
from tests.support.made_hashes import found

INTRO = walk(1, 8, shot=1.0)


def tiers(file: list, references: dict[int, list]) -> dict[int, tuple[str, str]]:  # type: ignore[type-arg]
    return {each.reference_id: (each.tier, each.reason) for each in found(file, "video", references)}


def test_an_intro_of_three_films_is_no_evidence() -> None:
    films = {number: reference(join([INTRO, walk(10 + number, 40)])) for number in (1, 2, 3)}
    assert tiers(query(INTRO), films) == dict.fromkeys((1, 2, 3), ("possible", "common-hash"))
    # Of two films each may have quoted the other.
    assert tiers(query(INTRO), {1: films[1], 2: films[2]}) == dict.fromkeys((1, 2), ("near", "same-footage"))


def test_what_one_of_them_goes_on_with_is() -> None:
    films = {number: reference(join([INTRO, walk(10 + number, 40)])) for number in (1, 2, 3, 4)}
    assert tiers(query(part(join([INTRO, walk(12, 40)]), 0, 30)), films) == {
        1: ("possible", "common-hash"),
        2: ("near", "same-footage"),
        3: ("possible", "common-hash"),
        4: ("possible", "common-hash"),
    }


@pytest.mark.parametrize("copies", [3, 30])
def test_copies_of_one_film_do_not_weaken_each_other(copies: int) -> None:
    film = join([walk(2, 20), INTRO, walk(3, 20)])
    references = {number: reference(film) for number in range(1, copies + 1)}
    assert set(tiers(query(INTRO, noise=5), references).values()) == {("near", "same-footage")}


def test_references_that_are_the_intro_and_no_more() -> None:
    references = {number: reference(INTRO) for number in (1, 2, 3, 4)}
    assert set(tiers(query(INTRO, noise=5), references).values()) == {("near", "same-footage")}


def test_what_is_long_is_no_intro() -> None:
    shared = walk(4, LONGEST_INSERT + 2)
    references = {
        number: reference(join([walk(20 + number, 20), shared, walk(40 + number, 20)])) for number in range(4)
    }
    assert set(tiers(query(shared), references).values()) == {("near", "same-footage")}

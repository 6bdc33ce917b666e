"""Intros and outros that a film shares with one reference only."""

from __future__ import annotations

import pytest

from hashmatch.matching.tiers import LONGEST_INSERT, OPENING_COVERAGE
from tests.support.hash_walks import Bits, join, part, query, reference, walk
from tests.support.made_hashes import only

INTRO, FILM = walk(1, 6, shot=1.0), walk(2, 60, shot=2.0)


def told(file: Bits, known: Bits, noise: int = 5) -> tuple[str, str]:
    finding = only(query(file, noise=noise), reference(known), "video")
    return finding.tier, finding.reason


NEAR, QUOTED = ("near", "same-footage"), ("possible", "shared-footage")


def test_an_intro_or_outro_of_one_reference_is_no_evidence() -> None:
    assert told(join([INTRO, walk(3, 3)]), join([INTRO, FILM])) == QUOTED
    assert told(join([walk(3, 3), INTRO]), join([FILM, INTRO])) == QUOTED
    fade = walk(4, 1.5)
    assert told(join([INTRO, walk(3, 3)]), join([fade, INTRO, FILM])) == QUOTED
    assert told(join([INTRO, walk(3, 40)]), join([INTRO, walk(5, 3)])) == QUOTED, "a short reference, a long file"
    assert told(join([INTRO, walk(3, 3)]), join([INTRO, walk(5, 3)])) == QUOTED, "both are short"


@pytest.mark.parametrize("start", [0, 20, 50])
@pytest.mark.parametrize("seconds", [3, 9, 20])
def test_clips_are(start: int, seconds: int) -> None:
    clip = part(FILM, start, min(start + seconds, 60))
    assert told(clip, FILM) == NEAR
    # What was added before what the reference opens with, or after what it closes with, contradicts nothing.
    if start == 0:
        assert told(join([walk(3, 2), clip]), FILM) == NEAR
    if start == 50:
        assert told(join([clip, walk(3, 2)]), FILM) == NEAR


def test_clips_of_the_middle_are_with_anything_around_them() -> None:
    assert told(join([walk(3, 4), part(FILM, 20, 30), walk(4, 4)]), FILM) == NEAR


def test_a_whole_reference_is_within_anything() -> None:
    assert told(join([walk(3, 30), INTRO, walk(4, 30)]), INTRO) == NEAR
    assert told(join([INTRO, walk(4, 30)]), INTRO) == NEAR


def test_what_is_most_of_a_film_is_no_intro() -> None:
    opening = part(FILM, 0, 12)
    rest = 12 / OPENING_COVERAGE - 12
    assert told(join([opening, walk(3, rest - 0.5)]), FILM) == NEAR
    assert told(join([opening, walk(3, rest + 1)]), FILM) == QUOTED


def test_nor_is_what_is_long() -> None:
    opening = part(FILM, 0, LONGEST_INSERT + 2)
    assert told(join([opening, walk(3, 15)]), FILM) == NEAR


def test_what_is_found_beside_the_opening_counts_by_itself() -> None:
    """A trailer of a film that begins as the film does, with another scene of it after something else."""
    assert told(join([INTRO, walk(3, 4), part(FILM, 30, 44)]), join([INTRO, FILM])) == NEAR

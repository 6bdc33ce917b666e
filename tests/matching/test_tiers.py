"""The numbers that decide, and what a radius of one's own does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hashers.base import Quality
from hashmatch.matching import tiers
from hashmatch.matching.tiers import Profile, Threshold, quality_of, threshold_of, thresholds, usual_ones

PROFILES: tuple[Profile, ...] = ("fast", "thorough")
OTHERS = {
    "phash": Threshold.plain(near=-1, possible=6, margin=8),
    "dhash": Threshold.plain(near=-1, possible=4, margin=8),
}

_profiles = st.sampled_from(PROFILES)


def test_the_promised_numbers() -> None:
    fast = Threshold(near=31, possible=44, film=60, low_quality=31, turned=31, along=70, telling=60, margin=8)
    assert thresholds("fast").items() >= {"pdq": fast, **OTHERS}.items()
    assert thresholds("thorough").items() >= {"pdq": replace(fast, possible=64, turned=64), **OTHERS}.items()
    assert thresholds() == thresholds("fast")
    assert quality_of("pdq") == Quality(least=10, good=50)
    assert usual_ones("pdq") == (0.4, 0.6)
    assert (tiers.NEAR_COVERAGE, tiers.ALLOW_COVERAGE) == (0.5, 0.5)


def test_a_profile_that_does_not_exist_is_not_taken_for_another() -> None:
    with pytest.raises(KeyError, match="thorogh"):
        thresholds("thorogh")  # type: ignore[arg-type]


def test_64_bits_alone_never_say_near() -> None:
    assert all(threshold_of(name, profile) == each for name, each in OTHERS.items() for profile in PROFILES)
    assert all(each.near < 0 for each in OTHERS.values())


@pytest.mark.parametrize("name", ["blocks", "orb", "sha256", "a-stranger's", ""])
def test_what_is_not_searched_has_no_threshold(name: str) -> None:
    assert threshold_of(name) is None and usual_ones(name) is None
    assert quality_of(name) == quality_of("pdq"), "a list may state one all the same"


@pytest.mark.parametrize(
    ("radius", "near", "possible", "low_quality"),
    [(0, 0, 0, 0), (10, 10, 10, 10), (31, 31, 31, 31), (85, 31, 85, 31), (256, 31, 256, 31)],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_radius_counts_for_pictures_and_films(
    profile: Profile, radius: int, near: int, possible: int, low_quality: int
) -> None:
    expected = Threshold(near, possible, possible, low_quality, possible, possible, min(60, radius), 8)
    assert thresholds(profile, radius)["pdq"] == expected


@given(_profiles, st.none() | st.integers(0, 256))
def test_a_radius_is_of_pdq_alone_and_never_widens_near(profile: Profile, radius: int | None) -> None:
    found = thresholds(profile, radius)
    assert found["pdq"].near <= thresholds(profile)["pdq"].near
    assert all(found[name] == each for name, each in thresholds(profile).items() if name != "pdq")
    for each in found.values():
        assert each.near <= each.low_quality <= min(each.possible, each.film)
        assert each.film <= each.along


@given(st.none() | st.integers(0, 256))
def test_a_thorough_scan_looks_at_all_that_a_fast_one_does(radius: int | None) -> None:
    fast, thorough = thresholds("fast", radius)["pdq"], thresholds("thorough", radius)["pdq"]
    assert (fast.near, fast.low_quality) == (thorough.near, thorough.low_quality), "what they are sure of is the same"
    assert fast.possible <= thorough.possible and fast.film <= thorough.film

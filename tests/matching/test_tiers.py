"""The numbers that decide, and what a radius of one's own does to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching import tiers
from hashmatch.matching.tiers import OTHERS, PDQ, Profile, Threshold, thresholds

_profiles = st.sampled_from(list(PDQ))


def test_the_promised_numbers() -> None:
    assert PDQ["fast"] == Threshold(near=31, possible=44, film=60, low_quality=31, turned=31, along=70)
    assert PDQ["thorough"] == Threshold(near=31, possible=64, film=60, low_quality=31, turned=64, along=70)
    assert thresholds() == thresholds("fast")
    assert (tiers.GOOD_QUALITY, tiers.FEATURELESS_QUALITY) == (50, 10)
    assert (tiers.NEAR_COVERAGE, tiers.ALLOW_COVERAGE) == (0.5, 0.5)


def test_64_bits_alone_never_say_near() -> None:
    assert set(OTHERS) == {"phash", "dhash"}
    assert all(each.near < 0 for each in OTHERS.values())


@pytest.mark.parametrize(
    ("radius", "near", "possible", "low_quality"),
    [(0, 0, 0, 0), (10, 10, 10, 10), (31, 31, 31, 31), (85, 31, 85, 31), (256, 31, 256, 31)],
)
@pytest.mark.parametrize("profile", PDQ)
def test_a_radius_counts_for_pictures_and_films(
    profile: Profile, radius: int, near: int, possible: int, low_quality: int
) -> None:
    assert thresholds(profile, radius)["pdq"] == Threshold(near, possible, possible, low_quality, possible, possible)


@given(_profiles, st.none() | st.integers(0, 256))
def test_a_radius_is_of_pdq_alone_and_never_widens_near(profile: Profile, radius: int | None) -> None:
    found = thresholds(profile, radius)
    assert found["pdq"].near <= PDQ[profile].near
    assert {name: found[name] for name in found if name != "pdq"} == OTHERS
    for each in found.values():
        assert each.near <= each.low_quality <= min(each.possible, each.film)
        assert each.film <= each.along


@given(st.none() | st.integers(0, 256))
def test_a_thorough_scan_looks_at_all_that_a_fast_one_does(radius: int | None) -> None:
    fast, thorough = thresholds("fast", radius)["pdq"], thresholds("thorough", radius)["pdq"]
    assert (fast.near, fast.low_quality) == (thorough.near, thorough.low_quality), "what they are sure of is the same"
    assert fast.possible <= thorough.possible and fast.film <= thorough.film

"""The numbers that decide, and what a radius of one's own does to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching import tiers
from hashmatch.matching.tiers import THRESHOLDS, Threshold, thresholds


def test_the_promised_numbers() -> None:
    assert THRESHOLDS["pdq"] == Threshold(near=31, possible=60, low_quality=31)
    assert (tiers.GOOD_QUALITY, tiers.NEAR_COVERAGE, tiers.ALLOW_COVERAGE) == (50, 0.5, 0.5)
    assert all(THRESHOLDS[name].near < 0 for name in THRESHOLDS if name != "pdq"), "64 bits alone never say `near`"


@pytest.mark.parametrize(
    ("radius", "near", "possible", "low_quality"),
    [(None, 31, 60, 31), (0, 0, 0, 0), (10, 10, 10, 10), (31, 31, 31, 31), (85, 31, 85, 31), (256, 31, 256, 31)],
)
def test_a_radius(radius: int | None, near: int, possible: int, low_quality: int) -> None:
    assert thresholds(radius)["pdq"] == Threshold(near, possible, low_quality)


@given(st.none() | st.integers(0, 256))
def test_a_radius_is_of_pdq_alone_and_never_widens_near(radius: int | None) -> None:
    found = thresholds(radius)
    assert found["pdq"].near <= THRESHOLDS["pdq"].near
    assert {name: found[name] for name in found if name != "pdq"} == {
        name: THRESHOLDS[name] for name in THRESHOLDS if name != "pdq"
    }
    for each in found.values():
        assert each.near <= each.low_quality <= each.possible

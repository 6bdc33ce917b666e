"""When films are sampled."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.media.sampling import DENSE_SAMPLES_PER_SECOND, DENSE_SECONDS, SAMPLES_PER_SECOND, SETTINGS, SampleClock


def sampled(times: list[float]) -> list[float]:
    clock = SampleClock()
    return [time for time in times if clock.due(time)]


def steps(rate: float, seconds: float) -> list[float]:
    return [number / rate for number in range(round(rate * seconds))]


def test_settings_are_what_the_recipe_says() -> None:
    assert (SAMPLES_PER_SECOND, DENSE_SECONDS, DENSE_SAMPLES_PER_SECOND) == (1, 4, 4)
    assert SETTINGS == "1fps,4fps<4s"


@pytest.mark.parametrize("rate", [4, 8, 12, 20, 24, 60, 120])
def test_four_a_second_and_one_a_second_later(rate: int) -> None:
    expected = [n / 4 for n in range(16)] + [4, 5, 6, 7, 8, 9]
    assert sampled(steps(rate, 10)) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [23.976, 25, 29.97, 30, 50, 59.94])
def test_rates_that_fit_no_quarter_second(rate: float) -> None:
    """The first frame at or after each sampling time, so the grid does not drift."""
    due = [n / 4 for n in range(16)] + [float(n) for n in range(4, 3600)]
    expected = [math.ceil(time * rate - 1e-5) / rate for time in due]
    assert sampled(steps(rate, 3600)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1])
def test_slow_films_give_every_frame(rate: float) -> None:
    assert sampled(steps(rate, 30)) == steps(rate, 30)


def test_a_gap_causes_no_burst() -> None:
    assert sampled([0.0, *(100 + n / 25 for n in range(60))]) == pytest.approx([0, 100, 101, 102])


def test_a_time_that_is_stated_a_hair_too_early() -> None:
    """1/3 written with seven digits is still the frame of 1/3."""
    assert sampled([0, 0.2499999, 0.4999999, 3.9999999, 4.9999999]) == [0, 0.2499999, 0.4999999, 3.9999999, 4.9999999]


moments = st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(sorted)


@given(times=moments)
def test_the_first_frame_always(times: list[float]) -> None:
    assert sampled([0.0, *times])[0] == 0.0


@given(times=moments)
def test_never_more_than_the_rate(times: list[float]) -> None:
    """No two samples fall into one quarter of a second, nor into one second later on."""
    slots = [int(t * 4 + 1e-5) if t < DENSE_SECONDS else 1000 + int(t + 1e-5) for t in sampled([0.0, *times])]
    assert len(set(slots)) >= len(slots) - 1  # the change of rate may fall between two


@given(times=moments)
def test_every_slot_that_has_a_frame_is_sampled(times: list[float]) -> None:
    chosen = sampled([0.0, *times])
    late = {int(t) for t in times if t > DENSE_SECONDS + 1 and 1e-3 < t % 1 < 1 - 1e-3}
    assert late <= {int(t + 1e-5) for t in chosen}

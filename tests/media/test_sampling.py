"""When films are sampled."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.media.sampling import DENSE_RATE, DENSE_SECONDS, QUERY_RATE, SETTINGS, SampleClock, Sampling


def sampled(times: list[float], rate: float = QUERY_RATE, start: float = 0.0) -> list[float]:
    clock = SampleClock(rate, start)
    return [time for time in times if clock.due(time)]


def steps(rate: float, seconds: float) -> list[float]:
    return [number / rate for number in range(round(rate * seconds))]


def test_settings_are_what_the_recipe_says() -> None:
    assert (QUERY_RATE, DENSE_SECONDS, DENSE_RATE) == (2, 4, 4)
    assert SETTINGS == "128px,>31bit,<10fps,5s"


@pytest.mark.parametrize("rate", [4, 8, 12, 20, 24, 60, 120])
def test_four_a_second_and_two_a_second_later(rate: int) -> None:
    expected = [n / 4 for n in range(16)] + [n / 2 for n in range(8, 20)]
    assert sampled(steps(rate, 10)) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [23.976, 25, 29.97, 30, 50, 59.94])
def test_rates_that_fit_no_quarter_second(rate: float) -> None:
    """The first frame at or after each sampling time, so the grid does not drift."""
    due = [n / 4 for n in range(16)] + [n / 2 for n in range(8, 7200)]
    expected = [math.ceil(time * rate - 1e-5) / rate for time in due]
    assert sampled(steps(rate, 3600)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 2])
def test_slow_films_give_every_frame(rate: float) -> None:
    assert sampled(steps(rate, 30)) == steps(rate, 30)


def test_what_is_shown_for_long_is_taken_whenever_it_begins() -> None:
    """Behind a frame that flashes by, it may be all that people see."""
    clock = SampleClock(QUERY_RATE)
    shown = [(0.0, 0.02), (0.02, 60.0), (60.02, 0.02), (60.04, 0.04), (60.08, 0.5), (60.58, 0.02)]
    assert [time for time, lasts in shown if clock.due(time, lasts)] == [0, 0.02, 60.02, 60.08, 60.58]


def test_a_rate_of_zero_is_every_frame() -> None:
    times = [0.0, 0.01, 0.01, 5.0, 4.9]
    assert sampled(times, rate=0) == times


def test_a_clock_that_starts_later() -> None:
    """As at a reach: the grid is that of the whole film."""
    assert sampled(steps(25, 63), start=60)[:4] == pytest.approx([60, 60.52, 61, 61.52])


def test_a_gap_causes_no_burst() -> None:
    assert sampled([0.0, *(100 + n / 25 for n in range(60))]) == pytest.approx([0, 100, 100.52, 101, 101.52, 102])


def test_a_time_that_is_stated_a_hair_too_early() -> None:
    """1/3 written with seven digits is still the frame of 1/3."""
    assert sampled([0, 0.2499999, 0.4999999, 3.9999999, 4.4999999]) == [0, 0.2499999, 0.4999999, 3.9999999, 4.4999999]


def test_parts() -> None:
    parts = Sampling(parts=((1, 2), (5, 6.5)))
    moments = [0.9, 1, 1.5, 2, 2.1, 5, 6.5, 6.6]
    assert [time for time in moments if parts.wants(time)] == [1, 1.5, 2, 5, 6.5]
    assert Sampling().wants(1e9)


moments = st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(sorted)


@given(times=moments)
def test_the_first_frame_always(times: list[float]) -> None:
    assert sampled([0.0, *times])[0] == 0.0


@given(times=moments)
def test_never_more_than_the_rate(times: list[float]) -> None:
    """No two samples fall into one quarter of a second, nor into one half later on."""
    slots = [int(t * 4 + 1e-5) if t < DENSE_SECONDS else 1000 + int(2 * t + 1e-5) for t in sampled([0.0, *times])]
    assert len(set(slots)) >= len(slots) - 1  # the change of rate may fall between two


@given(times=moments)
def test_every_slot_that_has_a_frame_is_sampled(times: list[float]) -> None:
    chosen = sampled([0.0, *times])
    late = {int(2 * t) for t in times if t > DENSE_SECONDS + 1 and 1e-3 < 2 * t % 1 < 1 - 1e-3}
    assert late <= {int(2 * t + 1e-5) for t in chosen}

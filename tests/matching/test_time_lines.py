"""Lines of time: voted on among hits of all kinds, and fitted to points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching.time_lines import BIN, FASTEST, SLOWEST, SPEEDS, Line, fit, reluctance, vote

_speeds = st.floats(SLOWEST, FASTEST)


def test_the_speeds_that_are_tried() -> None:
    assert (SPEEDS[0], SPEEDS[-1]) == pytest.approx((SLOWEST, FASTEST))
    assert 1.0 in SPEEDS and (np.diff(SPEEDS) > 0).all()
    # Half a step over half a minute is less than a bin.
    assert np.diff(SPEEDS).max() / 2 * 30 <= BIN


class TestVote:
    def test_one_hit(self) -> None:
        (line,) = vote(np.array([3.0]), np.array([50.0]), np.ones(1))
        assert line.speed == 1.0 and abs(line(np.array([3.0]))[0] - 50) <= BIN

    @given(st.integers(0, 10**6), _speeds, st.floats(0, 1000), st.sampled_from([60.0, 1e6]))
    def test_a_line_among_chance_hits(self, seed: int, speed: float, offset: float, spread: float) -> None:
        """spread: seconds over which the others lie; a reference may be long, or its times nonsense."""
        random = np.random.default_rng(seed)
        query = np.arange(0, 30, 0.5)
        others = random.uniform(0, 30, 60)
        times = np.concatenate([query, others])
        targets = np.concatenate([speed * query + offset, random.uniform(0, spread, 60)])
        lines = vote(times, targets, np.ones(120))
        # One of them is near enough to most points to be followed.
        assert max((np.abs(line(query) - targets[:60]) <= BIN).mean() for line in lines) >= 0.8

    @given(st.integers(0, 10**6))
    def test_the_heavier_line(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        query = np.tile(np.arange(20.0), 2)
        reference = query + np.repeat([100.0, 200.0], 20)
        weight = np.repeat([1.0, 1.1], 20)
        order = random.permutation(40)
        (line,) = vote(query[order], reference[order], weight[order])
        assert line(np.array([0.0]))[0] == pytest.approx(200, abs=BIN)

    def test_speed_1_is_always_looked_at(self) -> None:
        query = np.arange(20.0)
        lines = vote(np.tile(query, 2), np.concatenate([1.2 * query, query + 500]), np.repeat([1.0, 0.5], 20))
        assert [round(line.speed, 1) for line in lines] == [1.2, 1.0]


class TestFit:
    @given(_speeds, st.floats(-100, 1000))
    def test_many_points_are_met(self, speed: float, offset: float) -> None:
        query = np.arange(0, 200, 0.5)
        line = fit(query, speed * query + offset, np.ones(len(query)))
        assert line.speed == pytest.approx(speed, abs=1e-3)
        assert line(np.array([0.0, 200.0])) == pytest.approx([offset, 200 * speed + offset], abs=0.05)

    @given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 10))
    def test_one_point_is_met_at_speed_1(self, query: float, reference: float, weight: float) -> None:
        line = fit(np.array([query]), np.array([reference]), np.array([weight]))
        assert line.speed == 1.0 and line(np.array([query]))[0] == pytest.approx(reference)

    def test_a_few_seconds_do_not_tell_the_speed(self) -> None:
        query = np.arange(0, 2, 0.5)
        assert fit(query, 1.2 * query, np.ones(4)).speed < 1.1

    def test_no_speed_is_beyond_the_limits(self) -> None:
        query = np.arange(100.0)
        assert fit(query, 3 * query, np.ones(100)).speed == FASTEST
        assert fit(query, -query, np.ones(100)).speed == SLOWEST

    def test_heavy_points_count_more(self) -> None:
        query, reference = np.array([0.0, 1.0]), np.array([0.0, 2.0])
        near = fit(query, reference, np.array([100.0, 1.0]))(query) - reference
        assert abs(near[0]) < abs(near[1])


def test_a_speed_must_be_worth_it() -> None:
    assert reluctance(Line(1.0, 7.0)) == 0
    assert reluctance(Line(1.1, 0.0)) == pytest.approx(reluctance(Line(0.9, 0.0)))
    assert reluctance(Line(1.2, 0.0)) > 3 * reluctance(Line(1.1, 0.0)) > 0

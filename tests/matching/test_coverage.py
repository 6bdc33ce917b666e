"""Shares of time, and stretches that explain the same of a file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching.alignment import Stretch
from hashmatch.matching.coverage import BRIDGED, pieces, share, without_overlap
from hashmatch.matching.evidence import StretchEvidence
from hashmatch.matching.time_lines import Line

_spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)).map(lambda s: (s[0] / 2, (s[0] + s[1]) / 2)))


@given(_spans, st.lists(st.integers(0, 40), unique=True, min_size=1).map(sorted))
def test_share_is_what_counting_half_seconds_gives(spans: list[tuple[float, float]], times: list[int]) -> None:
    start = np.array(times) / 2
    stop = np.append(start[1:], start[-1] + 1)
    ticks = [tick / 2 + 0.25 for tick in range(times[0], times[-1] + 2)]
    covered = sum(any(a < tick < b for a, b in spans) for tick in ticks)
    assert share(spans, start, stop) == pytest.approx(covered / len(ticks))


def test_share_of_nothing() -> None:
    one = np.array([1.0])
    assert share([], one, one + 1) == share([(0.0, 9.0)], one, one) == share([(1.5, 1.5)], one, one + 1) == 0.0


def told(start: float, end: float, strong: int, frames: int = 4) -> StretchEvidence:
    distance = np.zeros(frames, np.int64)
    rows = np.zeros((frames, 2), np.int64)
    line = Line(1.0, 0.0)
    stretch = Stretch(line, 0, (start, end), (start, end), distance, rows, distance, np.ones(frames, np.bool_))
    return StretchEvidence(stretch, strong, strong, strong)


class TestOverlap:
    def test_the_stronger_one_stays(self) -> None:
        weak, strong = told(0, 10, 2), told(4, 20, 5)
        assert without_overlap([weak, strong]) == [strong]
        assert without_overlap([strong, weak]) == [strong]

    def test_one_that_explains_something_else_stays_as_well(self) -> None:
        weak, strong = told(0, 10, 2), told(6, 20, 5)
        assert without_overlap([weak, strong]) == [strong, weak]

    def test_several_together_explain_one(self) -> None:
        parts = [told(0, 4, 5), told(6, 10, 4)]
        assert without_overlap([told(0, 10, 3), *parts]) == parts

    def test_one_of_no_length(self) -> None:
        assert len(without_overlap([told(5, 5, 1), told(0, 10, 2)])) == 1


def test_pieces() -> None:
    start = np.array([9.0, 0.0, 1.0, 5.0 + BRIDGED])
    found = pieces(start, start + 1)
    assert [piece.tolist() for piece in found] == [[1, 2], [0, 3]]
    assert [piece.tolist() for piece in pieces(np.array([0.0, 1 + BRIDGED]), np.array([1.0, 9.0]))] == [[0, 1]]

"""Single pictures out of a film are those of the moments that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import MediaError
from hashmatch.media.moments import nearest, pictures_at
from hashmatch.media.sampling import Sampling

TIMES = st.lists(st.integers(0, 50).map(float), max_size=12, unique=True).map(sorted)


@given(TIMES, TIMES)
def test_the_nearest_frame(times: list[float], moments: list[float]) -> None:
    got = list(nearest(((time, f"at {time}") for time in times), moments))
    assert [moment for moment, _time, _frame in got] == (moments if times else [])
    for moment, time, frame in got:
        assert frame == f"at {time}"
        assert abs(time - moment) == min(abs(each - moment) for each in times)


class Film:
    """Frames at some seconds, after which something may be wrong; notes what was decoded."""

    def __init__(self, *times: float, broken: bool = False) -> None:
        self._times, self._broken = times, broken
        self.decoded: list[float] = []

    def decode(self, sampling: Sampling) -> Iterator[tuple[float, float]]:
        for time in self._times:
            if sampling.wants(time):
                self.decoded.append(time)
                yield time, time
        if self._broken:
            raise MediaError("partial", "broken")

    def pictures(self, *moments: float) -> tuple[str | None, ...]:
        return pictures_at(moments, self.decode, lambda frame: f"picture at {frame}")


def test_in_the_order_that_was_asked_for() -> None:
    film = Film(*(number / 4 for number in range(400)))
    assert film.pictures(70.1, 3.0, 3.0) == ("picture at 70.0", "picture at 3.0", "picture at 3.0")
    assert len(film.decoded) < 20


def test_of_a_film_with_few_frames_all_are_decoded() -> None:
    assert Film(0.0, 20.0, 40.0).pictures(20.1, 31.0, 99.0) == ("picture at 20.0", "picture at 40.0", "picture at 40.0")


def test_what_a_damaged_film_has() -> None:
    assert Film(0.0, 1.0, broken=True).pictures(0.9, 50.0) == ("picture at 1.0", "picture at 1.0")
    with pytest.raises(MediaError):
        Film(broken=True).pictures(0.0)


def test_of_a_film_without_frames_there_is_none() -> None:
    assert Film().pictures(0.0, 1.0) == (None, None)

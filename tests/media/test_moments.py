"""Single pictures out of a film are those of the moments that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media.moments import nearest, pictures_at
from hashmatch.media.sampling import Sampling
from hashmatch.messages import Message
from tests.support.film_files import FILMS, encoder_or_skip, film, with_display_matrix
from tests.support.opened_media import opened_film
from tests.support.still_files import animation, scene

TIMES = st.lists(st.integers(0, 50).map(float), max_size=12, unique=True).map(sorted)


@given(TIMES, TIMES)
def test_the_nearest_frame(times: list[float], moments: list[float]) -> None:
    got = list(nearest(((time, f"at {time}") for time in times), moments))
    assert [moment for moment, _time, _frame in got] == (moments if times else [])
    for moment, time, frame in got:
        assert frame == f"at {time}"
        assert abs(time - moment) == min(abs(each - moment) for each in times)


class FakeFilm:
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
            raise MediaError("partial", Message.literal("broken"))

    def pictures(self, *moments: float) -> tuple[str | None, ...]:
        return pictures_at(moments, self.decode, lambda frame: f"picture at {frame}")


def test_in_the_order_that_was_asked_for() -> None:
    film = FakeFilm(*(number / 4 for number in range(400)))
    assert film.pictures(70.1, 3.0, 3.0) == ("picture at 70.0", "picture at 3.0", "picture at 3.0")
    assert len(film.decoded) < 20


def test_of_a_film_with_few_frames_all_are_decoded() -> None:
    assert FakeFilm(0.0, 20.0, 40.0).pictures(20.1, 31.0, 99.0) == (
        "picture at 20.0",
        "picture at 40.0",
        "picture at 40.0",
    )


def test_what_a_damaged_film_has() -> None:
    assert FakeFilm(0.0, 1.0, broken=True).pictures(0.9, 50.0) == ("picture at 1.0", "picture at 1.0")
    with pytest.raises(MediaError):
        FakeFilm(broken=True).pictures(0.0)


def test_of_a_film_without_frames_there_is_none() -> None:
    assert FakeFilm().pictures(0.0, 1.0) == (None, None)


class TestOnFilms:
    """A new scene every second, of 176 × 144."""

    @staticmethod
    def shown(data: bytes, *moments: float, side: int = 160) -> list[Image.Image]:
        beats: list[tuple[float, int]] = []
        found = opened_film(data).pictures(moments, side, lambda position, pixels: beats.append((position, pixels)))
        assert sum(pixels > 0 for _position, pixels in beats) >= len(set(moments)), "a sign of life for each frame"
        return [Image.frombytes("RGB", (each.width, each.height), each.rgb) for each in found if each is not None]

    @staticmethod
    def away(image: Image.Image, seed: int, turn: Image.Transpose | None = None) -> float:
        """Mean difference of colours, of 255, from a scene; two scenes are more than 40 apart."""
        expected = scene(seed, 176, 144)
        expected = (expected if turn is None else expected.transpose(turn)).resize(image.size)
        return float(np.abs(np.asarray(image, float) - np.asarray(expected, float)).mean())

    @pytest.mark.parametrize("name", ["mp4", "webm-vp8", "mkv", "ogv-theora"])
    def test_in_colour_at_the_moments(self, name: str) -> None:
        encoder_or_skip(name)
        for image, seed in zip(self.shown(film(name), 4.6, 0.0, 2.4), (4, 0, 2), strict=True):
            assert image.size == (160, 131)
            assert self.away(image, seed) < 12 < 30 < self.away(image, seed + 1)

    def test_as_the_container_says_that_it_is_shown(self) -> None:
        (image,) = self.shown(with_display_matrix(film("mp4"), 0, 1, -1, 0), 3.5)
        assert image.size == (131, 160)
        assert self.away(image, 3, Image.Transpose.ROTATE_270) < 12

    def test_in_its_true_shape(self) -> None:
        # As anamorphic DVDs are: pixels twice as wide as high.
        oblong = film(replace(FILMS["mkv"], options={"x264-params": "sar=2/1"}))
        assert [image.size for image in self.shown(oblong, 1.0)] == [(160, 65)]
        absurd = film(replace(FILMS["mkv"], options={"x264-params": "sar=100/1"}))
        assert [image.size for image in self.shown(absurd, 1.0)] == [(160, 131)]

    def test_never_larger_than_they_are(self) -> None:
        assert [image.size for image in self.shown(film("mp4"), 1.0, side=500)] == [(176, 144)]

    @pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
    def test_of_animations(self, format: str) -> None:
        found = self.shown(animation(format, 1000, 4), 2.2, 0.4, 99.0, side=60)
        for image, seed in zip(found, (2, 0, 3), strict=True):
            assert image.size == (60, 45)
            expected = np.asarray(scene(seed, 96, 72).convert("L").resize((60, 45)), float)
            assert np.abs(np.asarray(image.convert("L"), float) - expected).mean() < 12

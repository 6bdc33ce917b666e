"""The drawing of two films: which moments it shows, and that what it shows is where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hashmatch.matching.dots import Dots
from hashmatch.matching.results import Segment
from hashmatch.records import Pixels
from hashmatch.report.alignment_sheet import MOST_PAIRS, THUMBNAIL, AlignedMoment, PicturePair, draw, moments_of

RED, GREEN = (200, 0, 0), (0, 150, 0)
LINE, NEAR, FAR = (240, 128, 128), (31, 63, 140), (127, 163, 220)


def segment(query: tuple[float, float], reference: tuple[float, float]) -> Segment:
    return Segment(query, reference, 10, 5.0)


def plain(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> Pixels:
    return Pixels(width, height, bytes(colour) * (width * height))


def dots(*points: tuple[float, float, int]) -> Dots:
    query, reference, distance = zip(*points, strict=True) if points else ((), (), ())
    return Dots(np.array(query, float), np.array(reference, float), np.array(distance, np.int64))


def places(sheet: Image.Image, colour: tuple[int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Row and column of each pixel of a colour."""
    return np.argwhere((np.asarray(sheet) == colour).all(axis=2))


class TestMoments:
    def test_are_spread_over_a_stretch_and_are_the_same_in_both(self) -> None:
        got = moments_of([segment((10.0, 18.0), (100.0, 116.0))], True, True)
        assert [(m.number, m.a, m.b) for m in got] == [(1, 11, 102), (2, 13, 106), (3, 15, 110), (4, 17, 114)]

    def test_are_spread_over_the_stretches_by_their_lengths(self) -> None:
        got = moments_of([segment((0.0, 30.0), (50.0, 80.0)), segment((40.0, 50.0), (0.0, 10.0))], True, True)
        assert [(m.a, m.b) for m in got] == [(5, 55), (15, 65), (25, 75), (45, 5)]

    def test_are_few_of_a_short_stretch(self) -> None:
        assert len(moments_of([segment((1.0, 1.2), (5.0, 5.2))], True, True)) == 1
        assert len(moments_of([segment((1.0, 9e3), (5.0, 9e3))] * 50, True, True)) == MOST_PAIRS

    def test_of_a_picture_have_no_time(self) -> None:
        (got,) = moments_of([segment((0.0, 0.0), (7.0, 7.4))], False, True)
        assert (got.a, got.b) == (None, 7.2)

    def test_without_stretches_are_the_beginnings(self) -> None:
        assert moments_of([], True, True) == (AlignedMoment(1, 0.0, 0.0),)
        assert moments_of([], True, False) == (AlignedMoment(1, 0.0, None),)


class TestDrawing:
    def test_a_stretch_lies_on_its_dots(self) -> None:
        points = [(at, 2 * at, 5) for at in range(2, 9)]
        sheet = draw(dots(*points, (9.0, 1.0, 60)), (10.0, 20.0), [segment((2.0, 8.0), (4.0, 16.0))], [])
        near, line, far = (places(sheet, colour) for colour in (NEAR, LINE, FAR))
        # Time goes to the right and down; the line ends where the dots end.
        for edge in (np.min, np.max):
            assert abs(edge(line[:, 0]) - edge(near[:, 0])) <= 6
            assert abs(edge(line[:, 1]) - edge(near[:, 1])) <= 6
        assert far[:, 1].min() > line[:, 1].max() and far[:, 0].max() < line[:, 0].min()

    def test_frames_stand_one_above_the_other_in_their_shape(self) -> None:
        pair = PicturePair(AlignedMoment(1, 0.0, 0.0), plain(RED, 320, 180), plain(GREEN, 90, 160))
        sheet = draw(dots(), (10.0, 10.0), [], [pair])
        above, below = (np.ptp(found, axis=0) + 1 for found in (places(sheet, RED), places(sheet, GREEN)))
        assert above.tolist() == [round(THUMBNAIL * 9 / 16), THUMBNAIL]
        assert below.tolist() == [THUMBNAIL, round(THUMBNAIL * 9 / 16)]
        assert places(sheet, RED)[:, 0].max() < places(sheet, GREEN)[:, 0].min()

    def test_each_pair_has_its_own_place(self) -> None:
        pairs = [
            PicturePair(AlignedMoment(n + 1, float(n), float(n)), plain((n, 0, 0)), plain((n, 9, 0)))
            for n in range(MOST_PAIRS)
        ]
        sheet = draw(dots(), (10.0, 10.0), [], pairs)
        for number in range(MOST_PAIRS):
            for colour in ((number, 0, 0), (number, 9, 0)):
                assert np.ptp(places(sheet, colour), axis=0).tolist() == [round(THUMBNAIL * 3 / 4) - 1, THUMBNAIL - 1]

    @pytest.mark.parametrize("length", [0.0, 0.04, 1.0, 59.0, 11_000.0, 400_000.0])
    def test_films_of_any_length(self, length: float) -> None:
        drawn = draw(dots((length, length, 0)), (length, length), [segment((0.0, length), (0.0, length))], [])
        # Nothing is drawn beyond the sheet, and the dot is in the corner.
        assert len(places(drawn, LINE)) > 10 or length == 0.0

    def test_without_axes_where_one_is_a_picture(self) -> None:
        pair = PicturePair(AlignedMoment(1, None, 3.0), plain(RED), None)
        assert draw(None, (0.0, 9.0), [], [pair]).height < draw(dots(), (9.0, 9.0), [], [pair]).height - 300

"""Borders of films are found as a person sees them, and films without any are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from hashmatch.hashers.frames import FrameArea
from hashmatch.hashers.static_borders import MOST_AREAS, find_areas, is_alike
from tests.support.bordered_frames import FRAMES, SIDE, WIDE, Squares, moving, shrunk, within, world


def finds(squares: Squares, expected: FrameArea) -> bool:
    return any(is_alike(area, expected) for area in find_areas(squares))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("brightness", [0, 16, 90, 235, 255])
@pytest.mark.parametrize("bars", ["above and below", "at both sides", "all around"])
def test_bars(bars: str, brightness: int, seed: int) -> None:
    """Black, and of any other colour."""
    across, down = {"above and below": (0, 40), "at both sides": (60, 0), "all around": (40, 30)}[bars]
    ground = Image.new("L", (WIDE[0] + 2 * across, WIDE[1] + 2 * down), brightness)
    squares, expected = within(moving(seed), ground, across, down)
    assert finds(squares, expected)


@pytest.mark.parametrize("seed", range(6))
def test_a_film_over_its_own_blurred_enlargement(seed: int) -> None:
    """As phones show a wide film: 9:16, blurred above and below."""
    frames = moving(seed, (270, 152))
    sheets = []
    for frame in frames:
        sheet = frame.resize((852, 480)).crop((291, 0, 561, 480)).filter(ImageFilter.GaussianBlur(12))
        sheet.paste(frame, (0, 164))
        sheets.append(sheet)
    assert finds(shrunk(sheets), FrameArea(0, 164 / 480, 1, 316 / 480))


@pytest.mark.parametrize("seed", range(6))
def test_picture_in_picture_over_black(seed: int) -> None:
    squares, expected = within(moving(seed), Image.new("L", (457, 257), 0), 68, 38)
    assert finds(squares, expected)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_on_a_camera_that_moves(seed: int) -> None:
    assert find_areas(shrunk(moving(seed))) == ()


@pytest.mark.parametrize("seed", range(8))
def test_nothing_around_somebody_who_moves(seed: int) -> None:
    """Who sways and waves before a background that is still: what moves is no film within it."""
    ground = world(seed, WIDE)
    sheets = []
    for number in range(FRAMES):
        sheet = ground.copy()
        pen = ImageDraw.Draw(sheet)
        sway, wave = 6 * np.sin(number), 40 * np.sin(2 * number + seed)
        pen.ellipse((140 + sway, 40, 176 + sway, 80), fill=200)
        pen.ellipse((130 + sway / 2, 78, 186 + sway / 2, 170), fill=60)
        pen.line((176, 95, 235, 90 + wave), fill=180, width=9)
        sheets.append(sheet)
    assert find_areas(shrunk(sheets)) == ()


def test_a_few_frames_with_bars_are_none() -> None:
    """A cut to black bars for one frame of eight."""
    barred, _area = within(moving(1), Image.new("L", (320, 260), 0), 0, 40)
    plain = shrunk(moving(1))
    plain[3] = barred[3]
    assert find_areas(plain) == ()


def test_one_frame_and_no_more() -> None:
    squares, expected = within(moving(2)[:1], Image.new("L", (320, 260), 0), 0, 40)
    assert finds(squares, expected)


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_nothing_on_plain_frames(brightness: int) -> None:
    assert find_areas(np.full((10, SIDE, SIDE), brightness, np.uint8)) == ()


@pytest.mark.parametrize("side", [128, 256])
def test_the_same_whenever_it_is_asked_and_at_most_two(side: int) -> None:
    squares, _area = within(moving(3), world(9, (457, 257)).filter(ImageFilter.GaussianBlur(6)), 68, 38)
    grown = squares.repeat(side // SIDE, axis=1).repeat(side // SIDE, axis=2)
    first = find_areas(grown)
    assert len(first) <= MOST_AREAS
    assert first == find_areas(grown.copy()) == find_areas(np.asfortranarray(grown))

"""A film within another picture is found wherever it is, and scenes without any are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from hashmatch.hashers.frames import FrameArea
from hashmatch.hashers.insets import SMALLEST, THINNEST, find_inset
from hashmatch.hashers.static_borders import is_alike
from tests.support.bordered_frames import FRAMES, SIDE, moving, shrunk, within, world

SHEET = (457, 257)


def calm(frames: list[Image.Image], light: int) -> list[Image.Image]:
    """With the contrast of most scenes, about some brightness."""
    return [frame.point(lambda value: light + (value - 128) * 0.25) for frame in frames]


def finds(squares: np.typing.NDArray[np.uint8], expected: FrameArea) -> bool:
    found = find_inset(squares)
    return found is not None and is_alike(found, expected)


@pytest.mark.parametrize("place", [(68, 38), (20, 60), (120, 20)])
@pytest.mark.parametrize("seed", range(6))
def test_over_a_still(seed: int, place: tuple[int, int]) -> None:
    (still,) = calm([world(seed + 100, SHEET).filter(ImageFilter.GaussianBlur(6))], 90)
    assert finds(*within(calm(moving(seed), 150), still, *place))


@pytest.mark.parametrize("place", [(68, 38), (20, 60), (120, 20)])
@pytest.mark.parametrize("seed", range(6))
def test_over_another_film(seed: int, place: tuple[int, int]) -> None:
    """Both move, so that only the edges between them last."""
    sheets = calm(moving(seed + 50, SHEET), 100)
    for sheet, frame in zip(sheets, calm(moving(seed), 140), strict=True):
        sheet.paste(frame, place)
    (across, down), (left, top) = SHEET, place
    expected = FrameArea(left / across, top / down, (left + 320) / across, (top + 180) / down)
    assert finds(shrunk(sheets), expected)


@pytest.mark.parametrize("seed", range(6))
def test_over_black(seed: int) -> None:
    assert finds(*within(moving(seed), Image.new("L", SHEET, 0), 90, 50))


@pytest.mark.parametrize("seed", range(12))
def test_nothing_on_a_camera_that_moves(seed: int) -> None:
    assert find_inset(shrunk(moving(seed))) is None


def test_a_sign_in_the_scene_is_none() -> None:
    """A rectangle that stays, but is smaller than an inset would be."""
    frames = moving(4)
    for frame in frames:
        frame.paste(255, (100, 60, 100 + int(320 * SMALLEST) - 20, 120))
    assert find_inset(shrunk(frames)) is None


def test_a_thin_frame_is_none() -> None:
    thin = int(320 * THINNEST) - 4
    squares, _area = within(moving(5), Image.new("L", (320 + 2 * thin, 180 + 2 * thin), 255), thin, thin)
    assert find_inset(squares) is None


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_nothing_on_plain_frames(brightness: int) -> None:
    assert find_inset(np.full((FRAMES, SIDE, SIDE), brightness, np.uint8)) is None


def test_the_same_whenever_it_is_asked() -> None:
    squares, _area = within(calm(moving(3), 150), world(9, SHEET), 68, 38)
    first = find_inset(squares)
    assert first is not None
    assert first == find_inset(squares.copy()) == find_inset(np.asfortranarray(squares))

"""What single edits do to pixels: the original is where it should be, in the size it should have."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.evaluate import adjustments, overlays, surroundings
from tests.support.photo_like_pictures import picture

Pixels = npt.NDArray[np.uint8]


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image)


def lies_in(original: Image.Image, changed: Image.Image, slack: float = 1.0) -> bool:
    """Whether the original, pixel by pixel (or within a mean error), lies somewhere in the changed picture."""
    small, large = pixels(original).astype(np.int16), pixels(changed).astype(np.int16)
    height, width = small.shape[:2]
    spots = np.abs(large[: large.shape[0] - height + 1, : large.shape[1] - width + 1] - small[0, 0]).sum(axis=2)
    near = np.argwhere(spots <= 3 * slack + 3)
    return any(np.abs(large[y : y + height, x : x + width] - small).mean() < slack for y, x in near[:2000])


def test_bars_leave_the_picture_whole() -> None:
    original = picture()
    changed = surroundings.bars(original, Random(0), ("top", "left"), 0.25, (surroundings.BLACK, surroundings.WHITE))
    assert changed.size == (200, 150)
    assert np.array_equal(pixels(changed)[30:, 40:], pixels(original))
    assert not pixels(changed)[:30, 40:].any(), "the first bar has the first colour"
    assert (pixels(changed)[:, :40] == 255).all()


def test_unequal_bars_differ() -> None:
    changed = surroundings.bars(picture(), Random(0), ("top", "bottom"), 0.4, (surroundings.BLACK,), unequal=True)
    dark = np.flatnonzero(pixels(changed).max(axis=(1, 2)) == 0)
    top = int(np.flatnonzero(np.diff(dark) > 1)[0]) + 1
    assert top != len(dark) - top


@given(st.floats(0.3, 3.0), st.integers(20, 90), st.integers(20, 90))
@settings(max_examples=25)
def test_letterbox_and_blurred_border_keep_the_picture_in_the_middle(shape: float, width: int, height: int) -> None:
    original = picture(size=(width, height))
    for changed in (
        surroundings.fit(original, Random(0), shape),
        surroundings.blurred_border(original, Random(0), shape),
    ):
        assert changed.width / changed.height == pytest.approx(shape, rel=0.06)
        left, top = (changed.width - width) // 2, (changed.height - height) // 2
        assert changed.crop((left, top, left + width, top + height)).tobytes() == original.tobytes()


def test_a_blurred_border_is_smooth_but_not_plain() -> None:
    changed = surroundings.blurred_border(picture(size=(320, 180)), Random(0), 9 / 16)
    border = pixels(changed.convert("L"))[:150].astype(np.int16)
    assert border.std() > 2
    assert np.abs(np.diff(border, axis=0)).max() < 16


@pytest.mark.parametrize("dark", [False, True])
def test_screenshots_hold_the_picture(dark: bool) -> None:
    for make in (surroundings.phone_post, surroundings.phone_gallery):
        changed = make(picture(), Random(0), dark=dark)
        assert changed.width == surroundings.PHONE_WIDTH < changed.height
        shown = picture().resize(
            (surroundings.PHONE_WIDTH, round(120 * surroundings.PHONE_WIDTH / 160)), Image.Resampling.BICUBIC
        )
        assert lies_in(shown, changed)


def test_a_chat_has_the_picture_in_a_rounded_bubble() -> None:
    original = Image.new("RGB", (160, 120), (255, 0, 0))
    red = (pixels(surroundings.phone_chat(original, Random(3), dark=True)) == (255, 0, 0)).all(axis=2)
    height, width = (int(np.ptp(np.flatnonzero(red.any(axis=axis)))) + 1 for axis in (1, 0))
    assert width / height == pytest.approx(4 / 3, rel=0.01)
    assert 0.98 < red.sum() / (width * height) < 1, "all of it but its corners"


def test_a_meme_has_its_text_outside_the_picture() -> None:
    changed = surroundings.meme(picture(), Random(0), above=0.25, below=0.0)
    assert changed.size == (160, 150)
    assert changed.crop((0, 30, 160, 150)).tobytes() == picture().tobytes()
    assert (pixels(changed)[:30] < 100).any(), "there is text"


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_random_crops_are_parts_of_the_picture(seed: int) -> None:
    changed = adjustments.crop_random(picture(), Random(seed), 0.2)
    assert changed.width >= 160 * 0.6 - 1
    assert changed.height >= 120 * 0.6 - 1
    assert lies_in(changed, picture(), slack=0.01)


def test_a_cut_turn_has_no_black_corners() -> None:
    white = Image.new("RGB", (300, 200), "white")
    for degrees in (1, 2, 5, 10):
        assert pixels(adjustments.rotate(white, Random(0), degrees, inner=True)).min() > 250, degrees
        whole = adjustments.rotate(white, Random(0), degrees, inner=False)
        assert whole.size == white.size
        assert pixels(whole)[0].min() == 0


def test_turns_go_both_ways() -> None:
    turned = {adjustments.rotate(picture(), Random(seed), 10, inner=False).tobytes() for seed in range(8)}
    assert len(turned) == 2


def test_inversion_and_mirrors_undo_themselves() -> None:
    random = Random(0)
    for change in (adjustments.invert, lambda i, r: adjustments.transpose(i, r, Image.Transpose.FLIP_LEFT_RIGHT)):
        once = change(picture(), random)
        assert once.tobytes() != picture().tobytes()
        assert change(once, random).tobytes() == picture().tobytes()


def test_tone() -> None:
    original = pixels(picture()).mean()
    assert (
        pixels(adjustments.gamma(picture(), Random(0), 1.6)).mean()
        < original
        < pixels(adjustments.gamma(picture(), Random(0), 0.6)).mean()
    )
    grey = pixels(adjustments.greyscale(picture(), Random(0)))
    assert np.ptp(grey, axis=2).max() == 0
    assert adjustments.hue(Image.new("RGB", (2, 2), (255, 0, 0)), Random(0), 120).getpixel((0, 0)) == pytest.approx(
        (0, 255, 0), abs=8
    )
    warm = pixels(adjustments.cast(picture(), Random(0), 1.2, 1.0, 0.8)).mean(axis=(0, 1)) / pixels(picture()).mean(
        axis=(0, 1)
    )
    assert warm[0] > warm[1] > warm[2]


def test_noise_is_as_strong_as_asked() -> None:
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    assert pixels(adjustments.noise(grey, Random(0), 20)).std() == pytest.approx(20, rel=0.05)
    grain = pixels(adjustments.noise(grey, Random(0), 14, coloured=False))
    assert grain.std() == pytest.approx(14, rel=0.05)
    assert np.ptp(grain, axis=2).max() == 0
    changed = (pixels(adjustments.salt_and_pepper(grey, Random(0), 0.02)) != 128).any(axis=2).mean()
    assert changed == pytest.approx(0.02, rel=0.3)


def test_motion_blurs_along_one_direction() -> None:
    dot = Image.new("RGB", (101, 101))
    dot.putpixel((50, 50), (255, 255, 255))
    rows, columns = np.nonzero(pixels(adjustments.motion_blur(dot, Random(2), 0.2))[:, :, 0])
    assert len(rows) > 8
    spread = np.linalg.eigvalsh(np.cov(rows, columns))
    assert spread[1] > 20 * max(spread[0], 0.1)


OVERLAYS = {
    "logo": (lambda i, r: overlays.logo(i, r, 0.2), 0.06),
    "banner": (lambda i, r: overlays.banner(i, r, 0.2), 0.21),
    "subtitle": (lambda i, r: overlays.subtitle(i, r, 2), 0.25),
    "emoji": (lambda i, r: overlays.emoji(i, r, 0.3), 0.1),
    "censor": (lambda i, r: overlays.censor(i, r, 0.25), 0.07),
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_change_their_part_only(name: str) -> None:
    change, most = OVERLAYS[name]
    for seed in range(5):
        changed = change(picture(), Random(seed))
        differing = (pixels(changed) != pixels(picture())).any(axis=2).mean()
        assert changed.size == (160, 120)
        assert 0.005 < differing <= most, seed


@given(st.integers(0, 500), st.booleans())
@settings(max_examples=15)
def test_the_picture_in_a_picture_has_the_width_asked_for(seed: int, upright: bool) -> None:
    size = (120, 160) if upright else (160, 120)
    red = Image.new("RGB", size, (255, 0, 0))
    changed = overlays.picture_in_picture(red, Random(seed), 0.33, 0.5)
    found = (pixels(changed) == (255, 0, 0)).all(axis=2)
    width, height = (int(np.ptp(np.flatnonzero(found.any(axis=axis)))) + 1 for axis in (0, 1))
    assert 0.32 < width / changed.width < 0.51
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert found.sum() > 0.99 * width * height, "nothing covers it"


def test_a_collage_has_the_picture_in_one_cell() -> None:
    red = Image.new("RGB", (160, 120), (255, 0, 0))
    places = set()
    for seed in range(12):
        changed = overlays.collage(red, Random(seed), 2, 2)
        assert changed.size == (160, 120)
        found = (pixels(changed)[:, :, 0] > 250) & (pixels(changed)[:, :, 1] < 5)
        assert found.mean() == pytest.approx(0.25, abs=0.02)
        places.add(tuple(np.argwhere(found).mean(axis=0) > (60, 80)))
    assert len(places) == 4

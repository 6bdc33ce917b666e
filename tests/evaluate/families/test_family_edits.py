"""What the edits of families do: the picture is where it should be, and as changed as it should be."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashmatch.evaluate.copies import plain_pdq
from hashmatch.evaluate.edits import EDITS, randomness
from hashmatch.evaluate.families import (
    apps,
    camera,
    marks,
    mosaics,
    pdq_attack,
    recolourings,
    stories,
    television,
    warps,
)
from hashmatch.evaluate.families.family_edits import CARD_EDITS, FAMILY_EDITS
from hashmatch.evaluate.goals import CARD, FAMILIES
from hashmatch.evaluate.making import encoded
from hashmatch.evaluate.usual_edits import USUAL_EDITS
from tests.support.photo_like_pictures import opened, picture

RED = 255, 0, 0


def pixels(image: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(image, np.int16)


def red_box(image: Image.Image, slack: int = 60) -> tuple[int, int, float]:
    """Width and height of what is red, and how much of that rectangle is."""
    red = (np.abs(pixels(image) - RED) <= slack).all(axis=2)
    across, down = (np.flatnonzero(red.any(axis=axis)) for axis in (0, 1))
    wide, high = int(np.ptp(across)) + 1, int(np.ptp(down)) + 1
    return wide, high, float(red.sum()) / (wide * high)


def plain_red(width: int = 400, height: int = 300) -> Image.Image:
    return Image.new("RGB", (width, height), RED)


def bits_apart(a: bytes, b: bytes) -> int:
    return (int.from_bytes(plain_pdq(a)[0]) ^ int.from_bytes(plain_pdq(b)[0])).bit_count()


def test_families_are_groups_of_their_own() -> None:
    assert {edit.group for edit in (*FAMILY_EDITS, *CARD_EDITS)} == set(FAMILIES)
    assert not {edit.group for edit in USUAL_EDITS} & set(FAMILIES)
    assert (*USUAL_EDITS, *FAMILY_EDITS, *CARD_EDITS) == EDITS
    assert {edit.group for edit in CARD_EDITS} == {CARD}
    assert len(CARD_EDITS) == 10


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("app", apps.LAYOUTS)
def test_a_post_shows_the_picture_whole_and_its_screen_is_light_or_dark(app: str, dark: bool) -> None:
    screen = apps.post(plain_red(), Random(4), app, dark)
    wide, high, filled = red_box(screen, 2)
    assert wide / high == pytest.approx(4 / 3, rel=0.02)
    assert 0.7 < wide / screen.width <= 1
    assert filled > 0.98, "but for round corners"
    assert (np.median(pixels(screen)[: screen.height // 8]) < 90) == dark or app in ("private", "messenger")


def test_posts_cut_what_does_not_fit_their_shapes() -> None:
    wide, high, _filled = red_box(apps.post(plain_red(200, 800), Random(0), "gallery", False), 2)
    assert wide / high == pytest.approx(0.8, rel=0.02)
    wide, high, _filled = red_box(apps.post(plain_red(800, 100), Random(0), "microblog", True), 2)
    assert wide / high == pytest.approx(2.2, rel=0.02)


@pytest.mark.parametrize("make", [apps.quoting_post, apps.laptop_post])
def test_the_picture_is_smaller_in_a_quotation_and_on_a_laptop(make: object) -> None:
    screen = make(plain_red(), Random(1), dark=True)  # type: ignore[operator]
    wide, high, filled = red_box(screen, 2)
    assert 0.25 < wide / screen.width < 0.9
    assert wide / high == pytest.approx(4 / 3, rel=0.02)
    assert filled > 0.97


def test_a_story_is_upright_or_tilted() -> None:
    straight = stories.story(plain_red(), Random(2), (0.6, 0.8), (0, 0), 0)
    tilted = stories.story(plain_red(), Random(2), (0.6, 0.8), (10, 14), 0)
    assert straight.size == tilted.size == stories.SIZE
    assert red_box(straight)[2] > 0.9 > red_box(tilted)[2]


def test_television_hides_the_lower_part_only() -> None:
    original = picture(3, television.SIZE)
    for make in (television.only_ticker, lambda i, r: television.lower_third(i, r, ticker=True)):
        changed = make(original, Random(5))
        differing = (pixels(changed) != pixels(original)).any(axis=2)
        assert not differing[200:480].any()
        assert differing[690:].mean() > 0.8


def test_television_keeps_the_shape_or_cuts_to_its_own() -> None:
    original = picture(3, (400, 300))
    whole, cut = (television.lower_third(original, Random(1), False, cut) for cut in (False, True))
    assert whole.size == (960, 720)
    assert cut.size == television.SIZE


def test_a_studio_shows_the_whole_picture_in_a_box() -> None:
    wide, high, filled = red_box(television.studio_box(plain_red(), Random(1), (0.45, 0.5)), 2)
    assert 0.4 < wide / television.WIDTH < 0.51
    assert wide / high == pytest.approx(4 / 3, rel=0.02)
    assert filled > 0.95


@pytest.mark.parametrize(
    ("cells", "least", "most"),
    [(mosaics.grid(2, 2), 0.23, 0.26), (mosaics.grid(3, 3), 0.1, 0.12), (mosaics.ONE_AND_THREE, 0.13, 0.61)],
)
def test_mosaics_have_the_picture_in_one_cell(cells: tuple[mosaics.Cell, ...], least: float, most: float) -> None:
    places = set()
    for seed in range(10):
        sheet = mosaics.mosaic(plain_red(), Random(seed), cells, 600)
        red = (np.abs(pixels(sheet) - RED) <= 2).all(axis=2)
        assert least < red.mean() < most
        places.add(tuple(np.argwhere(red)[0]))
    assert len(places) > 2


def test_a_camera_sees_a_quadrilateral() -> None:
    for seed in range(3):
        shot = camera.of_screen(plain_red(), Random(seed), tilt=0.06, moire=0)
        _wide, _high, filled = red_box(shot, 110)
        assert 0.5 < filled < 0.995
    assert max(shot.size) == camera.LONGEST


def test_seen_places_corners_where_they_should_be() -> None:
    changed = warps.seen(plain_red(), Image.new("RGB", (200, 200)), ((20, 30), (180, 30), (180, 150), (20, 150)))
    inside = pixels(changed)[:, :, 0] > 100
    assert np.argwhere(inside).min(axis=0) == pytest.approx([30, 20], abs=1)
    assert np.argwhere(inside).max(axis=0) == pytest.approx([149, 179], abs=1)
    assert (pixels(changed)[32:148, 22:178] == RED).all()


@pytest.mark.parametrize("share", [0.7, 0.5, 0.3])
def test_crops_keep_the_share_of_each_side(share: float) -> None:
    changed = warps.keep(picture(0, (400, 300)), Random(1), share)
    assert changed.size == (round(400 * share), round(300 * share))


def test_large_turns_leave_no_corners_when_cut_and_lose_nothing_when_not() -> None:
    white = Image.new("RGB", (300, 200), "white")
    for degrees in (10, 20, 30, 45):
        assert pixels(warps.turn(white, Random(0), degrees, cut=True)).min() > 250, degrees
    whole = warps.turn(plain_red(300, 200), Random(0), 30, cut=False)
    assert (np.abs(pixels(whole) - RED) <= 60).all(axis=2).sum() == pytest.approx(300 * 200, rel=0.02)


@pytest.mark.parametrize("error", [2, 5, 7])
def test_noise_against_pdq_keeps_its_error_and_moves_many_bits(error: float) -> None:
    for seed in range(3):
        original = picture(seed, (320, 240))
        attacked = pdq_attack.against_pdq(original, Random(0), error)
        difference = pixels(attacked).astype(np.float64) - pixels(original)
        assert np.sqrt((difference**2).mean()) <= error + 0.3, "rounding adds to it"
        moved = bits_apart(encoded(original, Random(0), "PNG"), encoded(attacked, Random(0), "PNG"))
        assert moved > {2: 31, 5: 60, 7: 74}[error]


def test_plain_pictures_can_be_attacked_too() -> None:
    assert pdq_attack.against_pdq(plain_red(64, 64), Random(0), 5).size == (64, 64)


def test_a_halftone_is_as_dark_as_what_it_shows() -> None:
    for level in (60, 128, 200):
        grey = Image.new("RGB", (400, 300), (level,) * 3)
        dots = pixels(recolourings.halftone(grey, Random(0), 60, coloured=False))
        assert set(np.unique(dots)) == {0, 255}
        assert dots.mean() == pytest.approx(level, abs=22)


def test_marks_leave_the_rest() -> None:
    original = picture(1, (400, 300))
    for change, most in (
        (lambda: marks.emblem(original, Random(1), 0.5, 0.7), 0.25),
        (lambda: marks.black_bars(original, Random(1), 4), 0.25),
        (lambda: marks.scribble(original, Random(1), 7), 0.3),
        (lambda: marks.pixelate(original, Random(1), 0.3, 2), 0.2),
        (lambda: marks.sparks(original, Random(1), 60), 0.2),
    ):
        differing = (pixels(change()) != pixels(original)).any(axis=2).mean()
        assert 0.005 < differing < most


def test_distortions_move_and_keep_the_size() -> None:
    original = picture(2, (300, 200))
    for edit in (edit for edit in FAMILY_EDITS if edit.group == "distortion"):
        changed = opened(edit.make(original, randomness(0, edit, "a")))
        assert changed.size == original.size
        assert 3 < np.abs(pixels(changed) - pixels(original)).mean() < 40, edit.name


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_pictures_of_odd_shapes_can_be_edited(size: tuple[int, int]) -> None:
    for edit in FAMILY_EDITS:
        assert min(opened(edit.make(picture(0, size), randomness(0, edit, "a"))).size) > 0, edit.name


def test_what_lies_beside_is_what_chance_has() -> None:
    (edit,) = (edit for edit in FAMILY_EDITS if edit.name == "mosaic-2x2")
    blue = Image.new("RGB", (30, 30), (0, 0, 255))
    sheet = pixels(opened(edit.make(plain_red(), randomness(0, edit, "a", (blue,)))))
    assert (np.abs(sheet - (0, 0, 255)) <= 8).all(axis=2).mean() == pytest.approx(0.75, abs=0.02)
    alone = edit.make(plain_red(), randomness(0, edit, "a"))
    assert alone == edit.make(plain_red(), Random(f"0/{edit.name}/a")), "a scene without any"

"""Local matches: what is found where, what is not, and that two pictures with one logo are two pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.local import LocalMatch, Suspect, compare, search
from hashmatch.matching.local_candidates import MOST_CANDIDATES
from hashmatch.matching.tiers import ENOUGH_IF_UNUSUAL, ENOUGH_INLIERS
from tests.support.crowded_scenes import Luma, crowded_scene
from tests.support.local_tables import table_of

local = pytest.importorskip("hashmatch.hashers.orb", reason="needs OpenCV", exc_type=ImportError)


def of(picture: Luma) -> LocalFeatures:
    features: LocalFeatures = local.extract(picture)
    return features


def asked(picture: Luma) -> Suspect:
    return Suspect(local.extract(picture, local.QUERY))


def all_asked(picture: Luma) -> list[Suspect]:
    """The picture, its mirror image and its negative."""
    return Suspect.each(local.extract_suspects(picture))


def corners_of(match: LocalMatch, picture: Luma) -> npt.NDArray[np.float64]:
    """In pixels of the suspect."""
    return np.array(match.quadrilateral) * (picture.shape[1], picture.shape[0])


def with_banner(picture: Luma) -> Luma:
    image = Image.fromarray(picture)
    pencil = ImageDraw.Draw(image)
    pencil.rectangle((0, 310, 480, 360), fill=20)
    pencil.text((8, 315), "BREAKING NEWS TONIGHT", fill=250, font_size=36)
    return np.asarray(image)


def found_in(suspect: Luma, reference: Luma) -> LocalMatch:
    match = compare(asked(suspect), of(reference), owner=9)
    assert match is not None
    assert match.owner == 9
    assert match.inliers >= ENOUGH_INLIERS
    return match


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_is_found_and_the_whole_lies_around_it(seed: int) -> None:
    reference = crowded_scene(seed)
    match = found_in(reference[53:301, 70:401], reference)
    expected = np.array([(0, 0), (480, 0), (480, 360), (0, 360)]) - (70, 53)
    np.testing.assert_allclose(corners_of(match, reference[53:301, 70:401]), expected, atol=6)
    assert match.scale == pytest.approx(480 / 331, rel=0.03)
    assert abs(match.angle) < 1


@pytest.mark.parametrize("degrees", [3, 10, 45, 90, 180, 270])
def test_a_turned_picture_is_found_with_its_angle(degrees: int) -> None:
    reference = crowded_scene(10)
    turned = np.asarray(Image.fromarray(reference).rotate(-degrees, Image.Resampling.BICUBIC, expand=True))
    match = found_in(turned, reference)
    assert (match.angle - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1)
    middle = corners_of(match, turned).mean(axis=0)
    np.testing.assert_allclose(middle, (turned.shape[1] / 2, turned.shape[0] / 2), atol=4)


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_picture_in_a_picture_is_found_where_it_is(share: float) -> None:
    reference, suspect = crowded_scene(11), crowded_scene(12, 800, 600).copy()
    small = Image.fromarray(reference).resize((int(800 * share), int(600 * share)), Image.Resampling.LANCZOS)
    suspect[30 : 30 + small.height, 150 : 150 + small.width] = np.asarray(small)
    match = found_in(suspect, reference)
    expected = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * small.size + (150, 30)
    np.testing.assert_allclose(corners_of(match, suspect), expected, atol=10)
    assert match.scale == pytest.approx(share, rel=0.04)


def test_a_squeezed_picture_is_found() -> None:
    reference = crowded_scene(13)
    squeezed = np.asarray(Image.fromarray(reference).resize((384, 360), Image.Resampling.LANCZOS))
    np.testing.assert_allclose(
        corners_of(found_in(squeezed, reference), squeezed), [(0, 0), (384, 0), (384, 360), (0, 360)], atol=6
    )


def test_a_mirrored_picture_is_found_and_its_corners_told_in_the_suspect_itself() -> None:
    reference = crowded_scene(14)
    suspect = reference[:, ::-1][:, 100:]
    matches = search(table_of([of(reference)], [3]), all_asked(suspect), {3: of(reference)}.get)
    assert [(match.owner, match.mirrored) for match in matches] == [(3, True)]
    # The reference's left edge is the suspect's right one.
    expected = [(380, 0), (-100, 0), (-100, 360), (380, 360)]
    np.testing.assert_allclose(corners_of(matches[0], suspect), expected, atol=6)


def test_a_crop_s_negative_is_found_and_told_as_that() -> None:
    reference = crowded_scene(15)
    suspect = 255 - reference[30:, 80:]
    matches = search(table_of([of(reference)], [3]), all_asked(suspect), {3: of(reference)}.get)
    assert [(match.owner, match.inverted, match.mirrored) for match in matches] == [(3, True, False)]
    assert matches[0].inliers >= ENOUGH_IF_UNUSUAL
    expected = np.array([(0, 0), (480, 0), (480, 360), (0, 360)]) - (80, 30)
    np.testing.assert_allclose(corners_of(matches[0], suspect), expected, atol=6)


@pytest.mark.parametrize("wide", [1.3, 1.6, 0.6])
def test_a_picture_that_was_stretched_and_cropped_is_found(wide: float) -> None:
    reference = crowded_scene(16)
    stretched = np.asarray(Image.fromarray(reference).resize((int(480 * wide), 360), Image.Resampling.LANCZOS))
    match = found_in(stretched[40:, int(50 * wide) :], reference)
    left, top, right, bottom = -int(50 * wide), -40, int(480 * wide) - int(50 * wide), 320
    expected = [(left, top), (right, top), (right, bottom), (left, bottom)]
    np.testing.assert_allclose(corners_of(match, stretched[40:, int(50 * wide) :]), expected, atol=8)


def test_a_picture_that_is_stretched_further_is_not_looked_for() -> None:
    reference = crowded_scene(16)
    assert compare(asked(np.asarray(Image.fromarray(reference).resize((480, 160)))), of(reference)) is None


@pytest.mark.slow
def test_other_pictures_are_not_found() -> None:
    references = [of(crowded_scene(seed)) for seed in range(20, 40)]
    for seed in range(40, 46):
        suspect = asked(crowded_scene(seed))
        assert [compare(suspect, reference) for reference in references] == [None] * 20


@pytest.mark.slow
def test_two_pictures_with_one_logo_or_banner_are_two_pictures() -> None:
    for seed in range(50, 56):
        one, other = crowded_scene(seed).copy(), crowded_scene(seed + 100).copy()
        badge = crowded_scene(seed + 200)[:90, :110]
        for picture in (one, other):
            picture[250:340, 350:460] = badge
        assert compare(asked(one), of(other)) is None
        one, other = with_banner(crowded_scene(seed)), with_banner(crowded_scene(seed + 300))
        assert compare(asked(one), of(other)) is None


def test_a_logo_both_share_does_not_hide_the_picture_itself() -> None:
    """The logo stands elsewhere in the copy, so it agrees on another transform than the picture does."""
    original = crowded_scene(60)
    reference, copy = original.copy(), original[40:340, 60:460].copy()
    badge = crowded_scene(61)[:90, :110]
    reference[10:100, 10:120] = badge
    copy[200:290, 280:390] = badge
    match = found_in(copy, reference)
    np.testing.assert_allclose(corners_of(match, copy)[0], (-60, -40), atol=6)


def test_inliers_at_one_place_count_once() -> None:
    """However often a corner is repeated, it is no evidence for a whole picture."""
    corner = np.full((300, 400), 100, np.uint8)
    corner[140:160, 190:210] = crowded_scene(62)[:20, :20]
    assert compare(asked(corner), of(corner)) is None


def test_flat_pictures_match_nothing() -> None:
    flat = np.full((300, 400), 128, np.uint8)
    assert compare(asked(flat), of(crowded_scene(63))) is None
    assert compare(asked(crowded_scene(63)), of(flat)) is None
    table = table_of([of(crowded_scene(63)), of(flat)], [1, 2])
    assert search(table, all_asked(flat), lambda owner: of(flat)) == []


def test_the_same_input_gives_the_same_match() -> None:
    suspect, reference = asked(crowded_scene(64)[20:, 30:]), of(crowded_scene(64))
    assert compare(suspect, reference) == compare(suspect, reference)


def test_votes_put_the_right_references_first() -> None:
    scenes = [crowded_scene(seed) for seed in range(70, 100)]
    references = [of(each) for each in scenes]
    owners = list(range(500, 530))
    table = table_of(references, owners)
    assert len(table) == 30
    for number in range(0, 30, 6):
        ranked = table.candidates(asked(scenes[number][40:, 60:]).features)
        assert ranked[0] == owners[number]
        assert len(ranked) <= MOST_CANDIDATES


def test_a_collage_of_two_finds_both_and_owners_that_are_gone_are_left_out() -> None:
    scenes = [crowded_scene(seed) for seed in range(70, 76)]
    features = dict(enumerate(map(of, scenes)))
    table = table_of(list(features.values()), list(features))
    both = asked(np.concatenate((scenes[2], scenes[4]), axis=1))
    assert {match.owner for match in search(table, [both], features.get)} == {2, 4}
    del features[2]
    assert {match.owner for match in search(table, [both], features.get)} == {4}


@settings(max_examples=50)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_nonsense_features_match_nothing_and_crash_nothing(some: int, others: int, seed: int, alike: bool) -> None:
    chance = np.random.default_rng(seed)

    def made(count: int) -> LocalFeatures:
        bits = chance.integers(0, 256, (count, 32), np.uint8) * np.uint8(not alike)
        points = chance.integers(0, 256, (count, 6), np.uint8)
        points[:, 5] %= 10
        return LocalFeatures(400, 300, bits.tobytes(), points.tobytes())

    match = compare(Suspect(made(some)), made(others))
    assert alike or match is None
    if match is not None:
        assert math.isfinite(match.spread + match.cover + match.scale + match.angle)


def test_no_wrong_photograph_is_found_and_every_crop_is(corpus: Path) -> None:
    photos = [np.asarray(Image.open(path).convert("L")) for path in sorted((corpus / "photos").iterdir())[5::10]]
    references = [of(photo) for photo in photos]
    for number, photo in enumerate(photos):
        height, width = photo.shape
        suspect = asked(photo[height // 7 : -height // 9, width // 8 : -width // 6])
        found = [owner for owner, reference in enumerate(references) if compare(suspect, reference)]
        assert found == [number]

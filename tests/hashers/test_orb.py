"""Local features: where they are, what they are packed into, and pictures that have none."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hashers.local_features import MOST_FEATURES, LocalFeatures
from tests.support.crowded_scenes import crowded_scene
from tests.support.edge_case_pictures import KINDS, draw

local = pytest.importorskip("hashmatch.hashers.orb", reason="needs OpenCV", exc_type=ImportError)


def same_things(one: LocalFeatures, other: LocalFeatures) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Features of the two with all but the same descriptors: their numbers."""
    differing = np.bitwise_count(one.bits[:, None] ^ other.bits).sum(axis=2)
    first, second = np.nonzero(differing <= 8)
    return first, second


def test_a_detailed_picture_has_as_many_as_are_asked_for_in_16_kb() -> None:
    for seed in range(3):
        features = local.extract(crowded_scene(seed))
        assert len(features) == local.REFERENCE.count
        assert len(features.to_bytes()) <= 16_384
        assert len(local.extract(crowded_scene(seed), local.QUERY)) == local.QUERY.count


def test_the_same_pixels_give_the_same() -> None:
    picture = crowded_scene(1)
    first = local.extract(picture)
    local.extract(crowded_scene(2))
    assert local.extract(picture.copy(order="F")) == first


def test_places_directions_and_scales_are_those_of_the_picture() -> None:
    """The picture upside down has the same features at the opposite places, turned by half."""
    upright, turned = (local.extract(np.rot90(crowded_scene(3), turn)) for turn in (0, 2))
    one, other = same_things(upright, turned)
    assert len(one) > 50
    opposite = (upright.width - 1, upright.height - 1) - turned.places[other]
    away = np.hypot(*(upright.places[one] - opposite).T) / upright.scales[one]
    assert np.median(away) < 1.5
    turn = (turned.angles[other] - upright.angles[one]) % (2 * math.pi)
    assert abs(np.median(turn) - math.pi) < math.radians(3)
    assert np.median(turned.scales[other] / upright.scales[one]) == 1


def test_the_mirror_image_and_the_negative_have_the_features_that_they_have_by_themselves() -> None:
    picture = crowded_scene(6)
    upright, mirrored, negative = local.extract_suspects(picture, local.QUERY)
    assert upright == local.extract(picture, local.QUERY)
    for made, alone in ((mirrored, picture[:, ::-1]), (negative, 255 - picture)):
        one, other = same_things(made, local.extract(alone, local.QUERY))
        assert len(set(one.tolist())) > 0.8 * len(made)
        away = np.hypot(*(made.places[one] - alone_places(alone)[other]).T) / made.scales[one]
        assert np.median(away) < 1
        assert np.median(np.cos(made.angles[one] - local.extract(alone, local.QUERY).angles[other])) > 0.99


def alone_places(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    places: npt.NDArray[np.float64] = local.extract(picture, local.QUERY).places
    return places


def test_a_large_picture_is_looked_at_more_closely() -> None:
    small, large = (crowded_scene(4, *size) for size in ((600, 450), (900, 675)))
    assert len(local.extract_suspects(small)[0]) == local.QUERY.count
    upright = local.extract_suspects(large)[0]
    assert (len(upright), upright.width) == (local.LARGE_QUERY.count, local.LARGE_QUERY.side)


def test_a_picture_half_as_large_has_the_same_features_at_the_same_shares() -> None:
    large = crowded_scene(4, 800, 600)
    small = np.asarray(Image.fromarray(large).resize((400, 300), Image.Resampling.BOX))
    one, other = (local.extract(picture) for picture in (large, small))
    first, second = same_things(one, other)
    assert len(first) > 100
    np.testing.assert_allclose(one.places[first], other.places[second], atol=2)


def test_features_cover_the_picture_and_not_only_its_liveliest_part() -> None:
    picture = crowded_scene(5)
    picture[:, 240:] = picture[:, 240:] // 4 + 100
    features = local.extract(picture)
    right = features.places[:, 0] > 0.5 * features.width
    assert right.mean() > 0.2
    assert len(np.unique(features.scales)) >= 5


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_has_none(value: int) -> None:
    features = local.extract(np.full((300, 400), value, np.uint8))
    assert (len(features), features.bits.shape, features.places.shape) == (0, (0, 32), (0, 2))


def test_a_gradient_has_none() -> None:
    assert len(local.extract(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1)))) == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2), (5000, 40), (20, 20)])
def test_narrow_and_tiny_pictures(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    features = local.extract(noise, local.QUERY)
    assert len(features) <= local.QUERY.count
    assert LocalFeatures.from_bytes(features.to_bytes()) == features


@settings(max_examples=25)
@given(st.sampled_from(KINDS), st.integers(1, 700), st.integers(1, 500), st.integers(0, 1000))
def test_any_picture(kind: str, width: int, height: int, seed: int) -> None:
    features = local.extract(draw(kind, width, height, seed)[:, :, 0])
    assert len(features) <= local.REFERENCE.count
    assert (features.places >= 0).all() and (features.places <= (features.width, features.height)).all()
    assert LocalFeatures.from_bytes(features.to_bytes()) == features


@pytest.mark.parametrize("shape", [(0, 5), (5, 5, 3), (5,)])
def test_what_is_no_brightness_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        local.extract(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        local.extract(np.zeros((50, 50), np.float32))


def test_bit_order_loses_no_bit() -> None:
    assert sorted(local.BIT_ORDER) == list(range(256))


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(stored: bytes) -> None:
    try:
        features = LocalFeatures.from_bytes(stored)
    except ValueError:
        return
    assert features.to_bytes() == stored
    assert np.isfinite(features.places).all() and np.isfinite(features.scales).all()


def test_parts_that_do_not_belong_together_are_refused() -> None:
    good = local.extract(crowded_scene(6))
    for width, height, descriptors, points in (
        (0, 300, good.descriptors, good.points),
        (400, 70_000, good.descriptors, good.points),
        (400, 300, good.descriptors[:-1], good.points),
        (400, 300, good.descriptors[:-32], good.points),
        (400, 300, good.descriptors, good.points[:-1] + b"\xff"),
        (400, 300, bytes(32 * (MOST_FEATURES + 1)), bytes(6 * (MOST_FEATURES + 1))),
    ):
        with pytest.raises(ValueError):
            LocalFeatures(width, height, descriptors, points)


def test_works_in_a_worker_that_may_open_nothing_and_start_nothing(
    in_child: Callable[[Callable[[], Any]], Any],
) -> None:
    picture, other = crowded_scene(7), crowded_scene(8)

    def locked() -> tuple[LocalFeatures, int]:
        local.extract(picture)
        before = len(list(Path("/proc/self/task").iterdir()))
        held = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, held))
        features = local.extract(other)
        resource.setrlimit(resource.RLIMIT_NOFILE, (held, held))
        return features, len(list(Path("/proc/self/task").iterdir())) - before

    assert in_child(locked) == (local.extract(other), 0)


def test_photographs_fill_their_share(corpus: Path) -> None:
    """All but the plainest photographs have as many features as are stored."""
    paths = sorted((corpus / "photos").iterdir())[::10]
    counts = [len(local.extract(np.asarray(Image.open(path).convert("L")))) for path in paths]
    assert np.mean(np.array(counts) == local.REFERENCE.count) >= 0.9

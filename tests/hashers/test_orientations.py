"""The hashes of a turned picture, without turning it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hashers import pdq
from hashmatch.hashers.base import Picture
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS, turn
from tests.support.layered_scenes import BY_PILLOW, layered_scene


@functools.cache
def oriented(seed: int, exact: bool, size: tuple[int, int]) -> tuple[Image.Image, Sequence[bytes], int]:
    """A picture, its hashes in all orientations, and their quality."""
    image = layered_scene(seed, size).convert("RGB") if exact else layered_scene(seed, size)
    return image, *pdq.hash_orientations(Picture(image, image.size, exact))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("size", [(576, 320), (300, 201), (65, 90), (1200, 900)])
@pytest.mark.parametrize("name", BY_PILLOW)
def test_is_the_hash_of_the_turned_picture(name: str, exact: bool, size: tuple[int, int]) -> None:
    """At any size: PDQ samples other pixels of a turned picture, and from even windows."""
    for seed in range(2):
        image, hashes, quality = oriented(seed, exact, size)
        turned = image.transpose(BY_PILLOW[name])
        expected, its_quality = pdq.HASHER.hash(Picture(turned, turned.size, exact))
        found = hashes[ORIENTATIONS.index(name)]
        assert (int.from_bytes(found, "big") ^ int.from_bytes(expected, "big")).bit_count() <= (0 if exact else 2)
        assert abs(quality - (its_quality or 0)) <= 2


def test_upright_is_the_plain_hash() -> None:
    picture = Picture(layered_scene(7), (576, 320))
    hashes, quality = pdq.hash_orientations(picture)
    assert (hashes[0], quality) == pdq.HASHER.hash(picture)
    assert ORIENTATIONS[0] == "none" and len(set(hashes)) == 8


def test_a_tiny_picture_has_none() -> None:
    hashes, quality = pdq.hash_orientations(Picture(Image.new("L", (4, 90)), (4, 90)))
    assert set(hashes) == {bytes(32)} and quality == 0


@pytest.mark.parametrize("name", BY_PILLOW)
def test_pixels_turned(name: str) -> None:
    image = layered_scene(8, (50, 30)).convert("RGB")
    assert (turn(np.asarray(image), name) == np.asarray(image.transpose(BY_PILLOW[name]))).all()


@given(st.sampled_from(ORIENTATIONS), st.integers(0, 2**32))
def test_undone_by_its_inverse(name: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7), np.uint8)
    assert (turn(turn(pixels, name), INVERSE[name]) == pixels).all()

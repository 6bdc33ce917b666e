"""The blocks that tell pictures of one layout apart: against a plain implementation, and turned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hashers import GUARD, blocks, by_name
from hashmatch.hashers.base import Picture
from hashmatch.hashers.orientations import ORIENTATIONS
from tests.support.layered_scenes import BY_PILLOW, layered_scene


def plainly(image: Image.Image) -> np.ndarray:
    """The same, coefficient by coefficient."""
    small = image.resize((144, 144), Image.Resampling.BOX)
    found = np.zeros((18, 18, 8))
    for row in range(18):
        for column in range(18):
            for number, (u, v) in enumerate(blocks.FREQUENCIES):
                total = 0.0
                for y in range(8):
                    for x in range(8):
                        wave = math.cos(math.pi / 16 * u * (2 * y + 1)) * math.cos(math.pi / 16 * v * (2 * x + 1))
                        total += small.getpixel((column * 8 + x, row * 8 + y)) * wave
                scale = math.sqrt((1 if u == 0 else 2) / 8) * math.sqrt((1 if v == 0 else 2) / 8)
                found[row, column, number] = total * scale
    strength = abs(found) / math.sqrt((found**2).mean())
    return np.sign(found) * ((strength >= 0.1).astype(int) + (strength >= 0.4))


def test_against_a_plain_implementation() -> None:
    image = layered_scene(1, (300, 200))
    differing = blocks.levels_of(image) != plainly(image)
    assert differing.mean() < 0.001  # float32 beside float64, at the thresholds


@pytest.mark.parametrize("name", BY_PILLOW)
def test_turned(name: str) -> None:
    image = layered_scene(2, (288, 432))  # of which 144 is a divisor, so that each point is the mean of the same pixels
    levels = blocks.levels_of(image.transpose(BY_PILLOW[name]))
    assert (blocks.turned(blocks.levels_of(image), name) != levels).mean() < 0.02


@given(st.integers(0, 2**32))
def test_packing(seed: int) -> None:
    levels = np.random.default_rng(seed).integers(-2, 3, (18, 18, 8)).astype(np.int8)
    packed = blocks.pack(levels)
    assert len(packed) * 8 == blocks.HASHER.bits
    assert (blocks.unpack(packed) == levels).all()


def test_a_flat_picture_has_nothing() -> None:
    assert not blocks.levels_of(Image.new("L", (200, 100), 90)).any()


def test_turns_have_all_frequencies_they_need() -> None:
    for name in ORIENTATIONS:
        assert blocks.turned(blocks.levels_of(layered_scene(3)), name).shape == (18, 18, 8)


def test_behind_the_interface() -> None:
    hasher, image = by_name(GUARD), layered_scene(4)
    bits, quality = hasher.hash(Picture(image, image.size))
    assert quality is None and bits == blocks.pack(blocks.levels_of(image))
    colour, _quality = hasher.hash(Picture(image.convert("RGB"), image.size))
    assert colour == bits

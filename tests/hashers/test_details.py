"""The finer guard: its blocks are those of blocks.py, its colours those of the picture; turned, negative and packed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hashers import DETAILS, blocks, by_name, details
from hashmatch.hashers.base import Picture
from hashmatch.hashers.details import Details
from hashmatch.records import View
from tests.support.layered_scenes import BY_PILLOW, layered_scene


def coloured(seed: int) -> Image.Image:
    """A picture of which each point, and each cell, is a whole number of pixels."""
    return Image.merge("RGB", [layered_scene(10 * seed + channel, (576, 864)) for channel in range(3)])


def of(image: Image.Image) -> Details:
    return details.details_of(image.convert("L"), image)


def test_cells_are_the_mean_colours() -> None:
    image = coloured(1)
    cells = of(image).cells
    assert cells is not None
    pixels = np.asarray(image.convert("YCbCr"), np.float64).reshape(12, 72, 12, 48, 3).mean(axis=(1, 3))
    assert np.abs(cells - pixels).max() <= 1.5


def test_levels_are_finer_blocks() -> None:
    image = layered_scene(1, (300, 200))
    assert (of(image).levels == blocks.levels_of(image, 288)).all()
    assert of(image).levels.shape == (36, 36, 8)


@pytest.mark.parametrize("name", BY_PILLOW)
def test_turned(name: str) -> None:
    image = coloured(2)
    expected, found = of(image.transpose(BY_PILLOW[name])), of(image).turned(name)
    assert (found.levels != expected.levels).mean() < 0.02
    assert found.cells is not None and expected.cells is not None
    assert np.abs(found.cells.astype(int) - expected.cells).max() <= 1


def test_negative() -> None:
    image = coloured(3)
    expected, found = of(image.point(lambda value: 255 - value)), of(image).negative()
    assert (found.levels * expected.levels < 0).mean() < 0.001
    assert found.cells is not None and expected.cells is not None
    assert np.abs(found.cells.astype(int) - expected.cells).max() <= 2


@given(st.integers(0, 2**32), st.booleans())
def test_packing(seed: int, has_colours: bool) -> None:
    chance = np.random.default_rng(seed)
    cells = chance.integers(0, 255, (12, 12, 3), np.uint8) if has_colours else None
    made = Details(chance.integers(-2, 3, (36, 36, 8)).astype(np.int8), cells)
    packed = details.pack(made)
    assert len(packed) == details.HASHER.width == 3456
    found = details.unpack(packed)
    assert (found.levels == made.levels).all()
    assert (found.cells is None) == (cells is None) and (cells is None or (found.cells == cells).all())


def test_behind_the_interface() -> None:
    image, hasher = coloured(4), by_name(DETAILS)
    bits, quality = hasher.hash(Picture(image, image.size))
    assert quality is None and bits == details.pack(of(image))
    grey = image.convert("L")
    assert details.unpack(hasher.hash(Picture(grey, image.size))[0]).cells is None, "its colours are not known"
    small = Picture(grey, image.size, small=image.reduce(4))
    cells = details.unpack(hasher.hash(small)[0]).cells
    assert cells is not None and np.abs(cells.astype(int) - np.asarray(of(image).cells)).max() <= 2


def test_a_part_has_its_own_colours() -> None:
    image = coloured(5)
    picture = Picture(image.convert("L"), image.size, small=image.reduce(6))
    part = picture.part(View("trim1", 0.25, 0.5, 0.75, 1.0))
    cells = details.unpack(by_name(DETAILS).hash(part)[0]).cells
    expected = of(image.crop((144, 432, 432, 864))).cells
    assert cells is not None and expected is not None and np.abs(cells.astype(int) - expected).max() <= 6

"""Turning DCT coefficients is turning the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hashers import Picture, pdq
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS, orient

T = Image.Transpose
#: What Pillow does for each; its ROTATE_90 is counter-clockwise.
BY_PILLOW = {
    "mirror": T.FLIP_LEFT_RIGHT,
    "flip": T.FLIP_TOP_BOTTOM,
    "rotate180": T.ROTATE_180,
    "transpose": T.TRANSPOSE,
    "rotate90": T.ROTATE_270,
    "rotate270": T.ROTATE_90,
    "transverse": T.TRANSVERSE,
}


def scene(seed: int, size: tuple[int, int] = (576, 320)) -> Image.Image:
    """Shapes of all sizes, as pictures have them. Of 576 and 320 pixels PDQ samples the same ones from either end."""
    chance, total = np.random.default_rng(seed), np.zeros(size[::-1])
    for cells in (3, 6, 12, 24, 48):
        noise = chance.integers(0, 256, (cells, cells), np.uint8)
        total += np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC), float) * cells**-0.5
    return Image.fromarray((255 * (total - total.min()) / np.ptp(total)).astype(np.uint8))


@pytest.mark.parametrize("name", BY_PILLOW)
@pytest.mark.parametrize("exact", [False, True])
def test_is_the_hash_of_the_turned_picture(name: str, exact: bool) -> None:
    for seed in range(4):
        image = scene(seed).convert("RGB") if exact else scene(seed)
        hashes, quality = pdq.hash_orientations(Picture(image, image.size, exact))
        turned = image.transpose(BY_PILLOW[name])
        expected, its_quality = pdq.HASHER.hash(Picture(turned, turned.size, exact))
        found = hashes[ORIENTATIONS.index(name)]
        assert (int.from_bytes(found, "big") ^ int.from_bytes(expected, "big")).bit_count() <= 2
        assert abs(quality - (its_quality or 0)) <= 1


def test_upright_is_the_plain_hash() -> None:
    picture = Picture(scene(7), (576, 320))
    hashes, quality = pdq.hash_orientations(picture)
    assert (hashes[0], quality) == pdq.HASHER.hash(picture)
    assert ORIENTATIONS[0] == "none" and len(set(hashes)) == 8


def test_a_tiny_picture_has_none() -> None:
    hashes, quality = pdq.hash_orientations(Picture(Image.new("L", (4, 90)), (4, 90)))
    assert set(hashes) == {bytes(32)} and quality == 0


@given(st.sampled_from(ORIENTATIONS), st.integers(0, 2**32), st.integers(0, 1))
def test_undone_by_its_inverse(name: str, seed: int, first: int) -> None:
    values = np.random.default_rng(seed).normal(size=(6, 6)).astype(np.float32)
    assert (orient(orient(values, name, first), INVERSE[name], first) == values).all()


@given(st.sampled_from(ORIENTATIONS), st.integers(0, 2**32))
def test_against_the_dct_of_the_turned_array(name: str, seed: int) -> None:
    def turned(array: np.ndarray) -> np.ndarray:
        if name == "none":
            return array
        return np.asarray(Image.fromarray(array).transpose(BY_PILLOW[name]))

    def dct(array: np.ndarray) -> np.ndarray:
        n = len(array)
        rows = np.cos(np.pi / (2 * n) * np.arange(n)[:, None] * (2 * np.arange(n) + 1))
        return rows @ array @ rows.T

    array = np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)
    assert np.allclose(orient(dct(array.astype(float)), name, 0), dct(turned(array).astype(float)))

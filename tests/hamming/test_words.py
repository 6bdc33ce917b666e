"""Distances, each hash against one or against all, without any index."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch.hamming.words import distance, distances


@pytest.mark.parametrize("width", [8, 16, 32])
def test_distances_are_those_of_the_bits(width: int) -> None:
    chance = np.random.default_rng(width)
    some, others = (chance.integers(0, 256, (count, width), np.uint8) for count in (7, 5))
    some[0], others[0] = 0, 255
    expected = np.unpackbits(some[:, None] ^ others, axis=2).sum(axis=2)
    found = distances(some, others)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)
    assert found[0, 0] == 8 * width
    assert distance(some[1].tobytes(), others[2].tobytes()) == expected[1, 2]


def test_distances_of_no_hashes() -> None:
    none, some = np.empty((0, 32), np.uint8), np.zeros((3, 32), np.uint8)
    assert distances(none, some).shape == (0, 3)
    assert distances(some, none).shape == (3, 0)


def test_hashes_of_two_widths_have_no_distance() -> None:
    with pytest.raises(ValueError):
        distances(np.zeros((1, 8), np.uint8), np.zeros((1, 16), np.uint8))
    with pytest.raises(ValueError, match="widths"):
        distance(bytes(8), bytes(16))

"""Hashes of many frames at once are those of each, of each part, and of each mirror image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hamming.brute import distance
from hashmatch.hashers.frames import (
    BATCH,
    STANDS_FOR,
    WHOLE,
    FrameArea,
    hash_frames,
    hash_oriented,
    quality_of_frames,
)
from hashmatch.hashers.orientations import ORIENTATIONS, turn
from hashmatch.hashers.pdq import hash_luma
from hashmatch.media.sampling import EVERY_FRAME
from tests.support.edge_case_pictures import KINDS, draw
from tests.support.opened_media import opened_film

Squares = npt.NDArray[np.uint8]

AREAS = [
    FrameArea(0.25, 0.125, 0.75, 1),
    FrameArea(0.1, 0.2, 0.93, 0.81),
    FrameArea(-0.1, -0.1, 1.1, 1.1),
    FrameArea(-1 / 6, 0, 7 / 6, 1),
    FrameArea(0, 0.3, 0.2, 1.4),
]


def squares(count: int, side: int, seed: int = 1) -> Squares:
    """Made pictures of all kinds, in turn."""
    made = (draw(KINDS[number % len(KINDS)], side, side, seed + number) for number in range(count))
    return np.stack([np.asarray(Image.fromarray(each).convert("L")) for each in made])


def plain(square: Squares, area: FrameArea, mirrored: bool = False) -> tuple[bytes, int]:
    """By the rule: a picture of 512 × 512 points, each the pixel of the area that it lies in, or of the nearest edge."""
    side = len(square)

    def pixels(start: float, end: float) -> list[int]:
        points = [start + (number + 0.5) / STANDS_FOR * (end - start) for number in range(STANDS_FOR)]
        return [min(max(int(np.floor(point * side)), 0), side - 1) for point in points]

    picture = square[pixels(area.top, area.bottom)][:, pixels(area.left, area.right)]
    picture = picture[:, ::-1] if mirrored else picture
    return hash_luma(np.ascontiguousarray(picture).astype(np.float32), (STANDS_FOR, STANDS_FOR))


def check(some: Squares, area: FrameArea, mirrored: bool = False) -> None:
    """Bits may differ where a coefficient is the median but for the rounding of float32; and qualities by a step of one.

    A point that lies just between two pixels may show either, by the rounding of its place: then a few more bits may differ.
    """
    most = 4 if is_between_pixels(area, some.shape[1]) else 2
    hashes, qualities = hash_frames(some, area, mirrored), quality_of_frames(some, area)
    assert (hashes.shape, hashes.dtype) == ((len(some), 32), np.uint8)
    assert (qualities.shape, qualities.dtype) == ((len(some),), np.uint8)
    for square, bits, quality in zip(some, hashes, qualities, strict=True):
        expected, as_good = plain(square, area, mirrored)
        if as_good >= 50:
            assert distance(bits.tobytes(), expected) <= most
        if not mirrored:
            assert abs(int(quality) - as_good) <= 1


def is_between_pixels(area: FrameArea, side: int) -> bool:
    """Whether any of the points that stand for an area lies on the border of two pixels."""
    edges = ((area.left, area.right), (area.top, area.bottom))
    points = np.array(
        [[start + (n + 0.5) / STANDS_FOR * (end - start) for n in range(STANDS_FOR)] for start, end in edges]
    )
    inside = (points > 0) & (points < 1)
    return bool((np.abs(points * side - np.round(points * side))[inside] < 1e-9).any())


def rough(count: int, side: int, seed: int = 1) -> Squares:
    """Pictures of which no coefficient is near the median by symmetry."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(0, 256, (count, 24, 24), np.uint8)
    grown = [np.asarray(Image.fromarray(each).resize((side, side), Image.Resampling.BICUBIC)) for each in coarse]
    return np.stack(grown)


@pytest.mark.parametrize("side", [64, 128, 256])
def test_hashes_are_those_of_each_as_a_picture_of_512(side: int) -> None:
    """Bit by bit, and in batches."""
    some = rough(2 * BATCH + 7, side)
    for square, bits, quality in zip(some, hash_frames(some), quality_of_frames(some), strict=True):
        expected, as_good = hash_luma(square.astype(np.float32), (STANDS_FOR, STANDS_FOR))
        assert distance(bits.tobytes(), expected) <= 2  # a tie at the median is decided by rounding
        assert abs(int(quality) - as_good) <= 1
    assert (
        hash_frames(some) == np.concatenate([hash_frames(some[n : n + 1]) for n in range(len(some))])
    ).mean() > 0.999


@settings(max_examples=30)
@given(
    side=st.sampled_from([64, 128, 256]),
    seed=st.integers(0, 2**20),
    area=st.sampled_from([WHOLE, *AREAS])
    | st.builds(
        lambda left, top, width, height: FrameArea(left, top, left + width, top + height),
        st.floats(-0.3, 0.4),
        st.floats(-0.3, 0.4),
        st.floats(0.5, 1),
        st.floats(0.5, 1),
    ),
    mirrored=st.booleans(),
)
def test_parts_and_mirror_images(side: int, seed: int, area: FrameArea, mirrored: bool) -> None:
    check(rough(2, side, seed), area, mirrored)


def test_made_pictures() -> None:
    """Of flat and symmetric ones bits are chance, so only that nothing is raised and what quality says of them."""
    some = squares(40, 128)
    assert hash_frames(some).shape == (40, 32)
    for square, quality in zip(some, quality_of_frames(some), strict=True):
        assert abs(int(quality) - plain(square, WHOLE)[1]) <= 1


@pytest.mark.parametrize("area", [WHOLE, *AREAS])
def test_a_mirrored_hash_is_that_of_the_mirrored_square(area: FrameArea) -> None:
    some = rough(10, 128)
    opposite = FrameArea(1 - area.right, area.top, 1 - area.left, area.bottom)
    flipped = hash_frames(np.ascontiguousarray(some[:, :, ::-1]), opposite)
    for one, other in zip(hash_frames(some, area, mirrored=True), flipped, strict=True):
        assert distance(one.tobytes(), other.tobytes()) <= 2


def test_a_cut_out_is_hashed_as_a_picture_of_its_own() -> None:
    some = rough(10, 256)
    inner = np.ascontiguousarray(some[:, 64:192, 32:160])
    assert (hash_frames(some, FrameArea(0.125, 0.25, 0.625, 0.75)) == hash_frames(inner)).mean() > 0.999
    assert (quality_of_frames(some, FrameArea(0.125, 0.25, 0.625, 0.75)) == quality_of_frames(inner)).all()


def test_beyond_the_edge_the_edge_goes_on() -> None:
    some = rough(10, 128)
    wider = np.stack([np.pad(each, ((16, 16), (32, 32)), mode="edge") for each in some])
    grown = np.stack([np.asarray(Image.fromarray(each).resize((480, 480), Image.Resampling.NEAREST)) for each in wider])
    for one, other in zip(hash_frames(some, FrameArea(-0.25, -0.125, 1.25, 1.125)), hash_frames(grown), strict=True):
        assert distance(one.tobytes(), other.tobytes()) <= 10  # 512 points do not fall on the same pixels of both


def test_no_frames() -> None:
    assert hash_frames(np.zeros((0, 128, 128), np.uint8)).shape == (0, 32)
    assert quality_of_frames(np.zeros((0, 128, 128), np.uint8)).shape == (0,)


def test_qualities_of_nothing_and_of_noise() -> None:
    flat = np.full((1, 128, 128), 90, np.uint8)
    assert quality_of_frames(flat).tolist() == [0]
    assert quality_of_frames(rough(1, 128)).tolist() == [100]


#: Of so many frames of Meta's films one is compared.
STEP = 7


@pytest.mark.slow
def test_frames_hash_as_meta_says(corpus: Path) -> None:
    """All of Meta's films, against the hash of each frame that its own program gives."""
    away, small = [], []
    for listed in sorted((corpus / "vpdq" / "hashes").glob("*.txt")):
        lines = [line.split(",") for line in listed.read_text().split()]
        film = (corpus / "vpdq" / f"{listed.stem}.mp4").read_bytes()
        seen = list(opened_film(film).frames(EVERY_FRAME))
        assert len(seen) == len(lines), listed.stem
        ours = hash_frames(np.stack([frame.pixels for frame in seen[::STEP]]))
        of_this = []
        for bits, frame, (_number, quality, theirs, time) in zip(ours, seen[::STEP], lines[::STEP], strict=True):
            assert abs(frame.time - float(time)) < 0.02, listed.stem
            if int(quality) >= 80:
                of_this.append(distance(bits.tobytes(), bytes.fromhex(theirs)))
        away += of_this
        small.append(float(np.median(of_this)) if of_this else 0.0)
    assert len(small) == 14 and len(away) > 300
    assert np.median(away) <= 10
    # Meta's list is of frames of full size. One film, of fine patterns, is 25 bits away at any size it is scaled to.
    assert sum(median <= 12 for median in small) >= 13 and max(small) <= 31


@pytest.mark.parametrize("area", [WHOLE, AREAS[0]])
def test_all_orientations_are_those_of_turned_frames(area: FrameArea) -> None:
    """In batches, and each as the hash of the part, turned."""
    side = 128
    some = rough(BATCH + 3, side)
    left, top, right, bottom = (round(edge * side) for edge in area)
    parts = np.stack([np.asarray(Image.fromarray(each[top:bottom, left:right]).resize((512, 512), 0)) for each in some])
    oriented = hash_oriented(some, area)
    assert (oriented.shape, oriented.dtype) == ((len(some), 8, 32), np.uint8)
    for number, name in enumerate(ORIENTATIONS):
        for part, bits in zip(parts, oriented[:, number], strict=True):
            turned = np.ascontiguousarray(turn(part, name)).astype(np.float32)
            assert distance(bits.tobytes(), hash_luma(turned, (512, 512))[0]) <= 2
    assert (oriented[:, 0] != hash_frames(some, area)).mean() < 0.001
    assert (oriented[:, 1] != hash_frames(some, area, mirrored=True)).mean() < 0.001
    assert hash_oriented(some[:0]).shape == (0, 8, 32)

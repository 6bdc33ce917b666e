"""Same picture, or only the same layout?"""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from hashmatch.hashers import blocks
from hashmatch.matching import layouts
from hashmatch.matching.tiers import LEAST_DETAIL, MOST_AT_A_DISTANCE, MOST_CONTRADICTION, MOST_IF_DEGRADED


def card(text: str, seed: int = 0) -> Image.Image:
    """A poster of one layout: a picture, a band, and a text in it."""
    noise = np.random.default_rng(seed).integers(40, 200, (10, 14), np.uint8)
    sheet = Image.fromarray(noise).resize((700, 500), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 330, 700, 500), fill=20)
    draw.text((350, 415), text, 240, ImageFont.load_default(60), anchor="mm")
    return sheet


def again(image: Image.Image, quality: int = 40) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("L")


def opinion(one: Image.Image, other: Image.Image) -> str:
    return layouts.opinion(blocks.levels_of(one), blocks.levels_of(other), is_far=False).says


COPIES = {
    "codec": lambda image: again(image, 20),
    "smaller": lambda image: again(image.resize((250, 180))),
    "squeezed": lambda image: again(image.resize((500, 500))),
    "darker": lambda image: again(ImageEnhance.Brightness(image).enhance(0.6)),
    "contrast": lambda image: again(ImageEnhance.Contrast(image).enhance(1.4)),
    "blur": lambda image: again(image.filter(ImageFilter.GaussianBlur(2))),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_the_same(name: str) -> None:
    for seed in range(3):
        image = card("WE SHALL RETURN", seed)
        assert opinion(COPIES[name](image), image) == "same"


@pytest.mark.parametrize("other", ["NOW IS THE TIME", "JOIN US TODAY", "17 MAY", "THE END OF IT ALL"])
@pytest.mark.parametrize("seed", [0, 1])
def test_another_text_is_another_picture(other: str, seed: int) -> None:
    assert opinion(again(card(other, seed)), card("WE SHALL RETURN", seed)) == "other"


def test_too_little_detail_is_unclear() -> None:
    down = np.linspace(0, 255, 200)[:, None]
    gradient = Image.fromarray(np.broadcast_to(down, (200, 300)).astype(np.uint8))
    half = Image.fromarray(np.where(np.arange(300) < 160, 0, 255).astype(np.uint8)[None].repeat(200, 0))
    blank = Image.new("L", (300, 200), 255)
    for image in (gradient, half, blank):
        assert layouts.detail(blocks.levels_of(image)) < LEAST_DETAIL
        assert opinion(again(image, 90), image) != "same"


@given(st.integers(0, 2**32))
def test_contradiction_against_a_plain_implementation(seed: int) -> None:
    chance = np.random.default_rng(seed)
    one, other = (chance.integers(-2, 3, (18, 18, 8)).astype(np.int8) for _ in range(2))
    most = 0
    for row in range(17):
        for column in range(17):
            total = 0
            for y in (row, row + 1):
                for x in (column, column + 1):
                    for a, b in zip(one[y, x].tolist(), other[y, x].tolist(), strict=True):
                        if a * b <= -2:
                            total += 2
                        elif {abs(a), abs(b)} == {0, 2}:
                            total += 1
            most = max(most, total)
    assert layouts.contradiction(one, other) == layouts.contradiction(other, one) == most
    assert layouts.contradiction(one, one) == 0


@pytest.mark.parametrize(
    ("is_far", "flat", "most"),
    [
        (False, 0, MOST_CONTRADICTION),
        (True, 0, MOST_AT_A_DISTANCE),
        (False, 9, MOST_IF_DEGRADED),
        (True, 9, MOST_AT_A_DISTANCE),
    ],
)
def test_limits(is_far: bool, flat: int, most: int) -> None:
    """flat: so many rows of blocks have lost their detail in one of the two, far from where they contradict each other."""
    one = np.full((18, 18, 8), 2, np.int8)
    for count in (most, most + 1):
        other = one.copy()
        other[9 : 9 + flat] = 1
        square = other[2:4, 2:4].reshape(-1).copy()
        square[:count] = 0
        other[2:4, 2:4] = square.reshape(2, 2, 8)
        assert layouts.contradiction(one, other) == count
        assert layouts.opinion(one, other, is_far) == layouts.opinion(other, one, is_far)
        assert layouts.opinion(one, other, is_far) == ("same" if count == most else "other", count)

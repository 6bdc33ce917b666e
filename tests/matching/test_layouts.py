"""Same picture, or only the same layout?"""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from hashmatch.hashers import blocks, details
from hashmatch.matching import layouts
from hashmatch.matching.tiers import (
    EVEN_CONTRADICTION,
    LEAST_DETAIL,
    MOST_AT_A_DISTANCE,
    MOST_COLOUR_DIFFERENCE,
    MOST_CONTRADICTION,
    MOST_EVEN_CONTRADICTION,
    MOST_IF_DEGRADED,
)


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


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_row_contradiction_against_a_plain_implementation(seed: int, changed: float) -> None:
    chance = np.random.default_rng(seed)
    one, other = (chance.integers(-2, 3, (36, 36, 8)).astype(np.int8) for _ in range(2))
    same = chance.random((36, 36)) > changed
    other[same] = one[same]
    counts = [[0] * 36 for _ in range(36)]
    for y in range(36):
        for x in range(36):
            for a, b in zip(one[y, x].tolist(), other[y, x].tolist(), strict=True):
                counts[y][x] += 2 if a * b <= -2 else 1 if {abs(a), abs(b)} == {0, 2} else 0
    most = max(sum(row[x : x + 4]) for row in counts for x in range(33))
    even = EVEN_CONTRADICTION * 4 * sum(map(sum, counts)) / 36**2
    expected = max(0, round(most - min(even, MOST_EVEN_CONTRADICTION)))
    assert layouts.row_contradiction(one, other) == layouts.row_contradiction(other, one) == expected
    assert layouts.row_contradiction(one, one) == 0


def studio(headline: str) -> Image.Image:
    """A frame of television: a picture, and a headline in letters of a fifteenth of its height."""
    noise = np.random.default_rng(3).integers(0, 256, (45, 80, 3), np.uint8)
    frame = Image.fromarray(noise).resize((1280, 720), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(frame)
    draw.rectangle((60, 590, 1220, 660), fill=(20, 30, 90))
    draw.text((80, 600), headline, "white", ImageFont.load_default(48))
    return frame


def details_of(image: Image.Image) -> details.Details:
    return details.details_of(image.convert("L"), image.convert("RGB"))


def resent(image: Image.Image) -> Image.Image:
    data = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(data, "JPEG", quality=60)
    return Image.open(data)


@pytest.mark.parametrize("headline", ["Market rises after the deal", "School stays closed on Monday"])
def test_another_headline_is_another_frame(headline: str) -> None:
    """The blocks do not tell them apart, the details do."""
    one, other = studio("Council denies the new report"), studio(headline)
    assert layouts.opinion(blocks.levels_of(one), blocks.levels_of(other), is_far=False).says == "same"
    assert not layouts.details_opinion(details_of(resent(other)), details_of(one)).agree
    assert layouts.details_opinion(details_of(resent(one)), details_of(one)).agree


def flag(*stripes: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray(np.repeat(np.array(stripes, np.uint8)[:, None], 3, 1)).resize(
        (600, 390), Image.Resampling.NEAREST
    )


RED, WHITE, BLUE, GREEN, YELLOW = (206, 17, 38), (255, 255, 255), (0, 57, 166), (0, 106, 78), (255, 206, 0)

FILTERS = {
    "grey": lambda image: image.convert("L").convert("RGB"),
    "pale": lambda image: ImageEnhance.Color(image).enhance(0.4),
    "vivid": lambda image: ImageEnhance.Color(image).enhance(1.2),
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
    "tint": lambda image: Image.blend(image, Image.new("RGB", image.size, (200, 120, 40)), 0.15),
    "warm": lambda image: Image.fromarray((np.asarray(image) * (1.0, 0.95, 0.85)).astype(np.uint8)),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_changes_no_flag(name: str) -> None:
    for stripes in ((RED, WHITE, BLUE), (GREEN, WHITE, RED), (BLUE, YELLOW, RED)):
        assert layouts.details_opinion(details_of(FILTERS[name](flag(*stripes))), details_of(flag(*stripes))).agree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((RED, WHITE, BLUE), (GREEN, WHITE, RED)),
        ((RED, WHITE, BLUE), (RED, YELLOW, BLUE)),
        ((GREEN, WHITE, RED), (BLUE, WHITE, RED)),
        ((RED, WHITE, RED), (BLUE, WHITE, BLUE)),
    ],
)
def test_a_flag_in_other_colours_is_another_flag(
    one: tuple[tuple[int, int, int], ...], other: tuple[tuple[int, int, int], ...]
) -> None:
    for ours, theirs in ((one, other), (other, one)):
        found = layouts.details_opinion(details_of(flag(*ours)), details_of(flag(*theirs)))
        assert not found.agree and found.colours is not None and found.colours > MOST_COLOUR_DIFFERENCE


def test_unknown_colours_contradict_nothing() -> None:
    known = details_of(flag(RED, WHITE, BLUE))
    unknown = details.Details(known.levels, None)
    for ours, theirs in ((known, unknown), (unknown, known), (unknown, unknown)):
        assert layouts.details_opinion(ours, theirs) == (True, 0, None)

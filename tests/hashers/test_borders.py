"""Frames around pictures are found to the pixel, and pictures without frames are left alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from hashmatch.hashers.borders import MOST_VIEWS, SMALLEST_SIDE, Box, find_views, is_plain_outside
from hashmatch.hashers.pdq import hash_luma
from tests.support.edge_case_pictures import Pixels, pictures

Luma = npt.NDArray[np.uint8]


def scene(width: int, height: int, seed: int) -> Image.Image:
    """A grey picture without a plain row or column, neither black nor white anywhere."""
    chance = np.random.default_rng(seed)
    shapes = Image.fromarray(chance.integers(50, 205, (12, 16), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return Image.fromarray((np.asarray(shapes) + chance.normal(0, 8, (height, width))).clip(35, 220).astype(np.uint8))


def write(page: Image.Image, top: int, ink: int, size: int = 24) -> None:
    """A line of text, its capitals' upper edge some pixels below `top`."""
    ImageDraw.Draw(page).text((14, top), "WHAT THEY SAID about it", fill=ink, font=ImageFont.load_default(size))


def as_jpeg(image: Image.Image, quality: int = 75) -> Luma:
    """Brightness after compression."""
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data).convert("L"))


def finds(luma: Luma, expected: Box) -> bool:
    """Whether one of the views is the expected one, to two pixels."""
    return any(all(abs(a - b) <= 2 for a, b in zip(view, expected, strict=True)) for view in find_views(luma))


def on_canvas(image: Image.Image, box: Box, size: tuple[int, int], ground: int) -> Image.Image:
    canvas = Image.new("L", size, ground)
    canvas.paste(image, (box.left, box.top))
    return canvas


@st.composite
def bars(draw: st.DrawFn) -> tuple[tuple[int, int, int, int], int]:
    """Widths at left, top, right and bottom, one of them at least not 0; and a brightness that no scene has."""
    width = st.one_of(st.just(0), st.integers(8, 120))
    widths = draw(st.tuples(width, width, width, width).filter(any))
    return widths, draw(st.sampled_from([0, 8, 250, 255]))


@given(bars(), st.integers(0, 2**20), st.sampled_from([60, 75, 95]))
def test_bars(frame: tuple[tuple[int, int, int, int], int], seed: int, quality: int) -> None:
    (left, top, right, bottom), colour = frame
    box = Box(left, top, left + 300, top + 220)
    framed = ImageOps.expand(scene(300, 220, seed), (left, top, right, bottom), colour)
    assert finds(as_jpeg(framed, quality), box)


@pytest.mark.parametrize("seed", range(5))
def test_bars_of_two_colours(seed: int) -> None:
    canvas = on_canvas(scene(300, 220, seed), Box(0, 40, 300, 260), (300, 330), 0)
    canvas.paste(255, (0, 260, 300, 330))
    assert finds(as_jpeg(canvas), Box(0, 40, 300, 260)), "black above, white below"
    canvas.paste(255, (0, 0, 130, 40))
    assert finds(as_jpeg(canvas), Box(0, 40, 300, 260)), "and in halves above"


@pytest.mark.parametrize("seed", range(5))
def test_a_frame_within_a_frame(seed: int) -> None:
    framed = ImageOps.expand(ImageOps.expand(scene(300, 220, seed), 12, 255), 25, 0)
    assert finds(as_jpeg(framed), Box(37, 37, 337, 257))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("ground", "ink"), [(255, 0), (0, 255), (250, 90)])
def test_text_above_and_below(seed: int, ground: int, ink: int) -> None:
    page = on_canvas(scene(400, 280, seed), Box(0, 90, 400, 370), (400, 430), ground)
    write(page, 20, ink)
    write(page, 52, ink)
    write(page, 384, ink)
    assert finds(as_jpeg(page), Box(0, 90, 400, 370))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dark", [True, False])
def test_a_phone_screen_around_a_letterbox(seed: int, dark: bool) -> None:
    ground, ink = (18, 235) if dark else (255, 20)
    box = Box(12, 230, 348, 430)
    page = on_canvas(scene(336, 200, seed), box, (360, 760), ground)
    page.paste(0, (12, 190, 348, 230))
    page.paste(0, (12, 430, 348, 470))
    write(page, 2, ink, 12)
    page.paste(120, (0, 60, 360, 61))
    ImageDraw.Draw(page).ellipse((14, 80, 60, 126), fill=140)
    write(page, 140, ink, 16)
    for row in range(4):
        write(page, 500 + 30 * row, ink, 14)
    assert finds(as_jpeg(page), box)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [(400, 711), (700, 280), (460, 460)])
def test_blurred_borders(seed: int, size: tuple[int, int]) -> None:
    image = scene(400, 280, seed)
    canvas = ImageOps.fit(image, size).filter(ImageFilter.GaussianBlur(14))
    left, top = (size[0] - 400) // 2, (size[1] - 280) // 2
    canvas.paste(image, (left, top))
    assert finds(as_jpeg(canvas), Box(left, top, left + 400, top + 280))


def test_what_is_taken_off_is_plain_or_not() -> None:
    picture = scene(480, 320, 1)
    sheet = on_canvas(picture, Box(0, 100, 480, 420), (480, 640), 0)
    box = Box(0, 100, 480, 420)
    assert is_plain_outside(as_jpeg(sheet), box)
    blurred = picture.resize((480, 640)).filter(ImageFilter.GaussianBlur(20))
    blurred.paste(picture, (0, 100))
    assert is_plain_outside(as_jpeg(blurred), box)
    write(sheet, 30, 255)
    assert not is_plain_outside(as_jpeg(sheet), box)
    assert is_plain_outside(np.zeros((90, 90), np.uint8), Box(0, 0, 90, 90))


@pytest.mark.parametrize("seed", range(20))
def test_no_frame(seed: int) -> None:
    assert find_views(as_jpeg(scene(420, 300, seed))) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (63, 300), (64, 64)])
def test_too_small_or_empty(size: tuple[int, int]) -> None:
    assert find_views(np.zeros(size, np.uint8)) == ()


@given(pictures(1, 300))
def test_views_are_parts_of_the_picture(pixels: Pixels) -> None:
    luma = np.asarray(Image.fromarray(pixels).convert("L"))
    height, width = luma.shape
    views = find_views(luma)
    assert len(set(views)) == len(views) <= MOST_VIEWS
    for left, top, right, bottom in views:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        assert (right - left, bottom - top) != (width, height)
        assert min(right - left, bottom - top) >= SMALLEST_SIDE - 4
    assert find_views(luma.astype(np.float32)) == views


def plain_bars(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, (0, image.height // 5), "black")


def blurred_border(image: Image.Image) -> Image.Image:
    size = max(image.width, image.height * 9 // 16), max(image.height, image.width * 16 // 9)
    canvas = ImageOps.fit(image, size).filter(ImageFilter.GaussianBlur(size[1] / 30))
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def meme(image: Image.Image) -> Image.Image:
    page = ImageOps.expand(image, (0, image.height // 4, 0, 0), "white")
    write(page, image.height // 16, 0, image.height // 12)
    return page


def hashes(luma: Luma) -> list[npt.NDArray[np.uint8]]:
    """PDQ of all of it and of its views."""
    height, width = luma.shape
    pixels = luma.astype(np.float32)
    parts = [
        pixels[top:bottom, left:right] for left, top, right, bottom in (Box(0, 0, width, height), *find_views(luma))
    ]
    return [np.frombuffer(hash_luma(part, part.shape[::-1])[0], np.uint8) for part in parts]


@pytest.mark.parametrize(("frame", "least"), [(plain_bars, 0.95), (blurred_border, 0.93), (meme, 0.9)])
def test_framed_photographs_match(frame: Callable[[Image.Image], Image.Image], least: float, corpus: Path) -> None:
    """Shares are some points below those measured on all 200, as every fourth is taken here."""
    matches = []
    for path in sorted((corpus / "photos").iterdir())[::4]:
        image = Image.open(path).convert("L")
        pairs = [(a, b) for a in hashes(np.asarray(image)) for b in hashes(as_jpeg(frame(image)))]
        matches.append(min(int(np.bitwise_count(a ^ b).sum()) for a, b in pairs) <= 31)
    assert np.mean(matches) >= least


def test_clean_photographs_rarely_have_views(corpus: Path) -> None:
    """About three in ten: objects before plain walls, and photographs that were put into frames by who took them."""
    photographs = [np.asarray(Image.open(path).convert("L")) for path in sorted((corpus / "photos").iterdir())[::4]]
    assert np.mean([bool(find_views(luma)) for luma in photographs]) <= 0.4

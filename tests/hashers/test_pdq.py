"""PDQ: the exact way bit by bit, the fast way within a few bits of it, and the matrices that the fast way is made of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.hamming.brute import distance
from hashmatch.hashers import by_name
from hashmatch.hashers.base import Picture
from hashmatch.hashers.pdq import hash_exact, hash_luma, sampling_matrix
from hashmatch.media import Limits, open_media
from hashmatch.media.colour import SaidColours, correction
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.edge_case_pictures import Pixels, draw, pictures
from tests.support.pdq_reference import pdq as reference_pdq

Judge = Callable[[Pixels], tuple[bytes, int]]

#: pdq/data/bridge-mods/aaa-orig.jpg in github.com/facebook/ThreatExchange, as its own tests have it
BRIDGE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"

PHOTOS = [
    "landscapes/dunes.tif",
    "landscapes/flower-field.jp2",
    "landscapes/forest.avif",
    "landscapes/sunset-at-sea.jpg",
    "landscapes/منظر-جبلي.jpg",
    "towns/bridge.jpg",
    "towns/harbour.png",
    "towns/market.jpg",
    "towns/night-city.heic",
    "towns/village.webp",
    "صور/مناطيد.jpg",
    "صور/فواكه.bmp",
]


def decoded(data: bytes, exact: bool) -> tuple[Picture, str]:
    """The first picture of a file, and how it was decoded."""
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    opened = open_media(io.BytesIO(data), data, media_type, Limits(), exact)
    return next(opened.pictures), opened.decoder


def both_ways(data: bytes) -> tuple[int, int, int, str]:
    """How far the fast hash is from the exact one; the two qualities; how the fast one was decoded."""
    picture, decoder = decoded(data, exact=False)
    fast, fast_quality = by_name("pdq").hash(picture)
    exact, quality = by_name("pdq").hash(decoded(data, exact=True)[0])
    assert quality is not None and fast_quality is not None
    return distance(fast, exact), fast_quality, quality, decoder


def enlarged(path: Path, width: int, height: int) -> bytes:
    """The picture as a JPEG of another size."""
    with Image.open(path) as image:
        larger = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    larger.save(out, "JPEG", quality=90)
    return out.getvalue()


# The exact way.


@pytest.mark.parametrize("size", [(64, 64), (5, 5), (5, 150), (150, 5), (65, 63), (128, 129), (131, 100)])
@pytest.mark.parametrize("kind", ["noise", "text", "halves", "symmetric"])
def test_exact_equals_the_description(kind: str, size: tuple[int, int]) -> None:
    pixels = draw(kind, *size, seed=6)
    assert hash_exact(pixels) == reference_pdq(pixels)


@pytest.mark.slow
@settings(max_examples=60)
@given(pixels=pictures(5, 140))
def test_exact_equals_the_description_everywhere(pixels: Pixels) -> None:
    assert hash_exact(pixels) == reference_pdq(pixels)


@pytest.mark.slow
@settings(max_examples=300)
@given(pixels=pictures(5, 300))
def test_exact_equals_the_judge_on_made_pictures(judge: Judge, pixels: Pixels) -> None:
    assert hash_exact(pixels) == judge(pixels)


@pytest.mark.parametrize("size", [(4, 300), (300, 4), (1, 1)])
def test_pictures_too_small_for_pdq(size: tuple[int, int]) -> None:
    pixels = draw("noise", *size, seed=1)
    assert hash_exact(pixels) == hash_luma(pixels[:, :, 0], size) == (bytes(32), 0)


def test_strips_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = draw("smooth noise", 300, 211, seed=2)
    whole = hash_exact(pixels)
    monkeypatch.setattr("hashmatch.hashers.pdq.STRIP_BYTES", 20_000)
    assert hash_exact(pixels) == whole == reference_pdq(pixels)


def has_other_colours(data: bytes) -> bool:
    """Whether a picture's colour profile is not that of sRGB: then it is displayed unlike it is stored."""
    with Image.open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile", b"")
        return correction(SaidColours(profile=profile), image.mode) is not None


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_corpus_photos(corpus: Path, judge: Judge, part: int) -> None:
    """Exact is the judge's bit by bit; fast is within 4 bits of it where the colours are shown as they are stored."""
    paths = sorted((corpus / "photos").iterdir())
    assert len(paths) >= 200
    worst = 0
    for path in paths[part::4]:
        data = path.read_bytes()
        exact = check_against_judge(data, judge, path)
        fast = by_name("pdq").hash(decoded(data, exact=False)[0])
        if not has_other_colours(data):
            worst = max(worst, distance(fast[0], exact))
        assert worst <= 4, path
    assert worst > 0  # or it was not the fast way


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "count"), [("bridge-mods", 12), ("dih", 8), ("exif", 4), ("labelme-subset", 7), ("misc-images", 17)]
)
def test_corpus_of_meta(corpus: Path, judge: Judge, folder: str, count: int) -> None:
    """All of Meta's own test images. The fast way may be ten bits off where the quality is good."""
    found = sorted((corpus / "pdq" / folder).rglob("*"))
    paths = [path for path in found if path.suffix in (".jpg", ".png", ".webp")]
    assert len(paths) == count
    for path in paths:
        data = path.read_bytes()
        exact = check_against_judge(data, judge, path)
        fast, quality = by_name("pdq").hash(decoded(data, exact=False)[0])
        assert quality is not None
        assert quality < 80 or distance(fast, exact) <= 10, path


def check_against_judge(data: bytes, judge: Judge, path: Path) -> bytes:
    picture, _decoder = decoded(data, exact=True)
    bits, quality = by_name("pdq").hash(picture)
    assert (bits, quality) == judge(np.asarray(picture.image)), path
    return bits


def test_meta_says_so_too(corpus: Path) -> None:
    data = (corpus / "pdq" / "bridge-mods" / "aaa-orig.jpg").read_bytes()
    for exact in (False, True):
        bits, quality = by_name("pdq").hash(decoded(data, exact)[0])
        assert quality == 100
        assert distance(bits, bytes.fromhex(BRIDGE)) <= 10  # Meta scaled it to 512×512 first


# The fast way.


@pytest.mark.parametrize("name", PHOTOS)
def test_fast_is_near_exact(fixtures: Path, name: str) -> None:
    far, fast_quality, quality, _decoder = both_ways((fixtures / "archive" / name).read_bytes())
    assert far <= 4
    assert abs(fast_quality - quality) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["landscapes/sunset-at-sea.jpg", "towns/market.jpg", "towns/harbour.png"])
@pytest.mark.parametrize(
    ("size", "reduction"),
    [((1100, 1030), "1/2"), ((1101, 1027), "1/2"), ((1651, 1100), "1/2"), ((1027, 2051), "1/2"), ((2053, 2101), "1/4")],
)
def test_fast_is_near_exact_when_scaled_while_decoding(
    fixtures: Path, name: str, size: tuple[int, int], reduction: str
) -> None:
    far, fast_quality, quality, decoder = both_ways(enlarged(fixtures / "archive" / name, *size))
    assert decoder == f"pillow jpeg luma {reduction}"
    assert far <= 4
    assert abs(fast_quality - quality) <= 1


@pytest.mark.slow
def test_fast_is_near_exact_at_twelve_megapixels(fixtures: Path) -> None:
    far, _fast, _quality, decoder = both_ways(enlarged(fixtures / "archive" / "towns/market.jpg", 4000, 3000))
    assert decoder == "pillow jpeg luma 1/4"
    assert far <= 4


@pytest.mark.slow
def test_fast_is_near_exact_on_large_corpus_photos(corpus: Path) -> None:
    paths = sorted((corpus / "photos").iterdir())
    sizes: Iterator[tuple[int, int]] = iter([(1100, 1500), (1203, 1100), (1999, 1337), (1703, 1024), (2048, 2049)])
    for path, size in zip(paths[20::40], sizes, strict=True):
        far, _fast, _quality, decoder = both_ways(enlarged(path, *size))
        assert decoder in ("pillow jpeg luma 1/2", "pillow jpeg luma 1/4")
        assert far <= 4, (path, size)


@pytest.mark.parametrize("size", [(2050, 700), (700, 2050), (1537, 1025), (1024, 1024), (513, 511)])
def test_fast_is_near_exact_when_averaged_down(size: tuple[int, int]) -> None:
    """What no decoder scales (PNG) is reduced by whole factors, another one for each side."""
    out = io.BytesIO()
    Image.fromarray(draw("smooth noise", *size, seed=5)).save(out, "PNG", compress_level=1)
    far, fast_quality, quality, _decoder = both_ways(out.getvalue())
    assert far <= 4
    assert abs(fast_quality - quality) <= 1


def test_grey_pictures_are_hashed_as_their_colour_form() -> None:
    grey = draw("smooth noise", 200, 150, seed=3)[:, :, 0]
    picture = Image.fromarray(grey)
    as_grey = by_name("pdq").hash(Picture(picture, picture.size))
    assert as_grey == by_name("pdq").hash(Picture(picture.convert("RGB"), picture.size))
    assert distance(as_grey[0], hash_exact(np.dstack([grey] * 3))[0]) <= 2


# The matrices.

lengths = st.integers(5, 3000)
factors = st.integers(1, 8)


def twice_filtered_and_sampled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The two box filters and the sampling along one side, the slow way, in double precision."""
    length = len(values)
    window = -(-length // 128)
    reach = (window + 2) // 2
    for _time in range(2):
        ends = [(max(o + reach - window, 0), min(o + reach, length)) for o in range(length)]
        values = np.array([values[left:right].mean() for left, right in ends])
    return values[[int((i + 0.5) * length / 64) for i in range(64)]]


@given(length=lengths, seed=st.integers(0, 2**20))
def test_sampling_matrix_filters_twice_and_samples(length: int, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 255, length)
    expected = twice_filtered_and_sampled(values)
    np.testing.assert_allclose(sampling_matrix(length, length) @ values, expected, atol=0.001)


@given(length=st.integers(5, 20_000), factor=factors)
def test_rows_are_means(length: int, factor: int) -> None:
    matrix = sampling_matrix(length, -(-length // factor))
    assert matrix.shape == (64, -(-length // factor))
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-4)


@given(length=st.integers(5, 6000), factor=factors, seed=st.integers(0, 2**20))
def test_folded_matrix_is_the_full_one_on_block_means(length: int, factor: int, seed: int) -> None:
    reduced = -(-length // factor)
    assume(reduced >= factor)
    values = np.random.default_rng(seed).uniform(0, 255, length)
    means = np.array([values[i : i + factor].mean() for i in range(0, length, factor)])
    spread = np.repeat(means, factor)[:length]
    folded, full = sampling_matrix(length, reduced) @ means, sampling_matrix(length, length) @ spread
    np.testing.assert_allclose(folded, full, atol=0.01)


def test_a_very_long_side() -> None:
    """Past 512 × 512 pixels a side, more pixels are averaged than are left."""
    strip = np.array(Image.fromarray(draw("noise", 40, 6, seed=4)).resize((307_201, 6), Image.Resampling.BICUBIC))
    out = io.BytesIO()
    Image.fromarray(strip).save(out, "PNG", compress_level=1)
    far, _fast, _quality, _decoder = both_ways(out.getvalue())
    assert far <= 4

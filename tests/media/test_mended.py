"""What viewers pass over in a JPEG or WebP hides no picture, and a second decoder is asked where Pillow refuses."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import Limits, MediaType, Stills, load_decoder, open_media, second_choice
from tests.support.opened_media import away, pictures
from tests.support.still_files import saved, scene, still


def open_as(data: bytes, decoder: str, format: str, limits: Limits = Limits()) -> Stills:
    medium = open_media(io.BytesIO(data), data, MediaType(decoder, format), limits, False)  # type: ignore[arg-type]
    assert isinstance(medium, Stills)
    return medium


def first(data: bytes, format: str, decoder: str = "pillow") -> Picture:
    (only,) = open_as(data, decoder, format).pictures
    return only


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


SIDE_SEGMENTS = {
    "short-app14": segment(0xEE, b"Adobe\0"),
    "short-app0": segment(0xE0, b"JFIF\0"),
    "broken-exif": segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"),
    "exif-of-nothing": segment(0xE1, b"Exif\0\0"),
    "broken-mpf": segment(0xE2, b"MPF\0II*\0\xff\xff"),
    "broken-photoshop": segment(0xED, b"Photoshop 3.0\0008BIM\x03\xed"),
    "first-of-three-profiles": segment(0xE2, b"ICC_PROFILE\0\1\3" + bytes(200)),
    "profile-of-nothing": segment(0xE2, b"ICC_PROFILE\0"),
    "length-of-one": b"\xff\xe3\0\1",
    "length-of-zero": b"\xff\xe3\0\0",
    "fillers": b"\xff" * 300,
    "junk": b"junk, junk",
}


@pytest.mark.parametrize("kind", SIDE_SEGMENTS)
def test_side_segments_of_jpeg(kind: str) -> None:
    data = saved(scene(), "JPEG", quality=95)
    assert away(first(data[:2] + SIDE_SEGMENTS[kind] + data[2:], "JPEG"), scene()) <= 6


def test_what_comes_before_a_jpeg() -> None:
    data = saved(scene(), "JPEG", quality=95)
    for before in (b"\n", b"some words", bytes(500)):
        assert away(first(before + data, "JPEG"), scene()) <= 6


def test_a_mended_jpeg_is_still_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(scene(), "JPEG", exif=exif)
    assert first(data[:2] + SIDE_SEGMENTS["short-app14"] + data[2:], "JPEG").full_size == (180, 240)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("size", [0, 1, 4, 1000, 0xFFFFFFFF])
def test_riff_of_a_wrong_size(size: int) -> None:
    data = still("webp-lossless")
    assert away(first(data[:4] + struct.pack("<I", size) + data[8:], "WEBP"), scene()) <= 6


def test_unknown_chunks_of_webp() -> None:
    data, junk = still("webp-lossless"), chunk(b"JUNK", b"nothing")
    whole = struct.pack("<I", len(data) - 8 + len(junk))
    assert away(first(data[:4] + whole + data[8:12] + junk + data[12:], "WEBP"), scene()) <= 6
    assert away(first(data[:4] + whole + data[8:] + junk, "WEBP"), scene()) <= 6


# A second opinion.


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp", "jp2", "avif", "jpeg-grey", "png-16-bit"])
def test_opencv_sees_the_same(name: str) -> None:
    format = {"jp2": "JPEG2000", "jpeg-grey": "JPEG", "png-16-bit": "PNG"}.get(name, name.upper())
    assert open_as(still(name), "opencv", format).decoder == f"opencv {format.lower()} full"
    assert away(first(still(name), format, "opencv"), scene()) <= 6


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp", "jp2"])
def test_opencv_has_our_limits(name: str) -> None:
    format = "JPEG2000" if name == "jp2" else name.upper()
    with pytest.raises(MediaError) as caught:
        open_as(still(name), "opencv", format, Limits(max_pixels=240 * 180 - 1))
    assert caught.value.code == "too-large"


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + bytes(300), b"\x89PNG\r\n\x1a\n" + bytes(50)]
)
def test_opencv_refuses_nonsense(data: bytes) -> None:
    for format in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "JPEG2000"):
        with pytest.raises(MediaError) as caught:
            list(open_as(data, "opencv", format).pictures)
        assert caught.value.code == "corrupt"


def test_opencv_turns_upright_and_keeps_alpha() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert first(saved(scene(), "JPEG", exif=exif), "JPEG", "opencv").full_size == (180, 240)
    image = scene().convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(240) < 120, 0, 255)[None].repeat(180, 0).astype(np.uint8)))
    light, *_dark = open_as(saved(image, "PNG"), "opencv", "PNG").pictures
    assert np.asarray(light.image)[:, :118].min() == 255


@pytest.mark.parametrize("colours", [1, 3])
def test_lossless_jpeg(colours: int) -> None:
    codecs = pytest.importorskip("imagecodecs", reason="imagecodecs makes such files; it is in the extra [test]")
    image = scene(1, 700, 600).convert("L" if colours == 1 else "RGB")
    data = codecs.jpeg8_encode(np.asarray(image), lossless=True)
    try:
        shown = first(data, "JPEG")
    except MediaError as error:
        assert second_choice(MediaType("pillow", "JPEG"), b"", b"", error.failure) == MediaType("opencv", "JPEG")
        shown = first(data, "JPEG", "opencv")
    assert away(shown, image) <= 6
    cut = open_as(data[: len(data) * 3 // 4], "opencv", "JPEG").pictures
    assert next(cut).view == "full"
    with pytest.raises(MediaError) as caught:
        next(cut)
    assert caught.value.code == "partial"


def test_what_is_loaded_for_it() -> None:
    load_decoder("opencv")
    load_decoder("tifffile")


# What is left.


def test_a_shred_of_a_jpeg_is_no_picture() -> None:
    data = saved(scene(1, 700, 600), "JPEG", quality=95)
    start = data.index(b"\xff\xda")
    shred = data[: start + (len(data) - start) * 2 // 100]
    for decoder in ("pillow", "opencv"):
        with pytest.raises(MediaError) as caught:
            list(open_as(shred, decoder, "JPEG").pictures)
        assert caught.value.code == "corrupt"
    with pytest.raises(MediaError) as caught:
        list(open_as(shred, "pillow", "JPEG").pictures)
    assert "%" in caught.value.message


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_half_of_a_picture_is_partial(format: str) -> None:
    data = saved(scene(1, 300, 400).convert("L"), format, **({"interlace": 0} if format == "GIF" else {}))
    seen = []
    with pytest.raises(MediaError) as caught:
        for picture in open_as(data[: len(data) // 2], "pillow", format).pictures:
            seen.append(picture)
    assert (caught.value.code, len(seen)) == ("partial", 1)


# Limits.


def test_a_photo_counts_as_it_is_decoded() -> None:
    data = saved(scene(1, 2100, 1500), "JPEG")
    assert pictures(data, limits=Limits(max_pixels=1050 * 750 // 2))
    for options in ({"exact": True}, {"limits": Limits(max_pixels=1050 * 750 // 2 - 1)}):
        with pytest.raises(MediaError) as caught:
            pictures(data, **{"limits": Limits(max_pixels=1050 * 750 // 2), **options})  # type: ignore[arg-type]
        assert caught.value.code == "too-large"


def test_a_progressive_photo_keeps_all_its_coefficients() -> None:
    data = saved(scene(1, 2100, 1500), "JPEG", progressive=True, subsampling="4:2:0")
    needed = 2100 * 1500 * 3 // 4  # three bytes a pixel, of four that a pixel is reckoned with
    assert pictures(data, limits=Limits(max_pixels=needed))
    with pytest.raises(MediaError) as caught:
        pictures(data, limits=Limits(max_pixels=needed - 1))
    assert caught.value.code == "too-large"


def test_of_a_webp_that_is_cut_ffmpeg_gives_what_is_left() -> None:
    image = scene(1, 300, 400)
    data = saved(image, "WEBP", quality=90)
    cut = data[: len(data) * 7 // 10]
    with pytest.raises(MediaError) as caught:
        first(cut, "WEBP")
    second = second_choice(MediaType("pillow", "WEBP"), b"", b"", caught.value.failure)
    assert second == MediaType("ffmpeg-still", "webp")
    medium = open_as(cut, "ffmpeg-still", "webp")
    shown = np.asarray(next(medium.pictures).image).astype(int)
    assert np.abs(shown - np.asarray(image.convert("L")))[:150].mean() <= 4
    with pytest.raises(MediaError) as caught:
        next(medium.pictures)
    assert caught.value.code == "partial"
    for shred in (data[: len(data) // 4], data[:40]):
        with pytest.raises(MediaError) as caught:
            list(open_as(shred, "ffmpeg-still", "webp").pictures)
        assert caught.value.code == "corrupt"

"""Stills of formats that are met seldom: recognised, decoded to what they show, and refused within limits."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

from hashmatch.errors import CODES, MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import Limits, MediaType, Stills, extra_codecs, open_media, rare_stills, second_choice
from hashmatch.media.light import shown_light
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.messages import Message
from tests.support.opened_media import away
from tests.support.rare_stills import RARE_STILLS, by_ffmpeg, by_imagecodecs, jxl, rare_still
from tests.support.still_files import scene

#: Made of values that are no light: only their second look is as they were.
STORED_WITH_CURVE = ("exr", "pfm")


def opened(data: bytes, limits: Limits = Limits(), exact: bool = False) -> list[Picture]:
    """The pictures, by the first decoder or the second."""
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    try:
        return _pictures(data, media_type, limits, exact)
    except MediaError as error:
        other = second_choice(media_type, b"", b"/a/b", error.failure)
        if other is None:
            raise
        return _pictures(data, other, limits, exact)


def _pictures(data: bytes, media_type: MediaType, limits: Limits, exact: bool) -> list[Picture]:
    medium = open_media(io.BytesIO(data), data, media_type, limits, exact)
    assert isinstance(medium, Stills)
    return list(medium.pictures)


@pytest.mark.parametrize("name", RARE_STILLS)
def test_it_is_recognised(name: str) -> None:
    assert sniff(rare_still(name)[:HEAD_BYTES]) == RARE_STILLS[name][1]


@pytest.mark.parametrize("name", RARE_STILLS)
@pytest.mark.parametrize("exact", [False, True])
def test_it_is_what_it_shows(name: str, exact: bool) -> None:
    pictures = opened(rare_still(name), exact=exact)
    shown = scene().convert("L" if "grey" in name else "RGB")
    if exact:  # one look only
        assert [picture.image.mode for picture in pictures] == ["RGB"]
    if not exact or name not in STORED_WITH_CURVE:
        assert min(away(picture, shown) for picture in pictures) <= RARE_STILLS[name][2]
    width, height = pictures[0].full_size
    assert width >= 240 and height >= 180


@pytest.mark.parametrize("name", RARE_STILLS)
def test_its_size_is_known_before_it_is_decoded(name: str) -> None:
    with pytest.raises(MediaError) as caught:
        opened(rare_still(name), Limits(max_pixels=20_000))
    assert caught.value.code == "too-large"


@pytest.mark.parametrize("name", RARE_STILLS)
def test_it_is_damaged(name: str) -> None:
    """Cut off or with bytes changed, it gives pictures or a MediaError, and nothing else."""
    data, chance = rare_still(name), random.Random(1)
    for number in range(4 if name.startswith("jpeg-ls") else 12):  # CharLS can take seconds over each
        broken = bytearray(data[: chance.randrange(20, len(data))] if number % 2 else data)
        for _byte in range(chance.randrange(1, 10)):
            broken[
                chance.randrange(
                    len(broken) if number % 3 else 18,
                )
            ] = chance.randrange(256)
        media_type = sniff(bytes(broken[:HEAD_BYTES]))
        if media_type is None or media_type.decoder in (None, "pyav"):
            continue
        try:
            opened(bytes(broken), Limits(max_pixels=1_000_000))
        except MediaError as error:
            assert error.code in CODES and error.message


def test_the_largest_icon_is_shown() -> None:
    (picture,) = opened(rare_still("ico"))
    assert picture.full_size == (240, 180)


def test_light_is_shown_by_the_curve_of_srgb() -> None:
    light = np.array([[0.0, 0.2140, 1.0]], np.float32)
    shown = shown_light(light)
    assert np.asarray(shown.image).tolist() == [[0, 127, 255]]
    assert shown.stored is not None and np.asarray(shown.stored).tolist() == [[0, 55, 255]]


def test_bright_light_is_made_darker() -> None:
    """Until but one pixel in 200 is white; broken numbers count for nothing."""
    light = np.linspace(0, 10, 1000, dtype=np.float32).reshape(20, 50)
    light[0, 0], light[0, 1] = np.nan, np.inf
    values = np.asarray(shown_light(light).image)
    assert values[0, 0] == values[0, 1] == 0 and 4 <= (values == 255).sum() <= 10


def test_values_with_a_curve_are_a_second_look() -> None:
    looks = opened(rare_still("exr"))
    assert [each.view for each in looks] == ["full", "look1"]
    assert away(looks[1], scene()) <= 2


def test_an_animation_of_jpeg_xl_is_partial() -> None:
    frames = np.stack([np.asarray(scene(seed)) for seed in (1, 2)])
    data = by_imagecodecs("jpegxl_encode", frames, lossless=True, photometric="rgb")
    jxl()  # skips where there is no decoder
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    medium = open_media(io.BytesIO(data), data, media_type, Limits(), False)
    assert isinstance(medium, Stills)
    first = next(medium.pictures)
    assert away(first, scene(1)) <= 4
    with pytest.raises(MediaError) as caught:
        next(medium.pictures)
    assert caught.value.code == "unsupported-format" and caught.value.detail == Message.of("first-frame-only")


def test_jpeg_xl_has_its_profile() -> None:
    profile = by_profile()
    (picture,) = opened(jxl(icc=profile))
    assert away(picture, scene()) <= 31


def by_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("name", ["jpeg-xr", "jpeg-12-bit", "jpeg-ls-mixed"])
def test_without_the_extra_it_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = rare_still(name)
    monkeypatch.setattr(extra_codecs, "load", lambda: None)
    with pytest.raises(MediaError) as caught:
        opened(data)
    assert caught.value.code == "unsupported-format"
    assert "JPEG" in caught.value.message and "hashmatch[formats]" in caught.value.message


def test_ffmpeg_reads_most_jpeg_ls_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rare_stills.extra_codecs, "load", lambda: None)
    (picture,) = opened(by_ffmpeg("jpegls", "rgb24"))
    assert away(picture, scene()) <= 2

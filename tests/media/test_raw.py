"""Cameras' raw files, by the pictures in them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import Limits, MediaType, Stills, open_media
from hashmatch.media import raw as raw_files
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.opened_media import away
from tests.support.rare_stills import MAKE, RAW_KINDS, SUB, raw, raw_head, tiff
from tests.support.still_files import saved, scene, stored_lying

THUMBNAIL, PREVIEW = saved(scene(9, 160, 120), "JPEG"), saved(scene(), "JPEG", quality=95)


def opened(data: bytes, limits: Limits = Limits()) -> Picture:
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None and media_type.decoder == "raw"
    medium = open_media(io.BytesIO(data), data, media_type, limits, False)
    assert isinstance(medium, Stills)
    return next(medium.pictures)


@pytest.mark.parametrize("kind", RAW_KINDS)
def test_the_largest_preview_is_shown(kind: str) -> None:
    for previews in ((THUMBNAIL, PREVIEW), (PREVIEW, THUMBNAIL)):
        picture = opened(raw(kind, *previews))
        assert away(picture, scene()) <= 4 and picture.full_size == (240, 180)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("kind", ["nef", "dng", "orf", "cr3"])
def test_a_preview_is_turned_as_the_raw_file_says(kind: str, orientation: int) -> None:
    lying = saved(stored_lying(scene(1, 180, 240) if orientation > 4 else scene(), orientation), "JPEG", quality=95)
    picture = opened(raw(kind, lying, orientation=orientation))
    assert away(picture, scene(1, 180, 240) if orientation > 4 else scene()) <= 4


def test_a_preview_that_says_how_it_lies_is_believed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    lying = saved(stored_lying(scene(), 3), "JPEG", quality=95, exif=exif)
    assert away(opened(raw("nef", lying, orientation=6)), scene()) <= 4


def test_a_preview_that_stands_already_is_not_turned() -> None:
    standing = saved(scene(1, 180, 240), "JPEG", quality=95)
    assert away(opened(raw("nef", standing, orientation=6)), scene(1, 180, 240)) <= 4


def test_a_broken_preview_gives_way_to_the_next() -> None:
    broken = saved(scene(5, 480, 360), "JPEG").replace(b"\xff\xdb", b"\xff\xfe")  # without its tables
    assert away(opened(raw("cr2", broken, PREVIEW)), scene()) <= 4


def test_without_a_preview_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_files, "load", lambda: None)
    for kind in ("orf", "raf"):
        with pytest.raises(MediaError) as caught:
            opened(raw(kind))
        assert caught.value.code == "unsupported-format" and "hashmatch[formats]" in caught.value.message


@pytest.mark.parametrize("kind", RAW_KINDS)
def test_with_rawpy_broken_sensor_data_are_corrupt(kind: str) -> None:
    pytest.importorskip("rawpy", reason="the extra `formats` is not installed")
    with pytest.raises(MediaError) as caught:
        opened(raw(kind))
    assert caught.value.code in ("corrupt", "unsupported-format")


def test_a_directory_far_from_the_beginning() -> None:
    """The first bytes show a TIFF; its directory, which is read with the rest, a camera's."""
    data = tiff({MAKE: (2, 100), 254: (4, 1), SUB: (4, 1000)}, at=6000) + PREVIEW
    assert sniff(data[:HEAD_BYTES]) == MediaType("pillow", "TIFF")
    medium = open_media(io.BytesIO(data), data, MediaType("pillow", "TIFF"), Limits(), False)
    assert isinstance(medium, Stills) and away(next(medium.pictures), scene()) <= 4


def test_a_preview_above_the_limit() -> None:
    with pytest.raises(MediaError) as caught:
        opened(raw("nef", PREVIEW), Limits(max_pixels=10_000))
    assert caught.value.code == "too-large"


def test_many_beginnings_cost_little() -> None:
    """Each could be a JPEG; the search ends."""
    data = raw_head("nef") + (b"\xff\xd8\xff\xe0\0\x04" * 200_000) + PREVIEW
    assert len(list(raw_files.previews(data))) == 0


@pytest.mark.parametrize(
    "head",
    [
        saved(scene(), "TIFF")[:HEAD_BYTES],
        tiff({MAKE: (2, 100)}),
        tiff({SUB: (4, 1000)}),
        tiff({MAKE: (2, 100), 259: (3, 1), SUB: (4, 1000)}),
    ],
)
def test_a_picture_of_a_camera_is_no_raw_file(head: bytes) -> None:
    """Programs write the maker into every TIFF, and put smaller pictures below the first."""
    assert sniff(head) == MediaType("pillow", "TIFF")


def test_a_dng_without_preview_is_its_picture() -> None:
    """Or the sign of a camera would hide a TIFF from the scan."""
    picture = opened(saved(scene(), "TIFF", tiffinfo={0xC612: b"\1\4\0\0"}))
    assert away(picture, scene()) <= 31 and np.asarray(picture.image).std() > 10

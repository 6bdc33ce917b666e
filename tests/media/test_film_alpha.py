"""Films with transparency are hashed as they look on white and on a dark ground."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing, SmallPictures
from hashmatch.hashers.frames import hash_frames
from hashmatch.media.grounds import AS_STORED, DARK, ON_DARK, WHITE
from hashmatch.media.sampling import EVERY_FRAME
from hashmatch.views import FULL
from tests.support.alpha_films import ALPHA_FILMS, alpha_film, animated_sticker, sticker
from tests.support.film_files import film
from tests.support.opened_media import frames, opened_film

LIGHT = [sticker(7 + number // 4, light=True) for number in range(8)]
SHADOW = [sticker(7 + number // 4, light=False) for number in range(8)]


def away(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> int:
    """Bits of PDQ between two squares."""
    both = hash_frames(np.stack([one, other]))
    return int(np.bitwise_count(both[0] ^ both[1]).sum())


def on(ground: int, picture: Image.Image) -> npt.NDArray[np.uint8]:
    """What a viewer shows, as a square of 128."""
    sheet = Image.new("RGBA", picture.size, (ground, ground, ground, 255))
    shown = Image.alpha_composite(sheet, picture).convert("L")
    return np.asarray(shown.resize((128, 128), Image.Resampling.BOX))


@pytest.mark.parametrize("name", ALPHA_FILMS)
@pytest.mark.parametrize("pictures", [LIGHT, SHADOW], ids=["light", "dark"])
def test_as_a_player_shows_it(name: str, pictures: list[Image.Image]) -> None:
    shown = frames(alpha_film(name, pictures), EVERY_FRAME)
    assert len(shown) == len(pictures)
    for frame, picture in zip(shown, pictures, strict=True):
        ((look, dark),) = frame.looks
        assert look == ON_DARK
        # On one of the grounds hardly anything may be seen, and PDQ then is of what is left.
        for ground, square in ((WHITE, frame.pixels), (DARK, dark)):
            expected = on(ground, picture)
            assert np.abs(square.astype(int) - expected).mean() < 6
            assert expected.std() < 50 or away(square, expected) <= 16


@pytest.mark.parametrize("name", ALPHA_FILMS)
def test_alpha_that_means_nothing(name: str) -> None:
    """Zero everywhere, or opaque everywhere: the colours are shown."""
    for alpha in (0, 255):
        pictures = [picture.copy() for picture in LIGHT[:2]]
        for picture in pictures:
            picture.putalpha(alpha)
        for frame, picture in zip(frames(alpha_film(name, pictures), EVERY_FRAME), pictures, strict=True):
            assert frame.looks == ()
            expected = np.asarray(picture.convert("RGB").convert("L").resize((128, 128), Image.Resampling.BOX))
            assert np.abs(frame.pixels.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("name", ["webm-vp9", "mov-qtrle"])
def test_a_sticker_is_found_whatever_its_format(name: str) -> None:
    """As an animated WebP in the reference set and as a film in a query, and the other way round."""
    as_film, as_webp = alpha_film(name, SHADOW), animated_sticker(SHADOW)
    for known, asked in ((as_webp, as_film), (as_film, as_webp)):
        reference = fingerprint(io.BytesIO(known), ReferenceHashing())
        query = fingerprint(io.BytesIO(asked), QueryHashing())
        for view in (FULL, ON_DARK):
            stored = [each.bits for each in reference.hashes if each.view == view and (each.quality or 0) >= 50]
            seen = [each.bits for each in query.hashes if each.view == view and (each.quality or 0) >= 50]
            assert bool(stored) == bool(seen)
            for bits in seen:
                assert min((int.from_bytes(bits) ^ int.from_bytes(other)).bit_count() for other in stored) <= 31
        assert any(each.view == FULL for each in reference.hashes)


def test_looks_are_mirrored_as_the_whole_frame() -> None:
    query = fingerprint(io.BytesIO(alpha_film("mov-qtrle", LIGHT)), QueryHashing())
    dark = [each for each in query.hashes if each.view == ON_DARK]
    assert dark and all(len(each.turned) == len(each.bits) for each in dark)


def test_an_ordinary_film_has_one_look() -> None:
    assert all(frame.looks == () for frame in frames(film("mp4"), EVERY_FRAME))
    reference = fingerprint(io.BytesIO(film("mp4")), ReferenceHashing())
    assert not {each.view for each in reference.hashes} & {AS_STORED, ON_DARK}


def test_people_see_it_on_white() -> None:
    (picture,) = opened_film(alpha_film("mkv-ffv1", SHADOW)).pictures((0.0,), 96, lambda position, pixels: None)
    assert picture is not None
    shown = np.asarray(Image.frombytes("RGB", (picture.width, picture.height), picture.rgb).convert("L"))
    sheet = Image.new("RGBA", SHADOW[0].size, "white")
    expected = Image.alpha_composite(sheet, SHADOW[0]).convert("L").resize((96, 96), Image.Resampling.BOX)
    assert np.abs(shown.astype(int) - np.asarray(expected)).mean() < 6
    found = fingerprint(io.BytesIO(alpha_film("mkv-ffv1", SHADOW)), SmallPictures(96, (0.0,)))
    assert found.moments[0] == picture

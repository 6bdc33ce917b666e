"""What is transparent is hashed over white and over a dark ground, as viewers show it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hashmatch.fingerprints.picture import hashes_of, leads, views_of
from hashmatch.fingerprints.settings import QueryHashing
from hashmatch.matching.tiers import quality_of
from hashmatch.media import shown
from hashmatch.media.grounds import DARK
from hashmatch.media.sampling import EVERY_FRAME
from hashmatch.records import Hash
from tests.support.opened_media import away, frames, pictures, pixels
from tests.support.still_files import png, saved, scene

LOSSLESS = {"WEBP": {"lossless": True, "exact": True}, "HEIF": {"quality": -1}, "AVIF": {"quality": 100}}


def figure(colour: str = "white", width: int = 240, height: int = 180, seed: int = 5) -> Image.Image:
    """Shapes of one colour on nothing."""
    image = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    chance = np.random.default_rng(seed)
    for _number in range(9):
        x, y, wide, high = (chance.random(4) * (width, height, width / 3, height / 3)).tolist()
        ImageDraw.Draw(image).rectangle((x, y, x + wide, y + high), fill=colour)
    return image


def on(image: Image.Image, ground: int) -> Image.Image:
    below = Image.new("RGBA", image.size, (ground, ground, ground, 255))
    below.alpha_composite(image.convert("RGBA"))
    return below.convert("RGB")


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG2000"])
def test_both_grounds(format: str) -> None:
    image = scene(1).convert("RGBA")
    image.putalpha(figure().getchannel("A"))
    light, dark = pictures(saved(image, format, **LOSSLESS.get(format, {})))
    assert (light.view, dark.view) == ("full", "look2")
    assert away(light, on(image, 255)) <= 10
    assert away(dark, on(image, DARK)) <= 10


def test_white_figure_on_nothing() -> None:
    light, dark = pictures(saved(figure(), "PNG"))
    assert np.asarray(light.image).min() == 255
    assert away(dark, on(figure(), DARK)) == 0
    assert away(dark, on(figure(), 60)) <= 4  # it matters little how dark


def test_black_figure_on_nothing() -> None:
    light, *_others = pictures(saved(figure("black"), "PNG"))
    assert away(light, on(figure("black"), 255)) == 0


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_alpha_that_is_zero_everywhere_means_nothing(format: str) -> None:
    image = scene(1).convert("RGBA")
    image.putalpha(0)
    data = saved(image, format, **LOSSLESS.get(format, {}))
    (only,) = pictures(data)
    assert away(only, scene(1)) <= 6
    assert (pixels(data) == np.asarray(scene(1))).all()


def test_opaque_pictures_have_one_look() -> None:
    image = scene(1).convert("RGBA")
    assert [each.view for each in pictures(saved(image, "PNG"))] == ["full"]
    image.putalpha(252)  # nobody sees that
    assert [each.view for each in pictures(saved(image, "PNG"))] == ["full"]


def test_round_corners_are_no_second_look() -> None:
    image = scene(1).convert("RGBA")
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *image.size), 8, fill=255)
    image.putalpha(mask)
    assert [each.view for each in pictures(saved(image, "PNG"))] == ["full"]


def test_exact_is_on_white_only() -> None:
    image = scene(1).convert("RGBA")
    image.putalpha(figure().getchannel("A"))
    (only,) = pictures(saved(image, "PNG"), exact=True)
    assert (np.abs(np.asarray(only.image).astype(int) - np.asarray(on(image, 255))) <= 1).all()


def test_palette_and_single_colours() -> None:
    mask = np.asarray(figure().getchannel("A"))
    grey = np.where(mask, 255, 9).astype(np.uint8)
    for data in (
        saved(Image.fromarray(grey), "PNG", transparency=9),
        saved(Image.fromarray(grey), "GIF", transparency=9),
        png(16, 0, np.repeat(grey[:, :, None], 2, axis=2).reshape(180, -1), 240, (b"tRNS", b"\x09\x09")),
    ):
        assert away(pictures(data)[-1], on(figure(), DARK)) == 0
        assert pictures(data)[-1].view == "look2"


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_animations(format: str) -> None:
    first, *rest = (figure("white", 96, 72, seed) for seed in (5, 6, 7))
    options = {"lossless": True} if format == "WEBP" else {}
    data = saved(first, format, save_all=True, append_images=rest, duration=500, disposal=1, blend=0, **options)
    seen = frames(data, EVERY_FRAME)
    assert len(seen) == 3
    for seed, frame in zip((5, 6, 7), seen, strict=True):
        assert frame.pixels.min() == 255
        ((name, square),) = frame.looks
        assert name == "look2" and square.shape == frame.pixels.shape
        assert away(replace(frame, pixels=square), on(figure("white", 96, 72, seed), DARK)) <= 31
    assert all(not frame.looks for frame in frames(data, EVERY_FRAME, exact=True))


def test_pages_have_looks_of_their_own() -> None:
    data = saved(figure("black"), "TIFF", save_all=True, append_images=[figure(seed=6)])
    assert [each.view for each in pictures(data)][-2:] == ["page2", "look4"]


def test_borders_and_features_of_the_look_with_detail() -> None:
    """White on white has none, so that the dark look is searched for a frame around it."""
    wide = Image.new("RGBA", (240, 300), (0, 0, 0, 0))
    wide.paste(figure(), (0, 60))
    light, dark = pictures(saved(wide, "PNG"))
    settings = QueryHashing(("pdq",))
    assert leads(light, [])
    of_light = list(hashes_of(light, settings, views_of(light, settings)))
    assert max(each.quality or 0 for each in of_light if each.algorithm == "pdq") < quality_of("pdq").good
    assert leads(dark, of_light)
    assert views_of(dark, settings)
    of_dark = list(hashes_of(dark, settings))
    assert [each.turned != b"" for each in of_dark if each.algorithm == "pdq"] == [True]
    assert not leads(dark, [Hash("pdq", bytes(32), 100)])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1", "CMYK", "I;16", "F", "I"])
def test_bands_make_no_difference(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = scene(1, 1100, 1290)
    if mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        image.putalpha(figure(width=1100, height=1290).getchannel("A"))
    image = (
        Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)
        if mode == "I;16"
        else image.convert(mode)
    )
    whole = shown.shown(image, "L", (2, 2), shown.as_stored)
    monkeypatch.setattr(shown, "BAND", 100_000)
    banded = shown.shown(image, "L", (2, 2), shown.as_stored)
    for one, other in zip((whole.on_white, whole.on_dark), (banded.on_white, banded.on_dark), strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (np.asarray(one) == np.asarray(other)).all()
    assert (whole.on_dark is not None) == (mode in ("RGBA", "LA"))

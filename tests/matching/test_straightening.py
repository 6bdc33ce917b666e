"""What local features found, made straight and compared with the reference."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hashmatch.fingerprints.picture import small_copy_of
from hashmatch.hashers import blocks, details, pdq
from hashmatch.hashers.base import Picture
from hashmatch.matching import straightening
from hashmatch.matching.local import LocalMatch
from hashmatch.records import Guards

Corners = tuple[tuple[float, float], ...]


def scene(text: str = "", seed: int = 1) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
    image = Image.fromarray(noise).resize((900, 600), Image.Resampling.BICUBIC)
    if text:
        draw = ImageDraw.Draw(image)
        draw.rectangle((40, 480, 860, 550), fill=(20, 30, 90))
        draw.text((60, 490), text, "white", ImageFont.load_default(44))
    return image


def kept(image: Image.Image) -> tuple[bytes, Guards]:
    """PDQ and guards of a reference."""
    picture = Picture(image, image.size)
    packed = details.pack(details.details_of(image, image))
    return pdq.hash_picture(picture)[0], Guards(blocks.pack(blocks.levels_of(image)), packed)


def shown(image: Image.Image, corners: Corners, size: tuple[int, int] = (1000, 800)) -> Image.Image:
    """A suspect in which a picture has these corners, in parts of the suspect's size."""
    width, height = image.size
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (np.array(corners) * size).astype(np.float32))
    return Image.fromarray(cv2.warpPerspective(np.asarray(image), matrix, size, borderValue=(90, 90, 90)))


def local(corners: Corners, off: float = 0.0, inverted: bool = False) -> LocalMatch:
    """What local features say. off: by how much, in parts of the suspect's size, one corner is wrong."""
    (x, y), *rest = corners
    return LocalMatch(1, 20, 1.0, 1.0, ((x + off, y + off), *rest), False, 1.0, 0.0, inverted)  # type: ignore[arg-type]


PLACES: dict[str, Corners] = {
    "inset": ((0.2, 0.1), (0.8, 0.1), (0.8, 0.6), (0.2, 0.6)),
    "turned": ((0.3, 0.1), (0.9, 0.3), (0.7, 0.85), (0.1, 0.65)),
    "mirrored": ((0.9, 0.1), (0.1, 0.1), (0.1, 0.8), (0.9, 0.8)),
    "filmed": ((0.1, 0.15), (0.9, 0.1), (0.85, 0.9), (0.15, 0.8)),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("off", [0.0, 0.01])
def test_the_same_picture_is_proved(name: str, off: float) -> None:
    bits, guards = kept(scene("Council denies the new report"))
    suspect = shown(scene("Council denies the new report"), PLACES[name])
    copy = small_copy_of(Picture(suspect, suspect.size))
    found = straightening.straighten(copy, local(PLACES[name], off), bits, guards)
    assert found is not None and found.visible == 1.0 and found.distance is not None and found.distance <= 31
    assert straightening.proves(found)


@pytest.mark.parametrize("name", PLACES)
def test_another_text_is_not(name: str) -> None:
    bits, guards = kept(scene("Council denies the new report"))
    suspect = shown(scene("Market rises after the deal"), PLACES[name])
    found = straightening.straighten(small_copy_of(Picture(suspect, suspect.size)), local(PLACES[name]), bits, guards)
    assert found is not None and not straightening.proves(found)


def test_another_picture_is_not() -> None:
    bits, guards = kept(scene(seed=1))
    suspect = shown(scene(seed=2), PLACES["inset"])
    found = straightening.straighten(
        small_copy_of(Picture(suspect, suspect.size)), local(PLACES["inset"]), bits, guards
    )
    assert found is not None and found.agreement < 0.7 and not straightening.proves(found)


def test_of_a_crop_what_is_visible_counts() -> None:
    bits, guards = kept(scene("Council denies the new report"))
    corners = ((-0.2, -0.1), (1.05, -0.1), (1.05, 1.1), (-0.2, 1.1))
    suspect = shown(scene("Council denies the new report"), corners)
    found = straightening.straighten(small_copy_of(Picture(suspect, suspect.size)), local(corners), bits, guards)
    assert found is not None and 0.5 < found.visible < 0.8
    assert found.distance is None and found.colours is None, "they are of the whole picture"
    assert straightening.proves(found)


def test_too_little_is_visible() -> None:
    bits, guards = kept(scene())
    corners = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
    suspect = shown(scene(), corners)
    assert straightening.straighten(small_copy_of(Picture(suspect, suspect.size)), local(corners), bits, guards) is None


def test_a_negative() -> None:
    bits, guards = kept(scene())
    suspect = shown(scene(), PLACES["inset"]).point(lambda value: 255 - value)
    copy = small_copy_of(Picture(suspect, suspect.size))
    found = straightening.straighten(copy, local(PLACES["inset"], inverted=True), bits, guards)
    assert found is not None and straightening.proves(found)


def test_without_details_nothing_is_compared() -> None:
    bits, guards = kept(scene())
    suspect = shown(scene(), PLACES["inset"])
    copy = small_copy_of(Picture(suspect, suspect.size))
    assert straightening.straighten(copy, local(PLACES["inset"]), bits, Guards(guards.blocks)) is None


def test_a_small_copy_is_small() -> None:
    image = scene().resize((3000, 2000))
    copy = small_copy_of(Picture(image, image.size))
    assert (copy.width, copy.height) == (512, 341) and len(copy.luma) == 512 * 341
    assert len(copy.chroma) == 2 * copy.chroma_width * copy.chroma_height == 2 * 128 * 85
    assert small_copy_of(Picture(image.convert("L"), image.size)).chroma == b""

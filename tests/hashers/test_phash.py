"""pHash and dHash are ImageHash's, which is asked here with the same picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagehash
import pytest
from hypothesis import given, settings
from PIL import Image

from hashmatch.hashers import by_name
from hashmatch.hashers.base import Picture
from tests.support.edge_case_pictures import Pixels, pictures

BOTH: list[tuple[str, Callable[..., Any]]] = [("phash", imagehash.phash), ("dhash", imagehash.dhash)]


def check(name: str, theirs: Callable[..., Any], image: Image.Image) -> None:
    bits, quality = by_name(name).hash(Picture(image, image.size))
    assert bits.hex() == str(theirs(image))
    assert quality is None


@pytest.mark.parametrize(("name", "theirs"), BOTH)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_equal_on_a_photo(fixtures: Path, mode: str, name: str, theirs: Callable[..., Any]) -> None:
    for each in ("towns/market.jpg", "landscapes/sunset-at-sea.jpg", "posters/concert.jpg"):
        with Image.open(fixtures / "archive" / each) as image:
            check(name, theirs, image.convert(mode))


@pytest.mark.parametrize(("name", "theirs"), BOTH)
@settings(max_examples=40)
@given(pixels=pictures(5, 300))
def test_equal_on_made_pictures(name: str, theirs: Callable[..., Any], pixels: Pixels) -> None:
    image = Image.fromarray(pixels)
    check(name, theirs, image)
    check(name, theirs, image.convert("L"))

"""Pictures of a report: which ones, how many, and what of them can be seen."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hashmatch
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result
from hashmatch.media import Limits
from hashmatch.report import pictures
from hashmatch.report.pictures import PictureRule, ShownPicture, moment_of
from tests.support.report_pages import LONG
from tests.support.report_results import CROPPED, MATCHED


@pytest.fixture(scope="module")
def scanned(fixtures: Path) -> list[Result]:
    """Two pictures that matched, as results."""
    paths = [fixtures / "uploads" / name for name in ("small.jpg", "phone.jpg")]
    found = [hashmatch.hash_file(path) for path in paths]
    return [
        Result(
            bytes(path), "match", False, "near", "image", each.size, each.digests.sha256, each.digests.md5, (CROPPED,)
        )
        for path, each in zip(paths, found, strict=True)
        if each.digests
    ]


def made(results: list[Result], rule: PictureRule) -> dict[bytes, ShownPicture]:
    def fresh() -> Iterator[Result]:
        yield from results

    return dict(pictures.pictures(fresh(), rule, Isolation(workers=1), Limits()))


def image(picture: ShownPicture) -> Image.Image:
    assert picture.data is not None
    return Image.open(io.BytesIO(base64.b64decode(picture.data.removeprefix("data:image/jpeg;base64,"))))


def test_what_is_blurred_cannot_be_made_sharp(scanned: list[Result]) -> None:
    for rule, side in (("plain", 240), ("grey", 240), ("blurred", 20)):
        for picture in made(scanned, rule).values():  # type: ignore[arg-type]
            found = image(picture)
            assert max(found.size) == side
            assert max(picture.width, picture.height) == 240, "all are shown at one size"
            pixels = np.asarray(found.convert("RGB"), np.int16)
            assert (np.abs(pixels - pixels.mean(axis=2, keepdims=True)).max() < 1) == (rule == "grey")
            assert found.getexif() == {} and "icc_profile" not in found.info


def test_there_are_limits(scanned: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PICTURES", 1)
    first, second = made(scanned, "grey").values()
    assert sorted([first.data is None, second.data is None]) == [False, True]
    monkeypatch.setattr(pictures, "MOST_PICTURES", 9)
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    for picture in made(scanned, "grey").values():
        assert picture.data is None and "as many as it may" in picture.why


def test_what_was_not_decoded_has_none(scanned: list[Result]) -> None:
    (picture,) = made([replace(scanned[0], kind=None)], "grey").values()
    assert picture == ShownPicture(why="no picture: nothing could be decoded")


def test_the_frame_of_a_film_is_within_what_matches() -> None:
    assert moment_of(MATCHED) == 2.0
    assert moment_of(LONG) == 4.0
    assert moment_of(replace(LONG, matches=())) == pictures.EARLY

"""One picture to everything that is kept of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashmatch.fingerprints.picture import features_of, hashes_of, pixels_of, views_of
from hashmatch.fingerprints.settings import Hashing, PlainHashing, QueryHashing, ReferenceHashing
from hashmatch.hashers import DETAILS, GUARD, blocks, pdq
from hashmatch.hashers.base import Picture
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.records import Hash, View
from tests.support.film_files import Film, filmed
from tests.support.layered_scenes import layered_scene


def framed(seed: int = 1) -> Image.Image:
    """A picture between two black bars."""
    sheet = Image.new("L", (576, 520), 0)
    sheet.paste(layered_scene(seed), (0, 100))
    return sheet


def of(picture: Picture, settings: Hashing = ReferenceHashing()) -> list[Hash]:
    return list(hashes_of(picture, settings, views_of(picture, settings)))


def test_a_view_has_the_hashes_of_what_it_shows() -> None:
    sheet = framed()
    found = of(Picture(sheet, sheet.size))
    views = {each.view: each for each in found if each.algorithm == "pdq"}
    assert set(views) > {"full"}
    inner = layered_scene(1)
    expected, quality = pdq.HASHER.hash(Picture(inner, inner.size))
    distances = {
        view: (int.from_bytes(each.bits, "big") ^ int.from_bytes(expected, "big")).bit_count()
        for view, each in views.items()
    }
    best = min(distances, key=lambda view: distances[view])
    assert best.startswith("trim") and distances[best] <= 10 and abs((views[best].quality or 0) - quality) <= 2
    assert [each.view for each in found if each.algorithm == GUARD] == list(views)
    proof = [view for view in views if not view.startswith("part")]
    assert [each.view for each in found if each.algorithm == DETAILS] == proof
    asked = of(Picture(sheet, sheet.size), QueryHashing())
    assert [each.view for each in asked if each.algorithm == DETAILS] == list(views)
    told = of(Picture(sheet, sheet.size), PlainHashing())
    assert not [each for each in told if each.algorithm == DETAILS], "nobody asks for it"


def test_a_part_knows_its_size_in_the_original() -> None:
    picture = Picture(Image.new("L", (100, 80)), (400, 320))
    part = picture.part(View("trim1", 0.25, 0.5, 0.75, 1.0))
    assert (part.image.size, part.full_size, part.view) == ((50, 40), (200, 160), "trim1")


def test_only_a_query_is_turned() -> None:
    picture = Picture(layered_scene(2), (576, 320))
    (reference, *_), (query, *_) = of(picture), of(picture, QueryHashing())
    assert reference.turned == b"" and reference.bits == query.bits
    assert b"".join(pdq.hash_orientations(picture)[0][1:]) == query.turned


def test_further_pages_have_no_views() -> None:
    sheet = framed()
    picture = Picture(sheet, sheet.size, view="page2")
    assert views_of(picture, ReferenceHashing()) == ()
    assert [each.algorithm for each in of(picture)] == ["pdq", GUARD, DETAILS]


def test_other_algorithms_beside() -> None:
    picture = Picture(layered_scene(3), (576, 320))
    assert {each.algorithm for each in of(picture, ReferenceHashing(("pdq", "dhash")))} == {
        "pdq",
        GUARD,
        DETAILS,
        "dhash",
    }
    assert [each.algorithm for each in of(picture, ReferenceHashing(("dhash",)))] == ["dhash"]


def test_a_view_with_little_in_it_is_left_out() -> None:
    sheet = Image.new("L", (576, 520), 0)
    sheet.paste(Image.new("L", (576, 320), 128), (0, 100))
    assert {each.view for each in of(Picture(sheet, sheet.size))} == {"full"}


def test_features() -> None:
    picture = Picture(layered_scene(4), (576, 320))
    (stored,) = features_of(picture, ReferenceHashing())
    upright, mirrored, negative = map(LocalFeatures.from_bytes, features_of(picture, QueryHashing(profile="thorough")))
    assert 0 < len(LocalFeatures.from_bytes(stored)) <= 400 and len(stored) <= 16 << 10
    assert len(upright) > len(LocalFeatures.from_bytes(stored))
    assert len(mirrored) == len(negative) == len(upright)
    flipped = Picture(picture.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (576, 320))
    turned = LocalFeatures.from_bytes(features_of(flipped, QueryHashing(profile="thorough"))[0])
    same = np.bitwise_count(turned.bits[:, None] ^ mirrored.bits).sum(axis=2).min(axis=1) <= 8
    assert same.mean() > 0.8
    (quick,) = features_of(picture, QueryHashing(profile="balanced"))
    assert 0 < len(LocalFeatures.from_bytes(quick)) < len(upright)


def test_pixels() -> None:
    found = pixels_of(Picture(layered_scene(5), (576, 320)), 200)
    assert (found.width, found.height) == (200, 111) and len(found.rgb) == 3 * 200 * 111


def test_the_blocks_are_those_of_the_picture() -> None:
    found = {each.algorithm: each.bits for each in of(Picture(layered_scene(6), (576, 320))) if each.view == "full"}
    assert (blocks.unpack(found[GUARD]) == blocks.levels_of(layered_scene(6))).all()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ReferenceHashing", "QueryHashing"])
def test_prepare_imports_all_that_hashing_takes(mode: str) -> None:
    """A locked worker can import nothing more."""
    script = f"""
import sys
import numpy as np
from PIL import Image
from hashmatch.hashers.base import Picture
from hashmatch.fingerprints.settings import {mode}
from hashmatch.fingerprints.picture import features_of, hashes_of, prepare, views_of
settings = {mode}(("pdq", "phash", "dhash"), features=True)
prepare(settings)
before = set(sys.modules)
for size in ((300, 200), (64, 64), (500, 900)):
    for value in (0, 255):
        sheet = np.full(size[::-1], value, np.uint8)
        sheet[20:-20, 10:-10] = np.random.default_rng(1).integers(0, 256, (size[1] - 40, size[0] - 20))
        picture = Picture(Image.fromarray(sheet), size)
        list(hashes_of(picture, settings, views_of(picture, settings)))
        features_of(picture, settings)
print(sorted(set(sys.modules) - before))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_prepare_imports_all_that_a_small_picture_takes(tmp_path: Path) -> None:
    layered_scene(5).convert("RGB").save(tmp_path / "a.jpg")
    script = """
import sys
from hashmatch.fingerprints.one_file import ReadingHooks, fingerprint
from hashmatch.fingerprints.many_files import _prepare
from hashmatch.fingerprints.settings import SmallPictures
settings = SmallPictures(64)
_prepare(settings, frozenset(["JPEG"]))
before = set(sys.modules)
with open("a.jpg", "rb") as file:
    result = fingerprint(file, settings)
assert result.pixels is not None and result.error is None, result
print(sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        "ReferenceHashing(ALL)",
        "QueryHashing(ALL, profile='thorough')",
        "QueryHashing(ALL)",
        "PlainHashing(ALL, exact=True)",
    ],
)
def test_prepare_imports_all_that_a_film_takes(settings: str, tmp_path: Path) -> None:
    """In a film with bars, so that these are looked for, too."""
    pictures = [
        np.pad(np.asarray(layered_scene(number // 8, (96, 54)).convert("L")), ((21, 21), (0, 0)))
        for number in range(80)
    ]
    (tmp_path / "film.mp4").write_bytes(filmed(pictures, Film("mp4", "libx264", "mov", size=(96, 96))))
    script = f"""
import sys
from hashmatch.fingerprints.one_file import ReadingHooks, fingerprint
from hashmatch.fingerprints.many_files import _prepare
from hashmatch.fingerprints.settings import PlainHashing, QueryHashing, ReferenceHashing
ALL = ("pdq", "phash", "dhash")
settings = {settings}
_prepare(settings, frozenset(["film"]))
before = set(sys.modules)
with open("film.mp4", "rb") as file:
    result = fingerprint(file, settings, ReadingHooks(parts_to_decode=lambda glance: ((0.0, 5.0),)))
assert len(result.hashes) > 3 and result.error is None, result
print(sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "[]"


def test_views_are_the_same_of_any_array() -> None:
    sheet = framed(7)
    colour = Picture(sheet.convert("RGB"), sheet.size)
    assert views_of(colour, ReferenceHashing()) == views_of(Picture(sheet, sheet.size), ReferenceHashing())
    assert not np.asarray(sheet)[:100].any()

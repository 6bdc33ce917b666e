"""One file to its fingerprint, in this process and in workers."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from hashmatch.fingerprints import film as film_module
from hashmatch.fingerprints.examiner import ExaminerHooks, FileState
from hashmatch.fingerprints.file_case import FileCase
from hashmatch.fingerprints.film import can_be_shared
from hashmatch.fingerprints.many_files import LocalExaminer, _is_credible, fingerprints
from hashmatch.fingerprints.one_file import ReadingHooks, fingerprint, joined
from hashmatch.fingerprints.settings import (
    Hashing,
    PlainHashing,
    QueryHashing,
    ReferenceHashing,
    Settings,
    SmallPictures,
    VpdqHashing,
)
from hashmatch.hashers.borders import MOST_VIEWS
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.hashers.orientations import ORIENTATIONS
from hashmatch.isolation import Isolation
from hashmatch.matching.status import is_skipped
from hashmatch.media import Limits, MediaType, recipe
from hashmatch.media.files import CHUNK, FoundPath, walk
from hashmatch.messages import Message
from hashmatch.records import (
    LONGEST_FILM,
    Digests,
    Failure,
    Fingerprint,
    Glance,
    Hash,
    Pixels,
    Sighting,
    Unexamined,
    View,
)
from tests.support.film_files import FILMS, film, sound
from tests.support.still_files import STILLS, animated, animation, saved, scene, still

QUICK = Isolation(workers=2, timeout=30)
ALL = ReferenceHashing(("pdq", "phash", "dhash"))


def of_bytes(data: bytes, settings: Settings = ReferenceHashing(), **more: Any) -> Fingerprint:
    return fingerprint(io.BytesIO(data), settings, ReadingHooks(**more))


def of_paths(
    *paths: Path, settings: Settings = ReferenceHashing(), isolation: Isolation = QUICK, **more: Any
) -> list[Fingerprint]:
    """In the order of the paths, from workers."""
    found = [FoundPath(os.fsencode(path)) for path in paths]
    done = {state.path: result for state, result in fingerprints(found, settings, isolation, ExaminerHooks(**more))}
    assert len(done) == len(paths)
    return [done[each.path] for each in found]  # type: ignore[misc]


def of_path(path: Path, **more: Any) -> Fingerprint:
    return of_paths(path, **more)[0]


def code(result: Fingerprint) -> str | None:
    return result.error.code if result.error else None


def digests_of(data: bytes) -> Digests:
    return Digests(hashlib.md5(data).hexdigest(), hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest())


def end_workers(how: signal.Signals) -> None:
    """End every worker process, and wait until it has."""
    for child in multiprocessing.active_children():
        assert child.pid is not None
        os.kill(child.pid, how)
        if how != signal.SIGSTOP:
            child.join()


@pytest.fixture(autouse=True)
def no_garbage() -> None:
    """What this process no longer needs of FFmpeg must not be left for a forked worker to clear away."""
    gc.collect()


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return saved(scene(), "JPEG", quality=95)


@pytest.fixture(scope="module")
def mp4() -> bytes:
    return film("mp4", seconds=2)


# What is measured.


def guarded(view: str) -> tuple[str, ...]:
    """What a view of a reference is hashed with."""
    return ("pdq", "blocks") if view.startswith("part") else ("pdq", "blocks", "details")


def test_a_photo(jpeg: bytes) -> None:
    result = of_bytes(jpeg, ALL)
    assert (result.kind, result.size, result.digests) == ("image", len(jpeg), digests_of(jpeg))
    assert (result.width, result.height, result.duration) == (240, 180, None)
    assert (result.partial, result.known, result.error) == (False, False, None)
    assert (result.decoder, result.recipe) == ("pillow jpeg luma 1/1", recipe("image", exact=False))
    whole = [each for each in result.hashes if each.view == "full"]
    assert [(each.algorithm, len(each.bits), each.version) for each in whole] == [
        ("pdq", 32, 1),
        ("blocks", 972, 1),
        ("details", 3456, 1),
        ("phash", 8, 1),
        ("dhash", 8, 1),
    ]
    assert [each.quality is not None for each in whole] == [True, False, False, False, False]
    assert {(each.time, each.turned) for each in result.hashes} == {(None, b"")}
    trimmed = [(each.algorithm, each.view) for each in result.hashes if each.view != "full"]
    assert trimmed == [(name, view.name) for view in result.views for name in guarded(view.name)]
    assert (result.features, result.pixels) == ((), None)


def test_a_photo_in_bars() -> None:
    framed = ImageOps.expand(scene(), (0, 50, 0, 50), "black")
    result = of_bytes(saved(framed, "PNG"))
    assert "trim1" in {view.name for view in result.views}
    first = result.views[0]
    assert (first.left, first.right) == (0, 1)
    assert (first.top, first.bottom) == pytest.approx((50 / framed.height, 1 - 50 / framed.height), abs=0.01)
    inner = next(each for each in result.hashes if (each.algorithm, each.view) == ("pdq", "trim1"))
    (own,) = (each for each in of_bytes(saved(scene(), "PNG")).hashes if each.algorithm == "pdq")
    assert (int.from_bytes(inner.bits, "big") ^ int.from_bytes(own.bits, "big")).bit_count() <= 16


def test_a_photo_as_a_query(jpeg: bytes) -> None:
    """The same, and its other orientations."""
    reference, query = of_bytes(jpeg), of_bytes(jpeg, QueryHashing())
    assert [replace(each, turned=b"") for each in query.hashes] == list(reference.hashes)
    assert [len(each.turned) for each in query.hashes] == [
        224 if each.algorithm == "pdq" else 0 for each in query.hashes
    ]
    mirror = of_bytes(saved(ImageOps.mirror(Image.open(io.BytesIO(jpeg))), "PNG")).hashes[0]
    turned = [int.from_bytes(query.hashes[0].turned[start : start + 32], "big") for start in range(0, 224, 32)]
    distances = [(each ^ int.from_bytes(mirror.bits, "big")).bit_count() for each in turned]
    # Not 0: of a side that is no multiple of 64, PDQ's own samples are not those of the mirror image.
    assert min(distances) == distances[ORIENTATIONS.index("mirror") - 1] <= 31


def test_local_features_of_a_photo(jpeg: bytes, mp4: bytes) -> None:
    (of_reference,) = of_bytes(jpeg, ReferenceHashing(features=True)).features
    (quick,) = of_bytes(jpeg, QueryHashing(features=True, profile="balanced")).features
    thorough = of_bytes(jpeg, QueryHashing(features=True, profile="thorough")).features
    assert len(set(thorough)) == 3, "of the picture, its mirror image and its negative"
    for each in (of_reference, quick, *thorough):
        assert len(LocalFeatures.from_bytes(each)) > 0
    assert (
        of_bytes(jpeg, ReferenceHashing(features=True)).recipe == recipe("image", False, True) != recipe("image", False)
    )
    film = of_bytes(mp4, ReferenceHashing(features=True))
    assert (film.features, film.recipe) == ((), recipe("video", False))


def test_what_the_hashes_explain_is_not_looked_at_more_closely(jpeg: bytes) -> None:
    asked: list[Sighting] = []

    def answer(is_unexplained: bool, settings: Hashing) -> Fingerprint:
        def hook(sighting: Sighting) -> bool:
            asked.append(sighting)
            return is_unexplained

        return fingerprint(io.BytesIO(jpeg), settings, ReadingHooks(is_unexplained=hook))

    query = QueryHashing(features=True, profile="balanced")
    explained, unexplained = answer(False, query), answer(True, query)
    assert (explained.features, len(unexplained.features)) == ((), 1)
    assert unexplained.copy is not None
    assert explained == replace(unexplained, features=(), copy=None)
    assert asked == [Sighting(explained.hashes)] * 2
    assert answer(False, ReferenceHashing(features=True)).features, "a reference has all"
    assert answer(False, QueryHashing()).hashes == explained.hashes
    assert len(asked) == 2, "nobody is asked where nothing more would be computed"


def test_a_small_version_of_a_photo(jpeg: bytes, mp4: bytes) -> None:
    made = of_bytes(jpeg, SmallPictures(100))
    assert made.pixels is not None
    assert (made.pixels.width, made.pixels.height, len(made.pixels.rgb)) == (100, 75, 100 * 75 * 3)
    assert (made.hashes, made.moments, made.digests) == ((), (), digests_of(jpeg)), "nothing is hashed"
    film = of_bytes(mp4, SmallPictures(100))
    assert (film.kind, film.pixels, film.moments, film.error) == ("video", None, (), None), "a film has many"


def test_a_small_picture_is_in_colour_or_decoded_fast() -> None:
    data = saved(scene(4, 640, 480), "jpeg", quality=90)
    in_colour, grey = (of_bytes(data, SmallPictures(64, colour=colour)).pixels for colour in (True, False))
    assert in_colour is not None and grey is not None
    assert in_colour.rgb[0::3] != in_colour.rgb[1::3]
    assert grey.rgb[0::3] == grey.rgb[1::3] == grey.rgb[2::3]


def test_a_film(mp4: bytes) -> None:
    result = of_bytes(mp4, ReferenceHashing(("pdq", "dhash")))
    assert (result.kind, result.size, result.digests) == ("video", len(mp4), digests_of(mp4))
    assert (result.width, result.height) == (176, 144)
    assert result.duration == pytest.approx(2, abs=0.1)
    assert (result.decoder, result.recipe) == ("pyav mov h264", recipe("video", exact=False))
    # Of a reference the frames that differ from the last one kept, here a scene a second, and the last one.
    kept = [(each.algorithm, each.time) for each in result.hashes if each.view == "full"]
    assert kept == [(name, time) for time in (0, 1, 1.875) for name in ("dhash", "pdq")]
    assert all(each.turned == b"" and each.version == 1 for each in result.hashes)


def test_a_film_as_a_query(mp4: bytes) -> None:
    """Two a second or more, of each the whole and what it may be a part of, and their mirror images. Half of the frames in
    all orientations."""
    result = of_bytes(mp4, QueryHashing(profile="thorough"))
    assert (result.kind, result.recipe, result.error) == ("video", recipe("video", exact=False), None)
    whole = [each for each in result.hashes if each.view == "full"]
    assert len(whole) >= 5 and len({each.time for each in whole}) == len(whole)
    assert {each.view for each in result.hashes} >= {"full", "wide1", "wide2", "cut1"}
    assert all(each.time is not None and len(each.turned) in (32, 7 * 32) for each in result.hashes)
    assert 2 * sum(len(each.turned) > 32 for each in whole) in (len(whole), len(whole) + 1)


def test_a_film_that_states_no_length() -> None:
    assert of_bytes(film("m2v", seconds=2)).duration == pytest.approx(1.96, abs=0.05)


def test_an_animation() -> None:
    result = of_bytes(animated("gif"))
    assert (result.kind, result.recipe) == ("video", recipe("video", exact=False))
    assert [each.time for each in result.hashes if each.view == "full"] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert result.duration == pytest.approx(2.5)


def test_exact(jpeg: bytes, mp4: bytes) -> None:
    for data, kind in ((jpeg, "image"), (mp4, "video")):
        result = of_bytes(data, PlainHashing(exact=True))
        assert result.recipe == recipe(kind, exact=True) != recipe(kind, exact=False)  # type: ignore[arg-type]
        assert result.decoder.endswith("exact")
        assert len(result.hashes) >= 1


def test_recipes_say_what_changes_hashes() -> None:
    recipes = {
        recipe(kind, exact, features)  # type: ignore[arg-type]
        for kind in ("image", "video")
        for exact in (False, True)
        for features in (False, True)
    }
    assert len(recipes) == 6, "films have no local features"
    assert "128px" in recipe("video", exact=False)


@pytest.mark.parametrize("name", STILLS)
def test_kinds_and_digests_of_stills(name: str) -> None:
    data = still(name)
    result = of_bytes(data)
    assert (result.kind, result.digests, result.error) == ("image", digests_of(data), None)
    pages = ["full", "page2", "page3"] if name == "tiff-pages" else ["full"]
    whole = [(each.algorithm, each.view) for each in result.hashes if not each.view.startswith("trim")]
    assert whole == [(algorithm, page) for page in pages for algorithm in guarded(page)]
    trimmed = [(each.algorithm, each.view) for each in result.hashes if each.view.startswith("trim")]
    assert trimmed == [(algorithm, view.name) for view in result.views for algorithm in guarded(view.name)]


def test_digests_of_a_film_longer_than_a_part() -> None:
    data = film("mkv", seconds=1) + os.urandom(CHUNK * 2)
    result = of_bytes(data)
    assert (result.kind, result.size, result.digests) == ("video", len(data), digests_of(data))


def test_beats_come_while_a_film_is_decoded(mp4: bytes) -> None:
    beats: list[tuple[float, int]] = []
    of_bytes(mp4, beat=lambda position, pixels: beats.append((position, pixels)))
    assert len(beats) >= 8
    assert beats == sorted(beats) and beats[-1][0] > 1
    assert beats[-1][1] >= 8 * 176 * 144


# What is known is not decoded.


def test_known(jpeg: bytes, mp4: bytes) -> None:
    for data, kind in ((jpeg, "image"), (mp4, "video")):
        asked: list[Digests] = []

        def is_known(digests: Digests, asked: list[Digests] = asked) -> bool:
            asked.append(digests)
            return True

        result = of_bytes(data, is_known=is_known)
        assert asked == [digests_of(data)] == [result.digests]
        assert (result.kind, result.known, result.hashes, result.error) == (kind, True, (), None)


def test_known_is_asked_before_decoding(jpeg: bytes) -> None:
    damaged = jpeg[:100]
    assert code(of_bytes(damaged)) == "corrupt"
    assert of_bytes(damaged, is_known=lambda digests: True).error is None


def test_known_is_not_asked_of_what_is_no_media() -> None:
    def is_known(digests: Digests) -> bool:
        raise AssertionError

    assert of_bytes(b"some text", is_known=is_known) == Fingerprint(None, 9)


def test_without_digests(jpeg: bytes, mp4: bytes, tmp_path: Path) -> None:
    """For who has them already: all else is the same, and nobody is asked whether they are known."""

    def is_known(*_asked: Any) -> bool:
        raise AssertionError

    asked = SmallPictures(64, (0.0, 1.0))
    for data in (jpeg, mp4):
        path = tmp_path / "file"
        path.write_bytes(data)
        expected = replace(of_bytes(data, asked), digests=None)
        assert expected.pixels or all(expected.moments)
        assert of_bytes(data, replace(asked, digests=False), is_known=is_known) == expected
        assert of_path(path, settings=replace(asked, digests=False), is_known=is_known) == expected


# What cannot be hashed.


@pytest.mark.parametrize(
    ("data", "unexamined"),
    [
        (b"", None),
        (b"some text\n", None),
        (b"\0" * 5000, None),
        (b"%PDF-1.7\n", "document"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "sound"),
        (b"\0" * 32768 + b"\1CD001\1", "archive"),
    ],
)
def test_no_media(data: bytes, unexamined: Unexamined | None) -> None:
    result = of_bytes(data)
    assert result == Fingerprint(None, len(data), unexamined=unexamined)
    assert is_skipped(result)


@pytest.mark.parametrize(
    "data", [b"<svg/>", b"#EXTM3U\na.ts\n", b"%!PS-Adobe\n", b"8BPS\0\2", b"ffconcat version 1.0\n"]
)
def test_refused_media(data: bytes) -> None:
    """It may show something, so it is not skipped in silence; its digests are kept."""
    result = of_bytes(data)
    assert (code(result), result.kind, result.digests) == ("unsupported-format", "image", digests_of(data))
    assert not is_skipped(result)


def test_corrupt_media_keep_their_digests(jpeg: bytes, mp4: bytes) -> None:
    for data, kind in ((jpeg[:100], "image"), (mp4[: len(mp4) // 2], "video"), (sound("mp4"), "video")):
        result = of_bytes(data)
        assert code(result) in ("corrupt", "no-usable-frames")
        assert (result.kind, result.digests, result.hashes, result.partial) == (kind, digests_of(data), (), False)
        assert not is_skipped(result)


def test_partial_media(jpeg: bytes) -> None:
    for data in (jpeg[: len(jpeg) * 3 // 4], animated("gif")[:-1000]):
        result = of_bytes(data)
        assert (code(result), result.partial, result.digests) == ("partial", True, digests_of(data))
        assert len(result.hashes) >= 1
        assert result.width and result.recipe


def test_too_many_bytes(jpeg: bytes, mp4: bytes) -> None:
    """Nothing of such a file is read, so it has no digests."""
    for data, limits, kind in (
        (jpeg, Limits(max_picture_bytes=len(jpeg) - 1), "image"),
        (jpeg, Limits(max_bytes=len(jpeg) - 1), "image"),
        (mp4, Limits(max_bytes=len(mp4) - 1), "video"),
    ):
        result = of_bytes(data, ReferenceHashing(limits=limits))
        assert (code(result), result.kind, result.size, result.digests) == ("too-large", kind, len(data), None)
        assert not is_skipped(result)
    for data, limits in (
        (jpeg, Limits(max_picture_bytes=len(jpeg), max_bytes=len(jpeg))),
        (mp4, Limits(max_picture_bytes=1, max_bytes=len(mp4))),
    ):
        assert of_bytes(data, ReferenceHashing(limits=limits)).error is None


def test_too_many_pixels_or_frames(jpeg: bytes, mp4: bytes) -> None:
    few = ReferenceHashing(limits=Limits(max_pixels=1000))
    for data in (jpeg, mp4):
        result = of_bytes(data, few)
        assert (code(result), result.digests, result.hashes) == ("too-large", digests_of(data), ())
    for mode in (ALL, QueryHashing(ALL.hashers, profile="thorough"), QueryHashing(ALL.hashers, profile="fast")):
        result = of_bytes(mp4, replace(mode, limits=Limits(max_frames=3)))
        assert (code(result), result.partial, len(result.hashes)) == ("too-large", True, 3), mode


def test_a_later_page_over_the_limit_does_not_undo_the_first() -> None:
    """Or a copy would escape by a huge second page."""
    data = saved(scene(), "TIFF", save_all=True, append_images=[scene(2, 500, 400)])
    result = of_bytes(data, ReferenceHashing(limits=Limits(max_pixels=240 * 180)))
    assert [each.view for each in result.hashes if each.algorithm == "pdq"] == [
        "full",
        *(view.name for view in result.views),
    ]
    assert result.partial
    assert code(result) == "too-large"
    picture = of_bytes(data, SmallPictures(32, limits=Limits(max_pixels=240 * 180)))
    assert picture.pixels is not None
    assert (picture.partial, code(picture)) == (True, "too-large")


# In worker processes.


def test_all_fixtures(fixtures: Path) -> None:
    """Each once; the same as in this process; with the outcome that expected.json tells."""
    found = list(walk([os.fsencode(fixtures / name) for name in ("archive", "allowed", "uploads")]))
    results = {os.fsdecode(s.path): (s, result) for s, result in fingerprints(found, ReferenceHashing(), QUICK)}
    assert len(results) == len(found) > 50
    expected = json.loads((fixtures / "expected.json").read_text("utf-8"))
    for name, (state, result) in results.items():
        content = Path(name).read_bytes()
        status = os.stat(name)
        assert (state.path, state.size, state.mtime_ns) == (os.fsencode(name), len(content), status.st_mtime_ns)
        assert result is not None and result.size == len(content)
        outcome = expected.get(os.path.relpath(name, fixtures), {"expect": "match"})["expect"]
        if outcome in ("match", "clean", "allowed"):
            assert result.error is None and result.hashes and result.digests == digests_of(content), name
            with open(name, "rb") as file:
                assert fingerprint(file, ReferenceHashing()) == result
        elif outcome == "partial":
            whole = [each.algorithm for each in result.hashes if each.view == "full"]
            assert (code(result), whole) == ("partial", ["pdq", "blocks", "details"])
        else:
            assert not result.hashes


def test_content_decides_and_not_the_name(tmp_path: Path, jpeg: bytes, mp4: bytes) -> None:
    names = {"a.mp4": jpeg, "b.jpg": mp4, "c": jpeg, "d.txt": mp4, "e.png": jpeg, "f.gif": still("heic")}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    results = of_paths(*(tmp_path / name for name in names))
    assert [result.kind for result in results] == ["image", "video", "image", "video", "image", "image"]
    assert [code(result) for result in results] == [None] * 6


def test_named_like_media(tmp_path: Path) -> None:
    """What has the name and not the content has failed, unless the name stands for something else as well."""
    names = ("a.jpg", "a.MP4", "a.txt", "a", "a.ts")
    for name in names:
        (tmp_path / name).write_bytes(b"some text")
    jpg, film, *others = of_paths(*(tmp_path / name for name in names))
    for result, kind in ((jpg, "image"), (film, "video")):
        assert (result.kind, code(result), result.hashes) == (kind, "unsupported-format", ())
        assert not is_skipped(result)
    for result in others:
        assert result == Fingerprint(None, 9)


def test_empty_files(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.mp4", "a.txt"):
        (tmp_path / name).write_bytes(b"")
    jpg, film, text = of_paths(*(tmp_path / name for name in ("a.jpg", "a.mp4", "a.txt")))
    for result in (jpg, film):
        assert (code(result), result.size, result.digests) == ("corrupt", 0, None)
        assert not is_skipped(result)
    assert text == Fingerprint(None, 0)


def test_what_cannot_be_opened(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "good.jpg").write_bytes(jpeg)
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        names = ["none.jpg", "fifo", "socket", "good.jpg"]
        results = of_paths(*(tmp_path / name for name in names))
    assert [code(result) for result in results] == ["not-found", "not-regular-file", "not-regular-file", None]
    assert not any(is_skipped(result) for result in results)
    assert results[0].size == 0 and results[0].digests is None


def test_errors_of_the_walk_are_passed_on(tmp_path: Path) -> None:
    found = list(walk([os.fsencode(tmp_path / "none")]))
    ((state, result),) = fingerprints(found, ReferenceHashing(), QUICK)
    assert result is not None
    assert (state, code(result)) == (FileState(os.fsencode(tmp_path / "none")), "not-found")


def test_what_may_not_be_read(tmp_path: Path, as_ordinary_user: Callable[[Callable[[], Any]], Any]) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.jpg").chmod(0)
    assert as_ordinary_user(lambda: code(of_path(tmp_path / "a.jpg"))) == "permission"


def test_unchanged_files_are_not_read(tmp_path: Path, jpeg: bytes) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(jpeg)
    asked: list[FileState] = []

    def is_unchanged(state: FileState) -> bool:
        asked.append(state)
        return not state.path.endswith(b"b.jpg")

    def is_known(state: FileState, digests: Digests) -> bool:
        assert state.path.endswith(b"b.jpg")
        return False

    results = of_paths(*(tmp_path / name for name in names), is_unchanged=is_unchanged, is_known=is_known)
    assert [result is None for result in results] == [True, False, True]
    status = (tmp_path / "a.jpg").stat()
    assert asked[0] == FileState(os.fsencode(tmp_path / "a.jpg"), status.st_size, status.st_mtime_ns)


def test_known_files_are_not_decoded(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg[:100])
    (tmp_path / "b.jpg").write_bytes(jpeg)
    a, b = of_paths(
        tmp_path / "a.jpg",
        tmp_path / "b.jpg",
        is_known=lambda state, digests: state.path.endswith(b"a.jpg") and digests == digests_of(jpeg[:100]),
    )
    assert (a.known, a.error, a.hashes) == (True, None, ())
    assert (b.known, b.hashes) == (False, of_path(tmp_path / "b.jpg").hashes)


def test_the_same_path_twice(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    found = [FoundPath(os.fsencode(tmp_path / "a.jpg"))] * 6
    done = [result for _state, result in fingerprints(found, ReferenceHashing(), QUICK)]
    assert [result is not None and result.digests == digests_of(jpeg) for result in done] == [True] * 6


@pytest.mark.parametrize("change", ["longer", "shorter", "rewritten"])
@pytest.mark.parametrize("name", ["a.jpg", "a.mp4"])
def test_changed_while_read(tmp_path: Path, jpeg: bytes, mp4: bytes, name: str, change: str) -> None:
    """Half-way, when the digests are known. None of them is true of the file any more."""
    path = tmp_path / name
    path.write_bytes(jpeg if name == "a.jpg" else mp4)
    length = path.stat().st_size

    def is_known(state: FileState, digests: Digests) -> bool:
        with path.open("r+b") as file:
            if change == "longer":
                file.seek(0, os.SEEK_END)
                file.write(b"more")
            elif change == "shorter":
                file.truncate(length - 10)
            else:
                file.seek(length // 2)
                file.write(b"other bytes")
        os.utime(path, (1, 1))
        return False

    result = of_path(path, is_known=is_known)
    assert (code(result), result.digests, result.hashes) == ("changed-while-read", None, ())
    assert result.kind == ("image" if name == "a.jpg" else "video")
    assert not is_skipped(result)


def test_a_file_that_is_replaced_is_read_as_it_was(tmp_path: Path, jpeg: bytes) -> None:
    """Opened once; a new file under the old name is another file."""
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg)

    def is_known(state: FileState, digests: Digests) -> bool:
        (tmp_path / "new").write_bytes(b"other")
        os.replace(tmp_path / "new", path)
        return False

    assert of_path(path, is_known=is_known).digests == digests_of(jpeg)


def test_reading_that_fails() -> None:
    """A regular file to the system, of which no byte can be read: nothing is mapped at address 0."""
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("needs /proc")
    result = of_path(path)
    assert (code(result), result.digests, result.hashes) == ("io-error", None, ())
    assert result.error is not None and "/" not in result.error.message.replace("Input/output", "")
    assert not is_skipped(result)


# What happens to a worker.


@pytest.mark.parametrize(
    ("how", "expected"),
    [(signal.SIGTRAP, "decoder-crash"), (signal.SIGKILL, "out-of-memory"), (signal.SIGSTOP, "timeout")],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.mp4", "a.gif"])
def test_a_worker_that_dies_has_told_the_digests(
    tmp_path: Path, jpeg: bytes, mp4: bytes, name: str, how: signal.Signals, expected: str
) -> None:
    """So that the same bytes still match exactly. Of its kind nothing wrong is said."""
    data = {"a.jpg": jpeg, "a.mp4": mp4, "a.gif": animated("gif")}[name]
    (tmp_path / name).write_bytes(data)

    def is_known(state: FileState, digests: Digests) -> bool:
        end_workers(how)
        return False

    result = of_path(tmp_path / name, is_known=is_known, isolation=Isolation(workers=1, timeout=0.4))
    assert (code(result), result.digests, result.size) == (expected, digests_of(data), len(data))
    assert result.kind in (None, {"a.jpg": "image", "a.mp4": "video", "a.gif": "video"}[name])
    assert not is_skipped(result)


def test_one_bad_file_among_many(tmp_path: Path, jpeg: bytes) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.jpg").write_bytes(jpeg)

    def is_known(state: FileState, digests: Digests) -> bool:
        if state.path.endswith((b"03.jpg", b"04.jpg", b"12.jpg")):
            end_workers(signal.SIGTRAP)
        return False

    results = of_paths(*sorted(tmp_path.iterdir()), is_known=is_known, isolation=Isolation(workers=1))
    failed = [number for number, result in enumerate(results) if result.error]
    assert failed == [3, 4, 12]
    expected = of_bytes(jpeg)
    assert all(result == expected for number, result in enumerate(results) if number not in failed)


def test_memory_limit(tmp_path: Path) -> None:
    """A picture within the limit of pixels that takes more memory than a worker may have."""
    Image.linear_gradient("L").resize((9_000, 9_000)).convert("RGB").save(tmp_path / "large.png", compress_level=1)
    (tmp_path / "small.png").write_bytes(still("png"))
    exact = PlainHashing(exact=True)
    isolation = Isolation(workers=1, memory=300 << 20)
    large, small = of_paths(tmp_path / "large.png", tmp_path / "small.png", settings=exact, isolation=isolation)
    assert (code(large), large.hashes, large.digests is not None) == ("out-of-memory", (), True)
    assert code(small) is None


def test_a_worker_asks_what_is_worth_decoding(tmp_path: Path) -> None:
    """Of a film's key frames, and does as it is told."""
    every_second = replace(FILMS["mp4"], options={"x264-params": "keyint=8:min-keyint=8:scenecut=0"})
    (tmp_path / "a.mp4").write_bytes(film(every_second, seconds=20))
    query = QueryHashing(profile="fast")
    asked: list[Glance] = []

    def parts_to_decode(state: FileState, glance: Glance) -> tuple[tuple[float, float], ...]:
        assert state.path == os.fsencode(tmp_path / "a.mp4")
        asked.append(glance)
        return ((9.9, 13.1),)

    result = of_path(tmp_path / "a.mp4", settings=query, parts_to_decode=parts_to_decode)
    ((glance,),) = (asked,)
    assert glance.duration == pytest.approx(20, abs=0.1)
    assert sorted({each.time for each in glance.hashes}) == pytest.approx(list(range(20)))
    times = sorted({each.time or 0.0 for each in result.hashes if each.view == "full"})
    within = [time for time in times if 9.9 <= time <= 13.1]
    assert len(within) >= 6, "two a second"
    assert [time for time in times if time not in within] == pytest.approx([*range(10), *range(14, 20)])
    with (tmp_path / "a.mp4").open("rb") as file:
        hooks = ReadingHooks(parts_to_decode=lambda glance: ((9.9, 13.1),))
        assert fingerprint(file, query, hooks) == result
    nothing = of_path(tmp_path / "a.mp4", settings=query, parts_to_decode=lambda state, glance: ())
    assert {each.time for each in nothing.hashes} == {each.time for each in glance.hashes}


def test_a_long_film_is_shared_with_the_same_hashes(tmp_path: Path) -> None:
    small = replace(FILMS["mp4"], size=(64, 48), options={"x264-params": "keyint=40"})
    (tmp_path / "a.mp4").write_bytes(film(small, seconds=200))
    for settings in (ReferenceHashing(), QueryHashing(profile="thorough")):
        alone = of_path(tmp_path / "a.mp4", settings=settings, isolation=replace(QUICK, workers=1))
        shared = of_path(tmp_path / "a.mp4", settings=settings, isolation=replace(QUICK, workers=3))
        assert shared == alone
        assert alone.error is None and len(alone.hashes) >= 200


def test_nothing_is_written_beside_the_evidence(tmp_path: Path, fixtures: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(fixtures / "archive", copy)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(copy.rglob("*"))}
    list(fingerprints(walk([os.fsencode(copy)]), ReferenceHashing(), QUICK))
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(copy.rglob("*"))} == before


def test_leaving_early_ends_the_workers(tmp_path: Path, jpeg: bytes) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.jpg").write_bytes(jpeg)
    results = fingerprints(walk([os.fsencode(tmp_path)]), ReferenceHashing(), QUICK)
    next(results)
    assert multiprocessing.active_children()
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_names_from_a_stream_are_answered_as_they_come(tmp_path: Path, jpeg: bytes) -> None:
    """Those that need a worker and those that do not, each before the next is named."""
    (tmp_path / "a.jpg").write_bytes(jpeg)
    names = [b"a.jpg", b"none", b"a.jpg", b"none", b"none", b"a.jpg"]
    source, sender = socket.socketpair()
    source.setblocking(False)

    def found() -> Iterator[FoundPath | None]:
        while True:
            try:
                name = source.recv(100)
            except BlockingIOError:
                yield None
                continue
            if not name:
                return
            yield FoundPath(os.fsencode(tmp_path) + b"/" + name)

    answered = []
    with source, sender:
        sender.send(names[0])
        for ((state, result),) in LocalExaminer(QUICK).examine(
            found(), ReferenceHashing(), input_descriptor=source.fileno()
        ):
            assert result is not None
            answered.append(os.path.basename(state.path))
            assert (code(result) == "not-found") == (answered[-1] == b"none")
            if len(answered) < len(names):
                sender.send(names[len(answered)])
            else:
                sender.shutdown(socket.SHUT_WR)
    assert answered == names


def test_a_link_that_takes_the_place_of_a_file_is_not_followed(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(jpeg)

    def found() -> Iterator[FoundPath | None]:
        for each in walk([os.fsencode(tmp_path / "in")]):
            (tmp_path / "in" / "a.jpg").unlink()
            (tmp_path / "in" / "a.jpg").symlink_to(tmp_path / "secret.jpg")
            yield each

    ((_state, result),) = fingerprints(found(), ReferenceHashing(), QUICK)
    assert result is not None
    assert (code(result), result.digests) == ("not-regular-file", None)


def test_prepare_is_called_once_while_the_first_are_decoded(tmp_path: Path, jpeg: bytes) -> None:
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg)
    calls: list[int] = []
    seen: list[int] = []

    def prepare() -> None:
        calls.append(len(seen))
        assert multiprocessing.active_children()

    for _state, _result in fingerprints(
        walk([os.fsencode(tmp_path)]), ReferenceHashing(), QUICK, ExaminerHooks(prepare=prepare)
    ):
        seen.append(1)
    assert calls == [0]
    assert len(seen) == 6


def test_settings_reach_the_workers(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    exact = PlainHashing(ALL.hashers, exact=True)
    result = of_path(tmp_path / "a.jpg", settings=exact)
    assert [each.algorithm for each in result.hashes if each.view == "full"] == ["pdq", "blocks", "phash", "dhash"]
    assert result == of_bytes(jpeg, exact)
    for more in (QueryHashing(features=True), PlainHashing(views=False), SmallPictures(64)):
        assert of_path(tmp_path / "a.jpg", settings=more) == of_bytes(jpeg, more)


def test_what_cannot_be_true_of_a_file_is_not_believed(jpeg: bytes) -> None:
    """Well-formed lies of a worker that was taken over."""
    asked = QueryHashing(features=True)
    whole = of_bytes(jpeg, asked)
    case = FileCase(FileState(b"x", len(jpeg), 1), MediaType("pillow", "JPEG"), MediaType("pillow", "JPEG"), -1)
    case.digests = whole.digests
    honest, blocks, *_views = whole.hashes
    assert (honest.algorithm, blocks.algorithm) == ("pdq", "blocks")
    assert whole.features
    assert _is_credible(case, whole, asked)
    area = View("trim1", 0, 0, 1, 1)
    other = Digests("0" * 32, "0" * 40, "0" * 64)
    lies = [
        replace(whole, digests=other),  # those of a film on the allow list, perhaps
        replace(whole, known=True),  # though the parent said no
        replace(whole, size=1),
        replace(whole, width=-1),
        replace(whole, hashes=()),  # neither a hash nor an error
        replace(whole, hashes=(replace(honest, bits=bytes(31)),)),
        replace(whole, hashes=(replace(honest, algorithm="phash"),)),  # not asked for
        replace(whole, hashes=(replace(honest, quality=101),)),
        replace(whole, hashes=(replace(honest, time=-1.0),)),
        replace(whole, hashes=(replace(honest, time=LONGEST_FILM + 1),)),
        replace(whole, hashes=(replace(honest, view="x" * 2000),)),
        replace(whole, hashes=(honest,) * 310_000),
        replace(whole, hashes=(replace(honest, turned=honest.turned[:-1]),)),
        replace(whole, hashes=(honest, replace(blocks, bits=blocks.bits[:-1]))),
        replace(whole, views=(area,) * (MOST_VIEWS + 1)),
        replace(whole, features=(b"no features",)),
        replace(whole, features=whole.features * 4),
        replace(whole, pixels=Pixels(1, 1, bytes(3))),  # not asked for
        replace(whole, moments=(None,)),
        replace(whole, error=Failure("no-such-code", Message.literal("x"))),
        replace(whole, error=Failure("corrupt", Message("no-such-message"))),
        replace(whole, error=Failure("corrupt", Message("empty", (("why", "x"),)))),
        replace(whole, error=Failure("corrupt", Message.of("empty"), tried_before=True)),
        replace(whole, error=Failure("corrupt", Message.literal("x" * 2000))),
        replace(whole, decoder="x" * 2000),
    ]
    assert [_is_credible(case, lie, asked) for lie in lies] == [False] * len(lies)
    for unasked in (QueryHashing(), PlainHashing(), SmallPictures(32)):
        assert not _is_credible(case, whole, unasked)


def test_what_cannot_be_true_of_a_picture_is_not_believed(jpeg: bytes) -> None:
    asked = SmallPictures(32)
    whole = of_bytes(jpeg, asked)
    case = FileCase(FileState(b"x", len(jpeg), 1), MediaType("pillow", "JPEG"), MediaType("pillow", "JPEG"), -1)
    case.digests = whole.digests
    assert whole.pixels is not None
    assert _is_credible(case, whole, asked)
    lies = [
        replace(whole, pixels=None),  # nor an error
        replace(whole, pixels=replace(whole.pixels, width=whole.pixels.width + 1)),
        replace(whole, pixels=Pixels(33, 1, bytes(99))),  # larger than was asked for
        replace(whole, pixels=Pixels(0, 0, b"")),
        replace(whole, digests=None),
        replace(whole, hashes=of_bytes(jpeg).hashes[:1]),
        replace(whole, moments=(None,)),
    ]
    assert [_is_credible(case, lie, asked) for lie in lies] == [False] * len(lies)


def test_pictures_that_were_not_asked_for_are_not_believed(fixtures: Path) -> None:
    asked = SmallPictures(64, (0.0, 1.0))
    path = os.fsencode(fixtures / "archive" / "films" / "journey.mp4")
    ((_state, whole),) = fingerprints([FoundPath(path)], asked, Isolation(1))
    assert whole is not None
    assert whole.digests is not None
    case = FileCase(FileState(b"x", whole.size, 1), MediaType("pyav", "mov"), MediaType("pyav", "mov"), -1)
    case.digests = whole.digests
    one, other = whole.moments
    assert one is not None and (one.width, one.height) == (64, 36) and not whole.hashes
    assert _is_credible(case, whole, asked)
    assert _is_credible(case, replace(whole, moments=(one, None)), asked)
    lies = [
        replace(whole, moments=()),  # nor an error
        replace(whole, moments=(one,)),
        replace(whole, moments=(one, other, one)),
        replace(whole, moments=(one, replace(one, rgb=one.rgb[:-1]))),
        replace(whole, moments=(one, Pixels(65, 1, bytes(195)))),
    ]
    assert [_is_credible(case, lie, asked) for lie in lies] == [False] * len(lies)
    assert not _is_credible(case, whole, SmallPictures(64))


@pytest.mark.parametrize(
    ("interval", "times"),
    [
        (1.0, [0, 1, 2, 3, 4, 5]),
        (2.0, [0, 2, 4]),
        (0.3, [each / 4 for each in range(22)]),
        (0.0, [each / 8 for each in range(44)]),
    ],
)
def test_frames_at_equal_intervals_as_vpdq_counts_them(interval: float, times: list[float]) -> None:
    # 5.5 s of 8 frames a second: every 8th, 16th, 2nd (0.3 s are two whole frames) and every frame.
    made = fingerprint(io.BytesIO(film()), VpdqHashing(interval))
    assert [each.time for each in made.hashes] == pytest.approx(times)
    assert {(each.algorithm, each.view, each.turned) for each in made.hashes} == {("pdq", "full", b"")}


def test_an_animation_at_equal_intervals() -> None:
    made = fingerprint(io.BytesIO(animation("WEBP", 400, 10)), VpdqHashing(1.0))
    assert [each.time for each in made.hashes] == pytest.approx([0, 1.2, 2.0, 3.2])


def test_only_what_is_hashed_from_end_to_end_is_shared() -> None:
    for shared in (ReferenceHashing(), PlainHashing(), QueryHashing(profile="thorough")):
        assert can_be_shared(shared)
    for alone in (PlainHashing(exact=True), QueryHashing(), VpdqHashing(1.0), SmallPictures(9, (1.0,))):
        assert not can_be_shared(alone)


def test_what_cannot_be_true_of_a_film_is_not_believed(mp4: bytes) -> None:
    asked = QueryHashing(profile="thorough", limits=Limits(max_frames=1000))
    whole = of_bytes(mp4, asked)
    case = FileCase(FileState(b"x", len(mp4), 1), MediaType("pyav", "mov"), MediaType("pyav", "mov"), -1)
    case.digests = whole.digests
    honest = next(each for each in whole.hashes if each.view == "full")
    assert len(honest.turned) == 7 * 32 and _is_credible(case, whole, asked)
    lies = [
        replace(whole, hashes=(honest,) * 2000),
        replace(whole, hashes=(replace(honest, turned=bytes(31)),)),
        replace(whole, hashes=(replace(honest, turned=bytes(33)),)),
        replace(whole, hashes=(replace(honest, bits=bytes(33)),)),
        replace(whole, hashes=(replace(honest, algorithm="dhash", bits=bytes(8), turned=b""),)),
        replace(whole, hashes=(replace(honest, quality=-1),)),
        replace(whole, hashes=(replace(honest, time=-0.1),)),
        replace(whole, digests=None),
    ]
    assert [_is_credible(case, lie, asked) for lie in lies] == [False] * len(lies)


def test_a_glance_that_cannot_be_is_not_searched_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker that was taken over could have the parent search for anything."""

    def lie(hashes: tuple[Hash, ...], duration: float | None) -> Glance:
        return Glance((replace(hashes[0], bits=bytes(31)), *hashes[1:]), duration)

    path = tmp_path / "film.mp4"
    path.write_bytes(film("mp4", seconds=5.5))
    asked: list[Glance] = []

    def parts_to_decode(state: FileState, glance: Glance) -> tuple[tuple[float, float], ...]:
        asked.append(glance)
        return ()

    query = QueryHashing()
    assert of_path(path, settings=query, parts_to_decode=parts_to_decode).hashes and len(asked) == 1
    monkeypatch.setattr(film_module, "Glance", lie)
    assert code(of_path(path, settings=query, parts_to_decode=parts_to_decode)) == "decoder-crash"
    assert len(asked) == 1


def test_shares_are_joined(mp4: bytes) -> None:
    whole = of_bytes(mp4)
    half = len(whole.hashes) // 2
    first, second = replace(whole, hashes=whole.hashes[:half]), replace(whole, digests=None, hashes=whole.hashes[half:])
    assert joined([first, second], ReferenceHashing()) == whole
    # The first has the digests, even where nothing of it could be decoded; recipe and size are then the other's.
    broken = Fingerprint("video", len(mp4), whole.digests, error=Failure("corrupt", Message.literal("x")))
    rest = joined([broken, second], ReferenceHashing())
    assert (rest.recipe, rest.width, rest.digests, rest.partial) == (whole.recipe, whole.width, whole.digests, True)
    assert rest.hashes == second.hashes and code(rest) == "corrupt"
    # More than is kept is said, and not only cut.
    few = joined([first, second], ReferenceHashing(limits=Limits(max_frames=half)))
    assert (len(few.hashes), few.partial, code(few)) == (half, True, "too-large")
    # And a limit is said before damage, after which nothing more is to be seen.
    slow = replace(second, error=Failure("timeout", Message.literal("x")))
    assert [code(joined(each, ReferenceHashing())) for each in ([broken, slow], [slow, broken])] == ["timeout"] * 2
    none = joined([broken, replace(second, hashes=())], ReferenceHashing())
    assert not none.hashes and code(none) == "corrupt"

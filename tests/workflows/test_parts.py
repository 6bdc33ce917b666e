"""All of a file is examined: what is in other streams, in boxes, and after the end of a picture or film."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from hashmatch.fingerprints.file_parts import apart, together
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import ReferenceHashing, SmallPictures
from hashmatch.matching.results import Result
from hashmatch.media.files import FoundPath
from hashmatch.media.parts import MOST_PARTS
from hashmatch.records import Pixels
from hashmatch.store import Store
from tests.support.file_parts import (
    RATE,
    SECONDS,
    SIZE,
    gain_map,
    heif,
    icon,
    in_streams,
    motion_photo,
    mpo,
    seeds_of,
    song_with_cover,
)
from tests.support.film_files import film, filmed
from tests.support.indexed_files import ALONE, index_paths, scan_found
from tests.support.still_files import saved, scene

KNOWN, OTHER = 7, 1000


def known_film(container: str = "mp4") -> bytes:
    return film(container, seconds=SECONDS, first_seed=KNOWN * 100)


def known_stream(stream: int) -> bytes:
    """The film that is one stream of `in_streams`, by itself."""
    shown = (np.asarray(scene(seed, *SIZE)) for seed in seeds_of(stream) for _frame in range(RATE))
    return filmed(shown, "mp4")


def jpeg(seed: int = KNOWN) -> bytes:
    return saved(scene(seed), "JPEG")


def square(seed: int, side: int = 160) -> Image.Image:
    return scene(seed, side, side)


def jpeg_of(image: Image.Image) -> bytes:
    return saved(image, "JPEG")


def other() -> Image.Image:
    return scene(OTHER)


def tiff_of(*pages: npt.NDArray[np.generic]) -> bytes:
    """A TIFF of pages in colour: of 8 bits, which Pillow reads, or of 16 bits in planes, which it reads wrongly."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in pages:
            planes = "contig" if page.dtype == np.uint8 else "separate"
            writer.write(page, photometric="rgb", planarconfig=planes, metadata=None)
    return out.getvalue()


def deep(picture: Image.Image) -> npt.NDArray[np.uint16]:
    """In planes of 16 bits."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(picture).astype(np.uint16) * 257, 2, 0))


def flashing(format: str) -> bytes:
    """An animation of which the known picture is the second frame: after a moment, and for a moment."""
    return saved(other(), format, save_all=True, append_images=[scene(KNOWN)], duration=[20, 150], loop=0)


def in_time(container: str, *times: int) -> bytes:
    """A film that shows the known picture from the second of these times on, in milliseconds, and something else before."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as writer:
        stream: Any = writer.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for at in times:
            frame = av.VideoFrame.from_image((scene(KNOWN) if at else other()).resize(SIZE)).reformat(format="yuv420p")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode())
    return out.getvalue()


#: What holds something known beside something else: the file, what is known, and the part that shows it.
HOLDERS: dict[str, tuple[str, Callable[[], bytes], Callable[[], bytes], str | None]] = {
    "second stream of mkv": ("a.mkv", lambda: in_streams("matroska", [40, 40]), lambda: known_stream(1), "stream2"),
    "first stream of mkv": (
        "a.mkv",
        lambda: in_streams("matroska", [40, 40], main=1),
        lambda: known_stream(0),
        "stream2",
    ),
    "second stream of mp4": ("a.mp4", lambda: in_streams("mp4", [40, 40]), lambda: known_stream(1), "stream2"),
    "second programme of ts": ("a.ts", lambda: in_streams("mpegts", [40, 40]), lambda: known_stream(1), "stream2"),
    "third stream": ("a.mkv", lambda: in_streams("matroska", [24, 24, 40]), lambda: known_stream(2), "stream3"),
    "behind a stream of one frame": ("a.mkv", lambda: in_streams("matroska", [1, 40]), lambda: known_stream(1), None),
    "motion photo": ("a.jpg", lambda: motion_photo(other(), known_film()), known_film, "film1"),
    "motion photo, heic": ("a.heic", lambda: motion_photo(other(), known_film(), "HEIF"), known_film, "film1"),
    "still of a motion photo": ("a.jpg", lambda: motion_photo(scene(KNOWN), film(seconds=1)), jpeg, None),
    "page of a tiff that Pillow misreads": (
        "a.tif",
        lambda: tiff_of(np.asarray(other()), deep(scene(KNOWN))),
        jpeg,
        None,
    ),
    "mpo": ("a.jpg", lambda: mpo(other(), scene(KNOWN)), jpeg, "picture2"),
    "third of an mpo": ("a.mpo", lambda: mpo(other(), scene(OTHER + 1), scene(KNOWN)), jpeg, "picture3"),
    "heif": ("a.heic", lambda: heif(other(), scene(KNOWN)), jpeg, "picture2"),
    "icon": (
        "a.ico",
        lambda: icon(square(OTHER), square(KNOWN), square(OTHER, 16)),
        lambda: jpeg_of(square(KNOWN)),
        "picture2",
    ),
    "jpeg after a png": ("a.png", lambda: saved(other(), "PNG") + jpeg(), jpeg, "picture2"),
    "png after a gif": ("a.gif", lambda: saved(other(), "GIF") + saved(scene(KNOWN), "PNG"), jpeg, "picture2"),
    "webp after a jpeg": ("a.jpg", lambda: jpeg(OTHER) + b"\n" + saved(scene(KNOWN), "WEBP"), jpeg, "picture2"),
    "jpeg after a webp": ("a.webp", lambda: saved(other(), "WEBP") + jpeg(), jpeg, "picture2"),
    "jpeg after a bmp": ("a.bmp", lambda: saved(other(), "BMP") + jpeg(), jpeg, "picture2"),
    "wmv after a jpeg": ("a.jpg", lambda: jpeg(OTHER) + known_film("wmv"), known_film, "film1"),
    "mpg after a jpeg": ("a.jpg", lambda: jpeg(OTHER) + known_film("mpg"), known_film, "film1"),
    "jpeg after a jpeg 2000": ("a.jp2", lambda: saved(other(), "JPEG2000") + jpeg(), jpeg, "picture2"),
    "mkv after a png": ("a.png", lambda: saved(other(), "PNG") + known_film("mkv"), known_film, "film1"),
    "mp4 after an mp4": ("a.mp4", lambda: film(seconds=3, first_seed=OTHER) + known_film(), known_film, "appended1"),
    "avi after an avi": ("a.avi", lambda: film("avi", 3, OTHER) + known_film("avi"), known_film, "appended1"),
    "jpeg after an mp4": ("a.mp4", lambda: film(seconds=3, first_seed=OTHER) + jpeg(), jpeg, "appended1"),
    "mp4 after an mkv": ("a.mkv", lambda: film("mkv", 3, OTHER) + known_film(), known_film, "appended1"),
    "cover of a song": ("a.mp3", lambda: song_with_cover(jpeg()), jpeg, "cover1"),
}


def scanned(store: Store, path: Path) -> Result:
    (result,) = scan_found(store, [FoundPath(bytes(path))])
    return result


@pytest.mark.parametrize("name", HOLDERS)
def test_what_is_known_is_found_in_each_part(new_store: Callable[[], Store], tmp_path: Path, name: str) -> None:
    """And the other way round: once the file is known, what it shows in that part is found by itself."""
    file_name, holder, known, part = HOLDERS[name]
    holding, alone = tmp_path / file_name, tmp_path / ("known.jpg" if known()[:2] == b"\xff\xd8" else "known.mp4")
    holding.write_bytes(holder())
    alone.write_bytes(known())
    with new_store() as store:
        index_paths(store, alone)
        result = scanned(store, holding)
        assert (result.status, result.tier, result.matches[0].part) == ("match", "near", part)
        assert part is None or part in result.parts
    if name == "cover of a song":  # of sound alone, nothing is kept
        return
    with new_store() as store:
        index_paths(store, holding)
        result = scanned(store, alone)
        assert (result.status, result.tier) == ("match", "near")


BETWEEN = {
    **{name: functools.partial(flashing, name) for name in ("GIF", "PNG", "WEBP")},
    **{f"long.{name}": functools.partial(in_time, name, 0, 20, 60_000) for name in ("mp4", "matroska")},
    **{f"short.{name}": functools.partial(in_time, name, 0, 80, 160) for name in ("mp4", "matroska")},
}


@pytest.mark.parametrize("name", BETWEEN)
def test_what_is_shown_between_two_sampling_times(new_store: Callable[[], Store], tmp_path: Path, name: str) -> None:
    """Behind a frame that flashes by: for a minute, or at the end of a film that is over at once."""
    path, alone = tmp_path / f"a.{name}", tmp_path / "known.jpg"
    path.write_bytes(BETWEEN[name]())
    alone.write_bytes(jpeg())
    with new_store() as store:
        index_paths(store, alone)
        assert scanned(store, path).status == "match"


def test_a_film_of_one_frame_is_a_still(new_store: Callable[[], Store], tmp_path: Path) -> None:
    """It is found in all orientations, as stills are."""
    picture = scene(KNOWN, *SIZE)
    still, one = tmp_path / "a.png", tmp_path / "b.mkv"
    still.write_bytes(saved(picture, "PNG"))
    one.write_bytes(filmed([np.asarray(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))], "mkv"))
    with new_store() as store:
        index_paths(store, still)
        result = scanned(store, one)
        assert (result.kind, result.status, result.tier) == ("image", "match", "near")
        assert result.matches[0].transform == "mirror"


def test_a_gain_map_is_no_picture_of_its_own(new_store: Callable[[], Store], tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(OTHER) + gain_map(Image.new("L", (200, 150), 7)))
    with new_store() as store:
        (tmp_path / "known.jpg").write_bytes(jpeg())
        index_paths(store, tmp_path / "known.jpg")
        assert (scanned(store, path).status, scanned(store, path).parts) == ("clean", ())


def test_more_parts_than_are_examined_are_told(new_store: Callable[[], Store], tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"".join(jpeg(OTHER + number) for number in range(MOST_PARTS + 3)))
    with new_store() as store:
        (tmp_path / "known.jpg").write_bytes(jpeg())
        index_paths(store, tmp_path / "known.jpg")
        result = scanned(store, path)
    assert result.error is not None
    assert (result.status, result.partial, result.error.code) == ("failed", True, "too-large")
    assert "2 further parts" in result.error.message
    assert len(result.parts) == MOST_PARTS


def test_one_part_that_cannot_be_compared_is_enough_not_to_be_clean(
    new_store: Callable[[], Store], tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(OTHER) + saved(Image.new("RGB", (200, 150), "black"), "PNG"))
    with new_store() as store:
        (tmp_path / "known.jpg").write_bytes(jpeg())
        index_paths(store, tmp_path / "known.jpg")
        result = scanned(store, path)
    assert result.error is not None
    assert (result.status, result.error.code) == ("failed", "nothing-to-compare")


def test_a_page_that_nobody_reads_is_enough_not_to_be_clean(new_store: Callable[[], Store], tmp_path: Path) -> None:
    """There is more to see than was compared, and nothing is wrong with the file."""
    path = tmp_path / "a.tif"
    unread = np.zeros((32, 32), np.complex64)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(np.asarray(other()), photometric="rgb", metadata=None)
        writer.write(unread, photometric="minisblack", metadata=None)
    path.write_bytes(out.getvalue())
    with new_store() as store:
        (tmp_path / "known.jpg").write_bytes(jpeg())
        index_paths(store, tmp_path / "known.jpg")
        result = scanned(store, path)
    assert result.error is not None
    assert (result.status, result.partial, result.error.code) == ("failed", True, "unsupported-format")


def test_the_parts_apart_and_together(tmp_path: Path) -> None:
    """In the reference set a further part is a further page, and no two views have one name."""
    path = tmp_path / "a.jpg"
    path.write_bytes(mpo(other(), scene(KNOWN), scene(KNOWN + 1)))
    with path.open("rb") as file:
        measured = fingerprint(file, ReferenceHashing())
    assert [part.name for part in measured.parts] == ["picture2", "picture3"]
    main, second, third = apart(measured)
    assert (main.hashes, second.hashes, third.hashes) == (
        measured.hashes,
        measured.parts[0].hashes,
        measured.parts[1].hashes,
    )
    whole = together(measured)
    assert whole.parts == () and len(whole.hashes) == sum(len(each.hashes) for each in (main, second, third))
    names = [(each.algorithm, each.view) for each in whole.hashes]
    assert len(set(names)) == len(names)
    assert {"full", "page2", "page3"} <= {view for _algorithm, view in names}


@pytest.mark.parametrize(
    "name", ["motion photo", "second stream of mkv", "heif", "mpo", "jpeg after an mp4", "cover of a song"]
)
def test_a_page_shows_the_part_that_matched(tmp_path: Path, name: str) -> None:
    """And not what a viewer shows first."""
    file_name, holder, known, part = HOLDERS[name]
    path = tmp_path / file_name
    path.write_bytes(holder())
    shown = []
    for asked in (SmallPictures(64, (0.5,), part=part), SmallPictures(64, (0.5,))):
        (examined,) = fingerprints([FoundPath(bytes(path))], asked, ALONE)
        assert examined.fingerprint is not None
        shown.append(examined.fingerprint.pixels or next(iter(examined.fingerprint.moments), None))
    expected = pictures_of(known())
    assert shown[0] is not None
    assert unlike(shown[0], expected) < 12 < (99 if shown[1] is None else unlike(shown[1], expected))


def pictures_of(data: bytes) -> Pixels:
    measured = fingerprint(io.BytesIO(data), SmallPictures(64, (0.5,)))
    found = measured.pixels or measured.moments[0]
    assert found is not None
    return found


def unlike(one: Pixels, other: Pixels) -> float:
    """The mean difference of two small pictures, scaled to one size."""
    sides = [Image.frombytes("RGB", (each.width, each.height), each.rgb).resize((32, 32)) for each in (one, other)]
    first, second = (np.asarray(each).astype(int) for each in sides)
    return float(np.abs(first - second).mean())

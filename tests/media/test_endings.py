"""Where a picture or film ends inside its file, whatever comes after it."""

from __future__ import annotations

import functools
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.media import MediaType
from hashmatch.media.endings import boxes, end_of
from hashmatch.media.parts import parts_elsewhere, window
from hashmatch.media.sniff import sniff
from tests.support.file_parts import heif, mpo
from tests.support.film_files import box, film
from tests.support.still_files import saved, scene

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "HEIF", "AVIF", "mov", "avi", "matroska,webm")


@functools.cache
def made(format: str) -> bytes:
    if format in ("mov", "avi", "matroska,webm"):
        return film({"mov": "mp4", "avi": "avi", "matroska,webm": "mkv"}[format], 1)
    return heif(scene()) if format == "HEIF" else saved(scene(), format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("before", [0, 1000])
def test_it_ends_where_it_was_whole(format: str, before: int) -> None:
    data = made(format)
    after = np.random.default_rng(1).integers(128, 256, 5000, np.uint8).tobytes()
    file = io.BytesIO(bytes(before) + data + after)
    assert end_of(file, format, before, before + len(data) + len(after)) == before + len(data)


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"quality": 100}, {"restart_marker_rows": 1}, {"exif": b"Exif\0\0\xff\xd9"}]
)
def test_every_kind_of_jpeg_ends_at_its_mark(options: dict[str, object]) -> None:
    """A picture in its own head, such as a thumbnail, does not count."""
    data = saved(scene(), "JPEG", **options)
    assert end_of(io.BytesIO(data + b"after"), "JPEG", 0, len(data) + 5) == len(data)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_cut_off_ends_with_the_file(format: str) -> None:
    data = made(format)
    cut = data[: len(data) * 2 // 3]
    assert end_of(io.BytesIO(cut), format, 0, len(cut)) == len(cut)
    assert list(parts_elsewhere(io.BytesIO(cut), len(cut), MediaType("pillow", format))) == []


@pytest.mark.parametrize("format", [*FORMATS, "nothing known"])
@given(data=st.binary(max_size=300), start=st.integers(0, 400))
def test_any_bytes_have_an_end(format: str, data: bytes, start: int) -> None:
    assert end_of(io.BytesIO(data), format, start, len(data)) <= len(data)


@pytest.mark.parametrize("format", FORMATS)
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_damage_leads_nowhere_outside(format: str, damage: list[tuple[float, int]]) -> None:
    data = bytearray(made(format) + b"tail")
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    file, size = io.BytesIO(bytes(data)), len(data)
    assert 0 <= end_of(file, format, 0, size) <= size
    for part in parts_elsewhere(file, size, sniff(bytes(data[:4096])) or MediaType("pillow", format)):
        assert 0 <= part.start < part.end <= size


def test_an_endless_gif_is_given_up() -> None:
    """A block of one byte each costs more to walk over than it is worth."""
    data = b"GIF89a" + b"\1\0\1\0\0\0\0" + b"!\xfe" + b"\1\0" * 3_000_000
    assert end_of(io.BytesIO(data), "GIF", 0, len(data)) == len(data)


def test_boxes_of_every_size() -> None:
    large = b"\0\0\0\1free" + (16 + 5).to_bytes(8, "big") + b"12345"
    last = b"\0\0\0\0mdat" + b"to the end"
    data = box(b"ftyp", b"isom") + large + box(b"moov") + last
    found = [(each.type, data[each.content : each.end]) for each in boxes(io.BytesIO(data), 0, len(data))]
    assert found == [(b"ftyp", b"isom"), (b"free", b"12345"), (b"moov", b""), (b"mdat", b"to the end")]
    assert list(boxes(io.BytesIO(b"\0\0\0\4free" + bytes(90)), 0, 98)) == []


@given(
    data=st.binary(max_size=200),
    start=st.integers(0, 50),
    length=st.integers(0, 150),
    places=st.lists(st.integers(0, 200)),
)
def test_a_window_is_a_file_of_its_own(data: bytes, start: int, length: int, places: list[int]) -> None:
    end = min(len(data), start + length)
    start = min(start, end)
    plain, seen = io.BytesIO(data[start:end]), window(io.BytesIO(data), start, end)
    for place in places:
        assert seen.seek(place) == plain.seek(place)
        assert seen.read(place % 7) == plain.read(place % 7)
    assert seen.seek(0, io.SEEK_END) == end - start


def test_beginnings_that_are_there_by_chance_are_no_parts() -> None:
    """Three bytes of a JPEG, a Matroska file that names no kind: these come in any large file."""
    tail = b"\xff\xd8\xff\xe0" + bytes(100) + b"\x1a\x45\xdf\xa3" + bytes(100) + b"\xff\xd8\xff\xdb\0\x10" + bytes(500)
    data = saved(scene(), "JPEG") + tail
    assert list(parts_elsewhere(io.BytesIO(data), len(data), MediaType("pillow", "JPEG"))) == []


def test_each_picture_is_found_once() -> None:
    """Also where a picture has another one in its head."""
    inner = saved(scene(3, 40, 30), "JPEG")
    outer = saved(scene(2), "JPEG", exif=b"Exif\0\0" + inner)
    data = mpo(scene(1)) + bytes(7) + outer + bytes(5 << 20) + inner
    found = list(parts_elsewhere(io.BytesIO(data), len(data), MediaType("pillow", "JPEG")))
    assert [data[each.start : each.end] for each in found] == [outer, inner]

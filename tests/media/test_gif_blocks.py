"""A broken block of a GIF does not hide the frames before it."""

from __future__ import annotations

import struct

import pytest

from hashmatch.errors import MediaError
from hashmatch.media import Film, Stills, gif
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME
from tests.support.opened_media import away, frames, opened, opened_film, pictures
from tests.support.still_files import animated, saved, scene

CONTROL = b"!\xf9\4\0\x32\0\0\0"


def image(left: int, top: int, width: int, height: int, data: bytes = b"\2\2\x44\1\0") -> bytes:
    return b"," + struct.pack("<4HB", left, top, width, height, 0) + data


def decoded_frames(data: bytes) -> tuple[list[Frame], str]:
    """The frames, and the code of the error that comes after them, or ""."""
    seen: list[Frame] = []
    try:
        for frame in opened_film(data).frames(EVERY_FRAME):
            seen.append(frame)
    except MediaError as error:
        return seen, error.code
    return seen, ""


def all_right(seen: list[Frame], count: int = 6) -> bool:
    return len(seen) == count and all(away(frame, scene(number, 96, 72)) <= 31 for number, frame in enumerate(seen))


BROKEN_ENDS = {
    "no-image": b",",
    "half-a-descriptor": b",\0\0\0\0",
    "no-data": image(0, 0, 96, 72, b""),
    "cut-data": image(0, 0, 96, 72, b"\x08\xff\0\1\2"),
    "no-code-size": image(0, 0, 96, 72, b"\x63\1\0\0"),
    "unknown-block": b"\x99nonsense",
    "cut-extension": b"!\xf9\4\0",
    "one-byte": b"!",
}


@pytest.mark.parametrize("kind", BROKEN_ENDS)
def test_what_is_broken_at_the_end(kind: str) -> None:
    seen, code = decoded_frames(animated("gif")[:-1] + BROKEN_ENDS[kind])
    assert all_right(seen)
    assert code == "partial"


HARMLESS = {
    "short-control": b"!\xf9\1\0\0",
    "empty-control": b"!\xf9\0",
    "zero": b"\0",
    "zeros": bytes(20),
    "comment": b"!\xfe\5hello\0",
    "unknown-extension": b"!\x77\3abc\0",
    "text": b"!\1\x0c" + bytes(12) + b"\2hi\0",
    "frame-outside": CONTROL + image(60000, 60000, 1, 1),
    "frame-without-pixels": CONTROL + image(0, 0, 0, 0),
    "no-end": b"",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_shows_nothing_is_passed_over(kind: str) -> None:
    end = b"" if kind == "no-end" else b";"
    seen, code = decoded_frames(animated("gif")[:-1] + HARMLESS[kind] + end)
    assert all_right(seen)
    assert code == ""


def test_what_shows_nothing_before_the_frames() -> None:
    data = animated("gif")
    start = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    for kind in ("short-control", "empty-control", "zero", "comment", "unknown-extension"):
        assert all_right(frames(data[:start] + HARMLESS[kind] + data[start:], EVERY_FRAME)), kind


def test_a_single_frame_with_a_broken_one() -> None:
    data = saved(scene().convert("L"), "GIF")
    medium = opened(data[:-1] + BROKEN_ENDS["half-a-descriptor"])
    assert isinstance(medium, Stills)
    assert away(next(medium.pictures), scene().convert("L")) <= 6
    with pytest.raises(MediaError) as caught:
        next(medium.pictures)
    assert caught.value.code == "partial"


def test_a_frame_that_reaches_beyond_the_screen_does_not_make_it_larger() -> None:
    data = animated("gif")[:-1] + CONTROL + image(90, 60, 200, 200) + b";"
    assert {frame.size for frame in decoded_frames(data)[0]} == {(96, 72)}


def test_the_first_frame_may_be_larger_than_the_screen() -> None:
    data = bytearray(saved(scene().convert("L"), "GIF"))
    data[6:10] = struct.pack("<HH", 10, 10)
    assert pictures(bytes(data))[0].full_size == (240, 180)


def test_sound_files_keep_all_frames() -> None:
    cleaned = gif.clean(animated("gif"))
    assert (cleaned.is_damaged, cleaned.size) == (False, (96, 72))
    assert isinstance(opened(animated("gif")), Film)


@pytest.mark.parametrize("percent", [40, 60, 90])
def test_an_interlaced_picture_that_is_cut_has_no_gaps(percent: int) -> None:
    picture = scene(1, 600, 450).convert("L")
    data = saved(picture, "GIF", interlace=1)
    medium = opened(data[: 800 + (len(data) - 800) * percent // 100])
    assert isinstance(medium, Stills)
    assert away(next(medium.pictures), picture) <= 31
    with pytest.raises(MediaError) as caught:
        next(medium.pictures)
    assert caught.value.code == "partial"

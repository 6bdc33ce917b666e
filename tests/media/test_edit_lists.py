"""Films that say they are cut together from a million pieces."""

from __future__ import annotations

import io
import struct
import time

import pytest

from hashmatch.media.edit_lists import MOST_EDITS, has_endless_edits
from hashmatch.media.sampling import EVERY_FRAME
from tests.support.film_files import box, film
from tests.support.opened_media import frames


def with_edits(mp4: bytes, count: int, version: int = 0) -> bytes:
    """The film with so many edits of its track, all of the same three seconds. Its moov must be the last box."""
    entry = struct.pack(">IihH", 3000, 0, 1, 0) if version == 0 else struct.pack(">QqhH", 3000, 0, 1, 0)
    edits = box(b"edts", box(b"elst", bytes([version, 0, 0, 0]), struct.pack(">I", count), entry * count))
    moov, trak = (mp4.rindex(name) - 4 for name in (b"moov", b"trak"))
    old = mp4.find(b"edts", trak) - 4
    size = int.from_bytes(mp4[old : old + 4], "big")
    grown = len(edits) - size
    changed = bytearray(mp4[:old] + edits + mp4[old + size :])
    for place in (moov, trak):
        changed[place : place + 4] = struct.pack(">I", int.from_bytes(mp4[place : place + 4], "big") + grown)
    return bytes(changed)


@pytest.mark.parametrize("version", [0, 1])
def test_edits_are_counted(version: int) -> None:
    mp4 = film("mp4")
    assert not has_endless_edits(io.BytesIO(mp4))
    assert not has_endless_edits(io.BytesIO(with_edits(mp4, MOST_EDITS, version)))
    assert has_endless_edits(io.BytesIO(with_edits(mp4, MOST_EDITS * 2, version)))


def test_a_count_that_is_a_lie() -> None:
    """A box of one entry that states a million: FFmpeg does not read on beyond it."""
    mp4 = film("mp4")
    place = mp4.index(b"elst") + 8
    assert not has_endless_edits(io.BytesIO(mp4[:place] + struct.pack(">I", 1_000_000) + mp4[place + 4 :]))


def test_boxes_without_end() -> None:
    assert has_endless_edits(io.BytesIO(box(b"moov", box(b"free") * 20_000)))
    nested = b""
    for _depth in range(50):
        nested = box(b"moov", nested)
    assert not has_endless_edits(io.BytesIO(nested + bytes(100)))


def test_a_million_edits_take_no_time_and_show_the_film() -> None:
    mp4 = film("mp4")
    start = time.process_time()
    shown = frames(with_edits(mp4, 1_000_000), EVERY_FRAME)
    assert time.process_time() - start < 5
    assert len(shown) == len(frames(mp4, EVERY_FRAME))

"""Films of containers that are met seldom, and beginnings that players pass over."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import CODES, MediaError
from hashmatch.media import Film, Limits, MediaType, open_media, probed, second_choice
from hashmatch.media.film_probe import probe
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import STEADY
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.film_files import RARE_FILMS, box, encoder_or_skip, film
from tests.support.opened_media import what_decodes
from tests.support.still_files import scene

#: Mean difference in brightness up to which a frame shows a scene.
ALIKE = 20


def frames(data: bytes, media_type: MediaType | None = None) -> list[Frame]:
    found = media_type or sniff(data[:HEAD_BYTES])
    assert found is not None
    opened = open_media(io.BytesIO(data), data, found, Limits(), False)
    assert isinstance(opened, Film)
    return list(opened.frames(STEADY))


def shows(frame: Frame, seed: int, size: tuple[int, int] = (176, 144)) -> bool:
    side = frame.pixels.shape[0]
    there = np.asarray(scene(seed, *size).convert("L").resize((side, side), Image.Resampling.BOX)).astype(int)
    return float(np.abs(frame.pixels.astype(int) - there).mean()) <= ALIKE


def made(name: str) -> bytes:
    encoder_or_skip(name)
    return film(name, seconds=2)


@pytest.mark.parametrize("name", RARE_FILMS)
def test_it_is_recognised_and_decoded(name: str) -> None:
    data, size = made(name), RARE_FILMS[name].size
    assert sniff(data[:HEAD_BYTES]) == MediaType("pyav", RARE_FILMS[name].demuxer)
    seen = frames(data)
    assert len(seen) >= 7
    near = {frame.time: {int(frame.time + 0.02), int(max(0, frame.time - 0.05))} for frame in seen}
    assert all(any(shows(frame, seed, size) for seed in near[frame.time]) for frame in seen)


@pytest.mark.parametrize("name", RARE_FILMS)
def test_ffmpeg_is_of_our_mind(name: str) -> None:
    assert probe(io.BytesIO(made(name)), is_named_like_media=False) == MediaType("pyav", RARE_FILMS[name].demuxer)


@pytest.mark.parametrize("name", RARE_FILMS)
def test_it_is_damaged(name: str) -> None:
    data, chance = made(name), random.Random(2)
    for number in range(6):
        broken = bytearray(data[: chance.randrange(100, len(data))] if number % 2 else data)
        for _byte in range(20):
            broken[chance.randrange(100, len(broken))] = chance.randrange(256)
        try:
            opened = open_media(io.BytesIO(broken), None, MediaType("pyav", RARE_FILMS[name].demuxer), Limits(), False)
            for _each in opened.frames(STEADY) if isinstance(opened, Film) else opened.pictures:
                pass
        except MediaError as error:
            assert error.code in CODES


def first_boxes(*boxes: bytes) -> bytes:
    """A film after other boxes, by which its table of places (stco) is moved."""
    before, mp4 = b"".join(boxes), bytearray(film("mp4", seconds=2))
    table = mp4.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", mp4, table)
    places = struct.unpack_from(f">{count}I", mp4, table + 4)
    struct.pack_into(f">{count}I", mp4, table + 4, *(place + len(before) for place in places))
    return before + bytes(mp4)


GENEROUS = {
    "mp4 after uuid": lambda: first_boxes(box(b"uuid", bytes(16))),
    "mp4 after meta": lambda: first_boxes(box(b"meta", bytes(4))),
    "mp4 after styp": lambda: first_boxes(box(b"styp", b"msdh", bytes(4))),
    "mp4 after unknown boxes": lambda: first_boxes(box(b"junk", bytes(20)), box(b"abcd", b"x")),
    "mp4 after a box of no name": lambda: first_boxes(box(b"\xa9\0\1x", bytes(20))),
    "mp4 after a box with a long size": lambda: first_boxes(b"\0\0\0\1junk" + (40).to_bytes(8, "big") + bytes(24)),
    "mp4 of fragments alone": lambda: film("mp4-fragmented", seconds=2),
    "avi of the other form": lambda: film("avi", seconds=2).replace(b"AVI LIST", b"AVIXLIST", 1),
    "avi of On2": lambda: film("avi", seconds=2).replace(b"RIFF", b"ON2 ", 1).replace(b"AVI LIST", b"ON2fLIST", 1),
    "avi with a wrong size": lambda: b"RIFF\xff\xff\xff\xff" + film("avi", seconds=2)[8:],
    "mkv after void": lambda: b"\xec\x88" + bytes(8) + film("mkv", seconds=2),
    "webm after bytes": lambda: b"junk" + film("webm-vp8", seconds=2),
    "ts after a byte": lambda: b"\0" + film("ts", seconds=2),
    "ts after bytes": lambda: b"\0" + bytes(range(100)) + film("ts", seconds=2),
    "ts with a bad sync byte": lambda: b"\x48" + film("ts", seconds=2)[1:],
    "ts with checksums": lambda: with_checksums(film("ts", seconds=2)),
    "m2ts after bytes": lambda: b"\1\2\3" + film("m2ts", seconds=2),
    "ps after zeros": lambda: bytes(50) + film("mpg", seconds=2),
    "mpeg-1 after zeros": lambda: bytes(9) + film("m2v", seconds=2),
    "h264 after zeros": lambda: bytes(9) + film("h264", seconds=2),
    "hevc after zeros": lambda: bytes(9) + film("hevc", seconds=2),
    "mpeg-4 after zeros": lambda: bytes(9) + film("m4v", seconds=2),
    "video cd": lambda: video_cd(film("vcd", seconds=2)),
}


def with_checksums(data: bytes) -> bytes:
    """Packets of 204 bytes, as broadcasts are recorded."""
    return b"".join(data[at : at + 188] + bytes(16) for at in range(0, len(data), 188))


def video_cd(stream: bytes) -> bytes:
    """A programme stream in the sectors of a Video CD, as Windows shows them (.DAT)."""
    sectors = [stream[at : at + 2324].ljust(2324, b"\0") for at in range(0, len(stream), 2324)]
    head = b"\0" + b"\xff" * 10 + b"\0" + b"\0\2\0\2" + b"\1\1\x62\x0f" * 2
    body = b"".join(head + sector + bytes(4) for sector in sectors)
    return (
        b"RIFF" + (len(body) + 36).to_bytes(4, "little") + b"CDXAfmt \x10\0\0\0" + bytes(16) + b"data" + bytes(4) + body
    )


@pytest.mark.parametrize("name", GENEROUS)
def test_what_players_pass_over(name: str) -> None:
    data = GENEROUS[name]()
    assert sniff(film("mp4", seconds=2)[:HEAD_BYTES]) is not None
    seen = []
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None and media_type.decoder == "pyav"
    opened = open_media(io.BytesIO(data), data, media_type, Limits(), False)
    assert isinstance(opened, Film)
    try:
        for frame in opened.frames(STEADY):
            seen.append(frame)
    except MediaError as error:
        assert error.code == "partial"
    assert len(seen) >= 4 and any(shows(seen[-1], seed) for seed in (0, 1))


@pytest.mark.parametrize("is_named", [True, False])
def test_what_is_named_like_media_is_looked_into_further(is_named: bool) -> None:
    """A transport stream after as much junk as no table of ours would pass over."""
    data = random.Random(3).randbytes(5000) + film("ts", seconds=2)
    assert sniff(data[:HEAD_BYTES]) is None
    found = probed(io.BytesIO(data), MediaType("probe", "named" if is_named else ""))
    assert found == MediaType("pyav", "mpegts")
    assert frames(data, MediaType("probe", "named"))


@pytest.mark.parametrize("kind", [b"uuid", b"xyzw", b"\xa9\0\1\2"])
def test_a_film_after_a_long_box(kind: bytes) -> None:
    """Longer than what FFmpeg would look at to guess."""
    data = first_boxes(box(kind, random.Random(4).randbytes(2_000_000)))
    found = sniff(data[:HEAD_BYTES]) or second_choice(None, data[:HEAD_BYTES], b"/a/b", None)
    assert found is not None
    assert probed(io.BytesIO(data), found) == MediaType("pyav", "mov")
    assert frames(data, found)


def test_flash_that_is_compressed() -> None:
    data = made("swf")
    packed = b"CWS" + data[3:8] + zlib.compress(data[8:])
    assert sniff(packed[:HEAD_BYTES]) == MediaType("pyav", "swf")
    assert len(seen := what_decodes(packed)) >= 7  # FFmpeg takes its end for cut off
    assert all(shows(frame, int(frame.time + 0.02)) for frame in seen)


def flic() -> bytes:
    """Autodesk's animation: two pictures of two scenes in grey, each with its palette and all of its pixels."""
    pixels = [np.asarray(scene(seed, 176, 144).convert("L")).tobytes() for seed in (0, 1)]
    palette = struct.pack("<HBB", 1, 0, 0) + bytes(value for grey in range(256) for value in (grey, grey, grey))

    def chunk(kind: int, content: bytes) -> bytes:
        return struct.pack("<IH", 6 + len(content), kind) + content

    made = []
    for each in pixels:
        inside = chunk(4, palette) + chunk(16, each)
        made.append(struct.pack("<IHH8x", 16 + len(inside), 0xF1FA, 2) + inside)
    body = b"".join(made)
    head = struct.pack("<IHHHHHHI", 128 + len(body), 0xAF12, len(pixels), 176, 144, 8, 3, 500)
    return head.ljust(128, b"\0") + body


def test_flic() -> None:
    assert sniff(flic()[:HEAD_BYTES]) == MediaType("pyav", "flic")
    assert [shows(frame, seed) for seed, frame in enumerate(frames(flic()))] == [True, True]


def test_flash_without_a_film_is_named() -> None:
    data = b"FWS\x06" + (21).to_bytes(4, "little") + b"\x30\x0a\x00\xa0\0\x0c\x01\0\x40\0\0\0\0"
    with pytest.raises(MediaError) as caught:
        frames(data)
    assert caught.value.code in ("unsupported-format", "corrupt")

"""Films whose pictures are encrypted."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import MediaError
from hashmatch.media import Limits, MediaType, open_media
from hashmatch.media.encryption import is_encrypted
from tests.support.encrypted_films import (
    MKV_COMPRESSION,
    MKV_ENCRYPTION,
    encrypted_mp4,
    encrypted_wmv,
    mkv_of,
    mp4_of,
    protection,
    scrambled_ts,
    scrambled_vob,
)
from tests.support.film_files import FILMS, box, encoder_or_skip, film

CLEAR, PROTECTED = b"", protection()
MOV, MKV, ASF = (MediaType("pyav", name) for name in ("mov", "matroska,webm", "asf"))
TS, PS = (MediaType("pyav", name) for name in ("mpegts", "mpeg"))


def encrypted(data: bytes, media_type: MediaType) -> bool:
    file = io.BytesIO(data)
    found = is_encrypted(file, media_type)
    assert file.tell() == 0
    return found


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([(b"vide", b"encv", PROTECTED)], True),
        ([(b"vide", b"encv", protection(b"cbcs"))], True),
        ([(b"vide", b"encv", CLEAR)], True),
        ([(b"vide", b"drmi", CLEAR)], True),
        ([(b"vide", b"avc1", PROTECTED)], True),
        ([(b"vide", b"encv", PROTECTED), (b"soun", b"mp4a", CLEAR)], True),
        ([(b"vide", b"avc1", CLEAR)], False),
        ([(b"vide", b"avc1", box(b"avcC", bytes(9)))], False),
        ([(b"vide", b"encv", protection(is_protected=0))], False),
        ([(b"vide", b"avc1", CLEAR), (b"soun", b"enca", PROTECTED)], False),
        ([(b"vide", b"encv", PROTECTED), (b"vide", b"avc1", CLEAR)], False),
        ([(b"soun", b"enca", PROTECTED)], False),
        ([], False),
    ],
)
def test_mp4(tracks: list[tuple[bytes, bytes, bytes]], expected: bool) -> None:
    """All of its pictures must be: else something can be compared."""
    assert encrypted(mp4_of(*tracks), MOV) is expected


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([(1, MKV_ENCRYPTION)], True),
        ([(1, MKV_ENCRYPTION), (2, b"")], True),
        ([(1, MKV_COMPRESSION)], False),
        ([(1, b""), (2, MKV_ENCRYPTION)], False),
        ([(1, MKV_ENCRYPTION), (1, b"")], False),
        ([(2, MKV_ENCRYPTION)], False),
    ],
)
def test_matroska(tracks: list[tuple[int, bytes]], expected: bool) -> None:
    assert encrypted(mkv_of(*tracks), MKV) is expected


def test_asf_in_either_place() -> None:
    assert encrypted(encrypted_wmv(), ASF)
    inside = bytes.fromhex("14e68a292226174cb935dae07ee9289c") + (24).to_bytes(8, "little")
    extension = bytes.fromhex("b503bf5f2ea9cf118ee300c00c205365") + (46 + 24).to_bytes(8, "little") + bytes(22) + inside
    header = bytes(16) + (30 + len(extension)).to_bytes(8, "little") + bytes(6) + extension
    assert encrypted(header, ASF)


def test_streams() -> None:
    assert encrypted(scrambled_ts(), TS)
    assert encrypted(b"junk!" + scrambled_ts(), TS)
    assert encrypted(scrambled_vob(), PS)


@pytest.mark.parametrize("name", FILMS)
def test_other_films_are_not(name: str) -> None:
    data = film(encoder_or_skip(name), seconds=1)
    assert not encrypted(data, MediaType("pyav", FILMS[name].demuxer))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(encrypted_mp4(), MOV), (encrypted_wmv(), ASF), (scrambled_ts(), TS), (scrambled_vob(), PS)],
)
def test_they_are_not_decoded(data: bytes, media_type: MediaType) -> None:
    with pytest.raises(MediaError) as caught:
        open_media(io.BytesIO(data), None, media_type, Limits(), False)
    assert caught.value.code == "encrypted"


@given(st.binary(max_size=300), st.sampled_from([MOV, MKV, ASF, TS, PS, MediaType("pyav", "avi")]))
def test_anything_at_all(data: bytes, media_type: MediaType) -> None:
    assert encrypted(data, media_type) in (True, False)


@pytest.mark.parametrize(
    ("unit", "media_type"),
    [
        (box(b"moov", box(b"trak")), MOV),
        (b"\0\0\0\1moov\0\0\0\0\0\0\0\x10", MOV),
        (b"\xec\x80", MKV),
        (bytes(16) + (24).to_bytes(8, "little"), ASF),
        (b"\0\0\1\xe0", PS),
        (b"G", TS),
    ],
)
def test_no_structure_takes_long(unit: bytes, media_type: MediaType) -> None:
    start = time.process_time()
    encrypted(unit * (4_000_000 // len(unit)), media_type)
    assert time.process_time() - start < 1

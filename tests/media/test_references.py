"""Files that name other files: nothing opens those, not even where no sandbox would stop it."""

from __future__ import annotations

import ctypes
import io
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.media.film_probe import probe
from tests.support.film_files import box, film
from tests.support.still_files import saved, scene

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

_IN_OPEN = 0x20
Seen = Callable[[], bool]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A film that others name."""
    folder = tmp_path / "secret"
    folder.mkdir()
    made = folder / "film.mp4"
    made.write_bytes(film("mp4", seconds=1))
    (folder / "film.ts").write_bytes(film("ts", seconds=1))
    (folder / "1.png").write_bytes(saved(scene(), "PNG"))
    return made


@pytest.fixture
def was_opened(secret: Path) -> Iterator[Seen]:
    """Tells whether anything in the folder has been opened since it was asked last."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    assert libc.inotify_add_watch(descriptor, os.fsencode(secret.parent), _IN_OPEN) >= 0

    def seen() -> bool:
        try:
            return bool(os.read(descriptor, 4096))
        except BlockingIOError:
            return False

    yield seen
    os.close(descriptor)


def with_place(mp4: bytes, place: bytes) -> bytes:
    """The film with another data reference (ISO/IEC 14496-12, dref): not in this file, but there. Its moov must be last."""
    before = box(b"url ", b"\0\0\0\1")
    assert mp4.count(before) == 1
    after = box(b"url ", b"\0\0\0\0" + place + b"\0")
    at, grown = mp4.index(before), len(after) - len(before)
    made = bytearray(mp4.replace(before, after))
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = made.index(name) - 4
        assert start < at
        struct.pack_into(">I", made, start, struct.unpack_from(">I", made, start)[0] + grown)
    return bytes(made)


def with_alias(mp4: bytes, place: bytes) -> bytes:
    """The same as QuickTime has it, by an alias with the path."""
    alias = bytes(10) + b"\4disk".ljust(28, b"\0") + bytes(12) + bytes([len(place[:63])]) + place[:63].ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">HH", 0, 0) + bytes(8) + struct.pack(">HH", 2, len(place)) + place + b"\xff\xff"
    made = with_place(mp4, b"x" * (len(alias) + 6))
    at = made.index(b"url \0\0\0\0xxx")
    return made[:at] + b"alis\0\0\0\0" + alias + bytes(6) + made[at + 8 + len(alias) + 7 :]


NAMING: dict[str, Callable[[bytes], bytes]] = {
    "mov by url": lambda path: with_place(film("mp4", seconds=1), b"file://" + path),
    "mov by path": lambda path: with_place(film("mp4", seconds=1), path),
    "mov by alias": lambda path: with_alias(film("mp4", seconds=1), path),
    "concat": lambda path: b"ffconcat version 1.0\nfile " + path + b"\n",
    "concat after a space": lambda path: b" ffconcat version 1.0\nfile " + path + b"\n",
    "concat after zeros": lambda path: bytes(8) + b"ffconcat version 1.0\nfile " + path + b"\n",
    "m3u": lambda path: b"#EXTM3U\n#EXTINF:1,\n" + path + b"\n",
    "hls": lambda path: b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://" + path[:-1] + b"s\n#EXT-X-ENDLIST\n",
    "hls after a byte": lambda path: b"\1#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + path + b"\n",
    "dash": lambda path: (
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        b"<Representation><BaseURL>" + path + b"</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ),
    "asx": lambda path: b'<asx version="3.0"><entry><ref href="' + path + b'"/></entry></asx>',
    "sdp": lambda path: (
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=" + path + b"\nc=IN IP4 127.0.0.1\nm=video 5000 RTP/AVP 96\n"
    ),
    "svg": lambda path: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="' + path + b'"/></svg>',
    "vobsub": lambda path: b"# VobSub index file, v7\nid: en, index: 0\n" + path + b"\n",
    "avi of a name": lambda path: b"RIFF\x40\0\0\0AVI LIST" + path,
    "flash": lambda path: b"FWS\x06" + struct.pack("<I", 60) + bytes(13) + path,
    "postscript": lambda path: b"%!PS\n(" + path + b") run\n",
    "pattern": lambda path: os.path.dirname(path) + b"/%d.png",
}


@pytest.mark.parametrize("kind", NAMING)
def test_what_a_file_names_is_not_opened(kind: str, secret: Path, was_opened: Seen) -> None:
    data = NAMING[kind](os.fsencode(secret))
    secret.read_bytes()
    assert was_opened(), "or the test proves nothing"
    for is_named in (True, False):
        probe(io.BytesIO(data), is_named)
    result = fingerprint(io.BytesIO(data), ReferenceHashing())
    assert not was_opened()
    assert not result.hashes or kind.startswith("mov")

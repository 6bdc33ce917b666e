"""Sound, documents and archives, told by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.media.sniff import HEAD_BYTES
from hashmatch.media.unexamined import DISC_DESCRIPTOR, behind_tag, unexamined_kind
from hashmatch.records import Unexamined
from tests.support.film_files import FILMS, box, encoder_or_skip, film, sound, wav
from tests.support.still_files import ANIMATIONS, STILLS


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(format: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        member = tarfile.TarInfo("letter.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    return out.getvalue()


def old_tar() -> bytes:
    """As before POSIX: without a signature, and so with another sum."""
    header = bytearray(tarred()[:512])
    header[257:512] = bytes(255)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"hello" + bytes(507 + 1024)


def partitioned() -> bytes:
    entry = struct.pack("<B3sB3sII", 0x80, b"\1\1\0", 0x0C, b"\xfe\xff\xff", 2048, 1 << 20)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa" + bytes(3584)


MAIL = b"Return-Path: <a@example.org>\r\nFrom: a@example.org\r\nSubject: hello\r\nMIME-Version: 1.0\r\n\r\nhello\r\n"
CONTENT_TYPES = ("[Content_Types].xml", b"<Types/>")

DOCUMENTS: dict[str, bytes] = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3",
    "pdf behind junk": b"junk\n" * 20 + b"%PDF-1.4\n",
    "rtf": b"{\\rtf1\\ansi hello}",
    "old office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "docx": zipped(CONTENT_TYPES, ("word/document.xml", b"<w/>")),
    "xlsx, other order": zipped(("docProps/app.xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")),
    "odt": zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), method=zipfile.ZIP_STORED),
    "epub": zipped(("mimetype", b"application/epub+zip"), method=zipfile.ZIP_STORED),
    "mobi": b"book".ljust(60, b"\0") + b"BOOKMOBI",
    "web page": b"\xef\xbb\xbf\n<!-- saved -->\n<!DOCTYPE html>\n<html>",
    "xhtml": b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">',
    "saved page": MAIL.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/related\r\n\r\n"),
}
ARCHIVES: dict[str, bytes] = {
    "zip": zipped(("a.jpg", b"picture")),
    "empty zip": zipped(),
    "zip with a file called word": zipped(("password/list.txt", b"hello")),
    "rar": b"Rar!\x1a\7\0" + bytes(50),
    "rar5": b"Rar!\x1a\7\1\0" + bytes(50),
    "7z": b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24),
    "gz": gzip.compress(b"hello"),
    "bz2": bz2.compress(b"hello"),
    "empty bz2": bz2.compress(b""),
    "xz": lzma.compress(b"hello"),
    "zst": b"\x28\xb5\x2f\xfd\4\0",
    "zst behind a skippable frame": b"\x50\x2a\x4d\x18\4\0\0\0abcd",
    "tar": tarred(),
    "tar, GNU": tarred(tarfile.GNU_FORMAT),
    "tar, before POSIX": old_tar(),
    "cab": b"MSCF\0\0\0\0" + bytes(28),
    "lha": b"\x22\x1c-lh5-" + bytes(20),
    "disk": partitioned(),
    "fat": b"\xeb\x3c\x90mkfs.fat".ljust(54, b"\0") + b"FAT16   ",
    "ext4": bytes(1080) + b"\x53\xef" + bytes(10),
    "vmdk": b"KDMV\1\0\0\0",
    "e01": b"EVF\t\r\n\xff\0\1",
    "pst": b"!BDN" + bytes(10),
    "mail": MAIL,
    "mbox": b"From a@example.org Mon Nov 30 20:00:00 2026\n" + MAIL,
}


def mp3() -> bytes:
    """Frames of MPEG 1 layer 3, 128 kbit/s and 44.1 kHz, which are 417 or 418 bytes long."""
    return (b"\xff\xfb\x90\0".ljust(417, b"\0") + b"\xff\xfb\x92\0".ljust(418, b"\0")) * 10


def adts() -> bytes:
    return bytes((0xFF, 0xF1, 0x50, 0x80, 200 >> 3, 0x1F, 0xFC)).ljust(200, b"\x21") * 9


SOUNDS: dict[str, Callable[[], bytes]] = {
    "mp3": mp3,
    "mp3 behind zeros": lambda: bytes(300) + mp3(),
    "mp3 with ID3": lambda: b"ID3\4\0\0\0\0\1\0" + bytes(128) + mp3(),
    "aac": adts,
    "ac3": lambda: (b"\x0b\x77\0\0\x14\x40".ljust(768, b"\0")) * 6,
    "wav": wav,
    "rf64": lambda: wav().replace(b"RIFF", b"RF64", 1),
    "flac": lambda: sound("flac", "flac"),
    "aiff": lambda: sound("aiff", "pcm_s16be"),
    "au": lambda: sound("au", "pcm_s16be"),
    "caf": lambda: sound("caf", "pcm_s16be"),
    "m4a": lambda: sound("ipod", "aac"),
    "wavpack": lambda: sound("wv", "wavpack"),
    "amr": lambda: b"#!AMR\n" + bytes(32),
    "midi": lambda: b"MThd\0\0\0\6\0\1\0\2\1\xe0",
    "ape": lambda: b"MAC \x96\x0f\0\0" + bytes(40),
    "dts": lambda: b"\x7f\xfe\x80\1" + bytes(40),
    "old RealAudio": lambda: b".ra\xfd\0\3" + bytes(40),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str) -> None:
    assert unexamined_kind(DOCUMENTS[name][:HEAD_BYTES]) == "document"


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(name: str) -> None:
    assert unexamined_kind(ARCHIVES[name][:HEAD_BYTES]) == "archive"


@pytest.mark.parametrize("name", SOUNDS)
def test_sound(name: str) -> None:
    try:
        data = SOUNDS[name]()
    except (av.error.FFmpegError, ValueError) as error:
        pytest.skip(f"this FFmpeg cannot write it: {error}")
    assert unexamined_kind(data[:HEAD_BYTES]) == "sound"


def test_what_follows_a_tag() -> None:
    assert behind_tag(b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"rest") == b"rest"
    assert [behind_tag(head) for head in (b"ID3", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(99), mp3())] == [b""] * 3


def test_a_disc_is_known_by_its_descriptor() -> None:
    disc = bytes(DISC_DESCRIPTOR) + b"\1CD001\1\0" + bytes(2048)
    assert unexamined_kind(disc[:HEAD_BYTES]) is None
    assert unexamined_kind(disc[:HEAD_BYTES], lambda place, length: disc[place : place + length]) == "archive"
    assert unexamined_kind(bytes(HEAD_BYTES), lambda place, length: bytes(length)) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"hello\n",
        "مساء في الميناء\n".encode(),
        b"key: value\nother: value\nthird: value\n",
        b"From here on, it rains.\n",
        b"Subject: one header is not a mail\n\n",
        b"MACHINE READABLE",
        b"MAC addresses of the lab",
        b"\x7fELF" + bytes(60),
        b"<?xml version='1.0'?><kml></kml>",
        b"\xff\xfb",
        b"\xff\xfb\x90\0" + bytes(4092),
        bytes(4096),
        zlib.compress(b"hello"),
        bytes(510) + b"\x55\xaa",
        box(b"ftyp", b"isom\0\0\2\0isomiso2"),
    ],
)
def test_nothing_of_these(head: bytes) -> None:
    found: Unexamined | None = unexamined_kind(head)
    assert found is None


@pytest.mark.parametrize("name", [*STILLS, *ANIMATIONS])
def test_no_picture_is_taken_for_one(name: str) -> None:
    make, _type = {**STILLS, **ANIMATIONS}[name]
    assert unexamined_kind(make()[:HEAD_BYTES]) is None


@pytest.mark.parametrize("name", FILMS)
def test_no_film_is_taken_for_one(name: str) -> None:
    assert unexamined_kind(film(encoder_or_skip(name), seconds=1)[:HEAD_BYTES]) is None


@given(st.binary(max_size=600))
def test_anything_at_all(head: bytes) -> None:
    assert unexamined_kind(head) in (None, "archive", "document", "sound")


@pytest.mark.parametrize(
    "unit",
    [b"<!---->", b"<!--", b"-->", b"PK\3\4", b"A: ", b"From: \n", b"<?xml ?>", b"\r\n", b" ", b"\0", b"\xff\xfb\x90\0"],
)
def test_no_head_takes_long(unit: bytes) -> None:
    for head in (unit * HEAD_BYTES, b"<!--" + unit * HEAD_BYTES, b"PK\3\4" + unit * HEAD_BYTES):
        start = time.process_time()
        unexamined_kind(head[:HEAD_BYTES])
        assert time.process_time() - start < 0.5

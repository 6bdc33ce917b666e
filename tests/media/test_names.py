"""What a file's name promises."""

from __future__ import annotations

import pytest

from hashmatch.media.names import breaks_promise, is_text, named_like_media
from hashmatch.records import Unexamined


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/a/photo.jpg", True),
        (b"/a/PHOTO.JPEG", True),
        (b"/a/\xff\xfe.MP4", True),
        ("/a/صورة.png".encode(), True),
        (b"/a.jpg/readme", False),
        (b"/a/.jpg", False),
        (b"/a/jpg", False),
        (b"/a/photo.jpg.txt", False),
        (b"/a/notes.txt", False),
        (b"", False),
    ],
)
def test_named_like_media(path: bytes, expected: bool) -> None:
    assert named_like_media(path) is expected


def test_every_extension_of_the_interface_claims_media() -> None:
    supported = "jpg jpeg png apng gif webp tif tiff bmp heic heif avif jp2 mp4 mov mkv webm avi flv ts mpg 3gp wmv ogv"
    assert [e for e in supported.split() if not named_like_media(f"x.{e}".encode())] == []


def test_so_do_names_of_formats_that_are_refused() -> None:
    refused = (
        "jxl jls jxr djvu dcm svg tgs psd exr hdr cr2 cr3 nef arw dng raf rw2 orf rm rmvb mxf dv ivf nut wtv swf gxf"
    )
    assert [e for e in refused.split() if not named_like_media(f"x.{e}".encode())] == []


TEXT = b"export const answer: number = 42;\n"
NOISE = bytes(range(256)) * 8


@pytest.mark.parametrize(
    ("name", "head", "kind", "expected"),
    [
        (b"a.jpg", TEXT, None, True),
        (b"a.jpg", NOISE, None, True),
        (b"a.mp4", b"PK\3\4", "archive", True),
        (b"a.txt", NOISE, None, False),
        (b"a.ts", TEXT, None, False),
        (b"a.ts", "مساء في الميناء\n".encode("cp1256"), None, False),
        (b"a.mts", "text\n".encode("utf-16"), None, False),
        (b"a.ts", b"", None, False),
        (b"a.ts", NOISE, None, True),
        (b"a.ts", None, None, True),
        (b"NTUSER.DAT", b"regf" + NOISE, None, False),
        (b"a.dat", b"SQLite format 3\0" + NOISE, None, False),
        (b"a.mod", NOISE, "sound", False),
        (b"a.raw", NOISE, "archive", False),
        (b"AVSEQ01.DAT", NOISE, None, True),
        (b"cache.dat", NOISE, None, False),
        (b"a.mp4", NOISE, "sound", False),
        (b"a.jpg", NOISE, "sound", True),
    ],
)
def test_broken_promises(name: bytes, head: bytes | None, kind: Unexamined | None, expected: bool) -> None:
    assert breaks_promise(name, head, kind) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (TEXT, True),
        ("نص".encode() * 2000, True),
        ("نص".encode("cp1256") * 2000, True),
        ("نص طويل\r\n".encode("utf-16-le"), False),  # without its mark, it looks like any binary file
        (("نص طويل 🎬\r\n" * 400).encode("utf-16")[:4096], True),
        (b"\xff\xfe" + NOISE, False),
        (NOISE, False),
        (b"\0", False),
    ],
)
def test_texts(head: bytes, expected: bool) -> None:
    assert is_text(head) is expected

"""What else may open a file, and what FFmpeg is asked about."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from hashmatch.media import MediaType, first_choice, probed, second_choice
from hashmatch.media.film_probe import BARE_STREAMS, CONTAINERS, probe
from hashmatch.messages import Message
from hashmatch.records import Failure
from tests.support.film_files import FILMS, encoder_or_skip, film, wav
from tests.support.still_files import still

CORRUPT = Failure("corrupt", Message.of("bad-header"))
NAMED, UNNAMED = MediaType("probe", "named"), MediaType("probe", "")
UNKNOWN = b"\x01\x02\xfe\x03" * 100


@pytest.mark.parametrize(
    ("head", "path", "expected"),
    [
        (UNKNOWN, b"/a/film.mp4", NAMED),
        (UNKNOWN, b"/a/b", UNNAMED),
        (b"\x7fELF" + UNKNOWN, b"/bin/ls", None),
        (b"\x7fELF" + UNKNOWN, b"/a/film.mp4", NAMED),
        (b"PK\x03\x04" + UNKNOWN, b"/a/b.docx", None),
        (bytes(4096), b"/a/disk.img", None),
        (bytes(4096), b"/a/film.mpg", NAMED),
        (b"export const harbour: string = 'evening';\n", b"/a/harbour.ts", None),
        ("مساء في الميناء\n".encode()[:-2], b"/a/b.txt", None),
        (("Un café à la mer\n" * 9).encode("latin-1"), b"/a/b", None),
        ("text".encode("utf-16"), b"/a/b", None),
        (b"", b"/a/film.mp4", None),
    ],
)
def test_what_is_not_recognised(head: bytes, path: bytes, expected: MediaType | None) -> None:
    assert second_choice(None, head, path, None) == expected
    assert second_choice(None, head, path, CORRUPT) is None


@pytest.mark.parametrize(
    ("first", "code", "expected"),
    [
        (MediaType("pyav", "mov"), "corrupt", NAMED),
        (MediaType("pyav", "mov"), "timeout", None),
        (MediaType("pyav", "mov"), "too-large", None),
        (MediaType("pyav", "mov"), "no-usable-frames", None),
        (MediaType("pillow", "JPEG"), "corrupt", MediaType("opencv", "JPEG")),
        (MediaType("pillow", "PNG"), "unsupported-format", MediaType("opencv", "PNG")),
        (MediaType("pillow", "PNG"), "too-large", None),
        (MediaType("pillow", "PNG"), "partial", None),
        (MediaType("pillow", "TGA"), "corrupt", MediaType("ffmpeg-still", "targa")),
        (MediaType("opencv", "JPEG"), "corrupt", None),
        (MediaType("probe", ""), "corrupt", None),
        (MediaType(None, "SVG"), "unsupported-format", None),
    ],
)
def test_what_the_first_decoder_refused(first: MediaType, code: str, expected: MediaType | None) -> None:
    failure = Failure(code, Message.of("bad-header"))
    assert second_choice(first, b"", b"/a/film.mp4", failure) == expected
    assert second_choice(first, b"", b"/a/film.mp4", None) is None


def test_a_stream_of_jpegs_has_only_its_name() -> None:
    jpeg, png = MediaType("pillow", "JPEG"), MediaType("pillow", "PNG")
    assert first_choice(jpeg, b"/a/film.MJPEG") == MediaType("pyav", "mjpeg")
    assert first_choice(jpeg, b"/a/photo.jpeg") == jpeg and first_choice(png, b"/a/film.mjpeg") == png


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("is_named", [True, False])
def test_ffmpeg_knows_every_film(name: str, is_named: bool) -> None:
    """By the demuxer that our own table gives it; a stream without a container only if it is named like media."""
    made = FILMS[name]
    data = film(encoder_or_skip(name), seconds=1)
    is_bare = made.demuxer in BARE_STREAMS
    found = probe(io.BytesIO(data), is_named)
    assert found == (None if is_bare and not is_named else MediaType("pyav", made.demuxer))


@pytest.mark.parametrize("is_named", [True, False])
def test_what_is_no_film_is_none_for_ffmpeg(is_named: bool) -> None:
    everyday = [wav(), still("jpeg"), still("png"), b"", b"\0", bytes(5000), Path(sys.executable).read_bytes()]
    everyday += [Path(__file__).read_bytes(), b"#EXTM3U\nsecret.ts\n", b"ffconcat version 1.0\nfile secret.ts\n"]
    pictures = {MediaType("pyav", "mjpeg"), None} if is_named else {None}
    assert {probe(io.BytesIO(data), is_named) for data in everyday} <= pictures


def test_a_file_is_left_at_its_beginning() -> None:
    file = io.BytesIO(film("mp4", seconds=1))
    assert probed(file, NAMED) == MediaType("pyav", "mov")
    assert file.tell() == 0
    assert probed(file, MediaType("pyav", "avi")) == MediaType("pyav", "avi")


def test_boxes_of_any_size() -> None:
    for size in (b"\xff" * 8, b"\x7f" + b"\xff" * 7, (1 << 61).to_bytes(8, "big"), bytes(8)):
        data = b"\0\0\0\1mdat" + size + bytes(100)
        assert probe(io.BytesIO(data * 3), is_named_like_media=True) is None


def test_no_demuxer_that_follows_names_is_allowed() -> None:
    following = {"concat", "hls", "dash", "imf", "image2", "image2pipe", "sdp", "rtsp", "rtp", "lavfi", "vobsub", "tty"}
    assert not following & (CONTAINERS | BARE_STREAMS)

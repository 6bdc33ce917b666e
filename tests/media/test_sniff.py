"""What a file is, by its content."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashmatch.media import MediaType
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.film_files import FILMS, box, encoder_or_skip, film, wav
from tests.support.still_files import ANIMATIONS, STILLS

FILM_TYPES = {name: MediaType("pyav", film.demuxer) for name, film in FILMS.items()}


@pytest.mark.parametrize("name", STILLS)
def test_stills(name: str) -> None:
    make, expected = STILLS[name]
    assert sniff(make()[:HEAD_BYTES]) == expected


@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations(name: str) -> None:
    make, expected = ANIMATIONS[name]
    assert sniff(make()[:HEAD_BYTES]) == expected


@pytest.mark.parametrize("name", FILMS)
def test_films(name: str) -> None:
    data = film(encoder_or_skip(name), seconds=1)
    assert sniff(data[:HEAD_BYTES]) == FILM_TYPES[name]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg></svg>', "SVG"),
        (b"<!DOCTYPE svg PUBLIC><svg/>", "SVG"),
        (b"  \n<SVG/>", "SVG"),
        (b"ffconcat version 1.0\nfile secret.ts", "ffconcat script"),
        (b"\n ffconcat version 1.0\nfile secret.ts", "playlist"),
        (b"#EXTM3U\n#EXTINF:1,\nsecret.ts", "M3U playlist"),
        (b"\xef\xbb\xbf#EXTM3U\nsecret.ts", "playlist"),
        (b"[playlist]\nFile1=secret.ts", "PLS playlist"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(26), "PostScript"),
        (b"8BPS\0\1" + bytes(20), "Photoshop"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b".RMF\0\0\0\x12", "RealMedia"),
    ],
)
def test_refused(head: bytes, name: str) -> None:
    """Known, and opened by no decoder: they are named when they are refused."""
    assert sniff(head) == MediaType(None, name)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"An evening at the harbour.\n",
        "مساء في الميناء\n".encode(),
        b"<!DOCTYPE html><html><body>hello</body></html>",
        b"<?xml version='1.0'?><kml></kml>",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(30),
        b"\x7fELF" + bytes(60),
        b"MZ" + bytes(60),
        b"BM, the sponsor of the race",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"ID3\x04" + bytes(60),
        b"GGGG",
        b"SQLite format 3\0",
        b"file secret.ts\n",
        wav()[:HEAD_BYTES],
        box(b"ftyp", b"M4A \0\0\2\0isomiso2"),
    ],
)
def test_no_media(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"isom", MediaType("pyav", "mov")),
        (b"qt  ", MediaType("pyav", "mov")),
        (b"3gp4", MediaType("pyav", "mov")),
        (b"XXXX", MediaType("pyav", "mov")),
        (b"heic mif1 miaf", MediaType("heif", "HEIF")),
        (b"mif1 heic", MediaType("heif", "HEIF")),
        (b"msf1 hevc", MediaType("heif", "HEIF")),
        (b"mif1 avif miaf", MediaType("pillow", "AVIF")),
        (b"avis msf1", MediaType("pillow", "AVIF")),
        (b"avif mif1 heic", MediaType("pillow", "AVIF")),
        (b"isom mp42 avif", MediaType("pyav", "mov")),
        (b"M4A  isom", None),
    ],
)
def test_brands(brands: bytes, expected: MediaType | None) -> None:
    """ISO base media files say by their brands whether they are pictures, films or sound."""
    major, *others = (brands[i : i + 4] for i in range(0, len(brands), 5))
    assert sniff(box(b"ftyp", major, bytes(4), *others)) == expected


def test_brands_beyond_the_box_do_not_count() -> None:
    head = box(b"ftyp", b"mif1", bytes(4), b"heic") + b"avif" * 20
    assert sniff(head) == MediaType("heif", "HEIF")


@pytest.mark.parametrize("atom", [b"moov", b"mdat", b"wide", b"free", b"skip"])
def test_old_quicktime_has_no_brand(atom: bytes) -> None:
    for size in (b"\0\0\0\x08", b"\0\0\0\0", b"\0\0\0\1", b"\0\x10\0\0"):
        assert sniff(size + atom + bytes(40)) == MediaType("pyav", "mov")
    assert sniff(b"\0\0\0\4" + atom) is None


def test_transport_stream_needs_its_sync_bytes() -> None:
    packet = b"\x47" + bytes(187)
    assert sniff(packet * 4) == MediaType("pyav", "mpegts")
    assert sniff(packet * 3 + bytes(188)) is None
    assert sniff((bytes(4) + packet) * 4) == MediaType("pyav", "mpegts")


@given(data=st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    result = sniff(data)
    assert result is None or isinstance(result, MediaType)


SIGNATURES = st.sampled_from(
    [
        *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF", b"BM", b"\0\0\0\x0cjP  \r\n"),
        *(b"\x1a\x45\xdf\xa3", b"FLV\x01", b"OggS\0", b"\0\0\x01\xba", b"\0\0\0\x18ftyp", b"mif1", b"avif", b"WEBP"),
        *(b"<?xml", b"<svg", b"\xef\xbb\xbf", b"#EXTM3U", b"ffconcat", b"\x47" * 600, b"moov", b"\0\0\0\0"),
    ]
)


@given(parts=st.lists(SIGNATURES | st.binary(max_size=8), max_size=5), cut=st.integers(0, 40))
def test_any_beginning(parts: list[bytes], cut: int) -> None:
    head = b"".join(parts)
    sniff(head)
    sniff(head[:cut])


def test_every_supported_image_is_known_to_pillow_by_that_name() -> None:
    """Or opening it with exactly that format would find no plug-in."""
    Image.init()
    for make, media_type in [*STILLS.values(), *ANIMATIONS.values()]:
        with Image.open(io.BytesIO(make()), formats=[media_type.format]) as image:
            assert image.width > 0

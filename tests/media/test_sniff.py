"""What a file is, by its content."""

from __future__ import annotations

import gzip
import io
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashmatch.media import MediaType
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.film_files import FILMS, box, encoder_or_skip, film, wav
from tests.support.still_files import ANIMATIONS, STILLS, saved, scene

FILM_TYPES = {name: MediaType("pyav", film.demuxer) for name, film in FILMS.items()}


@pytest.mark.parametrize("name", STILLS)
def test_stills(name: str) -> None:
    make, expected = STILLS[name]
    assert sniff(make()[:HEAD_BYTES]) == expected


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\n", "JPEG"),
        (b"\r\n\0\0junk", "JPEG"),
    ],
)
def test_a_picture_after_junk(head: bytes, name: str) -> None:
    assert sniff(head + saved(scene(), name)) == MediaType("pillow", name)


def test_a_jpeg_with_junk_after_its_first_marker() -> None:
    data = saved(scene(), "JPEG")
    assert sniff(data[:2] + bytes(9) + data[2:]) == MediaType("pillow", "JPEG")


def test_a_bitmap_with_its_reserved_bytes_set() -> None:
    data = saved(scene(), "BMP")
    assert sniff(data[:6] + b"\1\2\3\4" + data[10:]) == MediaType("pillow", "BMP")


def test_a_webp_with_another_chunk_first() -> None:
    data = saved(scene(), "WEBP")
    assert sniff(data[:12] + b"JUNK\4\0\0\0abcd" + data[12:]) == MediaType("pillow", "WEBP")


def test_a_film_of_jpeg_2000() -> None:
    head = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"mjp2", bytes(4), b"mjp2")
    assert sniff(head) == MediaType("pyav", "mov")


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
        (b"<!DOCTYPE svg PUBLIC><svg />", "SVG"),
        (b"<?xml version='1.0'?><svg:svg xmlns:svg='x'>", "SVG"),
        (b"  \n<SVG/>", "SVG"),
        (b"ffconcat version 1.0\nfile secret.ts", "ffconcat script"),
        (b"\n ffconcat version 1.0\nfile secret.ts", "playlist"),
        (b"#EXTM3U\n#EXTINF:1,\nsecret.ts", "M3U playlist"),
        (b"\xef\xbb\xbf#EXTM3U\nsecret.ts", "playlist"),
        (b"[playlist]\nFile1=secret.ts", "PLS playlist"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(26), "PostScript"),
        (b"8BPS\0\2" + bytes(20), "Photoshop's large format (PSB)"),
        (b"BPG\xfb\0\0", "BPG"),
        (b"FLIF\x44", "FLIF"),
        (b"\xff\x10\xff\x50\0", "JPEG XS"),
        (b"AT&TFORM\0\0\0\0DJVU", "DjVu"),
        (bytes(128) + b"DICM\2\0", "DICOM"),
        (b"\xd7\xcd\xc6\x9a" + bytes(20), "Windows Metafile"),
        (b"\1\0\0\0\x6c\0\0\0" + bytes(32) + b" EMF", "Windows Metafile (EMF)"),
        (b"gimp xcf v011\0", "GIMP's XCF"),
        (b"\x8aMNG\r\n\x1a\n", "MNG"),
        (b"\x8bJNG\r\n\x1a\n", "JNG"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"RIFF\0\0\0\0CDR9vrsn", "CorelDRAW"),
        (b"RIFF\0\0\0\0ACONanih", "animated cursor (ANI)"),
        (b'{"v":"5.7.4","fr":60,"ip":0,"op":180,"w":512,"h":512,"layers":[]}', "Lottie animation"),
        (gzip.compress(b'{"tgs":1,"v":"5.5.2","fr":60,"ip":0,"op":180,"layers":[]}'), "Lottie animation"),
        (gzip.compress(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), "SVG"),
        (b'<?xml version="1.0"?><MPD type="static"><BaseURL>secret</BaseURL></MPD>', "playlist"),
        (b'<ASX version="3.0"><Entry><Ref href="secret.wmv"/></Entry></ASX>', "playlist"),
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
        b"G" * 4096,
        b"(G" + b"G" * 10 + b")\n" * 2000,
        gzip.compress(b"An evening at the harbour.\n"),
        b'{"name": "harbour", "ip": "192.0.2.1", "op": 3}',
        b"P2P networks are 3 times 4 bigger\n",
        b"#define harbour 1\n#define evening 2\n",
        b"\0\0\1\0" + bytes(40),
        b"\0\0\2\0\0\0" + bytes(40),
        b"II*\0"[:2] + b"\0\0" + bytes(40),
        b"\x0a\5\1\7" + bytes(124),
        b"import { harbour } from './harbour';\nexport default harbour;\n",
        b"A" * 80 + b"\xff\xd8\xff\xe0\0\x10JFIF",
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
    packet = b"\x47\x40\0\x10" + bytes(184)
    assert sniff(packet * 4) == MediaType("pyav", "mpegts")
    assert sniff(packet * 3 + bytes(188)) is None
    assert sniff((bytes(4) + packet) * 4) == MediaType("pyav", "mpegts")
    assert sniff((packet + bytes(16)) * 4) == MediaType("pyav", "mpegts")
    assert sniff(b"\x46" + packet[1:] + packet * 5) == MediaType("pyav", "mpegts")
    assert sniff((b"\x47" + bytes(187)) * 20) is None


@pytest.mark.parametrize(
    "folder", [Path(sys.executable).parent, Path(sysconfig.get_path("stdlib"))], ids=["bin", "lib"]
)
def test_programs_are_no_media(folder: Path) -> None:
    """Those of Python, and its library: no file of them but the pictures is taken for media."""
    taken = {}
    for path in sorted(folder.rglob("*"))[:4000]:
        if path.is_file() and path.suffix not in (
            ".png",
            ".gif",
            ".jpg",
            ".svg",
            ".ico",
            ".xbm",
            ".pgm",
            ".bmp",
            ".tiff",
        ):
            with path.open("rb") as file:
                taken[path.name] = sniff(file.read(HEAD_BYTES))
    assert len(taken) > 5 and {name: found for name, found in taken.items() if found is not None} == {}


@given(data=st.binary(min_size=300, max_size=600))
@settings(max_examples=500)
def test_chance_makes_no_media(data: bytes) -> None:
    """Two bytes make a JPEG XL, and nothing else may be as short."""
    found = sniff(b"\x03\x9c" + data)
    assert found is None


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


def test_texts_that_begin_as_a_portable_map() -> None:
    """Of more than two values there must be a third number, which says how many."""
    assert sniff(b"P5 100 200 are the items of the day\n") is None
    assert sniff(b"P3 12 monkeys\n") is None
    for header in (b"P5\n# by hand\n10 20\n# white\n255\n", b"P6 10 20 255 ", b"P4\n10 20\n", b"P1 10 20 1 0 1"):
        assert sniff(header) == MediaType("pillow", "PPM")

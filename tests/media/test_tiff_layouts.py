"""TIFF of every layout is read rightly or refused; tifffile, which wrote the files, is the judge of what is in them."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import Limits, MediaType, Stills, open_media, second_choice
from hashmatch.media.tiff_layout import MOST_PAGES, TiffLayout, count_pages
from tests.support.opened_media import away, pictures
from tests.support.still_files import saved, scene, still

_WIDTH, _HEIGHT = 96, 80
COLOUR = np.asarray(scene(1, _WIDTH, _HEIGHT))
GREY = np.asarray(scene(1, _WIDTH, _HEIGHT).convert("L"))

PHOTOMETRICS = ["minisblack", "miniswhite", "rgb", "rgba", "grey-and-alpha", "separated"]
KINDS = [("uint", bits) for bits in (1, 2, 4, 8, 10, 12, 14, 16, 24, 32, 64)]
KINDS += [("int", bits) for bits in (8, 16, 32)] + [("float", bits) for bits in (16, 32, 64)]
#: Without imagecodecs, tifffile writes the first, third and last of these.
COMPRESSIONS = [None, "lzw", "zlib", "packbits", "zstd", "lzma"]


def stored(values: npt.NDArray[np.uint8], kind: str, bits: int) -> npt.NDArray[Any]:
    shares = values / 255
    if kind == "float":
        return shares.astype(f"f{bits // 8}")
    if kind == "int":
        return np.round(shares * (2 ** (bits - 1) - 1)).astype(f"i{bits // 8}")
    whole = next(size for size in (8, 16, 32, 64) if size >= bits)
    most = float(2**bits - 1) if bits < 64 else float(2**64 - 2048)  # the largest double that fits
    return np.round(shares * most).astype(f"u{whole // 8}")


def layered(photometric: str) -> tuple[npt.NDArray[np.uint8], str, dict[str, Any]]:
    """What to store of the scene: samples, tifffile's name of the photometric interpretation, and further options."""
    opaque = np.full((_HEIGHT, _WIDTH), 255, np.uint8)
    match photometric:
        case "minisblack":
            return GREY, "minisblack", {}
        case "miniswhite":
            return 255 - GREY, "miniswhite", {}
        case "rgb":
            return COLOUR, "rgb", {}
        case "rgba":
            return np.dstack((COLOUR, opaque)), "rgb", {"extrasamples": ["unassalpha"]}
        case "grey-and-alpha":
            return np.dstack((GREY, opaque)), "minisblack", {"extrasamples": ["unassalpha"]}
    return np.dstack((255 - COLOUR, np.zeros((_HEIGHT, _WIDTH), np.uint8))), "separated", {}


def files(photometric: str) -> Iterator[tuple[str, bytes]]:
    """Every file of this kind that tifffile can write."""
    values, name, options = layered(photometric)
    for (kind, bits), compression, order, planar, tile in itertools.product(
        KINDS, COMPRESSIONS, "<>", ("contig", "separate"), (None, (32, 48))
    ):
        if planar == "separate" and values.ndim == 2:
            continue
        if bits in (10, 12, 14) and order == ">":
            continue  # tifffile writes these with their bytes in the wrong order; OpenCV sees it, too
        samples = stored(values, kind, bits)
        packed = {"bitspersample": bits} if kind == "uint" and bits not in (8, 16, 32, 64) else {}
        if bits == 1 and samples.ndim == 2:
            samples, packed = samples.astype(bool), {}
        if samples.ndim == 3:
            packed["planarconfig"] = planar
            samples = samples.transpose(2, 0, 1) if planar == "separate" else samples
        out = io.BytesIO()
        try:
            tifffile.imwrite(
                out,
                np.ascontiguousarray(samples),
                photometric=name,
                compression=compression,
                byteorder=order,
                tile=tile,
                **options,
                **packed,
            )
        except Exception:  # what tifffile cannot write, in many ways
            continue
        yield f"{kind} {bits} {compression} {order} {planar} {tile}", out.getvalue()


def read(data: bytes, exact: bool = True) -> list[Picture]:
    """With the first decoder, or with its second choice where that refuses. Raises MediaError if both do."""
    medium_type = MediaType("pillow", "TIFF")
    try:
        return _pictures(data, medium_type, exact)
    except MediaError as error:
        second = second_choice(medium_type, b"", b"", error.failure)
        assert second is not None
        return _pictures(data, second, exact)


def _pictures(data: bytes, medium_type: MediaType, exact: bool) -> list[Picture]:
    medium = open_media(io.BytesIO(data), data, medium_type, Limits(), exact)
    assert isinstance(medium, Stills)
    return list(medium.pictures)


def error_of(shown: npt.NDArray[Any], expected: npt.NDArray[Any], free: bool) -> float:
    """Levels that they differ by on average. free: whether black and white may be other values, as of signed numbers."""
    shown, expected = shown.astype(float).ravel(), expected.astype(float).ravel()
    if free:
        slope, start = np.polyfit(shown, expected, 1)
        shown = slope * shown + start if slope > 0 else shown
    return float(np.abs(shown - expected).mean())


@pytest.mark.slow
@pytest.mark.parametrize("photometric", PHOTOMETRICS)
def test_every_layout_is_read_rightly_or_refused(photometric: str) -> None:
    is_grey = photometric in ("minisblack", "miniswhite", "grey-and-alpha")
    expected = np.repeat(GREY[:, :, None], 3, axis=2) if is_grey else COLOUR
    right = 0
    for what, data in files(photometric):
        try:
            picture = read(data)[0]
        except MediaError as error:
            assert error.code == "unsupported-format", what
            assert "TIFF" in error.message, what
            continue
        kind, bits, *_rest = what.split()
        steps = 2 ** min(int(bits), 8) - 1
        rounded = np.round(expected / 255 * steps) * 255 / steps
        shown = np.asarray(picture.image)
        assert shown.shape == expected.shape
        assert error_of(shown, rounded, kind == "int") <= 1.5, what
        right += 1
    assert right >= 40


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes(bits: int) -> None:
    image = scene(1, _WIDTH, _HEIGHT).quantize(256)
    palette = np.array(image.getpalette()).reshape(-1, 3)
    indices = np.asarray(image)
    out = io.BytesIO()
    colours = np.zeros((3, 2**bits), np.uint16)
    colours[:, :256] = palette.T.astype(np.uint16) * 257
    tifffile.imwrite(out, indices.astype(f"u{bits // 8}"), photometric="palette", colormap=colours)
    assert (np.asarray(read(out.getvalue())[0].image) == palette[indices]).all()


def written(values: npt.NDArray[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


@pytest.mark.parametrize("multiplied", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha(bits: int, multiplied: bool, planar: str) -> None:
    alpha = np.repeat(np.linspace(40, 255, _WIDTH)[None], _HEIGHT, axis=0)
    colours = COLOUR * (alpha[:, :, None] / 255 if multiplied else 1)
    values = np.dstack((colours, alpha)) * (257 if bits == 16 else 1)
    values = np.round(values).astype(f"u{bits // 8}")
    values = values if planar == "contig" else values.transpose(2, 0, 1)
    extra = "assocalpha" if multiplied else "unassalpha"
    data = written(np.ascontiguousarray(values), photometric="rgb", planarconfig=planar, extrasamples=[extra])
    expected = COLOUR * (alpha[:, :, None] / 255) + 255 - alpha[:, :, None]
    assert error_of(np.asarray(read(data)[0].image), expected, False) <= 2


def test_floats_beyond_numbers() -> None:
    values = np.stack([COLOUR[:, :, number] / 255 for number in range(3)], axis=2).astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    assert away(read(written(values, photometric="rgb"), exact=False)[0], scene(1, _WIDTH, _HEIGHT)) <= 20


def test_pages_and_orientation_by_tifffile() -> None:
    deep = [np.asarray(scene(seed)).astype(np.uint32) << 24 for seed in (1, 2, 3)]
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in deep:
            writer.write(page, photometric="rgb", extratags=[(274, 3, 1, 3, True)], metadata=None)
    seen = read(out.getvalue(), exact=False)
    assert [each.view for each in seen if not each.view.startswith("look")] == ["full", "page2", "page3"]
    assert away(seen[0], scene(1).rotate(180)) <= 6


def test_a_page_that_is_not_read_is_said() -> None:
    """The first page is fine."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(COLOUR, photometric="rgb", metadata=None)
        writer.write(COLOUR.astype(np.uint32), photometric="rgb", metadata=None)
    medium = open_media(io.BytesIO(out.getvalue()), out.getvalue(), MediaType("pillow", "TIFF"), Limits(), False)
    assert isinstance(medium, Stills)
    assert next(medium.pictures).view == "full"
    with pytest.raises(MediaError) as caught:
        list(medium.pictures)
    assert caught.value.code == "unsupported-format"


def test_limits_hold_in_tifffile() -> None:
    data = written(np.zeros((100, 100, 3), np.float64), photometric="rgb")
    for most, code in ((100 * 100 - 1, "too-large"), (100 * 100 * 24 // 4 - 1, "too-large")):
        with pytest.raises(MediaError) as caught:
            open_media(io.BytesIO(data), data, MediaType("tifffile", "TIFF"), Limits(max_pixels=most), False)
        assert caught.value.code == code


@pytest.mark.parametrize("cut", [0, 4, 8, 20, 100, 1000])
def test_tifffile_refuses_nonsense(cut: int) -> None:
    data = written(COLOUR.astype(np.uint32), photometric="rgb")[:cut]
    with pytest.raises(MediaError) as caught:
        _pictures(data, MediaType("tifffile", "TIFF"), False)
    assert caught.value.code in ("corrupt", "unsupported-format")


def directories(count: int, order: str = "<") -> bytes:
    """A TIFF whose only page comes so many times."""
    base = saved(scene(), "TIFF")
    start = int.from_bytes(base[4:8], "little")
    entries = int.from_bytes(base[start : start + 2], "little")
    page = base[start : start + 2 + 12 * entries]
    made = base + bytes(len(base) % 2)
    made = made[:4] + len(made).to_bytes(4, "little") + made[8:]
    for number in range(count):
        after = len(made) + len(page) + 4
        made += page + (after if number < count - 1 else 0).to_bytes(4, "little")
    return made


def test_pages_are_counted() -> None:
    assert count_pages(still("tiff-pages")) == 3
    assert count_pages(still("tiff-big")) == 1
    assert count_pages(still("tiff-big-endian")) == 1
    assert count_pages(directories(70)) == 70
    loop = bytearray(directories(3))
    loop[-4:] = loop[4:8]
    assert count_pages(bytes(loop)) == 3
    assert count_pages(b"II*\0") == 0
    assert MOST_PAGES > 60_000


def test_very_many_pages_are_a_limit() -> None:
    medium = open_media(io.BytesIO(), directories(300), MediaType("pillow", "TIFF"), Limits(), False)
    assert isinstance(medium, Stills)
    seen = []
    with pytest.raises(MediaError) as caught:
        for picture in medium.pictures:
            seen.append(picture)
    assert caught.value.code == "too-large" and "300" in caught.value.message
    assert len(seen) == Limits().max_pages


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({262: 2, 258: (16, 16, 16), 277: 3, 284: 2}, "RGB, 3 × 16 bits, unsigned, in planes"),
        ({262: 0, 258: (16,)}, "white is zero, 1 × 16 bits, unsigned"),
        ({262: 32803, 258: 14, 339: (1,)}, "photometric 32803, 1 × 14 bits, unsigned"),
        ({262: 1, 258: tuple(range(9, 5000))}, "grey, 64 × 9/10/11/12 bits, unsigned"),
    ],
)
def test_a_layout_in_words(tags: dict[int, Any], words: str) -> None:
    layout = TiffLayout.of(tags)
    assert str(layout) == words
    assert not layout.is_right_in_pillow


def test_what_pillow_reads_stays_with_pillow() -> None:
    for name in (
        "tiff",
        "tiff-lzw",
        "tiff-jpeg",
        "tiff-16-bit",
        "tiff-big-endian",
        "tiff-big",
        "tiff-cmyk",
        "tiff-pages",
    ):
        assert pictures(still(name))

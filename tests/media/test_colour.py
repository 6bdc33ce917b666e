"""Colours are hashed as they are displayed: whatever is stored, what a viewer shows counts."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from hashmatch.media.colour import ADOBE_RGB, LONGEST_PROFILE, PLAIN, SaidColours, correction, said_to_srgb
from tests.support.colour_profiles import (
    ADOBE,
    SRGB,
    gamma_curve,
    grey_profile,
    ink_profile,
    matrix_profile,
    srgb_curve,
    table_curve,
)
from tests.support.opened_media import away, frames, opened_stills, pictures, pixels
from tests.support.still_files import png, saved, scene

#: A profile in which red means green, green means blue, and blue means red.
TURNED = matrix_profile((SRGB[1], SRGB[2], SRGB[0]))
PROFILED = ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"]
LOSSLESS = {
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 95, "subsampling": 0},
    "HEIF": {"quality": 95},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def turned(image: Image.Image) -> Image.Image:
    """What must be stored, so that TURNED shows the picture."""
    red, green, blue = image.split()
    return Image.merge("RGB", (green, blue, red))


def colourful(seed: int = 1, width: int = 240, height: int = 180) -> Image.Image:
    """A picture whose channels are three different scenes, so that another order of them is another picture."""
    channels = [np.asarray(scene(10 * seed + number, width, height).convert("L")) for number in range(3)]
    return Image.fromarray(np.stack(channels, axis=2))


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def bits_between(one: Image.Image, other: Image.Image) -> int:
    return away(pictures(saved(one, "PNG"))[0], other)


def test_the_turned_picture_is_another_one() -> None:
    """Otherwise the tests here would prove nothing."""
    assert bits_between(turned(colourful()), colourful()) > 31


@pytest.mark.parametrize("format", PROFILED)
def test_a_profile_puts_the_picture_right(format: str) -> None:
    data = saved(turned(colourful()), format, icc_profile=TURNED, **LOSSLESS.get(format, {}))
    shown, stored = pictures(data)
    assert (shown.view, stored.view) == ("full", "look1")
    assert away(shown, colourful()) <= 8
    assert away(stored, turned(colourful())) <= 8
    assert shown.full_size == stored.full_size == (240, 180)


@pytest.mark.parametrize("format", PROFILED)
def test_exact_is_what_a_plain_decoder_gives(format: str) -> None:
    data = saved(turned(colourful()), format, icc_profile=TURNED, **LOSSLESS.get(format, {}))
    (only,) = pictures(data, exact=True)
    assert away(only, turned(colourful())) <= 12


def test_a_large_photo_is_scaled_while_it_is_decoded() -> None:
    data = saved(turned(colourful(1, 2100, 1500)), "JPEG", icc_profile=TURNED, quality=95)
    medium = opened_stills(data)
    assert medium.decoder == "pillow jpeg rgb 1/2"
    shown = next(medium.pictures)
    assert (shown.full_size, shown.image.size) == ((2100, 1500), (1050, 750))
    assert away(shown, colourful(1, 2100, 1500)) <= 8


@pytest.mark.parametrize("format", ["WEBP", "PNG", "AVIF"])
def test_frames_of_animations(format: str) -> None:
    first, *rest = (turned(colourful(seed, 96, 72)) for seed in (1, 2, 3))
    options = LOSSLESS.get(format, {})
    data = saved(first, format, save_all=True, append_images=rest, duration=500, icc_profile=TURNED, **options)
    for seed, frame in enumerate(frames(data), start=1):
        assert away(frame, colourful(seed, 96, 72)) <= 31 < away(frame, turned(colourful(seed, 96, 72)))


def test_srgb_costs_nothing() -> None:
    for profile in (srgb_profile(), matrix_profile(), matrix_profile(curve=gamma_curve(2.2))):
        assert correction(SaidColours(profile=profile), "RGB") is None
        medium = opened_stills(saved(scene(), "JPEG", icc_profile=profile))
        assert medium.decoder == "pillow jpeg luma 1/1"
        assert len(list(medium.pictures)) == 1
    assert correction(PLAIN, "RGB") is None


def test_wider_colours_are_another_picture_to_no_search() -> None:
    """What a camera stores in Adobe RGB is put right, and is not worth a second look."""
    assert correction(SaidColours(profile=matrix_profile(ADOBE, gamma_curve(2.2))), "RGB") is not None
    pale = Image.blend(scene(), scene().convert("L").convert("RGB"), 0.7)
    assert len(pictures(saved(pale, "JPEG", icc_profile=matrix_profile(ADOBE, gamma_curve(2.2))))) == 1


def test_grey_profile_that_is_a_negative() -> None:
    grey = scene().convert("L")
    negative = grey_profile(table_curve(srgb_curve()[::-1]))
    for format in ("PNG", "JPEG", "TIFF"):
        shown, stored = pictures(saved(grey.point(lambda value: 255 - value), format, icc_profile=negative))
        assert away(shown, grey) <= 10
        assert stored.view == "look1" and away(stored, grey) > 128


def test_profile_of_inks() -> None:
    """Black ink is light in it."""
    grey = scene().convert("L")
    nothing = Image.new("L", grey.size)
    image = Image.merge("CMYK", (nothing, nothing, nothing, grey))
    for format in ("JPEG", "TIFF"):
        data = saved(image, format, icc_profile=ink_profile())
        assert away(pictures(data)[0], grey) <= 31, format
        assert away(pictures(data, exact=True)[0], grey) > 128


@pytest.mark.parametrize(
    "profile",
    [b"nothing", TURNED[:200], TURNED[:-300], grey_profile(gamma_curve(1.0)), ink_profile(), bytes(3000)],
    ids=["text", "cut", "cut-late", "of-grey", "of-inks", "zeros"],
)
def test_a_profile_that_cannot_be_used_is_ignored(profile: bytes) -> None:
    for format in PROFILED:
        seen = pictures(saved(scene(), format, icc_profile=profile))
        assert [each.view for each in seen] == ["full"]
        assert away(seen[0], scene()) <= 16


def test_a_profile_that_is_too_long_is_ignored() -> None:
    assert correction(SaidColours(profile=TURNED.ljust(LONGEST_PROFILE + 1, b"\0")), "RGB") is None
    bomb = b"name\0\0" + zlib.compress(bytes(50 << 20))
    assert away(pictures(chunky(scene(), (b"iCCP", bomb)))[0], scene()) <= 6


def test_interoperability_index_of_adobe_rgb() -> None:
    """EXIF says so without a profile."""

    def photo(index: bytes) -> bytes:
        def directory(tag: int, kind: int, count: int, value: bytes) -> bytes:
            return struct.pack(">HHHI", 1, tag, kind, count) + value + bytes(4)

        first = directory(0x8769, 4, 1, struct.pack(">I", 26))
        second = directory(0xA005, 4, 1, struct.pack(">I", 44))
        return saved(scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + first + second + directory(1, 2, 4, index))

    assert opened_stills(photo(b"R03\0")).decoder == "pillow jpeg rgb 1/1"
    assert opened_stills(photo(b"R98\0")).decoder == "pillow jpeg luma 1/1"
    correct = correction(ADOBE_RGB, "RGB")
    assert correct is not None
    green = np.asarray(correct(Image.new("RGB", (1, 1), (0, 255, 0))))[0, 0]
    assert green.tolist() == pytest.approx([0, 255, 0], abs=2)  # beyond what sRGB can show
    leaf = np.asarray(correct(Image.new("RGB", (1, 1), (100, 150, 100))))[0, 0]
    assert leaf.tolist() == pytest.approx([63, 151, 98], abs=4)


# PNG says it in chunks.


def chunky(image: Image.Image, *chunks: tuple[bytes, bytes]) -> bytes:
    values = np.asarray(image.convert("RGB"))
    return png(8, 2, values.reshape(values.shape[0], -1), values.shape[1], *chunks)


def chromaticities(*points: tuple[float, float]) -> bytes:
    return struct.pack(">8i", *(round(value * 100_000) for point in points for value in point))


_D65, _RED, _GREEN, _BLUE = (0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)
_TURNED_CHRM = (b"cHRM", chromaticities(_D65, _GREEN, _BLUE, _RED))
_GAMA = (b"gAMA", struct.pack(">I", 45455))
_ICCP = (b"iCCP", b"name\0\0" + zlib.compress(TURNED))


@pytest.mark.parametrize("chunks", [[_TURNED_CHRM], [_GAMA, _TURNED_CHRM], [_ICCP], [_ICCP, _GAMA]])
def test_chunks_put_the_picture_right(chunks: list[tuple[bytes, bytes]]) -> None:
    shown, stored = pictures(chunky(turned(colourful()), *chunks))
    assert away(shown, colourful()) <= 10
    assert stored.view == "look1"


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"sRGB", b"\0"), _TURNED_CHRM],
        [(b"cICP", bytes((1, 13, 0, 1))), _ICCP],
        [(b"cICP", bytes((1, 13, 0, 1))), (b"sRGB", b"\0"), _TURNED_CHRM],
        [(b"cHRM", chromaticities(_D65, _RED, _RED, _RED))],
        [(b"cHRM", b"short")],
        [(b"gAMA", struct.pack(">I", 0))],
        [(b"iCCP", b"name\0\1" + zlib.compress(TURNED))],
        [(b"iCCP", b"no zero here" * 20)],
    ],
)
def test_chunks_that_come_first_or_mean_nothing(chunks: list[tuple[bytes, bytes]]) -> None:
    (only,) = pictures(chunky(scene(), *chunks))
    assert away(only, scene()) <= 6


def test_gamma_alone() -> None:
    """Stored as light itself, which is darker."""
    stored = Image.fromarray(np.round((np.asarray(scene().convert("RGB")) / 255) ** 2.2 * 255).astype(np.uint8))
    shown = np.asarray(pictures(chunky(stored, (b"gAMA", struct.pack(">I", 100_000))))[0].image).astype(int)
    expected = np.asarray(scene().convert("L")).astype(int)
    assert np.abs(shown - expected).mean() < 5 < np.abs(np.asarray(stored.convert("L")) - expected).mean()


# High dynamic range.


def as_pq(image: Image.Image) -> Image.Image:
    """With paper white at 203 cd/m², by SMPTE ST 2084."""
    values = np.asarray(image) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) * 203 / 10_000
    power = light ** (2610 / 16384)
    stored = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return Image.fromarray(np.round(stored * 255).astype(np.uint8))


def test_hdr_in_pq() -> None:
    data = chunky(as_pq(turned(colourful())), (b"cICP", bytes((1, 16, 0, 1))))
    assert away(pictures(data)[0], turned(colourful())) <= 24
    flat = np.asarray(pictures(data)[0].image).astype(int)
    assert flat.max() - flat.min() > 100  # and not the pale picture that is stored


def test_hdr_in_avif_by_its_colour_box() -> None:
    data = saved(as_pq(scene()), "AVIF", quality=95)
    at = data.index(b"colrnclx")
    data = data[: at + 8] + struct.pack(">HH", 1, 16) + data[at + 12 :]
    plain = pictures(saved(as_pq(scene()), "AVIF", quality=95))[0]
    shown = pictures(data)[0]
    assert away(shown, scene()) <= 31
    assert np.asarray(shown.image).std() > 1.3 * np.asarray(plain.image).std()


def ramp() -> npt.NDArray[np.float64]:
    return np.repeat(np.linspace(0, 1, 101)[:, None], 3, axis=1)


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("primaries", [1, 9, 12])
def test_tone_mapping_keeps_order_and_grey(primaries: int, transfer: int) -> None:
    shown = said_to_srgb(SaidColours(code_points=(primaries, transfer)), ramp())
    assert np.ptp(shown, axis=1).max() < 0.02
    assert (np.diff(shown[:, 1]) >= -1e-9).all()
    assert shown[0].max() < 0.01 and shown[-1].min() > 0.95


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 7, 8, 9, 11, 12, 22, 99])
def test_white_stays_white_in_all_primaries(primaries: int) -> None:
    white = said_to_srgb(SaidColours(code_points=(primaries, 13)), np.ones((1, 3)))
    assert white == pytest.approx(1, abs=0.01)


def test_narrow_range() -> None:
    shown = said_to_srgb(SaidColours(code_points=(1, 13), narrow=True), np.array([[16.0] * 3, [235.0] * 3]) / 255)
    assert shown[0] == pytest.approx(0) and shown[1] == pytest.approx(1)


# Bitmaps and JPEG 2000.


def bitmap(image: Image.Image, kind: bytes, ending: bytes, fields: bytes = bytes(48)) -> bytes:
    """With a BITMAPV5HEADER."""
    plain = saved(image, "BMP")
    rows = plain[int.from_bytes(plain[10:14], "little") :]
    start = 14 + 124
    core = struct.pack("<IiiHHIIiiII", 124, *image.size, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    header = core + bytes(16) + kind + fields + struct.pack("<IIII", 4, 124 + len(rows), len(ending), 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows) + len(ending), 0, 0, start) + header + rows + ending


def test_bitmap_with_a_profile() -> None:
    shown = pictures(bitmap(turned(colourful()), b"DEBM", TURNED))[0]
    assert away(shown, colourful()) <= 8
    plain = pictures(bitmap(colourful(), b"BGRs", b""))[0]
    assert away(plain, colourful()) <= 6


def test_bitmap_that_is_calibrated() -> None:
    def xyz(x: float, y: float) -> list[int]:
        return [round(value * (1 << 30)) for value in (x / y, 1, (1 - x - y) / y)]

    scaled = [value // 8 for point in (_GREEN, _BLUE, _RED) for value in xyz(*point)]
    fields = struct.pack("<12I", *scaled, *[int(2.2 * 65536)] * 3)
    assert away(pictures(bitmap(turned(colourful()), bytes(4), b"", fields))[0], colourful()) <= 10


def test_jpeg_2000_with_a_profile() -> None:
    data = saved(turned(colourful()), "JPEG2000")
    at = data.index(b"colr") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    box = struct.pack(">I4sBBB", 11 + len(TURNED), b"colr", 2, 0, 0) + TURNED
    header = data.index(b"jp2h") - 4
    grown = int.from_bytes(data[header : header + 4], "big") + len(box) - length
    made = data[:header] + struct.pack(">I", grown) + data[header + 4 : at] + box + data[at + length :]
    assert away(pictures(made)[0], colourful()) <= 8


def test_corrections_are_remembered() -> None:
    said = SaidColours(profile=TURNED)
    assert correction(said, "RGB") is correction(SaidColours(profile=bytes(bytearray(TURNED))), "RGB")
    image = Image.open(io.BytesIO(saved(colourful(), "PNG")))
    correct = correction(said, "RGB")
    assert correct is not None
    assert np.abs(np.asarray(correct(turned(image))).astype(int) - np.asarray(image)).max() <= 3


def test_pixels_of_a_file_are_stored_colours() -> None:
    """`pixels` here decodes exactly."""
    assert (pixels(saved(turned(colourful()), "PNG", icc_profile=TURNED)) == np.asarray(turned(colourful()))).all()

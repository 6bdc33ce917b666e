"""Pictures and animations: what is hashed is what a person sees, and what is wrong with them is said."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageFile

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import Film, Limits, Stills
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME, KEY_FRAMES, STEADY, Sampling
from tests.support.opened_media import away, decoded, frames, opened, opened_film, opened_stills, pictures, pixels
from tests.support.still_files import ANIMATIONS, STILLS, animated, animation, png, saved, scene, still, stored_lying

ORIENTATION = 0x0112

#: Where a damaged or cut file gives pixels up to the damage, and where it gives nothing.
PARTIAL = ["jpeg", "jpeg-progressive", "jpeg-grey", "jpeg-cmyk", "png", "gif", "tiff", "bmp"]
ALL_OR_NOTHING = ["webp", "webp-lossless", "heic", "avif", "jp2", "j2k"]


def failure(data: bytes, limits: Limits = Limits()) -> tuple[MediaError, list[Picture]]:
    """The error that stops the decoding, and the pictures that come before."""
    seen: list[Picture] = []
    with pytest.raises(MediaError) as caught:
        for picture in opened_stills(data, limits=limits).pictures:
            seen.append(picture)  # noqa: PERF402: what came before the error is wanted
    return caught.value, seen


def broken_off(
    data: bytes, limits: Limits = Limits(), sampling: Sampling = EVERY_FRAME
) -> tuple[MediaError, list[Frame]]:
    """The same of an animation."""
    seen: list[Frame] = []
    with pytest.raises(MediaError) as caught:
        for frame in opened_film(data, limits=limits).frames(sampling):
            seen.append(frame)
    return caught.value, seen


# Every format.


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", STILLS)
def test_stills(name: str, exact: bool) -> None:
    medium = opened_stills(still(name), exact)
    first, *more = medium.pictures
    assert medium.decoder.startswith("pillow ") and medium.decoder.endswith("exact") == exact
    assert first.full_size == first.image.size == (240, 180)
    assert first.image.mode == ("RGB" if exact else "L")
    assert (first.exact, first.time, first.view) == (exact, None, "full")
    assert away(first, scene()) <= 6
    assert len(more) == (2 if name == "tiff-pages" else 0)


@pytest.mark.parametrize("sampling", [EVERY_FRAME, STEADY, KEY_FRAMES], ids=["every", "steady", "keys"])
@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations(name: str, sampling: Sampling) -> None:
    """Of six frames, each of half a second, all are due as a reference's and as a query's."""
    medium = opened_film(animated(name))
    assert (medium.decoder, medium.duration) == (f"pillow {'png' if name == 'apng' else name}", None)
    sampled = list(medium.frames(sampling))
    assert [frame.time for frame in sampled] == [0, 0.5, 1, 1.5, 2, 2.5]
    for number, frame in enumerate(sampled):
        assert (frame.pixels.shape, frame.pixels.dtype, frame.size) == ((sampling.side,) * 2, np.uint8, (96, 72))
        assert away(frame, scene(number, 96, 72)) <= 31


@pytest.mark.parametrize("name", ANIMATIONS)
def test_an_animation_is_decoded_anew_at_each_call(name: str) -> None:
    medium = opened_film(animated(name))
    first, second = list(medium.frames(EVERY_FRAME)), list(medium.frames(EVERY_FRAME))
    assert [frame.time for frame in first] == [frame.time for frame in second]
    assert all((one.pixels == other.pixels).all() for one, other in zip(first, second, strict=True))
    parts = list(medium.frames(Sampling(parts=((0.4, 1.1), (2.5, 9)))))
    assert [frame.time for frame in parts] == [0.5, 1, 2.5]
    assert all((frame.pixels == first[round(frame.time * 2)].pixels).all() for frame in parts)


@pytest.mark.parametrize("name", ANIMATIONS)
def test_exact_animations_are_in_colour(name: str) -> None:
    medium = opened_film(animated(name), exact=True)
    for number, frame in enumerate(medium.frames(EVERY_FRAME)):
        assert frame.pixels.shape == (72, 96, 3)
        shown = scene(number, 96, 72)
        colours = np.asarray((shown.convert("L") if name == "gif" else shown).convert("RGB")).astype(int)
        assert np.abs(frame.pixels - colours).mean() < 4


def test_pages_of_a_tiff() -> None:
    pages = pictures(still("tiff-pages"))
    assert [page.view for page in pages] == ["full", "page2", "page3"]
    assert [away(page, scene(number)) <= 6 for number, page in enumerate(pages, 1)] == [True] * 3


def test_pages_of_other_sizes_and_colours() -> None:
    second = scene(2, 50, 320).convert("L")
    pages = pictures(saved(scene(), "TIFF", save_all=True, append_images=[second]))
    assert [page.full_size for page in pages] == [(240, 180), (50, 320)]
    assert away(pages[1], second) <= 6


def test_no_more_than_the_allowed_pages() -> None:
    error, seen = failure(still("tiff-pages"), Limits(max_pages=2))
    assert error.code == "too-large"
    assert [page.view for page in seen] == ["full", "page2"]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_one_frame_is_a_still_image(format: str) -> None:
    medium = opened(saved(scene(), format, save_all=True))
    assert isinstance(medium, Stills)
    assert [picture.time for picture in medium.pictures] == [None]
    assert isinstance(opened(animation(format, 500, 2)), Film)  # or it says nothing


# Animations.


def test_animation_is_sampled_by_its_own_clock() -> None:
    """Four a second at first and two a second later, whatever the frame rate is; as a reference, every frame."""
    data = animation("GIF", 100, 65)
    times = [frame.time for frame in frames(data)]
    assert times[:9] == pytest.approx([0, 0.3, 0.5, 0.8, 1.0, 1.3, 1.5, 1.8, 2.0])
    assert times[-6:] == pytest.approx([3.8, 4.0, 4.5, 5.0, 5.5, 6.0])
    assert [frame.time for frame in frames(data, EVERY_FRAME)] == pytest.approx([n / 10 for n in range(65)])


def test_frames_of_unequal_length() -> None:
    """What is shown for long is sampled whenever it begins; of a few frames, each is."""
    durations = [70, 2000, 40, 40, 40, 3000, 40, 40, 40, 500]
    starts = [0, 0.07, 2.07, 2.11, 2.15, 2.19, 5.19, 5.23, 5.27, 5.31]
    data = animation("GIF", durations, 10)
    assert [frame.time for frame in frames(data, EVERY_FRAME)] == pytest.approx(starts)
    sampled, numbers = frames(data), (0, 1, 2, 5, 6, 9)
    assert [frame.time for frame in sampled] == pytest.approx([starts[number] for number in numbers])
    for frame, number in zip(sampled, numbers, strict=True):
        assert away(frame, scene(number, 96, 72)) <= 31
    assert [frame.time for frame in frames(animation("GIF", durations[:5], 5))] == pytest.approx(starts[:5])


@pytest.mark.parametrize("stated", [0, 10])
def test_frames_of_no_length_are_shown_as_browsers_do(stated: int) -> None:
    """A tenth of a second."""
    times = [frame.time for frame in frames(animation("GIF", stated, 11))]
    assert times == pytest.approx([0, 0.3, 0.5, 0.8, 1.0])


def test_frames_that_change_a_part_only() -> None:
    """The second frame replaces a corner of the first and lets the rest show through."""
    first = scene(1, 96, 72).convert("L")
    second = first.copy()
    second.paste(scene(2, 40, 30).convert("L"), (50, 40))
    data = saved(first, "GIF", save_all=True, append_images=[second], duration=1000, disposal=1)
    for frame, expected in zip(frames(data, exact=True), (first, second), strict=True):
        assert (frame.pixels == np.asarray(expected)[:, :, None]).all()
    small = frames(data, EVERY_FRAME)
    assert away(small[0], first) <= 31 and away(small[1], second) <= 31 < away(small[1], first)


def test_transparent_animation_is_on_white() -> None:
    layers = []
    for seed in (1, 2):
        layer = scene(seed, 96, 72).convert("RGBA")
        layer.paste((0, 0, 0, 0), (0, 0, 48, 72))
        layers.append(layer)
    data = saved(layers[0], "PNG", save_all=True, append_images=layers[1:], duration=500)
    for frame, seed in zip(frames(data, exact=True), (1, 2), strict=True):
        assert (frame.pixels[:, :48] == 255).all()
        assert (frame.pixels[:, 48:] == np.asarray(scene(seed, 96, 72))[:, 48:]).all()
    for frame in frames(data, EVERY_FRAME):
        assert (frame.pixels[:, :64] == 255).all() and frame.pixels[:, 65:].std() > 10


def test_no_more_than_the_allowed_frames() -> None:
    error, seen = broken_off(animated("gif"), Limits(max_frames=3))
    assert error.code == "too-large"
    assert [frame.time for frame in seen] == [0, 0.5, 1]


@pytest.mark.parametrize("name", ["gif", "apng"])
def test_cut_animation_keeps_what_came_before(name: str) -> None:
    data = animated(name)
    error, seen = broken_off(data[: len(data) * 7 // 10])
    assert error.code == "partial"
    assert 3 <= len(seen) < 6
    for cut, whole in zip(seen[:3], frames(data, EVERY_FRAME), strict=False):
        assert cut.time == whole.time and (cut.pixels == whole.pixels).all()


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_cut_animation_of_other_formats(name: str) -> None:
    data = animated(name)
    error, seen = broken_off(data[: len(data) * 7 // 10])
    assert error.code == ("partial" if seen else "corrupt")


# What a person sees.


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_orientation(format: str, orientation: int, exact: bool) -> None:
    upright = scene(3, 200, 120)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(stored_lying(upright, orientation), format, exif=exif.tobytes(), quality=100)
    picture = pictures(data, exact)[0]
    assert picture.full_size == (200, 120)
    assert picture.image.size == (200, 120)
    assert away(picture, upright) <= 14


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_large_photo(orientation: int) -> None:
    """Scaled while it is decoded, and turned then."""
    upright = scene(3, 1700, 1203)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    medium = opened_stills(saved(stored_lying(upright, orientation), "JPEG", exif=exif))
    picture = next(medium.pictures)
    assert medium.decoder == "pillow jpeg luma 1/2"
    assert picture.full_size == (1700, 1203)
    assert picture.image.size == (850, 602)
    assert away(picture, upright) <= 8


def test_orientation_of_later_pages() -> None:
    upright = [scene(seed, 200, 120) for seed in (1, 2)]
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    lying = [stored_lying(image, 6) for image in upright]
    pages = pictures(saved(lying[0], "TIFF", exif=exif, save_all=True, append_images=lying[1:]))
    assert [page.full_size for page in pages] == [(200, 120)] * 2
    assert [away(page, image) <= 6 for page, image in zip(pages, upright, strict=True)] == [True, True]


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_orientation_that_means_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    assert away(pictures(saved(scene(), "JPEG", exif=exif))[0], scene()) <= 8


def test_damaged_exif_does_not_hide_the_picture() -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(20)):
        assert away(pictures(saved(scene(), "JPEG", exif=exif))[0], scene()) <= 8


def test_modes_of_the_corpus(corpus: Path) -> None:
    """Meta's pictures of one bridge, saved in each of Pillow's modes."""
    folder = corpus / "pdq" / "misc-images" / "modes"
    with Image.open(folder / "original.jpg") as image:
        original = Image.fromarray(np.asarray(image.convert("RGB").reduce(2)))
    for path in sorted(folder.iterdir()):
        if path.suffix in (".jpg", ".png", ".webp"):
            assert away(pictures(path.read_bytes())[0], original) <= 10, path.name


def test_palette() -> None:
    for depth in (2, 16, 200):
        image = scene().quantize(depth)
        palette = image.getpalette()
        assert palette is not None
        colours = np.array(palette).reshape(-1, 3)
        for format in ("PNG", "GIF", "BMP", "TIFF"):
            assert (pixels(saved(image, format)) == colours[np.asarray(image)]).all(), format


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour(format: str) -> None:
    image = scene().quantize(16)
    palette = image.getpalette()
    assert palette is not None
    colours = np.array(palette).reshape(-1, 3)
    colours[5] = 255
    assert (pixels(saved(image, format, transparency=5)) == colours[np.asarray(image)]).all()


def test_palette_with_an_alpha_for_each_colour() -> None:
    image = scene().quantize(8)
    palette = image.getpalette()
    assert palette is not None
    alphas = np.array([255, 0, 128, 64, 200, 255, 1, 254])
    shown = on_white(np.array(palette).reshape(-1, 3)[:8], alphas)[np.asarray(image)]
    assert np.abs(pixels(saved(image, "PNG", transparency=bytes(alphas.tolist()))) - shown).max() <= 1


def on_white(colours: npt.NDArray[Any], alphas: npt.NDArray[Any]) -> npt.NDArray[Any]:
    shares = alphas[..., None] / 255
    return colours * shares + 255 * (1 - shares)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG2000"])
def test_what_is_hidden_under_alpha_is_not_hashed(format: str) -> None:
    """Another picture lies in the transparent half; nobody sees it."""
    hidden, shown = np.array(scene(9).convert("RGBA")), np.array(scene(1).convert("RGBA"))
    hidden[:, 100:] = shown[:, 100:]
    hidden[:, :100, 3] = 0
    visible = np.array(scene(1))
    visible[:, :100] = 255
    options = {"WEBP": {"lossless": True, "exact": True}, "HEIF": {"quality": -1}, "AVIF": {"quality": 100}}
    data = saved(Image.fromarray(hidden), format, **options.get(format, {}))
    tolerance = {"HEIF": 3, "AVIF": 3}.get(format, 0)
    assert np.abs(pixels(data) - visible)[:, 104:].mean() <= tolerance
    assert np.abs(pixels(data) - visible)[:, :96].mean() <= tolerance
    assert away(pictures(data)[0], Image.fromarray(visible)) <= 6


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_half_transparent(format: str) -> None:
    layers = np.array(scene(1).convert("RGBA"))
    layers[:, :, 3] = np.arange(240) + 10
    expected = on_white(layers[:, :, :3], layers[:, :, 3])
    data = saved(Image.fromarray(layers), format, **({"lossless": True} if format == "WEBP" else {}))
    assert np.abs(pixels(data) - expected).max() <= 1


def test_grey_with_alpha() -> None:
    grey = np.asarray(scene().convert("L"))
    alphas = np.where(np.arange(240) < 120, 0, 200)[None, :].repeat(180, 0).astype(np.uint8)
    image = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alphas)))
    expected = on_white(grey[:, :, None], alphas)
    for format in ("PNG", "TIFF"):
        assert np.abs(pixels(saved(image, format)) - expected).max() <= 1


def test_one_transparent_grey_or_colour() -> None:
    """PNG's tRNS without alpha: exactly that value is transparent."""
    grey = np.array(scene().convert("L"))
    grey[:, :100] = 77
    shown = np.where(grey == 77, 255, grey)[:, :, None]
    assert (pixels(saved(Image.fromarray(grey), "PNG", transparency=77)) == shown).all()
    colour = np.array(scene())
    colour[:, :100] = (1, 2, 3)
    shown = np.where((colour == (1, 2, 3)).all(axis=2)[:, :, None], 255, colour)
    assert (pixels(saved(Image.fromarray(colour), "PNG", transparency=(1, 2, 3))) == shown).all()


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_inks(format: str) -> None:
    inks = np.asarray(scene().convert("CMYK")).astype(float)
    inks[:, :, 3] = 40
    image = Image.merge("CMYK", [Image.fromarray(inks[:, :, i].astype(np.uint8)) for i in range(4)])
    data = saved(image, format, quality=100)
    expected = (255 - inks[:, :, :3]) * (255 - inks[:, :, 3:]) / 255
    assert np.abs(pixels(data) - expected).mean() <= (3 if format == "JPEG" else 1)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000"])
@pytest.mark.parametrize("highest", [65535, 30000])
def test_grey_of_16_bits(format: str, highest: int) -> None:
    values = (np.asarray(scene().convert("L")).astype(np.uint32) * highest // 255).astype(np.uint16)
    data = saved(Image.fromarray(values), format)
    assert np.abs(pixels(data) - (values / 257)[:, :, None]).max() <= 1


def test_big_endian_grey_of_16_bits() -> None:
    assert np.abs(pixels(still("tiff-big-endian")) - np.asarray(scene().convert("L"))[:, :, None]).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_png_of_every_depth(channels: int, depth: int) -> None:
    """Written by hand, as Pillow writes no 16-bit colours."""
    image = scene().convert(["L", "LA", "RGB", "RGBA"][channels - 1])
    values = np.array(image).reshape(180, 240, channels)
    if channels in (2, 4):
        values[:, :80, -1] = 0
    stored = np.repeat(values, depth // 8, axis=2)  # the high and the low byte are equal: times 257
    data = png(depth, [0, 4, 2, 6][channels - 1], stored.reshape(180, -1), 240)
    colours = values[:, :, :-1] if channels in (2, 4) else values
    expected = on_white(colours, values[:, :, -1]) if channels in (2, 4) else colours
    assert np.abs(pixels(data) - expected).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_black_and_white(format: str) -> None:
    image = scene().convert("1")
    assert (pixels(saved(image, format)) == np.asarray(image)[:, :, None] * 255).all()


def test_tiff_of_32_bits_and_float() -> None:
    grey = np.asarray(scene().convert("L"))
    for values in (
        grey.astype(np.int32),
        grey.astype(np.int32) * 257,
        grey.astype(np.float32),
        grey.astype(np.float32) / 255,
        grey.astype(np.float32) * 257,
    ):
        assert np.abs(pixels(saved(Image.fromarray(values), "TIFF")) - grey[:, :, None]).max() <= 1
    stretched = (grey.astype(np.float32) - grey.min()) / (grey.max() - grey.min())
    for values in (stretched * 5 - 2, stretched * 1e6 - 5e5, stretched * 1e-3 - 1e-3):
        assert np.abs(pixels(saved(Image.fromarray(values), "TIFF")) - stretched[:, :, None] * 255).max() <= 1


def test_numbers_that_are_none_do_not_hide_the_picture() -> None:
    grey = np.asarray(scene().convert("L")).astype(np.float32)
    grey[:5, :5], grey[5:9, :5], grey[9:12, :5] = np.nan, np.inf, -np.inf
    shown = np.nan_to_num(grey, nan=0, posinf=0, neginf=0)
    assert np.abs(pixels(saved(Image.fromarray(grey), "TIFF")) - shown[:, :, None]).max() <= 1


def test_lab() -> None:
    to_lab = ImageCms.profileToProfile(
        scene(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert to_lab is not None
    data = saved(to_lab, "TIFF")
    assert np.abs(pixels(data) - np.asarray(scene())).mean() <= 3
    assert away(pictures(data)[0], scene()) <= 20


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (4, 4), (3000, 2), (5, 5)])
def test_tiny_and_thin(size: tuple[int, int]) -> None:
    image = scene(1, *size)
    for exact in (False, True):
        picture = pictures(saved(image, "PNG"), exact)[0]
        assert picture.full_size == size
        assert away(picture, image) <= 10


# What is wrong with a file.


@pytest.mark.parametrize("name", PARTIAL)
def test_cut_picture_is_hashed_as_far_as_it_goes(name: str) -> None:
    data = still(name)
    error, seen = failure(data[: len(data) * 6 // 10])
    assert error.code == "partial"
    assert "\n" not in error.message
    assert len(seen) == 1
    assert seen[0].full_size == (240, 180)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    if name == "jpeg-progressive":
        assert away(seen[0], scene()) <= 31  # the whole picture, coarser
    else:
        rows = slice(100, None) if name == "bmp" else slice(0, 80)  # BMP is stored from its foot
        expected = np.asarray(scene().convert("L")).astype(int)
        assert np.abs(np.asarray(seen[0].image).astype(int) - expected)[rows].mean() <= 3


def test_cut_photo_that_is_scaled_while_decoding() -> None:
    data = saved(scene(1, 1300, 1100), "JPEG")
    whole = np.asarray(pictures(data)[0].image)
    error, seen = failure(data[: len(data) * 8 // 10])
    assert error.code == "partial"
    assert seen[0].full_size == (1300, 1100)
    assert seen[0].image.size == (650, 550)
    assert (np.asarray(seen[0].image)[:400] == whole[:400]).all()


@pytest.mark.parametrize("name", ALL_OR_NOTHING)
def test_cut_picture_of_which_nothing_is_left(name: str) -> None:
    data = still(name)
    error, seen = failure(data[: len(data) * 6 // 10])
    assert (error.code, seen) == ("corrupt", [])


@pytest.mark.parametrize("name", STILLS)
def test_only_the_beginning_is_left(name: str) -> None:
    """Just enough to be recognised: there is nothing to hash, and that is no partial picture."""
    error, seen = failure(still(name)[:40])
    assert (error.code, seen) == ("corrupt", [])


def test_damage_in_a_later_page() -> None:
    data = still("tiff-pages")
    error, seen = failure(data[: len(data) * 8 // 10])
    assert error.code == "partial"
    assert away(seen[0], scene(1)) <= 6


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "tiff", "bmp", "webp", "heic", "avif", "jp2"])
def test_too_many_pixels(name: str) -> None:
    data, of_one_byte = still(name), name in ("jpeg", "gif")
    most = 240 * 180 // (2 if of_one_byte else 1)
    error, seen = failure(data, Limits(max_pixels=most - 1))
    assert (error.code, seen) == ("too-large", [])
    assert ("43,198" if of_one_byte else "43,199") in error.message
    assert pictures(data, limits=Limits(max_pixels=most))


def test_bombs_are_refused_by_their_header() -> None:
    """In no time: nothing of them is decoded."""
    for side in (20_000, 60_000, 2**31 - 1):
        small = png(1, 0, np.zeros((1, 1), np.uint8), 8)
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        error, _seen = failure(small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:])
        assert error.code == "too-large"


@pytest.mark.parametrize("make", [b"", b"\0", b"hello"])
def test_message_is_one_line(make: bytes) -> None:
    error, _seen = failure(b"\x89PNG\r\n\x1a\n" + make)
    assert error.code == "corrupt"
    assert error.message and error.message == " ".join(error.message.split()) and len(error.message) < 250


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cut", range(1, 20))
def test_a_tiff_cut_after_its_first_page_keeps_that(cut: int) -> None:
    data = still("tiff-pages")
    first = len(saved(scene(), "TIFF"))
    error, seen = failure(data[: first + (len(data) - first) * cut // 20])
    assert error.code == "partial"
    assert away(seen[0], scene(1)) <= 6


def test_warnings_of_pillow_are_kept_from_the_terminal() -> None:
    """They name lines of Pillow, and would be printed by every worker in the middle of the progress bar."""
    for data in (still("tiff-pages"), still("tiff-lzw"), still("jpeg"), animated("apng")):
        for length in range(100, len(data), len(data) // 20):
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                with contextlib.suppress(Exception):
                    decoded(data[:length])
            assert [str(each.message) for each in heard] == []

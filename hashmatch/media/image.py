"""Still images and animations to upright pictures, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import IcoImagePlugin, Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import png
from hashmatch.media.classified import classified, one_line
from hashmatch.media.colour import PLAIN, SaidColours, correction
from hashmatch.media.damage import decode_what_is_there
from hashmatch.media.grounds import AS_STORED, ON_DARK
from hashmatch.media.limits import ANIMATION_SHARE, Limits
from hashmatch.media.looks import REDUCED_SIDE, displayed, looks_of, orientation_of, upright
from hashmatch.media.moments import pictures_at
from hashmatch.media.opened import Beat, Film, Frame, Stills, unheard
from hashmatch.media.pillow_file import (
    PillowFile,
    check_coefficients,
    check_size,
    load_plugins,
    open_with_pillow,
    reopen,
    tags_of,
)
from hashmatch.media.sampling import SampleClock, Sampling
from hashmatch.media.sniff import MediaType
from hashmatch.media.tiff_layout import count_pages, refuse_what_pillow_misreads
from hashmatch.messages import Message
from hashmatch.records import Pixels

#: Pixels of the shorter side of a further icon that is examined. Smaller ones show the same with less detail.
SMALLEST_ICON = 64
#: Pixels, as decoded, of the largest JPEG whose chroma is decoded, too. One that is larger is as narrow as a ribbon.
MOST_IN_COLOUR = 4_000_000
_ANIMATED_FORMATS = {"GIF", "WEBP", "PNG", "AVIF"}
#: Frames of a short animation, of which each is hashed: it goes on for ever, so each is seen, however briefly.
_FEW = 8
#: Seconds that stand for the picture beside an animation, which is hashed before the first frame.
_BESIDE = 1.0
#: Formats of which a damaged file still gives the pixels before the damage. Other decoders give all or nothing.
_PARTIAL_FORMATS = {"JPEG", "PNG", "GIF", "TIFF", "BMP", "JPEG2000"}


def load_decoder(format: str) -> None:
    """Import everything that opening this format may need, for a process that can import nothing later."""
    load_plugins(format)


def open_image(
    data: bytes, media_type: MediaType, limits: Limits, exact: bool, number: int | None = None
) -> Stills | Film:
    """Open an image or animation that is held in memory.

    exact: give what a plain decoder gives: full size, in colours as they are stored.
    number: which of the pictures besides the main one; None: the main one.
    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format.
    """
    name = media_type.format.lower()
    with classified():
        file = open_with_pillow(data, media_type, limits)
        others = _others(file.image, media_type)
        if number is not None:
            file = replace(file, image=_other(file.image, others[number]))
        image = file.image
        full_size = image.size
        if media_type.format in _ANIMATED_FORMATS and getattr(image, "is_animated", False):
            check_size(image.size, replace(limits, max_pixels=limits.max_pixels // ANIMATION_SHARE))
            return _animation(file, name, exact, limits)
        way = "exact" if exact else "full"
        if media_type.format == "JPEG":
            check_coefficients(image, limits)
            if image.mode == "RGB" and correction(file.said, "RGB") is None:
                file = replace(file, said=PLAIN)  # whatever else the profile is for, brightness alone among it
            way = way if exact else _draft(image, file.said)
        # Chroma is decoded where it takes little, see MOST_IN_COLOUR.
        check_size(image.size, limits, "L" if image.mode == "YCbCr" and not exact else image.mode)
    pages = _pages(file, media_type, full_size, exact, limits)
    return Stills(f"pillow {name} {way}", pages, len(others) if number is None else 0)


def _others(image: Image.Image, media_type: MediaType) -> list[int]:
    """The numbers, as Pillow counts them, of the pictures besides the main one that are no pages of it."""
    if isinstance(image, IcoImagePlugin.IcoImageFile):
        main = image.ico.getentryindex(image.size)
        sizes = enumerate(min(entry.width, entry.height) for entry in image.ico.entry)
        return [number for number, side in sizes if side >= SMALLEST_ICON and number != main]
    if media_type.format != "HEIF":
        return []
    main = image.tell()
    return [number for number in range(getattr(image, "n_frames", 1)) if number != main]


def _other(image: Image.Image, number: int) -> Image.Image:
    """One of the pictures that `_others` names."""
    if isinstance(image, IcoImagePlugin.IcoImageFile):
        return image.ico.frame(number)
    image.seek(number)
    return image


def _animation(file: PillowFile, name: str, exact: bool, limits: Limits) -> Film:
    def frames(sampling: Sampling, beat: Beat = unheard) -> Iterator[Frame]:
        return _frames(file, sampling, exact, limits, beat)

    def pictures(moments: Sequence[float], side: int, beat: Beat) -> tuple[Pixels | None, ...]:
        def decode(sampling: Sampling) -> Iterator[tuple[float, Image.Image]]:
            # Copied, because the next frame is decoded into the same image.
            return ((time, frame.copy()) for time, frame in _timed_frames(file, sampling, limits, beat))

        return pictures_at(moments, decode, lambda frame: _small(frame, file.said, side))

    return Film(None, f"pillow {name}", frames, pictures)


def _draft(image: Image.Image, said: SaidColours) -> str:
    """Decode a JPEG to brightness and chroma if its colours are sRGB, a large one at 1/2, 1/4 or 1/8. Returns what was set:
    "luma" where that is what most is hashed of."""
    width = image.width
    in_colour = image.mode == "CMYK" or correction(said, image.mode) is not None
    with_chroma = _has_chroma(image) and image.width * image.height <= MOST_IN_COLOUR * _reduction(image) ** 2
    image.draft(None if in_colour else "YCbCr" if with_chroma else "L", (REDUCED_SIDE, REDUCED_SIDE))
    kind = image.mode.lower() if in_colour else "luma"
    return f"{kind} 1/{-(-width // image.width)}"


def _has_chroma(image: Image.Image) -> bool:
    """Whether a JPEG is stored as brightness and chroma. One that is stored as red, green and blue can only be decoded to
    these or to brightness."""
    names = [each[0] for each in getattr(image, "layer", ())]
    return len(names) == 3 and names != [*b"RGB"] and image.info.get("adobe_transform") != 0


def _reduction(image: Image.Image) -> int:
    """The factor by which Pillow makes a JPEG smaller while it decodes it."""
    wanted = min(image.size) // REDUCED_SIDE
    return next((factor for factor in (8, 4, 2) if wanted >= factor), 1)


def _pages(
    file: PillowFile, media_type: MediaType, full_size: tuple[int, int], exact: bool, limits: Limits
) -> Iterator[Picture]:
    """The picture of a still image, and the further pages of a TIFF."""

    def again() -> Image.Image:
        anew = reopen(file.data, media_type)
        if media_type.format == "JPEG" and not exact:
            _draft(anew, file.said)
        return anew

    image = file.image
    with classified():
        damage = _load(image)
        if damage and media_type.format == "PNG":
            file = replace(file, data=png.repacked(file.data))
            image = reopen(file.data, media_type)
            damage = _load(image)
        if damage:
            if media_type.format not in _PARTIAL_FORMATS:
                raise MediaError("corrupt", Message.of("cannot-be-decoded", why=damage))
            image = decode_what_is_there(again)
        if media_type.format != "JPEG" or exact or image.mode not in ("L", "YCbCr"):
            pictures = looks_of(image, full_size, exact, file.said)
        else:
            # Brightness is the first of the three channels, as if it had been decoded alone.
            is_grey = len(getattr(image, "layer", ())) == 1
            colours = image if is_grey or image.mode == "YCbCr" else None
            turned = orientation_of(image)
            pictures = looks_of(image.convert("L"), full_size, exact, file.said, 1, turned, colours)
    yield from pictures
    if damage:
        raise MediaError("partial", Message.of("damaged-or-cut-off", why=damage))
    if file.is_damaged:
        raise MediaError("partial", Message.of("frames-missing"))
    if media_type.format == "TIFF":
        yield from _further_pages(image, file.data, exact, limits)


def _further_pages(image: Image.Image, data: bytes, exact: bool, limits: Limits) -> Iterator[Picture]:
    with classified(after_first=True):
        pages = count_pages(data)
    for page in range(2, min(pages, limits.max_pages) + 1):
        with classified(after_first=True):
            _turn_to(image, page)
            refuse_what_pillow_misreads(tags_of(image))
            check_size(image.size, limits, image.mode)
            size = image.size
            image.load()
            pictures = looks_of(image, size, exact, _said(image), page)
        yield from pictures
    if pages > limits.max_pages:
        raise MediaError("too-large", Message.of("page-limit", pages=pages, limit=limits.max_pages))


def _turn_to(image: Image.Image, page: int) -> None:
    try:
        image.seek(page - 1)
    except (KeyError, SyntaxError) as error:  # a compression or layout that Pillow does not know: tifffile may
        raise MediaError("unsupported-format", Message.of("layout-not-read", layout=one_line(error))) from error


def _said(page: Image.Image) -> SaidColours:
    profile = page.info.get("icc_profile")
    return SaidColours(profile=profile) if isinstance(profile, bytes) else SaidColours()


def _frames(file: PillowFile, sampling: Sampling, exact: bool, limits: Limits, beat: Beat) -> Iterator[Frame]:
    """The wanted frames of an animation. All must be decoded, so key frames are of no use here."""
    with classified():
        is_short = getattr(file.image, "n_frames", 1) <= _FEW
    clock = SampleClock(0 if is_short else sampling.rate)
    for time, image in _timed_frames(file, sampling, limits, beat):
        if clock.due(time, _seconds_of(image)):
            with classified(after_first=time > 0):
                orientation = orientation_of(image)
                seen = upright(image, exact, file.said, orientation)
                size = image.size[::-1] if orientation in (5, 6, 7, 8) else image.size
                others = [] if exact else [(AS_STORED, seen.stored), (ON_DARK, seen.on_dark)]
                looks = tuple((name, _square(look, sampling.side)) for name, look in others if look is not None)
                pixels = np.asarray(seen.on_white) if exact else _square(seen.on_white, sampling.side)
            yield Frame(pixels, round(time, 3), size, looks=looks)


def _square(picture: Image.Image, side: int) -> npt.NDArray[np.uint8]:
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def _small(image: Image.Image, said: SaidColours, side: int) -> Pixels:
    with classified(after_first=True):
        picture = displayed(image, said, orientation_of(image))
        picture.thumbnail((side, side))
        return Pixels(picture.width, picture.height, picture.tobytes())


def _timed_frames(
    file: PillowFile, sampling: Sampling, limits: Limits, beat: Beat
) -> Iterator[tuple[float, Image.Image]]:
    """The frames in the wanted parts, with times summed up from the durations that the animation states."""
    image, time = file.image, 0.0
    with classified():
        count = getattr(image, "n_frames", 1)
    for number in range(count):
        if number >= limits.max_frames:
            raise MediaError("too-large", Message.of("frame-limit", limit=limits.max_frames))
        with classified(after_first=number > 0):
            image.seek(number)
            check_size(image.size, limits)
            image.load()
        beat(time, image.width * image.height)
        if sampling.wants(time):
            # A frame of a GIF may reach beyond the screen, and makes Pillow's picture larger.
            outside = file.screen is not None and image.size != file.screen
            yield time, image.crop((0, 0, *file.screen)) if outside and file.screen else image
        time += _seconds_of(image)
    if file.is_damaged:
        raise MediaError("partial", Message.of("frames-missing"))


def _seconds_of(frame: Image.Image) -> float:
    """For how long a frame is shown."""
    if getattr(frame, "default_image", False) and frame.tell() == 0:
        return _BESIDE  # no frame at all, but what is shown where animations are not
    # Browsers show a frame of 0 or 10 ms for 100 ms.
    milliseconds = float(frame.info.get("duration") or 0)
    return (milliseconds if milliseconds > 10 else 100.0) / 1000


def _load(image: Image.Image) -> str:
    """Decode the pixels. Returns "", or Pillow's complaint if the data are damaged or end too early."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return one_line(error)
    return ""

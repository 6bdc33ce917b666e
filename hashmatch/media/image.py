"""Still images and animations to upright pictures, through Pillow."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from hashmatch.errors import LIMIT_CODES, MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media.limits import Limits
from hashmatch.media.moments import pictures_at
from hashmatch.media.opened import Film, Frame, Stills
from hashmatch.media.sampling import SampleClock, Sampling
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message
from hashmatch.records import Pixels
from hashmatch.views import FULL, ViewKind, ViewName

#: A picture is decoded at a fraction of its size, or averaged down, as long as each side keeps this many pixels. PDQ samples
#: each side at 64 points, so 8 pixels remain per sample. Measured in benchmarks/: at most 4 bits from full size.
REDUCED_SIDE = 512
LONGEST_SIDE = 4096

_ANIMATED_FORMATS = {"GIF", "WEBP", "PNG", "AVIF"}
#: Formats of which a damaged file still gives the pixels before the damage. Other decoders give all or nothing.
_PARTIAL_FORMATS = {"JPEG", "PNG", "GIF", "TIFF", "BMP", "JPEG2000"}
_ORIENTATION = 0x0112  # EXIF tag

# For a format outside the five common ones, Pillow imports all of its plug-ins. We import only those needed, and what they
# would import later when they meet EXIF data, two pictures in a JPEG, or Lab colours.
_ALWAYS = ("PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.MpoImagePlugin")
_PLUGINS = {
    "WEBP": ("PIL.WebPImagePlugin",),
    "TIFF": ("PIL.TiffImagePlugin", "PIL.ImageCms"),
    "AVIF": ("PIL.AvifImagePlugin",),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin",),
    "HEIF": ("pillow_heif",),
}


def load_decoder(format: str) -> None:
    """Import everything that opening this format may need, for a process that can import nothing later."""
    Image.preinit()  # BMP, GIF, JPEG, PNG
    for name in (*_ALWAYS, *_PLUGINS.get(format, ())):
        with contextlib.suppress(ImportError):  # then each file of this format is refused
            importlib.import_module(name)


def open_image(data: bytes, media_type: MediaType, limits: Limits, exact: bool) -> Stills | Film:
    """Open an image or animation that is held in memory.

    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format.
    """
    name = media_type.format.lower()
    with _classified():
        image = _open(data, media_type)
        _check_size(image.size, limits)
        full_size = image.size
        if media_type.format in _ANIMATED_FORMATS and getattr(image, "is_animated", False):
            return _animation(image, name, exact, limits)
        reduction = "" if exact or media_type.format != "JPEG" else _draft(image)
        decoder = f"pillow {name} " + ("exact" if exact else reduction or "full")
        pages = _pages(image, data, media_type, full_size, exact, bool(reduction), limits)
        return Stills(decoder, pages)


def _animation(image: Image.Image, name: str, exact: bool, limits: Limits) -> Film:
    def decode(sampling: Sampling) -> Iterator[tuple[float, Image.Image]]:
        # Copied, because the next frame is decoded into the same image.
        return ((time, shown.copy()) for time, shown in _timed_frames(image, sampling, limits))

    def pictures(moments: Sequence[float], side: int, beat: Callable[[float], None]) -> tuple[Pixels | None, ...]:
        return pictures_at(moments, decode, lambda frame: _small(frame, side), beat)

    return Film(None, f"pillow {name}", lambda sampling: _frames(image, sampling, exact, limits), pictures)


def _open(data: bytes, media_type: MediaType) -> Image.Image:
    if media_type.decoder == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
    for name in _PLUGINS.get(media_type.format, ()):
        importlib.import_module(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about large and odd files; here the limits decide
        return Image.open(io.BytesIO(data), formats=[media_type.format])


def _draft(image: Image.Image) -> str:
    """Decode a JPEG to brightness only, and a large one at 1/2, 1/4 or 1/8. Returns what was set, or ""."""
    if image.mode not in ("RGB", "L"):
        return ""
    width = image.width
    image.draft("L", (REDUCED_SIDE, REDUCED_SIDE))
    return f"luma 1/{-(-width // image.width)}"


def _pages(
    image: Image.Image,
    data: bytes,
    media_type: MediaType,
    full_size: tuple[int, int],
    exact: bool,
    drafted: bool,
    limits: Limits,
) -> Iterator[Picture]:
    """The picture of a still image, and the further pages of a TIFF."""
    with _classified():
        damage = _load(image)
        if damage:
            if media_type.format not in _PARTIAL_FORMATS:
                raise MediaError("corrupt", Message.of("cannot-be-decoded", why=damage))
            image = _decode_what_is_there(data, media_type, drafted)
        yield _upright(image, full_size, exact)
    if damage:
        raise MediaError("partial", Message.of("damaged-or-cut-off", why=damage))
    with _classified(after_first=True):
        pages = getattr(image, "n_frames", 1) if media_type.format == "TIFF" else 1
    for page in range(1, min(pages, limits.max_pages)):
        with _classified(after_first=True):
            image.seek(page)
            _check_size(image.size, limits)
            image.load()
            yield _upright(image, image.size, exact, view=str(ViewName(ViewKind.PAGE, page + 1)))
    if pages > limits.max_pages:
        raise MediaError("too-large", Message.of("page-limit", pages=pages, limit=limits.max_pages))


def _frames(image: Image.Image, sampling: Sampling, exact: bool, limits: Limits) -> Iterator[Frame]:
    """The wanted frames of an animation. All must be decoded, so key frames are of no use here."""
    clock = SampleClock(sampling.rate)
    for time, shown in _timed_frames(image, sampling, limits):
        if clock.due(time):
            with _classified(after_first=time > 0):
                picture = _upright(shown, shown.size, exact).image
                if not exact:
                    picture = picture.resize((sampling.side, sampling.side), Image.Resampling.BOX)
            yield Frame(np.asarray(picture), round(time, 3), shown.size)


def _small(image: Image.Image, side: int) -> Pixels:
    with _classified(after_first=True):
        picture = _upright(image, image.size, exact=True).image
        picture.thumbnail((side, side))
        return Pixels(picture.width, picture.height, picture.tobytes())


def _timed_frames(image: Image.Image, sampling: Sampling, limits: Limits) -> Iterator[tuple[float, Image.Image]]:
    """The frames in the wanted parts, with times summed up from the durations that the animation states."""
    time = 0.0
    with _classified():
        count = getattr(image, "n_frames", 1)
    for number in range(count):
        if number >= limits.max_frames:
            raise MediaError("too-large", Message.of("frame-limit", limit=limits.max_frames))
        with _classified(after_first=number > 0):
            image.seek(number)
            image.load()
        if sampling.wants(time):
            yield time, image
        # Browsers show a frame of 0 or 10 ms for 100 ms.
        milliseconds = float(image.info.get("duration") or 0)
        time += (milliseconds if milliseconds > 10 else 100.0) / 1000


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise MediaError("corrupt", Message.of("no-pixels"))
    if width * height > limits.max_pixels:
        detail = Message.of("pixel-limit", width=width, height=height, limit=limits.max_pixels)
        raise MediaError("too-large", detail)


def _load(image: Image.Image) -> str:
    """Decode the pixels. Returns "", or Pillow's complaint if the data are damaged or end too early."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return one_line(error)
    return ""


def _decode_what_is_there(data: bytes, media_type: MediaType, drafted: bool) -> Image.Image:
    """Decode a damaged image as far as its data go; the rest stays grey or black.

    Pillow only has a global switch for this, so it is set during one call only.
    """
    image = _open(data, media_type)
    if drafted:
        _draft(image)
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image.load()
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    low, high = image.convert("L").getextrema()
    if low == high:
        raise MediaError("corrupt", Message.of("nothing-left"))
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block can raise anything, and the pixels may still be sound
        return 1


def _upright(image: Image.Image, full_size: tuple[int, int], exact: bool, view: str = FULL) -> Picture:
    """The picture as a person sees it: upright, 8 bits of colour or brightness, white behind transparent pixels."""
    orientation = _orientation(image)
    if orientation in (5, 6, 7, 8):  # stored lying on its side
        full_size = full_size[::-1]
    picture = _opaque(ImageOps.exif_transpose(image) if orientation in range(2, 9) else image)
    if exact:
        picture = picture.convert("RGB")
    else:
        picture = picture if picture.mode == "L" else picture.convert("RGB").convert("L")
        # Both sides by one factor, to keep shapes; but no side of a ribbon-like picture stays endless.
        factor = max(1, min(picture.size) // REDUCED_SIDE)
        factors = max(factor, picture.width // LONGEST_SIDE), max(factor, picture.height // LONGEST_SIDE)
        picture = picture.reduce(factors) if factors != (1, 1) else picture
    return Picture(picture, full_size, exact, view=view)


def _opaque(image: Image.Image) -> Image.Image:
    """Turn any mode of Pillow into an 8-bit one without transparency that `convert("RGB")` shows as a viewer would."""
    transparent = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8bit(np.asarray(image)))
    if image.mode == "LAB":
        from PIL import ImageCms

        converted = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        assert converted is not None
        return converted
    if not transparent:
        return image.convert("RGB") if image.mode == "P" else image
    pixels = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")


def _to_8bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """8-bit brightness: of 16 bits the high byte; of 32 bits or floats by the range used: 0 to 1, 255, 65535 or its own."""
    if values.dtype.itemsize == 2:
        return (values.astype(np.uint16) >> 8).astype(np.uint8)
    finite = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    low, high = float(finite.min()), float(finite.max())
    if low >= 0:
        low, high = 0.0, next((usual for usual in (1.0, 255.0, 65535.0) if high <= usual), high)
    return ((finite - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)


@contextlib.contextmanager
def _classified(after_first: bool = False) -> Iterator[None]:
    """Turn whatever a decoder raises over hostile bytes into a MediaError.

    For damaged files Pillow raises OSError, ValueError, SyntaxError, TypeError, IndexError, struct.error and more, so the
    stage decides and not the class. after_first: whether a first picture came out well, so that only the rest is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Pillow, which would spoil the progress bar
            yield
    except GeneratorExit:
        raise
    except MediaError as error:
        if after_first and error.code not in LIMIT_CODES:
            raise MediaError("partial", error.detail) from error
        raise
    except MemoryError as error:
        raise MediaError("out-of-memory", Message.of("memory-limit")) from error
    except Image.DecompressionBombError as error:
        raise MediaError("too-large", Message.literal(one_line(error))) from error
    except UnidentifiedImageError as error:
        raise MediaError("corrupt", Message.of("bad-header")) from error
    except NotImplementedError as error:
        raise MediaError("unsupported-format", Message.literal(one_line(error))) from error
    except Exception as error:
        if after_first:
            raise MediaError("partial", Message.of("damaged-or-cut-off", why=one_line(error))) from error
        raise MediaError("corrupt", Message.of("cannot-be-decoded", why=one_line(error))) from error


def one_line(error: BaseException) -> str:
    """A decoder's error message as one short line."""
    # PyAV's errors have strerror, too; their full text has a path.
    stated = getattr(error, "strerror", None) or str(error)
    text = " ".join(stated.split()) or type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"

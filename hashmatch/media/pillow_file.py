"""Open a picture with Pillow: only its own plug-in, within limits, and past what viewers pass over."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media import gif, png
from hashmatch.media.colour import SaidColours
from hashmatch.media.colour_tags import said_colours
from hashmatch.media.limits import Limits
from hashmatch.media.mend import mended
from hashmatch.media.sniff import MediaType
from hashmatch.media.tiff_layout import refuse_what_pillow_misreads
from hashmatch.messages import Message

# For a format outside the five common ones, Pillow imports all of its plug-ins. We import only those needed, and what they
# would import later when they meet EXIF data, two pictures in a JPEG, or colours that are not sRGB.
_ALWAYS = ("PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.MpoImagePlugin", "PIL.ImageCms", "PIL.ImageFilter")
_PLUGINS = {
    "WEBP": ("PIL.WebPImagePlugin",),
    "TIFF": ("PIL.TiffImagePlugin",),
    "AVIF": ("PIL.AvifImagePlugin",),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin",),
    "HEIF": ("pillow_heif",),
    "ICO": ("PIL.IcoImagePlugin",),
    "CUR": ("PIL.IcoImagePlugin",),
    "ICNS": ("PIL.IcnsImagePlugin", "PIL.Jpeg2KImagePlugin"),
    "PCX": ("PIL.PcxImagePlugin",),
    "DCX": ("PIL.DcxImagePlugin",),
    "TGA": ("PIL.TgaImagePlugin",),
    "DDS": ("PIL.DdsImagePlugin",),
    "SGI": ("PIL.SgiImagePlugin",),
    "QOI": ("PIL.QoiImagePlugin",),
    "PSD": ("PIL.PsdImagePlugin",),
    "SUN": ("PIL.SunImagePlugin",),
    "XBM": ("PIL.XbmImagePlugin",),
}
#: Modes that take one byte a pixel.
_ONE_BYTE = ("1", "L", "P")


@dataclass(frozen=True, slots=True)
class PillowFile:
    """A picture whose header Pillow has read.

    data: what it was opened from, which may be a mended copy of the file. said: about its colours.
    is_damaged: whether frames are missing at its end.
    screen: of a GIF, the width and height that viewers show.
    """

    image: Image.Image
    data: bytes
    said: SaidColours
    is_damaged: bool = False
    screen: tuple[int, int] | None = None


def load_plugins(format: str) -> None:
    """Import everything that opening this format may need, for a process that can import nothing later."""
    Image.preinit()  # BMP, GIF, JPEG, PNG
    for name in (*_ALWAYS, *_PLUGINS.get(format, ())):
        with contextlib.suppress(ImportError):  # then each file of this format is refused
            importlib.import_module(name)


def open_with_pillow(data: bytes, media_type: MediaType, limits: Limits) -> PillowFile:
    """Read the header of a picture that is held in memory. Raises MediaError, and whatever Pillow raises."""
    said: SaidColours | None = None
    is_damaged, screen = False, None
    if media_type.format == "PNG":
        cleaned = png.clean(data)
        data, said = cleaned.data, cleaned.said
    elif media_type.format == "GIF":
        frames = gif.clean(data)
        data, is_damaged, screen = frames.data, frames.is_damaged, frames.size
    elif media_type.format == "WEBP":
        check_size(webp_canvas(data), limits)  # the decoder makes the canvas before it says its size
    try:
        image = reopen(data, media_type)
    except (MediaError, MemoryError):
        raise
    except Exception:
        again = png.clean(data, still=True).data if media_type.format == "PNG" else mended(data, media_type.format)
        if again is None or again == data:
            raise
        data, image = again, reopen(again, media_type)
    if image.format == "TIFF":
        refuse_what_pillow_misreads(tags_of(image))
    return PillowFile(image, data, said if said is not None else said_colours(image, data), is_damaged, screen)


def tags_of(page: Image.Image) -> Mapping[int, Any]:
    """The tags of the page of a TIFF that was sought last, by number."""
    tags: Mapping[int, Any] = getattr(page, "tag_v2", {})
    return tags


def reopen(data: bytes, media_type: MediaType) -> Image.Image:
    """Open a picture once more from what it was opened from before. Raises whatever Pillow raises."""
    if media_type.decoder == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
    for name in _PLUGINS.get(media_type.format, ()):
        importlib.import_module(name)
    Image.MAX_IMAGE_PIXELS = None  # here our limits decide
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd files
        return Image.open(io.BytesIO(data), formats=[media_type.format])


def check_size(size: tuple[int, int], limits: Limits, mode: str = "RGB") -> None:
    """Raises MediaError: corrupt or too-large. size: width and height. mode: Pillow's, of what will be decoded."""
    width, height = size
    if width < 1 or height < 1:
        raise MediaError("corrupt", Message.of("no-pixels"))
    most = limits.pixels_of_bytes(1 if mode in _ONE_BYTE else 4)
    if width * height > most:
        raise MediaError("too-large", Message.of("pixel-limit", width=width, height=height, limit=most))


def check_coefficients(image: Image.Image, limits: Limits) -> None:
    """A progressive JPEG keeps all its coefficients, two bytes each, whatever size it is decoded at."""
    layers = [(across, down) for _id, across, down, _table in getattr(image, "layer", ())]
    if not image.info.get("progressive") or not layers:
        return
    most = max(across for across, _down in layers) * max(down for _across, down in layers)
    share = sum(across * down for across, down in layers) / max(most, 1)
    if image.width * image.height * 2 * share > 4 * limits.max_pixels:
        limit = int(4 * limits.max_pixels / (2 * share))
        raise MediaError("too-large", Message.of("pixel-limit", width=image.width, height=image.height, limit=limit))


def webp_canvas(data: bytes) -> tuple[int, int]:
    """Width and height as the header states them; 1 and 1 where it cannot be read, and the decoder says so."""
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return max(1, int.from_bytes(data[26:28], "little") & 0x3FFF), max(
            1, int.from_bytes(data[28:30], "little") & 0x3FFF
        )
    return 1, 1

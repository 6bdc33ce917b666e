"""Files to pixels: find files, recognise them by their content, decode them within limits.

files.py walks folders and opens files, sniff.py recognises them, image.py (Pillow) and video.py (FFmpeg) decode them into
what opened.py describes; rare_stills.py and any_film.py know other ways. limits.py says what a file may cost. sampling.py
chooses the frames of a film; packets.py, moments.py and matroska.py help video.py. second_choice.py says what else may open
a file; film_probe.py asks FFmpeg what it is. parts.py finds what else a file shows.
"""

from __future__ import annotations

import importlib
from typing import BinaryIO

from hashmatch.errors import MediaError
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Film, Stills
from hashmatch.media.parts import PartSource
from hashmatch.media.raw_headers import is_camera_raw
from hashmatch.media.sampling import SETTINGS
from hashmatch.media.second_choice import first_choice, second_choice
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message
from hashmatch.records import Kind

__all__ = ["Film", "Limits", "MediaType", "Stills"]
__all__ += ["count_covers", "load_decoder", "need", "open_media", "open_part", "probed", "recipe"]
__all__ += ["first_choice", "recipes_as_good", "second_choice"]

#: Increase these when the decoders give other pictures than before, or other views are hashed. Stored hashes are then
#: computed again.
IMAGE_VERSION = 3
FILM_VERSION = 3
#: The end of a recipe that includes local features.
WITH_FEATURES = " features"


def recipe(kind: Kind, exact: bool, features: bool = False) -> str:
    """The decoders and settings for media of this kind, as stored with every hash."""
    name = f"image-{IMAGE_VERSION}" if kind == "image" else f"film-{FILM_VERSION} {SETTINGS}"
    return name + (" exact" if exact else "") + (WITH_FEATURES if features and kind == "image" else "")


def recipes_as_good(kind: Kind, exact: bool, features: bool = False) -> set[str]:
    """The recipes whose stored hashes are still good: this one, and the same with local features."""
    return {recipe(kind, exact, features), recipe(kind, exact, True)}


def open_media(file: BinaryIO, data: bytes | None, media_type: MediaType, limits: Limits, exact: bool) -> Stills | Film:
    """Open an image or film with the one decoder for its type.

    file: seekable.
    data: its whole content, if that is in memory already (images).
    Raises MediaError as the decoders do.
    """
    # Imported here, so that a photograph need not wait for FFmpeg, nor a film for Pillow's plug-ins.
    if media_type.decoder in ("pyav", "probe"):
        found = probed(file, media_type)
        if found is None:
            raise MediaError("unsupported-format", Message.of("not-what-its-name-says"))
        from hashmatch.media.any_film import open_any_film

        return open_any_film(file, found, limits, exact)
    content = data if data is not None else file.read()
    if media_type.decoder in ("pillow", "heif"):
        from hashmatch.media.image import open_image

        if media_type.format == "TIFF" and is_camera_raw(content):  # which its first bytes did not show
            return open_media(file, content, MediaType("raw", "TIFF"), limits, exact)
        if media_type.format == "CUR":  # an icon but for its kind; Pillow knows no cursors with PNG
            content, media_type = b"\0\0\1\0" + content[4:], MediaType("pillow", "ICO")
        return open_image(content, media_type, limits, exact)
    if media_type.decoder == "tifffile":
        from hashmatch.media.tiff import open_with_tifffile

        return open_with_tifffile(content, limits, exact)
    from hashmatch.media.rare_stills import open_rare_still

    return open_rare_still(content, media_type, limits, exact)


def probed(file: BinaryIO, asked: MediaType) -> MediaType | None:
    """The type of a file that `second_choice` wants to have probed, as FFmpeg sees it; None if it sees no film.

    file: seekable. It is read from its beginning, and only so far: see film_probe.py.
    asked: MediaType("probe", …). For any other it is returned as it is.
    """
    if asked.decoder != "probe":
        return asked
    from hashmatch.media.film_probe import probe

    return probe(file, is_named_like_media=asked.format == "named")


def open_part(file: BinaryIO, part: PartSource, limits: Limits, exact: bool) -> Stills | Film:
    """Open a further part of a file. file: the stretch of the file that the part names.

    Raises MediaError as the decoders do.
    """
    if part.number is None:
        return open_media(file, None, part.media_type, limits, exact)
    if part.media_type.decoder in ("pyav", "sound"):
        if part.is_cover:
            from hashmatch.media.covers import open_cover

            return open_cover(file, part.media_type, part.number, limits, exact)
        from hashmatch.media.any_film import open_any_film

        return open_any_film(file, part.media_type, limits, exact, part.number)
    from hashmatch.media.image import open_image

    return open_image(file.read(), part.media_type, limits, exact, part.number)


def count_covers(file: BinaryIO, media_type: MediaType) -> int:
    """How many cover pictures a film or sound has; 0 for what FFmpeg cannot open. file: seekable."""
    from hashmatch.media.covers import count_covers as count

    return count(file, media_type)


def need(media_type: MediaType) -> str:
    """What must be loaded to decode this type, by the name that `load_decoder` takes; "" for nothing."""
    if media_type.decoder is None:
        return ""
    if media_type.decoder in ("pyav", "probe", "ffmpeg-still", "sound"):
        return "film"
    return media_type.format if media_type.decoder in ("pillow", "heif") else media_type.decoder


#: Modules by what is needed. Those of our own with a function `load` have it called.
_MODULES = {
    # PyAV imports the last two when a film has subtitles.
    "film": "covers video any_film film_probe rare_stills ffmpeg_still av.subtitles.stream av.subtitles.codeccontext",
    "jxl": "rare_stills jxl",
    "raw": "rare_stills raw",
    "TIFF": "rare_stills raw",
    "imagecodecs": "rare_stills extra_codecs ffmpeg_still",
    "opencv": "rare_stills extra_codecs ffmpeg_still second_opinion",
    "tifffile": "tiff",
}


def load_decoder(needed: str) -> None:
    """Load what `need` names, so that `open_media` has nothing left to import."""
    for name in _MODULES.get(needed, "").split():
        module = importlib.import_module(name if "." in name else f"hashmatch.media.{name}")
        getattr(module, "load", lambda: None)()
    if needed and needed != "film":
        from hashmatch.media import image

        image.load_decoder(needed)

"""JPEG XL, through pylibjxl (libjxl), or imagecodecs where that is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media.classified import classified
from hashmatch.media.colour import SaidColours
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Stills
from hashmatch.media.pillow_file import check_size
from hashmatch.media.plain_still import PlainImage, plain_still
from hashmatch.messages import Message


def load() -> ModuleType | None:
    """Import the decoder; None if this system has none. Decodes a first picture, which starts what it needs."""
    try:
        return importlib.import_module("pylibjxl")
    except ImportError:
        return None


def open_jxl(data: bytes, limits: Limits, exact: bool) -> Stills:
    """Open a picture of JPEG XL that is held in memory. Of an animation, the first frame is shown.

    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format.
    """
    library = load()
    if library is None:
        raise MediaError("unsupported-format", Message.of("format-not-examined", format="JPEG XL"))
    with classified():
        header = library.probe(data)
    check_size((header["width"], header["height"]), limits)

    is_animated = bool(header["have_animation"])

    def decode() -> PlainImage:
        with library.JXL(threads=1, pool_size=1) as decoder:
            # Asked for what else is in the file, it decodes on to the last frame.
            pixels, said = (decoder.decode(data), {}) if is_animated else decoder.decode(data, metadata=True)
        # Grey with alpha has two channels, which Pillow calls "LA". libjxl has turned the picture upright.
        profile = said.get("icc_profile") or said.get("icc") or b""
        return PlainImage(Image.fromarray(np.ascontiguousarray(pixels)), SaidColours(profile=bytes(profile)))

    missing = MediaError("unsupported-format", Message.of("first-frame-only")) if is_animated else None
    return plain_still("pylibjxl", decode, exact, missing)

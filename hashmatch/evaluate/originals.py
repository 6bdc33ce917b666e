"""The pictures that copies are made of: which of a folder's, and their pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from random import Random

from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.i18n import _
from hashmatch.media import Limits
from hashmatch.media.files import Found, open_file
from hashmatch.media.image import open_image
from hashmatch.media.sniff import HEAD_BYTES, sniff

#: Copies are made of at most so many pixels a side: platforms make pictures smaller, and edits would take minutes each.
LONGEST_SIDE = 1600

#: Told of a file that cannot be used, and why.
Refused = Callable[[bytes, MediaError], object]


def choose(found: Iterable[Found], limit: int, seed: int, refused: Refused) -> list[bytes]:
    """Paths of at most so many pictures, drawn by chance, in the order of their names.

    What is no picture by its content is passed over; a file that cannot be opened is told of.
    """
    candidates = sorted(found, key=lambda each: each.path)
    Random(seed).shuffle(candidates)
    chosen: list[bytes] = []
    for each in candidates:
        if len(chosen) == limit:
            break
        try:
            if each.error is not None:
                raise each.error
            if _is_picture(each):
                chosen.append(each.path)
        except MediaError as error:
            if error.code != "unsupported-format":  # a link or pipe that was met, which is no file to examine
                refused(each.path, error)
    return sorted(chosen)


def _is_picture(found: Found) -> bool:
    descriptor, _status = open_file(found.path, follow=found.named)
    with open(descriptor, "rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    return media_type is not None and media_type.decoder in ("pillow", "heif")


def decode(path: bytes, limits: Limits = Limits()) -> Image.Image:
    """The picture as a person sees it: upright RGB, with no side longer than LONGEST_SIDE.

    Raises MediaError, also where it is animated or damaged in part.
    """
    descriptor, status = open_file(path)
    with open(descriptor, "rb") as file:
        if status.st_size > limits.max_picture_bytes:
            raise MediaError("too-large", _("larger than the limit"))
        data = file.read()
    media_type = sniff(data[:HEAD_BYTES])
    if media_type is None or media_type.decoder not in ("pillow", "heif"):
        raise MediaError("unsupported-format", _("is no picture"))
    opened = open_image(data, media_type, limits, exact=True)
    if opened.kind != "image":
        raise MediaError("unsupported-format", _("is animated"))
    pages = list(opened.pictures)  # to the end, which is where damage is told of
    if not pages:
        raise MediaError("no-usable-frames", _("holds no pictures"))
    image = pages[0].image
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BICUBIC)
    return image


def name_of(path: bytes) -> str:
    """A name for the source of randomness, which does not change when the folder is moved."""
    return os.path.basename(path).decode("utf-8", "surrogateescape")

"""The pictures that copies are made from: which ones of a folder, and their pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from random import Random

from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.settings import SmallPictures
from hashmatch.isolation import Isolation
from hashmatch.media import Limits
from hashmatch.media.files import FoundPath, open_file
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.messages import Message
from hashmatch.records import Failure

#: Longest side in pixels of pictures that copies are made from: platforms shrink pictures, and edits would take minutes
#: each.
LONGEST_SIDE = 1600

#: Told of a file that cannot be used, and why.
RefusedListener = Callable[[bytes, MediaError], object]


def choose(found: Iterable[FoundPath], limit: int, seed: int, refused: RefusedListener) -> list[bytes]:
    """Paths of at most `limit` random pictures, in the order of their names.

    A file whose content is not a picture is skipped. refused: called with a file that cannot be opened.
    """
    return choose_more(found, limit, 0, seed, refused)[0]


def choose_more(
    found: Iterable[FoundPath], limit: int, more: int, seed: int, refused: RefusedListener
) -> tuple[list[bytes], list[bytes]]:
    """The same, and at most `more` others if there are any left."""
    candidates = sorted(found, key=lambda each: each.path)
    Random(seed).shuffle(candidates)
    chosen: list[bytes] = []
    for each in candidates:
        if len(chosen) == limit + more:
            break
        try:
            if each.error is not None:
                raise each.error
            if _is_picture(each):
                chosen.append(each.path)
        except MediaError as error:
            # A link or pipe in a folder is not a file to examine.
            if error.code != "unsupported-format" and len(chosen) < limit:
                refused(each.path, error)
    return sorted(chosen[:limit]), sorted(chosen[limit:])


def _is_picture(found: FoundPath) -> bool:
    descriptor, _status = open_file(found.path, follow=found.named)
    with open(descriptor, "rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    return media_type is not None and media_type.decoder in ("pillow", "heif")


def decode(
    paths: Iterable[bytes], isolation: Isolation = Isolation(), limits: Limits = Limits()
) -> Iterator[tuple[bytes, Image.Image | MediaError]]:
    """Pictures as a person sees them: upright RGB, with no side longer than LONGEST_SIDE; in the order in which they are
    done. In place of an unusable one (animated or partly damaged ones, too) comes a MediaError.

    Worker processes decode them, as everywhere.
    """
    settings = SmallPictures(LONGEST_SIDE, limits=limits, digests=False)
    for state, result in fingerprints(map(FoundPath, paths), settings, isolation):
        if result is None or result.pixels is None or result.error is not None or result.kind != "image":
            error = result.error if result is not None else None
            if error is None:
                animated = result is not None and result.kind == "video"
                error = Failure("unsupported-format", Message.of("animated") if animated else Message.of("no-picture"))
            yield state.path, MediaError(error.code, error.detail)
        else:
            pixels = result.pixels
            yield state.path, Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)


def name_of(path: bytes) -> str:
    """A seed name that does not change when the folder moves."""
    return os.path.basename(path).decode("utf-8", "surrogateescape")

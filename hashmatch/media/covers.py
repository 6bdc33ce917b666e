"""The pictures that go with a film or sound: album covers, posters."""

from __future__ import annotations

from typing import BinaryIO

from hashmatch.errors import MediaError
from hashmatch.media.film_container import covers_in, open_container, packets_in
from hashmatch.media.image import open_image
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Film, Stills
from hashmatch.media.sniff import HEAD_BYTES, MediaType, sniff
from hashmatch.messages import Message


def count_covers(file: BinaryIO, media_type: MediaType) -> int:
    """How many covers a film or sound has; 0 for what FFmpeg cannot open. file: seekable."""
    try:
        with open_container(file, media_type) as container:
            return len(covers_in(container))
    except MediaError as error:
        if error.code == "out-of-memory":
            raise
        return 0


def open_cover(file: BinaryIO, media_type: MediaType, number: int, limits: Limits, exact: bool) -> Stills:
    """Open a cover. number: which, from 0. Raises MediaError as `open_image` does."""
    with open_container(file, media_type) as container:
        data = next((bytes(each) for each in packets_in(container, [covers_in(container)[number]])), b"")
    found = sniff(data[:HEAD_BYTES])
    if found is None or found.decoder != "pillow":
        raise MediaError("unsupported-format", Message.of("no-video-decoder"))
    opened = open_image(data, found, limits, exact)
    if isinstance(opened, Film):
        raise MediaError("unsupported-format", Message.of("animated"))
    return opened

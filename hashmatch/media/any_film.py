"""Films of containers that need something before FFmpeg takes them, or a better word about what is wrong with them."""

from __future__ import annotations

from typing import BinaryIO, cast

from hashmatch.errors import MediaError
from hashmatch.media.containers import ebml_start
from hashmatch.media.limits import Limits
from hashmatch.media.media_type import MediaType
from hashmatch.media.opened import Film, Stills
from hashmatch.media.shifted import SectorFile, ShiftedFile
from hashmatch.media.sniff import HEAD_BYTES
from hashmatch.media.video import open_video
from hashmatch.messages import Message

#: Containers that mostly hold other things than films: FFmpeg's name, and ours of what it is then.
_SELDOM_FILMS = {"swf": "Flash without a film"}


def open_any_film(
    file: BinaryIO, media_type: MediaType, limits: Limits, exact: bool, number: int | None = None
) -> Film | Stills:
    """As open_video; but without what is no part of the film, and with other content of a container named."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if media_type.format.startswith("matroska") and (start := ebml_start(head)):
        file = cast(BinaryIO, ShiftedFile(file, start))
    if media_type.format == "mpeg" and head[:4] == b"RIFF":
        file = cast(BinaryIO, SectorFile(file))
    try:
        return open_video(file, media_type, limits, exact, number)
    except MediaError as error:
        name = _SELDOM_FILMS.get(media_type.format)
        if name is None or error.code != "no-usable-frames":
            raise
        raise MediaError("unsupported-format", Message.of("format-not-examined", format=name)) from error

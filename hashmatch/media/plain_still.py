"""From a picture that some other decoder than Pillow made, to what is hashed: the same way as Pillow's go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media.classified import classified
from hashmatch.media.colour import PLAIN, SaidColours
from hashmatch.media.looks import looks_of
from hashmatch.media.opened import Stills
from hashmatch.views import ViewKind, ViewName


@dataclass(frozen=True, slots=True)
class PlainImage:
    """What a decoder made.

    said: about its colours. stored: what else it may look like: the same before its numbers were put on the curve of sRGB.
    """

    image: Image.Image
    said: SaidColours = PLAIN
    stored: Image.Image | None = None


def plain_still(
    decoder: str, decode: Callable[[], PlainImage], exact: bool, missing: MediaError | None = None
) -> Stills:
    """A still whose size has been checked.

    decode: makes the picture. It may raise anything.
    missing: what is left out of it and why, raised after the picture.
    """

    def pictures() -> Iterator[Picture]:
        with classified():
            made = decode()
            found = looks_of(made.image, made.image.size, exact, made.said)
            if made.stored is not None and not exact:
                other = looks_of(made.stored, made.stored.size, exact)[0]
                found.append(replace(other, view=str(ViewName(ViewKind.LOOK, 1))))
        yield from found
        if missing is not None:
            raise missing

    return Stills(decoder + (" exact" if exact else " full"), pictures())

"""64-bit dHash as the ImageHash library defines it (https://github.com/JohannesBuchner/imagehash, `dhash`)."""

from __future__ import annotations

import imagehash
import numpy as np

from hashmatch.hashers.base import Picture
from hashmatch.hashers.thumbnail import thumbnail


class DHash:
    """Whether each pixel of a 9×8 thumbnail is darker than its right neighbour."""

    name = "dhash"
    bits = 64
    version = 1

    def hash(self, picture: Picture) -> tuple[bytes, int | None]:
        return np.packbits(imagehash.dhash(thumbnail(picture, 9, 8)).hash).tobytes(), None


HASHER = DHash()

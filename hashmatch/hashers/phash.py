"""64-bit pHash as the ImageHash library defines it (https://github.com/JohannesBuchner/imagehash, `phash`)."""

from __future__ import annotations

import imagehash
import numpy as np

from hashmatch.hashers.base import Picture
from hashmatch.hashers.thumbnail import thumbnail


class PHash:
    """Signs of an 8×8 low-frequency DCT about their median."""

    name = "phash"
    bits = 64
    version = 1

    def hash(self, picture: Picture) -> tuple[bytes, int | None]:
        return np.packbits(imagehash.phash(thumbnail(picture, 32, 32)).hash).tobytes(), None


HASHER = PHash()

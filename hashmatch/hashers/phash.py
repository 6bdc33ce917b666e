"""64-bit pHash as the ImageHash library defines it (https://github.com/JohannesBuchner/imagehash, `phash`)."""

from __future__ import annotations

import numpy as np

from hashmatch.hashers.base import Hasher, Picture, Threshold, Thresholds
from hashmatch.hashers.thumbnail import thumbnail

#: 64 bits collide, and this hash has no quality: what it finds alone, a person must look at.
_THRESHOLD = Threshold.plain(near=-1, possible=6, margin=8)


def hash_picture(picture: Picture) -> tuple[bytes, None]:
    """Signs of an 8×8 low-frequency DCT about their median: 8 bytes."""
    import imagehash  # brings SciPy

    return np.packbits(imagehash.phash(thumbnail(picture, 32, 32)).hash).tobytes(), None


HASHER = Hasher(
    name="phash",
    title="pHash",
    bits=64,
    version=1,
    hash=hash_picture,
    thresholds=Thresholds(fast=_THRESHOLD, thorough=_THRESHOLD),
    packages=("ImageHash",),
)

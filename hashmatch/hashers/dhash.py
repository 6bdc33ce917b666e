"""64-bit dHash as the ImageHash library defines it (https://github.com/JohannesBuchner/imagehash, `dhash`)."""

from __future__ import annotations

import numpy as np

from hashmatch.hashers.base import Hasher, Picture, Threshold, Thresholds
from hashmatch.hashers.thumbnail import thumbnail

#: 64 bits collide, and this hash has no quality: what it finds alone, a person must look at.
_THRESHOLD = Threshold.plain(near=-1, possible=4, margin=8)


def hash_picture(picture: Picture) -> tuple[bytes, None]:
    """Whether each pixel of a 9×8 thumbnail is darker than its right neighbour: 8 bytes."""
    import imagehash  # brings SciPy

    return np.packbits(imagehash.dhash(thumbnail(picture, 9, 8)).hash).tobytes(), None


HASHER = Hasher(
    name="dhash",
    title="dHash",
    bits=64,
    version=1,
    hash=hash_picture,
    thresholds=Thresholds(fast=_THRESHOLD, thorough=_THRESHOLD),
    packages=("ImageHash",),
)

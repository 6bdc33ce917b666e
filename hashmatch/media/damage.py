"""What is left of a damaged picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from hashmatch.errors import MediaError
from hashmatch.messages import Message

#: Share of the rows that must be left. Less is no picture that anybody would recognise.
LEAST_LEFT = 0.1


def decode_what_is_there(open_again: Callable[[], Image.Image]) -> Image.Image:
    """Decode a damaged image as far as its data go; the rest stays grey or black.

    open_again: opens it anew. Raises MediaError: corrupt, if less than LEAST_LEFT of it is left.
    """
    image = open_again()
    # Pillow only has a global switch for this, so it is set during one call only.
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image.load()
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    refuse_if_little_is_left(image)
    return image


def refuse_if_little_is_left(image: Image.Image) -> None:
    """Raises MediaError: corrupt, if nearly all of a decoded picture is what decoders fill missing rows with."""
    left = _share_left(image)
    if left == 0:
        raise MediaError("corrupt", Message.of("nothing-left"))
    if left < LEAST_LEFT:
        raise MediaError("corrupt", Message.of("little-left", share=round(left, 4)))


def _share_left(image: Image.Image) -> float:
    """The share of rows that are not plainly what a decoder fills missing rows with.

    That is one value all over; at the end, or at the beginning for formats that are stored from their foot.
    """
    values = np.asarray(image.convert("L"))
    low, high = values.min(axis=1), values.max(axis=1)
    if low.min() == high.max():
        return 0.0
    plain = low == high
    fills = [int(low[at]) for at in (-1, 0) if plain[at]]
    return float(1 - (plain & (low == fills[0])).mean()) if fills else 1.0

"""What is left of a damaged picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from hashmatch.errors import MediaError
from hashmatch.messages import Message

#: Share of the rows that must be left. Less is no picture that anybody would recognise.
LEAST_LEFT = 0.1
#: Bytes at the end of a JPEG in which the mark of its end is, though programs leave something after it.
_ENDING = 4096
#: Share of the rows that may be missing of an interlaced picture that is shown as fine as it is.
_GAPS = 0.01


def decode_what_is_there(open_again: Callable[[], Image.Image]) -> Image.Image:
    """Decode a damaged image as far as its data go; the rest stays grey or black.

    open_again: opens it anew. Raises MediaError: corrupt, if less than LEAST_LEFT of it is left.
    """
    image = open_again()
    # Pillow says it of PNG; of GIF only its decoder is told.
    tiles = getattr(image, "tile", [])
    is_interlaced = bool(image.info.get("interlace") or (image.format == "GIF" and tiles and tiles[0][3][1]))
    # Pillow only has a global switch for this, so it is set during one call only.
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        image.load()
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    if is_interlaced:
        image = _without_gaps(image)
    refuse_if_little_is_left(image)
    return image


def is_jpeg_cut(data: bytes) -> bool:
    """Whether a JPEG, or one of its kin, lacks the mark of its end; for decoders that do not say so."""
    return b"\xff\xd9" not in data[-_ENDING:]


def _without_gaps(image: Image.Image) -> Image.Image:
    """An interlaced picture of which later passes are missing, coarser, as viewers show it.

    PNG has every eighth row and column first, then every fourth and every second; GIF has so of rows.
    """
    values = np.asarray(image.convert("L"))
    is_plain = values.min(axis=1) == values.max(axis=1)
    if not is_plain.any():
        return image
    is_missing = is_plain & (values[:, 0] == np.bincount(values[is_plain, 0]).argmax())
    step = next((step for step in (1, 2, 4) if is_missing[::step].mean() < _GAPS), 8)
    across = 1 if image.format == "GIF" else step
    small = -(-image.width // across), -(-image.height // step)
    # The pixels at multiples of the steps, and from them a picture of the same size.
    corner = (across, 0, (1 - across) / 2, 0, step, (1 - step) / 2)
    coarse = image.transform(small, Image.Transform.AFFINE, corner, Image.Resampling.NEAREST)
    return coarse.resize(image.size, Image.Resampling.NEAREST, (0, 0, image.width / across, image.height / step))


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

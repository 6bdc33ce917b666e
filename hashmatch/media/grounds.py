"""The grounds behind transparent pictures: viewers differ, so what is transparent is hashed on a light and on a dark one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hashmatch.views import ViewKind, ViewName

#: Brightness of the ground that most viewers have, and of a dark one: nearly black, as browsers show a picture by itself.
WHITE, DARK = 255, 14
#: The views of a picture that looks different as it is stored, and on the dark ground.
AS_STORED, ON_DARK = str(ViewName(ViewKind.LOOK, 1)), str(ViewName(ViewKind.LOOK, 2))
#: Bits of PDQ by which such a look differs enough to be hashed, too. As stored: beyond what counts as the same picture. On a
#: dark ground, which is what many see: as soon as an edited copy could be lost.
LOOK_BITS = {AS_STORED: 31, ON_DARK: 10}

#: A pixel with at least this much alpha looks opaque.
OPAQUE = 250


def is_seen_through(alpha: npt.NDArray[np.uint8]) -> bool:
    """Whether a ground can be seen behind a picture. Alpha that is zero everywhere means nothing: some programs leave the
    channel empty, and viewers then show the colours. alpha: uint8, 0 for transparent."""
    return bool(alpha.max(initial=0) > 0 and alpha.min(initial=255) < OPAQUE)


def on_ground(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], ground: int) -> npt.NDArray[np.uint8]:
    """A picture as it looks on a ground of this brightness.

    pixels: uint8 (height, width), not multiplied by alpha; or (height, width, 3). alpha: uint8 (height, width).
    """
    weights = alpha.astype(np.uint16) if pixels.ndim == 2 else alpha.astype(np.uint16)[:, :, None]
    return ((pixels * weights + ground * (255 - weights) + 127) // 255).astype(np.uint8)

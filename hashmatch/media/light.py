"""Pictures whose numbers are light, as viewers show them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.media.plain_still import PlainImage

Light = npt.NDArray[np.float32]

#: The share of pixels that are not brighter than white once all is made darker.
_NOT_TOO_BRIGHT = 0.995


def shown_light(light: Light) -> PlainImage:
    """A picture whose numbers are light, of which 1 is white: as viewers show it, and the numbers as they are.

    light: (height, width, 3), or (height, width) for a grey one.
    Shown is the light by the curve of sRGB (IEC 61966-2-1). Where more than one pixel in 200 is brighter than white, all is
    made darker until it is not. Many programs write values that have that curve already, so there is a second look.
    """
    clean = np.nan_to_num(light, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
    brightness = (clean if clean.ndim == 2 else clean.max(axis=2)).ravel()
    place = int((brightness.size - 1) * _NOT_TOO_BRIGHT)
    white = max(1.0, float(np.partition(brightness, place)[place]))
    scaled = (clean / np.float32(white)).clip(0, 1)
    curved = np.where(scaled <= 0.0031308, scaled * 12.92, 1.055 * scaled ** (1 / 2.4) - 0.055)
    return PlainImage(_image(curved), stored=_image(scaled))


def _image(values: npt.NDArray[np.floating]) -> Image.Image:
    return Image.fromarray((values * 255 + 0.5).astype(np.uint8))

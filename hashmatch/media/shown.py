"""From a decoded picture to what a person sees: in 8 bits, in right colours, and on two grounds where it is transparent.

Large pictures go through this in bands of rows, so that they take little memory beside their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.media.colour import Correction
from hashmatch.media.grounds import DARK, OPAQUE, WHITE

#: Pixels of a band.
BAND = 1 << 22

#: What puts the colours of a picture right, asked with its mode: "RGB", "L" or "CMYK". See colour.correction.
Corrections = Callable[[str], Correction | None]


def as_stored(mode: str) -> Correction | None:
    """The Corrections of a picture whose colours stay as they are."""
    return None


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as it is shown, in mode "L" or "RGB".

    on_dark: None if no pixel is transparent. stored: before its colours were put right, on white; None if there was nothing
    to put right. in_colour: the same pictures as they were before they became mode "L", if these are wanted.
    """

    on_white: Image.Image
    on_dark: Image.Image | None = None
    stored: Image.Image | None = None
    in_colour: Shown | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Which values of a picture of more than 8 bits are black and white."""

    black: float
    white: float


def shown(
    image: Image.Image, mode: str, factors: tuple[int, int], corrections: Corrections, in_colour: bool = False
) -> Shown:
    """A decoded picture as it is shown, made smaller by whole factors.

    mode: "L" or "RGB", of what is returned. factors: for width and height. in_colour: whether it is wanted in colour, too.
    """
    scale = scale_of(image)
    alphas = _Alphas()
    bands = [
        _band(layer, mode, factors, corrections, alphas, in_colour)
        for layer in (eight_bit(each, scale) for each in _bands(image, factors[1]))
    ]
    if alphas.is_meaningless:
        bands = [
            _band(_without_alpha(eight_bit(each, scale)), mode, factors, corrections, _Alphas(), in_colour)
            for each in _bands(image, factors[1])
        ]
    is_transparent = alphas.low < OPAQUE and not alphas.is_meaningless
    is_changed = any(each.stored is not None for each in bands)
    coloured = [each.in_colour for each in bands if each.in_colour is not None]
    whole = _all(coloured, is_transparent, is_changed) if in_colour else None
    return replace(_all(bands, is_transparent, is_changed), in_colour=whole)


def _all(bands: list[Shown], is_transparent: bool, is_changed: bool) -> Shown:
    """The bands of a picture as one."""
    return Shown(
        _joined([each.on_white for each in bands]),
        _joined([each.on_dark or each.on_white for each in bands]) if is_transparent else None,
        _joined([each.stored or each.on_white for each in bands]) if is_changed else None,
    )


class _Alphas:
    """The least and the largest alpha of the bands that have been seen."""

    def __init__(self) -> None:
        self.low, self.high = 255, 0

    @property
    def is_meaningless(self) -> bool:
        """A picture in which all is transparent was not meant so."""
        return self.high == 0

    def note(self, layer: Image.Image) -> tuple[int, int]:
        low, high = layer.getchannel("A").getextrema() if layer.mode == "RGBA" else (255, 255)
        assert isinstance(low, int) and isinstance(high, int)
        self.low, self.high = min(self.low, low), max(self.high, high)
        return low, high


def _bands(image: Image.Image, factor: int) -> Iterator[Image.Image]:
    width, height = image.size
    rows = max(1, BAND // width // factor) * factor
    if rows >= height:
        yield image
        return
    for top in range(0, height, rows):
        yield image.crop((0, top, width, min(height, top + rows)))


def _joined(bands: list[Image.Image]) -> Image.Image:
    if len(bands) == 1:
        return bands[0]
    if len({each.mode for each in bands}) > 1:
        bands = [each.convert("RGB") for each in bands]
    whole = Image.new(bands[0].mode, (bands[0].width, sum(each.height for each in bands)))
    top = 0
    for each in bands:
        whole.paste(each, (0, top))
        top += each.height
    return whole


def _band(
    layer: Image.Image,
    mode: str,
    factors: tuple[int, int],
    corrections: Corrections,
    alphas: _Alphas,
    in_colour: bool,
) -> Shown:
    low, _high = alphas.note(layer)
    correct = corrections("RGB" if layer.mode == "RGBA" else layer.mode)
    if correct is None and low == 255:
        coloured = Shown(_with_colours(_reduced(layer, factors))) if in_colour else None
        return Shown(_reduced(_in_mode(layer, mode), factors), in_colour=coloured)
    small = _reduced(layer, factors)
    alpha = small.getchannel("A") if low < 255 else None
    stored = small.convert("RGB") if small.mode != "L" else small
    right = correct(small if small.mode != "RGBA" else stored) if correct is not None else stored
    seen = Shown(
        _over(right, alpha, WHITE),
        _over(right, alpha, DARK) if low < OPAQUE else None,
        _over(stored, alpha, WHITE) if correct is not None else None,
    )
    return Shown(
        _in_mode(seen.on_white, mode),
        seen.on_dark and _in_mode(seen.on_dark, mode),
        seen.stored and _in_mode(seen.stored, mode),
        seen if in_colour else None,
    )


def _with_colours(image: Image.Image) -> Image.Image:
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _over(image: Image.Image, alpha: Image.Image | None, ground: int) -> Image.Image:
    if alpha is None:
        return image
    below = Image.new("RGB", image.size, (ground, ground, ground))
    below.paste(image, mask=alpha)
    return below


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    if image.mode in ("1", "P") and mode == "L":  # gives the same as through RGB, in a quarter of the memory
        return image.convert("L")
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image if mode == "RGB" else image.convert(mode)


def _reduced(image: Image.Image, factors: tuple[int, int]) -> Image.Image:
    return image.reduce(factors) if factors != (1, 1) else image


def _without_alpha(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def eight_bit(image: Image.Image, scale: Scale | None) -> Image.Image:
    """Turn any mode of Pillow into "L", "RGB", "RGBA" or "CMYK", as a viewer would."""
    if image.mode.startswith(("I", "F")):
        return _of_numbers(image, scale)
    if image.mode == "LAB":
        from PIL import ImageCms

        converted = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        assert converted is not None
        return converted
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    if image.mode in ("P", "1"):
        return image.convert("RGB" if image.mode == "P" else "L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _of_numbers(image: Image.Image, scale: Scale | None) -> Image.Image:
    values = np.asarray(image)
    grey = Image.fromarray(_to_8bit(values, scale))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    grey = grey.convert("RGBA")
    grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def scale_of(image: Image.Image) -> Scale | None:
    """Of 32 bits or floats: the range used, 0 to 1, 255, 65535 or its own. None for other pictures."""
    if image.mode not in ("I", "F"):
        return None
    low, high = float("inf"), float("-inf")
    for band in _bands(image, 1):
        values = _finite(np.asarray(band))
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return Scale(*usual_range(low, high))


def usual_range(low: float, high: float) -> tuple[float, float]:
    """What is black and white where a picture's values are between these: 0, and 1, 255 or 65535; or their own range."""
    if low < 0:
        return low, high
    return 0.0, next((usual for usual in (1.0, 255.0, 65535.0) if high <= usual), high)


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0))


def _to_8bit(values: npt.NDArray[Any], scale: Scale | None) -> npt.NDArray[np.uint8]:
    """8-bit brightness: of 16 bits the high byte."""
    if scale is None:
        return (values.astype(np.uint16) >> 8).astype(np.uint8)
    return ((_finite(values) - scale.black) * (255 / max(scale.white - scale.black, 1e-9))).astype(np.uint8)

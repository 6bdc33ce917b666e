"""Colours as they are displayed: from what a file says about its colours to sRGB, as viewers do it.

ICC profiles go through LittleCMS. Code points (ITU-T H.273), gamma and chromaticities become a small cube of colours, in
which Pillow looks every pixel up.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

#: Puts the colours of a picture right. Takes "RGB", "L" or "CMYK" as it was asked for; returns "RGB".
Correction = Callable[[Image.Image], Image.Image]

#: Bytes of an ICC profile. Those of printers have up to 3 MB.
LONGEST_PROFILE = 4 << 20
#: A profile counts as sRGB where no colour moves by more than this many levels of 255: rounding, and a gamma of 2.2 in place
#: of sRGB's curve, which is 9 levels off in the darkest tones. Measured over 150 photographs: PDQ moves by 2 bits of 256, at
#: most 6.
SAME_COLOUR = 10
#: Colours along each side of the cube.
_SIDE = 33
_REMEMBERED = 16

#: x and y of white, red, green and blue.
Chromaticities = tuple[float, float, float, float, float, float, float, float]

_D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_ADOBE: Chromaticities = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
#: Primaries by their number in H.273, table 2.
_PRIMARIES: dict[int, Chromaticities] = {
    1: _SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
#: Transfer characteristics by their number in H.273, table 3, that are not shown as sRGB is.
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG = 16, 18
#: Brightness of white on paper, and of the brightest light, in cd/m² (ITU-R BT.2408).
_WHITE, _BRIGHTEST = 203.0, 1000.0
#: The share of white paper from which on light is pressed together.
_KNEE = 0.75


@dataclass(frozen=True, slots=True)
class SaidColours:
    """What a file says about its colours. Nothing said means sRGB.

    profile: an ICC profile. code_points: primaries and transfer characteristics of H.273. gamma: the power that makes light
    of a stored value. chromaticities: of the primaries. narrow: whether 16 to 235 are black and white.
    """

    profile: bytes = b""
    code_points: tuple[int, int] | None = None
    gamma: float | None = None
    chromaticities: Chromaticities | None = None
    narrow: bool = False


PLAIN = SaidColours()
#: What cameras mean by the interoperability index "R03" (DCF 2.0).
ADOBE_RGB = SaidColours(gamma=563 / 256, chromaticities=_ADOBE)


def correction(said: SaidColours, mode: str) -> Correction | None:
    """How to put a picture's colours right.

    said: by its file. mode: "RGB", "L" or "CMYK".
    Returns None where there is nothing to do: the colours are sRGB, or what is said is broken or fits other pictures.
    """
    return None if said == PLAIN or len(said.profile) > LONGEST_PROFILE else _correction(said, mode)


@functools.lru_cache(_REMEMBERED)
def _correction(said: SaidColours, mode: str) -> Correction | None:
    try:
        found = _by_profile(said.profile, mode) if said.profile else _by_cube(said)
    except Exception:  # LittleCMS and numpy complain in many ways; a viewer then shows the values as they are
        return None
    return None if found is None or _changes_nothing(found, mode) else found


def _by_profile(data: bytes, mode: str) -> Correction | None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    space = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}[mode]
    if profile.profile.xcolor_space.strip() != space:
        return None
    # Viewers take the perceptual intent; profiles of screens and cameras have no other.
    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
    )

    def correct(image: Image.Image) -> Image.Image:
        changed = ImageCms.applyTransform(image, transform)
        assert changed is not None
        return changed

    return correct


def _by_cube(said: SaidColours) -> Correction | None:
    from PIL import ImageFilter

    values = said_to_srgb(said, _cube().reshape(-1, 3) / 255).astype(np.float32)
    if not np.isfinite(values).all():
        return None
    # Pillow wants red to change fastest.
    table = ImageFilter.Color3DLUT(_SIDE, values.ravel())

    def correct(image: Image.Image) -> Image.Image:
        return image.convert("RGB").filter(table)

    return correct


def _cube() -> npt.NDArray[np.float64]:
    """Colours at even distances, float (blue, green, red, 3), 0 to 255."""
    steps = np.linspace(0, 255, _SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    return np.stack((red, green, blue), axis=-1)


def _changes_nothing(correct: Correction, mode: str) -> bool:
    if mode == "CMYK":
        return False
    colours = np.round(_cube()).astype(np.uint8)[::2, ::2, ::2].reshape(1, -1, 3)
    image = Image.fromarray(np.arange(256, dtype=np.uint8)[None] if mode == "L" else colours)
    before, after = (np.asarray(each.convert("RGB")).astype(int) for each in (image, correct(image)))
    return bool(np.abs(before - after).max() <= SAME_COLOUR)


def said_to_srgb(said: SaidColours, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Colours in sRGB by code points, or by gamma and chromaticities.

    values: float (n, 3), red, green and blue, 0 to 1. Returns the same.
    Light of high dynamic range stays as it is up to three quarters of white paper. From there on it is pressed together by
    x / (1 + x) (Reinhard et al. 2002, equation 3), all three primaries by what the brightest of them needs.
    """
    if said.narrow:
        values = np.clip((values * 255 - 16) / 219, 0, 1)
    number, transfer = said.code_points or (1, 13)
    if said.gamma is not None:
        light = values**said.gamma
    elif transfer in _GAMMAS:
        light = values ** _GAMMAS[transfer]
    elif transfer == _PQ:
        light = _from_pq(values)
    elif transfer == _HLG:
        light = _from_hlg(values)
    else:
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    primaries = said.chromaticities or _PRIMARIES.get(number, _SRGB)
    if primaries != _SRGB:
        light = light @ (np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(primaries)).T
    light = np.clip(light, 0, None)
    if transfer in (_PQ, _HLG):
        brightest = light.max(axis=1, keepdims=True)
        beyond = np.clip((brightest - _KNEE) / (1 - _KNEE), 0, None)
        pressed = np.minimum(brightest, _KNEE) + (1 - _KNEE) * beyond / (1 + beyond)
        light = light * pressed / np.maximum(brightest, 1e-9)
    light = np.clip(light, 0, 1)
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(shown, np.float64)


def _from_pq(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Light with white paper at 1, by SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = values ** (1 / m2)
    light = (np.clip(power - c1, 0, None) / (c2 - c3 * power)) ** (1 / m1)
    return np.minimum(light * 10_000, _BRIGHTEST) / _WHITE


def _from_hlg(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Light with white paper at 1 on a screen of 1000 cd/m², by ITU-R BT.2100."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    brightness = scene @ np.array((0.2627, 0.6780, 0.0593))
    return np.asarray(scene * (brightness[:, None] ** 0.2) * (_BRIGHTEST / _WHITE))


def _to_xyz(chromaticities: Chromaticities) -> npt.NDArray[np.float64]:
    """The matrix from light in these primaries to XYZ under D65, with another white adapted by Bradford's method.

    Source: http://www.brucelindbloom.com, "RGB/XYZ Matrices" and "Chromatic Adaptation".
    """
    points = np.array(chromaticities, np.float64).reshape(4, 2)
    columns = np.stack([(x / y, 1.0, (1 - x - y) / y) for x, y in points], axis=1)
    white, primaries = columns[:, 0], columns[:, 1:]
    matrix = primaries * np.linalg.solve(primaries, white)
    x, y = _D65
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    ratios = (cones @ np.array((x / y, 1.0, (1 - x - y) / y))) / (cones @ white)
    adapted = np.linalg.inv(cones) @ np.diag(ratios) @ cones @ matrix
    return np.asarray(adapted, np.float64)

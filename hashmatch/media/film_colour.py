"""The colours of a film's frame as they are displayed: its matrix, its range and its transfer curve.

FFmpeg's scaler knows the range and the usual matrices (BT.601, BT.709, BT.2020), and makes of them the brightness that a
still picture of the frame would have. What it does not know is done here: planes that are really green, blue and red; YCgCo
and other rare matrices, which it refuses; and HDR. Numbers of matrices and curves are those of ITU-T H.273.
"""

from __future__ import annotations

import functools
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

Pixels8 = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float64]

_GBR, _UNKNOWN, _YCGCO, _BT2020_CONSTANT = 0, 2, 8, 10
#: Matrices that FFmpeg's scaler knows; it refuses frames with any other.
_USUAL = frozenset({1, _UNKNOWN, 4, 5, 6, 7, 9})
_LINEAR, _PQ, _HLG = 8, 16, 18
_OTHER_CURVES = frozenset({_LINEAR, _PQ, _HLG})
_BT2020_PRIMARIES = 9

#: Brightness of SDR's white in HDR, and of the display for which HLG is made, in candela per square metre (ITU-R BT.2408).
_WHITE, _HLG_PEAK = 203.0, 1000.0
#: Up to how many times SDR's white the light of HDR is told apart for hashes.
_HEADROOM = 2.5
#: Steps of the table that leads from light to what is shown.
_STEPS = 4096
#: Exponent of an SDR display (ITU-R BT.1886).
_DISPLAY = 2.4
#: From this height on, films that do not state their matrix have that of HD, as players take it.
_HD_HEIGHT = 720
#: Share of red, green and blue in brightness (ITU-R BT.601), as for still pictures.
_LUMA = np.array([0.299, 0.587, 0.114])
#: Linear BT.2020 to BT.709 (ITU-R BT.2087).
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def grey(frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> av.VideoFrame:
    """The brightness that a plain decoder gives, full range, in this size: the mean of the pixels ("AREA"), which is 7 bits
    from the hash of the full frame; FFmpeg's fast bilinear filter is 36 away."""
    return _scaled(frame, width, height, "gray", reformatter)


def displayed(frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> Pixels8 | None:
    """The brightness of a frame as a player shows it, uint8 (height, width); None if that is what `grey` gives, as it does
    for nearly all films.

    HDR is made darker than on a display, so that bright parts keep their detail: PDQ is the same for a darker picture.
    """
    is_plain = frame.color_trc not in _OTHER_CURVES and frame.colorspace != _YCGCO
    if is_plain and not (frame.colorspace == _GBR and _has_full_planes(frame)):
        return None
    brightness = colour(frame, width, height, reformatter, _HEADROOM) @ _LUMA
    return np.asarray(np.rint(brightness).astype(np.uint8))


def colour(
    frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter, brightest: float = 1.0
) -> Pixels8:
    """A frame in colour as a player shows it, uint8 (height, width, 3); in grey if its matrix is one that we do not know.

    brightest: of HDR, the light that is shown as 255, 1 being SDR's white.
    """
    if frame.colorspace == _GBR and _has_full_planes(frame):
        green, blue, red = _planes(frame, width, height, reformatter)
        pixels = np.stack([red, green, blue], axis=-1)
    elif frame.colorspace == _YCGCO:
        pixels = _from_ycgco(frame, width, height, reformatter)
    elif _is_usual(frame) or frame.colorspace == _BT2020_CONSTANT:
        deep = "rgb48le" if frame.color_trc in _OTHER_CURVES else "rgb24"
        scaled: Any = _scaled(frame, width, height, deep, reformatter).to_ndarray()
        pixels = scaled
    else:
        plane: Any = grey(frame, width, height, reformatter).to_ndarray()
        pixels = np.repeat(plane[:, :, None], 3, axis=2)
    if frame.color_trc not in _OTHER_CURVES:
        return pixels
    light = _lights(frame.color_trc, 1 << 8 * pixels.itemsize)[pixels]
    if frame.color_primaries == _BT2020_PRIMARIES:
        light = np.clip(light @ _TO_BT709.T, 0, None)
    return to_sdr(light, brightest if frame.color_trc != _LINEAR else 1.0)


def _is_usual(frame: av.VideoFrame) -> bool:
    return frame.colorspace in _USUAL or (frame.colorspace == _GBR and frame.format.is_rgb)


def _has_full_planes(frame: av.VideoFrame) -> bool:
    """Whether the frame has three planes of its own size that are not called red, green and blue already."""
    shape = frame.format
    return not shape.is_rgb and len(shape.components) >= 3 and shape.chroma_width(16) == shape.chroma_height(16) == 16


def _scaled(frame: av.VideoFrame, width: int, height: int, format: str, reformatter: VideoReformatter) -> av.VideoFrame:
    given: dict[str, Any] = {}
    if not _is_usual(frame):
        # Of these, the first plane is the brightness as it is.
        instead = Colorspace.BT2020 if frame.colorspace == _BT2020_CONSTANT else Colorspace.ITU601
        given = {"src_colorspace": instead, "dst_colorspace": instead}
    elif frame.colorspace == _UNKNOWN and frame.color_trc in (_PQ, _HLG):
        given = {"src_colorspace": Colorspace.BT2020}
    elif format != "gray" and frame.colorspace == _UNKNOWN and frame.height >= _HD_HEIGHT:
        given = {"src_colorspace": Colorspace.ITU709}
    return reformatter.reformat(frame, width, height, format, interpolation="AREA", threads=1, **given)


def _planes(frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> list[Pixels8]:
    """The frame's three planes in 8 bits as they are, whatever they mean."""
    same = {"src_colorspace": Colorspace.ITU709, "dst_colorspace": Colorspace.ITU709}
    full = {"src_color_range": ColorRange.JPEG, "dst_color_range": ColorRange.JPEG}
    scaled = reformatter.reformat(frame, width, height, "yuv444p", interpolation="AREA", threads=1, **same, **full)
    planes: Any = scaled.planes
    rows = [np.frombuffer(plane, np.uint8).reshape(height, -1)[:, :width] for plane in planes]
    if frame.color_range == ColorRange.MPEG:
        rows = [np.clip((row.astype(np.int16) - 16) * 255 // 219, 0, 255).astype(np.uint8) for row in rows]
    return [row.copy() for row in rows]


def _from_ycgco(frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> Pixels8:
    """ITU-T H.273, 8.3: t = Y - Cg, G = Y + Cg, B = t - Co, R = t + Co."""
    luma, green, orange = (plane.astype(np.int16) for plane in _planes(frame, width, height, reformatter))
    rest = luma - (green - 128)
    rgb = np.stack([rest + orange - 128, luma + green - 128, rest - orange + 128], axis=-1)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def to_sdr(light: _Floats, brightest: float) -> Pixels8:
    """What an SDR display shows of light (ITU-R BT.1886), uint8 of the same shape. light: 1 is SDR's white. brightest: what
    is shown as 255; brighter light is not told from it."""
    places = np.sqrt(np.clip(light / brightest, 0, 1)) * (_STEPS - 1)
    return np.asarray(_shown_levels()[np.rint(places).astype(np.intp)])


@functools.cache
def _shown_levels() -> Pixels8:
    """Of light from 0 to 1 in even steps of its root."""
    light = np.linspace(0, 1, _STEPS) ** 2
    return np.rint(255 * light ** (1 / _DISPLAY)).astype(np.uint8)


@functools.cache
def _lights(transfer: int, levels: int) -> _Floats:
    """The light of each of so many levels."""
    return _light(np.linspace(0.0, 1.0, levels), transfer)


def _light(signal: _Floats, transfer: int) -> _Floats:
    """The light of a signal from 0 to 1 on an HDR display, 1 being SDR's white (ITU-R BT.2100, tables 4 and 5)."""
    if transfer == _LINEAR:
        return signal
    if transfer == _PQ:
        return _pq_light(signal) / _WHITE
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(_HLG_PEAK * scene**1.2 / _WHITE)


_M1, _M2, _C1, _C2, _C3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875


def _pq_light(signal: _Floats) -> _Floats:
    """Candela per square metre of a PQ signal (SMPTE ST 2084)."""
    root = np.asarray(signal) ** (1 / _M2)
    return np.asarray(10000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))

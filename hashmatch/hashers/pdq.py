"""PDQ, Meta's 256-bit perceptual hash.

Algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019, and the reference
implementation, github.com/facebook/ThreatExchange, pdq/cpp. Brightness is smoothed by two box filters and sampled at 64×64
points. Each of 16×16 low-frequency DCT coefficients gives one bit: whether it is above their median.

It is computed in two ways:

- `hash_exact` repeats the reference's float32 arithmetic in the same order, so that every bit and the quality come out the
  same, even where coefficients tie (title cards, symmetric logos).
- `hash_luma` relies on everything before the median being linear: filters and sampling fold into one small matrix per side.
  If the decoder scaled the picture down, the full-size matrix is folded to the reduced size.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from hashmatch.arrays import Float32
from hashmatch.hashers.base import Hasher, Picture, Quality, Threshold, Thresholds
from hashmatch.hashers.orientations import FLIPS, ORIENTATIONS, TRANSPOSED, turn

SIDE = 64  # the picture is sampled at SIDE × SIDE points
FREQUENCIES = 16  # and FREQUENCIES × FREQUENCIES of its DCT coefficients are kept
SMALLEST_SIDE = 5  # smaller pictures have no hash (the reference returns zero bits with quality 0)
BAND = 8  # rows of the sampling matrix multiplied at a time
STRIP_BYTES = 32 << 20  # working memory of the exact box filter


def hash_picture(picture: Picture) -> tuple[bytes, int]:
    """PDQ of a picture: 32 bytes, and the quality, 0 to 100."""
    if picture.exact:
        return hash_exact(np.asarray(picture.image))
    return hash_luma(picture.luma, picture.full_size)


#: Meta's own advice (github.com/facebook/ThreatExchange, pdq/README.md): match at this many of 256 bits or fewer, discard
#: hashes of a lower quality.
META_DISTANCE, META_QUALITY = 31, 50

# possible of a thorough scan, and film: of 2.7 million pairs of unrelated photographs, and of 1.8 million pairs of frames of
# unrelated films, none were this close. possible of a fast scan: as far as multi-index search gets at little cost. margin:
# later parts of a static scene with people in it are as close to all of its frames.
_FAST = Threshold(near=META_DISTANCE, possible=44, film=60, low_quality=31, turned=31, along=70, telling=60, margin=8)
_THOROUGH = Threshold(
    near=META_DISTANCE, possible=64, film=60, low_quality=31, turned=64, along=70, telling=60, margin=8
)

HASHER = Hasher(
    name="pdq",
    title="PDQ",
    bits=256,
    version=1,
    hash=hash_picture,
    thresholds=Thresholds(fast=_FAST, thorough=_THOROUGH),
    quality=Quality(least=10, good=META_QUALITY),
    # Half of the coefficients are above their median, unless some tie: exactly 128 of 256 bits are one in 1,000 of 1,000
    # photographs, 0 for black and 60 for white.
    usual_ones=(0.4, 0.6),
)


def hash_luma(luma: Float32, full_size: tuple[int, int]) -> tuple[bytes, int]:
    """PDQ by matrices: within 4 bits of the reference on photographs, and several times as fast.

    luma: brightness, float32 (height, width), 0 to 255.
    full_size: (width, height) of the original, of which `luma` may be a reduced version.
    Returns 32 bytes and the quality, 0 to 100.
    """
    width, height = full_size
    if min(full_size) < SMALLEST_SIDE:
        return bytes(32), 0
    samples = _sample_rows(width, _sample_rows(height, luma).T).T
    return to_bits(_coefficients(samples)), quality_of(samples)


def hash_exact(rgb: npt.NDArray[np.uint8]) -> tuple[bytes, int]:
    """PDQ equal to Meta's implementation in every bit.

    rgb: pixels, uint8 (height, width, 3). Returns 32 bytes and the quality, 0 to 100.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return bytes(32), 0
    luma = np.empty((height, width), np.float32)
    strip = max(1, STRIP_BYTES // (32 * width))
    for top in range(0, height, strip):  # in strips: double precision of a whole photograph would take 24 bytes a pixel
        r, g, b = np.moveaxis(rgb[top : top + strip], 2, 0)
        luma[top : top + strip] = r * 0.299 + g * 0.587 + b * 0.114
    if (height, width) != (SIDE, SIDE):
        for _pass in range(2):
            luma = _box_filter_rows(luma)
            luma = _box_filter_rows(luma.T).T
        luma = luma[np.ix_(sample_points(height), sample_points(width))]
    samples = np.ascontiguousarray(luma)
    cosines = dct_matrix()
    half = np.zeros((FREQUENCIES, SIDE), np.float32)
    for k in range(SIDE):  # one product at a time: the order of float32 additions decides ties at the median
        half += cosines[:, k, None] * samples[None, k, :]
    coefficients = np.zeros((FREQUENCIES, FREQUENCIES), np.float32)
    for k in range(SIDE):
        coefficients += half[:, k, None] * cosines[None, :, k]
    return to_bits(coefficients), quality_of(samples)


def hash_orientations(picture: Picture) -> tuple[tuple[bytes, ...], int]:
    """PDQ of a picture in all eight orientations (see orientations.py).

    The reference implementation flips signs of one DCT. That is not enough: the choice of sampled pixels is not symmetric,
    which changes up to 52 bits of a picture turned upside down. So we sample the picture from either end, which costs
    little, and get quarter turns as transposes of these.

    Returns 32 bytes for each orientation, in the order of ORIENTATIONS, and the quality of the upright picture, 0 to 100.
    """
    if picture.exact:
        rgb = np.asarray(picture.image)
        turned = [hash_exact(np.ascontiguousarray(turn(rgb, name))) for name in ORIENTATIONS]
        return tuple(bits for bits, _quality in turned), turned[0][1]
    width, height = picture.full_size
    if min(picture.full_size) < SMALLEST_SIDE:
        return (bytes(32),) * len(ORIENTATIONS), 0
    luma = picture.luma
    quality = 0
    hashes = {}
    for upside_down in (False, True):
        rows = _sample_rows(height, luma[::-1] if upside_down else luma)
        for mirrored in (False, True):
            samples = _sample_rows(width, (rows[:, ::-1] if mirrored else rows).T).T
            if not upside_down and not mirrored:
                quality = quality_of(samples)
            coefficients = _coefficients(samples)
            name = FLIPS[upside_down, mirrored]
            hashes[name] = to_bits(coefficients)
            hashes[TRANSPOSED[name]] = to_bits(coefficients.T)
    return tuple(hashes[name] for name in ORIENTATIONS), quality


def _coefficients(samples: Float32) -> Float32:
    """Low-frequency DCT coefficients, float32 (16, 16). samples: float32 (64, 64)."""
    cosines = dct_matrix()
    coefficients: Float32 = np.matmul(np.matmul(cosines, samples), cosines.T)
    return coefficients


def to_bits(coefficients: Float32) -> bytes:
    """Which of the 16×16 coefficients are above their (lower) median, packed with the last coefficient first: 32 bytes."""
    flat = coefficients.ravel()
    median = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    return np.packbits((flat > median)[::-1]).tobytes()


def quality_of(samples: Float32) -> int:
    """How much gradient the 64×64 samples have, from 0 (featureless) to 100, counted as the reference does."""
    hundred, white = np.float32(100), np.float32(255)
    total = 0
    for difference in (samples[:-1] - samples[1:], samples[:, :-1] - samples[:, 1:]):
        total += int(np.abs((difference * hundred / white).astype(np.int32)).sum())
    return min(total // 90, 100)


@functools.cache
def dct_matrix() -> Float32:
    """Rows 1 to 16 of the DCT-II matrix, computed with a float32 scale: float32 (16, 64)."""
    scale = float(np.float32(np.sqrt(2.0 / SIDE)))
    i, j = np.arange(1, FREQUENCIES + 1)[:, None], np.arange(SIDE)[None, :]
    matrix: Float32 = (scale * np.cos((np.pi / 2.0 / SIDE) * i * (2 * j + 1))).astype(np.float32)
    return matrix


def sample_points(length: int) -> npt.NDArray[np.intp]:
    """The rows (or columns) that the 64 samples are taken from: the centres of 64 equal parts of `length`."""
    return (((np.arange(SIDE) + 0.5) * length) / SIDE).astype(np.intp)


def _window(length: int) -> tuple[int, int]:
    """The width of the box filter for a side of this length, and how far it reaches to the right (exclusive)."""
    window = (length + 2 * SIDE - 1) // (2 * SIDE)
    return window, (window + 2) // 2


def sampling_matrix(length: int, reduced: int) -> Float32:
    """The matrix that smooths a side of `length` pixels twice and takes 64 samples of it: float32 (64, reduced).

    If the picture was reduced by the integer factor ceil(length / reduced), each column is the sum of the full-size columns
    whose mean is the reduced pixel.
    """
    window, reach = _window(length)
    row = np.arange(SIDE)[:, None]
    # A sample is a mean of means: over the outputs of the first filter in the window around the sample's point, each the
    # mean over its own window. A window adds a constant from its left end to its right, so the weights are the running sum
    # of steps: up where a window begins, down where it ends.
    outputs = sample_points(length)[:, None] + np.arange(reach - window, reach)
    inside = (outputs >= 0) & (outputs < length)
    left = np.clip(outputs + reach - window, 0, length)
    right = np.clip(outputs + reach, 0, length)
    step = inside / (inside.sum(axis=1, keepdims=True) * np.maximum(right - left, 1))
    start, span = left[:, :1], 2 * window + 1
    up = np.bincount((row * span + left - start).ravel(), step.ravel(), SIDE * span)
    down = np.bincount((row * span + right - start).ravel(), step.ravel(), SIDE * span)
    weights = (up - down).reshape(SIDE, span).cumsum(axis=1)
    pixels = np.minimum(start + np.arange(span), length - 1) // -(-length // reduced)
    matrix = np.bincount((row * reduced + pixels).ravel(), weights.ravel(), SIDE * reduced)
    # Steps that should cancel out may leave 1e-18 of either sign.
    return np.maximum(matrix, 0.0).reshape(SIDE, reduced).astype(np.float32)


@functools.lru_cache(maxsize=1024)
def _bands(length: int, reduced: int) -> tuple[tuple[slice, slice, Float32], ...]:
    """The sampling matrix in groups of BAND rows, each with only the columns that are not zero: rows, columns, weights."""
    matrix = sampling_matrix(length, reduced)
    bands = []
    for top in range(0, SIDE, BAND):
        rows = slice(top, top + BAND)
        used = np.flatnonzero(matrix[rows].any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        bands.append((rows, columns, np.ascontiguousarray(matrix[rows, columns])))
    return tuple(bands)


def _sample_rows(length: int, values: Float32) -> Float32:
    """sampling_matrix @ values: float32 (64, columns). values: float32 (reduced, columns)."""
    sampled = np.empty((SIDE, values.shape[1]), np.float32)
    for rows, columns, weights in _bands(length, values.shape[0]):
        np.matmul(weights, values[columns], out=sampled[rows])
    return sampled


def _box_filter_rows(values: Float32) -> Float32:
    """The reference's running-sum box filter along each row, with the same float32 rounding, in strips of rows."""
    strip = max(1, STRIP_BYTES // (8 * values.shape[1]))
    return np.concatenate([_running_mean(values[i : i + strip]) for i in range(0, values.shape[0], strip)])


def _running_mean(values: Float32) -> Float32:
    """A box filter by one running sum, which adds a new pixel and subtracts an old one in turn.

    np.cumsum adds strictly one after the other, so a sequence of +new, -old rounds as the C++ loop does.
    """
    rows, length = values.shape
    window, reach = _window(length)
    middle = length - window  # outputs with a full window that slides
    terms = np.empty((rows, window + 2 * middle + reach - 1), np.float32)
    terms[:, :window] = values[:, :window]
    terms[:, window : window + 2 * middle : 2] = values[:, window:]
    terms[:, window + 1 : window + 2 * middle : 2] = -values[:, :middle]
    terms[:, window + 2 * middle :] = -values[:, middle : middle + reach - 1]
    sums = np.cumsum(terms, axis=1, dtype=np.float32)
    out = np.empty((rows, length), np.float32)
    growing = window - reach + 1
    out[:, :growing] = sums[:, reach - 1 : window] / np.arange(reach, window + 1, dtype=np.float32)
    out[:, growing : growing + middle] = sums[:, window + 1 : window + 2 * middle : 2] / np.float32(window)
    shrinking = np.arange(window - 1, window - reach, -1, dtype=np.float32)
    out[:, growing + middle :] = sums[:, window + 2 * middle :] / shrinking
    return out

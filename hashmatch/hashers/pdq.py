"""PDQ, the 256-bit perceptual hash of Meta.

Algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019, and the reference
implementation github.com/facebook/ThreatExchange, pdq/cpp. Brightness is smoothed by two box filters, sampled at 64×64
points, and the signs of 16×16 low-frequency DCT coefficients about their median are the bits.

There are two ways through it here:

- `hash_exact` repeats the reference's float32 arithmetic in its order of operations, so that every bit and the quality
  come out the same, even where coefficients tie (title cards, symmetric logos).
- `hash_luma` uses that everything before the median is linear: filters and sampling fold into one small matrix per
  side. A picture that was scaled while decoding is hashed with the full-size matrix folded to the reduced size.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from hashmatch.arrays import Float32
from hashmatch.hashers.base import Hasher, Picture, Quality, Threshold, Thresholds
from hashmatch.hashers.orientations import ORIENTATIONS, TRANSPOSED, turn

SIDE = 64  # the picture is sampled at SIDE × SIDE points
FREQUENCIES = 16  # and FREQUENCIES × FREQUENCIES of its DCT coefficients are kept
SMALLEST_SIDE = 5  # smaller pictures have no hash (the reference gives zero bits of quality 0)
BAND = 8  # rows of the sampling matrix that are multiplied at a time
STRIP_BYTES = 32 << 20  # working memory of the exact box filter

#: By whether it is upside down, and whether it is mirrored.
_FLIPS = {(False, False): "none", (False, True): "mirror", (True, False): "flip", (True, True): "rotate180"}


def hash_picture(picture: Picture) -> tuple[bytes, int]:
    """PDQ of a picture: 32 bytes, and the quality, 0 to 100."""
    if picture.exact:
        return hash_exact(np.asarray(picture.image))
    return hash_luma(picture.luma, picture.full_size)


#: Meta's own advice (github.com/facebook/ThreatExchange, pdq/README.md): match at so many of 256 bits or fewer, and discard
#: what has a lower quality.
META_DISTANCE, META_QUALITY = 31, 50

# near and good quality are Meta's. thorough and film: none of 2.7 million pairs of unrelated photographs is as close as
# 64 bits, and none of 1.8 million pairs of frames of unrelated films as close as 60. fast: what multi-index search does at
# little cost. telling, margin: later parts of static scenes with people in them; see matching/evidence.py.
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
    # The bits compare with their median, so that half of them are one unless coefficients tie: exactly 128 of 256 in 1,000
    # of 1,000 photographs, but 0 for black and 60 for white.
    usual_ones=(0.4, 0.6),
)


def hash_luma(luma: Float32, full_size: tuple[int, int]) -> tuple[bytes, int]:
    """PDQ by matrices: within 4 bits of the reference on photographs, several times as fast.

    luma: (height, width) brightness, 0 to 255.
    full_size: (width, height) of the original; larger than `luma` where that is a reduced version of it.
    Returns 32 bytes and the quality, 0 to 100.
    """
    width, height = full_size
    if min(full_size) < SMALLEST_SIDE:
        return bytes(32), 0
    samples = _sample_rows(width, _sample_rows(height, luma).T).T
    return to_bits(_coefficients(samples)), quality_of(samples)


def hash_exact(rgb: npt.NDArray[np.uint8]) -> tuple[bytes, int]:
    """PDQ as Meta's implementation computes it, bit by bit, from (height, width, 3) pixels.

    Returns 32 bytes and the quality, 0 to 100.
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
    """PDQ of a picture in all eight orientations (see orientations.py). Returns 32 bytes for each, and the quality, 0 to
    100, of the picture as it is.

    Flipping signs of one DCT, as the reference implementation does, is not enough: which pixels are sampled is not
    symmetric, and moves the hash of a picture that is turned upside down by up to 52 bits. So the picture is sampled
    from either end, which costs little; turns by a quarter are transposes of these.
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
            name = _FLIPS[upside_down, mirrored]
            hashes[name] = to_bits(coefficients)
            hashes[TRANSPOSED[name]] = to_bits(coefficients.T)
    return tuple(hashes[name] for name in ORIENTATIONS), quality


def _coefficients(samples: Float32) -> Float32:
    """(16, 16) low-frequency DCT coefficients of the (64, 64) samples."""
    cosines = dct_matrix()
    coefficients: Float32 = np.matmul(np.matmul(cosines, samples), cosines.T)
    return coefficients


def to_bits(coefficients: Float32) -> bytes:
    """The 16×16 coefficients' comparison with their (lower) median, packed with the last coefficient first."""
    flat = coefficients.ravel()
    median = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    return np.packbits((flat > median)[::-1]).tobytes()


def quality_of(samples: Float32) -> int:
    """How much gradient the 64×64 samples have, 0 (featureless) to 100, as the reference counts it."""
    hundred, white = np.float32(100), np.float32(255)
    total = 0
    for difference in (samples[:-1] - samples[1:], samples[:, :-1] - samples[:, 1:]):
        total += int(np.abs((difference * hundred / white).astype(np.int32)).sum())
    return min(total // 90, 100)


@functools.cache
def dct_matrix() -> Float32:
    """(16, 64) rows 1 to 16 of the DCT-II matrix, as float32 products of a float32 scale."""
    scale = float(np.float32(np.sqrt(2.0 / SIDE)))
    i, j = np.arange(1, FREQUENCIES + 1)[:, None], np.arange(SIDE)[None, :]
    matrix: Float32 = (scale * np.cos((np.pi / 2.0 / SIDE) * i * (2 * j + 1))).astype(np.float32)
    return matrix


def sample_points(length: int) -> npt.NDArray[np.intp]:
    """Which of `length` rows (or columns) the 64 samples are taken from: the centres of 64 equal parts."""
    return (((np.arange(SIDE) + 0.5) * length) / SIDE).astype(np.intp)


def _window(length: int) -> tuple[int, int]:
    """The box filter's width for a side of this length, and how far it reaches to the right (that pixel excluded)."""
    window = (length + 2 * SIDE - 1) // (2 * SIDE)
    return window, (window + 2) // 2


def sampling_matrix(length: int, reduced: int) -> Float32:
    """(64, reduced) matrix that smooths a side of `length` pixels twice and samples it.

    Where the picture was reduced by the integer factor ceil(length / reduced), each column is the sum of the full-size
    columns that the reduced pixel is the mean of.
    """
    window, reach = _window(length)
    row = np.arange(SIDE)[:, None]
    # A sample is the mean, over those outputs of the first filter that lie in the window about its point, of the means
    # over the windows about each of these. A window adds a constant from its left to its right end, so the weights are
    # the running sum of steps: up where a window begins, down where it ends.
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
    # Where the steps should cancel out they may leave 1e-18 of either sign.
    return np.maximum(matrix, 0.0).reshape(SIDE, reduced).astype(np.float32)


@functools.lru_cache(maxsize=1024)
def _bands(length: int, reduced: int) -> tuple[tuple[slice, slice, Float32], ...]:
    """The sampling matrix in groups of BAND rows, each with the few columns that are not zero: rows, columns, weights."""
    matrix = sampling_matrix(length, reduced)
    bands = []
    for top in range(0, SIDE, BAND):
        rows = slice(top, top + BAND)
        used = np.flatnonzero(matrix[rows].any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        bands.append((rows, columns, np.ascontiguousarray(matrix[rows, columns])))
    return tuple(bands)


def _sample_rows(length: int, values: Float32) -> Float32:
    """sampling_matrix @ values: (64, columns) from (reduced, columns)."""
    sampled = np.empty((SIDE, values.shape[1]), np.float32)
    for rows, columns, weights in _bands(length, values.shape[0]):
        np.matmul(weights, values[columns], out=sampled[rows])
    return sampled


def _box_filter_rows(values: Float32) -> Float32:
    """The reference's running-sum box filter along each row, with its float32 rounding, in strips of rows."""
    strip = max(1, STRIP_BYTES // (8 * values.shape[1]))
    return np.concatenate([_running_mean(values[i : i + strip]) for i in range(0, values.shape[0], strip)])


def _running_mean(values: Float32) -> Float32:
    """Box filter by one running sum, to which pixels are added and from which they are subtracted in turn.

    np.cumsum adds strictly one after the other, so a sequence of +new, -old gives the same rounding as the C++ loop.
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

"""PDQ of many film frames at once, whole or in part.

Each frame comes as a small square of brightness, whatever its shape; PDQ itself squeezes every picture to 64 × 64 samples.
Everything in PDQ before the median is linear (see pdq.py). So smoothing, sampling, cutting out a part and the DCT fold into
one 16 × side matrix for rows and one for columns.

The square stands for a picture of 512 × 512 pixels, whatever the size of the frame. The hashes of one film at 720p and at
144p are then 0 to 2 bits apart. They would be 8 to 27 bits apart if each square stood for the frame's own size, because
PDQ's 64 samples would fall differently between the pixels. They are 6 bits (median of 14 films; 26 for a synthetic pattern)
from the hashes of full-size frames that Meta publishes (vPDQ, in github.com/facebook/ThreatExchange).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from hashmatch.arrays import Float32, UInt8
from hashmatch.hashers.orientations import FLIPS, ORIENTATIONS, TRANSPOSED
from hashmatch.hashers.pdq import FREQUENCIES, SIDE, dct_matrix, sampling_matrix

#: Pixels of a side of the picture that the square stands for.
STANDS_FOR = 512
#: Frames multiplied at a time; their squares fit into the processor's cache.
BATCH = 32


class FrameArea(NamedTuple):
    """A part of a frame, as shares of its width and height.

    An area may reach below 0 and above 1, where the pixels at the frame's edge are repeated. If the frame was cropped, this
    is a guess at what is missing, and it brings most of the hash back: with 5 % cut off each side, the hash is 22 bits away
    instead of 76; with 10 %, 40 instead of 118.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0


WHOLE = FrameArea()


def hash_frames(squares: UInt8, area: FrameArea = WHOLE, mirrored: bool = False) -> UInt8:
    """PDQ of an area of each frame, or of the area's mirror image: uint8 (n, 32).

    squares: brightness of the frames, uint8 (n, side, side).
    """
    count, side, _side = squares.shape
    down = _frequencies(side, area.top, area.bottom)
    across = _frequencies(side, area.left, area.right, mirrored)
    hashes = np.empty((count, FREQUENCIES * FREQUENCIES // 8), np.uint8)
    for start in range(0, count, BATCH):
        some = squares[start : start + BATCH].astype(np.float32)
        halves = (some.reshape(-1, side) @ across.T).reshape(-1, side, FREQUENCIES)
        hashes[start : start + BATCH] = _to_bits(np.matmul(down, halves))
    return hashes


def hash_oriented(squares: UInt8, area: FrameArea = WHOLE) -> UInt8:
    """PDQ of an area of each frame in all eight orientations: uint8 (n, 8, 32), in the order of ORIENTATIONS.

    squares: as for `hash_frames`, whose bits these are for the first two; it costs about twice as much as those.
    """
    count, side, _side = squares.shape
    # Both directions are taken at once, and quarter turns are transposes: see pdq.hash_orientations.
    downs = [_frequencies(side, area.top, area.bottom, upside_down) for upside_down in (False, True)]
    across = np.concatenate([_frequencies(side, area.left, area.right, mirrored) for mirrored in (False, True)])
    hashes = np.empty((count, len(ORIENTATIONS), FREQUENCIES * FREQUENCIES // 8), np.uint8)
    for start in range(0, count, BATCH):
        some = squares[start : start + BATCH].astype(np.float32)
        both = (some.reshape(-1, side) @ across.T).reshape(-1, side, 2, FREQUENCIES)
        for (upside_down, mirrored), name in FLIPS.items():
            coefficients = np.matmul(downs[upside_down], np.ascontiguousarray(both[:, :, int(mirrored)]))
            for of, values in ((name, coefficients), (TRANSPOSED[name], coefficients.swapaxes(1, 2))):
                hashes[start : start + BATCH, ORIENTATIONS.index(of)] = _to_bits(values)
    return hashes


def _to_bits(coefficients: Float32) -> UInt8:
    """As pdq.to_bits, of many frames: uint8 (n, 32). coefficients: float32 (n, 16, 16)."""
    flat = coefficients.reshape(len(coefficients), -1)
    middle = flat.shape[1] // 2 - 1
    median = np.partition(flat, middle, axis=1)[:, middle, None]
    return np.packbits((flat > median)[:, ::-1], axis=1)


def quality_of_frames(squares: UInt8, area: FrameArea = WHOLE) -> UInt8:
    """PDQ's quality, 0 to 100, of an area of each frame: uint8 (n,). squares: as for `hash_frames`."""
    side = squares.shape[1]
    down, across = _samples(side, area.top, area.bottom), _samples(side, area.left, area.right)
    qualities = np.empty(len(squares), np.uint8)
    for start in range(0, len(squares), BATCH):
        some = squares[start : start + BATCH].astype(np.float32)
        samples = np.matmul(down, (some.reshape(-1, side) @ across.T).reshape(-1, side, SIDE))
        total = sum(
            np.abs((np.diff(samples, axis=axis) * np.float32(100 / 255)).astype(np.int32)).sum(axis=(1, 2))
            for axis in (1, 2)
        )
        qualities[start : start + BATCH] = np.minimum(total // 90, 100)
    return qualities


@functools.lru_cache(maxsize=64)
def _samples(side: int, start: float, end: float) -> Float32:
    """The matrix that takes 64 samples of a line of pixels, from start to end as shares of its length: (64, side)."""
    full = sampling_matrix(STANDS_FOR, STANDS_FOR)
    at = start + (np.arange(STANDS_FOR) + 0.5) / STANDS_FOR * (end - start)
    pixels = np.clip(np.floor(at * side).astype(np.intp), 0, side - 1)
    matrix = np.zeros((side, SIDE), np.float32)
    np.add.at(matrix, pixels, full.T)
    return np.ascontiguousarray(matrix.T)


@functools.lru_cache(maxsize=64)
def _frequencies(side: int, start: float, end: float, mirrored: bool = False) -> Float32:
    """The matrix from the same line, or its mirror image, to 16 DCT coefficients: (16, side)."""
    if mirrored:
        return np.ascontiguousarray(_frequencies(side, 1 - end, 1 - start)[:, ::-1])
    return np.ascontiguousarray(dct_matrix() @ _samples(side, start, end))

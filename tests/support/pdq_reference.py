"""A second PDQ, which follows the C++ reference number by number. It is slow, and uses nothing of the package.

Written from "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" and from the description of
github.com/facebook/ThreatExchange, pdq/cpp. Every variable that is a `float` there is a numpy float32 here, and each sum
is taken in the same order, because ties at the median are decided by the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

F = np.float32
Matrix = list[list[np.float32]]


def pdq(rgb: npt.NDArray[np.uint8]) -> tuple[bytes, int]:
    """The hash, 32 bytes, and the quality of uint8 (height, width, 3) pixels."""
    height, width = rgb.shape[:2]
    if height < 5 or width < 5:
        return bytes(32), 0
    luma = [[F(0.299 * r + 0.587 * g + 0.114 * b) for r, g, b in row] for row in rgb.tolist()]
    if (height, width) == (64, 64):
        samples = luma
    else:
        for _time in range(2):
            luma = [box_filter(row) for row in luma]
            luma = transposed([box_filter(column) for column in transposed(luma)])
        rows = [int((i + 0.5) * height / 64) for i in range(64)]
        columns = [int((j + 0.5) * width / 64) for j in range(64)]
        samples = [[luma[y][x] for x in columns] for y in rows]
    return bits(dct(samples)), quality(samples)


def box_filter(values: Sequence[np.float32]) -> list[np.float32]:
    """Means over a window of 1/128 of the length, rounded up; it is cut off at both ends."""
    length = len(values)
    full = (length + 127) // 128
    half = (full + 2) // 2
    out: list[np.float32] = []
    total, size, left, right = F(0), 0, 0, 0
    for _step in range(half - 1):
        total, size, right = total + values[right], size + 1, right + 1
    for _step in range(full - half + 1):
        total, size, right = total + values[right], size + 1, right + 1
        out.append(total / F(size))
    for _step in range(length - full):
        total, right = total + values[right], right + 1
        total, left = total - values[left], left + 1
        out.append(total / F(size))
    for _step in range(half - 1):
        total, size, left = total - values[left], size - 1, left + 1
        out.append(total / F(size))
    return out


def dct(samples: Matrix) -> Matrix:
    """The 16×16 lowest frequencies without the constant one: D · samples · Dᵀ."""
    scale = float(F(math.sqrt(2.0 / 64.0)))
    d = [[F(scale * math.cos(math.pi / 2.0 / 64.0 * (i + 1) * (2 * j + 1))) for j in range(64)] for i in range(16)]
    half = [[_dot(d[i], [samples[k][j] for k in range(64)]) for j in range(64)] for i in range(16)]
    return [[_dot(half[i], d[j]) for j in range(16)] for i in range(16)]


def _dot(ones: Sequence[np.float32], others: Sequence[np.float32]) -> np.float32:
    total = F(0)
    for one, other in zip(ones, others, strict=True):
        total += one * other
    return total


def bits(coefficients: Matrix) -> bytes:
    """Bit 16 i + j says whether the coefficient is above the lower median. The highest bit is written first."""
    flat = [value for row in coefficients for value in row]
    median = sorted(flat)[127]
    return sum(1 << place for place, value in enumerate(flat) if value > median).to_bytes(32, "big")


def quality(samples: Matrix) -> int:
    """The sum of the whole percents by which neighbours differ, divided by 90; at most 100."""
    total = 0
    for i in range(64):
        for j in range(64):
            if i < 63:
                total += abs(int((samples[i][j] - samples[i + 1][j]) * F(100) / F(255)))
            if j < 63:
                total += abs(int((samples[i][j] - samples[i][j + 1]) * F(100) / F(255)))
    return min(total // 90, 100)


def transposed(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]

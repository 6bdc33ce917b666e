"""Hashes as 64-bit words, word-major: one contiguous array for each 64-bit column of the hash.

Bit i of a hash is bit i % 64 of word i // 64. Which bit of the byte string that is depends on the machine's byte order;
distances do not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

#: A row number takes 32 bits, and a distance 16, wherever pairs are packed (see pairs.py).
MOST_ROWS = 2**32 - 1
WIDEST = 2**16 - 64


def to_words(hashes: npt.ArrayLike) -> Words:
    """hashes: uint8 (N, bytes), the width a multiple of 8 bytes. Returns uint64 (bytes / 8, N), contiguous.

    Raises ValueError on any other shape or type.
    """
    array = checked(hashes)
    if len(array) > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS} hashes")
    return np.ascontiguousarray(np.ascontiguousarray(array).view(np.uint64).T)


def from_words(words: Words) -> Bits:
    """The inverse of to_words: uint8 (N, bytes). words: uint64 (bytes / 8, N)."""
    return np.ascontiguousarray(words.T).view(np.uint8)


def checked(hashes: npt.ArrayLike) -> Bits:
    """The hashes as an array. Raises ValueError where to_words would."""
    array = np.asarray(hashes)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] % 8 or not 0 < array.shape[1] * 8 <= WIDEST:
        raise ValueError("hashes must be a uint8 array (N, bytes) with a multiple of 8 bytes")
    return array


def bits_at(words: Words, offset: int, length: int) -> npt.NDArray[np.int64]:
    """Bits [offset, offset + length) of every hash as one number: int64 (N,). length: at most 32."""
    word, shift = divmod(offset, 64)
    found = words[word] >> np.uint64(shift)
    if shift + length > 64:
        found |= words[word + 1] << np.uint64(64 - shift)
    found &= np.uint64((1 << length) - 1)
    numbers: npt.NDArray[np.int64] = found.view(np.int64)
    return numbers


def distances_of(words: Words, rows: Rows, queries: Words, numbers: Rows) -> npt.NDArray[np.uint16]:
    """The distance of each pair: hash `rows[i]` of words from query `numbers[i]`; uint16 (n,), in bits."""
    total = np.zeros(len(rows), np.uint16)
    for column, query in zip(words, queries, strict=True):
        total += np.bitwise_count(column.take(rows) ^ query.take(numbers))
    return total


def distance(one: bytes, other: bytes) -> int:
    """The Hamming distance of two hashes of equal length, in bits."""
    if len(one) != len(other):
        raise ValueError("hashes of different widths have no distance")
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def distances(some: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Distances between all pairs: uint8 (n, bytes) and (m, bytes) give uint16 (n, m), in bits.

    Raises ValueError if the widths differ, or if to_words would not take them.
    """
    ours, theirs = to_words(some), to_words(others)
    total = np.zeros((ours.shape[1], theirs.shape[1]), np.uint16)
    for one, other in zip(ours, theirs, strict=True):
        total += np.bitwise_count(one[:, None] ^ other)
    return total

"""The postings of multi-index hashing: for each chunk, all rows sorted by the chunk's key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.chunks import LOW_BITS, ChunkLayout
from hashmatch.hamming.words import Words, bits_at


@dataclass(frozen=True, slots=True)
class Postings:
    """The postings of `count` hashes in m chunks. The arrays of all chunks follow one another.

    occupied: uint8, one byte for each bucket; bit k is set if a hash has the key bucket * 8 + k.
    starts: uint32, where each bucket's postings start within its chunk; after each chunk's last bucket, the count.
    rows: uint32 (m * count,), the hashes, by key.
    crowding: for each chunk, how many times more hashes share a typical hash's bucket than if they were random bits.
    beside: uint32 (m * count,), for the same hash the neighbouring chunk's key, and above it the low bits of its own.
    """

    layout: ChunkLayout
    count: int
    occupied: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.uint32]
    beside: npt.NDArray[np.uint32]
    crowding: tuple[float, ...]

    @property
    def nbytes(self) -> int:
        return self.occupied.nbytes + self.starts.nbytes + self.rows.nbytes + self.beside.nbytes


def build_postings(words: Words, layout: ChunkLayout) -> Postings:
    """Sort all rows by the key of each chunk. words: uint64 (width / 64, N)."""
    chunks, count = len(layout.lengths), words.shape[1]
    occupied = np.zeros(sum(layout.buckets), np.uint8)
    starts = np.zeros(sum(layout.buckets) + chunks, np.uint32)
    rows = np.empty((chunks, count), np.uint32)
    beside = np.empty((chunks, count), np.uint32)
    numbers = np.arange(count, dtype=np.uint64)
    keys = bits_at(words, layout.offsets[-1], layout.lengths[-1])
    crowding: list[float] = []
    first = 0
    for chunk, buckets in enumerate(layout.buckets):
        neighbour, keys = keys, bits_at(words, layout.offsets[chunk], layout.lengths[chunk])
        # Sorting key and row as one number is faster than argsort, and stable.
        packed = keys.view(np.uint64) << np.uint64(32)
        packed |= numbers
        packed.sort()
        # Little-endian or not, the cast keeps the low 32 bits: the row.
        rows[chunk] = packed
        packed >>= np.uint64(32)
        of_key = packed.view(np.int64)
        byte = of_key >> LOW_BITS
        occupied[first : first + buckets] = _occupied(of_key, buckets)
        sizes = np.bincount(byte, minlength=buckets)
        np.cumsum(sizes, out=starts[first + chunk + 1 : first + chunk + 1 + buckets], dtype=np.uint32)
        crowding.append(_crowding(sizes, count))
        low = (of_key & ((1 << LOW_BITS) - 1)) << layout.lengths[chunk - 1]
        beside[chunk] = neighbour.take(rows[chunk]) | low
        first += buckets
    return Postings(layout, count, occupied, starts, rows.reshape(-1), beside.reshape(-1), tuple(crowding))


def _crowding(sizes: npt.NDArray[np.int64], count: int) -> float:
    """sizes: int64, of the buckets. A few huge buckets hardly count: their queries go to brute force anyway."""
    expected = 1 + count / len(sizes)
    met = sizes @ np.minimum(sizes, int(16 * expected)) / max(count, 1)
    return max(1.0, float(met) / expected)


def _occupied(keys: npt.NDArray[np.int64], buckets: int) -> npt.NDArray[np.uint8]:
    present = np.zeros(buckets << LOW_BITS, np.bool_)
    present[keys] = True
    return np.packbits(present, bitorder="little")

"""Approximate search: neighbours that share a key exactly, and differ little in the bits beside it.

It is meant for features, of which a picture has hundreds, so some neighbours may be missed. Each hash is filed under the
keys of a few chunks. A query looks into one bucket per chunk and takes the hashes whose neighbouring chunk differs in few
bits. Those bits lie beside the posting, so the hashes themselves are not kept: one of 20 million takes 54 bytes. The scheme
is locality-sensitive hashing by sampled bits (Indyk and Motwani, STOC 1998); the verifying bits beside the posting come
from Hamming embedding (Jégou, Douze and Schmid, ECCV 2008).

The bits of one chunk should be nearly independent; otherwise many hashes share a key.
"""

from __future__ import annotations

import math
import os

import numpy as np

from hashmatch.hamming import index_file
from hashmatch.hamming.chunks import LOW_BITS, ChunkLayout
from hashmatch.hamming.postings import Postings, build_postings
from hashmatch.hamming.probe import DamagedIndexError, ProbeCandidates, compare_beside, keys_of
from hashmatch.hamming.words import MOST_ROWS, Bits, Rows, checked, to_words

# All measured by benchmarks/local_features.py.
#: Number of chunks (each is a chance to be found), their distance in bits, and the shortest and longest key in bits.
CHUNKS, STRIDE, SHORTEST, LONGEST = 6, 28, 20, 28
#: Bits that may differ beside the key: the neighbouring chunk and the key's own LOW_BITS.
SLACK = 4
#: Buckets with more postings than this are skipped: what looks like everything tells nothing.
CROWDED = 300
#: Queries looked up together.
QUERIES = 1024


class ApproximateIndex:
    """N hashes of equal width. Near hashes are usually returned, far ones hardly ever."""

    def __init__(self, width: int, postings: Postings, tag: str = "") -> None:
        """Use from_hashes or open. width: bits of a hash."""
        self.width = width
        self._postings = postings
        self.tag = tag

    @classmethod
    def from_hashes(cls, hashes: Bits) -> ApproximateIndex:
        """hashes: uint8 (N, bytes), the width a multiple of 8 bytes and at least 168 bits. It may be a memory-mapped
        array; building takes a further 150 bytes for each hash at its peak. Raises ValueError on any other shape or type."""
        array = checked(hashes)
        if array.shape[1] * 8 < CHUNKS * STRIDE:
            raise ValueError(f"hashes of fewer than {CHUNKS * STRIDE} bits cannot be searched approximately")
        if len(array) > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} hashes")
        used = array[:, : -(-CHUNKS * STRIDE // 64) * 8]
        return cls(array.shape[1] * 8, build_postings(to_words(used), choose_layout(len(array))))

    @classmethod
    def open(cls, folder: str | bytes | os.PathLike[str], check: bool = True) -> ApproximateIndex:
        """Map what save() wrote into memory. check: first compare the whole file with its checksums; without this,
        damage may go unnoticed and hits may be missed, but nothing crashes.

        Raises DamagedIndexError if the file is missing, of another kind, version or machine, incomplete or damaged, and
        OSError if it cannot be read.
        """
        stored = index_file.read(folder, check)
        if stored.words is not None or stored.postings is None or not _is_known(stored.postings.layout):
            raise DamagedIndexError("this is not an index for approximate search")
        return cls(stored.width, stored.postings, stored.tag)

    def save(self, folder: str | bytes | os.PathLike[str], tag: str = "") -> None:
        """Write one file into the folder, replacing it in one step. tag: a short text that identifies it. Raises OSError."""
        index_file.write(folder, index_file.StoredIndex(self.width, None, self._postings, 0, tag))

    def __len__(self) -> int:
        return self._postings.count

    @property
    def nbytes(self) -> int:
        """Bytes in memory, or the file's size if the index was opened."""
        return self._postings.nbytes

    def near(self, queries: Bits) -> tuple[Rows, Rows]:
        """Pairs of a query and a row that look alike, each once, sorted by query, then row: two int64 arrays.

        queries: uint8 (M, bytes). Raises ValueError on any other shape or width, DamagedIndexError if an opened index
        contradicts itself.
        """
        array = checked(queries)
        if array.shape[1] * 8 != self.width:
            raise ValueError("queries and references have hashes of different widths")
        blocks = [self._near(array[start : start + QUERIES]) + (start << 32) for start in range(0, len(array), QUERIES)]
        pairs = np.concatenate(blocks) if blocks else np.empty(0, np.int64)
        return pairs >> 32, pairs & (0xFFFFFFFF)

    def _near(self, queries: Bits) -> Rows:
        """The pairs as query << 32 | row."""
        postings = self._postings
        keys = keys_of(postings.layout, to_words(queries))
        chunk = np.arange(CHUNKS)[:, None]
        first = np.cumsum((0, *postings.layout.buckets))[:CHUNKS, None]
        place = keys.bucket + first + chunk
        begin = postings.starts.take(place).astype(np.int64)
        sizes = postings.starts.take(place + 1) - begin
        if sizes.size and (sizes.min() < 0 or int((begin + sizes).max()) > postings.count):
            raise DamagedIndexError("the buckets of the index contradict each other")
        chunks, numbers = np.nonzero((sizes > 0) & (sizes <= CROWDED))
        found = ProbeCandidates([], [], np.empty(0))
        if len(chunks):
            start = begin[chunks, numbers] + chunks * postings.count
            slack = np.full(len(chunks), SLACK, np.uint8)
            compare_beside(postings, numbers, start, sizes[chunks, numbers], keys.beside[chunks, numbers], slack, found)
        if not found.rows:
            return np.empty(0, np.int64)
        return np.unique(np.concatenate(found.numbers) << 32 | np.concatenate(found.rows))


def choose_layout(count: int) -> ChunkLayout:
    """Keys long enough that a bucket holds about five of `count` random hashes."""
    length = min(max(round(math.log2(max(count, 1))) + LOW_BITS - 2, SHORTEST), LONGEST)
    return ChunkLayout(tuple(STRIDE * chunk for chunk in range(CHUNKS)), (length,) * CHUNKS)


def _is_known(layout: ChunkLayout) -> bool:
    return len(layout.lengths) == CHUNKS

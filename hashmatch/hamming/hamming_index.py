"""The way in: search hashes for neighbours, by whichever engine is faster for the call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from hashmatch.hamming import engines, index_file
from hashmatch.hamming.chunks import choose_layout
from hashmatch.hamming.engines import IndexPart, RowSelection, SearchReach
from hashmatch.hamming.pairs import Pairs, TooManyPairsError, no_pairs, unpack
from hashmatch.hamming.postings import Postings, build_postings
from hashmatch.hamming.probe import DamagedIndexError
from hashmatch.hamming.words import MOST_ROWS, Bits, Rows, Words, checked, from_words, to_words

#: A search yields after about this many pairs, so that memory stays bounded where everything matches everything.
PAIRS_PER_BLOCK = 1_000_000
Engine = Literal["auto", "brute", "multi-index"]


class HammingIndex:
    """N hashes of equal width that can be searched for neighbours. Knows bits and row numbers, nothing else.

    tag: the text that the caller saved with the index file.
    """

    def __init__(
        self, words: Words, postings: Postings | None = None, radius: int | None = None, tag: str = ""
    ) -> None:
        """Use from_hashes or open. words: uint64 (width / 64, N), word-major."""
        self._words = words
        self._postings = postings
        self._radius = _usual_radius(64 * len(words)) if radius is None else radius
        self._added = words[:, :0]
        self.tag = tag

    @classmethod
    def from_hashes(cls, hashes: Bits, radius: int | None = None) -> HammingIndex:
        """hashes: uint8 (N, bytes), the width a multiple of 8 bytes. radius: the usual one, for which the postings
        are laid out; by default an eighth of the width, less one: 31 of 256 bits.

        Raises ValueError on any other shape or type. The postings are built by the first search that they pay for, or
        by build().
        """
        return cls(to_words(hashes), radius=radius)

    @classmethod
    def open(cls, folder: str | bytes | os.PathLike[str], check: bool = True) -> HammingIndex:
        """Map what save() wrote into memory. All processes share it, and nothing is read before it is needed.

        check: first compare the whole file with its checksums, at the speed of memory. Without this, damage may go
        unnoticed and hits may be missed, but nothing crashes. Raises DamagedIndexError if the file is missing, of another
        version or machine, incomplete or damaged, and OSError if it cannot be read.
        """
        stored = index_file.read(folder, check)
        if stored.words is None:
            raise DamagedIndexError("the index file holds no hashes")
        return cls(stored.words, stored.postings, stored.radius, stored.tag)

    def save(self, folder: str | bytes | os.PathLike[str], tag: str = "") -> None:
        """Write everything, added rows and postings included, to one file in the folder, replacing it in one step.

        tag: a short text that identifies it, such as the state of a database. Raises OSError.
        """
        self.merge()
        self.build()
        index_file.write(folder, index_file.StoredIndex(self.width, self._words, self._postings, self._radius, tag))

    def __len__(self) -> int:
        return int(self._words.shape[1] + self._added.shape[1])

    @property
    def width(self) -> int:
        """Bits of a hash."""
        return 64 * len(self._words)

    @property
    def added(self) -> int:
        """How many rows were appended and have no postings yet; they are searched by brute force."""
        return int(self._added.shape[1])

    @property
    def has_postings(self) -> bool:
        return self._postings is not None

    def hashes(self, rows: slice | Rows) -> Bits:
        """The hashes of some rows, appended ones included: uint8 (n, bytes), a copy.

        rows: a slice, or int64 (n,) in any order, where rows may repeat. Raises IndexError if a row is not in the index.
        """
        if isinstance(rows, slice) and not self.added:
            return from_words(self._words[:, rows])
        numbers = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        if numbers.ndim != 1 or (len(numbers) and (numbers.min() < 0 or numbers.max() >= len(self))):
            raise IndexError("rows must be row numbers of the index")
        words = np.empty((len(self._words), len(numbers)), np.uint64)
        size = self._words.shape[1]
        late = numbers >= size
        words[:, ~late] = self._words[:, numbers[~late]]
        words[:, late] = self._added[:, numbers[late] - size]
        return from_words(words)

    @property
    def nbytes(self) -> int:
        """Memory of hashes and postings, in bytes; of an opened index it is the file's."""
        return self._words.nbytes + self._added.nbytes + (self._postings.nbytes if self._postings else 0)

    def append(self, hashes: Bits) -> None:
        """Add rows behind the last one. They are searched by brute force until merge() or save()."""
        words = to_words(hashes)
        if len(words) != len(self._words):
            raise ValueError("hashes of different widths cannot be in one index")
        if len(self) + words.shape[1] > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} hashes")
        self._added = np.concatenate((self._added, words), axis=1)

    def merge(self) -> None:
        """Make added rows like all others. The postings are dropped, to be built again when that pays."""
        if self.added:
            self._words = np.concatenate((self._words, self._added), axis=1)
            self._added, self._postings = self._words[:, :0], None

    def build(self) -> None:
        """Build the postings, unless they are there or no layout can serve the index's radius."""
        layout = choose_layout(self.width, self._radius, self._words.shape[1])
        if self._postings is None and layout is not None:
            self._postings = build_postings(self._words, layout)

    def range_search(
        self,
        queries: Bits,
        radius: int,
        *,
        exact_to: int | None = None,
        rows: RowSelection | None = None,
        engine: Engine = "auto",
    ) -> Pairs:
        """Every pair within the radius; or with `exact_to`, every pair within that, at about its cost, and of the farther
        pairs within the radius those that it comes upon.

        Of random pairs so far apart, with exact_to 31 of 256 bits, these are (brute force, which a small index or a crowded
        query is left to, finds all; so which they are may depend on what else is asked with them):

            bits             35     40     44     50     55     60
            100,000 rows  100 %  100 %   98 %   92 %   76 %   56 %
            2 million     100 %   99 %   96 %   82 %   64 %   45 %
            24 million    100 %   97 %   90 %   70 %   47 %   29 %  (reckoned from the layout)

        Of pairs of film frames they are more, as their differences lie closer together: at 51 to 60 bits 75 % of 2 million.

        queries: uint8 (M, bytes). radius: the largest distance that is still a hit, in bits. rows: the rows to search,
        as bool (N,) or as int64 in ascending order; None for all. engine: for tests and benchmarks; "multi-index" still
        leaves to brute force what it cannot serve.
        Returns three int64 arrays of equal length: query row, reference row, distance; sorted by query, then distance,
        then reference row. Raises ValueError on bad arguments, DamagedIndexError if an opened index contradicts itself.
        """
        blocks = list(self.iter_range_search(queries, radius, exact_to=exact_to, rows=rows, engine=engine))
        if not blocks:
            return no_pairs()
        q, r, d = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return q, r, d

    def iter_range_search(
        self,
        queries: Bits,
        radius: int,
        *,
        exact_to: int | None = None,
        rows: RowSelection | None = None,
        engine: Engine = "auto",
    ) -> Iterator[Pairs]:
        """The same in bounded memory: blocks of about PAIRS_PER_BLOCK pairs at most, never empty, in the same order."""
        queries = _checked(queries, self.width)
        radius = min(radius, self.width)
        reach = SearchReach(radius, radius if exact_to is None else max(0, min(exact_to, radius)))
        parts = self._parts(rows)
        if radius < 0 or not len(queries) or not parts:
            return
        if engine != "brute":
            self._build_if_it_pays(parts, len(queries), reach, engine)
            parts = self._parts(rows)
        start, step = 0, engines.QUERIES
        while start < len(queries):
            end = min(start + step, len(queries))
            try:
                most = PAIRS_PER_BLOCK if end - start > 1 else None
                words = to_words(queries[start:end])
                found = engines.search(parts, words, reach, len(queries), engine, most)
            except TooManyPairsError:
                step = max(1, (end - start) // 8)
                continue
            found.sort()
            for cut in range(0, len(found), PAIRS_PER_BLOCK):
                yield unpack(found[cut : cut + PAIRS_PER_BLOCK], start)
            del found
            start, step = end, min(2 * step, engines.QUERIES)

    def knn(self, queries: Bits, k: int) -> tuple[Rows, Rows]:
        """The k nearest hashes of each query, exactly; of equally near ones those with the lowest row.

        queries: uint8 (M, bytes). Returns two int64 arrays (M, min(k, N)): reference rows and distances, nearest first.
        """
        queries = _checked(queries, self.width)
        count = min(k, len(self))
        rows = np.empty((len(queries), max(count, 0)), np.int64)
        distances = np.empty_like(rows)
        if count <= 0:
            return rows, distances
        parts = self._parts(None)
        for start in range(0, len(queries), engines.QUERIES):
            words = to_words(queries[start : start + engines.QUERIES])
            for number, packed in enumerate(engines.nearest(parts, words, count, self._radius, len(queries))):
                _zero, rows[start + number], distances[start + number] = unpack(packed, 0)
        return rows, distances

    def _parts(self, rows: RowSelection | None) -> list[IndexPart]:
        whole = [
            IndexPart(self._words, self._postings, 0, None),
            IndexPart(self._added, None, self._words.shape[1], None),
        ]
        if rows is not None:
            whole = engines.select(whole, rows)
        return [part for part in whole if part.size]

    def _build_if_it_pays(self, parts: list[IndexPart], queries: int, reach: SearchReach, engine: Engine) -> None:
        if self._postings is None and (
            engine == "multi-index" or engines.building_pays(parts[0], self._radius, queries, reach)
        ):
            self.build()


def _usual_radius(width: int) -> int:
    return width // 8 - 1


def _checked(queries: npt.ArrayLike, width: int) -> Bits:
    array = checked(queries)
    if array.shape[1] * 8 != width:
        raise ValueError("queries and references have hashes of different widths")
    return array

"""Which content a file may have, by its size alone. Workers have no database; so they need not decode known content."""

from __future__ import annotations

import functools
import itertools
import sqlite3

import numpy as np
import numpy.typing as npt

from hashmatch.records import Fingerprint
from hashmatch.store import lookup

#: At most this many digests travel with a file. If more references have its size (uncompressed pictures), it is decoded.
MOST = 64


class Sizes:
    """The sizes and digests of all references, in 16 bytes each; read when they are first asked for."""

    def __init__(self, connection: sqlite3.Connection, grows: bool = False) -> None:
        """grows: whether the examined files are added to the references."""
        self._connection, self._grows = connection, grows
        self._later: dict[int, set[str]] = {}

    @functools.cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Sizes, ascending, and the ids of the references that have them: two int64 (n,)."""
        numbers = itertools.chain.from_iterable(lookup.sizes(self._connection))
        pairs = np.fromiter(numbers, np.int64).reshape(-1, 2)
        order = np.argsort(pairs[:, 0], kind="stable")
        return pairs[order, 0].copy(), pairs[order, 1].copy()

    def digests(self, size: int) -> tuple[str, ...]:
        """SHA-256 of the references of this size, in bytes; none if they are too many to send."""
        sizes, references = self._sorted
        start, end = np.searchsorted(sizes, [size, size + 1])
        later = self._later.get(size, set())
        if end - start + len(later) > MOST:
            return ()
        found = (lookup.sha256_of(self._connection, number) for number in references[start:end].tolist())
        return tuple(sorted(later | {digest for digest in found if digest is not None}))

    def add(self, result: Fingerprint) -> None:
        """Remember content that was examined just now. Whether it was added is asked when it comes again."""
        if self._grows and result.digests is not None:
            self._later.setdefault(result.size, set()).add(result.digests.sha256)

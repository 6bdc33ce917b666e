"""Find what cannot be relied on in a reference set: what `hashmatch lint` does.

Some hashes say nothing, and some are too common. A title card, a black frame or a form is in hundreds of references that
have nothing else in common, and whatever shows it hits them all. Such hashes are demoted: they are still found, but never
make a match `near`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming import HammingIndex
from hashmatch.hashers import blocks
from hashmatch.matching import layouts
from hashmatch.matching.table import HashRows, comparable, is_good
from hashmatch.matching.tiers import TOO_COMMON, thresholds
from hashmatch.records import UNKNOWN_QUALITY
from hashmatch.search.cache import rows_of_packed
from hashmatch.store import Store, hash_rows
from hashmatch.views import ViewName

ALGORITHM = "pdq"
#: How many references of a common hash are looked at, to tell copies of one picture from unrelated ones.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class CommonHash:
    """A hash and how many unrelated references have one like it. example: a reference that has it."""

    bits: bytes
    found: int
    example: int


@dataclass(frozen=True, slots=True)
class LintReport:
    """What `lint` found.

    hashes: how many PDQ hashes live and retracted references have. low_quality: how many have little detail; they are never
    `near`. featureless: how many have none; they are not compared at all. implausible: how many have no quality, and too
    many or too few one-bits for any picture with detail; they are not compared either. examples: some references of the
    last two kinds. common: hashes that too many unrelated references have, the most common first.
    """

    hashes: int
    low_quality: int
    featureless: int
    implausible: int
    examples: tuple[int, ...]
    common: tuple[CommonHash, ...]

    @property
    def findings(self) -> int:
        return self.featureless + self.implausible + len(self.common)


def lint(store: Store, too_common: int = TOO_COMMON, most_examples: int = 10) -> LintReport:
    """Check every PDQ hash. too_common: how many references make a hash too common."""
    rows = rows_of_packed(hash_rows.packed_hashes(store.connection, ALGORITHM), ALGORITHM)
    unknown, silent = rows.quality == UNKNOWN_QUALITY, ~comparable(rows, ALGORITHM)
    good = is_good(rows, ALGORITHM)
    examples = list(dict.fromkeys(rows.owner[silent].tolist()))[:most_examples]
    return LintReport(
        len(rows),
        int((~good & ~silent).sum()),
        int((silent & ~unknown).sum()),
        int((silent & unknown).sum()),
        tuple(examples),
        tuple(sorted(_common(store, rows.select(good), too_common), key=lambda each: (-each.found, each.bits))),
    )


def _common(store: Store, rows: HashRows, too_common: int) -> Iterator[CommonHash]:
    if len(rows) < too_common:
        return
    index = HammingIndex.from_hashes(rows.bits)
    # Of equal hashes one is searched for.
    words = rows.bits.view(np.uint64)
    order = np.lexsort(words.T)
    first = order[np.append(True, (np.diff(words[order], axis=0) != 0).any(axis=1))]
    parts = index.iter_range_search(rows.bits[first], thresholds("thorough")[ALGORITHM].near)
    for number, hits in _by_query(parts):
        owners, where = np.unique(rows.owner[hits], return_index=True)
        row = int(first[number])
        if len(owners) < too_common:
            continue
        found = _unrelated(store, rows, row, hits[where])
        if found >= too_common:
            yield CommonHash(rows.bits[row].tobytes(), found, int(rows.owner[row]))


def _by_query(
    parts: Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]],
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Each query's hits, which may come in more than one part."""
    pending: tuple[int, list[npt.NDArray[np.int64]]] | None = None
    for query, reference, _distance in parts:
        bounds = np.flatnonzero(np.diff(query)) + 1
        for numbers, hits in zip(np.split(query, bounds), np.split(reference, bounds), strict=True):
            number = int(numbers[0])
            if pending is not None and pending[0] != number:
                yield pending[0], np.concatenate(pending[1])
                pending = None
            pending = (number, [*(pending[1] if pending else ()), hits])
    if pending is not None:
        yield pending[0], np.concatenate(pending[1])


def _unrelated(store: Store, rows: HashRows, row: int, hits: npt.NDArray[np.int64]) -> int:
    """How many of the references with a hash like this row's do not show the same picture, as far as can be told. If there
    are many, a sample gives the share."""
    own = _levels(store, rows, row)
    if own is None:
        return len(hits)
    sample = hits[:: max(1, len(hits) // SAMPLE)]
    opinions = Counter(
        "unclear"
        if (other := _levels(store, rows, int(each))) is None
        else layouts.opinion(own, other, is_far=False).says
        for each in sample
    )
    return round(len(hits) * (1 - opinions["same"] / len(sample)))


def _levels(store: Store, rows: HashRows, row: int) -> blocks.Levels | None:
    found = hash_rows.guards(store.connection, int(rows.owner[row]), str(ViewName.unpack(int(rows.view[row]))))
    return None if found is None else blocks.unpack(found.blocks)

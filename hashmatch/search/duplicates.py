"""References that show the same as older ones in the set: `import` reports them among a list's new entries."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hashmatch.matching.table import HashRows, HashTable, is_good, is_trimmed, join_rows
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.search.cache import load
from hashmatch.store import Store, hash_rows, lookup
from hashmatch.system import mapped

ALGORITHM = "pdq"

#: Among more new stills than MANY, those more than SURE bits apart are not all found: 99 % of those 28 bits apart, 96 % of
#: those 31 apart, if the differing bits lie anywhere. Finding all would take as long as the rest of an import.
MANY, SURE = 100_000, 20
#: Search for this many at once, which limits the memory.
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A reference, and the older, live one that it is nearest to. distance: in bits, at most that of `near`."""

    reference_id: int
    older_id: int
    distance: int


def near_duplicates(store: Store, after: int) -> Iterator[NearDuplicate]:
    """References that show the same as an older one, each once: a still the same as a still, a film as a film.

    after: look at references with PDQ rows after this one (see store/generation.py).
    """
    connection = store.connection
    threshold = thresholds()[ALGORITHM]
    threshold = replace(threshold, film=threshold.near, low_quality=-1)

    owners = np.fromiter(hash_rows.owners(connection, ALGORITHM, after), np.int64)
    owners = owners[~np.isin(owners, lookup.retracted(connection))]
    if not len(owners):
        return
    tables = load(store, ALGORITHM, threshold)  # these include the new ones
    new = join_rows([_of_owners(table, owners) for table in tables])
    still = np.isnan(new.time)
    found = list(_stills(new if still.all() else new.select(still), tables))
    older = set(lookup.live(connection, sorted({each.older_id for each in found})))
    nearest: dict[int, NearDuplicate] = {}
    for each in found:
        best = nearest.get(each.reference_id)
        if (best is None or each.distance < best.distance) and each.older_id in older:
            nearest[each.reference_id] = each
    yield from nearest.values()
    for owner in dict.fromkeys(new.owner[~still].tolist()):
        hashes = hash_rows.hashes(connection, owner)
        films = [
            f
            for table in tables
            for f in find(hashes, "video", table, lambda owner, view: None)
            if f.tier == "near" and f.reference_id < owner
        ]
        for film in sorted(films, key=lambda film: film.distance):
            if lookup.live(connection, [film.reference_id]):
                yield NearDuplicate(owner, film.reference_id, film.distance)
                break


def _of_owners(table: HashTable, owners: npt.NDArray[np.int64]) -> HashRows:
    """The hashes of some references that are good enough as evidence. owners: int64 (n,), may repeat."""
    # Many posters may share one view without borders.
    rows = np.flatnonzero(
        np.isin(table.rows.owner, owners) & is_good(table.rows, ALGORITHM) & ~is_trimmed(table.rows.view)
    )
    return replace(table.rows.select(rows), bits=table.bits_of(rows))


def _stills(new: HashRows, tables: list[HashTable]) -> Iterator[NearDuplicate]:
    """The older stills that new ones are near. Of equal hashes only the oldest is searched for, and the others are near to
    that one: a list may repeat one hash a million times."""
    if not len(new):
        return
    words = new.bits.view(np.uint64)
    order = np.lexsort((new.owner, *words.T))
    first = np.zeros(len(order), np.bool_)
    first[0] = True
    for word in words.T:  # one after the other, for the memory
        first[1:] |= np.diff(word[order]) != 0
    oldest = new.owner[order][np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    for owner, older in zip(new.owner[order][~first].tolist(), oldest[~first].tolist(), strict=True):
        yield NearDuplicate(owner, older, 0)
    distinct = order[first]
    many = len(distinct) > MANY
    for table in tables:
        if many:
            table.index.build()
        search = functools.partial(_older, new, distinct, table, SURE if many else None)
        starts = range(0, len(distinct), AT_ONCE)
        for found in mapped(search, starts) if many else map(search, starts):
            yield from itertools.starmap(NearDuplicate, found)


def _older(
    new: HashRows, distinct: npt.NDArray[np.int64], table: HashTable, sure: int | None, start: int
) -> list[tuple[int, int, int]]:
    """For AT_ONCE stills from `start` on, the older ones that are near, as the fields of NearDuplicate."""
    queries = new.select(distinct[start : start + AT_ONCE])
    near = thresholds()[ALGORITHM].near
    found: list[tuple[int, int, int]] = []
    for query, reference, distance in table.index.iter_range_search(queries.bits, near, exact_to=sure):
        # Each still finds itself, and most find nothing else.
        older = np.flatnonzero(table.rows.owner[reference] < queries.owner[query])
        hits = table.within(queries, near, query[older], reference[older], distance[older])
        hits = hits.select(np.isnan(table.rows.time[hits.reference]) & ~is_trimmed(table.rows.view[hits.reference]))
        columns = queries.owner[hits.query], table.rows.owner[hits.reference], hits.distance
        found += zip(*(column.tolist() for column in columns), strict=True)
    return found

"""References that show the same as older ones of the set: what `import` tells of a list's new entries."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hashmatch.matching.table import HashRows, HashTable, is_good, is_trimmed
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.store import Store, hash_rows, lookup
from hashmatch.tables import load, rows_of_packed

ALGORITHM = "pdq"

#: Of more new stills than this, not all that are farther apart than so many bits are found: 99 % of those 28 bits apart and
#: 96 % of those 31 apart, if the bits that differ lie anywhere. All of them would take as long as all the rest of an import.
MANY, SURE = 100_000, 20


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A reference and the older, live one that it is nearest to. distance: in bits, at most that of `near`."""

    reference_id: int
    older_id: int
    distance: int


def near_duplicates(store: Store, after: int) -> Iterator[NearDuplicate]:
    """Of the references that have PDQ rows later than `after` (see store/generation.py), those that show the same as an
    older one: a still as a still, a film as a film, each once.
    """
    connection = store.connection
    threshold = thresholds()[ALGORITHM]
    threshold = replace(threshold, film=threshold.near, low_quality=-1)

    new = rows_of_packed(hash_rows.packed_hashes(connection, ALGORITHM, after=after), ALGORITHM)
    # A view without borders may be what many posters share.
    new = new.select(is_good(new) & ~is_trimmed(new.view))
    new = new.select(np.isin(new.owner, lookup.live(connection, np.unique(new.owner).tolist())))
    if not len(new):
        return
    tables = load(store, ALGORITHM, threshold)
    still = np.isnan(new.time)
    found = list(_stills(new.select(still), tables))
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


def _stills(new: HashRows, tables: list[HashTable]) -> Iterator[NearDuplicate]:
    """Every older still that is near. Of equal hashes only the oldest is searched for, and is what the others are near
    to: a list may repeat one hash a million times."""
    if not len(new):
        return
    words = new.bits.view(np.uint64)
    order = np.lexsort((new.owner, *words.T))
    first = np.append(True, (np.diff(words[order], axis=0) != 0).any(axis=1))
    oldest = new.owner[order][np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    for owner, older in zip(new.owner[order][~first].tolist(), oldest[~first].tolist(), strict=True):
        yield NearDuplicate(owner, older, 0)
    distinct = order[first]
    near, many = thresholds()[ALGORITHM].near, len(distinct) > MANY
    for table in tables:
        if many:
            table = copy.copy(table)
            table.threshold = replace(table.threshold, near=SURE)
        for start in range(0, len(distinct), MANY):  # each finds itself at least: a million hits at once are too many
            queries = new.select(distinct[start : start + MANY])
            hits = table.search(queries, near, seeds=many)
            owner, older = queries.owner[hits.query], table.rows.owner[hits.reference]
            still = np.isnan(table.rows.time[hits.reference]) & ~is_trimmed(table.rows.view[hits.reference])
            for row in np.flatnonzero((older < owner) & still).tolist():
                yield NearDuplicate(int(owner[row]), int(older[row]), int(hits.distance[row]))

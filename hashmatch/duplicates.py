"""References that show the same as older ones of the set: what `import` tells of a list's new entries."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hashmatch.matching.table import HashRows, HashTable, is_good, is_trimmed
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.store import Store, lookup
from hashmatch.tables import load, rows_of_packed

ALGORITHM = "pdq"


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

    @functools.lru_cache(maxsize=10_000)
    def live(reference_id: int) -> bool:
        query = "SELECT 1 FROM live_reference WHERE id = ?"
        return connection.execute(query, (reference_id,)).fetchone() is not None

    new = rows_of_packed(lookup.packed_hashes(connection, ALGORITHM, after=after), ALGORITHM)
    # A view without borders may be what many posters share.
    whole = is_good(new) & ~is_trimmed(new.view)
    new = new.select(whole & np.array([live(owner) for owner in new.owner.tolist()], np.bool_))
    if not len(new):
        return
    tables = load(store, ALGORITHM, threshold)
    still = np.isnan(new.time)
    nearest: dict[int, NearDuplicate] = {}
    for found in _stills(new.select(still), tables):
        best = nearest.get(found.reference_id)
        if (best is None or found.distance < best.distance) and live(found.older_id):
            nearest[found.reference_id] = found
    yield from nearest.values()
    for owner in dict.fromkeys(new.owner[~still].tolist()):
        hashes = lookup.hashes(connection, owner)
        films = [
            f
            for table in tables
            for f in find(hashes, "video", table, lambda owner, view: None)
            if f.tier == "near" and f.reference_id < owner
        ]
        for film in sorted(films, key=lambda film: film.distance):
            if live(film.reference_id):
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
    queries = new.select(order[first])
    for table in tables:
        hits = table.search(queries, table.threshold.near)
        owner, older = queries.owner[hits.query], table.rows.owner[hits.reference]
        still = np.isnan(table.rows.time[hits.reference]) & ~is_trimmed(table.rows.view[hits.reference])
        for row in np.flatnonzero((older < owner) & still).tolist():
            yield NearDuplicate(int(owner[row]), int(older[row]), int(hits.distance[row]))

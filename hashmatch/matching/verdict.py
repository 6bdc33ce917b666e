"""From a file's hashes to its matches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from hashmatch.matching import films, stills
from hashmatch.matching.finding import Finding, Search
from hashmatch.matching.layouts import GuardsOf
from hashmatch.matching.queries import Queries, limits_of, queries_of
from hashmatch.matching.results import Match, MatchedReference
from hashmatch.matching.table import HashTable, Hits, join_rows
from hashmatch.records import Hash, Kind


def find(hashes: Sequence[Hash], kind: Kind, table: HashTable, guards_of: GuardsOf) -> Iterator[Finding]:
    """One finding for each reference that has a hash close to one of the file's. kind: of the file."""
    queries = queries_of(hashes, table.algorithm, kind)
    if len(queries.rows) and len(table):
        hits = table.search(queries.rows, limits_of(queries, kind, table.threshold), seeds=kind == "video")
        yield from _judged(hits, queries, kind, table, guards_of)


def find_each(
    files: Sequence[tuple[Sequence[Hash], Kind]], table: HashTable, guards_of: GuardsOf
) -> list[list[Finding]]:
    """The findings of `find` for each of several files.

    Still pictures have few hashes and are searched for together, which takes half the time.
    """
    found = [list(find(hashes, kind, table, guards_of)) if kind == "video" else [] for hashes, kind in files]
    stills = [(number, queries_of(hashes, table.algorithm, kind)) for number, (hashes, kind) in enumerate(files)]
    stills = [(number, queries) for number, queries in stills if files[number][1] == "image" and len(queries.rows)]
    if not stills or not len(table):
        return found
    limits = np.concatenate([limits_of(queries, "image", table.threshold) for _number, queries in stills])
    hits = table.search(join_rows(queries.rows for _number, queries in stills), limits)
    ends = np.cumsum([len(queries.rows) for _number, queries in stills])
    whose = np.searchsorted(ends, hits.query, side="right")
    order = np.argsort(whose, kind="stable")
    cuts = np.searchsorted(whose[order], np.arange(len(stills) + 1))
    for at, (number, queries) in enumerate(stills):
        own = hits.select(order[cuts[at] : cuts[at + 1]])
        own = replace(own, query=own.query - (ends[at] - len(queries.rows)))
        found[number] = list(_judged(own, queries, "image", table, guards_of))
    return found


def _judged(hits: Hits, queries: Queries, kind: Kind, table: HashTable, guards_of: GuardsOf) -> Iterator[Finding]:
    """One finding for each reference that was hit. hits: sorted by owner."""
    owners = table.rows.owner[hits.reference]
    search = Search(queries, kind, table, guards_of)
    # Hits are sorted by owner, so those of one reference are adjacent. (np.unique would import numpy.ma, 15 ms.)
    starts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    of_films: list[tuple[int, Hits]] = []
    for start, end in itertools.pairwise(starts):
        if end > start:
            owner, own = int(owners[start]), hits.select(np.arange(start, end))
            # A reference may have still pictures and films, such as a Motion Photo.
            is_still = (
                np.isnan(table.rows.time[own.reference]) if kind == "image" else np.zeros(len(own.query), np.bool_)
            )
            if is_still.any():
                yield stills.judge(owner, own.select(is_still), search)
            if not is_still.all():
                of_films.append((owner, own.select(~is_still)))
    yield from films.judge(of_films, search)


def match_of(found: Finding, reference: MatchedReference) -> Match:
    """The match of a finding and its reference."""
    values = {field.name: getattr(found, field.name) for field in fields(found) if field.name != "reference_id"}
    return Match(reference, **values)


def exact(reference: MatchedReference, algorithm: str) -> Match:
    """The match of equal bytes. algorithm: the digest by which they were found."""
    return Match(reference, "exact", 0, algorithm, "none", None, None, "same-bytes")

"""Files against the reference set: what `hashmatch scan` does. Nothing is written."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace

from hashmatch import hashers
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.many_files import FileState, fingerprints
from hashmatch.fingerprints.settings import Settings
from hashmatch.isolation import Isolation
from hashmatch.matching.results import ExaminedFilm, Result, Tier
from hashmatch.matching.status import is_skipped, unmatched, with_matches
from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits, recipes_as_good
from hashmatch.media.files import FoundPath
from hashmatch.records import Digests, Failure, Fingerprint, Glance, Hash
from hashmatch.search.searcher import Searcher
from hashmatch.store import Store, hash_rows, lookup


def scan(
    store: Store,
    found: Iterable[FoundPath | None],
    isolation: Isolation,
    *,
    collections: Sequence[str] = (),
    profile: Profile = "fast",
    radius: int | None = None,
    min_tier: Tier = "possible",
    limits: Limits = Limits(),
    source: int | None = None,
    moved: Callable[[bytes, float], object] = lambda path, share: None,
    searcher: Searcher | None = None,
    examine: Callable[..., Generator[tuple[FileState, Fingerprint | None]]] = fingerprints,
) -> Generator[Result]:
    """Match files against the reference set, one result each, as soon as it is known.

    min_tier: weaker matches are left out, and count for nothing.
    found, source: as for `fingerprints`. Content that the set has is not decoded; its stored hashes are used.
    moved: told how much of a long film is done, 0 to 1. searcher, examine: a cluster's, instead of this machine's.
    """
    connection = store.connection
    searcher = searcher or Searcher(store, collections=collections, profile=profile, radius=radius)
    settings = Settings(
        searcher.algorithms, limits=limits, side="query", features=searcher.wants_features, profile=profile
    )
    versions = {name: hashers.by_name(name).version for name in settings.hashers}

    def known(state: FileState, digests: Digests) -> bool:
        reference_id = lookup.id_of_sha256(connection, digests.sha256)
        # What is retracted or not searched for is no exact match, so all that can be known of its content is needed.
        if reference_id is None or not searcher.finds(reference_id):
            return False
        reference = lookup.reference(connection, reference_id)
        if reference.error_code is not None and not reference.partial:
            return True
        if reference.kind is None:
            return False
        recipes = recipes_as_good(reference.kind, settings.exact)
        return hash_rows.is_current(hash_rows.recipes(connection, reference_id), recipes, versions)

    def look(state: FileState, glance: Glance) -> Parts:
        return searcher.parts_to_look_at(glance)

    decoded = examine(
        found,
        settings,
        isolation,
        known=known,
        look=look,
        moved=lambda state, share: moved(state.path, share),
        source=source,
        meanwhile=searcher.prepare,
    )
    with contextlib.closing(decoded):
        for state, result in decoded:
            assert result is not None
            yield judge(connection, searcher, state.path, result, min_tier)


def judge(
    connection: sqlite3.Connection,
    searcher: Searcher,
    path: bytes,
    fingerprint: Fingerprint,
    min_tier: Tier = "possible",
) -> Result:
    """The verdict on a file that was fingerprinted. min_tier: as for `scan`."""
    digests = fingerprint.digests
    if digests is None or is_skipped(fingerprint):
        return unmatched(path, fingerprint)
    if fingerprint.known:
        fingerprint = _as_stored(connection, fingerprint, digests)
    hashes, kind, size = fingerprint.hashes, fingerprint.kind, fingerprint.size
    measured = Result(
        path,
        "clean",
        fingerprint.partial,
        kind=kind,
        size=size,
        sha256=digests.sha256,
        md5=digests.md5,
        error=fingerprint.error,
        examined=_examined(hashes, fingerprint.duration) if kind == "video" and hashes else None,
    )
    return with_matches(measured, searcher.matches(hashes, kind, digests, fingerprint.features), min_tier)


def _as_stored(connection: sqlite3.Connection, fingerprint: Fingerprint, digests: Digests) -> Fingerprint:
    """The fingerprint of known content, which was not decoded: completed by what the reference set has of it."""
    reference_id = lookup.id_of_sha256(connection, digests.sha256)
    assert reference_id is not None
    stored = lookup.reference(connection, reference_id)
    return replace(
        fingerprint,
        hashes=tuple(hash_rows.hashes(connection, reference_id)),
        kind=stored.kind,
        partial=stored.partial,
        duration=stored.duration,
        error=Failure(stored.error_code, stored.error_message or "") if stored.error_code else None,
    )


def _examined(hashes: Sequence[Hash], duration: float | None) -> ExaminedFilm:
    times = sorted({each.time for each in hashes if each.view == "full" and each.time is not None})
    ends = [0.0, *times, max(duration or 0.0, times[-1] if times else 0.0)]
    return ExaminedFilm(
        len(times), round(max(after - before for before, after in itertools.pairwise(ends)), 2), duration
    )

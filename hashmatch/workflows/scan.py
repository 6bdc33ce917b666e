"""Files against the reference set: what `hashmatch scan` does. Nothing is written."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence

from hashmatch import hashers
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.many_files import FileState, fingerprints, is_skipped
from hashmatch.fingerprints.settings import Settings
from hashmatch.isolation import Isolation
from hashmatch.matching.results import (
    ExaminedFilm,
    Result,
)
from hashmatch.matching.tiers import Profile
from hashmatch.matching.verdict import decide
from hashmatch.media import Limits, recipes_as_good
from hashmatch.media.files import FoundPath
from hashmatch.media.limits import LIMIT_CODES
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
    limits: Limits = Limits(),
    source: int | None = None,
    moved: Callable[[bytes, float], object] = lambda path, share: None,
    searcher: Searcher | None = None,
    examine: Callable[..., Generator[tuple[FileState, Fingerprint | None]]] = fingerprints,
) -> Generator[Result]:
    """Match files against the reference set, one result each, as soon as it is known.

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
            yield judge(connection, searcher, state.path, result)


def judge(connection: sqlite3.Connection, searcher: Searcher, path: bytes, result: Fingerprint) -> Result:
    """The verdict on a file that was fingerprinted."""
    if is_skipped(result):
        return Result(path, "skipped", size=result.size, error=result.error)
    if result.digests is None:
        return Result(path, "failed", kind=result.kind, size=result.size or None, error=result.error)
    hashes, kind, partial, error = result.hashes, result.kind, result.partial, result.error
    duration = result.duration
    if result.known:
        reference_id = lookup.id_of_sha256(connection, result.digests.sha256)
        assert reference_id is not None
        stored = lookup.reference(connection, reference_id)
        hashes, kind, partial = hash_rows.hashes(connection, reference_id), stored.kind, stored.partial
        duration = stored.duration
        error = Failure(stored.error_code, stored.error_message or "") if stored.error_code else None
    status, matches = decide(searcher.matches(hashes, kind, result.digests, result.features))
    if status == "clean" and error is not None and (not partial or error.code in LIMIT_CODES):
        status = "failed"
    tier = matches[0].tier if status in ("match", "allowed") else None
    digests = result.digests
    examined = _examined(hashes, duration) if kind == "video" and hashes else None
    return Result(path, status, partial, tier, kind, result.size, digests.sha256, digests.md5, matches, error, examined)


def _examined(hashes: Sequence[Hash], duration: float | None) -> ExaminedFilm:
    times = sorted({each.time for each in hashes if each.view == "full" and each.time is not None})
    ends = [0.0, *times, max(duration or 0.0, times[-1] if times else 0.0)]
    return ExaminedFilm(
        len(times), round(max(after - before for before, after in itertools.pairwise(ends)), 2), duration
    )

"""Files into the reference set: what `hashmatch index` does."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hashmatch import hashers
from hashmatch.fingerprints.many_files import FileState, fingerprints
from hashmatch.fingerprints.settings import Settings
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.matching.status import is_skipped
from hashmatch.media import recipes_as_good
from hashmatch.media.files import FoundPath
from hashmatch.media.urls import absolute
from hashmatch.records import Digests, Failure, Fingerprint
from hashmatch.store import Store, hash_rows, lookup
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import JoinOutcome, Membership, join
from hashmatch.store.references import add_file, set_location

#: A file that was examined. Of one that is as it was when it was indexed last, there is no fingerprint.
Examined = tuple[FileState, Fingerprint | None]

IndexStatus = Literal["indexed", "unchanged", "duplicate", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What became of one file. error: of a failed one, or what is missing of a partial one. size: bytes.

    warnings: what a person should know of an indexed file; each one line.
    """

    path: bytes
    status: IndexStatus
    size: int
    reference_id: int | None = None
    error: Failure | None = None
    warnings: tuple[str, ...] = ()


def _one_by_one(*arguments: Any, **options: Any) -> Generator[Sequence[Examined]]:
    for each in fingerprints(*arguments, **options):
        yield (each,)


def index(
    store: Store,
    actor: Actor,
    found: Iterable[FoundPath | None],
    membership: Membership,
    settings: Settings,
    isolation: Isolation,
    retry_failed: bool = False,
    moved: Callable[[bytes, float], object] = lambda path, share: None,
    examine: Callable[..., Generator[Sequence[Examined]]] = _one_by_one,
) -> Generator[Indexed]:
    """Add files to the reference set; each is committed, with its audit entry, before it is told of: as soon as it is
    examined, or together with the others of a cluster's batch.

    What was indexed before and has kept its size and time is not read again, and what has known content is not
    decoded again, unless its hashes were made by another recipe than today's. Files that failed before are not tried
    again unless `retry_failed`. The audit trail tells, before the first file that a run adds, how workers were locked.
    moved: told how much of a long film is done, 0 to 1. examine: as `fingerprints`, but in batches; a cluster has its own.
    """
    connection = store.connection
    versions = {name: hashers.by_name(name).version for name in settings.hashers}
    matches_allowed = _allow_list_check(store)

    def settled(reference_id: int | None) -> bool:
        if reference_id is None:
            return False
        reference = lookup.reference(connection, reference_id)
        if reference.error_code is not None and not reference.partial:
            return not retry_failed
        if reference.kind is None:
            return False
        recipes = recipes_as_good(reference.kind, settings.exact, settings.features)
        return hash_rows.is_current(hash_rows.recipes(connection, reference_id), recipes, versions)

    def unchanged(state: FileState) -> bool:
        return settled(lookup.id_at(connection, *_location(state)))

    def known(state: FileState, digests: Digests) -> bool:
        return settled(lookup.id_of_sha256(connection, digests.sha256))

    levels: list[tuple[str, ...]] = []  # that workers told of themselves
    noted: tuple[str, ...] | None = None
    done = examine(
        found,
        settings,
        isolation,
        unchanged=unchanged,
        known=known,
        moved=lambda state, share: moved(state.path, share),
        locked=levels.append,
    )
    with contextlib.closing(done):  # now, and not when it is found to be garbage, as the cluster may be gone by then
        for results in done:
            added: list[Indexed] = []
            with store.transaction() if any(map(_is_kept, results)) else contextlib.nullcontext():
                for state, result in results:
                    if result is None or result.known:
                        added.append(_add_known(connection, actor, state, result, membership))
                    elif is_skipped(result):
                        added.append(Indexed(state.path, "skipped", state.size, error=result.error))
                    elif result.digests is None:
                        added.append(Indexed(state.path, "failed", state.size, error=result.error))
                    else:
                        if levels and levels[-1] != noted:
                            noted = levels[-1]
                            record(connection, actor, "isolation", {"steps": list(noted)})
                        added.append(_add_new(connection, actor, state, result, membership, matches_allowed))
            yield from added


def _is_kept(examined: Examined) -> bool:
    """Whether the database will know of a file."""
    result = examined[1]
    return result is None or result.known or (result.digests is not None and not is_skipped(result))


def _add_new(
    connection: sqlite3.Connection,
    actor: Actor,
    state: FileState,
    result: Fingerprint,
    membership: Membership,
    matches_allowed: Callable[[Fingerprint], tuple[str, ...]],
) -> Indexed:
    """A file that was examined."""
    reference_id, outcome = add_file(connection, actor, result, _location(state), membership)
    warnings = _warnings(outcome)
    if outcome == "added" and not membership.allow:
        warnings += matches_allowed(result)
    status: IndexStatus = "indexed" if outcome in ("added", "joined") else "duplicate"
    if result.error is not None and not result.partial:
        status = "failed"
    return Indexed(state.path, status, state.size, reference_id, result.error, warnings)


def _add_known(
    connection: sqlite3.Connection, actor: Actor, state: FileState, result: Fingerprint | None, membership: Membership
) -> Indexed:
    """A file whose content the set has: note where it is, and that this collection has it too."""
    if result is None:
        reference_id = lookup.id_at(connection, *_location(state))
    else:
        assert result.digests is not None
        reference_id = lookup.id_of_sha256(connection, result.digests.sha256)
    assert reference_id is not None
    outcome = join(connection, actor, reference_id, membership, path=_location(state)[0])
    if result is not None:
        set_location(connection, reference_id, *_location(state))
    reference = lookup.reference(connection, reference_id)
    if reference.error_code is not None and not reference.partial:
        error = Failure(reference.error_code, _("{message} (tried before)").format(message=reference.error_message))
        return Indexed(state.path, "failed", state.size, reference_id, error)
    warnings = _warnings(outcome)
    if reference.allow and not membership.allow and outcome == "joined":
        warnings += (_("is on the allow list itself (reference {id})").format(id=reference_id),)
    return Indexed(state.path, "unchanged" if result is None else "duplicate", state.size, reference_id, None, warnings)


def _location(state: FileState) -> tuple[bytes, int, int]:
    """A file as the database remembers it: absolute path (or URL), size, mtime in nanoseconds."""
    return absolute(state.path), state.size, state.mtime_ns


def _warnings(outcome: JoinOutcome) -> tuple[str, ...]:
    if outcome == "retracted":
        return (_("was retracted and stays so; `hashmatch restore` would revive it"),)
    return ()


def _allow_list_check(store: Store) -> Callable[[Fingerprint], tuple[str, ...]]:
    """A function that warns if what is being added resembles something on the allow list."""

    @functools.cache
    def searcher() -> Callable[[Fingerprint], tuple[str, ...]]:
        from hashmatch.search.searcher import Searcher

        search = Searcher(store, allowed=True)

        def check(result: Fingerprint) -> tuple[str, ...]:
            message = _("resembles reference {id}, which is on the allow list ({tier}, distance {distance})")
            return tuple(
                message.format(id=m.reference.id, tier=m.tier, distance=m.distance)
                for m in search.matches(result.hashes, result.kind, None)
            )

        return check

    return lambda result: searcher()(result)

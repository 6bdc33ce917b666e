"""Files into the reference set: what `hashmatch index` does."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hashmatch import hashers
from hashmatch.fingerprints.examiner import ExaminedFile, Examiner, ExaminerHooks, FileState
from hashmatch.fingerprints.file_parts import apart, together
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.hashers.local_features import FEATURES, VERSION
from hashmatch.matching.status import is_comparable, is_skipped, says_anything
from hashmatch.media import recipes_as_good
from hashmatch.media.files import FoundPath
from hashmatch.media.urls import absolute
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Unexamined
from hashmatch.store import Store, hash_rows, lookup
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import JoinOutcome, Membership, join
from hashmatch.store.references import add_file, set_location

if TYPE_CHECKING:
    from hashmatch.search.searcher import LocalSearcher

IndexStatus = Literal["indexed", "unchanged", "duplicate", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What index did with one file.

    size: bytes. error: why the file failed, or what is missing of a partial one. warnings: what a person should know about
    an indexed file. unexamined: as of Fingerprint.
    """

    path: bytes
    status: IndexStatus
    size: int
    reference_id: int | None = None
    error: Failure | None = None
    warnings: tuple[Message, ...] = ()
    unexamined: Unexamined | None = None


def index(
    store: Store,
    actor: Actor,
    found: Iterable[FoundPath | None],
    membership: Membership,
    settings: ReferenceHashing,
    examiner: Examiner,
    *,
    retry_failed: bool = False,
    on_progress: Callable[[bytes, float], object] = lambda path, share: None,
) -> Generator[Indexed]:
    """Add files to the reference set; yields each after it is committed with its audit entry.

    A file that was indexed before and has kept its size and time is not read again. Known content is not decoded again,
    unless its hashes were made by another recipe than today's. All files that the examiner yields together are committed
    together. Before the first file that a run adds, the audit trail says how the workers were locked.

    retry_failed: try files again that failed before.
    on_progress: told a path, and what share of that long film is done, 0 to 1.
    """
    connection = store.connection
    resembles_allowed = _allow_list_check(store)
    lock_steps: list[tuple[str, ...]] = []  # of each worker, as they start
    recorded_steps: tuple[str, ...] | None = None
    is_settled = _settled_references(connection, settings, retry_failed)
    hooks = ExaminerHooks(
        is_unchanged=lambda state: is_settled(lookup.id_at(connection, *_location(state))),
        is_known=lambda state, digests: is_settled(lookup.id_of_sha256(connection, digests.sha256)),
        on_progress=lambda state, share: on_progress(state.path, share),
        on_locked=lock_steps.append,
    )
    # Closed here, not when it is collected as garbage: by then the cluster may be gone.
    with contextlib.closing(examiner.examine(found, settings, hooks)) as batches:
        for batch in batches:
            added: list[Indexed] = []
            with store.transaction() if any(map(_is_kept, batch)) else contextlib.nullcontext():
                for state, fingerprint in batch:
                    if fingerprint is None or fingerprint.known:
                        added.append(_add_known(connection, actor, state, fingerprint, membership))
                    elif is_skipped(fingerprint):
                        added.append(
                            Indexed(
                                state.path,
                                "skipped",
                                state.size,
                                error=fingerprint.error,
                                unexamined=fingerprint.unexamined,
                            )
                        )
                    elif fingerprint.digests is None:
                        added.append(Indexed(state.path, "failed", state.size, error=fingerprint.error))
                    else:
                        if lock_steps and lock_steps[-1] != recorded_steps:
                            recorded_steps = lock_steps[-1]
                            record(connection, actor, "isolation", {"steps": list(recorded_steps)})
                        added.append(_add_new(connection, actor, state, fingerprint, membership, resembles_allowed))
            yield from added


def _settled_references(
    connection: sqlite3.Connection, settings: ReferenceHashing, retry_failed: bool
) -> Callable[[int | None], bool]:
    """A function that says of a reference's id whether there is nothing to examine again; None stands for no reference."""
    versions = {name: hashers.by_name(name).version for name in settings.hashers}
    of_pictures = {model.algorithm: hashers.by_name(model.algorithm).version for model in settings.models}
    # References of still pictures from before there were details get them now.
    finest = {hashers.DETAILS: hashers.by_name(hashers.DETAILS).version}

    def is_settled(reference_id: int | None) -> bool:
        if reference_id is None:
            return False
        reference = lookup.reference(connection, reference_id)
        if reference.failed:
            return not retry_failed
        if reference.kind is None:
            return False
        recipes = recipes_as_good(reference.kind, settings.exact, settings.features)
        found = hash_rows.recipes(connection, reference_id)
        wanted = versions | of_pictures if reference.kind == "image" else versions
        if hashers.GUARD in found and hashers.MAIN in versions:
            wanted = wanted | finest
        # A plain picture has no features; they have no version if a list called others by their name.
        older = settings.features and FEATURES in found and (found[FEATURES][1] or VERSION) < VERSION
        return not older and hash_rows.is_current(found, recipes, wanted)

    return is_settled


def _is_kept(examined: ExaminedFile) -> bool:
    """Whether a file is, or will be, in the database."""
    fingerprint = examined.fingerprint
    return fingerprint is None or fingerprint.known or (is_comparable(fingerprint) and not is_skipped(fingerprint))


def _add_new(
    connection: sqlite3.Connection,
    actor: Actor,
    state: FileState,
    fingerprint: Fingerprint,
    membership: Membership,
    resembles_allowed: Callable[[Fingerprint], tuple[Message, ...]],
) -> Indexed:
    """Add a file whose content is new."""
    reference_id, outcome = add_file(connection, actor, together(fingerprint), _location(state), membership)
    warnings = _warnings(outcome)
    if outcome == "added" and not membership.allow:
        warnings += resembles_allowed(fingerprint)
    if fingerprint.hashes and not says_anything(fingerprint.hashes, hashers.HASHERS, fingerprint.features):
        warnings += (Message.of("matches-as-file-only"),)
    status: IndexStatus = "indexed" if outcome in ("added", "joined") else "duplicate"
    if fingerprint.error is not None and not fingerprint.partial:
        status = "failed"
    return Indexed(state.path, status, state.size, reference_id, fingerprint.error, warnings)


def _add_known(
    connection: sqlite3.Connection,
    actor: Actor,
    state: FileState,
    fingerprint: Fingerprint | None,
    membership: Membership,
) -> Indexed:
    """Note where a file of known content is, and that this collection has it, too."""
    if fingerprint is None:
        reference_id = lookup.id_at(connection, *_location(state))
    else:
        assert fingerprint.digests is not None
        reference_id = lookup.id_of_sha256(connection, fingerprint.digests.sha256)
    assert reference_id is not None
    outcome = join(connection, actor, reference_id, membership, path=_location(state)[0])
    if fingerprint is not None:
        set_location(connection, reference_id, *_location(state))
    reference = lookup.reference(connection, reference_id)
    if reference.error is not None and not reference.partial:
        error = replace(reference.error, tried_before=True)
        return Indexed(state.path, "failed", state.size, reference_id, error)
    warnings = _warnings(outcome)
    if reference.allow and not membership.allow and outcome == "joined":
        warnings += (Message.of("on-the-allow-list", id=reference_id),)
    return Indexed(
        state.path, "unchanged" if fingerprint is None else "duplicate", state.size, reference_id, None, warnings
    )


def _location(state: FileState) -> tuple[bytes, int, int]:
    """A file as the database remembers it: absolute path (or URL), size, mtime in nanoseconds."""
    return absolute(state.path), state.size, state.mtime_ns


def _warnings(outcome: JoinOutcome) -> tuple[Message, ...]:
    if outcome == "retracted":
        return (Message.of("stays-retracted"),)
    return ()


def _allow_list_check(store: Store) -> Callable[[Fingerprint], tuple[Message, ...]]:
    """A function that returns a warning for each reference on the allow list that a new file resembles."""

    @functools.cache
    def searcher() -> LocalSearcher:
        from hashmatch.search.searcher import LocalSearcher  # most runs of `index` do not need it

        return LocalSearcher(store, allowed=True)

    def check(fingerprint: Fingerprint) -> tuple[Message, ...]:
        # By its hashes alone, so that each match has a distance: the same bytes would be the same reference.
        return tuple(
            Message.of("resembles-allowed", id=m.reference.id, tier=m.tier, distance=m.distance or 0)
            for part in apart(replace(fingerprint, digests=None))
            for m in searcher().matches(replace(part, features=()))
        )

    return check

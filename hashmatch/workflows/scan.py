"""Files against the reference set: what `hashmatch scan` does. Nothing is written.

The examiner turns each file into a fingerprint, the searcher finds its matches, and matching/status.py makes a status of
them.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace

from hashmatch import hashers
from hashmatch.fingerprints.examiner import ExaminedFile, Examiner, ExaminerHooks, FileState
from hashmatch.fingerprints.file_parts import apart
from hashmatch.fingerprints.settings import QueryHashing
from hashmatch.matching.results import ExaminedFilm, Result, Tier
from hashmatch.matching.status import is_comparable, is_skipped, joined, says_anything, unmatched, with_matches
from hashmatch.media import Limits, recipes_as_good
from hashmatch.media.files import FoundPath
from hashmatch.records import Digests, Fingerprint, Hash
from hashmatch.search.searcher import Searcher
from hashmatch.store import Store, hash_rows, lookup
from hashmatch.views import FULL


def scan(
    store: Store,
    found: Iterable[FoundPath | None],
    examiner: Examiner,
    searcher: Searcher,
    *,
    min_tier: Tier = "possible",
    limits: Limits = Limits(),
    input_descriptor: int | None = None,
    on_progress: Callable[[bytes, float], object] = lambda path, share: None,
) -> Generator[Result]:
    """Match files against the reference set; yields one result each, as soon as it is known.

    Content that the reference set has is not decoded; its stored hashes are used.

    found, input_descriptor: as for Examiner.examine.
    min_tier: weaker matches are left out, and count for nothing.
    on_progress: told a path, and what share of that long film is done, 0 to 1.
    """
    settings = searcher.query_hashing(limits)
    hooks = ExaminerHooks(
        is_known=_known_content(store.connection, searcher, settings),
        parts_to_decode=lambda state, glance: searcher.parts_to_decode(glance),
        is_unexplained=lambda state, sighting: not searcher.explains(sighting),
        on_progress=lambda state, share: on_progress(state.path, share),
        prepare=searcher.prepare,
    )
    with contextlib.closing(examiner.examine(found, settings, hooks, input_descriptor)) as batches:
        for batch in batches:
            yield from judge(store.connection, searcher, batch, min_tier)


def _known_content(
    connection: sqlite3.Connection, searcher: Searcher, settings: QueryHashing
) -> Callable[[FileState, Digests], bool]:
    """A function that says whether a file need not be decoded: the reference set has its hashes, or knows that it cannot
    be decoded."""
    versions = {name: hashers.by_name(name).version for name in settings.hashers}

    def is_known(state: FileState, digests: Digests) -> bool:
        reference_id = lookup.id_of_sha256(connection, digests.sha256)
        # A reference that is retracted or not searched for is no exact match: then the file is matched by its hashes.
        if reference_id is None or not searcher.finds(reference_id):
            return False
        reference = lookup.reference(connection, reference_id)
        if reference.failed:
            return True
        if reference.kind is None:
            return False
        recipes = recipes_as_good(reference.kind, settings.exact)
        return hash_rows.is_current(hash_rows.recipes(connection, reference_id), recipes, versions)

    return is_known


def judge(
    connection: sqlite3.Connection, searcher: Searcher, batch: Sequence[ExaminedFile], min_tier: Tier = "possible"
) -> Iterator[Result]:
    """The verdicts on files that were examined, in their order. min_tier: as for `scan`."""
    files = [(state.path, _with_stored(connection, fingerprint)) for state, fingerprint in batch]
    algorithms = searcher.query_hashing(Limits()).hashers
    searched = [each for _path, fingerprint in files if is_comparable(fingerprint) for each in apart(fingerprint)]
    matches = searcher.matches_of_each(searched)
    for path, fingerprint in files:
        if not is_comparable(fingerprint):
            yield unmatched(path, fingerprint)
            continue
        verdicts = [
            with_matches(
                _measured(path, each), next(matches), min_tier, says_anything(each.hashes, algorithms, each.features)
            )
            for each in apart(fingerprint)
        ]
        yield joined(verdicts, [part.name for part in fingerprint.parts])


def _measured(path: bytes, fingerprint: Fingerprint) -> Result:
    """What a result says of the file alone."""
    digests, is_film = fingerprint.digests, fingerprint.kind == "video"
    return Result(
        path,
        "skipped" if is_skipped(fingerprint) else "clean",
        fingerprint.partial,
        kind=fingerprint.kind,
        size=fingerprint.size,
        sha256=digests.sha256 if digests else None,
        md5=digests.md5 if digests else None,
        error=fingerprint.error,
        examined=_examined(fingerprint.hashes, fingerprint.duration) if is_film and fingerprint.hashes else None,
        unexamined=fingerprint.unexamined,
    )


def _with_stored(connection: sqlite3.Connection, fingerprint: Fingerprint | None) -> Fingerprint:
    """A fingerprint; of known content, which was not decoded, completed by what the reference set has."""
    assert fingerprint is not None  # no file of a scan is unchanged
    if not fingerprint.known or fingerprint.digests is None:
        return fingerprint
    reference_id = lookup.id_of_sha256(connection, fingerprint.digests.sha256)
    assert reference_id is not None
    stored = lookup.reference(connection, reference_id)
    return replace(
        fingerprint,
        hashes=tuple(hash_rows.hashes(connection, reference_id)),
        kind=stored.kind,
        partial=stored.partial,
        duration=stored.duration,
        error=stored.error,
    )


def _examined(hashes: Sequence[Hash], duration: float | None) -> ExaminedFilm:
    times = sorted({each.time for each in hashes if each.view == FULL and each.time is not None})
    ends = [0.0, *times, max(duration or 0.0, times[-1] if times else 0.0)]
    return ExaminedFilm(
        len(times), round(max(after - before for before, after in itertools.pairwise(ends)), 2), duration
    )

"""Files against the reference set: what `hashmatch scan` does. Nothing is written."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hashmatch import hashers
from hashmatch.fingerprint import FileState, Settings, fingerprints, is_skipped
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Match, MatchedReference, MatchedSource, Result
from hashmatch.matching.table import HashRows, HashTable
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import decide, exact, find
from hashmatch.media import Limits, recipe
from hashmatch.media.files import Found
from hashmatch.records import Digests, Failure, Fingerprint, Hash, Kind
from hashmatch.store import Store, lookup

NAN = np.float32(np.nan).tobytes()


class Searcher:
    """The live references of some collections, in memory, and how a file's hashes match them."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        collections: Sequence[str] = (),
        radius: int | None = None,
        condition: str = "1",
    ) -> None:
        self._connection = connection
        self._thresholds = thresholds(radius)
        if collections:
            # The allow list protects whatever is searched for.
            numbers = ",".join(str(lookup.collection_number(connection, name)) for name in collections)
            members = f"SELECT reference_id FROM membership WHERE retracted IS NULL AND collection_id IN ({numbers})"
            condition = f"(allow OR id IN ({members}))"
        self._condition = condition
        self._reference = functools.lru_cache(maxsize=10_000)(self._load_reference)

    @functools.cached_property
    def algorithms(self) -> tuple[str, ...]:
        """What a file must be hashed with: PDQ, and what else is the only hash that some reference has."""
        needed = {"pdq"} | lookup.algorithms_without(self._connection, "pdq")
        return tuple(name for name in hashers.HASHERS if name in needed and name in self._thresholds)

    @functools.cached_property
    def _tables(self) -> list[HashTable]:
        tables = [
            HashTable(name, self._thresholds[name], load_rows(self._connection, name, self._condition))
            for name in self.algorithms
        ]
        return [table for table in tables if len(table)]

    def matches(self, hashes: Iterable[Hash], kind: Kind | None, digests: Digests | None) -> list[Match]:
        """Every reference that has the same bytes or a hash within the thresholds; each once, by its strongest."""
        best: dict[int, Match] = {}
        if digests is not None:
            for reference_id in lookup.by_digests(self._connection, digests):
                reference = self._reference(reference_id)
                if reference is not None:
                    best[reference_id] = exact(reference, self._algorithm_of(reference_id, digests))
        hashes = tuple(hashes)
        for table in self._tables if hashes and kind is not None else ():
            assert kind is not None
            for found in find(hashes, kind, table):
                reference = self._reference(found.reference_id)
                if reference is not None and found.reference_id not in best:
                    best[found.reference_id] = Match(
                        reference, found.tier, found.distance, found.algorithm, "none", found.quality, found.video
                    )
        return list(best.values())

    def _algorithm_of(self, reference_id: int, digests: Digests) -> str:
        reference = lookup.reference(self._connection, reference_id)
        return "sha256" if reference.sha256 else "sha1" if reference.sha1 == digests.sha1 else "md5"

    def _load_reference(self, reference_id: int) -> MatchedReference | None:
        """The reference as results show it; None if it is not among those that are searched."""
        row = self._connection.execute(
            f"SELECT 1 FROM live_reference WHERE id = ? AND {self._condition}", (reference_id,)
        ).fetchone()
        if row is None:
            return None
        found = lookup.reference(self._connection, reference_id)
        sources = tuple(MatchedSource(s.collection, s.source, s.tlp, s.opinion) for s in found.sources)
        return MatchedReference(found.id, found.sha256, found.kind, found.labels, found.allow, sources)


def scan(
    store: Store,
    found: Iterable[Found | None],
    isolation: Isolation,
    *,
    collections: Sequence[str] = (),
    radius: int | None = None,
    limits: Limits = Limits(),
    source: int | None = None,
) -> Iterator[Result]:
    """Match files against the reference set, one result each, as soon as it is known.

    found, source: as for `fingerprints`. Content that the set has is not decoded; its stored hashes are used.
    """
    connection = store.connection
    searcher = Searcher(connection, collections=collections, radius=radius)
    settings = Settings(searcher.algorithms, limits=limits)
    versions = {name: hashers.by_name(name).version for name in settings.hashers}

    def known(state: FileState, digests: Digests) -> bool:
        reference_id = lookup.id_of_sha256(connection, digests.sha256)
        if reference_id is None:
            return False
        reference = lookup.reference(connection, reference_id)
        if reference.error_code is not None and not reference.partial:
            return True
        if reference.kind is None:
            return False
        decoding = recipe(reference.kind, settings.exact)
        return lookup.is_current(lookup.recipes(connection, reference_id), decoding, versions)

    for state, result in fingerprints(found, settings, isolation, known=known, source=source):
        assert result is not None
        yield judge(connection, searcher, state.path, result)


def judge(connection: sqlite3.Connection, searcher: Searcher, path: bytes, result: Fingerprint) -> Result:
    """The verdict on a file that was fingerprinted."""
    if is_skipped(result):
        return Result(path, "skipped", size=result.size, error=result.error)
    if result.digests is None:
        return Result(path, "failed", kind=result.kind, size=result.size or None, error=result.error)
    hashes, kind, partial, error = result.hashes, result.kind, result.partial, result.error
    if result.known:
        reference_id = lookup.id_of_sha256(connection, result.digests.sha256)
        assert reference_id is not None
        stored = lookup.reference(connection, reference_id)
        hashes, kind, partial = lookup.hashes(connection, reference_id), stored.kind, stored.partial
        error = Failure(stored.error_code, stored.error_message or "") if stored.error_code else None
    status, matches = decide(searcher.matches(hashes, kind, result.digests))
    if status == "clean" and error is not None and not partial:
        status = "failed"
    tier = matches[0].tier if matches else None
    digests = result.digests
    return Result(path, status, partial, tier, kind, result.size, digests.sha256, digests.md5, matches, error)


def load_rows(connection: sqlite3.Connection, algorithm: str, condition: str) -> HashRows:
    """The hashes of one algorithm of live references for which a condition of this program's holds."""
    owners, counts, bits, qualities, times = [], [], [], [], []
    for packed in lookup.packed_hashes(connection, algorithm, condition):
        owners.append(packed.reference_id)
        counts.append(packed.count)
        bits.append(packed.bits)
        qualities.append(packed.quality)
        times.append(packed.time if packed.time is not None else NAN * packed.count)
    width = hashers.by_name(algorithm).bits // 8
    return HashRows(
        np.repeat(np.array(owners, np.int64), np.array(counts, np.int64)),
        np.frombuffer(b"".join(bits), np.uint8).reshape(-1, width),
        np.frombuffer(b"".join(qualities), np.uint8),
        np.frombuffer(b"".join(times), "<f4"),
    )

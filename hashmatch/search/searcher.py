"""What it is to search the reference set, and how this machine does it: from a file's hashes to its matches.

A cluster does it in cluster/searching.py. `scan` knows the Searcher only.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from hashmatch import hashers
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.settings import QueryHashing
from hashmatch.hamming import DamagedIndexError
from hashmatch.hashers.learned import ModelFile
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.finding import Finding
from hashmatch.matching.glance import parts_around, times_of_hits
from hashmatch.matching.learned_search import LearnedTables, Proposal, found_in, match_of_proposal
from hashmatch.matching.local import LocalMatch, Suspect, search
from hashmatch.matching.local_candidates import LocalTable
from hashmatch.matching.local_evidence import proved, with_parts
from hashmatch.matching.results import (
    TIERS,
    Match,
    MatchedDecision,
    MatchedOpinion,
    MatchedReference,
    MatchedSource,
)
from hashmatch.matching.table import HashTable
from hashmatch.matching.tiers import Profile, thresholds
from hashmatch.matching.verdict import exact, find, match_of
from hashmatch.media import Limits
from hashmatch.records import Digests, Fingerprint, Glance, Guards, Hash, Kind, Sighting
from hashmatch.search.cache import load, load_features, load_learned
from hashmatch.store import Store, generation, hash_rows, lookup, review_decisions, word_facts
from hashmatch.store.scope import SearchScope
from hashmatch.views import FULL

AnyFound = TypeVar("AnyFound")

#: Times that a load took, until the next one. References that are added during a scan are then loaded soon, and loading
#: never takes more than a tenth of the scan's time.
LOADING_SHARE = 9.0
#: Findings of files that are under way, to keep.
MOST_EXPLAINED = 256

#: Matches by local features of one file, those with the most points, that are straightened: each takes some 30 ms.
MOST_STRAIGHTENED = 4


class Searcher(Protocol):
    """Matches files with the references that are live and in its scope."""

    def query_hashing(self, limits: Limits) -> QueryHashing:
        """How files must be hashed to be searched for."""
        ...

    def require_known(self) -> None:
        """Raise CommandError if the scope has nothing known: then every file would be clean."""
        ...

    def prepare(self) -> None:
        """Load what a search needs; without this, the first search does it."""
        ...

    def finds(self, reference_id: int) -> bool:
        """Whether a reference is live and in the scope."""
        ...

    def parts_to_decode(self, glance: Glance) -> Parts:
        """The parts of a film whose key frames resemble a reference; empty if none do."""
        ...

    def explains(self, sighting: Sighting) -> bool:
        """Whether a reference is the same picture by its hashes, so that a file need not be looked at more closely."""
        ...

    def matches_of_each(self, files: Sequence[Fingerprint]) -> Iterator[list[Match]]:
        """The matches of each file, in the order of the files.

        A file matches every reference with the same bytes, a hash within the thresholds, or local features in common;
        each reference once, by its strongest evidence.
        """
        ...


class LocalSearcher:
    """Searches on this machine: the tables are in memory, or mapped from the cache beside the database."""

    def __init__(
        self,
        store: Store,
        *,
        collections: Sequence[str] = (),
        profile: Profile = "balanced",
        radius: int | None = None,
        allowed: bool = False,
        models: Sequence[ModelFile] = (),
    ) -> None:
        """collections: search only these, and always the allow list, which protects files from all of them.
        profile, radius: see tiers.thresholds. allowed: search the allow list only. models: those that are here, the one
        to prefer first; see LocalSearcher.model.

        Raises CommandError if there is no collection of that name.
        """
        self._store = store
        self._connection = store.connection
        self._profile = profile
        self._thresholds = thresholds(profile, radius)
        self._allowed = allowed
        self._scope = SearchScope.of(self._connection, collections, allowed)
        self._reference = functools.lru_cache(maxsize=10_000)(self._load_reference)
        self._hashes_count = functools.lru_cache(maxsize=10_000)(
            functools.partial(word_facts.hashes_count, self._connection)
        )
        self._tables: list[HashTable] | None = None
        self._explained: dict[tuple[Hash, ...], list[Finding]] = {}
        self._models = tuple(models)
        self._local_tables: list[LocalTable] = []
        self._learned: LearnedTables | None = None
        self._version, self._stale, self._next_load = 0, False, 0.0
        self._generation = generation.current(self._connection)

    @functools.cached_property
    def algorithms(self) -> tuple[str, ...]:
        """What a file must be hashed with: the main algorithm, and each one that some reference has instead of it."""
        needed = {hashers.MAIN} | hash_rows.algorithms_without(self._connection, hashers.MAIN, self._thresholds)
        return tuple(name for name in hashers.HASHERS if name in needed)

    @functools.cached_property
    def wants_features(self) -> bool:
        """Whether files are also searched for by local features."""
        return self._profile != "fast" and hash_rows.has_features(self._connection)

    @functools.cached_property
    def model(self) -> ModelFile | None:
        """The model that pictures are described with: the first of those that are here which described references."""
        if self._profile != "thorough":
            return None
        described = hash_rows.algorithms(self._connection, (each.algorithm for each in self._models))
        return next((each for each in self._models if each.algorithm in described), None)

    def query_hashing(self, limits: Limits) -> QueryHashing:
        """As Searcher.query_hashing."""
        models = (self.model,) if self.model else ()
        return QueryHashing(self.algorithms, limits, self.wants_features, self._profile, models)

    def require_known(self) -> None:
        """As Searcher.require_known."""
        self._scope.require_known(self._connection)

    def prepare(self, anew: bool = False) -> None:
        """As Searcher.prepare. anew: do not trust the cache, and write it again."""
        start = time.monotonic()
        self._version = generation.data_version(self._connection)
        self._generation = generation.current(self._connection)
        self._tables = self._load_tables(anew)
        self._explained.clear()
        if self.wants_features:
            self._local_tables = load_features(self._store, anew=anew)
        if self.model is not None:
            self._learned = load_learned(self._store, self.model.algorithm, anew=anew)
        end = time.monotonic()
        self._next_load = end + LOADING_SHARE * (end - start)

    def _load_tables(self, anew: bool) -> list[HashTable]:
        return [
            table
            for name in self.algorithms
            for table in load(self._store, name, self._thresholds[name], allowed=self._allowed, anew=anew)
        ]

    def _keep_up(self) -> None:
        """Take in what other processes have changed: a scan that reads its names from a pipe may run for weeks."""
        if self._tables is None:
            self.prepare()
        version = generation.data_version(self._connection)
        if version != self._version:
            self._version, self._stale = version, True
            self._reference.cache_clear()
            self._hashes_count.cache_clear()
        if self._stale and time.monotonic() >= self._next_load:
            self._stale = False
            now = generation.current(self._connection)
            if (now.newest, now.removals) != (self._generation.newest, self._generation.removals) or self._allowed:
                self.prepare()

    def _findings_of_each(self, files: Sequence[Fingerprint]) -> Iterator[list[Finding]]:
        """The references that each file resembles by its hashes, live or not."""
        for file in files:
            yield self._findings(file.hashes, file.kind) if file.hashes and file.kind is not None else []

    def _findings(self, hashes: Sequence[Hash], kind: Kind) -> list[Finding]:
        """The references that a file resembles by its hashes, live or not. What `explains` has just found is not looked for
        again."""
        found = self._explained.pop(self._sighted(hashes), None) if kind == "image" else None
        return (
            self._searched(functools.partial(find, hashes, kind, guards_of=self._guards_of)) if found is None else found
        )

    def _sighted(self, hashes: Sequence[Hash]) -> tuple[Hash, ...]:
        """The hashes that a file had before descriptors were added."""
        described = {each.algorithm for each in self._models}
        return tuple(each for each in hashes if each.algorithm not in described)

    def explains(self, sighting: Sighting) -> bool:
        """As Searcher.explains."""
        self._keep_up()
        found = self._findings(sighting.hashes, "image")
        if len(self._explained) >= MOST_EXPLAINED:
            self._explained.pop(next(iter(self._explained)))  # its file failed, or was examined elsewhere
        self._explained[sighting.hashes] = found
        return any(each.tier == "near" and self.finds(each.reference_id) for each in found)

    def _searched(self, search: Callable[[HashTable], Iterable[AnyFound]]) -> list[AnyFound]:
        """What a search of all tables finds."""
        assert self._tables is not None
        try:
            return [found for table in self._tables for found in search(table)]
        except DamagedIndexError:
            # The cache was sound when it was opened; something has written to it since.
            self.prepare(anew=True)
            return [found for table in self._tables for found in search(table)]

    def _guards_of(self, reference_id: int, view: str) -> Guards | None:
        return hash_rows.guards(self._connection, reference_id, view)

    def matches(self, file: Fingerprint) -> list[Match]:
        """The matches of one file; see Searcher.matches_of_each."""
        return next(self.matches_of_each([file]))

    def matches_of_each(self, files: Sequence[Fingerprint]) -> Iterator[list[Match]]:
        """As Searcher.matches_of_each."""
        self._keep_up()
        for file, findings in zip(files, self._findings_of_each(files), strict=True):
            yield self._matches(file, findings)

    def _matches(self, file: Fingerprint, findings: Iterable[Finding]) -> list[Match]:
        digests = file.digests
        best: dict[int, Match] = {}
        if digests is not None:
            for reference_id, algorithm in word_facts.by_digests(self._connection, digests):
                reference = self._reference(reference_id)
                if reference is not None:
                    best[reference_id] = exact(reference, algorithm)
        for found in findings:
            reference = self._reference(found.reference_id) if self._hashes_count(found.reference_id) else None
            before = best.get(found.reference_id)
            # Between algorithms that say the same, the first of HASHERS counts.
            if reference is not None and (before is None or TIERS.index(found.tier) < TIERS.index(before.tier)):
                best[found.reference_id] = match_of(found, reference)
        # A file that shows one reference as a whole is not searched for parts of others.
        if not any(match.tier in ("exact", "near") for match in best.values()):
            self._search_closely(file, best)
        return [self._decided(match, digests) for match in best.values()] if digests else list(best.values())

    def _search_closely(self, file: Fingerprint, best: dict[int, Match]) -> None:
        """Add what local features and descriptors find to a file's matches."""
        proposals = self._proposals(file.hashes)
        for number, local in enumerate(self._local_matches(file.features, proposals) if file.features else ()):
            reference = self._reference(local.owner)
            if reference is not None:
                match = with_parts(best.get(local.owner), local, reference)
                if file.copy is not None and number < MOST_STRAIGHTENED:
                    bits = hash_rows.bits_of(self._connection, local.owner, hashers.MAIN, FULL)
                    match = proved(match, local, file.copy, bits, self._guards_of(local.owner, FULL))
                best[local.owner] = match
        for proposal in proposals:
            if self._learned and proposal.owner not in best and proposal.is_telling:
                reference = self._reference(proposal.owner) if self._hashes_count(proposal.owner) else None
                if reference is not None:
                    best[proposal.owner] = match_of_proposal(reference, self._learned.algorithm)

    def _proposals(self, hashes: Sequence[Hash]) -> list[Proposal]:
        """The references that look like a file by its learned descriptors."""
        try:
            return self._learned.propose(hashes) if self._learned else []
        except DamagedIndexError:
            self.prepare(anew=True)
            return self._learned.propose(hashes) if self._learned else []

    def _decided(self, match: Match, digests: Digests) -> Match:
        """The match, with what people have decided about this file and reference."""
        found = review_decisions.of_pair(
            self._connection, review_decisions.DecisionPair(digests.sha256, match.reference.id)
        )
        if found.decision is None:
            return match
        return replace(match, decision=MatchedDecision(found.decision, found.by, found.at, found.in_force))

    def parts_to_decode(self, glance: Glance) -> Parts:
        """As Searcher.parts_to_decode."""
        self._keep_up()
        hit = self._searched(lambda table: times_of_hits(glance.hashes, table, self.finds))
        return parts_around(hit, sorted({each.time for each in glance.hashes if each.time is not None}))

    def _local_matches(self, features: Sequence[bytes], proposals: Sequence[Proposal]) -> list[LocalMatch]:
        """features: of the picture, its mirror image and its negative, see hashers/local_features.py. proposals: what else
        to compare with."""
        suspects = Suspect.each([LocalFeatures.from_bytes(each) for each in features])

        def features_of(reference_id: int) -> LocalFeatures | None:
            return hash_rows.features(self._connection, reference_id) if self.finds(reference_id) else None

        def searched() -> list[LocalMatch]:
            found = [m for table in self._local_tables for m in search(table, suspects, features_of)]
            owners = {each.owner for each in found}
            others = [each for each in proposals if each.owner not in owners]
            return [*found, *found_in(others, suspects, features_of)]

        try:
            return searched()
        except DamagedIndexError:
            self.prepare(anew=True)
            return searched()

    def finds(self, reference_id: int) -> bool:
        """As Searcher.finds."""
        return self._reference(reference_id) is not None and self._hashes_count(reference_id)

    def _load_reference(self, reference_id: int) -> MatchedReference | None:
        """The reference as results show it; None if it is not live or not in the scope.

        Each hit is checked by itself: finding out beforehand which of a million references are live would take longer
        than the search.
        """
        if not self._scope.has(self._connection, reference_id):
            return None
        found = lookup.reference(self._connection, reference_id)
        sources = tuple(
            MatchedSource(each.collection, each.source, each.tlp, each.opinion, each.owner, each.author)
            for each in found.sources
        )
        opinions = tuple(
            MatchedOpinion(each.source or "", each.verdict, each.at, each.reason, each.author, each.owner)
            for each in found.opinions
        )
        return MatchedReference(
            found.id, found.sha256, found.kind, found.labels, found.allow, sources, opinions, found.pending
        )

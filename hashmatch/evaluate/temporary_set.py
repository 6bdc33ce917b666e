"""A temporary reference set, into which originals go and against which copies are scanned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.fingerprints.settings import Settings
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result
from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits
from hashmatch.media.files import FoundPath
from hashmatch.records import Hash
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, hash_rows, lookup, open_store
from hashmatch.store.audit import Actor
from hashmatch.store.membership import Membership
from hashmatch.workflows.index import Indexed, index
from hashmatch.workflows.scan import scan


@dataclass(frozen=True, slots=True)
class Original:
    """A picture in the temporary reference set. bits, quality: its PDQ hash as it is stored there."""

    path: bytes
    reference_id: int
    bits: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class TemporarySet:
    """How and where files are indexed and scanned. folder: temporary, for the reference set and for copies."""

    folder: Path
    profile: Profile
    isolation: Isolation
    limits: Limits

    @property
    def _database(self) -> Path:
        return self.folder / "reference.db"

    def index(self, paths: Iterable[bytes]) -> Iterator[Indexed]:
        """Add files to the reference set, as `hashmatch index` does."""
        with open_store(self._database, write=True) as store:
            actor, membership = Actor.current("evaluate"), Membership("evaluate")
            settings = Settings(limits=self.limits, features=self.profile == "thorough")
            examiner = LocalExaminer(self.isolation)
            yield from index(store, actor, map(FoundPath, paths), membership, settings, examiner)

    def scan(self, paths: Iterable[bytes]) -> Iterator[Result]:
        """Match files against it, as `hashmatch scan` does."""
        with open_store(self._database) as store:
            examiner, searcher = LocalExaminer(self.isolation), LocalSearcher(store, profile=self.profile)
            yield from scan(store, map(FoundPath, paths), examiner, searcher, limits=self.limits)

    def originals(self, indexed: Iterable[Indexed]) -> list[Original]:
        """Those of some indexed files that are whole still pictures, in their order."""
        with open_store(self._database) as store:
            return [
                Original(each.path, each.reference_id, stored.bits, stored.quality or 0)
                for each in indexed
                if each.reference_id is not None and each.error is None
                for stored in self._pdq(store, each.reference_id)
            ]

    @staticmethod
    def _pdq(store: Store, reference_id: int) -> list[Hash]:
        """The PDQ hash of the whole picture; none for what is animated."""
        if lookup.reference(store.connection, reference_id).kind != "image":
            return []
        hashes = hash_rows.hashes(store.connection, reference_id)
        return [each for each in hashes if each.algorithm == "pdq" and each.view == "full"][:1]

"""A temporary reference set: originals go into it, and copies are scanned against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hashmatch.fingerprints.many_files import LocalExaminer, fingerprints
from hashmatch.fingerprints.settings import PlainHashing, ReferenceHashing
from hashmatch.hashers.learned import ModelFile
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result
from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits
from hashmatch.media.files import FoundPath
from hashmatch.records import Hash
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import open_store
from hashmatch.store.audit import Actor
from hashmatch.store.membership import Membership
from hashmatch.workflows.index import Indexed, index
from hashmatch.workflows.scan import scan


@dataclass(frozen=True, slots=True)
class Original:
    """A picture in the temporary reference set. bits, quality: its PDQ hash, without any views."""

    path: bytes
    reference_id: int
    bits: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class TemporarySet:
    """How and where files are indexed and scanned. folder: temporary, for the reference set and for copies. hashes: names
    of the hashers that the originals are hashed with, and found by. models: to describe them with, and find them by."""

    folder: Path
    profile: Profile
    hashes: tuple[str, ...]
    isolation: Isolation
    limits: Limits
    models: tuple[ModelFile, ...] = ()

    @property
    def _database(self) -> Path:
        return self.folder / "reference.db"

    def index(self, paths: Iterable[bytes]) -> Iterator[Indexed]:
        """Add files to the reference set, as `hashmatch index` does."""
        with open_store(self._database, write=True) as store:
            actor, membership = Actor.current("evaluate"), Membership("evaluate")
            settings = ReferenceHashing(self.hashes, self.limits, self.profile != "fast", self.models)
            examiner = LocalExaminer(self.isolation)
            yield from index(store, actor, map(FoundPath, paths), membership, settings, examiner)

    def scan(self, paths: Iterable[bytes]) -> Iterator[Result]:
        """Match files against it, as `hashmatch scan` does."""
        with open_store(self._database) as store:
            examiner, searcher = (
                LocalExaminer(self.isolation),
                LocalSearcher(store, profile=self.profile, models=self.models),
            )
            yield from scan(store, map(FoundPath, paths), examiner, searcher, limits=self.limits)

    def originals(self, indexed: Iterable[Indexed]) -> list[Original]:
        """The indexed files that are whole still pictures, in their order."""
        ids = {each.path: each.reference_id for each in indexed if each.error is None}
        settings = PlainHashing(limits=self.limits, views=False)
        plain: dict[bytes, Hash] = {}
        for state, result in fingerprints(map(FoundPath, ids), settings, self.isolation):
            if result is not None and result.kind == "image" and result.hashes:
                plain[state.path] = result.hashes[0]  # the first page's
        return [
            Original(path, number, plain[path].bits, plain[path].quality or 0)
            for path, number in ids.items()
            if number is not None and path in plain
        ]

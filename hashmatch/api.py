"""The toolkit as Python: hash files, and work with a reference set, without the command line."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.fingerprints.model_files import find_models
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import PlainHashing, ReferenceHashing
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result, Tier
from hashmatch.matching.tiers import Profile
from hashmatch.media.files import open_file, walk
from hashmatch.records import BadLine, Fingerprint, LineRemark, Tlp
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, open_store
from hashmatch.store.audit import Actor
from hashmatch.store.membership import Membership
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import ExportReport, export
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.index import Indexed, index
from hashmatch.workflows.list_origin import ImportPlan
from hashmatch.workflows.model_choice import models_for
from hashmatch.workflows.record_scan import recorded
from hashmatch.workflows.scan import scan

AnyPath = str | bytes | os.PathLike[str]


def hash_file(path: AnyPath, hashers: Sequence[str] = ("pdq",), exact: bool = False) -> Fingerprint:
    """Fingerprint one file in this process: without the protection from hostile files that worker processes give.

    Raises MediaError where the file cannot be opened; what is wrong with its content is in the result's `error`.
    """
    descriptor, _status = open_file(os.fsencode(path))
    with open(descriptor, "rb") as file:
        return fingerprint(file, PlainHashing(tuple(hashers), exact=exact))


def hash_bytes(data: bytes, hashers: Sequence[str] = ("pdq",), exact: bool = False) -> Fingerprint:
    """Fingerprint an image or film that is held in memory, in this process."""
    return fingerprint(io.BytesIO(data), PlainHashing(tuple(hashers), exact=exact))


class ReferenceSet:
    """A reference set: one SQLite file of known media. A context manager.

    The file is opened when it is first needed: to read by `scan`, to write (and made, if need be) by the others.
    Methods raise CommandError where the command line would end with exit code 2.
    """

    def __init__(self, path: str | os.PathLike[str], operator: str | None = None) -> None:
        self.path = Path(path)
        self._operator = operator
        self._store: Store | None = None

    def index(
        self,
        paths: Iterable[AnyPath],
        collection: str = "default",
        *,
        labels: Sequence[str] = (),
        source: str | None = None,
        case: str | None = None,
        tlp: Tlp | None = None,
        note: str | None = None,
        allow: bool = False,
        hashers: Sequence[str] = ("pdq",),
        exclude: Sequence[str] = (),
        workers: int | None = None,
        retry_failed: bool = False,
        local_features: bool = True,
        model: str | None = None,
    ) -> Iterator[Indexed]:
        """Add files and all files in folders; yields one Indexed a file, as each is committed.

        model: a name or file, or "none"; None for what is installed. See fingerprints/model_files.py.
        """
        actor = self._actor("index")
        membership = Membership(collection, source, tlp, case, note, tuple(labels), allow, operator=actor.operator)
        found = walk(map(os.fsencode, paths), exclude)
        store, examiner = self._open(write=True), LocalExaminer(Isolation(workers))
        settings = ReferenceHashing(tuple(hashers), features=local_features, models=models_for(store, model))
        return index(store, actor, found, membership, settings, examiner, retry_failed=retry_failed)

    def scan(
        self,
        paths: Iterable[AnyPath],
        *,
        collections: Sequence[str] = (),
        profile: Profile = "balanced",
        radius: int | None = None,
        min_tier: Tier = "possible",
        exclude: Sequence[str] = (),
        workers: int | None = None,
        record: bool = False,
        model: str | None = None,
    ) -> Iterator[Result]:
        """Match files and all files in folders; yields one Result a file, as soon as it is known.

        min_tier: weaker matches are left out, and count for nothing. record: keep in the set what matched, so that it can
        say later what rested on a reference that was taken back. model: as for `index`.
        Raises CommandError, before the first file, if the set or these collections have nothing known to compare with: it
        is empty, all of it is retracted, or it is an allow list alone. Folders without files yield nothing.
        """
        found = walk(map(os.fsencode, paths), exclude)
        store = self._open(write=False)
        searcher = LocalSearcher(
            store,
            collections=collections,
            profile=profile,
            radius=radius,
            models=find_models(model) if profile == "thorough" else (),
        )
        searcher.require_known()
        results = scan(store, found, LocalExaminer(Isolation(workers)), searcher, min_tier=min_tier)
        if not record:
            return results
        settings = {"min_tier": min_tier, "profile": profile, "radius": radius, "collections": list(collections)}
        return recorded(self.path, self._actor("scan"), settings, results)

    def export(
        self,
        out: BinaryIO,
        format: str = "jsonl",
        *,
        collections: Sequence[str] = (),
        labels: Sequence[str] = (),
        since: str | None = None,
        max_tlp: Tlp = "green",
        include: Iterable[str] = (),
        unmarked: bool = False,
    ) -> ExportReport:
        """Write a hash list. unmarked: also what has no TLP mark, which otherwise stays here."""
        selection = ExportSelection(tuple(collections), tuple(labels), since, max_tlp, frozenset(include), unmarked)
        return export(self._open(write=True), self._actor("export"), out, format, selection)

    def import_(
        self,
        path: str | os.PathLike[str],
        format: str = "auto",
        *,
        collection: str | None = None,
        tlp: Tlp | None = None,
        allow: bool = False,
        strict: bool = False,
        default_tlp: Tlp | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> tuple[ImportReport, list[BadLine]]:
        """Read a hash list. columns: of a table, our field -> the name or number of its column.

        Returns the counts, and the lines that were refused.
        """
        bad: list[BadLine] = []

        def told(line: BadLine | LineRemark) -> None:
            if isinstance(line, BadLine):
                bad.append(line)

        plan = ImportPlan(collection, tlp, allow, strict, default_tlp=default_tlp)
        store, actor = self._open(write=True), self._actor("import")
        report = import_list(store, actor, Path(path), plan, format_name=format, columns=columns, told=told)
        return report, bad

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _actor(self, command: str) -> Actor:
        return Actor(self._operator, command) if self._operator else Actor.current(command)

    def _open(self, write: bool) -> Store:
        if self._store is None or (write and not self._store.writable):
            self.close()
            self._store = open_store(self.path, write=write)
        return self._store

    def __enter__(self) -> ReferenceSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

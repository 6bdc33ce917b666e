"""Reference sets of real files. The fixtures are indexed once per test process."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hashmatch.fingerprints.many_files import LocalExaminer, fingerprints
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result
from hashmatch.matching.tiers import Profile
from hashmatch.media.files import FoundPath, walk
from hashmatch.records import Fingerprint
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, open_store
from hashmatch.store.membership import Membership
from hashmatch.workflows.index import Indexed, index
from hashmatch.workflows.scan import scan
from tests.support.made_references import ME
from tests.support.repository import FIXTURES

#: With one worker, results come in the order of the files.
ALONE = Isolation(1)


def index_paths(
    store: Store,
    *paths: Path,
    collection: str = "one",
    settings: ReferenceHashing = ReferenceHashing(),
    isolation: Isolation = ALONE,
    retry_failed: bool = False,
    **membership: object,
) -> list[Indexed]:
    """Index files and folders."""
    found = walk(map(os.fsencode, paths))
    member = Membership(collection, **membership)  # type: ignore[arg-type]
    return list(index(store, ME, found, member, settings, LocalExaminer(isolation), retry_failed=retry_failed))


def scan_found(
    store: Store,
    found: Iterable[FoundPath | None],
    isolation: Isolation = ALONE,
    *,
    profile: Profile = "fast",
    radius: int | None = None,
    collections: Sequence[str] = (),
    **options: Any,
) -> Generator[Result]:
    """Scan on this machine. options: as for `scan`."""
    searcher = LocalSearcher(store, collections=collections, profile=profile, radius=radius)
    return scan(store, found, LocalExaminer(isolation), searcher, **options)


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hashmatch-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _indexed_fixtures() -> tuple[Path, tuple[Indexed, ...]]:
    path = _folder() / "fixtures.db"
    with open_store(path, write=True) as store:
        results = index_paths(
            store, FIXTURES / "archive", collection="archive", isolation=Isolation(2), labels=("demo",)
        )
        results += index_paths(store, FIXTURES / "allowed", collection="news", isolation=Isolation(2), allow=True)
    return path, tuple(results)


def fixture_set(folder: Path) -> Path:
    """Copy the reference set of the fixtures to a folder: collection "archive", and "news" on the allow list."""
    return Path(shutil.copy(_indexed_fixtures()[0], folder / "reference.db"))


def fixture_results() -> tuple[Indexed, ...]:
    """The results of indexing the fixtures."""
    return _indexed_fixtures()[1]


@functools.cache
def upload_fingerprints() -> dict[bytes, Fingerprint]:
    """The fingerprint that a scan makes of each upload, by path below the fixtures."""
    found = walk([os.fsencode(FIXTURES / "uploads")])
    measured = fingerprints(found, QueryHashing(), Isolation(2))
    return {os.path.relpath(state.path, os.fsencode(FIXTURES)): result for state, result in measured if result}


def content_of(folder: Path) -> Iterator[tuple[str, bytes, tuple[int, ...]]]:
    """Each path in a folder, with the bytes and the metadata that a program could change."""
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        facts = status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino
        yield str(path), path.read_bytes() if path.is_file() else b"", facts

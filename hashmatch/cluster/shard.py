"""One shard of the reference set, on a worker: built once from what the client sends, kept on the local disk, searched.

A folder `<cache>/shards/<database>/<key>/` holds the index of its rows and facts about them, as the cache beside a database
does (search/cache.py), the guards of its still pictures, and a description. The key is a digest of the description, and the
description has a digest of the content. The folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashmatch import hashers
from hashmatch.hamming import DamagedIndexError, HammingIndex
from hashmatch.isolation import wire
from hashmatch.matching.finding import Finding
from hashmatch.matching.glance import hits_of
from hashmatch.matching.layouts import GuardsOf
from hashmatch.matching.table import HashRows, HashTable
from hashmatch.matching.tiers import Threshold
from hashmatch.matching.verdict import find_each
from hashmatch.records import Guards, Hash, Kind
from hashmatch.search import cache
from hashmatch.store.generation import Generation
from hashmatch.views import pack_view

#: Raise it when shards are stored in another way; older ones are then not read.
VERSION = 3
#: A shard that no plan of its database has used for this many seconds is deleted.
UNUSED = 7 * 86_400.0
#: An upload that has not grown for this many seconds is deleted: its client died.
ABANDONED = 86_400.0
#: A shard that nobody has searched for this many seconds is closed; clients may search different shards.
IDLE = 3600.0

_DESCRIPTION = "shard.json"
_GUARDS = "guards"
#: Names of a database's folder, and of the folders in it; anything else there is not ours and stays.
_DATABASE = re.compile("[0-9a-f]{32}")
_ENTRY = re.compile("(upload-)?[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Shard:
    """All hashes of one algorithm in the rows of the database after `after`, up to `until`.

    made_of: the state of the database it was made from. count: its hashes. digest: SHA-256 of what was sent to build it.
    """

    algorithm: str
    after: int
    until: int
    made_of: Generation
    count: int
    digest: str
    version: int = VERSION

    @property
    def key(self) -> str:
        return hashlib.sha256(wire.pack("shard", self)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Opening:
    """How a shard is searched. gone: references whose rows are out of date. common: hashes that prove nothing."""

    shard: Shard
    threshold: Threshold
    gone: tuple[int, ...]
    common: tuple[bytes, ...]

    @property
    def handle(self) -> str:
        return hashlib.sha256(wire.pack("opening", self)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ShardQuery:
    """A file to search for. is_glance: whether only to say at which times its key frames resemble a reference."""

    hashes: tuple[Hash, ...]
    kind: Kind
    is_glance: bool = False


@dataclass(frozen=True, slots=True)
class ShardFinding:
    """A shard's answer to one query. glimpsed: to a glance, pairs of a reference and the seconds at which it was hit."""

    findings: tuple[Finding, ...] = ()
    glimpsed: tuple[tuple[int, tuple[float, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """A shard's answers to all queries, in their order. handle: of its opening."""

    handle: str
    found: tuple[ShardFinding, ...]


def row_type(algorithm: str) -> np.dtype[np.void]:
    """How the rows of an algorithm are sent."""
    width = hashers.by_name(algorithm).width
    return np.dtype([("owner", "<i8"), ("time", "<f4"), ("view", "<u2"), ("quality", "u1"), ("bits", "u1", (width,))])


def guard_type() -> np.dtype[np.void]:
    """How the guards of still pictures are sent and stored. A view without details has zeros there, which no picture has."""
    widths = [(name, "u1", (hashers.by_name(name).width,)) for name in hashers.GUARDS]
    return np.dtype([("owner", "<i8"), ("view", "<u2"), *widths])


class Shelf:
    """The shards of one worker process: on disk, and open. Its methods may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[str, tuple[HammingIndex, HashRows, npt.NDArray[np.void]]] = {}
        self._open: dict[str, tuple[HashTable, npt.NDArray[np.void], Path]] = {}  # by handle
        self._used: dict[str, float] = {}

    def inventory(self, origin: str) -> list[Shard]:
        """The shards of a database that are on this disk."""
        found = []
        for path in sorted(self._of(origin).glob(f"*/{_DESCRIPTION}")):
            with contextlib.suppress(OSError, wire.NonsenseError):
                shard = wire.read(Shard, wire.unpack(path.read_bytes())[1])
                if shard.version == VERSION and shard.key == path.parent.name:
                    found.append(shard)
        return found

    def receive(self, origin: str, name: str, kind: str, data: bytes) -> None:
        """Take the next part of a shard's content. name: of the upload. kind: "rows" or "guards". Raises OSError, and then
        deletes the upload."""
        folder = self._upload(origin, name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for each in (folder.parent, folder):
                each.mkdir(mode=0o700, exist_ok=True)
            with open(folder / kind, "ab") as file:
                file.write(data)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def build(self, origin: str, name: str, shard: Shard) -> None:
        """Build a shard of an upload, and keep it. Raises OSError; ValueError if the upload is of something else."""
        upload, folder = self._upload(origin, name), self._path(origin, shard)
        try:
            if folder.exists():
                return
            digest = hashlib.sha256()
            for kind in ("rows", "guards"):
                with open(upload / kind, "ab"), open(upload / kind, "rb") as file:
                    while part := file.read(1 << 20):
                        digest.update(part)
            if digest.hexdigest() != shard.digest:
                raise ValueError("what was received is not what was sent")
            packed = np.fromfile(upload / "rows", row_type(shard.algorithm))
            names = ("owner", "bits", "quality", "time", "view")
            rows = HashRows(*(np.ascontiguousarray(packed[name]) for name in names))
            del packed
            table = HashTable(shard.algorithm, _NO_THRESHOLD, rows)
            ready = upload / "ready"
            cache.save(ready, table.index, cache.facts_of(table.rows), shard.made_of)
            guards = np.fromfile(upload / "guards", guard_type())
            guards = guards[np.lexsort((guards["view"], guards["owner"]))]
            content = guards.tobytes()
            (ready / _GUARDS).write_bytes(content)
            (ready / f"{_GUARDS}.sha256").write_text(hashlib.sha256(content).hexdigest(), encoding="ascii")
            (ready / _DESCRIPTION).write_bytes(wire.pack("shard", shard))
            with contextlib.suppress(OSError):  # another process on this machine has just built the same
                ready.rename(folder)
        finally:
            shutil.rmtree(upload, ignore_errors=True)

    def open(self, origin: str, opening: Opening) -> bool:
        """Open a shard to search it. Returns whether it is there and sound; a damaged one is deleted."""
        with self._lock:
            folder, key = self._path(origin, opening.shard), opening.shard.key
            _note_use(folder)
            if opening.handle in self._open:
                return True
            try:
                index, rows, guards = self._read.get(key) or _read(folder)
            except (OSError, DamagedIndexError):
                shutil.rmtree(folder, ignore_errors=True)
                return False
            self._read[key] = index, rows, guards
            table = HashTable(opening.shard.algorithm, opening.threshold, rows, index, opening.gone, opening.common)
            self._open[opening.handle] = table, guards, folder
            self._used[opening.handle] = time.monotonic()
            return True

    def search(self, handles: Sequence[str], queries: Sequence[ShardQuery]) -> list[ShardAnswer]:
        """The answers of those shards that are open. A damaged one is closed, and gives none."""
        answers = []
        for handle in handles:
            if (opened := self._open.get(handle)) is None:
                continue
            self._used[handle] = time.monotonic()
            table, guards, folder = opened
            _note_use(folder)
            guards_of = functools.partial(_guards_of, guards)
            try:
                found = _answers(queries, table, guards_of)
            except DamagedIndexError:
                with self._lock:
                    self._open.pop(handle, None)
                    self._read.clear()
                continue
            answers.append(ShardAnswer(handle, found))
        return answers

    def tidy(self, origin: str, handles: Sequence[str], shards: Sequence[Shard]) -> None:
        """Close idle shards that are not among the handles. Delete shards of any database that are unused, not open and not
        among `shards`. Other processes may share the folder: the time of a shard's folder shows when it was last used."""
        with self._lock:
            for handle in self._open.keys() - set(handles):
                if time.monotonic() - self._used[handle] > IDLE:
                    del self._open[handle], self._used[handle]
            kept = {folder for _table, _guards, folder in self._open.values()}
            for key in self._read.keys() - {folder.name for folder in kept}:
                del self._read[key]
        kept |= {self._path(origin, shard) for shard in shards}
        for folder in kept:
            _note_use(folder)
        for path in self._folder.glob("*/*"):
            if path in kept or not (_DATABASE.fullmatch(path.parent.name) and _ENTRY.fullmatch(path.name)):
                continue
            with contextlib.suppress(OSError):
                if _is_over(path):
                    shutil.rmtree(path, ignore_errors=True)

    def _of(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()[:32]

    def _path(self, origin: str, shard: Shard) -> Path:
        return self._of(origin) / shard.key

    def _upload(self, origin: str, name: str) -> Path:
        return self._of(origin) / f"upload-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


#: For a table of which only the index is used.
_NO_THRESHOLD = Threshold.plain(near=-1, possible=0, margin=0)


def _note_use(folder: Path) -> None:
    """Note that a shard is in use, as the time of its folder."""
    with contextlib.suppress(OSError):
        os.utime(folder)


def _is_over(path: Path) -> bool:
    """Whether a shard has not been used, or an upload not grown, for too long. Raises OSError."""
    if not path.name.startswith("upload-"):
        return time.time() - path.stat().st_mtime > UNUSED
    # When a file grows, the time of its folder stays.
    return time.time() - max(each.stat().st_mtime for each in (path, *path.rglob("*"))) > ABANDONED


def _read(folder: Path) -> tuple[HammingIndex, HashRows, npt.NDArray[np.void]]:
    """Map a shard into memory, and check its digests. Raises DamagedIndexError, OSError."""
    index, rows, _made_of = cache.open_hashes(folder)
    expected = (folder / f"{_GUARDS}.sha256").read_text("ascii")
    with open(folder / _GUARDS, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kind, size = guard_type(), (folder / _GUARDS).stat().st_size
    if digest != expected or size % kind.itemsize:
        raise DamagedIndexError("the guards are damaged")
    guards: npt.NDArray[np.void] = np.empty(0, kind)
    if size:
        guards = np.memmap(folder / _GUARDS, kind, "r")
    return index, rows, guards


def _guards_of(guards: npt.NDArray[np.void], owner: int, view: str) -> Guards | None:
    start, end = np.searchsorted(guards["owner"], [owner, owner + 1])
    own, packed = guards[start:end], pack_view(view)
    found = next((each for each in own if each["view"] == packed), None)
    if found is None:
        return None
    blocks, details = (found[name].tobytes() for name in (hashers.GUARD, hashers.DETAILS))
    return Guards(blocks, details if any(details) else None)


def _answers(queries: Sequence[ShardQuery], table: HashTable, guards_of: GuardsOf) -> tuple[ShardFinding, ...]:
    files = [(query.hashes, query.kind) for query in queries if not query.is_glance]
    findings = iter(find_each(files, table, guards_of))
    return tuple(_glimpsed(each, table) if each.is_glance else ShardFinding(tuple(next(findings))) for each in queries)


def _glimpsed(query: ShardQuery, table: HashTable) -> ShardFinding:
    hits = hits_of(query.hashes, table)
    return ShardFinding(glimpsed=tuple((owner, tuple(sorted(times))) for owner, times in sorted(hits.items())))

"""The reference hashes in tables to search: read from SQLite, or from a cache beside the database that is ready at once.

The cache is a folder `<database>.cache/<algorithm>/` with two files that are mapped into memory: the index, and facts about
each of its rows (owner, quality, time, view), or about each reference that has rows. It knows from which state of the
database it was made. Rows added since are searched beside it, and rows deleted since are left out of the results; so ten new
files do not make it useless. It can be deleted at any time. If it is damaged or foreign it is made again; if it cannot be
written, the search does without.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hashmatch import hashers
from hashmatch.hamming import ApproximateIndex, DamagedIndexError, HammingIndex
from hashmatch.hashers import learned
from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.matching.learned_search import LearnedTables
from hashmatch.matching.local_candidates import FeatureRows, LocalTable
from hashmatch.matching.table import HashRows, HashTable, join_rows
from hashmatch.matching.tiers import Threshold, threshold_of
from hashmatch.store import Store, generation, hash_rows
from hashmatch.store.generation import Generation
from hashmatch.store.hash_rows import PackedHashes
from hashmatch.system import give_back
from hashmatch.views import pack_view

#: Fewer hashes than this are read from SQLite so fast that a cache is not worth it.
CACHED_FROM = 20_000
#: The cache is made again when more hashes than this, and than this share of all, are later: they are searched row by row.
MOST_LATER = 20_000
LATER_SHARE = 0.1

#: The same for local features, of which a picture has 400.
FEATURES_CACHED_FROM, MOST_LATER_FEATURES = 50_000, 400_000

#: Rows to read from the database before they become arrays: as Python objects they take eight times the memory.
_AT_ONCE = 20_000

#: Raised when the facts of rows change their form, so that older caches are made anew. 2: views are packed as
#: `ViewName.packed` says.
FORM = 2
#: The same for the facts of local features. 3: where each feature is, its direction and level; the sizes of the pictures.
FEATURES_FORM = 3

_NAN = np.float32(np.nan).tobytes()
_FACTS = np.dtype([("owner", "<i8"), ("time", "<f4"), ("view", "<u2"), ("quality", "u1")])
_FEATURE_FACTS = np.dtype([("owner", "<i8"), ("count", "<u4"), ("size", "<u2", (2,))])

AnyIndex = TypeVar("AnyIndex", HammingIndex, ApproximateIndex)


class OutdatedCacheError(DamagedIndexError):
    """The cache is sound, but made by a version of this program that packed the facts about rows in another way."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """What `info` says about one algorithm's cache.

    state: "current"; "older" if the database has changed since (the cache is used all the same); "foreign" if it is of
    another database, or of a state that restoring a backup has undone; "outdated" if another version of this program made
    it; or "damaged". The next scan makes the last three again.
    """

    algorithm: str
    state: str
    hashes: int
    bytes: int


def load(
    store: Store, algorithm: str, threshold: Threshold, *, allowed: bool = False, anew: bool = False
) -> list[HashTable]:
    """The hashes of one algorithm, including those of retracted references.

    allowed: only of references on the allow list. anew: do not trust the cache, and make it again.
    Returns one table, or one of the cache and one of later rows; without empty ones.
    """
    connection = store.connection
    common = hash_rows.common_hashes(connection, algorithm)
    if allowed:
        rows = rows_of_packed(hash_rows.packed_hashes(connection, algorithm, allowed=True), algorithm)
        return _tables(HashTable(algorithm, threshold, rows, common=common))
    now = generation.current(connection)
    folder = folder_of(store.path, algorithm)
    with contextlib.suppress(DamagedIndexError, OSError):
        index, rows, made_of = open_hashes(folder)
        if not anew and generation.descends_from(connection, now, made_of):
            later = rows_of_packed(hash_rows.packed_hashes(connection, algorithm, after=made_of.newest), algorithm)
            if len(later) <= max(MOST_LATER, LATER_SHARE * len(rows)):
                gone = (
                    generation.changed_since(connection, algorithm, made_of) if now.removals > made_of.removals else ()
                )
                cached = HashTable(algorithm, threshold, rows, index, gone, common)
                return _tables(cached, HashTable(algorithm, threshold, later, common=common))
    packed = hash_rows.packed_hashes(connection, algorithm)
    table = HashTable(algorithm, threshold, rows_of_packed(packed, algorithm), common=common)
    if len(table) >= CACHED_FROM:
        give_back()  # the memory that reading took, before the index takes as much
        with contextlib.suppress(OSError):  # the folder cannot be written, or the disk is full: do without
            save(folder, table.index, facts_of(table.rows), now)
    return _tables(table)


def load_learned(store: Store, algorithm: str, *, anew: bool = False) -> LearnedTables | None:
    """The learned descriptors of one model, as `load` has other hashes. anew: as for `load`."""
    threshold, model = threshold_of(algorithm), learned.model_of(algorithm)
    if threshold is None or model is None:
        return None
    return LearnedTables(algorithm, model, tuple(load(store, algorithm, threshold, anew=anew)))


def load_features(store: Store, *, anew: bool = False) -> list[LocalTable]:
    """The local features of all references, including retracted ones, as tables like those of `load`.

    A table may still name references that are gone. anew: as for `load`.
    """
    connection = store.connection
    now = generation.current(connection)
    folder = folder_of(store.path, FEATURES)
    with contextlib.suppress(DamagedIndexError, OSError):
        index, rows, made_of = _open_features(folder)
        if not anew and generation.descends_from(connection, now, made_of):
            bits, later = _features_of(hash_rows.packed_features(connection, after=made_of.newest))
            if len(bits) <= max(MOST_LATER_FEATURES, LATER_SHARE * len(index)):
                tables = _local_table(index, rows), _local_table(ApproximateIndex.from_hashes(bits), later)
                return [table for table in tables if len(table)]
    bits, rows = _features_of(hash_rows.packed_features(connection))
    if not len(rows.owners):
        return []
    index = ApproximateIndex.from_hashes(bits)
    if len(bits) >= FEATURES_CACHED_FROM:
        with contextlib.suppress(OSError):
            _save(folder, index, _packed(rows), now, FEATURES_FORM)
    return [_local_table(index, rows)]


def _features_of(packed: Iterable[tuple[int, LocalFeatures]]) -> tuple[npt.NDArray[np.uint8], FeatureRows]:
    """Descriptors, uint8 (n, 32), and facts about them."""
    facts: list[tuple[int, int, tuple[int, int]]] = []
    descriptors, looks = [], [np.empty((0, 4), np.uint8)]
    for owner, features in packed:
        facts.append((owner, len(features), (features.width, features.height)))
        descriptors.append(features.descriptors)
        looks.append(features.looks)
    rows = _feature_rows(np.array(facts, _FEATURE_FACTS), np.concatenate(looks))
    return np.frombuffer(b"".join(descriptors), np.uint8).reshape(-1, 32), rows


def _feature_rows(facts: npt.NDArray[np.void], looks: npt.NDArray[np.uint8]) -> FeatureRows:
    starts = np.concatenate(([0], np.cumsum(facts["count"], dtype=np.int64)))
    return FeatureRows(starts, np.ascontiguousarray(facts["owner"]), np.ascontiguousarray(facts["size"]), looks)


def _packed(rows: FeatureRows) -> bytes:
    """What the cache keeps about features: facts about each reference, then the looks of all features."""
    facts = np.empty(len(rows.owners), _FEATURE_FACTS)
    facts["owner"], facts["count"], facts["size"] = rows.owners, np.diff(rows.starts), rows.sizes
    return facts.tobytes() + rows.looks.tobytes()


def _open_features(folder: Path) -> tuple[ApproximateIndex, FeatureRows, Generation]:
    """The index and facts about its rows, mapped into memory. Raises DamagedIndexError, OSError."""
    index, content, made_of = _open(folder, ApproximateIndex, FEATURES_FORM)
    whole, rest = divmod(len(content) - 4 * len(index), _FEATURE_FACTS.itemsize)
    if whole < 0 or rest:
        raise DamagedIndexError("the cache's facts are not of its features")
    facts = np.frombuffer(content, _FEATURE_FACTS, whole)
    looks = np.frombuffer(content, np.uint8, offset=whole * _FEATURE_FACTS.itemsize).reshape(-1, 4)
    return index, _feature_rows(facts, looks), made_of


def _local_table(index: ApproximateIndex, rows: FeatureRows) -> LocalTable:
    try:
        return LocalTable(index, rows)
    except ValueError as error:
        raise DamagedIndexError(str(error)) from error


def rows_of_packed(packed: Iterable[PackedHashes], algorithm: str) -> HashRows:
    """Rows of the database as arrays."""
    width = hashers.by_name(algorithm).width
    packed = iter(packed)
    parts = []
    while some := list(itertools.islice(packed, _AT_ONCE)):
        parts.append(_rows_of(some, width))
    return join_rows(parts) if parts else _rows_of([], width)


def _rows_of(packed: list[PackedHashes], width: int) -> HashRows:
    owners, _algorithms, views, counts, bits, quality, times = zip(*packed, strict=True) if packed else ((),) * 7
    numbers = {view: pack_view(view) for view in set(views)}
    known = [_NAN * count if time is None else time for time, count in zip(times, counts, strict=True)]
    return HashRows(
        np.repeat(np.array(owners, np.int64), counts),
        np.frombuffer(b"".join(bits), np.uint8).reshape(-1, width),
        np.frombuffer(b"".join(quality), np.uint8),
        np.frombuffer(b"".join(known), "<f4"),
        np.repeat(np.array([numbers[view] for view in views], np.uint16), counts),
    )


def folder_of(database: Path, algorithm: str) -> Path:
    """The folder of one algorithm's cache."""
    return database.with_name(database.name + ".cache") / algorithm


def states(store: Store) -> list[CacheState]:
    """The state of every cache there is, for a person."""
    now = generation.current(store.connection)
    found = []
    for algorithm in (*hashers.HASHERS, FEATURES, *hash_rows.learned(store.connection)):
        folder = folder_of(store.path, algorithm)
        if not folder.exists():
            continue
        try:
            size, count, made_of = _measure(folder, algorithm)
        except OutdatedCacheError:
            found.append(CacheState(algorithm, "outdated", 0, 0))
            continue
        except (DamagedIndexError, OSError):
            found.append(CacheState(algorithm, "damaged", 0, 0))
            continue
        state = "foreign"
        if generation.descends_from(store.connection, now, made_of):
            state = "current" if (made_of.newest, made_of.removals) == (now.newest, now.removals) else "older"
        found.append(CacheState(algorithm, state, count, size))
    return found


def _measure(folder: Path, algorithm: str) -> tuple[int, int, Generation]:
    """A cache's bytes, its rows, and the state of the database it was made from. Raises DamagedIndexError, OSError."""
    if algorithm == FEATURES:
        features, content, made_of = _open(folder, ApproximateIndex, FEATURES_FORM)
        return features.nbytes + len(content), len(features), made_of
    index, rows, made_of = open_hashes(folder)
    return index.nbytes + len(rows) * _FACTS.itemsize, len(rows), made_of


def damage(store: Store) -> list[str]:
    """The algorithms whose cache is damaged: its digests are not those it was made with."""
    return [state.algorithm for state in states(store) if state.state == "damaged"]


def _tables(*tables: HashTable) -> list[HashTable]:
    return [table for table in tables if len(table)]


def open_hashes(folder: Path) -> tuple[HammingIndex, HashRows, Generation]:
    """The index and rows of a table that `save` wrote, mapped into memory. The rows have no bits: the index has them.

    Raises DamagedIndexError, OSError.
    """
    index, content, made_of = _open(folder, HammingIndex, FORM)
    if len(content) != len(index) * _FACTS.itemsize:
        raise DamagedIndexError("the cache's facts are not of its hashes")
    facts = np.frombuffer(content, _FACTS)
    no_bits = np.empty((len(facts), 0), np.uint8)
    rows = HashRows(np.ascontiguousarray(facts["owner"]), no_bits, facts["quality"], facts["time"], facts["view"])
    return index, rows, made_of


def facts_of(rows: HashRows) -> npt.NDArray[np.void]:
    """What the cache keeps about rows, beside their bits."""
    facts = np.empty(len(rows), _FACTS)
    for name in _FACTS.names or ():
        facts[name] = getattr(rows, name)
    return facts


def _open(folder: Path, kind: type[AnyIndex], form: int) -> tuple[AnyIndex, bytes, Generation]:
    """Map a cache into memory, and check its digests. Returns also its file of facts. Raises DamagedIndexError, OSError."""
    index = kind.open(folder)
    try:
        tag = json.loads(index.tag)
        if tag.get("form") != form:
            raise OutdatedCacheError("the cache was made by another version of hashmatch")
        made_of = Generation(**tag["generation"])
        name, digest = str(tag["facts"]), str(tag["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(f"the cache's tag makes no sense: {error}") from error
    if os.path.basename(name) != name:
        raise DamagedIndexError("the cache names a file elsewhere")
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise DamagedIndexError("the cache's facts are damaged")
    return index, content, made_of


def save(folder: Path, index: HammingIndex, facts: npt.NDArray[np.void], made_of: Generation) -> None:
    """Write a cache of hashes: the index, and what `facts_of` returned. Raises OSError."""
    _save(folder, index, facts.tobytes(), made_of, FORM)


def _save(folder: Path, index: HammingIndex | ApproximateIndex, content: bytes, made_of: Generation, form: int) -> None:
    """Write a cache that only its owner can read. The index comes last and names its file of facts, so that two processes
    may do this at once. Raises OSError."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    name = f"facts-{os.urandom(8).hex()}"
    descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
    tag = {"form": form, "generation": asdict(made_of), "facts": name, "sha256": hashlib.sha256(content).hexdigest()}
    index.save(folder, json.dumps(tag))
    for older in folder.glob("facts-*"):
        # Leave a file that another process wrote a moment ago: its index, which will name it, is still to come.
        if older.name != name and older.stat().st_mtime < (folder / name).stat().st_mtime - 60:
            older.unlink(missing_ok=True)

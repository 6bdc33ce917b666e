"""The reference hashes in a form to be searched: from SQLite, or from a cache beside the database that is ready at once.

The cache is a folder `<database>.cache/<algorithm>/` with two files that are mapped into memory: the Hamming index, and
facts of each of its rows (owner, quality, time). It knows the state of the database that it was made of. Rows that came
later are searched beside it, rows that are no more are left out of the results; so ten new files do not make it useless.
It can be deleted at any time, and is made anew, or done without, when it is damaged, foreign, or cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hashmatch import hashers
from hashmatch.hamming import DamagedIndexError, HammingIndex
from hashmatch.matching.table import HashRows, HashTable, view_number
from hashmatch.matching.tiers import Threshold
from hashmatch.store import Store, lookup
from hashmatch.store.lookup import Generation, PackedHashes

#: Fewer hashes than this are read from SQLite faster than a cache is worth.
CACHED_FROM = 20_000
#: The cache is made anew when so many hashes, or this share of them, came after it: they are searched row by row.
MOST_LATER = 20_000
LATER_SHARE = 0.1

_NAN = np.float32(np.nan).tobytes()
_FACTS = np.dtype([("owner", "<i8"), ("time", "<f4"), ("view", "<u2"), ("quality", "u1")])


@dataclass(frozen=True, slots=True)
class CacheState:
    """What `info` tells of one algorithm's cache."""

    algorithm: str
    state: str
    hashes: int
    bytes: int


def load(
    store: Store, algorithm: str, threshold: Threshold, *, allowed: bool = False, anew: bool = False
) -> list[HashTable]:
    """The hashes of one algorithm, of retracted references too: one table, or one of the cache and one of what came later.

    allowed: only those of references on the allow list. anew: whatever the cache says, which is made anew.
    Empty tables are left out.
    """
    connection = store.connection
    common = lookup.common_hashes(connection, algorithm)
    if allowed:
        rows = rows_of_packed(lookup.packed_hashes(connection, algorithm, allowed=True), algorithm)
        return _tables(HashTable(algorithm, threshold, rows, common=common))
    now = lookup.generation(connection)
    folder = folder_of(store.path, algorithm)
    with contextlib.suppress(DamagedIndexError, OSError):
        index, rows, made_of = _open(folder)
        if not anew and lookup.descends_from(connection, now, made_of):
            later = rows_of_packed(lookup.packed_hashes(connection, algorithm, after=made_of.newest), algorithm)
            if len(later) <= max(MOST_LATER, LATER_SHARE * len(rows)):
                gone = lookup.changed_since(connection, algorithm, made_of) if now.removals > made_of.removals else ()
                cached = HashTable(algorithm, threshold, rows, index, gone, common)
                return _tables(cached, HashTable(algorithm, threshold, later, common=common))
    rows = rows_of_packed(lookup.packed_hashes(connection, algorithm), algorithm)
    table = HashTable(algorithm, threshold, rows, common=common)
    if len(table) >= CACHED_FROM:
        with contextlib.suppress(OSError):  # a folder that cannot be written, or a full disk: the table is good without
            _save(folder, table, now)
    return _tables(table)


def rows_of_packed(packed: Iterable[PackedHashes], algorithm: str) -> HashRows:
    """Rows of the database as arrays."""
    owners, counts, bits, qualities, times, views = [], [], [], [], [], []
    for each in packed:
        owners.append(each.reference_id)
        counts.append(each.count)
        bits.append(each.bits)
        qualities.append(each.quality)
        times.append(each.time if each.time is not None else _NAN * each.count)
        views.append(view_number(each.view))
    width = hashers.by_name(algorithm).bits // 8
    return HashRows(
        np.repeat(np.array(owners, np.int64), np.array(counts, np.int64)),
        np.frombuffer(b"".join(bits), np.uint8).reshape(-1, width),
        np.frombuffer(b"".join(qualities), np.uint8),
        np.frombuffer(b"".join(times), "<f4"),
        np.repeat(np.array(views, np.uint16), np.array(counts, np.int64)),
    )


def folder_of(database: Path, algorithm: str) -> Path:
    """Where the cache of a database's hashes of one algorithm is."""
    return database.with_name(database.name + ".cache") / algorithm


def states(store: Store) -> list[CacheState]:
    """What there is of caches, for a person."""
    now = lookup.generation(store.connection)
    found = []
    for algorithm in hashers.HASHERS:
        folder = folder_of(store.path, algorithm)
        if not folder.exists():
            continue
        try:
            index, rows, made_of = _open(folder)
        except (DamagedIndexError, OSError):
            found.append(CacheState(algorithm, "damaged", 0, 0))
            continue
        state = "foreign"
        if lookup.descends_from(store.connection, now, made_of):
            state = "current" if (made_of.newest, made_of.removals) == (now.newest, now.removals) else "older"
        found.append(CacheState(algorithm, state, len(rows), index.nbytes + len(rows) * _FACTS.itemsize))
    return found


def damage(store: Store) -> list[str]:
    """The algorithms whose cache does not have the digests that it was made with."""
    return [state.algorithm for state in states(store) if state.state == "damaged"]


def _tables(*tables: HashTable) -> list[HashTable]:
    return [table for table in tables if len(table)]


def _open(folder: Path) -> tuple[HammingIndex, HashRows, Generation]:
    """Map a cache into memory, checked against its digests. Raises DamagedIndexError, OSError."""
    index = HammingIndex.open(folder)
    try:
        tag = json.loads(index.tag)
        made_of = Generation(**tag["generation"])
        name, digest = str(tag["facts"]), str(tag["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(f"the cache's tag makes no sense: {error}") from error
    if os.path.basename(name) != name:
        raise DamagedIndexError("the cache names a file elsewhere")
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest or len(content) != len(index) * _FACTS.itemsize:
        raise DamagedIndexError("the cache's facts are damaged")
    facts = np.frombuffer(content, _FACTS)
    no_bits = np.empty((len(facts), 0), np.uint8)
    rows = HashRows(np.ascontiguousarray(facts["owner"]), no_bits, facts["quality"], facts["time"], facts["view"])
    return index, rows, made_of


def _save(folder: Path, table: HashTable, made_of: Generation) -> None:
    """Write a cache, readable by its owner only. The index comes last and names the facts that belong to it, so that
    two processes may do this at once. Raises OSError."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    facts = np.empty(len(table), _FACTS)
    for name in _FACTS.names or ():
        facts[name] = getattr(table.rows, name)
    content = facts.tobytes()
    name = f"facts-{os.urandom(8).hex()}"
    descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
    tag = {"generation": asdict(made_of), "facts": name, "sha256": hashlib.sha256(content).hexdigest()}
    table.index.save(folder, json.dumps(tag))
    for older in folder.glob("facts-*"):
        # One that another process wrote a moment ago and has not named yet is left; it makes its own cache complete.
        if older.name != name and older.stat().st_mtime < (folder / name).stat().st_mtime - 60:
            older.unlink(missing_ok=True)

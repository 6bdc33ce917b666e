"""Which references an entry of a list is about: all that have one of its digests, or its hashes. See docs/lists.md."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

#: Values to look up at once. SQLite does it in their order, page by page; it takes 32,766 values.
_LOOKED_UP = 20_000

#: The digests that references are found by, the strongest first.
DIGESTS = ("sha256", "sha1", "md5")

_Digests = tuple[bytes | None, bytes | None, bytes | None]
_NONE: _Digests = (None, None, None)


class KnownReferences:
    """The references that a batch of entries can be about, looked up together. New ones are added as they come."""

    def __init__(
        self, connection: sqlite3.Connection, identities: Iterable[bytes], digests: Sequence[_Digests]
    ) -> None:
        """digests: of each entry: SHA-256, SHA-1, MD5."""
        self._identity: dict[bytes, int] = dict(_looked_up(connection, "id", "reference", "identity", identities))
        self._by: tuple[defaultdict[bytes, dict[int, None]], ...] = tuple(defaultdict(dict) for _name in DIGESTS)
        self._own: dict[int, _Digests] = {}
        for number, name in enumerate(DIGESTS):
            wanted = {each[number] for each in digests if each[number] is not None}
            for table, column in (("reference", "id"), ("stated", "reference_id")):
                for digest, reference_id in _looked_up(connection, column, table, name, wanted):
                    self._by[number][digest][reference_id] = None
        found = {reference_id for by in self._by for ids in by.values() for reference_id in ids}
        for start in range(0, len(found), _LOOKED_UP):
            part = list(found)[start : start + _LOOKED_UP]
            marks = ", ".join("?" * len(part))
            rows = connection.execute(f"SELECT id, sha256, sha1, md5 FROM reference WHERE id IN ({marks})", part)
            self._own.update({reference_id: tuple(own) for reference_id, *own in rows})

    def add(self, reference_id: int, identity: bytes, digests: _Digests) -> None:
        """Let later entries find a new reference."""
        self._identity[identity] = reference_id
        if digests != _NONE:
            self._own[reference_id] = digests
            self.state(reference_id, digests)

    def state(self, reference_id: int, digests: _Digests) -> None:
        """Let later entries find a reference by digests that an entry gave it."""
        if digests == _NONE:
            return
        for by, digest in zip(self._by, digests, strict=True):
            if digest is not None:
                by[digest][reference_id] = None

    def own(self, reference_id: int) -> _Digests:
        """The digests that a reference has itself."""
        return self._own.get(reference_id, _NONE)

    def reached(self, identity: bytes, digests: _Digests) -> list[int]:
        """The references that an entry is about: those with its strongest digest, and those with a weaker one that have no
        stronger digest that contradicts it."""
        found: dict[int, None] = {}
        for number, digest in enumerate(digests) if digests != _NONE else ():
            if digest is None:
                continue
            for reference_id in self._by[number].get(digest, ()):
                stronger = zip(self.own(reference_id)[:number], digests[:number], strict=True)
                if all(own is None or own == other or other is None for own, other in stronger):
                    found[reference_id] = None
        if not found and identity in self._identity:
            found[self._identity[identity]] = None
        return list(found)


def of_hashes(
    connection: sqlite3.Connection, hashes: Iterable[tuple[str, bytes]]
) -> Mapping[tuple[str, bytes], list[int]]:
    """The references that have one of some hashes of whole still pictures, each by its algorithm and bits.

    It reads all hashes of the algorithm once, so it is for batches of entries that say no more than that a hash is wrong.
    """
    wanted: defaultdict[str, list[bytes]] = defaultdict(list)
    for algorithm, bits in hashes:
        wanted[algorithm].append(bits)
    found: defaultdict[tuple[str, bytes], list[int]] = defaultdict(list)
    for algorithm, values in wanted.items():
        for start in range(0, len(values), _LOOKED_UP):
            part = values[start : start + _LOOKED_UP]
            rows = connection.execute(
                "SELECT bits, reference_id FROM hash WHERE algorithm = ? AND view = 'full' AND count = 1 AND time IS NULL"
                f" AND bits IN ({', '.join('?' * len(part))}) ORDER BY reference_id",
                (algorithm, *part),
            )
            for bits, reference_id in rows:
                found[algorithm, bits].append(reference_id)
    return found


def _looked_up(
    connection: sqlite3.Connection, number: str, table: str, column: str, values: Iterable[bytes | None]
) -> Iterable[tuple[bytes, int]]:
    wanted = list(values)
    for start in range(0, len(wanted), _LOOKED_UP):
        part = wanted[start : start + _LOOKED_UP]
        marks = ", ".join("?" * len(part))
        yield from connection.execute(
            f"SELECT {column}, {number} FROM {table} WHERE {column} IN ({marks}) AND {column} IS NOT NULL", part
        )

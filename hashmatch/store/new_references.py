"""New references of hash lists, inserted many at once: a list may have millions."""

from __future__ import annotations

import sqlite3

from hashmatch.clock import now
from hashmatch.store import bulk, opinions, row_digests
from hashmatch.store.audit import Actor
from hashmatch.store.membership import Membership, ensure_collection, insert
from hashmatch.store.prepared_entries import COLUMNS, ListEntry
from hashmatch.store.references import IMPORTED, recipe

_HASH_COLUMNS = ("reference_id", "algorithm", "view", "recipe_id", "count", "bits", "quality", "time")


class NewReferences:
    """New references of a list that are inserted together."""

    def __init__(self, connection: sqlite3.Connection, actor: Actor, trusted: frozenset[str]) -> None:
        """trusted: owners whose allow list counts without a person's word."""
        self._connection, self._actor, self._trusted = connection, actor, trusted
        self._entries: list[tuple[int, ListEntry]] = []
        self._collections: dict[tuple[str, str, str], int] = {}
        self._recipes: dict[int | None, int] = {}
        self._next = 0

    def add(self, entry: ListEntry) -> int:
        """Add a reference. Returns the id that it will have."""
        if not self._entries:
            (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM reference").fetchone()
            self._next = int(last) + 1
        reference_id = self._next
        self._next += 1
        self._entries.append((reference_id, entry))
        return reference_id

    def flush(self) -> None:
        if not self._entries:
            return
        connection, entries = self._connection, self._entries
        for _reference_id, entry in entries:
            if _place(entry) not in self._collections:
                self._collections[_place(entry)] = ensure_collection(connection, self._actor, entry.membership)
        (revision,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM audit").fetchone()
        moment = now()
        with row_digests.at_once(connection, "reference", "hash", "membership"):
            bulk.insert(
                connection,
                "reference",
                ("id", "identity", *COLUMNS, "allow", "pending", "allow_here", "added", "revision"),
                (
                    (reference_id, entry.identity, *entry.columns, *self._allowed(entry.membership), moment, revision)
                    for reference_id, entry in entries
                ),
            )
            bulk.insert(
                connection,
                "hash",
                _HASH_COLUMNS,
                (
                    (reference_id, algorithm, view, self._recipe(version), *packed)
                    for reference_id, entry in entries
                    for algorithm, view, version, *packed in entry.hashes
                ),
            )
            insert(
                connection,
                ((reference_id, self._collections[_place(entry)], entry.membership) for reference_id, entry in entries),
            )
        for reference_id, entry in entries:
            if entry.opinions:
                told = entry.opinions
                opinions.add(connection, reference_id, told, entry.membership.import_id, entry.membership.owner)
        self._entries = []

    def _allowed(self, membership: Membership) -> tuple[int, int, int | None]:
        """Whether a new reference is on the allow list, whether it waits for a person, and what a person decided."""
        waits = membership.allow and not membership.allow_here and membership.owner not in self._trusted
        return (
            int(membership.allow),
            int(waits and membership.import_id is not None),
            1 if membership.allow_here else None,
        )

    def _recipe(self, version: int | None) -> int:
        if version not in self._recipes:
            self._recipes[version] = recipe(self._connection, IMPORTED, version)
        return self._recipes[version]


def _place(entry: ListEntry) -> tuple[str, str, str]:
    membership = entry.membership
    return membership.owner, membership.author, membership.collection

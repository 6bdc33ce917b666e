"""Add entries of hash lists to the set, many at once: a list may have millions."""

from __future__ import annotations

import functools
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hashmatch.clock import now
from hashmatch.records import ListItem, Opinion
from hashmatch.store import bulk, opinions, row_digests
from hashmatch.store.audit import Actor
from hashmatch.store.membership import (
    JoinOutcome,
    Membership,
    ensure_collection,
    insert,
    join,
    mark,
    touch,
)
from hashmatch.store.overrides import SaidHere, said_here
from hashmatch.store.references import IMPORTED, PackedRow, packed_rows, raw, recipe, set_hashes


class ListEntry(NamedTuple):
    """A list's entry as the database will keep it. It is made without the database, so that another process can do it. A
    tuple, since a list has millions.

    columns: values of _COLUMNS. hashes: see packed_rows. opinions: each with its source.
    """

    identity: bytes
    columns: tuple[object, ...]
    hashes: tuple[PackedRow, ...]
    opinions: tuple[Opinion, ...]
    membership: Membership


def entry_of(item: ListItem, membership: Membership) -> ListEntry:
    """An entry of a list, prepared. membership: how to add it."""
    return ListEntry(
        identity_of(item),
        (raw(item.sha256), raw(item.sha1), raw(item.md5), item.kind, item.size, item.duration, item.width, item.height),
        tuple(packed_rows(item.hashes)),
        _with_source(item, membership) if item.opinions else (),
        membership,
    )


#: Identities to look up at once. SQLite does it in their order, page by page; it takes 32,766 values.
_LOOKED_UP = 20_000


def add_items(
    connection: sqlite3.Connection, actor: Actor, entries: Sequence[ListEntry], *, allow_known: bool = False
) -> list[tuple[int, JoinOutcome]]:
    """Add entries of a hash list, within a transaction. A retracted entry leaves a tombstone.

    Hashes that were made here from the bytes are not replaced by those of a list.
    allow_known: whether an entry may put a reference on the allow list that is known already. A list alone must not do
    that, or a partner could protect what others know as propaganda. membership.join says what holds for references that
    only the partner knows.
    Returns for each entry the reference's id and what happened to it.
    """
    known = _known(connection, [entry.identity for entry in entries])
    batch = _Batch(connection, actor)
    people = functools.cache(lambda: said_here(connection))
    outcomes: list[tuple[int, JoinOutcome]] = []
    for entry in entries:
        reference_id, membership = known.get(entry.identity), entry.membership
        if reference_id is None and membership.import_id is not None and membership.retracted is None:
            known[entry.identity] = reference_id = batch.add(entry)
            outcomes.append((reference_id, "added"))
            continue
        batch.flush()
        new = reference_id is None
        if reference_id is None:
            known[entry.identity] = reference_id = _insert(connection, entry)
        outcome = _add_to(connection, actor, reference_id, entry, new=new, allow_known=allow_known, people=people)
        outcomes.append((reference_id, outcome))
    batch.flush()
    return outcomes


def add_item(
    connection: sqlite3.Connection, actor: Actor, item: ListItem, membership: Membership, *, allow_known: bool = False
) -> tuple[int, JoinOutcome]:
    """Add one entry; see add_items."""
    return add_items(connection, actor, [entry_of(item, membership)], allow_known=allow_known)[0]


def find(connection: sqlite3.Connection, identity: bytes) -> int | None:
    """The reference that an entry stands for; None if there is none."""
    return _known(connection, [identity]).get(identity)


def of_case(connection: sqlite3.Connection, collection: str, case: str) -> list[int]:
    """The references that a collection has under a case."""
    rows = connection.execute(
        "SELECT reference_id FROM membership JOIN collection ON collection.id = collection_id"
        " WHERE case_id = ? AND name = ? ORDER BY reference_id",
        (case, collection),
    )
    return [int(reference_id) for (reference_id,) in rows]


def withdraw(connection: sqlite3.Connection, actor: Actor, reference_id: int, entry: ListEntry) -> JoinOutcome:
    """Withdraw a known reference, for an entry that names it by something other than its content."""
    return _add_to(connection, actor, reference_id, entry)


def identity_of(item: ListItem) -> bytes:
    """What makes two entries of lists the same: 32 bytes.

    This is the SHA-256 of the media's bytes if the list has it, else a SHA-256 over the strongest digest, else over all
    perceptual hashes, in an order that does not depend on the list's.
    """
    if item.sha256 is not None:
        return bytes.fromhex(item.sha256)
    if item.sha1 is not None:
        named = "sha1:" + item.sha1
    elif item.md5 is not None:
        named = "md5:" + item.md5
    else:
        # Without times: other tools round them, each in its own way.
        named = ",".join(sorted(f"{h.algorithm}:{h.view}:{h.hex}" for h in item.hashes))
    return hashlib.sha256(b"hashmatch identity\0" + named.encode()).digest()


def _known(connection: sqlite3.Connection, identities: Sequence[bytes]) -> dict[bytes, int]:
    known: dict[bytes, int] = {}
    for start in range(0, len(identities), _LOOKED_UP):
        part = identities[start : start + _LOOKED_UP]
        marks = ", ".join("?" * len(part))
        known.update(connection.execute(f"SELECT identity, id FROM reference WHERE identity IN ({marks})", part))
    return known


_COLUMNS = ("sha256", "sha1", "md5", "kind", "size", "duration", "width", "height")
_HASH_COLUMNS = ("reference_id", "algorithm", "view", "recipe_id", "count", "bits", "quality", "time")


def _insert(connection: sqlite3.Connection, entry: ListEntry) -> int:
    cursor = connection.execute(
        f"INSERT INTO reference (identity, {', '.join(_COLUMNS)}, added, revision)"
        f" VALUES (?, {', '.join('?' * len(_COLUMNS))}, ?, (SELECT coalesce(max(id), 0) + 1 FROM audit))",
        (entry.identity, *entry.columns, now()),
    )
    return int(cursor.lastrowid or 0)


def _add_to(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    entry: ListEntry,
    *,
    new: bool = False,
    allow_known: bool = False,
    people: Callable[[], SaidHere] | None = None,
) -> JoinOutcome:
    """Add an entry to a reference that is there. new: it was inserted just now. The others: see membership.join."""
    membership = entry.membership
    replaceable = _replaceable(connection, reference_id, membership)
    present = connection.execute("SELECT DISTINCT algorithm FROM hash WHERE reference_id = ?", (reference_id,))
    kept = {algorithm for (algorithm,) in present if not replaceable(algorithm)}
    outcome = join(connection, actor, reference_id, membership, new=new, allow_known=allow_known, people=people)
    if outcome == "disputed":
        return outcome
    hashes = [row for row in entry.hashes if row[0] not in kept]
    changed = set_hashes(connection, reference_id, hashes, IMPORTED, new=new)
    changed |= mark(connection, reference_id, membership.collection, membership.tlp)
    changed |= opinions.add(connection, reference_id, entry.opinions, membership.import_id)
    if membership.import_id is not None:
        # The membership names the list that made the reference a member.
        connection.execute(
            "INSERT OR IGNORE INTO provenance (reference_id, import_id, collection_id, carried)"
            " SELECT ?1, ?2, id, ?3 FROM collection WHERE name = ?4 AND NOT EXISTS"
            " (SELECT 1 FROM membership WHERE reference_id = ?1 AND import_id = ?2)",
            (reference_id, membership.import_id, membership.carried, membership.collection),
        )
    if changed and not new:
        touch(connection, reference_id, own=False)
    return "joined" if changed and outcome == "known" else outcome


def _replaceable(connection: sqlite3.Connection, reference_id: int, membership: Membership) -> Callable[[str], bool]:
    """Which algorithms' hashes an entry may replace: those that came in a list, if the entry is a newer word than the last
    one of its collection.
    """
    said = membership.said
    row = connection.execute(
        "SELECT changed FROM membership JOIN collection ON collection.id = collection_id"
        " WHERE reference_id = ? AND name = ?",
        (reference_id, membership.collection),
    ).fetchone()
    if said is None or row is None or row[0] is None or said <= row[0]:
        return lambda algorithm: False
    listed = connection.execute(
        "SELECT algorithm FROM hash JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ? AND decoding = ?",
        (reference_id, IMPORTED),
    )
    return {algorithm for (algorithm,) in listed}.__contains__


def _with_source(item: ListItem, membership: Membership) -> tuple[Opinion, ...]:
    """An entry's opinions, each with its source, and with a date if the entry has one."""
    at = membership.said
    return tuple(replace(each, source=each.source or membership.collection, at=each.at or at) for each in item.opinions)


class _Batch:
    """New references of a list that are inserted together."""

    def __init__(self, connection: sqlite3.Connection, actor: Actor) -> None:
        self._connection, self._actor = connection, actor
        self._entries: list[tuple[int, ListEntry]] = []
        self._collections: dict[str, int] = {}
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
        for name in {entry.membership.collection for _id, entry in entries} - self._collections.keys():
            self._collections[name] = ensure_collection(connection, self._actor, name)
        (revision,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM audit").fetchone()
        moment = now()
        with row_digests.at_once(connection, "reference", "hash", "membership"):
            bulk.insert(
                connection,
                "reference",
                ("id", "identity", *_COLUMNS, "allow", "added", "revision"),
                (
                    (reference_id, entry.identity, *entry.columns, entry.membership.allow, moment, revision)
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
                (
                    (reference_id, self._collections[entry.membership.collection], entry.membership)
                    for reference_id, entry in entries
                ),
            )
        for reference_id, entry in entries:
            if entry.opinions:
                opinions.add(connection, reference_id, entry.opinions, entry.membership.import_id)
        self._entries = []

    def _recipe(self, version: int | None) -> int:
        if version not in self._recipes:
            self._recipes[version] = recipe(self._connection, IMPORTED, version)
        return self._recipes[version]

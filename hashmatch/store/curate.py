"""Change what is in the reference set: labels, retractions, the allow list, collections. Each change is audited."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hashmatch.clock import now
from hashmatch.records import Tlp
from hashmatch.store.audit import Actor, record
from hashmatch.store.lookup import collection_number
from hashmatch.store.membership import add_labels, labels_of, packed_labels, touch


@dataclass(frozen=True, slots=True)
class Collection:
    """A named group of references with one sharing rule, and how many references it has."""

    name: str
    tlp: Tlp | None
    note: str | None
    created: str
    references: int
    retracted: int


def collections(connection: sqlite3.Connection) -> list[Collection]:
    """All collections, by name."""
    rows = connection.execute(
        "SELECT name, collection.tlp, collection.note, created, count(reference_id), count(retracted) FROM collection"
        " LEFT JOIN membership ON collection_id = collection.id GROUP BY collection.id ORDER BY name"
    )
    return [Collection(*row) for row in rows]


def set_collection(
    connection: sqlite3.Connection, actor: Actor, name: str, tlp: Tlp | None = None, note: str | None = None
) -> None:
    """Change a collection's sharing rule or note. None leaves it as it is."""
    connection.execute(
        "UPDATE collection SET tlp = coalesce(?, tlp), note = coalesce(?, note) WHERE id = ?",
        (tlp, note, collection_number(connection, name)),
    )
    if tlp is not None:
        connection.execute(
            "UPDATE reference SET revision = (SELECT coalesce(max(id), 0) + 1 FROM audit) WHERE id IN"
            " (SELECT reference_id FROM membership WHERE collection_id = ?)",
            (collection_number(connection, name),),
        )
    record(connection, actor, "collection", {"collection": name, "tlp": tlp, "note": note})


def set_labels(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, add: Iterable[str], remove: Iterable[str]
) -> None:
    """Add labels to a reference and remove others, including those that lists gave."""
    add, remove = sorted(set(add)), sorted(set(remove))
    add_labels(connection, reference_id, add)
    connection.executemany(
        "DELETE FROM label WHERE reference_id = ? AND name = ?", [(reference_id, name) for name in remove]
    )
    listed = connection.execute(
        "SELECT collection_id, labels FROM membership WHERE reference_id = ? AND labels IS NOT NULL", (reference_id,)
    )
    for collection_id, packed in listed.fetchall():
        kept = packed_labels(name for name in labels_of(packed) if name not in remove)
        if kept != packed:
            connection.execute(
                "UPDATE membership SET labels = ? WHERE reference_id = ? AND collection_id = ?",
                (kept, reference_id, collection_id),
            )
    touch(connection, reference_id, own=True)
    record(connection, actor, "label", {"reference": reference_id, "add": add, "remove": remove})


def retract(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, reason: str | None, collection: str | None = None
) -> int:
    """Withdraw a reference from one of its collections, or from all. Returns from how many it was withdrawn now."""
    changed = connection.execute(
        "UPDATE membership SET retracted = ?, retraction_reason = ?, retraction_import_id = NULL"
        " WHERE reference_id = ? AND retracted IS NULL"
        " AND (? IS NULL OR collection_id = ?)",
        (now(), reason, reference_id, *_only(connection, collection)),
    ).rowcount
    if changed:
        touch(connection, reference_id, own=True)
        detail = {"reference": reference_id, "reason": reason, "collection": collection}
        record(connection, actor, "retract", detail)
    return changed


def restore(connection: sqlite3.Connection, actor: Actor, reference_id: int, collection: str | None = None) -> int:
    """Undo retractions of a reference. Returns in how many collections."""
    changed = connection.execute(
        "UPDATE membership SET retracted = NULL, retraction_reason = NULL, retraction_import_id = NULL"
        " WHERE reference_id = ? AND retracted IS NOT NULL AND (? IS NULL OR collection_id = ?)",
        (reference_id, *_only(connection, collection)),
    ).rowcount
    if changed:
        touch(connection, reference_id, own=True)
        record(connection, actor, "restore", {"reference": reference_id, "collection": collection})
    return changed


def set_allow(connection: sqlite3.Connection, actor: Actor, reference_id: int, allow: bool) -> bool:
    """Put a reference on the allow list or take it off. Returns whether this changed anything."""
    changed = connection.execute(
        "UPDATE reference SET allow = ? WHERE id = ? AND allow != ?", (allow, reference_id, allow)
    ).rowcount
    if changed:
        touch(connection, reference_id, own=True)
        record(connection, actor, "allow" if allow else "disallow", {"reference": reference_id})
    return bool(changed)


def set_common_hashes(connection: sqlite3.Connection, actor: Actor, algorithm: str, found: Mapping[bytes, int]) -> None:
    """From now on these hashes of an algorithm, and no others, are too common to be evidence.

    found: for each hash, how many references have it.
    """
    before = connection.execute("SELECT count(*) FROM common_hash WHERE algorithm = ?", (algorithm,)).fetchone()[0]
    connection.execute("DELETE FROM common_hash WHERE algorithm = ?", (algorithm,))
    connection.executemany(
        "INSERT INTO common_hash (algorithm, bits, found, added) VALUES (?, ?, ?, ?)",
        [(algorithm, bits, count, now()) for bits, count in found.items()],
    )
    if before or found:
        record(connection, actor, "demote", {"algorithm": algorithm, "hashes": len(found), "before": before})


def _only(connection: sqlite3.Connection, collection: str | None) -> tuple[int | None, int | None]:
    number = None if collection is None else collection_number(connection, collection)
    return number, number

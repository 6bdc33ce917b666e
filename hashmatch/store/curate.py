"""Change what is in the reference set: labels, retractions, the allow list, collections. Each change is audited."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hashmatch.clock import now
from hashmatch.records import Tlp, strictest
from hashmatch.store import lookup, voices
from hashmatch.store.allow_list import decide, say, settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import Membership, add_labels, ensure_collection, insert, labels_of, packed_labels
from hashmatch.store.revisions import touch, touch_collection


@dataclass(frozen=True, slots=True)
class Collection:
    """A named group of references with one sharing rule, and how many references it has. owner, author: see voices.py."""

    name: str
    owner: str
    author: str
    tlp: Tlp | None
    note: str | None
    created: str
    references: int
    retracted: int


def collections(connection: sqlite3.Connection) -> list[Collection]:
    """All collections, by name."""
    rows = connection.execute(
        "SELECT name, owner, author, collection.tlp, collection.note, created, count(reference_id),"
        " count(coalesce(retracted, taken_back)) FROM collection JOIN voice ON voice.id = voice_id"
        " LEFT JOIN membership ON collection_id = collection.id GROUP BY collection.id ORDER BY name, voice_id"
    )
    return [Collection(*row) for row in rows]


def set_collection(
    connection: sqlite3.Connection, actor: Actor, name: str, tlp: Tlp | None = None, note: str | None = None
) -> None:
    """Change the sharing rule or note of the collections of a name. None leaves it as it is."""
    for number in lookup.collection_numbers(connection, name):
        connection.execute(
            "UPDATE collection SET tlp = coalesce(?, tlp), note = coalesce(?, note) WHERE id = ?", (tlp, note, number)
        )
        if tlp is not None:
            touch_collection(connection, number)
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
    touch(connection, reference_id)
    record(connection, actor, "label", {"reference": reference_id, "add": add, "remove": remove})


def retract(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, reason: str | None, collection: str | None = None
) -> int:
    """Withdraw a reference from the collections of a name, or from all: our own word, or what we think of another's. Returns
    from how many it was withdrawn now."""
    chosen, numbers = _only(connection, collection)
    changed = connection.execute(
        "UPDATE membership SET retracted = ?, retraction_reason = ?, retraction_import_id = NULL"
        f" WHERE reference_id = ? AND retracted IS NULL AND {_OURS} AND {chosen}",
        (now(), reason, reference_id, *numbers),
    ).rowcount
    changed += connection.execute(
        "UPDATE membership SET taken_back = ?, taken_back_reason = ?"
        f" WHERE reference_id = ? AND taken_back IS NULL AND NOT {_OURS} AND {chosen}",
        (now(), reason, reference_id, *numbers),
    ).rowcount
    if changed:
        touch(connection, reference_id)
        settle(connection, reference_id)
        detail = {"reference": reference_id, "reason": reason, "collection": collection}
        record(connection, actor, "retract", detail)
    return changed


def restore(connection: sqlite3.Connection, actor: Actor, reference_id: int, collection: str | None = None) -> int:
    """Undo retractions of a reference by people here. Returns in how many collections.

    What its source withdrew stays so. If nobody else stands by it, we do, in a collection of ours of that name.
    """
    chosen, numbers = _only(connection, collection)
    changed = connection.execute(
        "UPDATE membership SET retracted = NULL, retraction_reason = NULL, retraction_import_id = NULL"
        f" WHERE reference_id = ? AND retracted IS NOT NULL AND {_OURS} AND {chosen}",
        (reference_id, *numbers),
    ).rowcount
    changed += connection.execute(
        "UPDATE membership SET taken_back = NULL, taken_back_reason = NULL"
        f" WHERE reference_id = ? AND taken_back IS NOT NULL AND {chosen}",
        (reference_id, *numbers),
    ).rowcount
    if connection.execute("SELECT 1 FROM live_reference WHERE id = ?", (reference_id,)).fetchone() is None:
        changed += _stand_by(connection, actor, reference_id, chosen, numbers)
    if changed:
        touch(connection, reference_id)
        settle(connection, reference_id)
        record(connection, actor, "restore", {"reference": reference_id, "collection": collection})
    return changed


def _stand_by(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, chosen: str, numbers: tuple[int, ...]
) -> int:
    """Say ourselves what another source has withdrawn. Returns in how many collections."""
    rows = connection.execute(
        "SELECT name, membership.tlp, allow FROM membership JOIN collection ON collection.id = collection_id"
        f" WHERE reference_id = ? AND NOT {_OURS} AND {chosen} ORDER BY name",
        (reference_id, *numbers),
    ).fetchall()
    marks: dict[str, Tlp | None] = {}
    for name, tlp, _allow in rows:
        marks[name] = strictest(marks.get(name), tlp)
    allowed = all(allow for _name, _tlp, allow in rows)
    for name, mark in marks.items():
        _say(connection, actor, reference_id, Membership(name, tlp=mark, allow=allowed, operator=actor.operator))
    return len(marks)


#: Our own collection for what `allow` puts on the allow list and no other collection of ours has.
ALLOWED = "allowed"


def set_allow(connection: sqlite3.Connection, actor: Actor, reference_id: int, allow: bool) -> bool:
    """Put a reference on the allow list or take it off. Our word on it goes out as ours. Returns whether this changed
    anything."""
    if not decide(connection, reference_id, allow):
        return False
    ours = connection.execute(
        f"SELECT name FROM membership JOIN collection ON collection.id = collection_id WHERE reference_id = ? AND {_OURS}",
        (reference_id,),
    ).fetchall()
    if (ALLOWED,) in ours:
        connection.execute(
            "UPDATE membership SET retracted = ?, retraction_reason = NULL, retraction_import_id = NULL"
            f" WHERE reference_id = ? AND {_OURS} AND collection_id IN (SELECT id FROM collection WHERE name = ?)",
            (None if allow else now(), reference_id, ALLOWED),
        )
        settle(connection, reference_id)
    elif allow and not ours:
        found = lookup.reference(connection, reference_id)
        if found.live:
            _say(connection, actor, reference_id, Membership(ALLOWED, tlp=found.tlp, operator=actor.operator))
    touch(connection, reference_id)
    record(connection, actor, "allow" if allow else "disallow", {"reference": reference_id})
    return True


def _say(connection: sqlite3.Connection, actor: Actor, reference_id: int, membership: Membership) -> None:
    """Say something of a reference that no collection of ours of that name has said yet."""
    collection_id = ensure_collection(connection, actor, membership)
    insert(connection, [(reference_id, collection_id, membership)])
    say(connection, reference_id)


#: In SQL, whether a membership is in a collection of ours.
_OURS = f"collection_id IN (SELECT id FROM collection WHERE voice_id = {voices.HERE})"


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


def _only(connection: sqlite3.Connection, collection: str | None) -> tuple[str, tuple[int, ...]]:
    """In SQL, whether a membership is in a collection of this name, and the values for it."""
    if collection is None:
        return "1", ()
    numbers = lookup.collection_numbers(connection, collection)
    return f"collection_id IN ({', '.join('?' * len(numbers))})", numbers

"""Add references to the set: from files that were hashed here, and from lists that others made."""

from __future__ import annotations

import array
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.records import Digests, Failure, Fingerprint, Hash, ListItem, Tlp, strictest
from hashmatch.store.audit import Actor, now, record

#: In the packed quality column, stands for "not known".
UNKNOWN_QUALITY = 255
#: The recipe of hashes that came in a list.
IMPORTED = "imported"

#: What became of an addition. "joined": a known reference, of which something new was added. "retracted": it was
#: withdrawn, and adding it again does not revive it. "forbidden": a list would withdraw what was not from a list.
Outcome = Literal["added", "joined", "known", "retracted", "forbidden"]


@dataclass(frozen=True, slots=True)
class Membership:
    """As what a reference is added: to which collection, on whose word, under which rule."""

    collection: str
    source: str | None = None
    tlp: Tlp | None = None
    case: str | None = None
    note: str | None = None
    labels: tuple[str, ...] = ()
    allow: bool = False
    added: str | None = None
    retracted: str | None = None
    retraction_reason: str | None = None
    operator: str | None = None
    import_id: int | None = None
    #: Whether a person named the collection that a list is for; only then may it withdraw what was indexed here.
    named: bool = False


def add_file(
    connection: sqlite3.Connection,
    actor: Actor,
    fingerprint: Fingerprint,
    location: tuple[bytes, int, int],
    membership: Membership,
) -> tuple[int, Outcome]:
    """Add what was measured of a file, within a transaction. location: path, size, mtime in nanoseconds.

    Returns the reference's id and what became of it. Hashes of the same algorithms are replaced, others kept.
    """
    assert fingerprint.digests is not None
    digests = fingerprint.digests
    found = connection.execute("SELECT id FROM reference WHERE sha256 = ?", (bytes.fromhex(digests.sha256),)).fetchone()
    reference_id = int(found[0]) if found else _insert_reference(connection, fingerprint, digests)
    changed = _set_hashes(connection, reference_id, fingerprint.hashes, fingerprint.recipe, new=not found)
    changed |= _set_features(connection, reference_id, fingerprint, new=not found)
    if changed and found:
        _set_measures(connection, reference_id, fingerprint)
        record(connection, actor, "rehash", {"reference": reference_id, "decoding": fingerprint.recipe})
    outcome = join(connection, actor, reference_id, membership, new=not found, path=location[0])
    set_location(connection, reference_id, *location)
    return reference_id, "joined" if changed and outcome == "known" else outcome


def add_item(
    connection: sqlite3.Connection, actor: Actor, item: ListItem, membership: Membership, *, allow_known: bool = False
) -> tuple[int, Outcome]:
    """Add an entry of a hash list, within a transaction. A retracted entry leaves a tombstone.

    Hashes that were made here from the bytes themselves are not replaced by those of a list.
    allow_known: whether it may put a reference on the allow list that is known already. On a list's word alone it must
    not, or a partner could protect what others know as propaganda.
    """
    identity = identity_of(item)
    found = connection.execute("SELECT id FROM reference WHERE identity = ?", (identity,)).fetchone()
    if found:
        reference_id = int(found[0])
        membership = replace(membership, allow=membership.allow and allow_known)
        present = {
            algorithm
            for (algorithm,) in connection.execute("SELECT algorithm FROM hash WHERE reference_id = ?", (reference_id,))
        }
    else:
        cursor = connection.execute(
            "INSERT INTO reference (identity, sha256, sha1, md5, kind, size, duration, added)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (identity, _raw(item.sha256), _raw(item.sha1), _raw(item.md5), item.kind, item.size, item.duration, now()),
        )
        reference_id, present = int(cursor.lastrowid or 0), set()
    hashes = [h for h in item.hashes if h.algorithm not in present]
    _set_hashes(connection, reference_id, hashes, IMPORTED, new=not found)
    return reference_id, join(connection, actor, reference_id, membership, new=not found)


def join(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    *,
    new: bool = False,
    path: bytes | None = None,
) -> Outcome:
    """Make a reference a member of a collection, with labels; or retract it there, if `membership` says so.

    A reference whose every membership is retracted stays so, and so does a membership that is retracted itself: only
    `restore` undoes a retraction.
    """
    # The marks of a list's entries are their own, not those of the collection that the first of them happens to make.
    rule = membership.tlp if membership.import_id is None else None
    rows: list[tuple[str, str | None]] = []
    if not new:
        query = "SELECT name, retracted FROM membership JOIN collection ON collection.id = collection_id"
        rows = connection.execute(f"{query} WHERE reference_id = ?", (reference_id,)).fetchall()
    retracted_here = dict(rows).get(membership.collection, "")
    live = any(retracted is None for _, retracted in rows)
    detail: dict[str, object] = {"reference": reference_id, "collection": membership.collection}
    if path is not None:
        detail["path"] = os.fsdecode(path)
    if membership.retracted is not None:
        if retracted_here:
            return "known"
        if retracted_here is None and membership.import_id is not None and not membership.named:
            own = connection.execute(
                "SELECT 1 FROM membership JOIN collection ON collection.id = collection_id"
                " WHERE reference_id = ? AND name = ? AND import_id IS NULL",
                (reference_id, membership.collection),
            ).fetchone()
            if own:
                return "forbidden"
        detail |= {"retracted": membership.retracted, "reason": membership.retraction_reason}
        collection_id = ensure_collection(connection, actor, membership.collection, rule)
        _insert_membership(connection, reference_id, collection_id, membership)
        if (
            new
        ):  # a tombstone remembers what it was, so that restoring one of the allow list does not make it propaganda
            _add_labels(connection, reference_id, membership.labels)
            connection.execute("UPDATE reference SET allow = ? WHERE id = ?", (membership.allow, reference_id))
        record(connection, actor, "retract", detail)
        return "retracted"
    if rows and (not live or retracted_here):
        return "retracted"
    collection_id = ensure_collection(connection, actor, membership.collection, rule)
    added_labels = _add_labels(connection, reference_id, membership.labels)
    allowed = membership.allow and bool(
        connection.execute("UPDATE reference SET allow = 1 WHERE id = ? AND allow = 0", (reference_id,)).rowcount
    )
    is_member = retracted_here is None
    if not is_member:
        _insert_membership(connection, reference_id, collection_id, membership)
    told_more = is_member and _complete_membership(connection, reference_id, collection_id, membership)
    if is_member and not added_labels and not allowed and not told_more:
        return "known"
    if membership.import_id is None:  # an import is one entry in the audit trail, and its members point to it
        detail |= {"labels": added_labels, "allow": allowed, "source": membership.source, "tlp": membership.tlp}
        record(connection, actor, "add" if new else "join", detail)
    return "added" if new else "joined"


def ensure_collection(connection: sqlite3.Connection, actor: Actor, name: str, tlp: Tlp | None = None) -> int:
    """The id of a collection, which is made with this sharing rule if there is none of that name."""
    found = connection.execute("SELECT id FROM collection WHERE name = ?", (name,)).fetchone()
    if found:
        return int(found[0])
    cursor = connection.execute("INSERT INTO collection (name, tlp, created) VALUES (?, ?, ?)", (name, tlp, now()))
    record(connection, actor, "collection", {"collection": name, "tlp": tlp})
    return int(cursor.lastrowid or 0)


def set_location(connection: sqlite3.Connection, reference_id: int, path: bytes, size: int, mtime_ns: int) -> None:
    """Remember where a reference's bytes were seen, so that the next run need not read them again."""
    connection.execute(
        "INSERT INTO location (path, reference_id, size, mtime_ns, seen) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET reference_id = excluded.reference_id, size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, seen = excluded.seen",
        (path, reference_id, size, mtime_ns, now()),
    )


def identity_of(item: ListItem) -> bytes:
    """What makes an entry of a list the same as another: 32 bytes.

    The SHA-256 of the media's bytes where the list has it; else a SHA-256 over the strongest digest, else over all
    perceptual hashes, in an order that does not depend on the list's.
    """
    if item.sha256 is not None:
        return bytes.fromhex(item.sha256)
    if item.sha1 is not None:
        named = "sha1:" + item.sha1
    elif item.md5 is not None:
        named = "md5:" + item.md5
    else:
        # Without times, which other tools round in their own ways.
        named = ",".join(sorted(f"{h.algorithm}:{h.view}:{h.hex}" for h in item.hashes))
    return hashlib.sha256(b"hashmatch identity\0" + named.encode()).digest()


def pack(hashes: Sequence[Hash]) -> tuple[bytes, bytes, bytes | None]:
    """Hashes of one algorithm and view as the database keeps them: bits, quality and time, one after the other."""
    bits = b"".join(h.bits for h in hashes)
    quality = bytes(UNKNOWN_QUALITY if h.quality is None else h.quality for h in hashes)
    if any(h.time is None for h in hashes):
        return bits, quality, None
    time = array.array("f", [h.time or 0.0 for h in hashes])
    if sys.byteorder == "big":
        time.byteswap()
    return bits, quality, time.tobytes()


def _raw(digest: str | None) -> bytes | None:
    return None if digest is None else bytes.fromhex(digest)


#: Columns of what is measured of a file, beside its SHA-256.
_MEASURES = "sha1, md5, kind, size, width, height, duration, partial, error_code, error_message"


def _measures(fingerprint: Fingerprint, digests: Digests) -> tuple[object, ...]:
    """The values of _MEASURES."""
    error = fingerprint.error or Failure("", "")
    return (
        _raw(digests.sha1),
        _raw(digests.md5),
        fingerprint.kind,
        fingerprint.size,
        fingerprint.width,
        fingerprint.height,
        fingerprint.duration,
        fingerprint.partial,
        error.code or None,
        error.message or None,
    )


def _insert_reference(connection: sqlite3.Connection, fingerprint: Fingerprint, digests: Digests) -> int:
    sha256 = bytes.fromhex(digests.sha256)
    row = (sha256, sha256, now(), *_measures(fingerprint, digests))
    marks = ", ".join("?" * len(row))
    cursor = connection.execute(f"INSERT INTO reference (identity, sha256, added, {_MEASURES}) VALUES ({marks})", row)
    return int(cursor.lastrowid or 0)


def _set_measures(connection: sqlite3.Connection, reference_id: int, fingerprint: Fingerprint) -> None:
    """A reference that a list brought, or that failed before, now has been decoded from its bytes."""
    assert fingerprint.digests is not None
    row = _measures(fingerprint, fingerprint.digests)
    marks = ", ".join("?" * len(row))
    connection.execute(f"UPDATE reference SET ({_MEASURES}) = ({marks}) WHERE id = ?", (*row, reference_id))


def _set_hashes(
    connection: sqlite3.Connection, reference_id: int, hashes: Iterable[Hash], decoding: str, *, new: bool
) -> bool:
    """Keep these hashes, instead of older ones of the same algorithms. Returns whether that changed anything."""
    wanted: dict[str, dict[str, tuple[object, ...]]] = {}
    for (algorithm, view), group in groupby(
        sorted(hashes, key=lambda h: (h.algorithm, h.view)), key=lambda h: (h.algorithm, h.view)
    ):
        members = sorted(group, key=lambda h: h.time or 0.0)
        recipe_id = _recipe(connection, decoding, members[0].version)
        wanted.setdefault(algorithm, {})[view] = (recipe_id, len(members), *pack(members))
    changed = False
    for algorithm, views in wanted.items():
        if not new:
            rows = connection.execute(
                "SELECT view, recipe_id, count, bits, quality, time FROM hash WHERE reference_id = ? AND algorithm = ?",
                (reference_id, algorithm),
            )
            if {view: tuple(rest) for view, *rest in rows} == views:
                continue  # as when two copies of one file were decoded at the same time
            connection.execute("DELETE FROM hash WHERE reference_id = ? AND algorithm = ?", (reference_id, algorithm))
        changed = True
        for view, packed in views.items():
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, view, recipe_id, count, bits, quality, time)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (reference_id, algorithm, view, *packed),
            )
    return changed


def _set_features(connection: sqlite3.Connection, reference_id: int, fingerprint: Fingerprint, *, new: bool) -> bool:
    """Keep these local features, instead of older ones; a picture may have none. Returns whether that changed anything."""
    if not fingerprint.features:
        return False
    features = LocalFeatures.from_bytes(fingerprint.features[0])
    row = (len(features), features.descriptors, features.shape_and_points)
    if not new:
        query = "SELECT count, bits, points FROM hash WHERE reference_id = ? AND algorithm = ?"
        if connection.execute(query, (reference_id, FEATURES)).fetchone() == (row if len(features) else None):
            return False
        connection.execute("DELETE FROM hash WHERE reference_id = ? AND algorithm = ?", (reference_id, FEATURES))
    if len(features):
        recipe_id = _recipe(connection, fingerprint.recipe, features.version)
        connection.execute(
            "INSERT INTO hash (reference_id, algorithm, view, recipe_id, count, bits, quality, points)"
            " VALUES (?, ?, 'full', ?, ?, ?, ?, ?)",
            (
                *(reference_id, FEATURES, recipe_id, len(features)),
                *(features.descriptors, bytes([UNKNOWN_QUALITY]) * len(features), features.shape_and_points),
            ),
        )
    return True


def _recipe(connection: sqlite3.Connection, decoding: str, version: int | None) -> int:
    found = connection.execute(
        "SELECT id FROM recipe WHERE decoding = ? AND version IS ?", (decoding, version)
    ).fetchone()
    if found:
        return int(found[0])
    cursor = connection.execute("INSERT INTO recipe (decoding, version) VALUES (?, ?)", (decoding, version))
    return int(cursor.lastrowid or 0)


def _insert_membership(
    connection: sqlite3.Connection, reference_id: int, collection_id: int, membership: Membership
) -> None:
    connection.execute(
        "INSERT INTO membership (reference_id, collection_id, source, tlp, case_id, note, operator, added, retracted,"
        " retraction_reason, import_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (reference_id, collection_id) DO UPDATE SET retracted = excluded.retracted,"
        " retraction_reason = excluded.retraction_reason",
        (
            reference_id,
            collection_id,
            membership.source,
            membership.tlp,
            membership.case,
            membership.note,
            membership.operator,
            membership.added or now(),
            membership.retracted,
            membership.retraction_reason,
            membership.import_id,
        ),
    )


def _complete_membership(
    connection: sqlite3.Connection, reference_id: int, collection_id: int, membership: Membership
) -> bool:
    """Take over a stricter TLP mark, and what was not known: source, case and note. Returns whether there was any."""
    old = connection.execute(
        "SELECT tlp, source, case_id, note FROM membership WHERE reference_id = ? AND collection_id = ?",
        (reference_id, collection_id),
    ).fetchone()
    new = (
        strictest(old[0], membership.tlp),
        old[1] or membership.source,
        old[2] or membership.case,
        old[3] or membership.note,
    )
    if new == tuple(old):
        return False
    connection.execute(
        "UPDATE membership SET tlp = ?, source = ?, case_id = ?, note = ? WHERE reference_id = ? AND collection_id = ?",
        (*new, reference_id, collection_id),
    )
    return True


def _add_labels(connection: sqlite3.Connection, reference_id: int, labels: Iterable[str]) -> list[str]:
    statement = "INSERT OR IGNORE INTO label (reference_id, name) VALUES (?, ?)"
    return [label for label in labels if connection.execute(statement, (reference_id, label)).rowcount]

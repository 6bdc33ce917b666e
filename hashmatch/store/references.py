"""Add files that were hashed here to the set, and pack hashes in the form in which the database keeps them."""

from __future__ import annotations

import array
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from hashmatch.clock import now
from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.records import UNKNOWN_QUALITY, Digests, Fingerprint, Hash
from hashmatch.store import failures
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import JoinOutcome, Membership, join
from hashmatch.store.revisions import touch

#: The recipe of hashes that came in a list.
IMPORTED = "imported"


def add_file(
    connection: sqlite3.Connection,
    actor: Actor,
    fingerprint: Fingerprint,
    location: tuple[bytes, int, int],
    membership: Membership,
) -> tuple[int, JoinOutcome]:
    """Add what was measured of a file, within a transaction.

    location: path, size, and mtime in nanoseconds. Hashes of the same algorithms are replaced, others stay.
    Returns the reference's id and what happened to it.
    """
    assert fingerprint.digests is not None
    digests = fingerprint.digests
    sha256 = bytes.fromhex(digests.sha256)
    found = connection.execute("SELECT id FROM reference WHERE sha256 = ?", (sha256,)).fetchone()
    known = int(found[0]) if found else _of_weaker_digest(connection, digests)
    reference_id = _insert_reference(connection, fingerprint, digests) if known is None else known
    changed = set_hashes(
        connection, reference_id, packed_rows(fingerprint.hashes), fingerprint.recipe, new=known is None
    )
    changed |= _set_features(connection, reference_id, fingerprint, new=known is None)
    if known is not None and not found:
        connection.execute("UPDATE reference SET identity = ?1, sha256 = ?1 WHERE id = ?2", (sha256, known))
        changed = True
    if changed and known is not None:
        _set_measures(connection, reference_id, fingerprint)
        touch(connection, reference_id)
        record(connection, actor, "rehash", {"reference": reference_id, "decoding": fingerprint.recipe})
    outcome = join(connection, actor, reference_id, membership, new=known is None, path=location[0])
    set_location(connection, reference_id, *location)
    return reference_id, "joined" if changed and outcome == "known" else outcome


def add_digest(connection: sqlite3.Connection, actor: Actor, sha256: str, membership: Membership) -> int:
    """Add a reference of which nothing is known but its SHA-256, within a transaction. Returns its id."""
    digest = bytes.fromhex(sha256)
    cursor = connection.execute(
        "INSERT INTO reference (identity, sha256, added, revision)"
        " VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) + 1 FROM audit))",
        (digest, digest, now()),
    )
    reference_id = int(cursor.lastrowid or 0)
    join(connection, actor, reference_id, membership, new=True)
    return reference_id


def set_location(connection: sqlite3.Connection, reference_id: int, path: bytes, size: int, mtime_ns: int) -> None:
    """Remember where a reference's bytes were seen, so that the next run need not read them again."""
    connection.execute(
        "INSERT INTO location (path, reference_id, size, mtime_ns, seen) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET reference_id = excluded.reference_id, size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, seen = excluded.seen",
        (path, reference_id, size, mtime_ns, now()),
    )


def pack(hashes: Sequence[Hash]) -> tuple[bytes, bytes, bytes | None]:
    """Pack hashes of one algorithm and view: bits, quality and time, each one after the other."""
    if len(hashes) == 1 and hashes[0].time is None:  # as in most entries of lists, of which there are millions
        (one,) = hashes
        return one.bits, bytes((UNKNOWN_QUALITY if one.quality is None else one.quality,)), None
    bits = b"".join(h.bits for h in hashes)
    quality = bytes(UNKNOWN_QUALITY if h.quality is None else h.quality for h in hashes)
    if any(h.time is None for h in hashes):
        return bits, quality, None
    time = array.array("f", [h.time or 0.0 for h in hashes])
    if sys.byteorder == "big":
        time.byteswap()
    return bits, quality, time.tobytes()


def raw(digest: str | None) -> bytes | None:
    """A digest as the database keeps it."""
    return None if digest is None else bytes.fromhex(digest)


#: Columns for what is measured of a file, without its SHA-256.
_MEASURES = "sha1, md5, kind, size, width, height, duration, partial, " + failures.COLUMNS


def _measures(fingerprint: Fingerprint, digests: Digests) -> tuple[object, ...]:
    """The values of _MEASURES."""
    return (
        raw(digests.sha1),
        raw(digests.md5),
        fingerprint.kind,
        fingerprint.size,
        fingerprint.width,
        fingerprint.height,
        fingerprint.duration,
        fingerprint.partial,
        *failures.packed(fingerprint.error),
    )


def _insert_reference(connection: sqlite3.Connection, fingerprint: Fingerprint, digests: Digests) -> int:
    sha256 = bytes.fromhex(digests.sha256)
    row = (sha256, sha256, now(), *_measures(fingerprint, digests))
    marks = ", ".join("?" * len(row))
    cursor = connection.execute(
        f"INSERT INTO reference (identity, sha256, added, {_MEASURES}, revision)"
        f" VALUES ({marks}, (SELECT coalesce(max(id), 0) + 1 FROM audit))",
        row,
    )
    return int(cursor.lastrowid or 0)


def _of_weaker_digest(connection: sqlite3.Connection, digests: Digests) -> int | None:
    """The reference that lists know by no more than a weaker digest of these bytes."""
    found = connection.execute(
        "SELECT id FROM reference WHERE sha256 IS NULL AND (sha1 = ?1 OR (sha1 IS NULL AND md5 = ?2))"
        " ORDER BY sha1 IS NULL, id",
        (raw(digests.sha1), raw(digests.md5)),
    ).fetchone()
    return None if found is None else int(found[0])


def _set_measures(connection: sqlite3.Connection, reference_id: int, fingerprint: Fingerprint) -> None:
    """Update a reference that a list brought, or that failed before, and that was decoded from its bytes now."""
    assert fingerprint.digests is not None
    row = _measures(fingerprint, fingerprint.digests)
    marks = ", ".join("?" * len(row))
    connection.execute(f"UPDATE reference SET ({_MEASURES}) = ({marks}) WHERE id = ?", (*row, reference_id))


#: Packed hashes of one algorithm and view: the names of both, the hasher's version, how many hashes these are, bits, quality
#: and time. A plain tuple: lists have millions, and any other type takes six times as long from process to process.
PackedRow = tuple[str, str, int | None, int, bytes, bytes, bytes | None]


def packed_rows(hashes: tuple[Hash, ...]) -> tuple[PackedRow, ...]:
    """Pack hashes, those of each algorithm and view together."""
    if len(hashes) == 1:
        return ((hashes[0].algorithm, hashes[0].view, hashes[0].version, 1, *pack(hashes)),)
    return tuple(_packed_groups(hashes))


def _packed_groups(hashes: tuple[Hash, ...]) -> Iterator[PackedRow]:
    hashes = tuple(sorted(hashes, key=lambda h: (h.algorithm, h.view)))
    for (algorithm, view), group in groupby(hashes, key=lambda h: (h.algorithm, h.view)):
        members = sorted(group, key=lambda h: h.time or 0.0)
        yield algorithm, view, members[0].version, len(members), *pack(members)


def set_hashes(
    connection: sqlite3.Connection, reference_id: int, hashes: Iterable[PackedRow], decoding: str, *, new: bool
) -> bool:
    """Store these hashes instead of older ones of the same algorithms. Returns whether this changed anything.

    decoding: how the pictures were decoded. new: the reference was inserted just now, and has no hashes.
    """
    wanted: dict[str, dict[str, tuple[object, ...]]] = {}
    for algorithm, view, version, *packed in hashes:
        wanted.setdefault(algorithm, {})[view] = (recipe(connection, decoding, version), *packed)
    changed = False
    for algorithm, views in wanted.items():
        if not new:
            rows = connection.execute(
                "SELECT view, recipe_id, count, bits, quality, time FROM hash WHERE reference_id = ? AND algorithm = ?",
                (reference_id, algorithm),
            )
            if {view: tuple(rest) for view, *rest in rows} == views:
                continue  # two copies of one file may be decoded at the same time
            connection.execute("DELETE FROM hash WHERE reference_id = ? AND algorithm = ?", (reference_id, algorithm))
        changed = True
        for view, columns in views.items():
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, view, recipe_id, count, bits, quality, time)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (reference_id, algorithm, view, *columns),
            )
    return changed


def _set_features(connection: sqlite3.Connection, reference_id: int, fingerprint: Fingerprint, *, new: bool) -> bool:
    """Store these local features instead of older ones; a picture may have none. Returns whether this changed anything."""
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
        recipe_id = recipe(connection, fingerprint.recipe, features.version)
        connection.execute(
            "INSERT INTO hash (reference_id, algorithm, view, recipe_id, count, bits, quality, points)"
            " VALUES (?, ?, 'full', ?, ?, ?, ?, ?)",
            (
                *(reference_id, FEATURES, recipe_id, len(features)),
                *(features.descriptors, bytes([UNKNOWN_QUALITY]) * len(features), features.shape_and_points),
            ),
        )
    return True


def recipe(connection: sqlite3.Connection, decoding: str, version: int | None) -> int:
    """The id of a recipe, which is added if it is new."""
    found = connection.execute(
        "SELECT id FROM recipe WHERE decoding = ? AND version IS ?", (decoding, version)
    ).fetchone()
    if found:
        return int(found[0])
    cursor = connection.execute("INSERT INTO recipe (decoding, version) VALUES (?, ?)", (decoding, version))
    return int(cursor.lastrowid or 0)

"""Read the reference set: what is known of a file, a digest, a reference; and all hashes, to be searched."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.i18n import _
from hashmatch.media.urls import absolute
from hashmatch.records import Digests, Hash, Kind, Opinion, Tlp, strictest
from hashmatch.store import opinions
from hashmatch.store.membership import labels_of
from hashmatch.store.references import IMPORTED, UNKNOWN_QUALITY

#: No row has a larger number.
LAST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Source:
    """On whose word a reference is in a collection, and under which rule (the stricter of its own and the collection's).

    opinion: what the source thinks of it, where it looked: "confirmed", "disputed", "false-positive"; else "malicious", or
    "benign" where it is on the allow list. "retracted" where it took it back, which disputes it where others stand by it.
    changed: when the source last said anything, to the microsecond. labels: those that its list gave. lists: see Provenance.
    """

    collection: str
    source: str | None
    tlp: Tlp | None
    opinion: str
    case: str | None
    note: str | None
    operator: str | None
    added: str
    retracted: str | None
    retraction_reason: str | None
    changed: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """A list that had an entry of a reference: its file's name and SHA-256, what it calls itself and its sequence number,
    who signed it (a public key), when it was made and read, for which collection, and what it had to know a file by."""

    name: str
    format: str
    sha256: str
    list: str | None
    sequence: int | None
    signer: str | None
    created: str | None
    imported: str
    collection: str
    carried: str


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference with its sources, labels (of all of them and those given here) and opinions. given: the labels that
    were given here."""

    id: int
    sha256: str | None
    sha1: str | None
    md5: str | None
    kind: Kind | None
    size: int | None
    width: int | None
    height: int | None
    duration: float | None
    partial: bool
    allow: bool
    error_code: str | None
    error_message: str | None
    added: str
    labels: tuple[str, ...]
    sources: tuple[Source, ...]
    opinions: tuple[Opinion, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether any source stands by it; a reference that none does matches nothing."""
        return any(source.retracted is None for source in self.sources)

    @property
    def tlp(self) -> Tlp | None:
        """The strictest rule that any of its sources has set."""
        return strictest(*(source.tlp for source in self.sources))


@dataclass(frozen=True, slots=True)
class PackedHashes:
    """All hashes of one reference, algorithm and view, as stored: see schema.py."""

    reference_id: int
    algorithm: str
    view: str
    count: int
    bits: bytes
    quality: bytes
    time: bytes | None


_REFERENCE = (
    "SELECT id, sha256, sha1, md5, kind, size, width, height, duration, partial, allow, error_code, error_message, added"
    " FROM reference"
)


def reference(connection: sqlite3.Connection, reference_id: int) -> Reference:
    """One reference by its id. Raises CommandError if there is none."""
    row = connection.execute(f"{_REFERENCE} WHERE id = ?", (reference_id,)).fetchone()
    if row is None:
        raise CommandError(_("there is no reference {ref}").format(ref=reference_id))
    return _references(connection, [row])[0]


def references(connection: sqlite3.Connection, where: str = "1", values: Sequence[Any] = ()) -> Iterator[Reference]:
    """All references for which an SQL condition (of this program's, never of a user's) holds, in the order of their ids.

    Ids are read first and the rows page by page, so that a million references need no million objects.
    """
    last = 0
    while rows := connection.execute(
        f"{_REFERENCE} WHERE id > ? AND ({where}) ORDER BY id LIMIT 1000", (last, *values)
    ).fetchall():
        for row in rows:
            if row[0] <= last:  # where pages have changed places, one page after another would go on for ever
                raise sqlite3.DatabaseError("database disk image is malformed: rows are out of order")
            last = row[0]
        yield from _references(connection, rows)


def find(connection: sqlite3.Connection, text: str) -> Reference:
    """A reference by what a person types: its id, a digest, the beginning of one (8 digits or more), or a path.

    Raises CommandError if none or more than one is meant.
    """
    matches: list[tuple[int]] = []
    lowered = text.lower()
    if text.isascii() and text.isdigit() and len(text) < 16:
        matches = connection.execute("SELECT id FROM reference WHERE id = ?", (int(text),)).fetchall()
    if not matches and len(text) >= 8 and set(lowered) <= set("0123456789abcdef"):
        condition = " OR ".join(f"substr(hex({column}), 1, ?) = ?" for column in ("sha256", "sha1", "md5"))
        values = (len(text), lowered.upper()) * 3
        matches = connection.execute(f"SELECT id FROM reference WHERE {condition} LIMIT 2", values).fetchall()
    if not matches:
        path = absolute(os.fsencode(text))
        matches = connection.execute("SELECT reference_id FROM location WHERE path = ?", (path,)).fetchall()
    if not matches:
        raise CommandError(_("there is no reference {ref!r}; give an id, a digest or a path").format(ref=text))
    if len(matches) > 1:
        raise CommandError(_("more than one reference begins with {ref!r}; give more digits").format(ref=text))
    return reference(connection, matches[0][0])


def by_digests(connection: sqlite3.Connection, digests: Digests) -> list[int]:
    """Ids of live references with the same bytes: by SHA-256, or by SHA-1 or MD5 where a list brought nothing stronger."""
    rows = connection.execute(
        "SELECT id FROM live_reference WHERE sha256 = ? UNION"
        " SELECT id FROM live_reference WHERE +sha256 IS NULL AND sha1 = ? UNION"
        " SELECT id FROM live_reference WHERE +sha256 IS NULL AND md5 = ?",
        (bytes.fromhex(digests.sha256), bytes.fromhex(digests.sha1), bytes.fromhex(digests.md5)),
    )
    return [row[0] for row in rows]


def id_of_sha256(connection: sqlite3.Connection, sha256: str) -> int | None:
    """The reference with these bytes, live or not."""
    row = connection.execute("SELECT id FROM reference WHERE sha256 = ?", (bytes.fromhex(sha256),)).fetchone()
    return None if row is None else int(row[0])


def id_at(connection: sqlite3.Connection, path: bytes, size: int, mtime_ns: int) -> int | None:
    """The reference whose bytes were seen at this path, if the file there has kept its size and time since."""
    row = connection.execute(
        "SELECT reference_id FROM location WHERE path = ? AND size = ? AND mtime_ns = ?", (path, size, mtime_ns)
    ).fetchone()
    return None if row is None else int(row[0])


def collection_number(connection: sqlite3.Connection, name: str) -> int:
    """The id of a collection. Raises CommandError if there is none of that name."""
    row = connection.execute("SELECT id FROM collection WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise CommandError(_("there is no collection {name!r}").format(name=name))
    return int(row[0])


def locations(connection: sqlite3.Connection, reference_id: int) -> list[bytes]:
    """Where the bytes of a reference were seen, in the order of the paths."""
    rows = connection.execute("SELECT path FROM location WHERE reference_id = ? ORDER BY path", (reference_id,))
    return [row[0] for row in rows]


def recipes(connection: sqlite3.Connection, reference_id: int) -> dict[str, tuple[str, int | None]]:
    """Of each algorithm that a reference has hashes of: how its pictures were decoded, and the hasher's version."""
    rows = connection.execute(
        "SELECT algorithm, decoding, version FROM hash JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ?",
        (reference_id,),
    )
    return {algorithm: (decoding, version) for algorithm, decoding, version in rows}


def hashes(connection: sqlite3.Connection, reference_id: int) -> tuple[Hash, ...]:
    """All hashes of a reference, unpacked; without local features."""
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time, version FROM hash"
        " JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ? AND points IS NULL ORDER BY algorithm, view",
        (reference_id,),
    )
    return tuple(each for *packed, version in rows for each in unpack(PackedHashes(*packed), version))


def features(connection: sqlite3.Connection, reference_id: int) -> LocalFeatures | None:
    """The local features of a reference, where it has any. Raises ValueError if what is stored cannot be such."""
    row = connection.execute(
        "SELECT version, bits, points FROM hash JOIN recipe ON recipe.id = recipe_id"
        " WHERE reference_id = ? AND algorithm = ? AND points IS NOT NULL",
        (reference_id, FEATURES),
    ).fetchone()
    return None if row is None else LocalFeatures.from_parts(*row)


def has_features(connection: sqlite3.Connection) -> bool:
    """Whether any reference has local features."""
    query = "SELECT 1 FROM hash WHERE algorithm = ? AND points IS NOT NULL LIMIT 1"
    return connection.execute(query, (FEATURES,)).fetchone() is not None


def blocks(connection: sqlite3.Connection, reference_id: int, view: str) -> bytes | None:
    """The packed blocks of a still picture, see hashers/blocks.py. What has another length is none: a list that came
    before this program had such hashes may have called others by their name."""
    row = connection.execute(
        "SELECT bits FROM hash WHERE reference_id = ? AND algorithm = ? AND view = ? AND count = 1 AND length(bits) = ?",
        (reference_id, hashers.GUARD, view, hashers.by_name(hashers.GUARD).bits // 8),
    ).fetchone()
    return None if row is None else bytes(row[0])


def all_blocks(connection: sqlite3.Connection, reference_id: int) -> list[tuple[str, bytes]]:
    """The packed blocks of all views of a still picture, as `blocks` has those of one."""
    return connection.execute(
        "SELECT view, bits FROM hash WHERE reference_id = ? AND algorithm = ? AND count = 1 AND length(bits) = ?",
        (reference_id, hashers.GUARD, hashers.by_name(hashers.GUARD).bits // 8),
    ).fetchall()


def common_hashes(connection: sqlite3.Connection, algorithm: str) -> list[bytes]:
    """Hashes that `lint` found too common to say anything on their own."""
    rows = connection.execute("SELECT bits FROM common_hash WHERE algorithm = ? ORDER BY bits", (algorithm,))
    return [row[0] for row in rows]


def packed_hashes(
    connection: sqlite3.Connection, algorithm: str, *, after: int = 0, until: int | None = None, allowed: bool = False
) -> Iterator[PackedHashes]:
    """The hashes of one algorithm, of retracted references too.

    after: only rows that came after this one. until: and no later than this one. allowed: only of live references on the
    allow list.
    Of the algorithm of local features, only these: a list may call its hashes by the same name.
    """
    # The unary plus keeps SQLite from walking a million index entries of the algorithm for ten later rows.
    condition = " AND reference_id IN (SELECT id FROM live_reference WHERE allow)" if allowed else ""
    condition += " AND points IS NOT NULL" if algorithm == FEATURES else ""
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time FROM hash"
        f" WHERE id > ? AND id <= ? AND +algorithm = ?{condition}",
        (after, LAST if until is None else until, algorithm),
    )
    return (PackedHashes(*row) for row in rows)


def packed_of(connection: sqlite3.Connection, reference_id: int, algorithm: str) -> list[PackedHashes]:
    """The hashes of one algorithm of one reference."""
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time FROM hash"
        " WHERE reference_id = ? AND algorithm = ? ORDER BY id",
        (reference_id, algorithm),
    )
    return [PackedHashes(*row) for row in rows]


def extents(connection: sqlite3.Connection, algorithm: str, after: int, until: int) -> Iterator[tuple[int, int, int]]:
    """Of each row of hashes of one algorithm, from one to another: its number, its reference, and how many hashes it has."""
    query = "SELECT id, reference_id, count FROM hash WHERE id > ? AND id <= ? AND +algorithm = ? ORDER BY id"
    return iter(connection.execute(query, (after, until, algorithm)))


def algorithms_without(connection: sqlite3.Connection, algorithm: str, among: Iterable[str]) -> set[str]:
    """Which algorithms are those of references that have no hash of the given one, so that nothing else can find them.

    among: the algorithms to look at; of those that every picture has, a million rows would be walked.
    """
    alone = (
        "SELECT 1 FROM hash AS h WHERE algorithm = ? AND NOT EXISTS"
        " (SELECT 1 FROM hash WHERE reference_id = h.reference_id AND algorithm = ?) LIMIT 1"
    )
    others = [name for name in among if name != algorithm]
    return {name for name in others if connection.execute(alone, (name, algorithm)).fetchone()}


def unpack(packed: PackedHashes, version: int | None) -> tuple[Hash, ...]:
    """The single hashes of a packed row."""
    width = len(packed.bits) // packed.count
    times: Sequence[float | None] = (None,) * packed.count
    if packed.time is not None:
        times = [round(time, 3) for time in struct.unpack(f"<{packed.count}f", packed.time)]
    return tuple(
        Hash(
            packed.algorithm,
            packed.bits[i * width : (i + 1) * width],
            None if packed.quality[i] == UNKNOWN_QUALITY else packed.quality[i],
            times[i],
            packed.view,
            version,
        )
        for i in range(packed.count)
    )


def is_current(found: dict[str, tuple[str, int | None]], decodings: Set[str], versions: dict[str, int]) -> bool:
    """Whether the hashes that `recipes` told of are as good as what this program would make now: by one of these
    recipes, and of each algorithm of this version."""
    return all(
        algorithm in found and found[algorithm][0] in decodings and found[algorithm][1] == version
        for algorithm, version in versions.items()
    )


def live(connection: sqlite3.Connection, ids: Sequence[int]) -> list[int]:
    """Which of these references are live."""
    found: list[int] = []
    for start in range(0, len(ids), 1000):
        part = ids[start : start + 1000]
        marks = ", ".join("?" * len(part))
        found += [row[0] for row in connection.execute(f"SELECT id FROM live_reference WHERE id IN ({marks})", part)]
    return found


def size(connection: sqlite3.Connection) -> int:
    """How many references there are, live or not."""
    return int(connection.execute("SELECT count(*) FROM reference").fetchone()[0])


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How much of what is in the reference set."""
    queries = {
        "references": "SELECT count(*) FROM reference",
        "images": "SELECT count(*) FROM live_reference WHERE kind = 'image'",
        "videos": "SELECT count(*) FROM live_reference WHERE kind = 'video'",
        "retracted": "SELECT count(*) FROM reference WHERE id NOT IN (SELECT id FROM live_reference)",
        "allowed": "SELECT count(*) FROM live_reference WHERE allow",
        "failed": "SELECT count(*) FROM reference WHERE error_code IS NOT NULL AND NOT partial",
        "hashes": "SELECT coalesce(sum(count), 0) FROM hash WHERE points IS NULL",
        "with_features": f"SELECT count(*) FROM hash WHERE algorithm = '{FEATURES}' AND points IS NOT NULL",
        "common_hashes": "SELECT count(*) FROM common_hash",
        "imported": f"SELECT count(DISTINCT reference_id) FROM hash JOIN recipe ON recipe.id = recipe_id"
        f" WHERE decoding = '{IMPORTED}'",
        "collections": "SELECT count(*) FROM collection",
        "locations": "SELECT count(*) FROM location",
        "opinions": "SELECT count(*) FROM opinion",
        "lists_read": "SELECT count(*) FROM import",
        "lists_written": "SELECT count(*) FROM published",
        "recorded_scans": "SELECT count(*) FROM recorded_scan",
    }
    return {name: int(connection.execute(query).fetchone()[0]) for name, query in queries.items()}


def provenance(connection: sqlite3.Connection, reference_id: int) -> list[Provenance]:
    """The lists that had an entry of a reference, the first one first."""
    rows = connection.execute(
        "SELECT import.name, format, sha256, list, sequence, import.signer, import.created, imported, collection.name,"
        " carried FROM provenance JOIN import ON import.id = import_id"
        " JOIN collection ON collection.id = provenance.collection_id"
        " WHERE reference_id = ? ORDER BY import_id",
        (reference_id,),
    )
    return [Provenance(name, form, sha256.hex(), *rest) for name, form, sha256, *rest in rows]


def _references(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[Reference]:
    """References of rows of `_REFERENCE`, with what other tables say of them, read for all at once."""
    ids = [row[0] for row in rows]
    marks = ", ".join("?" * len(ids))
    labels = _by_reference(
        connection.execute(
            f"SELECT reference_id, name FROM label WHERE reference_id IN ({marks}) ORDER BY reference_id, name", ids
        )
    )
    memberships = _by_reference(
        connection.execute(
            "SELECT reference_id, name, source, membership.tlp, collection.tlp, case_id, membership.note, operator, added,"
            " retracted, retraction_reason, changed, membership.labels FROM membership"
            f" JOIN collection ON collection.id = collection_id WHERE reference_id IN ({marks}) ORDER BY reference_id, name",
            ids,
        )
    )
    said = opinions.of_several(connection, ids)
    return [
        _reference(row, tuple(name for (name,) in labels[row[0]]), memberships[row[0]], said[row[0]]) for row in rows
    ]


def _by_reference(rows: Iterable[tuple[Any, ...]]) -> defaultdict[int, list[tuple[Any, ...]]]:
    """What is left of rows that begin with a reference's id, by that."""
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for reference_id, *rest in rows:
        found[reference_id].append(tuple(rest))
    return found


def _reference(
    row: Sequence[Any], labels: tuple[str, ...], memberships: list[tuple[Any, ...]], said: tuple[Opinion, ...]
) -> Reference:
    allow = bool(row[10])
    sources = _sources(memberships, allow, {each.source: each.verdict for each in said})
    sha256, sha1, md5 = (None if digest is None else digest.hex() for digest in row[1:4])
    return Reference(
        id=row[0],
        sha256=sha256,
        sha1=sha1,
        md5=md5,
        kind=row[4],
        size=row[5],
        width=row[6],
        height=row[7],
        duration=row[8],
        partial=bool(row[9]),
        allow=allow,
        error_code=row[11],
        error_message=row[12],
        added=row[13],
        labels=tuple(sorted({*labels, *(label for source in sources for label in source.labels)})),
        sources=sources,
        opinions=said,
        given=labels,
    )


def _sources(memberships: list[tuple[Any, ...]], allow: bool, verdicts: Mapping[str | None, str]) -> tuple[Source, ...]:
    live = any(row[8] is None for row in memberships)

    def opinion(collection: str, retracted: str | None) -> str:
        if retracted:
            return verdicts.get(collection, "disputed" if live else "retracted")
        return verdicts.get(collection, "benign" if allow else "malicious")

    return tuple(
        Source(
            collection,
            source,
            strictest(own, rule),
            opinion(collection, retracted),
            case,
            note,
            operator,
            added,
            retracted,
            reason,
            changed,
            labels_of(labels),
        )
        for collection, source, own, rule, case, note, operator, added, retracted, reason, changed, labels in memberships
    )

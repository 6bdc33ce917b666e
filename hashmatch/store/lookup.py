"""Read the reference set: what it knows about a file, a digest or a reference."""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from hashmatch.clock import exactly, now
from hashmatch.errors import CommandError
from hashmatch.hashers.local_features import FEATURES
from hashmatch.i18n import _
from hashmatch.media.urls import absolute
from hashmatch.records import Failure, Kind, Opinion, Tlp, strictest
from hashmatch.store import failures, opinions
from hashmatch.store.database import malformed
from hashmatch.store.membership import labels_of
from hashmatch.store.reach import DIGESTS
from hashmatch.store.references import IMPORTED
from hashmatch.store.voices import Voice


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """Who says that a reference belongs in a collection, and under which rule: the stricter of the source's and the
    collection's.

    opinion: what the source thinks of it, if it looked: "confirmed", "disputed" or "false-positive"; else "malicious", or
    "benign" on the allow list. "retracted" if the source withdrew it, or "disputed" if others still stand by it.
    retracted, retraction_reason: by the source, or by people here who took it back.
    changed: when the source last said anything, to the microsecond. labels: those that its list gave.
    withdrawn_here: whether a person here withdrew what a list had brought, and not the source.
    owner, author: whose word it is, see voices.py. heard: when anything of it last changed here.
    allow: whether its word is that the reference is legitimate. expires: from when on the word no longer stands.
    carried: which digests and hashes it has, by name; None: all.
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
    withdrawn_here: bool = False
    owner: str = ""
    author: str = ""
    collection_id: int = 0
    heard: str | None = None
    allow: bool = False
    record: str | None = None
    expires: str | None = None
    carried: tuple[str, ...] | None = None

    @property
    def live(self) -> bool:
        """Whether it stands."""
        return self.retracted is None and (self.expires is None or self.expires > now())

    @property
    def is_ours(self) -> bool:
        """Whether people here say so."""
        return not self.owner


@dataclass(frozen=True, slots=True)
class Provenance:
    """A list that had an entry of a reference.

    name, sha256: of its file. list, sequence: what it calls itself, and its number. signer: the public key that signed it.
    created, imported: when it was made and read. collection: for which it was read.
    carried: which digests and hashes it had.
    """

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
    """One reference, with its sources, opinions and labels.

    labels: all of them. given: those that were given here, and not by lists.
    pending: whether only lists have it on the allow list, and no person has decided.
    """

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
    error: Failure | None
    added: str
    labels: tuple[str, ...]
    sources: tuple[ReferenceSource, ...]
    opinions: tuple[Opinion, ...] = ()
    given: tuple[str, ...] = ()
    pending: bool = False

    @property
    def live(self) -> bool:
        """Whether any source stands by it. A reference that none stands by matches nothing."""
        return any(source.live for source in self.sources)

    @property
    def failed(self) -> bool:
        """Whether no hash could be made of its bytes."""
        return self.error is not None and not self.partial

    @property
    def tlp(self) -> Tlp | None:
        """The strictest rule that any of its sources has set."""
        return strictest(*(source.tlp for source in self.sources))

    def our_dispute(self, name: str) -> Opinion | None:
        """What people here say, under this name, about entries of others' lists that they withdrew; None if they withdrew
        none.

        It is never older than the last opinion under this name.
        """
        taken_back = [(each.retracted or "", each.retraction_reason) for each in self.sources if each.withdrawn_here]
        if not taken_back:
            return None
        at, reason = max(taken_back, key=itemgetter(0))
        before = [each.at for each in self.opinions if each.source == name and not each.author and each.at]
        return Opinion("disputed", name, max([exactly(at), *before]), reason)


_REFERENCE = (
    "SELECT id, sha256, sha1, md5, kind, size, width, height, duration, partial, allow, added,"
    f" {failures.COLUMNS}, pending FROM reference"
)


def reference(connection: sqlite3.Connection, reference_id: int) -> Reference:
    """One reference by its id. Raises CommandError if there is none."""
    row = connection.execute(f"{_REFERENCE} WHERE id = ?", (reference_id,)).fetchone()
    if row is None:
        raise CommandError(_("there is no reference {ref}").format(ref=reference_id))
    return _references(connection, [row])[0]


#: It could not be decoded, and so has no perceptual hash.
_FAILED = "error_code IS NOT NULL AND NOT partial"
_CHANGED = "(revision > :after OR id IN (SELECT reference_id FROM given WHERE list = :list AND sequence > :number))"
_RETRACTED = "id NOT IN (SELECT id FROM live_reference)"


def references(
    connection: sqlite3.Connection,
    *,
    changed_after: int | None = None,
    given_after: tuple[str, int] = ("", 0),
    allowed: bool = False,
    failed: bool = False,
    retracted: bool = False,
) -> Iterator[Reference]:
    """All references in the order of their ids; or only those that meet every condition that is given.

    changed_after: they have a higher revision, see list_issues.py; or a list of that name has given or withdrawn them after
    that number. allowed: they are on the allow list. failed: they could
    not be decoded. retracted: nobody stands by them.
    Rows are read in pages, so that a million references do not take a million objects.
    """
    chosen = {"allow": allowed, _FAILED: failed, _RETRACTED: retracted, _CHANGED: changed_after is not None}
    where = " AND ".join(["id > :last", *(condition for condition, holds in chosen.items() if holds)])
    values = {"after": changed_after, "list": given_after[0], "number": given_after[1]}
    last = 0
    while rows := connection.execute(
        f"{_REFERENCE} WHERE {where} ORDER BY id LIMIT 1000", values | {"last": last}
    ).fetchall():
        for row in rows:
            if row[0] <= last:  # if pages of the file have changed places, this would never end
                raise malformed("rows are out of order")
            last = row[0]
        yield from _references(connection, rows)


def find(connection: sqlite3.Connection, text: str) -> Reference:
    """A reference by what a person types: its id, a digest, the beginning of one (8 digits or more), or a path.

    Raises CommandError if there is none, or more than one.
    """
    matches: list[tuple[int]] = []
    lowered = text.lower()
    if text.isascii() and text.isdigit() and len(text) < 16:
        matches = connection.execute("SELECT id FROM reference WHERE id = ?", (int(text),)).fetchall()
    if not matches and len(text) >= 8 and set(lowered) <= set("0123456789abcdef"):
        condition = " OR ".join(f"substr(hex({column}), 1, ?1) = ?2" for column in DIGESTS)
        query = f"SELECT id FROM reference WHERE {condition} UNION SELECT reference_id FROM stated WHERE {condition} LIMIT 2"
        matches = connection.execute(query, (len(text), lowered.upper())).fetchall()
    if not matches:
        path = absolute(os.fsencode(text))
        matches = connection.execute("SELECT reference_id FROM location WHERE path = ?", (path,)).fetchall()
    if not matches:
        raise CommandError(_("there is no reference {ref!r}; give an id, a digest or a path").format(ref=text))
    if len(matches) > 1:
        raise CommandError(_("more than one reference begins with {ref!r}; give more digits").format(ref=text))
    return reference(connection, matches[0][0])


def id_of_sha256(connection: sqlite3.Connection, sha256: str) -> int | None:
    """The reference with these bytes, live or not; None if there is none."""
    row = connection.execute("SELECT id FROM reference WHERE sha256 = ?", (bytes.fromhex(sha256),)).fetchone()
    return None if row is None else int(row[0])


def sha256_of(connection: sqlite3.Connection, reference_id: int) -> str | None:
    """The SHA-256 of a reference, live or not; None if there is no such reference or its bytes are not known."""
    row = connection.execute("SELECT sha256 FROM reference WHERE id = ?", (reference_id,)).fetchone()
    return None if row is None or row[0] is None else str(row[0].hex())


def has_without_sha256(connection: sqlite3.Connection, reference_id: int, kind: Kind | None) -> bool:
    """Whether there is a reference of this number and kind whose bytes are not known, because a list brought it."""
    row = connection.execute(
        "SELECT 1 FROM reference WHERE id = ? AND sha256 IS NULL AND kind IS ?", (reference_id, kind)
    ).fetchone()
    return row is not None


def sizes(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """The size in bytes and the id of every reference whose size and SHA-256 are known, live or not."""
    return connection.execute("SELECT size, id FROM reference WHERE size IS NOT NULL AND sha256 IS NOT NULL")


def id_at(connection: sqlite3.Connection, path: bytes, size: int, mtime_ns: int) -> int | None:
    """The reference whose bytes were seen at this path; None if the file there has another size or time now."""
    row = connection.execute(
        "SELECT reference_id FROM location WHERE path = ? AND size = ? AND mtime_ns = ?", (path, size, mtime_ns)
    ).fetchone()
    return None if row is None else int(row[0])


def collection_numbers(connection: sqlite3.Connection, name: str) -> tuple[int, ...]:
    """The ids of the collections of a name, ours first. Raises CommandError if there is none."""
    rows = connection.execute("SELECT id FROM collection WHERE name = ? ORDER BY voice_id, id", (name,)).fetchall()
    if not rows:
        raise CommandError(_("there is no collection {name!r}").format(name=name))
    return tuple(number for (number,) in rows)


def locations(connection: sqlite3.Connection, reference_id: int) -> list[bytes]:
    """Paths where the bytes of a reference were seen, in order."""
    rows = connection.execute("SELECT path FROM location WHERE reference_id = ? ORDER BY path", (reference_id,))
    return [row[0] for row in rows]


def live(connection: sqlite3.Connection, ids: Sequence[int]) -> list[int]:
    """Those of these references that are live."""
    found: list[int] = []
    for start in range(0, len(ids), 1000):
        part = ids[start : start + 1000]
        marks = ", ".join("?" * len(part))
        found += [row[0] for row in connection.execute(f"SELECT id FROM live_reference WHERE id IN ({marks})", part)]
    return found


def retracted(connection: sqlite3.Connection) -> list[int]:
    """The references that nobody stands by any more."""
    rows = connection.execute(f"SELECT id FROM reference WHERE {_RETRACTED} ORDER BY id")
    return [reference_id for (reference_id,) in rows]


def size(connection: sqlite3.Connection) -> int:
    """How many references there are, live or not."""
    return int(connection.execute("SELECT count(*) FROM reference").fetchone()[0])


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many of everything the reference set has, by name."""
    queries = {
        "references": "SELECT count(*) FROM reference",
        "images": "SELECT count(*) FROM live_reference WHERE kind = 'image'",
        "videos": "SELECT count(*) FROM live_reference WHERE kind = 'video'",
        "retracted": f"SELECT count(*) FROM reference WHERE {_RETRACTED}",
        "allowed": "SELECT count(*) FROM live_reference WHERE allow",
        "failed": f"SELECT count(*) FROM reference WHERE {_FAILED}",
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
    """The lists that had an entry of a reference, in the order in which they were read."""
    rows = connection.execute(
        "SELECT import.name, format, sha256, list, sequence, import.signer, import.created, imported, collection.name,"
        " carried FROM ("
        "SELECT import_id, collection_id, carried FROM membership WHERE reference_id = ?1 AND carried IS NOT NULL"
        " AND (import_id, collection_id) NOT IN"
        " (SELECT import_id, collection_id FROM provenance WHERE reference_id = ?1)"
        " UNION ALL SELECT import_id, collection_id, carried FROM provenance WHERE reference_id = ?1"
        ") AS listed JOIN import ON import.id = import_id JOIN collection ON collection.id = listed.collection_id"
        " ORDER BY import_id, collection.name",
        (reference_id,),
    )
    return [Provenance(name, form, sha256.hex(), *rest) for name, form, sha256, *rest in rows]


def _references(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[Reference]:
    """References of rows of `_REFERENCE`, with what other tables say about them, which is read for all at once."""
    ids = [row[0] for row in rows]
    marks = ", ".join("?" * len(ids))
    labels = _by_reference(
        connection.execute(
            f"SELECT reference_id, name FROM label WHERE reference_id IN ({marks}) ORDER BY reference_id, name", ids
        )
    )
    memberships = _by_reference(
        connection.execute(
            "SELECT reference_id, collection.name, source, membership.tlp, collection.tlp, case_id, membership.note,"
            " operator, added, coalesce(retracted, taken_back),"
            " iif(retracted IS NULL, taken_back_reason, retraction_reason), changed,"
            " membership.labels, retracted IS NULL AND taken_back IS NOT NULL, owner, author, collection.id,"
            " coalesce(touched, imported), allow, record, membership.expires, carried FROM membership"
            " JOIN collection ON collection.id = membership.collection_id JOIN voice ON voice.id = voice_id"
            f" LEFT JOIN import ON import.id = import_id WHERE reference_id IN ({marks})"
            " ORDER BY reference_id, collection.name, voice_id",
            ids,
        )
    )
    said = opinions.of_several(connection, ids)
    return [
        _reference(row, tuple(name for (name,) in labels[row[0]]), memberships[row[0]], said[row[0]]) for row in rows
    ]


def _by_reference(rows: Iterable[tuple[Any, ...]]) -> defaultdict[int, list[tuple[Any, ...]]]:
    """Rows that begin with a reference's id: what follows, by that id."""
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for reference_id, *rest in rows:
        found[reference_id].append(tuple(rest))
    return found


def _reference(
    row: Sequence[Any], labels: tuple[str, ...], memberships: list[tuple[Any, ...]], said: tuple[Opinion, ...]
) -> Reference:
    allow = bool(row[10])
    verdicts = {(each.source, each.author, each.owner): each.verdict for each in said}
    sources = tuple(_source(columns) for columns in memberships)
    live = any(source.live for source in sources)
    sources = tuple(replace(source, opinion=_opinion(source, live, verdicts)) for source in sources)
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
        error=failures.unpacked(*row[12:16]),
        added=row[11],
        labels=tuple(sorted({*labels, *(label for source in sources for label in source.labels)})),
        sources=sources,
        opinions=said,
        given=labels,
        pending=bool(row[16]),
    )


def _source(columns: tuple[Any, ...]) -> ReferenceSource:
    (
        name,
        source,
        own,
        rule,
        case,
        note,
        operator,
        added,
        retracted,
        reason,
        changed,
        labels,
        here,
        owner,
        author,
        *more,
    ) = columns
    number, heard, allow, record, expires, carried = more
    return ReferenceSource(
        collection=name,
        source=source,
        tlp=strictest(own, rule),
        opinion="",
        case=case,
        note=note,
        operator=operator,
        added=added,
        retracted=retracted,
        retraction_reason=reason,
        changed=changed,
        labels=labels_of(labels),
        withdrawn_here=bool(here),
        owner=owner,
        author=author,
        collection_id=number,
        heard=exactly(heard) if heard else None,
        allow=bool(allow),
        record=record,
        expires=expires,
        carried=None if carried is None else tuple(carried.split(",")),
    )


def _opinion(source: ReferenceSource, live: bool, verdicts: Mapping[tuple[str | None, str, str], str]) -> str:
    """What a source thinks of a reference. live: whether anybody stands by it."""
    said = verdicts.get((source.collection, Voice(source.owner, source.author).passed_on_as, source.owner))
    if said is not None:
        return said
    if source.retracted:
        return "disputed" if live else "retracted"
    return "benign" if source.allow else "malicious"

"""Which collection knows a reference, and what its source says about it. The newest word counts, in whatever order words
come."""

from __future__ import annotations

import functools
import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from hashmatch.clock import exactly, now, now_exactly
from hashmatch.records import Tlp, strictest
from hashmatch.store import bulk
from hashmatch.store.audit import Actor, record
from hashmatch.store.overrides import LIVE, Retraction, SaidHere, said_here

#: What came of adding a reference. "joined": it was known, and something new was added to it. "retracted": it was withdrawn,
#: and adding it again does not revive it. "restored": the source that withdrew it stands by it again. "disputed": a list
#: wants to withdraw what no list brought; it stays.
JoinOutcome = Literal["added", "joined", "known", "retracted", "restored", "disputed"]


@dataclass(frozen=True, slots=True)
class Membership:
    """How to add a reference: to which collection, who says so, and under which rule."""

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
    changed: str | None = None
    operator: str | None = None
    import_id: int | None = None
    #: Which digests and hashes the list has: names of digests and algorithms, with commas.
    carried: str | None = None
    #: Whether a person named the collection that a list is for. Only then may it withdraw what was indexed here.
    named: bool = False

    def __reduce__(self) -> tuple[type[Membership], tuple[object, ...]]:
        return Membership, tuple(getattr(self, field) for field in self.__slots__)  # takes a third of the time

    @property
    def said(self) -> str | None:
        """When the source said this, to the microsecond; None if a list does not say when, or if it is said here."""
        if self.import_id is None:
            return None
        moment = self.changed or max(self.retracted or "", self.added or "")
        return exactly(moment) if moment else None


@dataclass(frozen=True, slots=True)
class _Row:
    """A membership that exists. id: of its collection."""

    id: int
    collection: str
    retracted: str | None
    reason: str | None
    retracting_import: int | None
    changed: str | None
    import_id: int | None
    #: Whether the reference itself is on the allow list.
    allowed: bool

    def is_older_than(self, said: str | None) -> bool:
        """Whether its last word is older than this one, as far as anybody can know."""
        return said is not None and (self.changed is None or said > self.changed)

    @property
    def is_listed(self) -> bool:
        """Whether a list made it."""
        return self.import_id is not None

    @property
    def withdrawn_here(self) -> bool:
        """Whether a person here withdrew it, and not a list."""
        return self.retracted is not None and self.retracting_import is None


def join(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    *,
    new: bool = False,
    path: bytes | None = None,
    allow_known: bool = True,
    people: Callable[[], SaidHere] | None = None,
) -> JoinOutcome:
    """Make a reference a member of a collection, with labels; or retract it there, if `membership` says so.

    allow_known: whether it may put a reference on the allow list that is known already, whoever else knows it.
    people: gives what people here said, for callers that join many.
    A newer word of the same collection restores what a list withdrew. What a person here withdrew from all of its
    collections stays
    withdrawn, and so does a membership that a person withdrew: only `restore` undoes that. Words that are older than the
    last one of the same collection change nothing.
    """
    rows = [] if new else _rows(connection, reference_id)
    own = next((row for row in rows if row.collection == membership.collection), None)
    said = membership.said
    if own and own.import_id is not None and said and own.changed and said < own.changed:
        return "known"
    people = people or functools.cache(lambda: said_here(connection))
    followed = own is not None and _follow(connection, actor, reference_id, membership, rows, own, people)
    detail: dict[str, object] = {"reference": reference_id, "collection": membership.collection}
    if path is not None:
        detail["path"] = os.fsdecode(path)
    if membership.retracted is not None:
        outcome = _retract(connection, actor, reference_id, membership, own, detail, new)
        if followed:
            touch(connection, reference_id, own=False)
        return outcome
    live = any(row.retracted is None for row in rows)
    if own is not None and own.retracted is not None:
        newer = own.is_older_than(said)
        kept: Retraction | None = None
        if newer and own.is_listed and not own.withdrawn_here:
            # Its source had withdrawn it, too, and stands by it again. What a person here said remains.
            kept = people().taken_back.get((reference_id, own.collection))
        if own.withdrawn_here or not newer or kept is not None:
            has_news = newer and own.is_listed and _update(connection, reference_id, own.id, membership, kept)
            if followed or has_news:
                touch(connection, reference_id, own=False)
            return "retracted"
    elif (
        not live
        and rows
        and (
            membership.import_id is None
            or any(row.withdrawn_here or (reference_id, row.collection) in people().taken_back for row in rows)
        )
    ):
        return "retracted"
    collection_id = ensure_collection(connection, actor, membership.collection, _rule(membership))
    here = membership.import_id is None
    added_labels = add_labels(connection, reference_id, membership.labels) if here else []
    allow = membership.allow and (new or allow_known)
    allowed = followed
    if allow:
        statement = "UPDATE reference SET allow = 1 WHERE id = ? AND allow = 0"
        allowed |= bool(connection.execute(statement, (reference_id,)).rowcount)
    if own is None:
        insert(connection, [(reference_id, collection_id, membership)])
        has_news = True
    else:
        has_news = _update(connection, reference_id, collection_id, membership, LIVE)
    if not added_labels and not allowed and not has_news:
        return "known"
    if not new:
        touch(connection, reference_id, own=here)
    if here:  # an import has one entry in the audit trail, and its members point to it
        detail |= {"labels": added_labels, "allow": allow, "source": membership.source, "tlp": membership.tlp}
        record(connection, actor, "add" if new else "join", detail)
    if own is not None and own.retracted is not None:
        record(connection, actor, "restore", detail)
        return "restored"
    return "added" if new else "joined"


def _follow(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    rows: list[_Row],
    own: _Row,
    people: Callable[[], SaidHere],
) -> bool:
    """Put a reference on the allow list or take it off, if a newer word of the list that made it a member says so.

    What a person here decided last stays. The reference goes on the allow list only if no other collection has it: else a
    partner could protect what others know as propaganda.
    Returns whether this changed anything.
    """
    if membership.allow == own.allowed or not own.is_listed or not own.is_older_than(membership.said):
        return False
    if membership.allow and len(rows) > 1:
        return False
    if people().allowed.get(reference_id, membership.allow) != membership.allow:
        return False
    connection.execute("UPDATE reference SET allow = ? WHERE id = ?", (membership.allow, reference_id))
    detail = {"reference": reference_id, "collection": membership.collection, "import": membership.import_id}
    record(connection, actor, "allow" if membership.allow else "disallow", detail)
    return True


def kept_off(connection: sqlite3.Connection, reference_id: int, membership: Membership) -> bool:
    """Whether the last word of a collection would have a reference on the allow list, and it is not there."""
    row = connection.execute(
        "SELECT changed, import_id FROM membership JOIN collection ON collection.id = collection_id"
        " JOIN reference ON reference.id = reference_id WHERE reference_id = ? AND name = ? AND NOT allow",
        (reference_id, membership.collection),
    ).fetchone()
    if row is None:
        return False
    said, (changed, import_id) = membership.said, row
    return said is None or import_id is None or changed is None or said >= changed


def _retract(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    own: _Row | None,
    detail: dict[str, object],
    new: bool,
) -> JoinOutcome:
    by_a_stranger = membership.import_id is not None and not membership.named
    if by_a_stranger and own is not None and own.import_id is None and own.retracted is None:
        return "disputed"
    collection_id = ensure_collection(connection, actor, membership.collection, _rule(membership))
    if own is None:
        insert(connection, [(reference_id, collection_id, membership)])
    elif own.retracted is not None and not (
        own.withdrawn_here and own.is_listed and own.is_older_than(membership.said)
    ):
        # The first retraction counts. But a word from between the two, if it arrives later, must not revive it.
        if _update(connection, reference_id, collection_id, membership, None):
            touch(connection, reference_id, own=False)
        return "known"
    else:
        # Even if a person here had withdrawn it: we then pass on that its source withdrew it, and not that we doubt it.
        retraction = (membership.retracted, membership.retraction_reason, membership.import_id)
        _update(connection, reference_id, collection_id, membership, retraction)
    if new:  # a tombstone remembers the allow list, so that restoring it does not make it propaganda
        connection.execute("UPDATE reference SET allow = ? WHERE id = ?", (membership.allow, reference_id))
        if membership.import_id is None:
            add_labels(connection, reference_id, membership.labels)
    else:
        touch(connection, reference_id, own=own is not None and own.import_id is None)
    detail |= {"retracted": membership.retracted, "reason": membership.retraction_reason}
    if own is not None and own.retracted is not None:
        detail["before"] = (own.retracted, own.reason)  # which overrides.py reads
    record(connection, actor, "retract", detail)
    return "retracted"


def _rule(membership: Membership) -> Tlp | None:
    """The sharing rule of a collection that a membership creates. The marks of a list's entries are their own, and not
    those of the collection that the first of them happens to create.
    """
    return membership.tlp if membership.import_id is None else None


def _rows(connection: sqlite3.Connection, reference_id: int) -> list[_Row]:
    rows = connection.execute(
        "SELECT collection.id, name, retracted, retraction_reason, retraction_import_id, changed, import_id, allow"
        " FROM membership JOIN collection ON collection.id = collection_id JOIN reference ON reference.id = reference_id"
        " WHERE reference_id = ?",
        (reference_id,),
    )
    return [_Row(*row) for row in rows]


def ensure_collection(connection: sqlite3.Connection, actor: Actor, name: str, tlp: Tlp | None = None) -> int:
    """The id of a collection. If there is none of that name, it is created with this sharing rule."""
    found = connection.execute("SELECT id FROM collection WHERE name = ?", (name,)).fetchone()
    if found:
        return int(found[0])
    cursor = connection.execute("INSERT INTO collection (name, tlp, created) VALUES (?, ?, ?)", (name, tlp, now()))
    record(connection, actor, "collection", {"collection": name, "tlp": tlp})
    return int(cursor.lastrowid or 0)


_COLUMNS = (
    *("reference_id", "collection_id", "source", "tlp", "case_id", "note", "operator", "added", "retracted"),
    *("retraction_reason", "import_id", "retraction_import_id", "changed", "labels", "carried"),
)


def insert(connection: sqlite3.Connection, rows: Iterable[tuple[int, int, Membership]]) -> None:
    """Insert new memberships, each by the ids of its reference and collection. They keep a list's labels."""
    bulk.insert(
        connection,
        "membership",
        _COLUMNS,
        (
            (reference_id, collection_id, *values)
            for each, group in groupby(rows, key=itemgetter(2))  # a list says the same about most of its entries
            for values in [_values(each)]
            for reference_id, collection_id, _membership in group
        ),
    )


def _values(each: Membership) -> tuple[object, ...]:
    """The values of _COLUMNS, without the first two."""
    listed = each.import_id is not None
    return (
        *(each.source, each.tlp, each.case, each.note, each.operator, each.added or now()),
        *(each.retracted, each.retraction_reason, each.import_id),
        each.import_id if each.retracted is not None else None,
        each.said if listed else now_exactly(),
        packed_labels(each.labels) if listed else None,
        each.carried,
    )


def _update(
    connection: sqlite3.Connection,
    reference_id: int,
    collection_id: int,
    membership: Membership,
    retraction: Retraction | None,
) -> bool:
    """Take over what a membership's source says now: a stricter TLP mark always, everything else if it is newer or was
    unknown.

    retraction: what holds from now on; None if it stays as it is.
    Returns whether this changed more than the date.
    """
    *old, reason, importing, retracted, changed, labels, import_id = connection.execute(
        "SELECT tlp, source, case_id, note, retraction_reason, retraction_import_id, retracted, changed, labels, import_id"
        " FROM membership WHERE reference_id = ? AND collection_id = ?",
        (reference_id, collection_id),
    ).fetchone()
    said = membership.said
    newer = import_id is not None and said is not None and (changed is None or said > changed)
    new: list[str | None] = [strictest(old[0], membership.tlp)]
    for before, now_said in zip(old[1:], (membership.source, membership.case, membership.note), strict=True):
        new.append((now_said or before) if newer else (before or now_said))
    kept = labels_of(labels)
    if membership.import_id is not None:
        named = [name for name in membership.labels if name not in _given(connection, reference_id)]
        kept = tuple(named) if newer else tuple(dict.fromkeys((*kept, *named)))
    before_that: Retraction = (retracted, reason, importing)
    retraction = before_that if retraction is None else retraction
    news = new != old or retraction != before_that or sorted(kept) != sorted(labels_of(labels))
    if not news and not newer:
        return False
    connection.execute(
        "UPDATE membership SET tlp = ?, source = ?, case_id = ?, note = ?, labels = ?, changed = ?, retracted = ?,"
        " retraction_reason = ?, retraction_import_id = ? WHERE reference_id = ? AND collection_id = ?",
        (*new, packed_labels(kept), said if newer else changed, *retraction, reference_id, collection_id),
    )
    return news


def mark(connection: sqlite3.Connection, reference_id: int, collection: str, tlp: Tlp | None) -> bool:
    """Apply a TLP mark that came with words about a reference.

    It applies to its membership of that collection; if it has none, to all its memberships, since they go out with these
    words. Returns whether any of them is stricter now.
    """
    if tlp is None:
        return False
    rows = connection.execute(
        "SELECT name, collection_id, membership.tlp FROM membership JOIN collection ON collection.id = collection_id"
        " WHERE reference_id = ?",
        (reference_id,),
    ).fetchall()
    stricter = [
        (tlp, reference_id, collection_id)
        for name, collection_id, old in [row for row in rows if row[0] == collection] or rows
        if strictest(old, tlp) != old
    ]
    connection.executemany("UPDATE membership SET tlp = ? WHERE reference_id = ? AND collection_id = ?", stricter)
    return bool(stricter)


def touch(connection: sqlite3.Connection, reference_id: int, *, own: bool) -> None:
    """Note that a reference has changed, so that the next list that goes out has it.

    own: we said something new about it, so that ours is the newest word in collections that no list filled.
    """
    connection.execute(
        "UPDATE reference SET revision = (SELECT coalesce(max(id), 0) + 1 FROM audit) WHERE id = ?", (reference_id,)
    )
    if own:
        connection.execute(
            "UPDATE membership SET changed = ? WHERE reference_id = ? AND import_id IS NULL",
            (now_exactly(), reference_id),
        )


def add_labels(connection: sqlite3.Connection, reference_id: int, labels: Iterable[str]) -> list[str]:
    """Add labels that are given here. Returns those that are new."""
    statement = "INSERT OR IGNORE INTO label (reference_id, name) VALUES (?, ?)"
    return [label for label in labels if connection.execute(statement, (reference_id, label)).rowcount]


def _given(connection: sqlite3.Connection, reference_id: int) -> set[str]:
    rows = connection.execute("SELECT name FROM label WHERE reference_id = ?", (reference_id,))
    return {name for (name,) in rows}


def labels_of(packed: str | None) -> tuple[str, ...]:
    """The labels that a list gave, from the form in which the database keeps them."""
    return tuple(json.loads(packed)) if packed else ()


def packed_labels(labels: Iterable[str]) -> str | None:
    """Labels in the form in which the database keeps those of a list; see `labels_of`."""
    names = sorted(set(labels))
    return json.dumps(names, ensure_ascii=False, separators=(",", ":")) if names else None

"""Which collection knows a reference, and what its source says about it. The newest word of a source counts, in whatever
order words come; nobody changes another's. What people here decide stands beside it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from hashmatch.clock import exactly, now, now_exactly
from hashmatch.records import Tlp, strictest
from hashmatch.store import bulk, voices
from hashmatch.store.allow_list import decide, say, settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.revisions import touch

#: What came of adding a reference. "joined": it was known, and something new was added to it. "retracted": it was withdrawn,
#: and adding it again does not revive it. "restored": the source that withdrew it stands by it again. "disputed": its
#: source withdrew it, and others still stand by it. "tombstone": it was withdrawn before it came. "ours": our own word
#: that came back.
JoinOutcome = Literal["added", "joined", "known", "retracted", "restored", "disputed", "tombstone", "ours"]


@dataclass(frozen=True, slots=True)
class Membership:
    """How to add a reference: to which collection, who says so, and under which rule.

    owner, author: whose word it is, see voices.py; empty for people here.
    """

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
    owner: str = ""
    author: str = ""
    record: str | None = None
    expires: str | None = None
    #: Whether a person here says that what the list has is legitimate.
    allow_here: bool = False
    #: Other voices, as owner and author, that a withdrawal reaches.
    also: tuple[tuple[str, str], ...] = ()

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
    """A membership that exists."""

    collection_id: int
    retracted: str | None
    taken_back: str | None
    taken_back_reason: str | None
    changed: str | None
    live: bool

    @property
    def withdrawn(self) -> bool:
        """Whether its source or people here withdrew it. What has only expired may come again."""
        return self.retracted is not None or self.taken_back is not None

    def is_older_than(self, said: str | None) -> bool:
        """Whether its last word is older than this one, as far as anybody can know."""
        return said is not None and (self.changed is None or said > self.changed)


def join(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    *,
    new: bool = False,
    path: bytes | None = None,
) -> JoinOutcome:
    """Make a reference a member of a collection of ours, with labels, on the word of people here.

    What was withdrawn from all collections stays withdrawn: only `restore` undoes that.
    """
    rows = [] if new else _rows(connection, reference_id)
    found = _find_collection(connection, membership)
    own = next((row for row in rows if row.collection_id == found), None)
    if (own is not None and own.retracted is not None) or (rows and all(row.withdrawn for row in rows)):
        return "retracted"
    collection_id = found or ensure_collection(connection, actor, membership, membership.tlp)
    detail: dict[str, object] = {"reference": reference_id, "collection": membership.collection}
    if path is not None:
        detail["path"] = os.fsdecode(path)
    labels = add_labels(connection, reference_id, membership.labels)
    if own is None:
        insert(connection, [(reference_id, collection_id, membership)])
        say(connection, reference_id)
        has_news = True
    else:
        has_news = _update(connection, reference_id, collection_id, membership, newer=False)
    allowed = decide(connection, reference_id, True) if membership.allow else settle(connection, reference_id)
    if not labels and not allowed and not has_news:
        return "known"
    if not new:
        touch(connection, reference_id)
    detail |= {"labels": labels, "allow": membership.allow, "source": membership.source, "tlp": membership.tlp}
    record(connection, actor, "add" if new else "join", detail)
    return "added" if new else "joined"


def hear(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, membership: Membership, *, new: bool = False
) -> JoinOutcome:
    """Take in what a list says of a reference.

    A newer word of the same collection restores what an older one withdrew, and the other way round. What people here took
    back stays so, and a reference that they took back everywhere is taken back in a further collection, too.
    """
    rows = [] if new else _rows(connection, reference_id)
    collection_id = ensure_collection(connection, actor, membership)
    own = next((row for row in rows if row.collection_id == collection_id), None)
    others = any(row.live for row in rows if row is not own)
    outcome: JoinOutcome
    if membership.retracted is not None:
        outcome, changed = _hear_withdrawal(connection, actor, reference_id, membership, own, collection_id)
        if _withdraw_also(connection, actor, reference_id, membership):
            outcome = "retracted"
            others = bool(_live(connection, reference_id))
        if outcome in ("retracted", "tombstone") and others:
            outcome = "disputed"
    else:
        outcome, changed = _hear_word(connection, actor, reference_id, membership, own, collection_id, rows)
    if new and outcome == "joined":
        outcome = "added"
    decided = membership.allow_here and membership.retracted is None and decide(connection, reference_id, True)
    if decided or settle(connection, reference_id):
        changed = True
        outcome = "joined" if outcome == "known" else outcome
    if changed and not new:
        touch(connection, reference_id)
    return outcome


def _hear_word(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    own: _Row | None,
    collection_id: int,
    rows: list[_Row],
) -> tuple[JoinOutcome, bool]:
    """What came of a word, and whether it changed anything."""
    if own is None:
        insert(connection, [(reference_id, collection_id, membership)])
        taken = next((row for row in rows if row.taken_back is not None), None)
        here = next((row for row in rows if row.retracted is not None and _is_ours(connection, row)), None)
        if rows and all(row.withdrawn for row in rows) and (taken or here):
            _take_back_too(connection, reference_id, collection_id, taken or here)
            return "retracted", True
        return "joined", True
    newer = own.is_older_than(membership.said)
    if own.retracted is None:
        changed = _update(connection, reference_id, collection_id, membership, newer=newer)
        return "retracted" if own.taken_back else "joined" if changed else "known", changed
    if not newer:
        return "retracted", _update(connection, reference_id, collection_id, membership, newer=False)
    _update(connection, reference_id, collection_id, membership, newer=True, retraction=(None, None, None))
    record(connection, actor, "restore", _detail(reference_id, membership))
    return "retracted" if own.taken_back else "restored", True


def _hear_withdrawal(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    membership: Membership,
    own: _Row | None,
    collection_id: int,
) -> tuple[JoinOutcome, bool]:
    """What came of a withdrawal, and whether it changed anything."""
    if own is None:
        insert(connection, [(reference_id, collection_id, membership)])
        record(connection, actor, "retract", _detail(reference_id, membership))
        return "tombstone", True
    newer = own.is_older_than(membership.said)
    if own.retracted is not None or not (newer or own.changed is None or membership.said in (None, own.changed)):
        # The first retraction counts, but a word from between the two, if it arrives later, must not revive it.
        return "known", _update(connection, reference_id, collection_id, membership, newer=newer)
    retraction = (membership.retracted, membership.retraction_reason, membership.import_id)
    _update(connection, reference_id, collection_id, membership, newer=newer, retraction=retraction)
    record(connection, actor, "retract", _detail(reference_id, membership))
    return "retracted", True


def _withdraw_also(connection: sqlite3.Connection, actor: Actor, reference_id: int, membership: Membership) -> bool:
    """Withdraw what the same source said without a signature. Returns whether there was anything."""
    found = False
    for owner, author in membership.also:
        rows = connection.execute(
            "SELECT collection_id FROM membership JOIN collection ON collection.id = collection_id"
            " JOIN voice ON voice.id = voice_id WHERE reference_id = ? AND owner = ? AND author = ? AND name = ?"
            " AND retracted IS NULL AND (changed IS NULL OR changed <= ?)",
            (reference_id, owner, author, membership.collection, membership.said or now_exactly()),
        ).fetchall()
        for (collection_id,) in rows:
            withdraw(connection, actor, reference_id, collection_id, membership)
            found = True
    return found


def withdraw(
    connection: sqlite3.Connection, actor: Actor, reference_id: int, collection_id: int, membership: Membership
) -> None:
    """Note that the source of a membership withdrew it, by the list that `membership` is from."""
    connection.execute(
        "UPDATE membership SET retracted = ?, retraction_reason = ?, retraction_import_id = ?,"
        " changed = max(coalesce(changed, ''), coalesce(?, '')) WHERE reference_id = ? AND collection_id = ?",
        (
            *(membership.retracted, membership.retraction_reason, membership.import_id, membership.said),
            *(reference_id, collection_id),
        ),
    )
    touch(connection, reference_id)
    settle(connection, reference_id)
    record(connection, actor, "retract", _detail(reference_id, membership) | {"collection_id": collection_id})


def _take_back_too(connection: sqlite3.Connection, reference_id: int, collection_id: int, like: _Row | None) -> None:
    assert like is not None
    connection.execute(
        "UPDATE membership SET taken_back = ?, taken_back_reason = ? WHERE reference_id = ? AND collection_id = ?",
        (like.taken_back or like.retracted, like.taken_back_reason, reference_id, collection_id),
    )


def _is_ours(connection: sqlite3.Connection, row: _Row) -> bool:
    query = "SELECT voice_id FROM collection WHERE id = ?"
    return bool(connection.execute(query, (row.collection_id,)).fetchone()[0] == voices.HERE)


def _live(connection: sqlite3.Connection, reference_id: int) -> list[tuple[int]]:
    query = "SELECT collection_id FROM live_membership WHERE reference_id = ?"
    return connection.execute(query, (reference_id,)).fetchall()


def _detail(reference_id: int, membership: Membership) -> dict[str, object]:
    detail: dict[str, object] = {"reference": reference_id, "collection": membership.collection}
    detail |= {"owner": membership.owner, "author": membership.author, "import": membership.import_id}
    return detail | {"retracted": membership.retracted, "reason": membership.retraction_reason}


def _rows(connection: sqlite3.Connection, reference_id: int) -> list[_Row]:
    rows = connection.execute(
        "SELECT collection_id, retracted, taken_back, taken_back_reason, changed, (reference_id, collection_id) IN"
        " (SELECT reference_id, collection_id FROM live_membership WHERE reference_id = ?1)"
        " FROM membership WHERE reference_id = ?1",
        (reference_id,),
    )
    return [_Row(*columns) for columns in rows]


def ensure_collection(
    connection: sqlite3.Connection, actor: Actor, membership: Membership, tlp: Tlp | None = None
) -> int:
    """The id of the collection of a membership. If there is none, it is created with this sharing rule."""
    found = _find_collection(connection, membership)
    if found is not None:
        return found
    owner, author, name = membership.owner, membership.author, membership.collection
    cursor = connection.execute(
        "INSERT INTO collection (voice_id, name, tlp, created) VALUES (?, ?, ?, ?)",
        (voices.number(connection, owner, author), name, tlp, now()),
    )
    record(connection, actor, "collection", {"collection": name, "owner": owner, "author": author, "tlp": tlp})
    return int(cursor.lastrowid or 0)


def _find_collection(connection: sqlite3.Connection, membership: Membership) -> int | None:
    found = connection.execute(
        "SELECT collection.id FROM voice JOIN collection ON voice_id = voice.id"
        " WHERE owner = ? AND author = ? AND name = ?",
        (membership.owner, membership.author, membership.collection),
    ).fetchone()
    return None if found is None else int(found[0])


_COLUMNS = (
    *("reference_id", "collection_id", "source", "tlp", "case_id", "note", "operator", "added", "retracted"),
    *("retraction_reason", "import_id", "retraction_import_id", "changed", "labels", "carried", "allow", "record"),
    "expires",
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
        *(each.carried, int(each.allow), each.record, each.expires),
    )


#: Columns that a newer word replaces, if it says anything of them, and an older one fills in.
_FACTS = ("source", "case_id", "note", "record", "expires")


def _update(
    connection: sqlite3.Connection,
    reference_id: int,
    collection_id: int,
    membership: Membership,
    *,
    newer: bool,
    retraction: tuple[str | None, str | None, int | None] | None = None,
) -> bool:
    """Take over what a membership's source says now: a stricter TLP mark always, everything else if it is newer or was
    unknown.

    retraction: when, why and by which list it is withdrawn from now on; None if that stays as it is.
    Returns whether this changed more than the date.
    """
    tlp, labels, carried, allow, changed, *before = connection.execute(
        f"SELECT tlp, labels, carried, allow, changed, retracted, retraction_reason, retraction_import_id,"
        f" {', '.join(_FACTS)} FROM membership WHERE reference_id = ? AND collection_id = ?",
        (reference_id, collection_id),
    ).fetchone()
    was = [tlp, packed_labels(labels_of(labels)), carried, allow, *before]
    facts = (membership.source, membership.case, membership.note, membership.record, membership.expires)
    merged = [(fact or old) if newer else (old or fact) for fact, old in zip(facts, before[3:], strict=True)]
    older = changed is not None and membership.said is not None and membership.said < changed
    if newer or older:
        merged[-1] = membership.expires if newer else before[-1]  # that it does not expire any more is news
    kept = labels_of(labels)
    if membership.import_id is not None:
        named = [name for name in membership.labels if name not in _given(connection, reference_id)]
        if newer:
            kept = tuple(named)
        elif changed is None or membership.said is None:  # else an older word would bring back a label that is gone
            kept = tuple(dict.fromkeys((*kept, *named)))
        whole = joined_names(carried, membership.carried)
        if whole != carried:
            _note_first_list(connection, reference_id, collection_id)
        carried = whole
    allow = int(membership.allow) if newer else allow
    after = [strictest(tlp, membership.tlp), packed_labels(kept), carried, allow, *(retraction or before[:3]), *merged]
    news = after != was
    if not news and not newer:
        return False
    connection.execute(
        f"UPDATE membership SET tlp = ?, labels = ?, carried = ?, allow = ?, retracted = ?, retraction_reason = ?,"
        f" retraction_import_id = ?, {', '.join(f'{fact} = ?' for fact in _FACTS)}, changed = ?"
        " WHERE reference_id = ? AND collection_id = ?",
        (*after, membership.said if newer else changed, reference_id, collection_id),
    )
    return news


def _note_first_list(connection: sqlite3.Connection, reference_id: int, collection_id: int) -> None:
    """Note what the list had that made a reference a member, before the word has more than that."""
    connection.execute(
        "INSERT OR IGNORE INTO provenance (reference_id, import_id, collection_id, carried)"
        " SELECT reference_id, import_id, collection_id, carried FROM membership"
        " WHERE reference_id = ? AND collection_id = ? AND import_id IS NOT NULL",
        (reference_id, collection_id),
    )


def joined_names(before: str | None, more: str | None) -> str | None:
    """Names of digests and algorithms of two words of one source. None: all that the reference has."""
    if before is None or more is None:
        return before
    return ",".join(dict.fromkeys([*before.split(","), *more.split(",")]))


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

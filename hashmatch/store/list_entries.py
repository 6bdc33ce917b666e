"""Add entries of hash lists to the set, many at once: a list may have millions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from hashmatch.clock import now
from hashmatch.store import opinions, voices
from hashmatch.store.audit import Actor
from hashmatch.store.membership import JoinOutcome, Membership, hear
from hashmatch.store.new_references import NewReferences
from hashmatch.store.prepared_entries import COLUMNS, ListEntry
from hashmatch.store.reach import DIGESTS, KnownReferences, of_hashes
from hashmatch.store.references import IMPORTED, set_hashes
from hashmatch.store.revisions import touch


@dataclass(frozen=True, slots=True)
class HeardEntry:
    """What came of an entry: the references that it is about, and what happened to the first of them, or, if it left a
    tombstone, to the first that was there."""

    references: tuple[int, ...]
    outcome: JoinOutcome


def add_items(connection: sqlite3.Connection, actor: Actor, entries: Sequence[ListEntry]) -> list[HeardEntry]:
    """Add entries of a hash list, within a transaction. A retracted entry leaves a tombstone.

    Hashes that were made here from the bytes are not replaced by those of a list.
    """
    ours = voices.ours(connection)
    handed_over = voices.successors(connection)
    if handed_over:
        entries = [_by_successor(entry, handed_over) for entry in entries]
    trusted = voices.trusted(connection)
    known = KnownReferences(connection, [entry.identity for entry in entries], [entry.digests for entry in entries])
    doubts = [entry.only_doubts for entry in entries]
    doubted = {each for entry in compress(entries, doubts) for each in entry.whole_hashes}
    same = of_hashes(connection, doubted)
    batch = NewReferences(connection, actor, trusted)
    heard: list[HeardEntry] = []
    for entry, only_doubts in zip(entries, doubts, strict=True):
        membership, digests = entry.membership, entry.digests
        reached = known.reached(entry.identity, digests)
        if membership.author in ours or membership.owner in ours:
            batch.flush()
            if _come_back(connection, entry, reached, ours):
                heard.append(HeardEntry(tuple(reached), "ours"))
                continue
        alike = {each: None for key in entry.whole_hashes for each in same.get(key, ())} if only_doubts else {}
        new = not reached
        if new and membership.retracted is None:
            reference_id = batch.add(entry)
            known.add(reference_id, entry.identity, digests)
            heard.append(HeardEntry((reference_id, *alike), "added"))
            if alike:
                batch.flush()
                _doubt(connection, entry, alike, ours)
            continue
        batch.flush()
        if new:  # a tombstone, also where others have the hash: an older word on the hash alone must not revive it
            reached = [_insert(connection, entry)]
            known.add(reached[0], entry.identity, digests)
        outcomes = [_add_to(connection, actor, each, entry, ours, new=new) for each in reached]
        for each in reached if not new else ():
            known.state(each, digests)
        others = [each for each in alike if each not in reached]
        if membership.retracted is not None:
            outcomes += [_add_to(connection, actor, each, entry, ours, new=False) for each in others]
        else:
            _doubt(connection, entry, others, ours)
        outcome = next((each for each in outcomes if each != "tombstone"), outcomes[0])
        told = others if new and others else [*reached, *others]  # a tombstone of its own is about nothing more
        heard.append(HeardEntry(tuple(told), outcome))
    batch.flush()
    return heard


#: What a word can state beyond the reference's own, by the places in ListEntry.columns.
_STATED = tuple((name, COLUMNS.index(name)) for name in (*DIGESTS, "size", "width", "height", "duration"))


def _insert(connection: sqlite3.Connection, entry: ListEntry) -> int:
    cursor = connection.execute(
        f"INSERT INTO reference (identity, {', '.join(COLUMNS)}, allow, pending, added, revision)"
        f" VALUES (?, {', '.join('?' * len(COLUMNS))}, ?, ?, ?, (SELECT coalesce(max(id), 0) + 1 FROM audit))",
        (entry.identity, *entry.columns, entry.membership.allow, entry.membership.allow, now()),
    )
    return int(cursor.lastrowid or 0)


def _add_to(
    connection: sqlite3.Connection,
    actor: Actor,
    reference_id: int,
    entry: ListEntry,
    ours: frozenset[str],
    *,
    new: bool,
) -> JoinOutcome:
    """Add an entry to a reference that is there. new: it was inserted just now."""
    membership = entry.membership
    before, told = _last_words(connection, reference_id, membership)
    outcome = hear(connection, actor, reference_id, membership, new=new)
    changed = False
    if not _is_older(membership, before):
        is_newer = before is not None and membership.said is not None and membership.said > before
        if membership.retracted is None:
            changed = _state(connection, reference_id, entry)
        if membership.retracted is None or new:  # a tombstone is passed on by its hashes
            changed |= _hash(connection, reference_id, entry, new=new, replacing=is_newer)
    if not _is_older(membership, told):
        changed |= _hear_opinions(connection, reference_id, entry, ours)
    if not new:
        # The membership names the list that made the reference a member.
        connection.execute(
            "INSERT OR IGNORE INTO provenance (reference_id, import_id, collection_id, carried)"
            " SELECT ?1, ?2, collection.id, ?3 FROM collection JOIN voice ON voice.id = voice_id"
            " WHERE owner = ?4 AND author = ?5 AND name = ?6 AND NOT EXISTS"
            " (SELECT 1 FROM membership WHERE reference_id = ?1 AND import_id = ?2)",
            (
                *(reference_id, membership.import_id, membership.carried or ""),
                *(membership.owner, membership.author, membership.collection),
            ),
        )
    if changed and not new:
        touch(connection, reference_id)
    return "joined" if changed and outcome == "known" else outcome


def _last_words(
    connection: sqlite3.Connection, reference_id: int, membership: Membership
) -> tuple[str | None, str | None]:
    """When the collection of an entry last said anything of a reference, and when those whose opinions the entry tells last
    did; "" if they did not say when, None if they never did."""
    row = connection.execute(
        "SELECT max(iif(author = ?3 AND name = ?4, coalesce(changed, ''), NULL)), max(coalesce(changed, '')),"
        " (SELECT max(changed) FROM returned JOIN voice ON voice.id = voice_id WHERE reference_id = ?1 AND owner = ?2)"
        " FROM membership JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id"
        " WHERE reference_id = ?1 AND owner = ?2 AND (name = ?4 OR owner != ?5)",
        (reference_id, membership.owner, membership.author, membership.collection, voices.UNSIGNED),
    ).fetchone()
    own, told, returned = row
    return own, max((each for each in (told, returned) if each is not None), default=None)


def _is_older(membership: Membership, last: str | None) -> bool:
    return last is not None and membership.said is not None and membership.said < last


def _state(connection: sqlite3.Connection, reference_id: int, entry: ListEntry) -> bool:
    """Keep what an entry knows beyond what its reference has itself. Returns whether there is anything new."""
    names = ", ".join(name for name, _place in _STATED)
    own = connection.execute(f"SELECT {names} FROM reference WHERE id = ?", (reference_id,)).fetchone()
    more = [
        (name, entry.columns[place])
        for (name, place), has in zip(_STATED, own, strict=True)
        if entry.columns[place] not in (None, has)
    ]
    if not more:
        return False
    columns = ", ".join(name for name, _value in more)
    updates = ", ".join(f"{name} = excluded.{name}" for name, _value in more)
    changes = " OR ".join(f"{name} IS NOT excluded.{name}" for name, _value in more)
    membership = entry.membership
    cursor = connection.execute(
        f"INSERT INTO stated (reference_id, collection_id, {columns})"
        f" SELECT ?, collection.id, {', '.join('?' * len(more))} FROM collection JOIN voice ON voice.id = voice_id"
        " WHERE owner = ? AND author = ? AND name = ?"
        f" ON CONFLICT (reference_id, collection_id) DO UPDATE SET {updates} WHERE {changes}",
        (
            *(reference_id, *(value for _name, value in more)),
            *(membership.owner, membership.author, membership.collection),
        ),
    )
    return cursor.rowcount > 0


def _hash(connection: sqlite3.Connection, reference_id: int, entry: ListEntry, *, new: bool, replacing: bool) -> bool:
    """Store an entry's hashes of algorithms that its reference has not; and instead of others that lists brought, if the
    entry is a newer word of the only owner that knows the reference, or the only one that stands: who withdrew it must not
    have the say of its hashes. Returns whether this changed anything."""
    if not entry.hashes:
        return False
    rows = connection.execute(
        "SELECT DISTINCT algorithm, decoding = ? FROM hash JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ?",
        (IMPORTED, reference_id),
    ).fetchall()
    if replacing and rows:
        (others,) = connection.execute(
            "SELECT count(*) FROM membership JOIN collection ON collection.id = collection_id"
            " JOIN voice ON voice.id = voice_id WHERE reference_id = ? AND owner != ?",
            (reference_id, entry.membership.owner),
        ).fetchone()
        replacing = not others
    replacing |= bool(rows) and _is_alone(connection, reference_id, entry.membership)
    kept = {algorithm for algorithm, listed in rows if not (replacing and listed)}
    hashes = [row for row in entry.hashes if row[0] not in kept]
    return set_hashes(connection, reference_id, hashes, IMPORTED, new=new)


def _is_alone(connection: sqlite3.Connection, reference_id: int, membership: Membership) -> bool:
    """Whether no other collection stands by a reference."""
    words = connection.execute(
        "SELECT owner, author, name FROM live_membership JOIN collection ON collection.id = collection_id"
        " JOIN voice ON voice.id = voice_id WHERE reference_id = ?",
        (reference_id,),
    )
    return all(each == (membership.owner, membership.author, membership.collection) for each in words)


def _hear_opinions(connection: sqlite3.Connection, reference_id: int, entry: ListEntry, ours: frozenset[str]) -> bool:
    """Take in an entry's opinions but for our own, and forget those that its owner no longer tells."""
    told = tuple(each for each in entry.opinions if each.author not in ours)
    changed = opinions.add(connection, reference_id, told, entry.membership.import_id, entry.membership.owner)
    if entry.tells_opinions and entry.membership.said is not None:
        changed |= opinions.forget_others(connection, reference_id, told, entry.membership.owner, _only_of(entry))
    return changed


def _doubt(connection: sqlite3.Connection, entry: ListEntry, references: Iterable[int], ours: frozenset[str]) -> None:
    """Let an entry's opinions stand beside other references that have its hashes, unless its owner speaks of them, too."""
    told = tuple(each for each in entry.opinions if each.author not in ours)
    for reference_id in references:
        if _last_words(connection, reference_id, entry.membership)[1] is not None:
            continue
        if opinions.add(connection, reference_id, told, entry.membership.import_id, entry.membership.owner):
            touch(connection, reference_id)


def _only_of(entry: ListEntry) -> str | None:
    """Whose opinions an entry tells in full, by author: all that its owner passes on (None), or, where nobody in particular
    is the owner, those of its collection."""
    return entry.membership.collection if entry.membership.owner == voices.UNSIGNED else None


def _come_back(connection: sqlite3.Connection, entry: ListEntry, reached: Sequence[int], ours: frozenset[str]) -> bool:
    """Take in our own word, or what we passed on, that a list brought back: nothing changes but what its owner thinks of it.

    Returns whether it is that. Where we do not know it (a backup was restored), it is a word like any other.
    """
    membership = entry.membership
    if membership.author not in ours and not any(_is_home(connection, each, membership) for each in reached):
        return False
    theirs = () if membership.owner in ours else tuple(each for each in entry.opinions if each.author not in ours)
    entry = entry._replace(opinions=theirs)
    for each in reached:
        if _is_older(membership, _last_words(connection, each, membership)[1]):
            continue
        connection.execute(
            "INSERT INTO returned (reference_id, voice_id, changed) VALUES (?, ?, ?)"
            " ON CONFLICT (reference_id, voice_id) DO UPDATE SET changed = excluded.changed",
            (each, voices.number(connection, membership.owner, membership.author), membership.said or ""),
        )
        if _hear_opinions(connection, each, entry, ours):
            touch(connection, each)
    return True


def _is_home(connection: sqlite3.Connection, reference_id: int, membership: Membership) -> bool:
    """Whether we know what a list of ours says of a reference: as our word, or as that of whom we pass it on for."""
    said = connection.execute(
        "SELECT owner, author FROM membership JOIN collection ON collection.id = collection_id"
        " JOIN voice ON voice.id = voice_id WHERE reference_id = ? AND name = ?",
        (reference_id, membership.collection),
    )
    return any(voices.Voice(*voice).passed_on_as == membership.author for voice in said)


def _by_successor(entry: ListEntry, handed_over: Mapping[str, str]) -> ListEntry:
    """The entry, for the keys that have the place now of those for which it is passed on."""
    author = handed_over.get(entry.membership.author)
    told = tuple(replace(each, author=handed_over.get(each.author, each.author)) for each in entry.opinions)
    membership = entry.membership if author is None else replace(entry.membership, author=author)
    return entry._replace(membership=membership, opinions=told)

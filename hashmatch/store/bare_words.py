"""What a named list gave in a format that can say no more than that it has a file: its numbers settle what stands of that.

Such a number has no collections and dates, and perhaps nothing of a file but its hash. So a later number in another format
withdraws it under another name, and a later bare one, which is not dated, stands by it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from hashmatch.records import ListHead
from hashmatch.store import lookup
from hashmatch.store.allow_list import settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.list_entries import HeardEntry
from hashmatch.store.membership import Membership
from hashmatch.store.membership import withdraw as withdraw_word
from hashmatch.store.prepared_entries import ListEntry
from hashmatch.store.reach import of_hashes
from hashmatch.store.revisions import touch


def withdraw(
    connection: sqlite3.Connection,
    actor: Actor,
    name: str,
    forms: frozenset[str],
    entries: Sequence[ListEntry],
    heard: Sequence[HeardEntry],
) -> set[int]:
    """Withdraw what earlier numbers of a list gave in bare formats only, and this one withdraws.

    name: of the list. forms: the names of bare formats. heard: what came of each entry.
    Returns the numbers of the entries that left nothing live by this.
    """
    marks = ", ".join("?" * len(forms))
    was_bare = f"SELECT 1 FROM import WHERE list = ? AND format IN ({marks})"
    gone = set[int]()
    if connection.execute(was_bare, (name, *sorted(forms))).fetchone() is None:
        return gone
    withdrawn = [
        number
        for number, entry in enumerate(entries)
        if entry.membership.retracted is not None and heard[number].outcome != "ours"
    ]
    alike = of_hashes(connection, {each for number in withdrawn for each in entries[number].whole_hashes})
    for number in withdrawn:
        membership = entries[number].membership
        reached = dict.fromkeys(heard[number].references)
        reached |= {each: None for key in entries[number].whole_hashes for each in alike.get(key, ())}
        rows = [
            (reference_id, collection_id)
            for reference_id in reached
            for (collection_id,) in connection.execute(
                "SELECT collection_id FROM membership JOIN collection ON collection.id = collection_id"
                " JOIN voice ON voice.id = voice_id WHERE reference_id = ? AND owner = ? AND author = ''"
                " AND retracted IS NULL AND (changed IS NULL OR changed <= ?) AND NOT EXISTS (SELECT 1 FROM import"
                " WHERE (import.id = membership.import_id OR import.id IN (SELECT import_id FROM provenance"
                " WHERE provenance.reference_id = membership.reference_id"
                " AND provenance.collection_id = membership.collection_id))"
                f" AND (list IS NOT ? OR format NOT IN ({marks})))",
                (reference_id, membership.owner, membership.said, name, *sorted(forms)),
            )
        ]
        for reference_id, collection_id in rows:
            withdraw_word(connection, actor, reference_id, collection_id, membership)
        if rows and not lookup.live(connection, list(reached)):
            gone.add(number)
    return gone


def stand_again(
    connection: sqlite3.Connection, actor: Actor, head: ListHead, membership: Membership, references: Iterable[int]
) -> bool:
    """Restore what an earlier number of a list withdrew and a bare one has again. Returns whether there was anything.

    head: of the bare one. membership, references: of its entry.
    """
    found = False
    for reference_id in references:
        row = connection.execute(
            "UPDATE membership SET retracted = NULL, retraction_reason = NULL, retraction_import_id = NULL"
            " WHERE reference_id = ? AND retracted IS NOT NULL AND collection_id = (SELECT collection.id FROM collection"
            " JOIN voice ON voice.id = voice_id WHERE owner = ? AND author = ? AND name = ?)"
            " AND retraction_import_id IN (SELECT id FROM import WHERE list = ? AND sequence < ?) RETURNING 1",
            (reference_id, membership.owner, membership.author, membership.collection, head.name, head.sequence),
        ).fetchone()
        if row is not None:
            found = True
            touch(connection, reference_id)
            settle(connection, reference_id)
            detail = {"reference": reference_id, "collection": membership.collection, "owner": membership.owner}
            record(connection, actor, "restore", detail | {"import": membership.import_id})
    return found

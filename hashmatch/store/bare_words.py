"""What a named list gave in a format that can say no more than that it has a file: its numbers settle what stands of that.

Such a number has no collections and dates. So a later number in another format withdraws it under another name, and a later
bare one, which is not dated, stands by it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from hashmatch.records import ListHead
from hashmatch.store.allow_list import settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import Membership, withdraw
from hashmatch.store.revisions import touch


def withdraw_bare(
    connection: sqlite3.Connection,
    actor: Actor,
    references: Iterable[int],
    membership: Membership,
    forms: frozenset[str],
) -> None:
    """Withdraw what earlier numbers of the same list gave in bare formats only.

    references: that the list withdraws. membership: as what. forms: names of bare formats.
    """
    marks = ", ".join("?" * len(forms))
    for reference_id in references:
        rows = connection.execute(
            "SELECT collection_id FROM membership JOIN collection ON collection.id = collection_id"
            " JOIN voice ON voice.id = voice_id WHERE reference_id = ? AND owner = ? AND author = ''"
            " AND retracted IS NULL AND (changed IS NULL OR changed <= ?) AND NOT EXISTS (SELECT 1 FROM import"
            " WHERE (import.id = membership.import_id OR import.id IN (SELECT import_id FROM provenance"
            " WHERE provenance.reference_id = membership.reference_id"
            " AND provenance.collection_id = membership.collection_id))"
            f" AND (list IS NOT (SELECT list FROM import WHERE id = ?) OR format NOT IN ({marks})))",
            (reference_id, membership.owner, membership.said, membership.import_id, *sorted(forms)),
        ).fetchall()
        for (collection_id,) in rows:
            withdraw(connection, actor, reference_id, collection_id, membership)


def stand_again(
    connection: sqlite3.Connection, actor: Actor, references: Iterable[int], membership: Membership, head: ListHead
) -> bool:
    """Restore what an earlier number of the same list withdrew and this one has again. Returns whether it did."""
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

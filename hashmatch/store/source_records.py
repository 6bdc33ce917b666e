"""Records: what a source calls its entry in every version of it. A newer version withdraws what an older one named.

What a source withdraws by the name of a record alone is remembered, since the record may come later, in an older list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hashmatch.store import lookup, voices
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import JoinOutcome, Membership, withdraw


def withdraw_record(connection: sqlite3.Connection, actor: Actor, membership: Membership) -> dict[int, JoinOutcome]:
    """Withdraw whatever the same owner said in a record, and what it said before and comes later.

    Returns what came of it, by reference.
    """
    _note(connection, actor, membership)
    rows = _of_records(connection, membership.owner, [membership.record or ""])
    outcomes: dict[int, JoinOutcome] = {reference_id: "known" for reference_id, *_rest in rows}
    for reference_id, collection_id, _record, changed, retracted in rows:
        said = membership.said
        if retracted is None and (said is None or changed is None or said >= changed):
            withdraw(connection, actor, reference_id, collection_id, membership)
            outcomes[reference_id] = "retracted"
    gone = [each for each, outcome in outcomes.items() if outcome == "retracted"]
    return outcomes | dict.fromkeys(lookup.live(connection, gone), "disputed")


def replace_older(connection: sqlite3.Connection, actor: Actor, owner: str, memberships: Iterable[Membership]) -> int:
    """Of each record of these words, withdraw what older versions of it named. Returns how many words were withdrawn."""
    by_record = {each.record: each for each in memberships if each.record is not None}
    rows = _of_records(connection, owner, sorted(by_record))
    newest: dict[str, str] = {}
    for _reference_id, _collection_id, name, changed, _retracted in rows:
        newest[name] = max(newest.get(name, ""), changed or "")
    gone = 0
    for reference_id, collection_id, name, changed, retracted in rows:
        if retracted is None and (changed or "") < newest[name]:
            heard = by_record[name]
            corrected = replace(heard, retracted=newest[name][:19] + "Z", retraction_reason="corrected by its source")
            withdraw(connection, actor, reference_id, collection_id, replace(corrected, changed=None, added=None))
            gone += 1
    return gone


def with_withdrawals(connection: sqlite3.Connection, memberships: Sequence[Membership]) -> list[Membership]:
    """The same words; as withdrawn, if their owner withdrew their records before they came and after it said them."""
    withdrawn: Mapping[tuple[str, str], tuple[str, str, str | None]] = {}
    for owner in {each.owner for each in memberships if each.record is not None}:
        records = sorted({each.record for each in memberships if each.record is not None and each.owner == owner})
        rows = _in_parts(
            connection,
            "SELECT record, changed, retracted, reason FROM withdrawn_record JOIN voice ON voice.id = voice_id"
            " WHERE record IN ({marks}) AND owner = ?",
            records,
            owner,
        )
        withdrawn = {**withdrawn, **{(owner, name): (changed, at, reason) for name, changed, at, reason in rows}}
    found = []
    for each in memberships:
        changed, at, reason = withdrawn.get((each.owner, each.record or ""), (None, None, None))
        if changed is not None and each.retracted is None and (each.said or "") <= changed:
            each = replace(each, retracted=at, retraction_reason=reason, changed=changed)
        found.append(each)
    return found


def _note(connection: sqlite3.Connection, actor: Actor, membership: Membership) -> None:
    """Remember that a record was withdrawn."""
    row = connection.execute(
        "INSERT INTO withdrawn_record (voice_id, record, changed, retracted, reason) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (voice_id, record) DO UPDATE SET changed = excluded.changed, retracted = excluded.retracted,"
        " reason = excluded.reason WHERE excluded.changed > changed RETURNING record",
        (
            *(voices.number(connection, membership.owner), membership.record, membership.said or ""),
            *(membership.retracted, membership.retraction_reason),
        ),
    ).fetchone()
    if row is not None:
        detail = {"record": membership.record, "owner": membership.owner, "import": membership.import_id}
        record(connection, actor, "withdraw record", detail | {"changed": membership.said})


def _of_records(
    connection: sqlite3.Connection, owner: str, records: Sequence[str]
) -> list[tuple[int, int, str, str | None, str | None]]:
    return _in_parts(
        connection,
        "SELECT reference_id, collection_id, record, changed, retracted FROM membership"
        " JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id"
        " WHERE record IN ({marks}) AND owner = ?",
        records,
        owner,
    )


def _in_parts(connection: sqlite3.Connection, query: str, records: Sequence[str], owner: str) -> list[Any]:
    """What a query finds, 10,000 records at a time: SQLite takes 32,766 values."""
    found = list[Any]()
    for start in range(0, len(records), 10_000):
        part = records[start : start + 10_000]
        found += connection.execute(query.format(marks=", ".join("?" * len(part))), (*part, owner)).fetchall()
    return found

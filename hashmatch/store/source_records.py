"""Records: what a source calls its entry in every version of it. A newer version withdraws what an older one named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hashmatch.store import lookup
from hashmatch.store.audit import Actor
from hashmatch.store.membership import JoinOutcome, Membership, withdraw


def withdraw_record(connection: sqlite3.Connection, actor: Actor, membership: Membership) -> dict[int, JoinOutcome]:
    """Withdraw whatever the same owner said in a record. Returns what came of it, by reference."""
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


def _of_records(
    connection: sqlite3.Connection, owner: str, records: Sequence[str]
) -> list[tuple[int, int, str, str | None, str | None]]:
    found = list[tuple[int, int, str, str | None, str | None]]()
    for start in range(0, len(records), 10_000):
        part = records[start : start + 10_000]
        found += connection.execute(
            "SELECT reference_id, collection_id, record, changed, retracted FROM membership"
            " JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id"
            f" WHERE record IN ({', '.join('?' * len(part))}) AND owner = ?",
            (*part, owner),
        ).fetchall()
    return found

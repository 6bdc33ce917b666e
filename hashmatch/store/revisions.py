"""Notes that a reference has changed, so that the next list that goes out has it."""

from __future__ import annotations

import sqlite3

from hashmatch.clock import now_exactly
from hashmatch.store import voices


def touch(connection: sqlite3.Connection, reference_id: int) -> None:
    """Note that a reference has changed. Whatever we say or pass on of it counts from now on, by our own clock."""
    _touch(connection, "= :number", reference_id)


def touch_collection(connection: sqlite3.Connection, collection_id: int) -> None:
    """Note that every reference of a collection has changed."""
    _touch(connection, "IN (SELECT reference_id FROM membership WHERE collection_id = :number)", collection_id)


def _touch(connection: sqlite3.Connection, chosen: str, number: int) -> None:
    connection.execute(
        f"UPDATE reference SET revision = (SELECT coalesce(max(id), 0) + 1 FROM audit) WHERE id {chosen}",
        {"number": number},
    )
    ours = f"collection_id IN (SELECT id FROM collection WHERE voice_id = {voices.HERE})"
    connection.execute(
        f"UPDATE membership SET changed = iif({ours}, :now, changed),"
        f" touched = iif({ours}, touched, :now) WHERE reference_id {chosen}",
        {"now": now_exactly(), "number": number},
    )

"""The allow list: what people here decided, and what lists say as long as nobody has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.store import voices


def settle(connection: sqlite3.Connection, reference_id: int) -> bool:
    """Work out anew whether a reference is on the allow list, and whether only lists have it there.

    What people here decided counts. Else any live word that calls it propaganda keeps it off; if there are only words that
    call it legitimate, it is on the list, and pending unless one of them is ours or of a key that is trusted for it.
    Returns whether this changed anything.
    """
    allow, pending, here = connection.execute(
        "SELECT allow, pending, allow_here FROM reference WHERE id = ?", (reference_id,)
    ).fetchone()
    wanted = (here, 0) if here is not None else _by_words(connection, reference_id)
    if wanted is None or wanted == (allow, pending):
        return False
    connection.execute("UPDATE reference SET allow = ?, pending = ? WHERE id = ?", (*wanted, reference_id))
    return True


def _by_words(connection: sqlite3.Connection, reference_id: int) -> tuple[int, int] | None:
    """What the live words say: on the list or not, and pending or not; None if there are none."""
    words = connection.execute(
        "SELECT live_membership.allow, owner = '' OR owner IN (SELECT public_key FROM key_trust) FROM live_membership"
        " JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id WHERE reference_id = ?",
        (reference_id,),
    ).fetchall()
    if not words:
        return None
    if not all(allow for allow, _counts in words):
        return 0, 0
    return 1, 0 if any(counts for _allow, counts in words) else 1


def decide(connection: sqlite3.Connection, reference_id: int, allow: bool) -> bool:
    """Note that people here put a reference on the allow list, or off if it is or may come to be on it. Returns whether this
    changed anything."""
    changed = connection.execute(
        "UPDATE reference SET allow_here = ?1 WHERE id = ?2 AND allow_here IS NOT ?1 AND (?1 OR allow OR EXISTS"
        " (SELECT 1 FROM membership WHERE reference_id = ?2 AND membership.allow))",
        (allow, reference_id),
    ).rowcount
    say(connection, reference_id)
    return settle(connection, reference_id) or bool(changed)


def say(connection: sqlite3.Connection, reference_id: int) -> None:
    """Let our own words on a reference say what people here decided of it."""
    connection.execute(
        "UPDATE membership SET allow = allow_here FROM reference WHERE reference_id = ?1 AND reference.id = ?1"
        " AND membership.allow IS NOT allow_here AND allow_here IS NOT NULL"
        f" AND collection_id IN (SELECT id FROM collection WHERE voice_id = {voices.HERE})",
        (reference_id,),
    )


@dataclass(frozen=True, slots=True)
class PendingWord:
    """A list's word that a reference is legitimate, which no person has decided on.

    against: whether another live word calls the same reference propaganda.
    """

    reference: int
    collection: str
    owner: str
    source: str | None
    against: bool


def pending(connection: sqlite3.Connection) -> Iterator[PendingWord]:
    """Every live word of a list that a reference is legitimate and that waits for a person, by reference."""
    rows = connection.execute(
        f"SELECT reference_id, name, owner, source, NOT reference.allow FROM {_WAITING} ORDER BY reference_id, name"
    )
    return (PendingWord(*columns) for columns in rows)


def waits(connection: sqlite3.Connection, reference_id: int) -> bool:
    """Whether a live word of a list that a reference is legitimate waits for a person."""
    found = connection.execute(f"SELECT 1 FROM {_WAITING} AND reference_id = ?", (reference_id,)).fetchone()
    return found is not None


_WAITING = (
    "live_membership AS word JOIN reference ON reference.id = reference_id"
    " JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id WHERE word.allow"
    f" AND allow_here IS NULL AND (reference.pending OR NOT reference.allow) AND voice_id != {voices.HERE}"
)


def trust(connection: sqlite3.Connection, public_key: str, at: str | None) -> bool:
    """Let a key's allow list count without a person's word, or no longer (`at` is None). Returns whether this is new."""
    if at is None:
        changed = connection.execute("DELETE FROM key_trust WHERE public_key = ?", (public_key,)).rowcount
    else:
        changed = connection.execute(
            "INSERT OR IGNORE INTO key_trust (public_key, at) VALUES (?, ?)", (public_key, at)
        ).rowcount
    if changed:
        told = connection.execute(
            "SELECT DISTINCT reference_id FROM membership JOIN collection ON collection.id = collection_id"
            " JOIN voice ON voice.id = voice_id WHERE owner = ? AND membership.allow",
            (public_key,),
        )
        for (reference_id,) in told.fetchall():
            settle(connection, reference_id)
    return bool(changed)

"""Keys that were lost or replaced: what the old key said is the word of the new one."""

from __future__ import annotations

import sqlite3

from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store.allow_list import settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.revisions import touch


def successor(connection: sqlite3.Connection, public_key: str) -> str | None:
    """The key that a key was handed over to, and so on to the last; None if it was not."""
    found: str | None = None
    while row := connection.execute(
        "SELECT new_key FROM hand_over WHERE old_key = ?", (found or public_key,)
    ).fetchone():
        found = str(row[0])
    return found


def predecessors(connection: sqlite3.Connection, public_key: str) -> list[str]:
    """All keys that were handed over to a key, directly or not."""
    found = [public_key]
    for key in found:
        found += [old for (old,) in connection.execute("SELECT old_key FROM hand_over WHERE new_key = ?", (key,))]
    return found[1:]


def hand_over(connection: sqlite3.Connection, actor: Actor, old: str, new: str, statement: str | None) -> int:
    """Make what a key said the word of another, audited, within a transaction.

    statement: what the old key signed; None if the user decided it.
    Returns how many collections changed hands. Raises CommandError if one of them was handed over before.
    """
    for key in (old, new):
        if successor(connection, key) is not None:
            raise CommandError(_("the key {key} was already handed over").format(key=key))
    connection.execute(
        "INSERT INTO hand_over (old_key, new_key, at, statement) VALUES (?, ?, ?, ?)", (old, new, now(), statement)
    )
    moved = 0
    for voice, author, ours in connection.execute(
        "SELECT id, author, ours FROM voice WHERE owner = ?", (old,)
    ).fetchall():
        target = connection.execute("SELECT id FROM voice WHERE owner = ? AND author = ?", (new, author)).fetchone()
        collections = connection.execute("SELECT id, name FROM collection WHERE voice_id = ?", (voice,)).fetchall()
        moved += len(collections)
        if target is None:
            connection.execute("UPDATE voice SET owner = ? WHERE id = ?", (new, voice))
            continue
        connection.execute("UPDATE voice SET ours = max(ours, ?) WHERE id = ?", (ours, target[0]))
        for number, name in collections:
            _move(connection, number, name, target[0])
        _move_opinions(connection, voice, target[0])
    # What others passed on for the old key is now for the new one.
    connection.execute("UPDATE OR IGNORE voice SET author = ? WHERE author = ?", (new, old))
    trust = connection.execute(
        "UPDATE OR IGNORE key_trust SET public_key = ? WHERE public_key = ?", (new, old)
    ).rowcount
    if trust:
        told = connection.execute("SELECT DISTINCT reference_id FROM membership WHERE allow").fetchall()
        for (reference_id,) in told:
            settle(connection, reference_id)
    detail = {"old": old, "new": new, "statement": statement, "collections": moved}
    record(connection, actor, "hand over", detail)
    return moved


def _move(connection: sqlite3.Connection, number: int, name: str, voice: int) -> None:
    """Give a collection to a voice; if that has one of this name, the newer word on each reference counts."""
    there = connection.execute("SELECT id FROM collection WHERE voice_id = ? AND name = ?", (voice, name)).fetchone()
    if there is None:
        connection.execute("UPDATE collection SET voice_id = ? WHERE id = ?", (voice, number))
        return
    (target,) = there
    members = connection.execute(
        "SELECT old.reference_id, new.reference_id IS NOT NULL, coalesce(old.changed, '') > coalesce(new.changed, '')"
        " FROM membership AS old LEFT JOIN membership AS new ON new.reference_id = old.reference_id"
        " AND new.collection_id = ? WHERE old.collection_id = ?",
        (target, number),
    ).fetchall()
    for reference_id, doubled, is_newer in members:
        gone = target if is_newer else number
        if doubled:
            for table in ("stated", "membership"):
                connection.execute(
                    f"DELETE FROM {table} WHERE reference_id = ? AND collection_id = ?", (reference_id, gone)
                )
        if not doubled or is_newer:
            for table in ("membership", "stated"):
                connection.execute(
                    f"UPDATE {table} SET collection_id = ? WHERE reference_id = ? AND collection_id = ?",
                    (target, reference_id, number),
                )
        touch(connection, reference_id)
    for table in ("provenance", "import", "given"):
        connection.execute(f"UPDATE OR REPLACE {table} SET collection_id = ? WHERE collection_id = ?", (target, number))
    connection.execute("DELETE FROM collection WHERE id = ?", (number,))


def _move_opinions(connection: sqlite3.Connection, voice: int, target: int) -> None:
    opinions = connection.execute("SELECT id, reference_id, source, at FROM opinion WHERE voice_id = ?", (voice,))
    for number, reference_id, source, at in opinions.fetchall():
        there = connection.execute(
            "SELECT id, at FROM opinion WHERE reference_id = ? AND voice_id = ? AND source = ?",
            (reference_id, target, source),
        ).fetchone()
        if there is not None:
            gone = there[0] if at > there[1] else number
            connection.execute("DELETE FROM opinion WHERE id = ?", (gone,))
        connection.execute("UPDATE opinion SET voice_id = ? WHERE id = ?", (target, number))

"""Keys that were lost or replaced: what the old key said is the word of the new one."""

from __future__ import annotations

import sqlite3

from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.records import strictest
from hashmatch.store import voices
from hashmatch.store.allow_list import settle
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import joined_names
from hashmatch.store.revisions import touch, touch_collection


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
    """Make what a key said the word of another, audited, within a transaction; also what others pass on for it.

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
    rows = connection.execute(
        "SELECT id, owner, author, ours FROM voice WHERE ?1 IN (owner, author)", (old,)
    ).fetchall()
    for voice, *names, ours in rows:
        owner, author = (new if name == old else name for name in names)
        target = voices.number(connection, owner, "" if author == owner else author)
        connection.execute("UPDATE voice SET ours = max(ours, ?) WHERE id = ?", (ours, target))
        collections = connection.execute("SELECT id, name FROM collection WHERE voice_id = ?", (voice,)).fetchall()
        for number, name in collections:
            _move(connection, number, name, target)
        moved += len(collections) if names[0] == old else 0
        _move_opinions(connection, voice, target)
        _move_newest(connection, "returned", "reference_id, changed", voice, target)
        _move_newest(connection, "withdrawn_record", "record, changed, retracted, reason", voice, target)
    connection.execute("UPDATE OR IGNORE key_trust SET public_key = ? WHERE public_key = ?", (new, old))
    connection.execute("DELETE FROM key_trust WHERE public_key = ?", (old,))
    told = connection.execute("SELECT DISTINCT reference_id FROM membership WHERE allow").fetchall()
    for (reference_id,) in told:
        settle(connection, reference_id)
    detail = {"old": old, "new": new, "statement": statement, "collections": moved}
    record(connection, actor, "hand over", detail)
    return moved


def _move(connection: sqlite3.Connection, number: int, name: str, voice: int) -> None:
    """Give a collection to a voice; if that has one of this name, the newer word on each reference counts.

    The collection stays, without references, if lists gave entries of it: they have to withdraw what they gave as the old
    key's.
    """
    touch_collection(connection, number)
    was_given = connection.execute("SELECT 1 FROM given WHERE collection_id = ?", (number,)).fetchone() is not None
    there = connection.execute("SELECT id FROM collection WHERE voice_id = ? AND name = ?", (voice, name)).fetchone()
    if there is None and not was_given:
        connection.execute("UPDATE collection SET voice_id = ? WHERE id = ?", (voice, number))
        return
    if there is None:
        there = connection.execute(
            "INSERT INTO collection (voice_id, name, tlp, note, created)"
            " SELECT ?, name, tlp, note, created FROM collection WHERE id = ? RETURNING id",
            (voice, number),
        ).fetchone()
    (target,) = there
    rules = connection.execute("SELECT tlp FROM collection WHERE id IN (?, ?)", (target, number)).fetchall()
    connection.execute("UPDATE collection SET tlp = ? WHERE id = ?", (strictest(*(tlp for (tlp,) in rules)), target))
    members = connection.execute("SELECT reference_id FROM membership WHERE collection_id = ?", (number,)).fetchall()
    for (reference_id,) in members:
        _move_word(connection, reference_id, number, target)
    for table in ("provenance", "import"):
        connection.execute(f"UPDATE {table} SET collection_id = ? WHERE collection_id = ?", (target, number))
    if not was_given:
        connection.execute("DELETE FROM collection WHERE id = ?", (number,))


def _move_word(connection: sqlite3.Connection, reference_id: int, number: int, target: int) -> None:
    """Make a word of one collection one of another.

    Of two words the newer one counts. What both had of the reference stays, the stricter mark, and that people here took
    one of them back.
    """
    words = connection.execute(
        "SELECT collection_id, coalesce(changed, ''), retracted, tlp, carried, taken_back, taken_back_reason FROM membership"
        " WHERE reference_id = ? AND collection_id IN (?, ?) ORDER BY 2, retracted, collection_id = ?",
        (reference_id, number, target, number),
    ).fetchall()
    if len(words) == 2:
        (gone, *_dates, mark, had, taken, why), (kept, _said, _retracted, own_mark, has, *_taken) = words
        connection.execute(
            "UPDATE membership SET taken_back_reason = iif(taken_back IS NULL, ?, taken_back_reason),"
            " taken_back = coalesce(taken_back, ?), tlp = ?, carried = ? WHERE reference_id = ? AND collection_id = ?",
            (why, taken, strictest(mark, own_mark), joined_names(has, had), reference_id, kept),
        )
        connection.execute(
            "INSERT OR IGNORE INTO provenance (reference_id, import_id, collection_id, carried)"
            " SELECT reference_id, import_id, ?, coalesce(carried, '') FROM membership"
            " WHERE reference_id = ? AND collection_id = ? AND import_id IS NOT NULL",
            (target, reference_id, gone),
        )
        for table in ("stated", "membership"):
            connection.execute(
                f"DELETE FROM {table} WHERE reference_id = ? AND collection_id = ?", (reference_id, gone)
            )
    for table in ("membership", "stated"):
        connection.execute(
            f"UPDATE {table} SET collection_id = ? WHERE reference_id = ? AND collection_id = ?",
            (target, reference_id, number),
        )
    settle(connection, reference_id)


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
        touch(connection, reference_id)


def _move_newest(connection: sqlite3.Connection, table: str, columns: str, voice: int, target: int) -> None:
    """Make rows of one voice those of another. Of two about the same, the newer one stays.

    columns: all others than the voice; the first one tells what a row is about.
    """
    about, *more = columns.split(", ")
    news = ", ".join(f"{name} = excluded.{name}" for name in more)
    connection.execute(
        f"INSERT INTO {table} (voice_id, {columns}) SELECT ?, {columns} FROM {table} WHERE voice_id = ?"
        f" ON CONFLICT ({about}, voice_id) DO UPDATE SET {news} WHERE excluded.changed > changed",
        (target, voice),
    )
    connection.execute(f"DELETE FROM {table} WHERE voice_id = ?", (voice,))

"""Which lists went out and came in: their names, sequence numbers and signers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.records import ListHead
from hashmatch.store import hand_overs


@dataclass(frozen=True, slots=True)
class Published:
    """A list that went out.

    sequence: its number. revision: the highest one of a reference that it can have. form: the name of its format; None if
    that was not noted yet.
    """

    sequence: int
    revision: int
    form: str | None


def newest_revision(connection: sqlite3.Connection) -> int:
    """The highest revision now. References that change later get a higher one."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM audit").fetchone()[0])


def revision_at(connection: sqlite3.Connection, moment: str) -> int:
    """The highest revision before a moment, which is UTC in ISO 8601."""
    row = connection.execute("SELECT coalesce(max(id), 0) FROM audit WHERE at < ?", (moment,)).fetchone()
    return int(row[0])


def published(
    connection: sqlite3.Connection, name: str, selection: Mapping[str, object], sequence: int | None = None
) -> Published | None:
    """The list of that name and number that went out, or the last one of that name; None if none did.

    Raises CommandError if there is none of that number, or if its references were chosen by another selection: a list of
    what has changed since would then lack some.
    """
    row = connection.execute(
        "SELECT sequence, revision, selection FROM published WHERE list = ? AND sequence = coalesce(?,"
        " (SELECT max(sequence) FROM published WHERE list = ?))",
        (name, sequence, name),
    ).fetchone()
    if row is None:
        if sequence is None:
            return None
        message = _("list {name} has not gone out with number {sequence}")
        raise CommandError(message.format(name=name, sequence=sequence))
    before = json.loads(row[2])
    # An option that was new later was not there to differ.
    differing = [key for key in selection if key in before and before[key] != selection[key]]
    if sequence is not None and differing:
        others = ", ".join("--" + key.replace("_", "-").removesuffix("s") for key in differing)
        message = _(
            "number {sequence} of list {name} was made with other options ({others}); repeat them, or make a full list"
        )
        raise CommandError(message.format(name=name, sequence=sequence, others=others))
    return Published(row[0], row[1], before.get("format"))


def publish(
    connection: sqlite3.Connection, name: str, sequence: int, revision: int, selection: Mapping[str, object], form: str
) -> None:
    """Note that a list went out. form: the name of its format."""
    connection.execute(
        "INSERT INTO published (list, sequence, revision, selection, at) VALUES (?, ?, ?, ?, ?)",
        (name, sequence, revision, _text({**selection, "format": form}), now()),
    )


def _text(selection: Mapping[str, object]) -> str:
    return json.dumps(selection, sort_keys=True, separators=(",", ":"))


def begin_import(
    connection: sqlite3.Connection,
    name: str,
    form: str,
    sha256: bytes,
    collection_id: int | None,
    head: ListHead,
    signer: str | None,
) -> int:
    """The number of an import. If the same bytes were imported in the same way before, it is that import, repeated or
    continued.
    """
    found = connection.execute(
        "SELECT id FROM import WHERE sha256 = ? AND format = ? AND collection_id IS ? AND signer IS ?",
        (sha256, form, collection_id, signer),
    ).fetchone()
    if found:
        return int(found[0])
    cursor = connection.execute(
        "INSERT INTO import (name, format, sha256, collection_id, items, refused, imported, list, sequence, since, created,"
        " expires, origin, signer) VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(name, form, sha256, collection_id, now()),
            *(head.name, head.sequence, head.since, head.created, head.expires, head.origin, signer),
        ),
    )
    return int(cursor.lastrowid or 0)


def finish_import(connection: sqlite3.Connection, import_id: int, items: int, refused: int) -> None:
    """Note that a list was read to its end."""
    connection.execute(
        "UPDATE import SET items = ?, refused = ?, finished = ? WHERE id = ?", (items, refused, now(), import_id)
    )


def sequences_seen(connection: sqlite3.Connection, head: ListHead, signer: str | None) -> list[tuple[int, int | None]]:
    """The lists of the same name and source that were read to their end: the sequence number of each, and the number that it
    continues from, which is None for a full list. The source is the signer, and each key that was handed over to it; without
    a signature, the reference set.
    """
    signers = [""] if signer is None else [signer, *hand_overs.predecessors(connection, signer)]
    rows = connection.execute(
        "SELECT DISTINCT sequence, since FROM import WHERE list = ? AND coalesce(signer, '') IN"
        f" ({', '.join('?' * len(signers))}) AND (signer IS NOT NULL OR origin IS ?)"
        " AND sequence IS NOT NULL AND finished IS NOT NULL ORDER BY sequence",
        (head.name, *signers, head.origin),
    )
    return [(int(sequence), since) for sequence, since in rows]


def was_read(connection: sqlite3.Connection, sha256: bytes, signer: str | None) -> bool:
    """Whether a list of these bytes was read to its end before, so that it can bring back nothing."""
    row = connection.execute(
        "SELECT 1 FROM import WHERE sha256 = ? AND signer IS ? AND finished IS NOT NULL", (sha256, signer)
    ).fetchone()
    return row is not None


def has_signed(connection: sqlite3.Connection, collection: str) -> bool:
    """Whether signed lists fill a collection of that name."""
    row = connection.execute(
        "SELECT 1 FROM collection JOIN voice ON voice.id = voice_id WHERE name = ? AND owner IN"
        " (SELECT signer FROM import UNION SELECT new_key FROM hand_over)",
        (collection,),
    ).fetchone()
    return row is not None


def imported_at(connection: sqlite3.Connection, import_id: int) -> str:
    """When a list was first imported: UTC, ISO 8601."""
    return str(connection.execute("SELECT imported FROM import WHERE id = ?", (import_id,)).fetchone()[0])

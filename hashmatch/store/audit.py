"""The audit trail: what was changed, by whom, when, with which version, in a chain that shows any later change.

Each entry's digest covers its content and the digest before it, so that altering, removing or reordering an entry breaks
the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hashmatch.clock import now
from hashmatch.i18n import _
from hashmatch.store.database import Store
from hashmatch.version import __version__

#: What the first entry names as the digest before it.
ORIGIN = bytes(32)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at work, by which command. Given to every function that changes the reference set."""

    operator: str
    command: str

    @classmethod
    def current(cls, command: str) -> Actor:
        """The user of the operating system; of the process, not of the environment, which anybody can set."""
        if not hasattr(os, "getuid"):  # Windows
            return cls(os.getlogin(), command)
        import pwd

        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a user id without a name, as containers have
            name = f"uid {os.getuid()}"
        return cls(name, command)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. at: UTC, ISO 8601. detail: JSON object. previous, digest: SHA-256."""

    id: int
    at: str
    operator: str
    version: str
    command: str
    action: str
    detail: str
    previous: bytes
    digest: bytes


def record(connection: sqlite3.Connection, actor: Actor, action: str, detail: Mapping[str, Any]) -> None:
    """Append an entry, within the transaction that makes the change itself."""
    last = connection.execute("SELECT digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    text = json.dumps(detail, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    fields = (now(), actor.operator, __version__, actor.command, action, text)
    previous = last[0] if last else ORIGIN
    connection.execute(
        "INSERT INTO audit (at, operator, version, command, action, detail, previous, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*fields, previous, _digest(fields, previous)),
    )


def entries(store: Store, *, after: int = 0) -> Iterator[AuditEntry]:
    """All entries in order, those with an id above `after`."""
    rows = store.connection.execute(
        "SELECT id, at, operator, version, command, action, detail, previous, digest FROM audit WHERE id > ? ORDER BY id",
        (after,),
    )
    return (AuditEntry(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class TrailEnd:
    """The end of the trail: its last entry's number, 0 of an empty one, and that entry's digest."""

    id: int
    at: str | None
    digest: bytes


def head(connection: sqlite3.Connection) -> TrailEnd:
    """Where the trail ends now. Its digest, written down elsewhere, later proves all entries up to it: see `check`."""
    last = connection.execute("SELECT id, at, digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return TrailEnd(*last) if last else TrailEnd(0, None, ORIGIN)


def check(store: Store, head: bytes | None = None) -> Iterator[str]:
    """Walk the chain and name each place where it is broken; nothing if it is sound.

    head: the digest of an entry, as it was written down at some time. Whoever can write the file can also make a whole
    new chain, but none that has this digest in it and another content before it.
    """
    previous, number = ORIGIN, 0
    found = head in (None, ORIGIN)
    for entry in entries(store):
        number += 1
        if entry.id != number:
            yield _("audit entry {expected} is missing; {found} follows").format(expected=number, found=entry.id)
            number = entry.id
        if entry.previous != previous:
            yield _("audit entry {id} does not continue the one before it").format(id=entry.id)
        if not _is_sound(entry):
            yield _("audit entry {id} was altered").format(id=entry.id)
        previous = entry.digest
        found = found or previous == head
    if not found and head is not None:
        yield _("no audit entry has the digest {head}: the trail was cut off or made anew").format(head=head.hex())


def _is_sound(entry: AuditEntry) -> bool:
    fields = (entry.at, entry.operator, entry.version, entry.command, entry.action, entry.detail)
    try:
        return _digest(fields, entry.previous) == entry.digest
    except (TypeError, AttributeError):  # damage can make any type of any value
        return False


def _digest(fields: tuple[str, ...], previous: bytes) -> bytes:
    # A JSON array of strings, so that no two different entries give the same bytes.
    content = json.dumps([*fields, previous.hex()], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).digest()

"""The audit trail: what was changed, by whom, when and with which version, in a chain that shows every later change.

Each entry's digest covers its content and the digest before it. Altering, removing or reordering an entry breaks the chain
from there on.
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

#: The digest before the first entry.
ORIGIN = bytes(32)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at work, and with which command. Every function that changes the reference set takes one."""

    operator: str
    command: str

    @classmethod
    def current(cls, command: str) -> Actor:
        """The operating system's user: the one of the process, not of the environment, which anybody can set."""
        if not hasattr(os, "getuid"):  # Windows
            return cls(os.getlogin(), command)
        import pwd

        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a user id without a name, as in containers
            name = f"uid {os.getuid()}"
        return cls(name, command)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. at: UTC, ISO 8601. detail: a JSON object. previous, digest: SHA-256."""

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
    """Append an entry, within the transaction that makes the change."""
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
    """All entries with an id above `after`, in order."""
    rows = store.connection.execute(
        "SELECT id, at, operator, version, command, action, detail, previous, digest FROM audit WHERE id > ? ORDER BY id",
        (after,),
    )
    return (AuditEntry(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class TrailEnd:
    """The end of the trail: the number of its last entry, its time and its digest. The number is 0 if there are none."""

    id: int
    at: str | None
    digest: bytes


def head(connection: sqlite3.Connection) -> TrailEnd:
    """The end of the trail now. Its digest, written down elsewhere, later proves all entries up to it: see `check`."""
    last = connection.execute("SELECT id, at, digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return TrailEnd(*last) if last else TrailEnd(0, None, ORIGIN)


def check(store: Store, head: bytes | None = None) -> Iterator[str]:
    """Walk the chain and name each place where it is broken; nothing if it is sound.

    head: the digest of an entry that somebody wrote down earlier. Whoever can write the file can also make a new chain, but
    not one that has this digest with different content before it.
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
    except (TypeError, AttributeError):  # damage can turn a value into any type
        return False


def _digest(fields: tuple[str, ...], previous: bytes) -> bytes:
    """SHA-256 of an entry and the digest before it. The JSON array keeps different entries from giving the same bytes."""
    content = json.dumps([*fields, previous.hex()], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).digest()

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
from datetime import UTC, datetime
from typing import Any

import hashmatch
from hashmatch.i18n import _
from hashmatch.store.database import Store

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
class Entry:
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


def now() -> str:
    """The time as all records have it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(connection: sqlite3.Connection, actor: Actor, action: str, detail: Mapping[str, Any]) -> None:
    """Append an entry, within the transaction that makes the change itself."""
    last = connection.execute("SELECT digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    text = json.dumps(detail, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    fields = (now(), actor.operator, hashmatch.__version__, actor.command, action, text)
    previous = last[0] if last else ORIGIN
    connection.execute(
        "INSERT INTO audit (at, operator, version, command, action, detail, previous, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*fields, previous, _digest(fields, previous)),
    )


def entries(store: Store, *, after: int = 0) -> Iterator[Entry]:
    """All entries in order, those with an id above `after`."""
    rows = store.connection.execute(
        "SELECT id, at, operator, version, command, action, detail, previous, digest FROM audit WHERE id > ? ORDER BY id",
        (after,),
    )
    return (Entry(*row) for row in rows)


def check(store: Store) -> Iterator[str]:
    """Walk the chain and name each place where it is broken; nothing if it is sound."""
    previous, number = ORIGIN, 0
    for entry in entries(store):
        number += 1
        if entry.id != number:
            yield _("audit entry {expected} is missing; {found} follows").format(expected=number, found=entry.id)
            number = entry.id
        if entry.previous != previous:
            yield _("audit entry {id} does not continue the one before it").format(id=entry.id)
        fields = (entry.at, entry.operator, entry.version, entry.command, entry.action, entry.detail)
        if _digest(fields, entry.previous) != entry.digest:
            yield _("audit entry {id} was altered").format(id=entry.id)
        previous = entry.digest


def _digest(fields: tuple[str, ...], previous: bytes) -> bytes:
    # A JSON array of strings, so that no two different entries give the same bytes.
    content = json.dumps([*fields, previous.hex()], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).digest()

"""Facts of custody: who scanned what, when, how, against which state of the reference set, and how workers were locked.

Field names are those of `scan --format json`, under `custody`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashmatch.clock import now
from hashmatch.isolation import Isolation
from hashmatch.media import Limits
from hashmatch.store.audit import Actor, head

if TYPE_CHECKING:
    from hashmatch.store import Store


@dataclass(frozen=True, slots=True)
class IsolationFacts:
    """How workers were isolated. steps: how they locked themselves. timeout: in seconds. memory: in bytes."""

    steps: tuple[str, ...]
    workers: int
    timeout: float
    memory: int


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Where the audit trail ended. entries: how many it had. digest: of the last one, in hex, for `hashmatch verify
    --head`."""

    entries: int
    at: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Custody:
    """operator: the user of the operating system. started: UTC, ISO 8601. paths: as they were named, made absolute.
    names_from: the file that named them, or "-" for standard input; None if they were arguments."""

    operator: str
    started: str
    paths: tuple[bytes, ...]
    names_from: str | None
    isolation: IsolationFacts
    limits: Limits
    audit: AuditHead


def audit_head(store: Store) -> AuditHead:
    """Where the audit trail ends now."""
    end = head(store.connection)
    return AuditHead(end.id, end.at, end.digest.hex())


def begin(
    store: Store, paths: Sequence[bytes], names_from: str | None, isolation: Isolation, limits: Limits
) -> Custody:
    """The facts of a scan that begins now. paths: absolute."""
    isolated = IsolationFacts(isolation.level(), isolation.worker_count(), isolation.timeout, isolation.memory)
    operator = Actor.current("scan").operator
    return Custody(operator, now(), tuple(paths), names_from, isolated, limits, audit_head(store))

"""Scans that were recorded, and which of their results rest on references that were withdrawn since.

A result rests on the matches that made its verdict: if the file was allowed, on those with references of the allow list; if
not, on the others. What counts is whether a reference was on the allow list at the time of the scan.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hashmatch.clock import now
from hashmatch.store.audit import Actor, record
from hashmatch.version import __version__


@dataclass(frozen=True, slots=True)
class RecordedMatch:
    """A match of a file. evidence: JSON, the match as it was printed."""

    reference_id: int
    tier: str
    evidence: str


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """Who scanned when (UTC), with which version. finished: None if it was interrupted, or is still running."""

    id: int
    at: str
    operator: str
    version: str
    finished: str | None


@dataclass(frozen=True, slots=True)
class Rested:
    """A match that a result rested on.

    live: whether anybody stands by the reference now. retracted, reason: when and why it was last withdrawn from a
    collection; None if it never was. match: as it was printed.
    """

    reference: int
    tier: str
    live: bool
    retracted: str | None
    reason: str | None
    match: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Support:
    """A match with a live reference, which may still support a result."""

    reference: int
    tier: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """A result that rested on references that were asked about. path: absolute. supported_by: the strongest first."""

    scan: RecordedScan
    path: bytes
    sha256: str | None
    status: str
    tier: str | None
    rested_on: tuple[Rested, ...]
    supported_by: tuple[Support, ...]


def begin(connection: sqlite3.Connection, actor: Actor, settings: Mapping[str, Any]) -> int:
    """Start to record a scan. Returns its number."""
    text = json.dumps(settings, sort_keys=True)
    cursor = connection.execute(
        "INSERT INTO recorded_scan (at, operator, version, settings) VALUES (?, ?, ?, ?)",
        (now(), actor.operator, __version__, text),
    )
    scan_id = int(cursor.lastrowid or 0)
    record(connection, actor, "scan", {"scan": scan_id, **settings})
    return scan_id


def add(
    connection: sqlite3.Connection,
    scan_id: int,
    path: bytes,
    sha256: str | None,
    status: str,
    tier: str | None,
    matches: Iterable[RecordedMatch],
) -> int:
    """Record the result of one file. Returns its number."""
    cursor = connection.execute(
        "INSERT INTO recorded_result (scan_id, path, sha256, status, tier) VALUES (?, ?, ?, ?, ?)",
        (scan_id, path, sha256 and bytes.fromhex(sha256), status, tier),
    )
    result_id = int(cursor.lastrowid or 0)
    connection.executemany(
        "INSERT INTO recorded_match (result_id, reference_id, tier, evidence) VALUES (?, ?, ?, ?)",
        [(result_id, each.reference_id, each.tier, each.evidence) for each in matches],
    )
    return result_id


def last_result(connection: sqlite3.Connection, scan_id: int) -> int:
    """The number of the last result of a scan; 0 if it has none."""
    row = connection.execute("SELECT max(id) FROM recorded_result WHERE scan_id = ?", (scan_id,)).fetchone()
    return int(row[0] or 0)


def finish(connection: sqlite3.Connection, actor: Actor, scan_id: int, counts: Mapping[str, Any]) -> None:
    """Note that a scan has examined all its files. counts: of them, for the audit trail."""
    connection.execute("UPDATE recorded_scan SET finished = ? WHERE id = ?", (now(), scan_id))
    record(connection, actor, "scanned", {"scan": scan_id, **counts})


#: In SQL, whether a match is one of those that made the verdict of its result.
_DECIDED = "json_extract(evidence, '$.reference.allow') = (status = 'allowed')"
#: In SQL, the numbers in a parameter that is a JSON array.
_AMONG = "(SELECT value FROM json_each(?))"


def withdrawn(connection: sqlite3.Connection) -> set[int]:
    """The references that recorded results rest on, and that nobody stands by any more."""
    rows = connection.execute(
        "SELECT DISTINCT reference_id FROM recorded_match JOIN recorded_result ON id = result_id"
        f" WHERE NOT {_live('recorded_match.reference_id')} AND {_DECIDED}"
    )
    return {reference_id for (reference_id,) in rows}


def count_resting_on(connection: sqlite3.Connection, references: Collection[int], among: str = "1") -> int:
    """How many recorded results rest on any of these references.

    among: an SQL condition on results, which comes from this package.
    """
    query = (
        "SELECT count(DISTINCT result_id) FROM recorded_match JOIN recorded_result ON id = result_id"
        f" WHERE reference_id IN {_AMONG} AND {_DECIDED} AND {among}"
    )
    return int(connection.execute(query, (json.dumps(sorted(references)),)).fetchone()[0])


def resting_on(connection: sqlite3.Connection, references: Collection[int]) -> Iterator[Recalled]:
    """The recorded results that rest on any of these references, scan by scan."""
    rows = connection.execute(
        "SELECT scan.id, scan.at, scan.operator, scan.version, scan.finished, result.id, path, result.sha256, status,"
        f" result.tier, reference_id, found.tier, evidence, {_DECIDED}, allow = (status = 'allowed'),"
        f" {_live('found.reference_id')} FROM recorded_result AS result JOIN recorded_scan AS scan ON scan.id = scan_id"
        " JOIN recorded_match AS found ON result_id = result.id JOIN reference ON reference.id = reference_id"
        " WHERE result.id IN (SELECT result_id FROM recorded_match JOIN recorded_result ON id = result_id"
        f" WHERE reference_id IN {_AMONG} AND {_DECIDED}) ORDER BY result.id, reference_id",
        (json.dumps(sorted(references)),),
    )
    asked = frozenset(references)
    for _number, group in itertools.groupby(rows, key=lambda row: row[5]):
        yield _recalled(connection, list(group), asked)


def _recalled(connection: sqlite3.Connection, rows: list[tuple[Any, ...]], asked: frozenset[int]) -> Recalled:
    """One result, from the rows of its matches."""
    *scan, _number, path, sha256, status, tier = rows[0][:10]
    rested: list[Rested] = []
    support: list[Support] = []
    for reference, its_tier, evidence, decided, would_decide, live in (row[10:] for row in rows):
        if decided and reference in asked:
            when, why = _retraction(connection, reference)
            rested.append(Rested(reference, its_tier, bool(live), when, why, json.loads(evidence)))
        if decided and would_decide and live:
            support.append(Support(reference, its_tier))
    strength = {"exact": 0, "near": 1}
    support.sort(key=lambda each: strength.get(each.tier, 2))
    digest = None if sha256 is None else sha256.hex()
    return Recalled(RecordedScan(*scan), path, digest, status, tier, tuple(rested), tuple(support))


def _live(reference: str) -> str:
    """In SQL, whether anybody stands by a reference."""
    return f"EXISTS (SELECT 1 FROM live_membership AS word WHERE word.reference_id = {reference})"


def _retraction(connection: sqlite3.Connection, reference_id: int) -> tuple[str | None, str | None]:
    """When a reference was last withdrawn from a collection, and why."""
    row = connection.execute(
        "SELECT coalesce(retracted, taken_back) AS at, iif(retracted IS NULL, taken_back_reason, retraction_reason)"
        " FROM membership WHERE reference_id = ? AND at IS NOT NULL ORDER BY at DESC LIMIT 1",
        (reference_id,),
    ).fetchone()
    return (None, None) if row is None else (row[0], row[1])

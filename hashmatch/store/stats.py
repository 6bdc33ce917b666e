"""Counts for reports to the public: how much is known, of which kind, from whom, and what came of it.

They contain counts and the names of collections, sources and labels; no paths, digests, cases, reasons or names of
operators. SQL does all the counting, so that a million references take seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hashmatch.clock import now
from hashmatch.store import scans
from hashmatch.store.lookup import collection_numbers
from hashmatch.store.verify import one_state


@dataclass(frozen=True, slots=True)
class Period:
    """Months, both included, such as "2026-01". None: without a beginning or an end."""

    since: str | None = None
    until: str | None = None

    def covers(self, moment: str) -> str:
        """In SQL, whether a moment (a column, ISO 8601) is in the period. The months must have been checked before."""
        conditions = [f"{moment} >= '{self.since}'"] if self.since else []
        # "~" sorts after every moment of that month, and before the next month.
        conditions += [f"{moment} < '{self.until}~'"] if self.until else []
        return " AND ".join(conditions) or "1"


@dataclass(frozen=True, slots=True)
class Totals:
    """References that were added.

    live: somebody stands by them. retracted: nobody does any more. images, videos, allowed: of the live ones. disputed:
    somebody disputes them or calls them false positives.
    """

    references: int
    live: int
    retracted: int
    images: int
    videos: int
    allowed: int
    disputed: int


@dataclass(frozen=True, slots=True)
class ShareOfReferences:
    """References that were added, of one collection, source or label (None: of none).

    retracted: withdrawn there; for a label, everywhere.
    """

    name: str | None
    references: int
    live: int
    retracted: int
    disputed: int


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in a month.

    added: references. retracted: references that a collection withdrew. disputes: opinions. matches: files of recorded
    scans that matched something. allowed: files that the allow list protected.
    """

    month: str
    added: int = 0
    retracted: int = 0
    disputes: int = 0
    matches: int = 0
    allowed: int = 0


@dataclass(frozen=True, slots=True)
class Matches:
    """What recorded scans found, in files.

    exact, near, possible: by their strongest match. recalled: files of all these that rest on references that nobody stands
    by any more.
    """

    scans: int
    exact: int
    near: int
    possible: int
    allowed: int
    recalled: int


@dataclass(frozen=True, slots=True)
class Opinions:
    """What was said about references, by everybody who said anything."""

    confirmed: int
    disputed: int
    false_positive: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All counts. made: when, UTC. collections: those that were asked for; empty for all."""

    made: str
    period: Period
    selection: tuple[str, ...]
    totals: Totals
    collections: tuple[ShareOfReferences, ...]
    sources: tuple[ShareOfReferences, ...]
    labels: tuple[ShareOfReferences, ...]
    months: tuple[Month, ...]
    matches: Matches
    opinions: Opinions


#: Labels that were given here or by lists, each once for a reference.
_LABELS = (
    "SELECT reference_id, name FROM label UNION SELECT reference_id, value FROM membership, json_each(membership.labels)"
    " WHERE membership.labels IS NOT NULL"
)
#: The references that nobody stands by any more. They are few, so SQLite finds them here faster than in the memberships.
_RETRACTED = (
    "(SELECT reference_id FROM membership GROUP BY reference_id"
    " HAVING count(coalesce(retracted, taken_back)) = count(*))"
)
_DISPUTES = "opinion IN ('disputed', 'false-positive')"


def count(connection: sqlite3.Connection, period: Period = Period(), collections: Sequence[str] = ()) -> Statistics:
    """Count what was added, withdrawn, found and said in a period. collections: only what is in these.

    A reference counts in the month in which this database first had it; retractions, opinions and scans count in their own.
    Raises CommandError if there is no such collection.
    """
    with one_state(connection):
        return _Counting(connection, period, collections).all()


def labels_used(connection: sqlite3.Connection) -> dict[str, int]:
    """Every label that a reference has, and how many have it."""
    return dict(connection.execute(f"SELECT name, count(*) FROM ({_LABELS}) GROUP BY name ORDER BY name").fetchall())


class _Counting:
    def __init__(self, connection: sqlite3.Connection, period: Period, collections: Sequence[str]) -> None:
        self._connection, self._period, self._selection = connection, period, tuple(collections)
        self._numbers = ",".join(str(number) for name in collections for number in collection_numbers(connection, name))
        self._disputed = f"SELECT DISTINCT reference_id FROM opinion WHERE {_DISPUTES}"

    def all(self) -> Statistics:
        return Statistics(
            now(),
            self._period,
            self._selection,
            self._totals(),
            self._shares("(SELECT name FROM collection WHERE id = collection_id)", "collection_id"),
            self._shares("membership.source", "membership.source"),
            self._labels(),
            self._months(),
            self._matches(),
            self._opinions(),
        )

    def _chosen(self, reference: str) -> str:
        """In SQL, whether a reference, by its number, is in one of the collections."""
        if not self._numbers:
            return "1"
        members = f"SELECT 1 FROM membership WHERE reference_id = {reference} AND collection_id IN ({self._numbers})"
        return f"EXISTS ({members})"

    def _totals(self) -> Totals:
        # Materialized, or SQLite would look up four times whether each of them is live.
        row = self._connection.execute(
            f"WITH added AS MATERIALIZED (SELECT id, kind, allow, id NOT IN {_RETRACTED} AS live FROM reference"
            f" WHERE {self._period.covers('added')} AND {self._chosen('reference.id')})"
            " SELECT count(*), sum(live), sum(NOT live), sum(live AND kind IS 'image'), sum(live AND kind IS 'video'),"
            f" sum(live AND allow), sum(id IN ({self._disputed})) FROM added"
        ).fetchone()
        return Totals(*(each or 0 for each in row))

    def _shares(self, name: str, by: str) -> tuple[ShareOfReferences, ...]:
        """Shares by a column of memberships. A reference counts once for each collection or source, however often it is
        there."""
        of_period = f" AND reference_id IN ({self._added()})" if self._added() else ""
        only = f" AND collection_id IN ({self._numbers})" if self._numbers else ""
        rows = self._connection.execute(
            f"SELECT {name}, count(*), sum(NOT live), sum(reference_id IN ({self._disputed})) FROM (SELECT"
            " reference_id, collection_id, source, max(retracted IS NULL AND taken_back IS NULL) AS live FROM membership"
            f" WHERE 1{only}{of_period}"
            f" GROUP BY reference_id, {by}) AS membership GROUP BY {by}"
        )
        return _in_order(rows)

    def _labels(self) -> tuple[ShareOfReferences, ...]:
        conditions = [f"reference_id IN ({self._added()})"] if self._added() else []
        conditions += [self._chosen("labelled.reference_id")] if self._numbers else []
        rows = self._connection.execute(
            f"SELECT name, count(*), sum(reference_id IN {_RETRACTED}), sum(reference_id IN ({self._disputed}))"
            f" FROM ({_LABELS}) AS labelled WHERE {' AND '.join(conditions) or '1'} GROUP BY name"
        )
        return _in_order(rows)

    def _added(self) -> str:
        """In SQL, the numbers of the references that were added in the period; empty if these are all."""
        covered = self._period.covers("added")
        return "" if covered == "1" else f"SELECT id FROM reference WHERE {covered}"

    def _months(self) -> tuple[Month, ...]:
        period, chosen = self._period, self._chosen
        only = f" AND collection_id IN ({self._numbers})" if self._numbers else ""
        queries = {
            "added": f"SELECT substr(added, 1, 7), count(*) FROM reference WHERE {period.covers('added')}"
            f" AND {chosen('reference.id')} GROUP BY 1",
            "retracted": "SELECT substr(at, 1, 7), count(DISTINCT reference_id) FROM"
            " (SELECT *, coalesce(retracted, taken_back) AS at FROM membership)"
            f" WHERE at IS NOT NULL AND {period.covers('at')}{only} GROUP BY 1",
            "disputes": f"SELECT substr(at, 1, 7), count(*) FROM opinion WHERE {_DISPUTES} AND {period.covers('at')}"
            f" AND {chosen('opinion.reference_id')} GROUP BY 1",
            "matches": f"SELECT substr(at, 1, 7), count(*) FROM {self._results()} AND status = 'match' GROUP BY 1",
            "allowed": f"SELECT substr(at, 1, 7), count(*) FROM {self._results()} AND status = 'allowed' GROUP BY 1",
        }
        found: dict[str, dict[str, int]] = {}
        for what, query in queries.items():
            for month, number in self._connection.execute(query):
                found.setdefault(month, {})[what] = number
        return tuple(Month(month, **found[month]) for month in sorted(found))

    def _results(self) -> str:
        """In SQL, the results of recorded scans of the period that have a match in one of the collections."""
        chosen = self._chosen("recorded_match.reference_id")
        matched = f"EXISTS (SELECT 1 FROM recorded_match WHERE result_id = result.id AND {chosen})"
        only = f" AND {matched}" if self._numbers else ""
        joined = "recorded_result AS result JOIN recorded_scan AS scan ON scan.id = scan_id"
        return f"{joined} WHERE {self._period.covers('at')}{only}"

    def _matches(self) -> Matches:
        of_tier = "coalesce(sum(status = 'match' AND tier = '{}'), 0)"
        exact, near, possible, allowed = self._connection.execute(
            f"SELECT {', '.join(map(of_tier.format, ('exact', 'near', 'possible')))},"
            f" coalesce(sum(status = 'allowed'), 0) FROM {self._results()}"
        ).fetchone()
        (recorded,) = self._connection.execute(
            f"SELECT count(*) FROM recorded_scan WHERE {self._period.covers('at')}"
        ).fetchone()
        # The plus keeps SQLite from combining each result of the period with each reference.
        among = f"+result_id IN (SELECT result.id FROM {self._results()})"
        recalled = scans.count_resting_on(self._connection, scans.withdrawn(self._connection), among)
        return Matches(recorded, exact, near, possible, allowed, recalled)

    def _opinions(self) -> Opinions:
        rows = self._connection.execute(
            f"SELECT opinion, count(*) FROM opinion WHERE {self._period.covers('at')}"
            f" AND {self._chosen('opinion.reference_id')} GROUP BY opinion"
        )
        found = dict(rows.fetchall())
        return Opinions(*(found.get(verdict, 0) for verdict in ("confirmed", "disputed", "false-positive")))


def _in_order(rows: Iterable[tuple[str | None, int, int, int]]) -> tuple[ShareOfReferences, ...]:
    """Shares by name, the largest first. rows: name, how many, how many of these are retracted, and how many disputed."""
    shares = [
        ShareOfReferences(name, all_, all_ - retracted, retracted, disputed) for name, all_, retracted, disputed in rows
    ]
    return tuple(sorted(shares, key=lambda share: (-share.references, share.name or "")))

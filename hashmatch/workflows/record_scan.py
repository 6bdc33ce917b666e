"""Keep what a scan finds: what `hashmatch scan --record` does."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from hashmatch.errors import CommandError
from hashmatch.escape import for_json
from hashmatch.i18n import _
from hashmatch.matching.results import Match, Result, ScanSummary
from hashmatch.matching.status import StatusCounts
from hashmatch.store import Store, open_store, scans
from hashmatch.store.audit import Actor
from hashmatch.store.scans import RecordedMatch

#: Results per transaction, and seconds between two transactions: the most that a kill can lose.
BATCH, SECONDS = 100, 1.0
#: The results that are kept; for other files there is nothing to take back later.
KEPT = ("match", "allowed")


def open_to_record(path: Path) -> Store:
    """Open the reference set to record a scan in it. Raises CommandError if there is none: a scan does not make one."""
    if not path.exists():
        raise CommandError(_("there is no database {path}").format(path=path))
    return open_store(path, write=True)


class ScanRecorder:
    """Keeps a scan and its results, a few at a time. A context manager.

    If nothing more can be kept, say on a full disk, the scan goes on. `on_problem` is called at once, and CommandError is
    raised at the end.
    """

    def __init__(
        self,
        store: Store,
        actor: Actor,
        settings: Mapping[str, Any],
        on_problem: Callable[[str], object] = lambda text: None,
        seconds: float = SECONDS,
    ) -> None:
        """settings: the scan's. on_problem: called with a message when something goes wrong.
        seconds: between two transactions; with 0, each result is kept before `add` returns.
        """
        self._store, self._actor, self._on_problem, self._seconds = store, actor, on_problem, seconds
        self._pending: list[Result] = []
        self._last_result = 0
        self._next = 0.0
        self._summary: ScanSummary | None = None
        self._failure: CommandError | None = None
        with store.transaction() as connection:
            self._scan_id = scans.begin(connection, actor, settings)

    def add(self, result: Result) -> None:
        """Keep a result, now or soon. Call it with every result of a scan: the others show that time passes."""
        if self._failure is not None:
            return
        if result.status in KEPT:
            self._pending.append(result)
        if self._pending and (len(self._pending) >= BATCH or time.monotonic() >= self._next):
            try:
                self._flush()
            except CommandError as error:
                # Ctrl-C while SQLite called one of our functions; what an import or a scan meets has a code of its own.
                if getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                    raise
                self._failure = error
                self._on_problem(_("this scan is not recorded any further: {reason}").format(reason=error))

    def complete(self, summary: ScanSummary) -> None:
        """Note that the scan is complete; the end of the context stores that, and the summary in the audit trail."""
        self._summary = summary

    def _flush(self) -> None:
        with self._store.transaction() as connection:
            # If an interruption came right after the last commit, all of these are kept already.
            last = scans.last_result(connection, self._scan_id)
            if last == self._last_result:
                for each in self._pending:
                    last = scans.add(
                        connection,
                        self._scan_id,
                        os.path.abspath(each.path),
                        each.sha256,
                        each.status,
                        each.tier,
                        [RecordedMatch(m.reference.id, m.tier, evidence(m)) for m in each.matches],
                    )
        self._last_result, self._pending = last, []
        self._next = time.monotonic() + self._seconds

    def __enter__(self) -> ScanRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._failure is not None:
            if kind is None:
                raise CommandError(_("the scan was not recorded to its end: {reason}").format(reason=self._failure))
            return
        if self._pending:
            self._flush()
        if self._summary is not None:
            counts = asdict(self._summary)
            del counts["interrupted"], counts["failures"], counts["unexamined"]
            with self._store.transaction() as connection:
                scans.finish(connection, self._actor, self._scan_id, counts)


def recorded(database: Path, actor: Actor, settings: Mapping[str, Any], results: Iterable[Result]) -> Iterator[Result]:
    """The results of a scan, each recorded before it is yielded. Raises CommandError at the end if recording failed."""
    counts = StatusCounts()
    with open_to_record(database) as store, ScanRecorder(store, actor, settings, seconds=0.0) as recorder:
        for result in results:
            counts.add(result)
            recorder.add(result)
            yield result
        recorder.complete(counts.summary())


def evidence(value: Match) -> str:
    """A match as scans print it, as text to store."""
    return for_json(json.dumps(asdict(value), ensure_ascii=False, allow_nan=False))

"""Brings a bank up to date with our references: adds what we know, and disables what we take back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from hashmatch.errors import CommandError
from hashmatch.exchange.hma.bank import DISABLED, ENABLED, HmaBank, digest_of
from hashmatch.exchange.hma.bank_ledger import BankLedger
from hashmatch.exchange.hma.client import HmaServer
from hashmatch.exchange.hma.interrupts import held_interrupts
from hashmatch.exchange.hma.notes import ContentNote
from hashmatch.exchange.hma.signals import signals_of
from hashmatch.exchange.hma.whereabouts import Whereabouts, find_ours, find_sent
from hashmatch.i18n import _
from hashmatch.records import ListItem, Pushed, SentContent

#: When a server has refused this many entries in a row, we assume that it accepts none.
_REFUSED_MAX = 20

#: How many contents may be under way at once, as far as the ledger knows. The first one goes alone: it tells which numbers
#: the server gives now, so that the others can be found again. Each batch is so many times larger, in case that the server
#: refuses all.
_BATCH_MAX, _GROWTH = 256, 8


@dataclass(slots=True)
class PushReport:
    """The counts of one push.

    bank: the bank's name, if it was renamed. lost, former: see Whereabouts.
    added, unchanged, disabled, enabled: contents. `enabled` counts those we had disabled and have now enabled again.
    found: contents of an earlier push whose numbers we did not know. They are counted as unchanged or disabled, too.
    withdrawn: of those disabled, how many are of references that are not to go out any more.
    removed: contents that others removed there, and that stay out.
    gone: contents that we wanted to change but that are no longer in the bank, or whose number now belongs to others.
    refused: contents that the server refused.
    left_out_*: references. `left_out_retracted` includes those that their own source calls a false positive.
    films_without_frames: films that lost their frames because the server has no signal type for them.
    """

    bank: str | None = None
    former: str | None = None
    lost: int = 0
    added: int = 0
    unchanged: int = 0
    disabled: int = 0
    enabled: int = 0
    found: int = 0
    withdrawn: int = 0
    removed: int = 0
    gone: int = 0
    refused: int = 0
    left_out_retracted: int = 0
    left_out_allow: int = 0
    left_out_without_hash: int = 0
    films_without_frames: int = 0

    @property
    def changed(self) -> int:
        """How many contents of the bank were changed."""
        return self.added + self.disabled + self.enabled


def push(
    server: HmaServer,
    name: str,
    entries: Iterable[tuple[int, ListItem]],
    ledger: BankLedger,
    refused: Callable[[int, str], None] = lambda reference, reason: None,
    report: PushReport | None = None,
) -> PushReport:
    """Brings a bank up to date with our references.

    New contents are added. A content that was pushed earlier is disabled, not deleted, if its reference is now retracted,
    allowed, called a false positive by its own source, not among the entries, or has other hashes. What others disabled or
    removed there stays so, unless nothing of ours is left. The bank is created if it does not exist. A second push changes
    nothing, and an aborted push can be resumed.
    name: of the bank. entries: our number of each reference, at most once, and what we know about it.
    refused: called with a reference and the server's reason. report: counts what is done, also if the push is aborted.
    Raises CommandError if the server cannot be reached or does not answer like HMA, or the bank's name is not valid.
    """
    bank = HmaBank(server, name)
    where = find_ours(bank, ledger)
    if not where.exists:
        bank.make()
    filling = _Filling(bank, ledger, where, refused, report or PushReport())
    filling.report.bank = bank.name if bank.name != name else None
    filling.find_lost()
    seen: set[int] = set()
    for reference, item in entries:
        seen.add(reference)
        filling.bring_up_to_date(reference, _wanted(item, bank.types, filling.report))
    for pushed in ledger.all():
        if pushed.reference not in seen:
            filling.withdraw(pushed)
    filling.annotate()
    filling.flush()
    return filling.report


def _wanted(item: ListItem, types: frozenset[str], report: PushReport) -> list[dict[str, str]]:
    """The signals of each content that the bank should have for an item. If it should have none, that is counted."""
    if item.retracted or item.verdict == "false-positive":
        report.left_out_retracted += 1
        return []
    if item.allow:
        report.left_out_allow += 1
        return []
    wanted = signals_of(item, types)
    report.left_out_without_hash += not wanted
    if "vpdq" not in types:
        report.films_without_frames += any(each.time is not None for each in item.hashes)
    return wanted


@dataclass(frozen=True, slots=True)
class _Change:
    """A content of ours that gets another state, or a note."""

    pushed: Pushed
    until: int | None = None
    note: str | None = None
    is_withdrawn: bool = False


#: What became of a change or a new content: its number and whether it has its note, the server's reason to refuse it,
#: whether it could be changed, or an error. None: it was not tried.
_Fate = tuple[int, bool] | str | bool | CommandError | None


class _Filling:
    """One push under way. Requests are made in batches, and what became of each is in the ledger before the next."""

    def __init__(
        self,
        bank: HmaBank,
        ledger: BankLedger,
        where: Whereabouts,
        refused: Callable[[int, str], None],
        report: PushReport,
    ) -> None:
        self.report = report
        report.lost, report.former = where.lost, where.former
        self._bank, self._ledger, self._where, self._refused = bank, ledger, where, refused
        self._seen = {pushed.content for pushed, _found in where.there}
        self._enabled_there = {pushed.content for pushed, found in where.there if found.until != DISABLED}
        self._jobs: list[SentContent | _Change] = []
        #: The highest number that the server gave before what is sent next.
        self._after = self._ledger.highest()
        self._batch, self._in_a_row = 1, 0

    def find_lost(self) -> None:
        """Finds what was sent earlier, while something went wrong. What is not there is sent again."""
        arrived = find_sent(self._bank, self._ledger)
        self._ledger.arrived(arrived)
        self._ledger.give_up()
        self.report.found = len(arrived)

    def bring_up_to_date(self, reference: int, wanted: Sequence[dict[str, str]]) -> None:
        known: dict[str, list[Pushed]] = {}
        for pushed in self._ledger.of(reference):
            if pushed.disabled and pushed.content in self._where.gone:  # we had taken it out before others removed it
                self._ledger.forget([pushed.content])
            else:
                known.setdefault(pushed.digest, []).append(pushed)
        for signals in wanted:
            same = sorted(known.pop(digest_of(signals), []), key=lambda each: each.disabled)
            if not same:
                note = str(ContentNote.make(self._ledger.origin, reference))
                self._do(SentContent(reference, signals, note, 0))
            elif same[0].disabled:
                self._do(_Change(same[0], ENABLED))
            elif same[0].content in self._where.gone:
                self.report.removed += 1
            else:
                self.report.unchanged += 1
            for double in same[1:]:
                self._disable(double)
        for outdated in (each for several in known.values() for each in several):
            self._disable(outdated)

    def withdraw(self, pushed: Pushed) -> None:
        """Disables a content whose reference is not to go out any more."""
        self._disable(pushed, is_withdrawn=True)

    def annotate(self) -> None:
        """Gives contents that have no note theirs, as those of earlier versions."""
        for pushed, found in self._where.there:
            if found.note is None and self._bank.has_notes is not False:
                self._do(_Change(pushed, note=str(ContentNote.make(self._ledger.origin, pushed.reference))))
                if self._bank.has_notes is None:
                    self.flush()  # to know whether it is any use

    def _disable(self, pushed: Pushed, is_withdrawn: bool = False) -> None:
        """Disables a content, unless it is. One that we had disabled and that others enabled again is disabled again."""
        if pushed.disabled and pushed.content not in self._enabled_there:
            return
        if pushed.content in self._where.gone:
            self.report.gone += 1
            self._ledger.put([replace(pushed, disabled=True)])
        else:
            self._do(_Change(pushed, DISABLED, is_withdrawn=is_withdrawn))

    def _do(self, job: SentContent | _Change) -> None:
        self._jobs.append(job)
        if len(self._jobs) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Makes the requests that were put together, several at a time, and writes down what became of them.

        An interrupt is held back until then. A crash leaves what is under way in the ledger.
        """
        jobs = [replace(each, after=self._after) if isinstance(each, SentContent) else each for each in self._jobs]
        self._jobs.clear()
        if not jobs:
            return
        self._ledger.send([each for each in jobs if isinstance(each, SentContent)])
        with held_interrupts() as stop:
            fates = self._bank.server.each(lambda job: self._fate(job, stop), jobs)
            done = list(zip(jobs, fates, strict=True))
            self._write_down(done)
            for job, fate in done:
                self._count(job, fate)
        error = next((fate for fate in fates if isinstance(fate, CommandError)), None)
        if error is not None:
            raise error
        self._batch = min(self._batch * _GROWTH, _BATCH_MAX)

    def _fate(self, job: SentContent | _Change, stop: threading.Event) -> _Fate:
        """Does one thing, in any thread. After an error or an interrupt nothing more is begun."""
        if stop.is_set():
            return None
        try:
            if isinstance(job, SentContent):
                return self._bank.add(job.signals, job.note)
            if job.until is not None:
                return self._bank.enable(job.pushed, job.until, job.pushed.content in self._seen)
            return self._bank.has_notes is not False and self._bank.annotate(job.pushed, job.note or "")
        except CommandError as error:
            stop.set()
            return error

    def _write_down(self, done: Sequence[tuple[SentContent | _Change, _Fate]]) -> None:
        arrived: list[tuple[SentContent, Pushed | None]] = []
        changed: list[Pushed] = []
        for job, fate in done:
            if isinstance(job, SentContent):
                if isinstance(fate, tuple):
                    number, noted = fate
                    note = job.note if noted else None
                    arrived.append((job, Pushed(number, job.reference, digest_of(job.signals), note=note)))
                elif not isinstance(fate, CommandError):
                    arrived.append((job, None))
            elif isinstance(fate, bool) and job.until is not None:
                changed.append(replace(job.pushed, disabled=job.until == DISABLED or not fate))
            elif fate is True:
                changed.append(replace(job.pushed, note=job.note))
        if any(pushed is not None for _sent, pushed in arrived):
            # Not the highest of all times: a server that was set up anew counts from the beginning.
            self._after = max(pushed.content for _sent, pushed in arrived if pushed is not None)
        self._ledger.arrived(arrived)
        self._ledger.put(changed)

    def _count(self, job: SentContent | _Change, fate: _Fate) -> None:
        report = self.report
        if isinstance(job, _Change):
            if job.until is not None:
                report.gone += fate is False
                report.enabled += fate is True and job.until == ENABLED
                report.disabled += fate is True and job.until == DISABLED
                report.withdrawn += fate is True and job.is_withdrawn
        elif isinstance(fate, str):
            report.refused += 1
            self._in_a_row += 1
            self._refused(job.reference, fate)
            if self._in_a_row == _REFUSED_MAX:
                message = _("{server}: it keeps refusing entries, the last one with {reason}")
                raise CommandError(message.format(server=self._bank.server.name, reason=fate))
        elif isinstance(fate, tuple):
            report.added += 1
            self._in_a_row = 0

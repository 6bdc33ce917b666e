"""Hash lists to the reference set: what `hashmatch import` does."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hashmatch import exchange
from hashmatch.errors import CommandError
from hashmatch.exchange import entry_checks
from hashmatch.exchange.fields import snippet
from hashmatch.i18n import _, ngettext
from hashmatch.records import UNNAMED, BadLine, LineRemark, ListHead, Opinion
from hashmatch.search.duplicates import NearDuplicate, near_duplicates
from hashmatch.store import Store, generation, list_entries, list_issues, lookup, opinions, review_decisions
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import JoinOutcome, Membership, ensure_collection, kept_off, mark, touch
from hashmatch.system import ahead
from hashmatch.workflows.list_batches import PackedLine, packed_batches
from hashmatch.workflows.list_origin import AS_IT_SAYS, ImportPlan, ListOrigin, called, origin_of

if TYPE_CHECKING:
    from hashmatch.signing.acceptance import IssueNumbers


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did with the entries of a list.

    refused: lines that could not be used. remarks: remarks about lines that were used, whether shown or not.
    allow: entries that went to the allow list. not_allowed: entries that the list allows but others know as propaganda; only
    a person can allow those.
    retracted: entries that are withdrawn, by the list now or by a person here before. restored: entries whose source stands
    by them again. disputed: retractions of what others gave; those references stay, and are disputed from now on.
    duplicates: added entries that show the same as an older reference.
    head, signer: of the list; signer is the key's name, if it has one. missing: ranges of numbers of lists of this name that
    have not arrived.
    """

    name: str
    format: str
    added: int = 0
    joined: int = 0
    known: int = 0
    retracted: int = 0
    restored: int = 0
    disputed: int = 0
    allow: int = 0
    not_allowed: int = 0
    refused: int = 0
    remarks: int = 0
    duplicates: int = 0
    head: ListHead = UNNAMED
    signer: str | None = None
    missing: tuple[IssueNumbers, ...] = ()

    @property
    def items(self) -> int:
        return self.added + self.joined + self.known + self.retracted + self.restored + self.disputed


#: The counters of ImportReport.
_COUNTED = tuple(each.name for each in fields(ImportReport) if each.type == "int")

LineListener = Callable[[BadLine | LineRemark], None]
RemarksOn = Callable[[tuple[str, ...]], Iterable[str]]


def import_list(
    store: Store,
    actor: Actor,
    path: Path,
    plan: ImportPlan = AS_IT_SAYS,
    *,
    format_name: str = "auto",
    told: LineListener = lambda line: None,
    duplicate: Callable[[NearDuplicate], None] = lambda duplicate: None,
    remarks_on: RemarksOn = lambda labels: (),
    all_remarks: bool = False,
) -> ImportReport:
    """Add a hash list's entries to the reference set.

    Importing a list again adds nothing, so an interrupted import is completed by repeating it.

    told: called with each line that cannot be used, and with remarks about others: some of each kind, and at the end
    one that counts the rest, or all of them if all_remarks.
    duplicate: called with each new reference that shows the same as an older one.
    remarks_on: gives the remarks about an entry's labels.
    Raises CommandError if the file cannot be read, its format is unknown or too new, or a line is bad and plan is `strict`.
    """
    try:
        with path.open("rb") as file:
            if not file.seekable():
                raise CommandError(
                    _("{path}: a list is read twice, and a pipe cannot be: give a file").format(path=path)
                )
            head = file.read(exchange.HEAD)
            form = exchange.detect(head) if format_name == "auto" else exchange.get(format_name)
            if form is None:
                message = _("{path}: cannot tell what list this is; name it with --format")
                raise CommandError(message.format(path=path))
            origin = origin_of(store, file, path, form, head, plan)
            # A list of a newer version is refused here, before anything is changed.
            next(iter(form.read(io.BytesIO(head))), None)
            if plan.strict:
                file.seek(0)
                _check_all_lines(origin, file, told)
            file.seek(0)
            remarks = entry_checks.RemarkLimit(None if all_remarks else entry_checks.TOLD)
            run = _Import(store, actor, origin, plan, told, remarks_on, remarks)
            return run.run(form.read(file), duplicate)
    except OSError as error:
        raise CommandError(_("{path}: {reason}").format(path=path, reason=error.strerror or error)) from error


def _check_all_lines(origin: ListOrigin, file: BinaryIO, told: LineListener) -> None:
    bad = 0
    for row in origin.form.read(file):
        if isinstance(row, tuple):
            problem = entry_checks.check(row[1]).problem
            row = BadLine(row[0], problem) if problem else row
        if isinstance(row, BadLine):
            bad += 1
            told(row)
    if bad:
        message = ngettext(
            "{path}: {n:,} line cannot be used, and nothing was imported (--strict)",
            "{path}: {n:,} lines cannot be used, and nothing was imported (--strict)",
            bad,
        )
        raise CommandError(message.format(path=origin.path, n=bad))


class _Import:
    """One list on its way into the reference set. Another process, where possible, reads ahead while this one writes."""

    def __init__(
        self,
        store: Store,
        actor: Actor,
        origin: ListOrigin,
        plan: ImportPlan,
        told: LineListener,
        remarks_on: RemarksOn,
        remarks: entry_checks.RemarkLimit,
    ) -> None:
        self._store, self._actor, self._origin, self._plan, self._told = store, actor, origin, plan, told
        self._remarks_on, self._remarks = remarks_on, remarks
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._owners: dict[str, str | None] = {}
        self._owners_called: dict[str, str] = {}
        self._import_id = self._read = 0
        self._we = review_decisions.rules(store.connection).source

    def run(self, rows: Iterator[exchange.ListRow], duplicate: Callable[[NearDuplicate], None]) -> ImportReport:
        with _collecting_seldom():
            return self._run(rows, duplicate)

    def _run(self, rows: Iterator[exchange.ListRow], duplicate: Callable[[NearDuplicate], None]) -> ImportReport:
        newest = generation.current(self._store.connection).newest
        self._begin()
        with contextlib.closing(ahead(packed_batches(rows, self._origin, self._plan, self._import_id))) as batches:
            for batch in batches:
                with self._store.transaction() as connection:
                    self._add(connection, batch)
        for remark in self._remarks.rest():
            self._told(remark)
        with self._store.little_memory():
            for found in near_duplicates(self._store, newest):
                self._counts["duplicates"] += 1
                duplicate(found)
        origin = self._origin
        if origin.count is not None and origin.count != self._read:
            text = _("the list has {count:,} entries, where its signer counted {wanted:,}")
            self._told(LineRemark(self._read, text.format(count=self._read, wanted=origin.count)))
        report = ImportReport(
            origin.path.name,
            origin.form.name,
            **self._counts,
            head=origin.head,
            signer=origin.signer and origin.teller,
            missing=origin.missing,
        )
        with self._store.transaction() as connection:
            list_issues.finish_import(connection, self._import_id, report.items, report.refused)
            record(connection, self._actor, "imported", {"import": self._import_id, **self._counts})
        return report

    def _begin(self) -> None:
        origin, plan = self._origin, self._plan
        with self._store.transaction() as connection:
            number = None
            if plan.collection is not None:
                self._own(connection, plan.collection)
                number = ensure_collection(connection, self._actor, plan.collection, plan.tlp)
                list_issues.set_signer(connection, plan.collection, self._owners[plan.collection])
            name = os.fsencode(origin.path.name).decode("utf-8", "replace")
            self._import_id = list_issues.begin_import(
                connection, name, origin.form.name, origin.sha256, number, origin.head, origin.signer
            )
            detail = {
                "import": self._import_id,
                "list": origin.path.name,
                "format": origin.form.name,
                "sha256": origin.sha256.hex(),
                "name": origin.head.name,
                "sequence": origin.head.sequence,
                "signer": origin.signer,
            }
            record(connection, self._actor, "import", detail)

    def _add(self, connection: sqlite3.Connection, batch: list[PackedLine]) -> None:
        entries: list[list_entries.ListEntry] = []
        for row in batch:
            if isinstance(row, LineRemark):
                self._remark(row)
                continue
            self._read += 1
            if isinstance(row, BadLine):
                self._refuse(row)
                continue
            line, packed, of_case, problem, remarks = row
            entry = list_entries.ListEntry._make(packed)
            if of_case:
                self._put(connection, entries)  # the case may be one of these
                entries = []
                self._withdraw(connection, line, entry)
                continue
            if any(each.source == self._we for each in entry.opinions):
                entry = self._without_our_dispute(connection, entry)
            membership = entry.membership
            is_foreign = self._is_foreign(connection, membership.collection)
            if is_foreign and membership.retracted is not None:
                self._dispute(connection, list_entries.find(connection, entry.identity), membership)
            elif problem:
                self._refuse(BadLine(line, problem))
            elif is_foreign:
                said, known = _disputes(entry), list_entries.find(connection, entry.identity)
                if said and known is not None:  # it may speak about what is there, but change nothing else
                    self._dispute(connection, known, membership, said)
                else:
                    self._refuse_foreign(line, membership.collection)
            else:
                for message in (*remarks, *(self._remarks_on(membership.labels) if membership.labels else ())):
                    self._remark(LineRemark(line, message))
                entries.append(entry)
        self._put(connection, entries)

    def _put(self, connection: sqlite3.Connection, entries: list[list_entries.ListEntry]) -> None:
        added = list_entries.add_items(connection, self._actor, entries, allow_known=self._plan.allow)
        for entry, (reference_id, outcome) in zip(entries, added, strict=True):
            self._count(connection, reference_id, outcome, entry.membership)
        for name in {entry.membership.collection for entry in entries}:
            list_issues.set_signer(connection, name, self._owners[name])

    def _withdraw(self, connection: sqlite3.Connection, line: int, entry: list_entries.ListEntry) -> None:
        """Carry out a retraction that names only a case."""
        membership = entry.membership
        assert membership.case is not None and membership.retracted is not None
        found = list_entries.of_case(connection, membership.collection, membership.case)
        if not found:
            text = _(
                "withdraws {case}, which the collection {name} does not have: where another list brings it, import that one,"
                " and then this one again"
            )
            self._remark(LineRemark(line, text.format(case=snippet(membership.case), name=membership.collection)))
        for reference_id in found:
            if self._is_foreign(connection, membership.collection):
                self._dispute(connection, reference_id, membership)
            else:
                outcome = list_entries.withdraw(connection, self._actor, reference_id, entry)
                self._count(connection, reference_id, outcome, membership)

    def _refuse(self, line: BadLine) -> None:
        self._counts["refused"] += 1
        self._told(line)

    def _remark(self, remark: LineRemark) -> None:
        self._counts["remarks"] += 1
        if self._remarks.tells(remark):
            self._told(remark)

    def _own(self, connection: sqlite3.Connection, collection: str) -> str | None:
        """Whose lists fill a collection; a new one belongs to the signer of this list."""
        if collection not in self._owners:
            there = list_issues.has_collection(connection, collection)
            self._owners[collection] = list_issues.signer_of(connection, collection) if there else self._origin.signer
        return self._owners[collection]

    def _is_foreign(self, connection: sqlite3.Connection, collection: str) -> bool:
        """Whether somebody else's lists fill a collection. One that a person named is settled in origin_of."""
        owner = self._own(connection, collection)
        return owner not in (None, self._origin.signer) and self._plan.collection is None

    def _refuse_foreign(self, line: int, collection: str) -> None:
        """Refuse an entry that may not go into a collection; say so for the first few of a list."""
        self._counts["refused"] += 1
        text = _("the collection {name} is filled by the lists of {owner} only; --collection gives it another")
        if collection not in self._owners_called:
            self._owners_called[collection] = called(self._owners[collection])
        message = text.format(name=collection, owner=self._owners_called[collection])
        if self._remarks.tells(LineRemark(line, message)):
            self._told(BadLine(line, message))

    def _without_our_dispute(
        self, connection: sqlite3.Connection, entry: list_entries.ListEntry
    ) -> list_entries.ListEntry:
        """The entry without our own dispute, which comes back in our lists and in those of whoever has it from us. What
        people here took back is kept where they did that, not as what a list says."""
        reference_id = list_entries.find(connection, entry.identity)
        if reference_id is None:
            return entry
        ours = lookup.reference(connection, reference_id).our_dispute(self._we)
        return entry._replace(opinions=tuple(each for each in entry.opinions if each != ours))

    def _dispute(
        self,
        connection: sqlite3.Connection,
        reference_id: int | None,
        membership: Membership,
        said: tuple[Opinion, ...] = (),
    ) -> None:
        """Note a retraction of what others gave. The reference stays, and this list's word stands beside it. said: what
        others who dispute it say, according to this list."""
        if reference_id is None:
            self._counts["known"] += 1
            return
        self._counts["disputed"] += 1
        own = Opinion("disputed", self._origin.teller, membership.retracted, membership.retraction_reason)
        news = opinions.add(connection, reference_id, said or (own,), self._import_id)
        # What is said about it goes out with it, so it may travel no further than that.
        news |= mark(connection, reference_id, membership.collection, membership.tlp)
        if news:
            touch(connection, reference_id, own=False)

    def _count(
        self, connection: sqlite3.Connection, reference_id: int, outcome: JoinOutcome, membership: Membership
    ) -> None:
        counts = self._counts
        if outcome == "disputed":
            self._dispute(connection, reference_id, membership)
            return
        counts[outcome] += 1
        if not membership.allow or outcome not in ("added", "joined", "known"):
            return
        if outcome == "added" or (self._plan.allow and outcome == "joined"):
            counts["allow"] += 1
        elif not self._plan.allow and kept_off(connection, reference_id, membership):
            counts["not_allowed"] += 1
        elif outcome == "joined":
            counts["allow"] += 1


def _disputes(entry: list_entries.ListEntry) -> tuple[Opinion, ...]:
    """The disputes in an entry that do not come from its own source."""
    collection = entry.membership.collection
    return tuple(each for each in entry.opinions if each.verdict == "disputed" and each.source != collection)


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for reference cycles a hundred times less often. Records have none, and searching the many of a batch takes a
    tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)

"""Hash lists to the reference set: what `hashmatch import` does."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from hashmatch import exchange
from hashmatch.errors import CommandError
from hashmatch.exchange import entry_checks
from hashmatch.exchange.fields import snippet
from hashmatch.i18n import _, ngettext
from hashmatch.isolation import Isolation
from hashmatch.records import UNNAMED, BadLine, LineRemark, ListHead
from hashmatch.search.duplicates import NearDuplicate, near_duplicates
from hashmatch.store import (
    Store,
    allow_list,
    bare_words,
    curate,
    generation,
    list_entries,
    list_issues,
    lookup,
    source_records,
    voices,
)
from hashmatch.store.audit import Actor, record
from hashmatch.store.list_entries import HeardEntry
from hashmatch.store.membership import Membership, ensure_collection
from hashmatch.store.prepared_entries import ListEntry, with_source
from hashmatch.workflows.list_files import ListFile, lists_in
from hashmatch.workflows.list_lines import ListLine
from hashmatch.workflows.list_memberships import Memberships
from hashmatch.workflows.list_origin import AS_IT_SAYS, ImportPlan, ListOrigin, origin_of
from hashmatch.workflows.list_reading import HowToRead, opened

if TYPE_CHECKING:
    from hashmatch.signing.acceptance import IssueNumbers


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did with the entries of a list.

    refused: lines that could not be used. remarks: remarks about lines that were used, whether shown or not.
    joined: entries of references that were known, of which this list said something new. known: it said nothing new.
    allow: entries that went to the allow list. pending: entries that the list allows, and that wait for a person.
    retracted: entries that are withdrawn, by the list now or by a person here before. restored: entries whose source stands
    by them again. disputed: withdrawals of what others still stand by. tombstone: withdrawals of what never came here.
    ours: entries of our own that came back. replaced: words of older versions of records, which this list corrected.
    several: entries that are about more than one reference.
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
    tombstone: int = 0
    ours: int = 0
    replaced: int = 0
    several: int = 0
    allow: int = 0
    pending: int = 0
    refused: int = 0
    remarks: int = 0
    duplicates: int = 0
    head: ListHead = UNNAMED
    signer: str | None = None
    missing: tuple[IssueNumbers, ...] = ()

    @property
    def items(self) -> int:
        told = self.added + self.joined + self.known + self.ours
        return told + self.retracted + self.restored + self.disputed + self.tombstone

    @property
    def is_unusable(self) -> bool:
        """Whether the list has something in it, of which nothing could be used."""
        return not self.items and bool(self.remarks or self.refused)


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
    columns: Mapping[str, str] | None = None,
    told: LineListener = lambda line: None,
    duplicate: Callable[[NearDuplicate], None] = lambda duplicate: None,
    remarks_on: RemarksOn = lambda labels: (),
    all_remarks: bool = False,
) -> ImportReport:
    """Add the entries of a file's hash list, or of all the lists in a zip, to the reference set. Like import_file for each.

    A list of several that cannot be imported is told as a line that cannot be used; if none can, CommandError is raised.
    """
    reports, failed = list[ImportReport](), list[CommandError]()
    how, more = HowToRead(format_name, tuple((columns or {}).items()), plan.allow), (told, duplicate, remarks_on)
    for given in lists_in(path):
        try:
            reports.append(import_file(store, actor, given, plan, how, *more, all_remarks=all_remarks))
        except CommandError as error:
            failed.append(error)
    if failed and not reports:
        raise failed[0]
    for each in failed:
        told(BadLine(0, str(each)))
    if len(reports) == 1 and not failed:
        return reports[0]
    sums = {name: sum(getattr(each, name) for each in reports) for name in _COUNTED}
    forms = ", ".join(sorted({each.format for each in reports}))
    return ImportReport(path.name, forms, **sums | {"refused": sums["refused"] + len(failed)})


def import_file(
    store: Store,
    actor: Actor,
    given: ListFile,
    plan: ImportPlan,
    how: HowToRead,
    told: LineListener,
    duplicate: Callable[[NearDuplicate], None],
    remarks_on: RemarksOn,
    isolation: Isolation | None = None,
    *,
    all_remarks: bool = False,
) -> ImportReport:
    """Add a hash list's entries to the reference set.

    Importing a list again adds nothing, so an interrupted import is completed by repeating it.

    told: called with each line that cannot be used, and with remarks about others: some of each kind, and at the end
    one that counts the rest, or all of them if all_remarks.
    duplicate: called with each new reference that shows the same as an older one.
    remarks_on: gives the remarks about an entry's labels.
    isolation: of the process that reads the list; `timeout`, `memory`, `steps` and `require_sandbox` count.
    Raises CommandError if the list cannot be read, its format is unknown or too new, or a line is bad and plan is `strict`.
    """
    if given.problem:
        raise CommandError(_("{path}: {reason}").format(path=given.name, reason=given.problem))
    try:
        with opened(given, how, isolation) as (look, batches), _collecting_seldom():
            if look.form is None:
                message = _("{path}: cannot tell what list this is; name it with --format")
                raise CommandError(message.format(path=given.name))
            origin = origin_of(store, given, look.form, look.head, plan)
            if plan.strict:
                _check_all_lines(given, how, told, isolation)
            remarks = entry_checks.RemarkLimit(None if all_remarks else entry_checks.TOLD)
            return _Import(store, actor, origin, plan, told, remarks_on, remarks).run(batches, duplicate)
    except OSError as error:
        raise CommandError(_("{path}: {reason}").format(path=given.name, reason=error.strerror or error)) from error


def _check_all_lines(given: ListFile, how: HowToRead, told: LineListener, isolation: Isolation | None) -> None:
    bad = 0
    with opened(given, how, isolation) as (_look, batches):
        for row in chain.from_iterable(batches):
            if isinstance(row, BadLine):
                bad += 1
                told(row)
    if bad:
        message = ngettext(
            "{path}: {n:,} line cannot be used, and nothing was imported (--strict)",
            "{path}: {n:,} lines cannot be used, and nothing was imported (--strict)",
            bad,
        )
        raise CommandError(message.format(path=given.name, n=bad))


class _Import:
    """One list on its way into the reference set."""

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
        self._import_id = self._read = 0
        self._tells_opinions = "opinions" in origin.form.carries

    def run(self, batches: Iterator[list[ListLine]], duplicate: Callable[[NearDuplicate], None]) -> ImportReport:
        newest = generation.current(self._store.connection).newest
        memberships = self._begin()
        for batch in batches:
            with self._store.transaction() as connection:
                self._add(connection, batch, memberships)
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
            origin.given.short_name,
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

    def _begin(self) -> Memberships:
        origin, plan = self._origin, self._plan
        with self._store.transaction() as connection:
            number = None
            if plan.collection is not None:
                author = plan.collection if origin.owner == voices.UNSIGNED else ""
                named = Membership(plan.collection, owner=origin.owner, author=author)
                number = ensure_collection(connection, self._actor, named)
            name = origin.given.short_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            self._import_id = list_issues.begin_import(
                connection, name, origin.form.name, origin.sha256, number, origin.head, origin.signer
            )
            imported = list_issues.imported_at(connection, self._import_id)
            detail = {
                "import": self._import_id,
                "list": origin.given.short_name,
                "format": origin.form.name,
                "sha256": origin.sha256.hex(),
                "name": origin.head.name,
                "sequence": origin.head.sequence,
                "signer": origin.signer,
            }
            record(connection, self._actor, "import", detail)
        return Memberships(origin, plan, self._import_id, imported)

    def _add(self, connection: sqlite3.Connection, batch: list[ListLine], memberships: Memberships) -> None:
        entries: list[tuple[int, ListEntry]] = []
        for row in batch:
            if isinstance(row, LineRemark):
                self._remark(row)
                continue
            self._read += 1
            if isinstance(row, BadLine):
                self._refuse(row)
                continue
            membership = memberships.of(row.said)
            told = with_source(row.said.item.opinions, membership)
            entry = ListEntry(
                row.identity, row.columns, row.hashes, told, membership, self._tells_opinions and bool(row.said.carried)
            )
            for message in (*row.remarks, *(self._remarks_on(membership.labels) if membership.labels else ())):
                self._remark(LineRemark(row.line, message))
            if entry.is_only_its_record:
                self._put(connection, entries)  # the record may be one of these
                entries = []
                self._withdraw_record(connection, row.line, entry)
            else:
                entries.append((row.line, entry))
        self._put(connection, entries)

    def _put(self, connection: sqlite3.Connection, entries: list[tuple[int, ListEntry]]) -> None:
        told = [entry for _line, entry in entries]
        words = [entry.membership for entry in told]
        has_records = any(word.record is not None for word in words)
        if has_records:
            words = source_records.with_withdrawals(connection, words)
            told = [entry._replace(membership=word) for entry, word in zip(told, words, strict=True)]
        heard_of_each = list_entries.add_items(connection, self._actor, told)
        heard_of_each = self._settled_by_number(connection, told, heard_of_each)
        for (line, _entry), entry, heard in zip(entries, told, heard_of_each, strict=True):
            self._count(connection, line, entry.membership, self._allowed(connection, entry.membership, heard))
        if has_records:
            gone = source_records.replace_older(connection, self._actor, self._origin.owner, words)
            self._counts["replaced"] += gone

    def _settled_by_number(
        self, connection: sqlite3.Connection, entries: list[ListEntry], heard: list[HeardEntry]
    ) -> list[HeardEntry]:
        """Settle what other numbers of this list said in bare formats, see store/bare_words.py."""
        head, form = self._origin.head, self._origin.form
        if head.name is None:
            return heard
        if form.is_bare:
            stand_again = partial(bare_words.stand_again, connection, self._actor, head)
            return [
                replace(each, outcome="restored")
                if each.outcome == "retracted" and stand_again(entry.membership, each.references)
                else each
                for entry, each in zip(entries, heard, strict=True)
            ]
        gone = bare_words.withdraw(connection, self._actor, head.name, exchange.bare(), entries, heard)
        return [replace(each, outcome="retracted") if number in gone else each for number, each in enumerate(heard)]

    def _allowed(self, connection: sqlite3.Connection, membership: Membership, heard: HeardEntry) -> HeardEntry:
        """Put what a person here says is legitimate on the allow list: our own word, beside that of the list."""
        if not self._plan.allow or membership.allow_here or membership.retracted is not None:
            return heard
        said = [curate.set_allow(connection, self._actor, each, True) for each in heard.references]
        return replace(heard, outcome="joined") if any(said) and heard.outcome == "known" else heard

    def _withdraw_record(self, connection: sqlite3.Connection, line: int, entry: ListEntry) -> None:
        """Carry out a withdrawal that names only a record."""
        membership = entry.membership
        found = source_records.withdraw_record(connection, self._actor, membership)
        if not found:
            text = _("withdraws {record}, which is not here; if another list brings it, it is withdrawn at once")
            self._remark(LineRemark(line, text.format(record=snippet(membership.record))))
            self._counts["tombstone"] += 1
        for outcome in found.values():
            self._counts[outcome] += 1

    def _refuse(self, line: BadLine) -> None:
        self._counts["refused"] += 1
        self._told(line)

    def _remark(self, remark: LineRemark) -> None:
        self._counts["remarks"] += 1
        if self._remarks.tells(remark):
            self._told(remark)

    def _count(self, connection: sqlite3.Connection, line: int, membership: Membership, heard: HeardEntry) -> None:
        counts = self._counts
        counts[heard.outcome] += 1
        if len(heard.references) > 1:
            counts["several"] += 1
            named = ", ".join(f"#{each}" for each in heard.references[:5])
            more = ", …" if len(heard.references) > 5 else ""
            text = _("it is about {count} references: {named}").format(count=len(heard.references), named=named + more)
            self._remark(LineRemark(line, text))
        if (membership.allow or self._plan.allow) and heard.outcome in ("added", "joined", "known"):
            found = lookup.reference(connection, heard.references[0])
            if found.allow and not found.pending:
                counts["allow"] += 1
            elif allow_list.waits(connection, found.id):
                counts["pending"] += 1


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for reference cycles a thousand times less often, so not within a batch. Records have none, and searching the
    many of a batch takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(1000 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)

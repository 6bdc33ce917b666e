"""The reference set and banks on HMA servers: what `export --to-hma`, `import --from-hma` and `show --bank` do."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from hashmatch.clock import now_exactly
from hashmatch.errors import CommandError
from hashmatch.exchange.hma import (
    BankContent,
    ContentNote,
    FoundContent,
    HmaBank,
    HmaServer,
    Pushed,
    PushReport,
    digest_of,
    find_ours,
    push,
    read_ours,
    token_from_environment,
)
from hashmatch.exchange.hma.signals import signals_of
from hashmatch.i18n import _
from hashmatch.records import ListItem, Opinion, Verdict
from hashmatch.store import Store, hash_rows, lookup, opinions, pushed, review_decisions, voices
from hashmatch.store.audit import Actor, record
from hashmatch.store.pushed import PushedContents
from hashmatch.workflows.export_entries import ExportEntries, ExportSelection


@dataclass(frozen=True, slots=True)
class FillReport:
    """What was done to a bank, and how many references the sharing rules kept back.

    above: marked stricter than is let out. unmarked: not marked at all. disputed: people here say that it is not what it is
    said to be.
    """

    pushed: PushReport
    above: int
    unmarked: int
    disputed: int


@dataclass(frozen=True, slots=True)
class BankReport:
    """What happened to the contents that we put into a bank.

    read: how many were looked at. disputed: references that others disabled or removed there; they are disputed from now on.
    confirmed: references that were disputed so, and are enabled there again.
    """

    read: int
    disputed: int
    confirmed: int = 0


def fill_bank(
    store: Store,
    actor: Actor,
    url: str,
    bank: str,
    selection: ExportSelection,
    refused: Callable[[int, str], None] = lambda reference, reason: None,
) -> FillReport:
    """Put the selected references into a bank, and disable those there that are not to go out, or no longer.

    The token comes from the environment.

    Raises CommandError: see exchange.hma; or `selection` goes on from another list.
    """
    if selection.since is not None:
        raise CommandError(_("a bank is filled with all that is known; --since is for lists"))
    choice = ExportEntries(store.connection, selection, None)
    standing = _Standing(choice, review_decisions.rules(store.connection).source)
    report, is_through = PushReport(), False
    with HmaServer(url, token_from_environment()) as server:
        ledger = PushedContents(store, server.name, bank)
        try:
            push(server, bank, standing.entries(), ledger, refused, report)
            is_through = True
        finally:
            filled = FillReport(report, choice.above, choice.unmarked, standing.disputed)
            if is_through or report.changed:
                _record(store, actor, server.name, bank, selection, filled, is_through)
    return filled


def _record(
    store: Store, actor: Actor, server: str, bank: str, selection: ExportSelection, filled: FillReport, is_through: bool
) -> None:
    """Write what was done to a bank into the audit trail, also if something went wrong on the way."""
    counts = asdict(filled)
    detail = {"server": server, **counts.pop("pushed"), "bank": filled.pushed.bank or bank, **counts}
    if not is_through:
        detail["aborted"] = True
    with store.transaction() as connection:
        record(connection, actor, "push", detail | selection.as_json())


class _Standing:
    """The entries of a selection that people here stand by, since a bank cannot say that they dispute one."""

    def __init__(self, choice: ExportEntries, we: str) -> None:
        self.disputed = 0
        self._choice, self._we = choice, we

    def entries(self) -> Iterator[tuple[int, ListItem]]:
        for reference, item in self._choice.with_ids():
            ours = [each for each in item.opinions if each.source == self._we and not each.author]
            if any(each.verdict != "confirmed" for each in ours):
                self.disputed += 1
            else:
                yield reference, item


def read_bank(store: Store, actor: Actor, url: str, name: str) -> BankReport:
    """See what happened to the contents that we put into a bank.

    What others disabled or removed there is disputed here, until they enable it again; then their newest word confirms it.

    Raises CommandError: see exchange.hma; or nothing of ours is there, since HMA cannot list a bank.
    """
    with HmaServer(url, token_from_environment()) as server:
        bank = HmaBank(server, name)
        ledger = PushedContents(store, server.name, name)
        where = find_ours(bank, ledger)
        if not where.there:
            if where.lost:
                message = _("nothing that was put into bank {bank} of {server} from here is there any more")
            else:
                message = _(
                    "nothing was put into bank {bank} of {server} from here, and HMA cannot list what others did"
                )
            raise CommandError(message.format(bank=name, server=server.name))
        # The names by which people call it: after a rename, the bank may have another one there.
        voice, source = voices.of_server(server.name), pushed.opinion_source(server.name, name)
        report = _give_opinions(store, actor, voice, source, read_ours(bank, ledger.all()))
        detail = {"server": server.name, "bank": bank.name, **asdict(report)}
    with store.transaction() as connection:
        record(connection, actor, "read back", detail)
    return report


def _give_opinions(
    store: Store, actor: Actor, voice: str, source: str, contents: Iterator[tuple[Pushed, BankContent]]
) -> BankReport:
    """Keep as the server's word what others did to contents of ours."""
    news: Counter[str] = Counter()
    read = 0
    # If a reference has several contents, one that others took out is enough.
    disputed, enabled = set[int](), set[int]()
    for ours, content in contents:
        read += 1
        if ours.disabled:
            continue
        if content.state == "enabled":
            enabled.add(ours.reference)
            continue
        disputed.add(ours.reference)
        # Reasons travel with lists: they are data, and the same in every language.
        happened = "disabled there" if content.state == "disabled" else "removed there"
        said = Opinion("disputed", source, now_exactly(), content.note or happened)
        with store.transaction() as connection:
            if _last_word(connection, ours.reference, voice, source) != "disputed":
                news["disputed"] += opinions.give(connection, actor, ours.reference, said, voice)
    for reference in sorted(enabled - disputed):
        with store.transaction() as connection:
            if _last_word(connection, reference, voice, source) == "disputed":
                said = Opinion("confirmed", source, now_exactly(), "enabled there again")
                news["confirmed"] += opinions.give(connection, actor, reference, said, voice)
    return BankReport(read, news["disputed"], news["confirmed"])


def _last_word(connection: sqlite3.Connection, reference_id: int, voice: str, source: str) -> Verdict | None:
    """What a source says of a reference by its own voice, and not as others pass it on."""
    said = (each for each in opinions.of(connection, reference_id) if (each.author, each.source) == (voice, source))
    return next((each.verdict for each in said), None)


def references_in_bank(store: Store, bank: str, number: int, url: str | None = None) -> list[int]:
    """The references of which a content was made; more than one only if several servers have a bank of this name.

    url: of the server. Without it only what was put there from here is known. If it is given, and the number is not known
    here, the server is asked for the content, whose note names the reference.

    Raises CommandError: see exchange.hma; or the reference cannot be told.
    """
    if url is None:
        if known := pushed.references_of(store.connection, bank, number):
            return known
        message = _("no content {number} of a bank {bank} is known here; --hma URL asks the server for its note")
        raise CommandError(message.format(number=number, bank=bank))
    with HmaServer(url, token_from_environment()) as server:
        if known := pushed.references_of(store.connection, bank, number, server.name):
            return known
        at_hma = HmaBank(server, bank)
        found = at_hma.find(number)
        if found is None or found.bank != bank:
            message = _("{server}: bank {bank} has no content {number}")
            raise CommandError(message.format(server=server.name, bank=bank, number=number))
        known = pushed.references_of(store.connection, bank, number, digest=digest_of(found.signals))
        return known or [_by_note(store, found, at_hma.types)]


def _by_note(store: Store, found: FoundContent, types: frozenset[str]) -> int:
    """The reference that a note names. Anybody can write a note, so the reference must have the signals, too."""
    note = ContentNote.parse(found.note)
    if note is None or not pushed.origin(store.connection).startswith(note.origin):
        message = _("content {number} of bank {bank} was not put there from this reference set")
        raise CommandError(message.format(number=found.number, bank=found.bank))
    reference = lookup.reference(store.connection, note.reference)
    item = ListItem(kind=reference.kind, md5=reference.md5, hashes=hash_rows.hashes(store.connection, reference.id))
    if dict(found.signals) not in signals_of(item, types):
        message = _("content {number} of bank {bank} says that it is reference {id}, which has other hashes")
        raise CommandError(message.format(number=found.number, bank=found.bank, id=reference.id))
    return reference.id

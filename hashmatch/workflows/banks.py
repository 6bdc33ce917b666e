"""The reference set and banks on HMA servers: what `export --to-hma` and `import --from-hma` do."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hashmatch.clock import now_exactly
from hashmatch.errors import CommandError
from hashmatch.exchange.hma import HmaServer, PushReport, push, read_contents, token_from_environment
from hashmatch.i18n import _
from hashmatch.records import Opinion, Verdict
from hashmatch.store import Store, opinions
from hashmatch.store.audit import Actor, record
from hashmatch.store.pushed import PushedContents
from hashmatch.workflows.export_list import ExportEntries, ExportSelection


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
) -> tuple[PushReport, int]:
    """Put the selected references into a bank, and disable those there that are no longer known here.

    The token comes from the environment. Returns what was done, and how many references the sharing rules kept back.

    Raises CommandError: see exchange.hma; or `selection` goes on from another list.
    """
    if selection.since is not None:
        raise CommandError(_("a bank is filled with all that is known; --since is for lists"))
    choice = ExportEntries(store.connection, selection, None)
    with HmaServer(url, token_from_environment()) as server:
        ledger = PushedContents(store, server.name, bank)
        report = push(server, bank, choice.with_ids(), ledger, refused)
        detail = {"server": server.name, "bank": bank, "above": choice.above, **asdict(report)}
    with store.transaction() as connection:
        record(connection, actor, "push", detail | selection.as_json())
    return report, choice.above


def read_bank(store: Store, actor: Actor, url: str, bank: str) -> BankReport:
    """See what happened to the contents that we put into a bank.

    What others disabled or removed there is disputed here, until they enable it again; then their newest word confirms it.

    Raises CommandError: see exchange.hma; or nothing was ever put there from here, since HMA cannot list a bank.
    """
    news: Counter[str] = Counter()
    with HmaServer(url, token_from_environment()) as server:
        ledger = PushedContents(store, server.name, bank)
        pushed = {each.content: each for each in ledger.all()}
        if not pushed:
            message = _("nothing was put into bank {bank} of {server} from here, and HMA cannot list what others did")
            raise CommandError(message.format(bank=bank, server=server.name))
        source = f"HMA {server.name} {bank}"
        # If a reference has several contents, one that others took out is enough.
        disputed, enabled = set[int](), set[int]()
        for content in read_contents(server, bank, pushed):
            ours = pushed[content.number]
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
                if _last_word(connection, ours.reference, source) != "disputed":
                    news["disputed"] += opinions.give(connection, actor, ours.reference, said)
        for reference in sorted(enabled - disputed):
            with store.transaction() as connection:
                if _last_word(connection, reference, source) == "disputed":
                    said = Opinion("confirmed", source, now_exactly(), "enabled there again")
                    news["confirmed"] += opinions.give(connection, actor, reference, said)
        report = BankReport(len(pushed), news["disputed"], news["confirmed"])
        detail = {"server": server.name, "bank": bank, **asdict(report)}
    with store.transaction() as connection:
        record(connection, actor, "read back", detail)
    return report


def _last_word(connection: sqlite3.Connection, reference_id: int, source: str) -> Verdict | None:
    """What a source says of a reference."""
    return next((each.verdict for each in opinions.of(connection, reference_id) if each.source == source), None)

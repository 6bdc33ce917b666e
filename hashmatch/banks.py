"""The reference set and banks on HMA servers: what `export --to-hma` and `import --from-hma` do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from hashmatch.errors import CommandError
from hashmatch.exchange.hma import PushReport, Server, push, read_contents, token_from_environment
from hashmatch.exporting import Choice, Selection
from hashmatch.i18n import _
from hashmatch.records import Opinion
from hashmatch.store import Store, opinions
from hashmatch.store.audit import Actor, now_exactly, record
from hashmatch.store.pushed import PushedContents


@dataclass(frozen=True, slots=True)
class BankReport:
    """What became of the contents that we put into a bank. read: of these; disputed: references of those that others
    disabled or removed there, which are disputed from now on."""

    read: int
    disputed: int


def fill_bank(
    store: Store,
    actor: Actor,
    url: str,
    bank: str,
    selection: Selection,
    refused: Callable[[int, str], None] = lambda reference, reason: None,
) -> tuple[PushReport, int]:
    """Make a bank know the selected references, and disable there what is known no more. Returns what was done, and how
    many references the sharing rules kept back. A token comes from the environment.

    Raises CommandError: see exchange.hma; or `selection` goes on from another list.
    """
    if selection.since is not None:
        raise CommandError(_("a bank is filled with all that is known; --since is for lists"))
    choice = Choice(store.connection, selection, None, one_each=True)
    with Server(url, token_from_environment()) as server:
        ledger = PushedContents(store, server.name, bank)
        report = push(server, bank, choice.with_ids(), ledger, refused)
        detail = {"server": server.name, "bank": bank, "above": choice.above, **asdict(report)}
    with store.transaction() as connection:
        record(connection, actor, "push", detail | selection.as_json())
    return report, choice.above


def read_bank(store: Store, actor: Actor, url: str, bank: str) -> BankReport:
    """See what became of the contents that we put into a bank: what others disabled or removed there is disputed here.

    Raises CommandError: see exchange.hma; or nothing was ever put there from here, since HMA cannot list a bank.
    """
    disputed = set[int]()
    with Server(url, token_from_environment()) as server:
        ledger = PushedContents(store, server.name, bank)
        pushed = {each.content: each for each in ledger.all()}
        if not pushed:
            message = _("nothing was put into bank {bank} of {server} from here, and HMA cannot list what others did")
            raise CommandError(message.format(bank=bank, server=server.name))
        source = f"HMA {server.name} {bank}"
        for content in read_contents(server, bank, pushed):
            ours = pushed[content.number]
            if content.state == "enabled" or ours.disabled:
                continue
            reason = _("disabled there") if content.state == "disabled" else _("removed there")
            with store.transaction() as connection:
                said = Opinion("disputed", source, now_exactly(), content.note or reason)
                if not any(each.source == source for each in opinions.of(connection, ours.reference)):
                    opinions.give(connection, actor, ours.reference, said)
                    disputed.add(ours.reference)
        detail = {"server": server.name, "bank": bank, "read": len(pushed), "disputed": len(disputed)}
    with store.transaction() as connection:
        record(connection, actor, "read back", detail)
    return BankReport(len(pushed), len(disputed))

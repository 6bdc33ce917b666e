"""Where the contents are that we put into a bank. HMA's banks have nothing but names, so their contents tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hashmatch.exchange.hma.bank import FoundContent, HmaBank, digest_of, in_bank, is_bank_name
from hashmatch.exchange.hma.bank_ledger import BankLedger
from hashmatch.records import Pushed, SentContent

#: At most so many contents of a bank are asked for at each export, chosen at random.
ASKED_MAX = 10_000

#: How many numbers are looked at for a content whose number was not told, and how many in a row with nothing under them.
_SEARCHED_MAX, _NOTHING_MAX = 2048, 192


@dataclass(slots=True)
class Whereabouts:
    """What became of the contents that we put into a bank.

    exists: whether there is such a bank.
    there: those that were looked at and are there. gone: numbers of those that others removed.
    lost: how many there were before the bank was emptied or made anew.
    former: the bank in which they are now, if it has another name, and this name was given to a new bank.
    """

    exists: bool
    there: list[tuple[Pushed, FoundContent]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    lost: int = 0
    former: str | None = None


def find_ours(bank: HmaBank, ledger: BankLedger) -> Whereabouts:
    """Asks the server for our contents, and puts the ledger right. bank: gets the name that it has there now.

    If none of ours is there, it may be the same server by another name, the bank may have been renamed, emptied, or made
    anew. Raises CommandError like HmaBank.
    """
    exists = bank.exists()
    ours = ledger.some(ASKED_MAX)
    via = bank.name if exists else (bank.any_bank() if ours else None)
    if not ours:
        return _as_others(bank, ledger, exists)
    found = _ask(bank, ours, via)
    here = in_bank(found, bank.name)
    if here:
        return _told(ours, here)
    names = Counter(each.bank for pushed, each in found if each is not None and each.is_ours(pushed))
    renamed = next((name for name, _count in names.most_common() if is_bank_name(name)), None)
    if renamed is not None and not exists:  # the ledger keeps the old name, by which people still call it
        bank.name = renamed
        return _told(ours, in_bank(found, renamed))
    lost = ledger.set_aside() if renamed is None else len(ours)
    if renamed is not None:  # another bank has this name now
        ledger.hand_over(renamed)
    where = _as_others(bank, ledger, exists)
    return where if where.there else replace(where, lost=lost, former=renamed)


def _as_others(bank: HmaBank, ledger: BankLedger, exists: bool) -> Whereabouts:
    """Finds what we put into this bank when it, or its server, had another name."""
    taken = False
    for server, name, some in ledger.elsewhere() if exists else ():
        if in_bank(_ask(bank, some, bank.name), bank.name):
            ledger.take_over(server, name)
            taken = True
    if not taken:
        return Whereabouts(exists)
    ours = ledger.some(ASKED_MAX)
    return _told(ours, in_bank(_ask(bank, ours, bank.name), bank.name))


def _told(ours: Sequence[Pushed], here: list[tuple[Pushed, FoundContent]]) -> Whereabouts:
    gone = {pushed.content for pushed in ours} - {pushed.content for pushed, _found in here}
    return Whereabouts(True, here, gone)


def _ask(bank: HmaBank, ours: Sequence[Pushed], via: str | None) -> list[tuple[Pushed, FoundContent | None]]:
    """Our contents, each with what the server has under its number."""
    if via is None:  # there is no bank at all
        return [(pushed, None) for pushed in ours]
    found = bank.find_all([pushed.content for pushed in ours], via)
    return [(pushed, each) for pushed, (_number, each) in zip(ours, found, strict=True)]


def find_sent(bank: HmaBank, ledger: BankLedger) -> list[tuple[SentContent, Pushed]]:
    """Looks for contents that were sent to the bank while something went wrong. Returns those that are there.

    HMA counts its contents up. So they have the next numbers after the last one that we knew, unless the server was set up
    anew. HMA's index has them too, a minute or so later.
    """
    missing = {each.note: each for each in ledger.under_way()}
    arrived: list[tuple[SentContent, Pushed]] = []

    def look(found: FoundContent | None) -> None:
        sent = _sent_as(bank, ledger, found, missing)
        if sent is not None and found is not None:
            del missing[sent.note]
            note = sent.note if found.note == sent.note else None
            arrived.append((sent, Pushed(found.number, sent.reference, digest_of(found.signals), note=note)))

    number = min((each.after for each in missing.values()), default=0) + 1
    last, nothing = number + _SEARCHED_MAX, 0
    while missing and number < last and nothing < _NOTHING_MAX:
        following = number + _NOTHING_MAX // 3
        for _number, found in bank.find_all(range(number, following)):
            nothing = 0 if found is not None else nothing + 1
            look(found)
        number = following
    for each in list(missing.values()):
        numbers = bank.similar(each.signals)
        if numbers is None:
            break
        for _number, found in bank.find_all(numbers):
            look(found)
    return arrived


def _sent_as(
    bank: HmaBank, ledger: BankLedger, found: FoundContent | None, missing: dict[str, SentContent]
) -> SentContent | None:
    """Which of those that are missing a content is; None if it is none of them."""
    if found is None or found.bank != bank.name:
        return None
    if found.note is not None:
        sent = missing.get(found.note)
        return sent if sent is not None and sent.signals == dict(found.signals) else None
    alike = [each for each in missing.values() if each.signals == dict(found.signals) and found.number > each.after]
    known = {pushed.content for each in alike for pushed in ledger.of(each.reference)}
    return alike[0] if alike and found.number not in known else None

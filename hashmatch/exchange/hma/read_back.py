"""Reads back what became of the contents of a bank."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from hashmatch.errors import CommandError
from hashmatch.exchange.hma.bank import DISABLED, ENABLED, FoundContent, HmaBank
from hashmatch.exchange.hma.client import HmaServer
from hashmatch.exchange.hma.notes import ContentNote
from hashmatch.exchange.hma.signals import item_of
from hashmatch.i18n import _
from hashmatch.records import ListItem, Pushed


@dataclass(frozen=True, slots=True)
class BankContent:
    """What a bank holds under a number.

    item: None if the content is gone, or has no signal that we can search by.
    until: when a disabled content is enabled again (UTC, ISO 8601), if ever.
    note: what people wrote there; None if it is only the note that hashmatch writes.
    others: names of signal types that we cannot use.
    """

    number: int
    state: Literal["enabled", "disabled", "gone"]
    item: ListItem | None = None
    until: str | None = None
    note: str | None = None
    others: tuple[str, ...] = field(default=())


def read_contents(
    server: HmaServer, name: str, numbers: Iterable[int], now: Callable[[], float] = time.time
) -> Iterator[BankContent]:
    """Yields the state of a bank's contents by their numbers.

    Raises CommandError like `push`, at the first item or later, and if there is no such bank.
    """
    bank = HmaBank(server, name)
    if not bank.exists():
        raise CommandError(_("{server}: there is no bank {bank}").format(server=server.name, bank=name))
    for number, found in bank.find_all(list(numbers)):
        yield _content(number, found if found is not None and found.bank == name else None, now())


def read_ours(bank: HmaBank, pushed: Iterable[Pushed]) -> Iterator[tuple[Pushed, BankContent]]:
    """Yields what became of contents that we put into a bank. One whose number is now of something else is gone."""
    ours = list(pushed)
    for each, (number, found) in zip(ours, bank.find_all([each.content for each in ours]), strict=True):
        is_there = found is not None and found.bank == bank.name and found.is_ours(each)
        yield each, _content(number, found if is_there else None, time.time())


def _content(number: int, found: FoundContent | None, now: float) -> BankContent:
    if found is None:
        return BankContent(number, "gone")
    enabled = found.until == ENABLED or (found.until != DISABLED and found.until <= now)
    item, others = item_of(found.signals)
    return BankContent(
        number,
        "enabled" if enabled else "disabled",
        item,
        None if enabled else _moment(found.until),
        found.note if ContentNote.parse(found.note) is None else None,
        others,
    )


def _moment(stamp: int) -> str | None:
    try:
        return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp > ENABLED else None
    except (ValueError, OverflowError, OSError):
        return None

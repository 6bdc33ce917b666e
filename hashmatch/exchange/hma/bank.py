"""A bank on an HMA server: adds what we know, disables what we retract, and reads back what became of it.

The requests and responses are those of HMA's src/OpenMediaMatch/blueprints/curation.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from hashmatch.errors import CommandError
from hashmatch.exchange.fields import snippet
from hashmatch.exchange.hma.client import HmaResponse, HmaServer
from hashmatch.exchange.hma.signals import item_of, signals_of
from hashmatch.i18n import _
from hashmatch.records import ListItem, Pushed

# Values of a content's disable_until_ts. Any other number is the time at which the content is enabled again.
_DISABLED, _ENABLED = 0, 1

_BANK = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")

#: When a server has refused this many entries in a row, we assume that it accepts none.
_REFUSED_MAX = 20


class BankLedger(Protocol):
    """Records what was pushed to one bank of one server. What `put` is given must survive a crash right after the call."""

    def of(self, reference: int) -> Iterable[Pushed]:
        """Every content that was pushed for a reference, including disabled ones."""

    def put(self, pushed: Pushed) -> None:
        """Stores a new content, or the new state of one whose number is known."""

    def forget(self) -> None:
        """Forgets everything that was pushed: the bank is new, so none of it is there any more."""


@dataclass(slots=True)
class PushReport:
    """The counts of one push.

    added, unchanged, disabled, enabled: contents. `enabled` counts those we had disabled and have now enabled again.
    gone: contents that we wanted to change but that are no longer in the bank, or whose number now belongs to others.
    refused: contents that the server refused.
    left_out_*: references. `left_out_retracted` includes those that their own source calls a false positive.
    films_without_frames: films that lost their frames because the server has no signal type for them.
    """

    added: int = 0
    unchanged: int = 0
    disabled: int = 0
    enabled: int = 0
    gone: int = 0
    refused: int = 0
    left_out_retracted: int = 0
    left_out_allow: int = 0
    left_out_without_hash: int = 0
    films_without_frames: int = 0


@dataclass(frozen=True, slots=True)
class BankContent:
    """What a bank holds under a number.

    item: None if the content is gone, or has no signal that we can search by.
    until: when a disabled content is enabled again (UTC, ISO 8601), if ever.
    others: names of signal types that we cannot use.
    """

    number: int
    state: Literal["enabled", "disabled", "gone"]
    item: ListItem | None = None
    until: str | None = None
    note: str | None = None
    others: tuple[str, ...] = field(default=())


def push(
    server: HmaServer,
    bank: str,
    entries: Iterable[tuple[int, ListItem]],
    ledger: BankLedger,
    refused: Callable[[int, str], None] = lambda reference, reason: None,
) -> PushReport:
    """Brings a bank up to date with our references.

    New contents are added. A content that was pushed earlier is disabled, not deleted, if its reference is now retracted,
    allowed, called a false positive by its own source, or has other hashes. Changes that others made to our contents
    stay. The bank is created if it does not exist. A second push changes nothing, and an aborted push can be resumed.
    entries: our number of each reference, at most once, and what we know about it.
    refused: called with a reference and the server's reason.
    Raises CommandError if the server cannot be reached or does not answer like HMA, or the bank's name is not valid.
    """
    _check_name(bank)
    types = _signal_types(server)
    if _make_bank(server, bank):
        ledger.forget()
    report = PushReport()
    in_a_row = 0
    for reference, item in entries:
        wanted = _wanted(item, types, report)
        known = {pushed.digest: pushed for pushed in ledger.of(reference)}
        for signals in wanted:
            before = known.pop(digest_of(signals), None)
            if before is not None:
                _enable(server, bank, before, ledger, report)
                continue
            number = _add(server, bank, signals)
            if isinstance(number, str):
                report.refused += 1
                in_a_row += 1
                refused(reference, number)
                if in_a_row == _REFUSED_MAX:
                    message = _("{server}: it keeps refusing entries, the last one with {reason}")
                    raise CommandError(message.format(server=server.name, reason=number))
                continue
            in_a_row = 0
            ledger.put(Pushed(number, reference, digest_of(signals)))
            report.added += 1
        for outdated in known.values():
            _disable(server, bank, outdated, ledger, report)
    return report


def digest_of(signals: Mapping[str, str]) -> str:
    """A short text that identifies a set of signals."""
    return hashlib.sha256(json.dumps(signals, sort_keys=True).encode("ascii")).hexdigest()[:32]


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


def _signal_types(server: HmaServer) -> frozenset[str]:
    """The names of the signal types that the server uses."""
    body = server.ask("GET", "/c/signal_type").body
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise CommandError(_("{server}: there is no HMA server at this URL").format(server=server.name))
    return frozenset(
        each["name"] for each in body if isinstance(each.get("name"), str) and each.get("enabled_ratio") != 0
    )


def _check_name(bank: str) -> None:
    if not _BANK.fullmatch(bank):
        message = _("not the name of an HMA bank, which may have only capital letters, digits and _: {bank}")
        raise CommandError(message.format(bank=snippet(bank)))


def _make_bank(server: HmaServer, bank: str) -> bool:
    """Creates the bank if it does not exist. Returns whether it created it."""
    answer = server.ask("GET", f"/c/bank/{bank}")
    if answer.status == 404:
        made = server.ask("POST", "/c/banks", {"name": bank}, again=False)
        if made.status == 403:  # somebody else has created it in the meantime
            return False
        _expect(server, made, _is_bank(made.body, bank))
        return True
    _expect(server, answer, _is_bank(answer.body, bank))
    return False


def _is_bank(body: object, bank: str) -> bool:
    return isinstance(body, dict) and body.get("name") == bank


def _expect(server: HmaServer, answer: HmaResponse, right: bool) -> None:
    if answer.status not in (200, 201):
        raise CommandError(_("{server}: error {said}").format(server=server.name, said=answer.message))
    if not right:
        raise _strange(server)


def _add(server: HmaServer, bank: str, signals: dict[str, str]) -> int | str:
    """The number of the new content, or why the server refuses it."""
    answer = server.ask("POST", f"/c/bank/{bank}/signal", signals, again=False)
    if answer.status in (400, 413, 422):
        return answer.message
    body = answer.body if isinstance(answer.body, dict) else {}
    _expect(server, answer, body.get("signals") == signals)
    return _number(server, body.get("id"))


def _number(server: HmaServer, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _strange(server)
    return value


def _strange(server: HmaServer) -> CommandError:
    return CommandError(_("{server}: it does not answer like an HMA server").format(server=server.name))


def _enable(server: HmaServer, bank: str, pushed: Pushed, ledger: BankLedger, report: PushReport) -> None:
    """Enables a content that we had disabled. One that others disabled stays disabled."""
    if not pushed.disabled:
        report.unchanged += 1
    elif _set(server, bank, pushed, _ENABLED):
        report.enabled += 1
        ledger.put(Pushed(pushed.content, pushed.reference, pushed.digest))
    else:
        report.gone += 1


def _disable(server: HmaServer, bank: str, pushed: Pushed, ledger: BankLedger, report: PushReport) -> None:
    if pushed.disabled:
        return
    if _set(server, bank, pushed, _DISABLED):
        report.disabled += 1
    else:
        report.gone += 1
    ledger.put(Pushed(pushed.content, pushed.reference, pushed.digest, disabled=True))


def _set(server: HmaServer, bank: str, pushed: Pushed, disable_until: int) -> bool:
    """Enables or disables a content. Returns False if it is no longer the one that we put there.

    We have to check that first, because HMA does not check which bank a number belongs to.
    """
    body = _content(server, bank, pushed.content)
    if body is None or digest_of(_signals(server, bank, body)) != pushed.digest:
        return False
    path = f"/c/bank/{bank}/content/{pushed.content}"
    answer = server.ask("PUT", path, {"disable_until_ts": disable_until})
    if answer.status == 404:
        return False
    changed = answer.body.get("disable_until_ts") if isinstance(answer.body, dict) else None
    _expect(server, answer, changed == disable_until)
    return True


def _content(server: HmaServer, bank: str, number: int) -> dict[str, object] | None:
    """What the server says about a content; None if the bank has no content with that number."""
    answer = server.ask("GET", f"/c/bank/{bank}/content/{number}?include_signals=true")
    if answer.status == 404:
        return None
    body = answer.body
    _expect(server, answer, isinstance(body, dict) and body.get("id") == number)
    assert isinstance(body, dict)  # _expect has checked it
    named = body.get("bank")
    # Versions from 2025 gave only the bank's name.
    return body if bank == (named.get("name") if isinstance(named, dict) else named) else None


def _signals(server: HmaServer, bank: str, body: Mapping[str, object]) -> dict[str, str]:
    found = body.get("signals")
    if found is None:  # versions from 2025 showed one signal per request, by name
        found = {}
        for name in sorted(_signal_types(server)):
            answer = server.ask("GET", f"/c/bank/{bank}/content/{body['id']}?signal_type={name}")
            more = answer.body.get("signals") if isinstance(answer.body, dict) else None
            found.update(more if isinstance(more, dict) else {})
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise _strange(server)
    return found


def read_contents(
    server: HmaServer, bank: str, numbers: Iterable[int], now: Callable[[], float] = time.time
) -> Iterator[BankContent]:
    """Yields the state of a bank's contents by their numbers, each requested only when the caller takes it.

    HMA cannot tell which numbers exist. Raises CommandError like `push`, at the first item or later, and if there is no
    such bank.
    """
    _check_name(bank)
    _signal_types(server)
    if server.ask("GET", f"/c/bank/{bank}").status == 404:
        raise CommandError(_("{server}: there is no bank {bank}").format(server=server.name, bank=bank))
    for number in numbers:
        body = _content(server, bank, number)
        if body is None:
            yield BankContent(number, "gone")
            continue
        until = _number(server, body.get("disable_until_ts", _ENABLED if body.get("enabled", True) else _DISABLED))
        enabled = until == _ENABLED or (until != _DISABLED and until <= now())
        item, others = item_of(_signals(server, bank, body))
        note = body.get("note")
        yield BankContent(
            number,
            "enabled" if enabled else "disabled",
            item,
            None if enabled else _moment(until),
            note[:255] if isinstance(note, str) and note else None,
            others,
        )


def _moment(stamp: int) -> str | None:
    try:
        return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp > _ENABLED else None
    except (ValueError, OverflowError, OSError):
        return None

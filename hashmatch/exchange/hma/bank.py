"""A bank on an HMA server: what we know goes there, what we retract is disabled there, and what became of it is read back.

The questions and answers are those of HMA's src/OpenMediaMatch/blueprints/curation.py.
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

# Of a content's disable_until_ts; any other number is the time from which it is known again.
_DISABLED, _ENABLED = 0, 1

_BANK = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")

#: So many entries one after the other that a server refuses mean that it will take none.
_REFUSED_MAX = 20


class BankLedger(Protocol):
    """What was pushed to one bank of one server. What `put` is given must outlast an abort right after it."""

    def of(self, reference: int) -> Iterable[Pushed]:
        """All that was pushed of a reference, disabled ones too."""

    def put(self, pushed: Pushed) -> None:
        """A new content, or what is now true of one that is known by its number."""

    def forget(self) -> None:
        """The bank is a new one: nothing that was pushed is there any more."""


@dataclass(slots=True)
class PushReport:
    """Counts. added, unchanged, disabled, enabled: contents. enabled: those disabled before that are known again.

    gone: contents to disable that are not in the bank any more, or are now others'. refused: entries, by the server.
    left_out_*: references; retracted also if their own source calls them a false positive. films_without_frames: films whose
    frames were lost, since the server has no signal type for them.
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
    """What a bank has under a number. item: None of one that is gone, or has nothing that we can search by.

    until: of a disabled one the time from which it is known again (UTC, ISO 8601), if there is one.
    others: names of signal types that are not known here.
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
    """Makes a bank know what is known here: `entries` are our numbers of references, each once, and what is known of them.

    What is new is added. What was pushed and is now retracted, allowed, called a false positive by its own source, or
    of other hashes, is disabled there and not deleted. What others did to contents of ours is left as they did it. The
    bank is made if there is none. Repeating it changes nothing, and after an abort it goes on.
    refused: called with a reference and the reason that the server gives.
    Raises CommandError: the server cannot be reached or answers what HMA does not; the bank's name is none.
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
                    message = _("{server}: it refuses one entry after the other, the last with {reason}")
                    raise CommandError(message.format(server=server.name, reason=number))
                continue
            in_a_row = 0
            ledger.put(Pushed(number, reference, digest_of(signals)))
            report.added += 1
        for outdated in known.values():
            _disable(server, bank, outdated, ledger, report)
    return report


def digest_of(signals: Mapping[str, str]) -> str:
    """A short text that is the same for the same signals."""
    return hashlib.sha256(json.dumps(signals, sort_keys=True).encode("ascii")).hexdigest()[:32]


def _wanted(item: ListItem, types: frozenset[str], report: PushReport) -> list[dict[str, str]]:
    """The signals of each content that is to be known of an item; none, and counted, if it is not to be known."""
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
    """The names of signal types that are in use there."""
    body = server.ask("GET", "/c/signal_type").body
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise CommandError(_("{server}: there is no HMA at this URL").format(server=server.name))
    return frozenset(
        each["name"] for each in body if isinstance(each.get("name"), str) and each.get("enabled_ratio") != 0
    )


def _check_name(bank: str) -> None:
    if not _BANK.fullmatch(bank):
        message = _("not the name of an HMA bank, which is of capital letters, digits and _: {bank}")
        raise CommandError(message.format(bank=snippet(bank)))


def _make_bank(server: HmaServer, bank: str) -> bool:
    """Whether the bank did not exist."""
    answer = server.ask("GET", f"/c/bank/{bank}")
    if answer.status == 404:
        made = server.ask("POST", "/c/banks", {"name": bank}, again=False)
        if made.status == 403:  # somebody else made it in the meantime
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
    return CommandError(_("{server}: it answers what an HMA server does not").format(server=server.name))


def _enable(server: HmaServer, bank: str, pushed: Pushed, ledger: BankLedger, report: PushReport) -> None:
    """Takes back that we disabled a content; one that others disabled there is left so."""
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
    """Whether the content is still the one that we put there, and now so: HMA asks not which bank a number belongs to."""
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
    """What the server says of a content; None if the bank has none of that number."""
    answer = server.ask("GET", f"/c/bank/{bank}/content/{number}?include_signals=true")
    if answer.status == 404:
        return None
    body = answer.body
    _expect(server, answer, isinstance(body, dict) and body.get("id") == number)
    assert isinstance(body, dict)  # as expected
    named = body.get("bank")
    # Versions of 2025 gave the bank's name only.
    return body if bank == (named.get("name") if isinstance(named, dict) else named) else None


def _signals(server: HmaServer, bank: str, body: Mapping[str, object]) -> dict[str, str]:
    found = body.get("signals")
    if found is None:  # versions of 2025 showed one signal if asked for it by name
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
    """What became of contents of a bank, by their numbers, asked as they are taken. HMA cannot tell which numbers there are.

    Raises, at the first or later, CommandError as `push`, and if there is no such bank.
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

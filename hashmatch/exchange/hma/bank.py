"""A bank on an HMA server, request by request.

The requests and responses are those of HMA's src/OpenMediaMatch/blueprints/curation.py and matching.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from hashmatch.errors import CommandError
from hashmatch.exchange.fields import snippet
from hashmatch.exchange.hma.client import HmaResponse, HmaServer
from hashmatch.exchange.hma.notes import ContentNote
from hashmatch.i18n import _
from hashmatch.records import Pushed

#: Values of a content's disable_until_ts. Any other number is the time at which the content is enabled again.
DISABLED, ENABLED = 0, 1

_BANK = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")
#: Signals that can be looked up in HMA's index by a short URL.
_SHORT = ("pdq", "video_md5")
#: How many contents are asked for at once, and at most looked at in an answer of the index.
_AT_ONCE, _SIMILAR_MAX = 256, 100


@dataclass(frozen=True, slots=True)
class FoundContent:
    """What a server has under a number.

    bank: the name of its bank. until: its disable_until_ts. signals: by type. note: None if it has none.
    """

    number: int
    bank: str
    until: int
    signals: Mapping[str, str]
    note: str | None

    def is_ours(self, pushed: Pushed) -> bool:
        """Whether it is a content that we put there: it has its number, its signals, and no other note of hashmatch."""
        same = self.number == pushed.content and digest_of(self.signals) == pushed.digest
        strange = pushed.note is not None and self.note != pushed.note and ContentNote.parse(self.note) is not None
        return same and not strange


def digest_of(signals: Mapping[str, str]) -> str:
    """A short text that identifies a set of signals."""
    return hashlib.sha256(json.dumps(signals, sort_keys=True).encode("ascii")).hexdigest()[:32]


def is_bank_name(name: object) -> bool:
    return isinstance(name, str) and _BANK.fullmatch(name) is not None


class HmaBank:
    """One bank on a server. Several threads may use it.

    types: the names of the signal types that the server uses. has_notes: whether its contents can have notes; None until
    we have tried.
    Raises CommandError if the name is not valid, or if there is no HMA at the server's URL; its methods if the server cannot
    be reached or does not answer like HMA.
    """

    def __init__(self, server: HmaServer, name: str) -> None:
        if not is_bank_name(name):
            message = _("not the name of an HMA bank, which may have only capital letters, digits and _: {bank}")
            raise CommandError(message.format(bank=snippet(name)))
        self.server, self.name = server, name
        self.types = self._signal_types()
        self.has_notes: bool | None = None

    def _signal_types(self) -> frozenset[str]:
        body = self.server.ask("GET", "/c/signal_type").body
        if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
            raise CommandError(_("{server}: there is no HMA server at this URL").format(server=self.server.name))
        return frozenset(
            each["name"] for each in body if isinstance(each.get("name"), str) and each.get("enabled_ratio") != 0
        )

    def exists(self) -> bool:
        answer = self.server.ask("GET", f"/c/bank/{self.name}")
        if answer.status == 404:
            return False
        self._expect(answer, self._is_this(answer.body))
        return True

    def make(self) -> None:
        """Creates the bank, if nobody else has created it in the meantime."""
        made = self.server.ask("POST", "/c/banks", {"name": self.name}, again=False)
        if made.status != 403:
            self._expect(made, self._is_this(made.body))

    def any_bank(self) -> str | None:
        """The name of some bank on the server, since a content is only shown by way of a bank; None if there is none."""
        answer = self.server.ask("GET", "/c/banks")
        body = answer.body
        self._expect(answer, isinstance(body, list))
        names = (each.get("name") for each in body if isinstance(each, dict)) if isinstance(body, list) else ()
        return next((name for name in names if is_bank_name(name)), None)

    def add(self, signals: Mapping[str, str], note: str) -> tuple[int, bool] | str:
        """Adds a content. Returns its number and whether it has the note, or why the server refuses it."""
        said = ""
        for noted in (True, False) if self.has_notes is not False else (False,):
            sent = {**signals, "note": note} if noted else dict(signals)
            answer = self.server.ask("POST", f"/c/bank/{self.name}/signal", sent, again=False)
            if answer.status in (400, 413, 422):  # a server that knows no notes takes it for a signal
                said = answer.message
                continue
            body = answer.body if isinstance(answer.body, dict) else {}
            self._expect(answer, body.get("signals") == signals)
            number = self._number(body.get("id"))
            self.has_notes = noted
            return number, noted
        return said

    def find(self, number: int, by_way_of: str | None = None) -> FoundContent | None:
        """What the server has under a number, in whatever bank; None if there is nothing.

        by_way_of: a bank that exists; None for this one.
        """
        via = by_way_of or self.name
        answer = self.server.ask("GET", f"/c/bank/{via}/content/{number}?include_signals=true")
        if answer.status == 404 and isinstance(answer.body, dict):
            return None
        body = answer.body
        self._expect(answer, isinstance(body, dict) and body.get("id") == number)
        assert isinstance(body, dict)  # _expect has checked it
        bank = body.get("bank")
        # Versions from 2025 gave only the bank's name.
        name = bank.get("name") if isinstance(bank, dict) else bank
        if not isinstance(name, str):
            raise self._strange()
        until = self._number(body.get("disable_until_ts", ENABLED if body.get("enabled", True) else DISABLED))
        note = body.get("note")
        note = note[:255] if isinstance(note, str) and note else None
        return FoundContent(number, name, until, self._signals(via, body), note)

    def find_all(
        self, numbers: Sequence[int], by_way_of: str | None = None
    ) -> Iterator[tuple[int, FoundContent | None]]:
        """What the server has under each number, in their order; many are asked for at once."""
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            yield from zip(some, self.server.each(lambda number: self.find(number, by_way_of), some), strict=True)

    def similar(self, signals: Mapping[str, str]) -> list[int] | None:
        """Numbers of contents with signals like these, as far as HMA's index has them already; None if there is no index."""
        for kind in _SHORT:
            if kind in signals:
                query = urlencode({"signal_type": kind, "signal": signals[kind]})
                try:
                    body = self.server.ask("GET", f"/m/raw_lookup?{query}").body
                except CommandError:  # it is not ready, or another service has it
                    return None
                numbers = body.get("matches") if isinstance(body, dict) else None
                if not isinstance(numbers, list):
                    return None
                return [each for each in numbers if type(each) is int and 0 <= each < 2**63][:_SIMILAR_MAX]
        return []

    def enable(self, pushed: Pushed, until: int, is_seen: bool) -> bool:
        """Enables or disables a content. Returns False if it is no longer the one that we put there.

        is_seen: whether we have just seen that it is. If not, we have to look first, because HMA does not check which bank a
        number belongs to.
        """
        answer = self._change(pushed, {"disable_until_ts": until}, is_seen)
        if answer is None:
            return False
        self._expect(answer, isinstance(answer.body, dict) and answer.body.get("disable_until_ts") == until)
        return True

    def annotate(self, pushed: Pushed, note: str) -> bool:
        """Gives a content that we have just seen a note. Returns False if it is gone, or the server knows no notes."""
        answer = self._change(pushed, {"note": note}, is_seen=True)
        if answer is None:
            return False
        self._expect(answer, isinstance(answer.body, dict))
        self.has_notes = isinstance(answer.body, dict) and answer.body.get("note") == note
        return self.has_notes

    def _change(self, pushed: Pushed, what: Mapping[str, object], is_seen: bool) -> HmaResponse | None:
        if not is_seen:
            found = self.find(pushed.content)
            if found is None or found.bank != self.name or not found.is_ours(pushed):
                return None
        answer = self.server.ask("PUT", f"/c/bank/{self.name}/content/{pushed.content}", what)
        return None if answer.status == 404 else answer

    def _signals(self, via: str, body: Mapping[str, object]) -> dict[str, str]:
        found = body.get("signals")
        if found is None:  # versions from 2025 showed one signal per request, by name
            found = {}
            for name in sorted(self.types):
                answer = self.server.ask("GET", f"/c/bank/{via}/content/{body['id']}?signal_type={name}")
                more = answer.body.get("signals") if isinstance(answer.body, dict) else None
                found.update(more if isinstance(more, dict) else {})
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise self._strange()
        return found

    def _is_this(self, body: object) -> bool:
        return isinstance(body, dict) and body.get("name") == self.name

    def _expect(self, answer: HmaResponse, right: bool) -> None:
        if answer.status not in (200, 201):
            raise CommandError(_("{server}: error {said}").format(server=self.server.name, said=answer.message))
        if not right:
            raise self._strange()

    def _number(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise self._strange()
        return value

    def _strange(self) -> CommandError:
        return CommandError(_("{server}: it does not answer like an HMA server").format(server=self.server.name))


def in_bank(found: Iterable[tuple[Pushed, FoundContent | None]], bank: str) -> list[tuple[Pushed, FoundContent]]:
    """Those of our contents that are in a bank of this name."""
    return [(pushed, each) for pushed, each in found if each is not None and each.bank == bank and each.is_ours(pushed)]

"""Partners who exchange lists, real ones and the model's beside each other; every step is compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hashmatch.errors import CommandError
from hashmatch.records import Tlp
from tests.support.made_references import content
from tests.support.partner_model import Choice, Entry, ModelPartner
from tests.support.partner_sets import LETTERS, Clock, Issue, RealPartner, Sets

#: What a step does, and with what: the name of a method of World, and its arguments.
Step = tuple[Any, ...]

CHOICES = (
    Choice(),
    Choice(unmarked=True),
    Choice(max_tlp="green"),
    Choice(max_tlp="amber", unmarked=True),
    Choice(collections=("one",)),
    Choice(labels=("x",)),
)


class World:
    """Some partners. count: how many."""

    def __init__(self, sets: Sets, folder: Path, clock: Clock, count: int) -> None:
        self.real = {
            name: RealPartner(name, store, folder)
            for name, store in zip(LETTERS[:count], sets.empty()[:count], strict=True)
        }
        self.model = {name: ModelPartner(name) for name in self.real}
        self.clock = clock
        clock.start()
        self.issues: list[Issue] = []
        self.accepted: dict[str, list[Issue]] = {name: [] for name in self.real}
        # What each list told of each entry until now, after each of its numbers.
        self._given: dict[tuple[str, str], list[dict[Entry, bool]]] = {}

    def play(self, steps: Sequence[Step]) -> None:
        for name, *arguments in steps:
            self.clock.pass_by(0.4)
            getattr(self, name)(*arguments)

    # What people do at home.

    def add(self, who: str, file: str, collection: str, mark: Tlp | None = None, labels: tuple[str, ...] = ()) -> None:
        if file in ("md5", "pdq"):
            self.real[who].take_plain(file, collection, mark)
            self.model[who].hear_plain(file, collection, mark)
        else:
            self.real[who].add(file, collection, mark, labels)
            self.model[who].add(file, collection, mark, labels)
        self.compare(who)

    def retract(self, who: str, file: str, collection: str | None = None) -> None:
        if self.model[who].knows(file, collection):
            self.real[who].retract(file, collection)
            self.model[who].retract(file, collection)
            self.compare(who)

    def restore(self, who: str, file: str, collection: str | None = None) -> None:
        if self.model[who].knows(file, collection):
            self.real[who].restore(file, collection)
            self.model[who].restore(file, collection)
            self.compare(who)

    def label(self, who: str, file: str, name: str = "x", on: bool = True) -> None:
        if self.model[who].knows(file):
            self.real[who].label(file, name, on=on)
            self.model[who].label(file, name, on=on)

    def rule(self, who: str, collection: str, mark: Tlp) -> None:
        if self.model[who].has(collection):
            self.real[who].set_rule(collection, mark)
            self.model[who].set_rule(collection, mark)
            self.compare(who)

    # Lists.

    def publish(self, who: str, name: str, choice: int = 0, back: int = 0, form: str = "jsonl") -> Issue | None:
        """Write the next list of a name: all, or the changes since the number that is so many `back`.

        Lists named "west" are not signed, others are.
        """
        wanted = CHOICES[choice]
        if not all(self.model[who].has(collection) for collection in wanted.collections):
            return None
        before = [issue for issue in self.issues if (issue.maker, issue.list) == (who, name)]
        since = None
        if 0 < back <= len(before) and before[-back].choice == wanted:
            since = before[-back].sequence
        issue = self.real[who].export(name, wanted, since, form, signed=name != "west")
        self.issues.append(issue)
        self._check_what_goes_out(issue)
        return issue

    def send(self, who: str, to: str, name: str, choice: int = 0, back: int = 0, form: str = "jsonl") -> None:
        issue = self.publish(who, name, choice, back, form)
        for each in self.real:
            if issue is not None and each in to and each != who:
                self._deliver(each, issue)

    def deliver(self, to: str, number: int) -> None:
        """A list of before arrives, perhaps again."""
        others = [issue for issue in self.issues if issue.maker != to]
        if others:
            self._deliver(to, others[number % len(others)])

    def _deliver(self, to: str, issue: Issue, *, must: bool = False) -> None:
        self.clock.pass_by(0.4)
        real, model = self.real[to], self.model[to]
        try:
            real.take(issue)
        except CommandError:
            assert not must and any(
                (each.maker, each.list) == (issue.maker, issue.list) and each.sequence > issue.sequence
                for each in self.accepted[to]
            )
            return
        self.accepted[to].append(issue)
        unsigned = f"{issue.maker}-" if issue.owner == f"{issue.maker}+" and issue.origin else None
        for told in issue.told:
            model.hear(issue.owner, told, reached_unsigned=unsigned)
        self.compare(to)
        before = content(real.store, *_COUNTERS)
        real.take(issue)
        assert content(real.store, *_COUNTERS) == before, "importing it twice changed something"

    def finish(self, *, increments: bool) -> None:
        """Every partner sends every other one each of its lists, until nothing changes any more."""
        lists = dict.fromkeys((issue.maker, issue.list) for issue in self.issues)
        for _round in self.real:
            before = [self.real[who].state() for who in self.real]
            for who, name in lists:
                last = next(i for i in reversed(self.issues) if (i.maker, i.list) == (who, name))
                readers = [each for each in self.real if each != who]
                back = last.sequence - min(self._reached(each, who, name) for each in readers) + 1
                # Nobody has a number that follows from nothing.
                usable = increments and back <= last.sequence
                issue = self.publish(who, name, CHOICES.index(last.choice), back if usable else 0)
                assert issue is not None
                for each in readers:
                    self._deliver(each, issue, must=True)
            if [self.real[who].state() for who in self.real] == before:
                break

    def _reached(self, reader: str, maker: str, name: str) -> int:
        """Up to which number a reader has all changes of a list."""
        number = 0
        for issue in sorted(
            (i for i in self.accepted[reader] if (i.maker, i.list) == (maker, name)), key=lambda i: i.since or 0
        ):
            if (issue.since or 0) <= number:
                number = max(number, issue.sequence)
        return number

    # What must hold.

    def compare(self, who: str) -> None:
        assert self.real[who].state() == self.model[who].state(), who

    def _check_what_goes_out(self, issue: Issue) -> None:
        model = self.model[issue.maker]
        numbers = self._given.setdefault((issue.maker, issue.list), [{}])
        given, since = numbers[-1], numbers[issue.since or 0]
        changed = {
            entry for number in numbers[(issue.since or 0) + 1 :] for entry, _live in number.items() - since.items()
        }
        told = {each.entry: each.live for each in issue.told}
        assert len(told) == len(issue.told), "an entry comes twice"
        out = model.outgoing(issue.choice)
        for entry, words in out.items():
            allowed = {word.live for word in words.values()}
            if entry in told:
                assert told[entry] in allowed, entry
            else:
                # A withdrawal of what nobody got may be missing, and an increment has only what has changed.
                assert since.get(entry, False) in allowed, f"{entry} is missing"
                assert issue.since is not None or entry not in given, f"{entry} is missing"
        for entry in given:
            if entry not in out:
                if issue.since is None or given[entry] or entry in changed:
                    assert entry in told, f"{entry} is not withdrawn"
                assert not told.get(entry), f"{entry} goes out and must not"
        for each in issue.told:
            assert each.entry in out or each.entry in given, f"{each.entry} goes out and must not"
            if each.live:
                assert each.mark == model.mark(each.entry.file)
                assert issue.choice.lets_out(each.mark)
        numbers.append(given | told)

    def check_withdrawals(self) -> None:
        """What no list of a voice gives any more is live nowhere under that voice; what all of them give is live."""
        owners = {(i.maker, i.list): i.owner for i in self.issues}
        for reader, real in self.real.items():
            for place, (live, _mark) in real.state().items():
                entry, signer = place.entry_of_its_list, place.owner.replace("-", "+")
                # A signed withdrawal reaches what the same set said unsigned.
                signed = [self._given[which][-1].get(entry) for which, owner in owners.items() if owner == signer]
                by_owner = [
                    self._given[which][-1].get(entry) for which, owner in owners.items() if owner == place.owner
                ]
                if by_owner and not any(by_owner):
                    assert not live, f"{place} is live at {reader}"
                known = [state for state in by_owner if state is not None]
                taken = self.model[reader].words[place].taken or False in signed
                if known and all(known) and not taken:
                    assert live, f"{place} is not live at {reader}"

    def check_owners(self) -> None:
        """Nobody says what he did not say."""
        for real in self.real.values():
            for place in real.state():
                for voice in {place.owner, place.author}:
                    if voice[:1] in self.real and (voice == place.author or not place.author):
                        assert (place.file, place.collection) in self.model[voice[0]].said, place


#: What counts repetitions, and so may change when a list is read again.
_COUNTERS = ("audit", "import", "provenance")

"""Partners who exchange lists, real ones and the model's beside each other; every step is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hashmatch.errors import CommandError
from hashmatch.records import Tlp, Verdict, strictest
from tests.support.made_references import content
from tests.support.partner_model import (
    BY_HASH,
    HERE,
    NOBODY,
    Choice,
    Doubt,
    Entry,
    How,
    ModelPartner,
    Place,
    Told,
    Word,
)
from tests.support.partner_sets import BARE, LETTERS, Clock, Issue, RealPartner, Sets, facts

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

#: Names of lists, each with the formats that it comes in. Those of SIGNED are signed. Of "south" nobody can tell whose it
#: is; a list without a name remembers nothing.
LISTS: Mapping[str | None, tuple[str, ...]] = {
    "east": ("jsonl", "csv", "stix", "misp"),
    "north": ("jsonl", "md5sum", "pdq", "stix"),
    "west": ("jsonl", "csv"),
    "south": ("stix", "misp"),
    None: ("jsonl", "csv"),
}
SIGNED = ("east", "north")

HOWS = (
    How(),
    How(mark="amber"),
    How(default="green"),
    How(allow=True),
    How(collection="two"),
)


class World:
    """Some partners. count: how many."""

    def __init__(self, sets: Sets, folder: Path, clock: Clock, count: int) -> None:
        self.real = {
            name: RealPartner(name, store, folder)
            for name, store in zip(LETTERS[:count], sets.empty()[:count], strict=True)
        }
        self.model = {name: ModelPartner(name) for name in self.real}
        self.keys = {name: f"{name}1" for name in self.real}
        self.clock = clock
        clock.start()
        self.issues: list[Issue] = []
        self.accepted: dict[str, list[tuple[Issue, How]]] = {name: [] for name in self.real}
        # What each named list told of each entry until now, after each of its numbers; and what it gave in bare formats.
        self._given: dict[tuple[str, str], list[dict[Entry, Told]]] = {}
        self._bare: dict[tuple[str, str], set[Entry]] = {}

    def play(self, steps: Sequence[Step]) -> None:
        for name, *arguments in steps:
            self.clock.pass_by(0.4)
            getattr(self, name)(*arguments)

    # What people do at home.

    def add(
        self,
        who: str,
        file: str,
        collection: str,
        mark: Tlp | None = None,
        labels: tuple[str, ...] = (),
        allow: bool = False,
    ) -> None:
        if file in ("md5", "pdq"):
            how = How(collection, mark, allow=allow)
            self.real[who].take_plain(file, how)
            self.model[who].begin(NOBODY, how)
            self.model[who].hear(NOBODY, Told(Entry(file, "", ""), True, None, ""), how, unnamed="")
        else:
            self.real[who].add(file, collection, mark, labels, allow=allow)
            self.model[who].add(file, collection, mark, labels, allow)
        self.compare(who)

    def retract(self, who: str, file: str, collection: str | None = None) -> None:
        self._both(who, file, collection, "retract", file, collection)

    def restore(self, who: str, file: str, collection: str | None = None) -> None:
        self._both(who, file, collection, "restore", file, collection)

    def label(self, who: str, file: str, name: str = "x", on: bool = True) -> None:
        self._both(who, file, None, "label", file, name, on=on)

    def allow(self, who: str, file: str, on: bool = True) -> None:
        self._both(who, file, None, "allow", file, on=on)

    def opinion(self, who: str, file: str, source: str = "review", verdict: Verdict | None = "disputed") -> None:
        self._both(who, file, None, "give_opinion", file, source, verdict)

    def rule(self, who: str, collection: str, mark: Tlp) -> None:
        if self.model[who].has(collection):
            self._both(who, None, None, "set_rule", collection, mark)

    def trust(self, who: str, whom: str, on: bool = True) -> None:
        if whom in self.keys:
            self._both(who, None, None, "trust", self.keys[whom], on=on)

    def new_key(self, who: str) -> None:
        """A partner signs with another key from now on, and says so in its own set."""
        if self.keys[who].endswith("1"):
            self._both(who, None, None, "hand_over", f"{who}1", f"{who}2")
            self.keys[who] = f"{who}2"

    def hand_over(self, who: str, whom: str) -> None:
        """A partner takes the new key of another for the old one."""
        if whom in self.keys and self.keys[whom].endswith("2") and f"{whom}1" not in self.model[who].handed_over:
            self._both(who, None, None, "hand_over", f"{whom}1", f"{whom}2")

    def _both(
        self, who: str, file: str | None, collection: str | None, what: str, *arguments: Any, **more: Any
    ) -> None:
        if file is None or self.model[who].knows(file, collection):
            getattr(self.real[who], what)(*arguments, **more)
            getattr(self.model[who], what)(*arguments, **more)
            self.compare(who)

    # Lists.

    def publish(self, who: str, name: str | None, choice: int = 0, back: int = 0, form: int | str = 0) -> Issue | None:
        """Write the next list of a name: all, or the changes since the number that is so many `back`. form: its place in
        LISTS."""
        wanted = CHOICES[choice]
        form = form if isinstance(form, str) else LISTS[name][form % len(LISTS[name])]
        if not all(self.model[who].has(collection) for collection in wanted.collections):
            return None
        before = [issue for issue in self.issues if (issue.maker, issue.list) == (who, name)]
        since = None
        if name is not None and 0 < back <= len(before):
            base = before[-back]
            if base.choice == wanted and base.form in (form, *set(LISTS[name]) - set(BARE)):
                since = base.sequence
        issue = self.real[who].export(name, wanted, since, form, self.keys[who] if name in SIGNED else None)
        self.issues.append(issue)
        if form in BARE:
            self._check_bare_list(issue)
        else:
            self._check_what_goes_out(issue)
        return issue

    def send(
        self, who: str, to: str, name: str | None, choice: int = 0, back: int = 0, form: int | str = 0, how: int = 0
    ) -> None:
        issue = self.publish(who, name, choice, back, form)
        for each in self.real:
            if issue is not None and each in to and each != who:
                self._deliver(each, issue, HOWS[how])

    def deliver(self, to: str, number: int, how: int = 0) -> None:
        """A list of before arrives, perhaps again, perhaps where it came from."""
        if self.issues:
            issue = self.issues[number % len(self.issues)]
            own = issue.maker == to
            if not own or issue.form not in BARE:
                self._deliver(to, issue, HOWS[0] if own else HOWS[how])

    def _deliver(self, to: str, issue: Issue, how: How, *, must: bool = False) -> None:
        self.clock.pass_by(0.4)
        real, model = self.real[to], self.model[to]
        old_key = issue.owner in model.handed_over
        try:
            real.take(issue, how)
        except CommandError:
            assert old_key or (not must and self._is_older(to, issue))
            return
        assert not old_key
        self.accepted[to].append((issue, how))
        unsigned = f"{issue.maker}-" if issue.list in SIGNED and issue.origin else None
        model.begin(issue.owner, how)
        for told in issue.told:
            for each in self._reached(model, told):
                marks = How(how.collection, strictest(how.mark, issue.mark), how.default, how.allow)
                model.hear(
                    issue.owner,
                    each,
                    marks,
                    unnamed=issue.unnamed,
                    reached_unsigned=unsigned,
                    number=(issue.list, issue.sequence or 0)
                    if issue.form not in BARE or issue.owner != NOBODY
                    else (None, 0),
                    bare=issue.form in BARE,
                )
        if how.allow and issue.owner != NOBODY:
            for told in issue.told:
                if told.live:
                    model.allow(told.entry.file, on=True)
        self.compare(to)
        before = content(real.store, *_COUNTERS)
        real.take(issue, how)
        assert content(real.store, *_COUNTERS) == before, "importing it twice changed something"

    def _is_older(self, to: str, issue: Issue) -> bool:
        return issue.sequence is not None and any(
            (each.maker, each.list) == (issue.maker, issue.list) and (each.sequence or 0) > issue.sequence
            for each, _how in self.accepted[to]
        )

    def _reached(self, model: ModelPartner, told: Told) -> list[Told]:
        """An entry, for each file that it is about: a withdrawal by a hash alone reaches whatever has it."""
        whole = told.entry.file.removesuffix(BY_HASH)
        if told.live or whole == told.entry.file or not model.of(whole):
            return [told]
        return [told, replace(told, entry=told.entry._replace(file=whole))]

    def finish(self, *, increments: bool) -> None:
        """Every partner sends every other one each of its lists, until nothing changes any more."""
        for who in self.real:
            for whom in self.real:
                self.hand_over(who, whom)
        lists = dict.fromkeys((issue.maker, issue.list) for issue in self.issues if issue.list is not None)
        for _round in self.real:
            before = [self.real[who].state() for who in self.real]
            for who, name in lists:
                last = next(i for i in reversed(self.issues) if (i.maker, i.list) == (who, name))
                assert last.sequence is not None
                readers = [each for each in self.real if each != who]
                back = last.sequence - min(self._read_until(each, who, name) for each in readers) + 1
                # Nobody has a number that follows from nothing.
                usable = increments and back <= last.sequence
                issue = self.publish(who, name, CHOICES.index(last.choice), back if usable else 0)
                assert issue is not None
                for each in readers:
                    self._deliver(each, issue, HOWS[0], must=True)
            if [self.real[who].state() for who in self.real] == before:
                break

    def _read_until(self, reader: str, maker: str, name: str) -> int:
        """Up to which number a reader has all changes of a list."""
        number = 0
        for issue in sorted(
            (i for i, _how in self.accepted[reader] if (i.maker, i.list) == (maker, name)), key=lambda i: i.since or 0
        ):
            if (issue.since or 0) <= number:
                number = max(number, issue.sequence or 0)
        return number

    # What must hold.

    def compare(self, who: str) -> None:
        assert self.real[who].state() == self.model[who].state(), who
        assert self.real[who].listings() == self.model[who].listings(), who

    def _check_what_goes_out(self, issue: Issue) -> None:
        model = self.model[issue.maker]
        told = {each.entry: each for each in issue.told}
        assert len(told) == len(issue.told), "an entry comes twice"
        out = model.outgoing(issue.choice)
        for each in issue.told:
            words = out.get(each.entry, {})
            if words:
                self._check_entry(issue, each, words)
            elif issue.list is not None:
                assert not each.live, f"{each.entry} goes out and must not"
        if issue.list is None:
            assert set(told) == set(out)
            return
        numbers = self._given.setdefault((issue.maker, issue.list), [{}])
        bare = self._bare.get((issue.maker, issue.list), set())
        given, since = numbers[-1], numbers[issue.since or 0]
        changed = {
            entry
            for number in numbers[(issue.since or 0) + 1 :]
            for entry, each in number.items()
            if entry not in since or since[entry].live != each.live
        }
        for entry, words in out.items():
            if entry not in told:
                # A withdrawal of what nobody got may be missing, and an increment has only what has changed.
                live = entry in since and since[entry].live
                assert live in {word.live for word in words.values()}, f"{entry} is missing"
                assert issue.since is not None or entry not in given, f"{entry} is missing"
        for entry in given:
            if entry not in out and (issue.since is None or given[entry].live or entry in changed):
                assert entry in told, f"{entry} is not withdrawn"
        for entry in set(told) - set(out) - set(given):
            # What was given by a hash alone is withdrawn so.
            assert entry._replace(file=entry.file.removesuffix(BY_HASH)) in bare, f"{entry} goes out and must not"
            del told[entry]
        numbers.append(given | told)

    def _check_entry(self, issue: Issue, told: Told, words: Mapping[Place, Word]) -> None:
        """Check what an entry says of the words that it may stand for."""
        model, file = self.model[issue.maker], told.entry.file
        mark = model.mark(file)
        assert issue.choice.lets_out(mark)
        # A MISP event without a mark is for the own organisation only.
        assert told.mark == (mark or ("amber+strict" if issue.form == "misp" else None))
        given = model.labels.get(file, set())
        said = {(word.live, word.allow, frozenset(word.labels | given)) for word in words.values()}
        assert (told.live, told.allow, told.labels) in said, told.entry
        assert {each for each in told.opinions if not each.author} == model.own_opinions(file)

    def _check_bare_list(self, issue: Issue) -> None:
        """Check a list that can name files, and can say nothing else of them."""
        model = self.model[issue.maker]
        assert issue.list is not None
        numbers = self._given.setdefault((issue.maker, issue.list), [{}])
        bare = self._bare.setdefault((issue.maker, issue.list), set())
        out: dict[str, dict[Entry, bool]] = {}
        named, thing = set(), BARE[issue.form]
        for entry, words in model.outgoing(issue.choice).items():
            out.setdefault(entry.file, {})[entry] = any(word.live for word in words.values())
            has_it = any(word.live and (word.has is None or thing in word.has) for word in words.values())
            if has_it and not model.listing(entry.file)[0] and thing in facts(entry.file.removesuffix(BY_HASH)):
                named.add(entry.file)
        told = {each.entry.file.removesuffix(BY_HASH) for each in issue.told}
        if issue.since is None:
            assert told == {file.removesuffix(BY_HASH) for file in named}
        assert told <= {file.removesuffix(BY_HASH) for file in named}
        model.said |= {(file, issue.unnamed) for file in told}  # such a list cannot say for whom it passes something on
        bare |= {entry for file in named for entry, live in out[file].items() if live}
        numbers.append(numbers[-1])

    def check_withdrawals(self) -> None:
        """What no list of a voice gives any more is live nowhere under that voice; what all of them give is live."""
        for reader, real in self.real.items():
            odd = {entry for issue, how in self.accepted[reader] for entry in self._odd(issue, how)}
            self._check_bare_withdrawals(reader)
            for place, (live, _mark) in real.state().items():
                if place.owner in (HERE, NOBODY) or place.entry_of_its_list in odd:
                    continue
                told = [self._last_told(list_, place) for list_, owner in self._owners(reader) if owner == place.owner]
                # A signed withdrawal reaches what the same set said unsigned.
                also = [
                    self._last_told(list_, place)
                    for list_, owner in self._owners(reader)
                    if place.owner == f"{list_[0]}-" and list_[1] in SIGNED
                ]
                if told and not any(each and each.live for each in told):
                    assert not live, f"{place} is live at {reader}"
                known = [each.live for each in told if each is not None]
                taken = self.model[reader].words[place].taken or any(each and not each.live for each in also)
                if known and any(known) and not taken:
                    assert live, f"{place} is not live at {reader}"

    def _check_bare_withdrawals(self, reader: str) -> None:
        """What a list gave in bare formats only and gives no more is not live."""
        for place, word in self.model[reader].words.items():
            for list_, owner in self._owners(reader):
                if owner == place.owner and word.lists == {(list_[1], True)} and list_[0] == owner[0]:
                    given = self._given[list_][-1].items()
                    told = any(each.live and entry.file in _names(place.file) for entry, each in given)
                    assert told or not word.live, f"{place} is live at {reader}"

    def _owners(self, reader: str) -> list[tuple[tuple[str, str], str]]:
        """The lists with a name, and whose word each of them is now."""
        owners = {(each.maker, each.list): each.owner for each in self.issues if each.list is not None}
        return [(list_, self.model[reader].handed_over.get(owner, owner)) for list_, owner in owners.items()]

    def _last_told(self, list_: tuple[str, str], place: Place) -> Told | None:
        entry = place.entry_of_its_list
        told = self._given[list_][-1]
        old = entry._replace(author=entry.author.replace("2", "1"))
        return told.get(entry) or told.get(old)

    @staticmethod
    def _odd(issue: Issue, how: How) -> list[Entry]:
        """The entries of a list that later numbers of the lists with names do not speak of in the same way."""
        if issue.list is not None and issue.form not in BARE and how.collection is None:
            return []
        unnamed = issue.unnamed if issue.form in BARE else None
        return [
            each.entry._replace(collection=how.collection or unnamed or each.entry.collection) for each in issue.told
        ]

    def check_opinions(self) -> None:
        """Everybody has the opinions that lists tell, and no others."""
        for reader, real in self.real.items():
            model = self.model[reader]
            # What a list without a name told, no other one takes back.
            loose = {issue.owner for issue, _how in self.accepted[reader] if issue.list is None}
            for file, opinions in real.opinions().items():
                own = {(source, verdict) for owner, _author, source, verdict in opinions if owner == HERE}
                assert own == {(source, verdict) for (of, source), verdict in model.opinions.items() if of == file}
                for owner in {owner for owner, *_rest in opinions} - {HERE, NOBODY, *loose}:
                    assert owner not in model.voices, f"{reader} has its own list's opinions"
                    told = {
                        Doubt(model.handed_over.get(each.author, each.author), *each[1:])
                        for list_, its_owner in self._owners(reader)
                        if its_owner == owner
                        for entry, last in self._given[list_][-1].items()
                        if entry.file in (file, file + BY_HASH, file.removesuffix(BY_HASH))
                        for each in last.opinions
                    }
                    heard = {Doubt(author, *rest) for its_owner, author, *rest in opinions if its_owner == owner}
                    assert heard <= told, f"{reader} has opinions on {file} that {owner} does not tell"

    def check_owners(self) -> None:
        """Nobody says what he did not say."""
        for real in self.real.values():
            for place in real.state():
                for voice in {place.owner, place.author}:
                    if voice[:1] in self.real and (voice == place.author or not place.author):
                        said = self.model[voice[0]].said
                        assert any(each[0] in _names(place.file) for each in said), place
            for file, opinions in real.opinions().items():
                for owner, author, source, verdict in opinions:
                    voice = author or owner
                    if voice[:1] in self.real:
                        said = self.model[voice[0]].said
                        assert any((name, source, verdict) in said for name in _names(file)), (file, voice, source)


def _names(file: str) -> set[str]:
    return {file, file.removesuffix(BY_HASH), file + BY_HASH}


#: What counts repetitions, and so may change when a list is read again.
_COUNTERS = ("audit", "import", "provenance")

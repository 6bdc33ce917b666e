"""What partners who exchange lists must end with, in plain dictionaries, written from docs/lists.md.

A partner is named by a letter. It speaks with two voices: "A+" is its key, "A-" its reference set in unsigned lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from hashmatch.records import TLP_ORDER, Tlp, Verdict, strictest

#: The owner of what people say in their own set, and of unsigned lists that say nothing about themselves.
HERE, NOBODY = "", "unsigned"


class Place(NamedTuple):
    """Whose word on which file, in which collection. owner, author: voices, as docs/lists.md has them."""

    file: str
    owner: str
    author: str
    collection: str

    @property
    def passed_on_as(self) -> str:
        if self.owner == NOBODY:
            return self.author if self.author.startswith(NOBODY) else f"{NOBODY}:{self.author}"
        return self.author or self.owner

    @property
    def entry(self) -> Entry:
        """Under which name it goes out."""
        return Entry(self.file, self.passed_on_as, self.collection)

    @property
    def entry_of_its_list(self) -> Entry:
        """Under which name its owner's list has it: a word of the owner's own has no author there."""
        return Entry(self.file, self.author, self.collection)

    @property
    def is_direct(self) -> bool:
        """Whether the author itself told us, and nobody else in its name."""
        return self.owner in (HERE, NOBODY) or not self.author


class Entry(NamedTuple):
    """Which word an entry of a list is about."""

    file: str
    author: str
    collection: str


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry of a list says. at: by its source's clock."""

    entry: Entry
    live: bool
    mark: Tlp | None
    at: str
    labels: frozenset[str] = frozenset()
    allow: bool = False


@dataclass(slots=True)
class Word:
    """What somebody says of a file. stands: whether its source stands by it. taken: whether people here took it back."""

    stands: bool
    mark: Tlp | None
    at: str = ""
    labels: frozenset[str] = frozenset()
    taken: bool = False

    @property
    def live(self) -> bool:
        return self.stands and not self.taken


@dataclass(frozen=True, slots=True)
class Choice:
    """What a list is made of."""

    collections: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    max_tlp: Tlp = "red"
    unmarked: bool = False

    def lets_out(self, mark: Tlp | None) -> bool:
        return self.unmarked if mark is None else TLP_ORDER.index(mark) <= TLP_ORDER.index(self.max_tlp)


@dataclass(slots=True)
class ModelPartner:
    """What one partner knows.

    rules: of each collection, by owner, author and name. labels: given here. said: every word and opinion that people here
    ever said, for good.
    """

    name: str
    words: dict[Place, Word] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], Tlp | None] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    opinions: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    decided: dict[str, bool] = field(default_factory=dict)
    said: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def voices(self) -> frozenset[str]:
        return frozenset({f"{self.name}+", f"{self.name}-"})

    def knows(self, file: str, collection: str | None = None) -> bool:
        """Whether there is a reference of this file and a collection of that name."""
        return bool(self.of(file)) and (collection is None or self.has(collection))

    def has(self, collection: str) -> bool:
        return any(rule[2] == collection for rule in self.rules)

    def of(self, file: str, collection: str | None = None) -> dict[Place, Word]:
        return {p: w for p, w in self.words.items() if p.file == file and collection in (None, p.collection)}

    def mark(self, file: str) -> Tlp | None:
        """The strictest mark of all words on a file, and of their collections."""
        return strictest(*(self.marked(place) for place in self.of(file)))

    def marked(self, place: Place) -> Tlp | None:
        return strictest(self.words[place].mark, self.rules.get(place[1:]))

    def labelled(self, file: str) -> set[str]:
        return self.labels.get(file, set()).union(*(word.labels for word in self.of(file).values()))

    # What people here do.

    def add(self, file: str, collection: str, mark: Tlp | None, labels: Iterable[str] = ()) -> None:
        place = Place(file, HERE, "", collection)
        before = self.of(file)
        own = before.get(place)
        if (own is not None and not own.stands) or (before and not any(word.live for word in before.values())):
            return  # only `restore` revives it
        self.rules.setdefault(place[1:], mark)
        self.say(place, mark)
        self.labels.setdefault(file, set()).update(labels)

    def say(self, place: Place, mark: Tlp | None) -> None:
        self.said.add((place.file, place.collection))
        own = self.words.get(place)
        self.words[place] = Word(True, strictest(mark, own and own.mark))

    def retract(self, file: str, collection: str | None) -> None:
        for place, word in self.of(file, collection).items():
            if place.owner == HERE:
                word.stands = False
            else:
                word.taken = True
                self.said.add((file, "review", "disputed"))

    def restore(self, file: str, collection: str | None) -> None:
        chosen = self.of(file, collection)
        for place, word in chosen.items():
            word.taken = False
            word.stands |= place.owner == HERE
        if chosen and not any(word.live for word in self.of(file).values()):
            # If nobody else stands by it, we do.
            for place, word in chosen.items():
                ours = Place(file, HERE, "", place.collection)
                self.rules.setdefault(ours[1:], word.mark)
                self.say(ours, word.mark)

    def label(self, file: str, name: str, *, on: bool) -> None:
        if on:
            self.labels.setdefault(file, set()).add(name)
            return
        self.labels.get(file, set()).discard(name)
        for word in self.of(file).values():
            word.labels -= {name}

    def set_rule(self, collection: str, mark: Tlp) -> None:
        for place in self.rules:
            if place[2] == collection:
                self.rules[place] = mark

    def give_opinion(self, file: str, source: str, verdict: Verdict | None) -> None:
        if verdict is None:
            self.opinions.pop((file, source), None)
        else:
            self.opinions[file, source] = verdict
            self.said.add((file, source, verdict))

    # What lists do.

    def hear_plain(self, file: str, collection: str, mark: Tlp | None) -> None:
        """Take in a plain list, which says neither who made it nor when."""
        self.hear(NOBODY, Told(Entry(file, "", collection), True, mark, ""))

    def hear(self, owner: str, told: Told, *, reached_unsigned: str | None = None) -> None:
        """Take in an entry. reached_unsigned: whose unsigned words a withdrawal by this list reaches, too."""
        file, author, collection = told.entry
        author = "" if author == owner else author
        if owner == NOBODY:
            author = author or collection
        if author in self.voices:
            return
        place = Place(file, owner, author, collection)
        self.rules.setdefault(place[1:], None)
        word = self.words.get(place)
        if word is None:
            others = self.of(file).items()
            by_us = any(each.taken or (other.owner == HERE and not each.stands) for other, each in others)
            back = told.live and by_us and not any(each.live for _other, each in others)
            self.words[place] = Word(told.live, told.mark, told.at, told.labels, taken=back)
        else:
            word.mark = strictest(word.mark, told.mark)
            if told.at > word.at:
                word.stands, word.labels, word.at = told.live, told.labels, told.at
            elif told.at == word.at:
                word.stands &= told.live
        if not told.live:
            for also in ((reached_unsigned, author), (NOBODY, author or collection)):
                other = self.words.get(Place(file, also[0] or "", also[1], collection)) if also[0] else None
                if other is not None and other.at <= told.at:
                    other.stands = False
                    other.at = max(other.at, told.at)

    # What goes out.

    def outgoing(self, choice: Choice) -> dict[Entry, dict[Place, Word]]:
        """The entries that a list has now, each with the words that it may stand for."""
        found: dict[Entry, dict[Place, Word]] = {}
        for place, word in self.words.items():
            wanted = not choice.collections or place.collection in choice.collections
            if wanted and set(choice.labels) <= self.labelled(place.file) and choice.lets_out(self.mark(place.file)):
                found.setdefault(place.entry, {})[place] = word
        return {entry: _most_direct(words) for entry, words in found.items()}

    def state(self) -> dict[Place, tuple[bool, Tlp | None]]:
        """Of each word whether it stands, and how it is marked."""
        return {place: (word.live, self.marked(place)) for place, word in self.words.items()}


def _most_direct(words: dict[Place, Word]) -> dict[Place, Word]:
    return {place: word for place, word in words.items() if place.is_direct} or words

"""What partners who exchange lists must end with, in plain dictionaries, written from docs/lists.md.

A partner is named by a letter. It speaks with three voices: "A1" is its key, "A2" the key that takes its place, "A-" its
reference set in unsigned lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hashmatch.records import TLP_ORDER, Tlp, Verdict, strictest

#: The owner of what people say in their own set, and of unsigned lists that say nothing about themselves.
HERE, NOBODY = "", "unsigned"

#: Our collection for what is on the allow list and in no other collection of ours.
ALLOWED = "allowed"

#: What follows the name of a file where a list knows nothing of it but its hash: it is a reference of its own.
BY_HASH = "~"


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


class Doubt(NamedTuple):
    """What an entry says that somebody thinks of a file. author: for whom it is passed on; "" for the list's own."""

    author: str
    source: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry of a list says. at: by its source's clock. has: the digests and hashes that it names; None: all."""

    entry: Entry
    live: bool
    mark: Tlp | None
    at: str
    labels: frozenset[str] = frozenset()
    allow: bool = False
    opinions: frozenset[Doubt] = frozenset()
    has: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class How:
    """How a person reads a list: its options."""

    collection: str | None = None
    mark: Tlp | None = None
    default: Tlp | None = None
    allow: bool = False


@dataclass(slots=True)
class Word:
    """What somebody says of a file. stands: whether its source stands by it. taken: whether people here took it back.
    allow: whether it is that the file is legitimate. has: what it ever named of the file; None: all that there is.
    lists: the names of lists that ever gave it, each with whether bare. gone_by: the list that withdrew it, by name and
    number."""

    stands: bool
    mark: Tlp | None
    at: str = ""
    labels: frozenset[str] = frozenset()
    taken: bool = False
    allow: bool = False
    has: frozenset[str] | None = None
    lists: frozenset[tuple[str | None, bool]] = frozenset()
    gone_by: tuple[str | None, int] = (None, 0)

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
    ever said, for good. decided: which files people here put on the allow list, or off. trusted: whose allow list counts.
    handed_over: the keys that others took the place of.
    """

    name: str
    words: dict[Place, Word] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], Tlp | None] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    opinions: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    decided: dict[str, bool] = field(default_factory=dict)
    trusted: set[str] = field(default_factory=set)
    handed_over: dict[str, str] = field(default_factory=dict)
    said: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def voices(self) -> frozenset[str]:
        return frozenset({f"{self.name}1", f"{self.name}2", f"{self.name}-"})

    def knows(self, file: str, collection: str | None = None) -> bool:
        """Whether there is a reference of this file and a collection of that name."""
        return bool(self.of(file)) and (collection is None or self.has(collection))

    def has(self, collection: str) -> bool:
        return any(rule[2] == collection for rule in self.rules)

    def of(self, file: str, collection: str | None = None) -> dict[Place, Word]:
        return {p: w for p, w in self.words.items() if p.file == file and collection in (None, p.collection)}

    def ours(self, file: str) -> dict[Place, Word]:
        return {place: word for place, word in self.of(file).items() if place.owner == HERE}

    def is_live(self, file: str) -> bool:
        return any(word.live for word in self.of(file).values())

    def mark(self, file: str) -> Tlp | None:
        """The strictest mark of all words on a file, and of their collections."""
        return strictest(*(self.marked(place) for place in self.of(file)))

    def marked(self, place: Place) -> Tlp | None:
        return strictest(self.words[place].mark, self.rules.get(place[1:]))

    def labelled(self, file: str) -> set[str]:
        return self.labels.get(file, set()).union(*(word.labels for word in self.of(file).values()))

    def listing(self, file: str) -> tuple[bool, bool]:
        """Whether a live file is on the allow list, and whether it waits for a person."""
        if file in self.decided:
            return self.decided[file], False
        words = {place: word.allow for place, word in self.of(file).items() if word.live}
        if not all(words.values()):
            return False, False
        return True, not any(place.owner == HERE or place.owner in self.trusted for place in words)

    # What people here do.

    def add(
        self, file: str, collection: str, mark: Tlp | None, labels: Iterable[str] = (), allow: bool = False
    ) -> None:
        place = Place(file, HERE, "", collection)
        before = self.of(file)
        own = before.get(place)
        if (own is not None and not own.stands) or (before and not any(word.live for word in before.values())):
            return  # only `restore` revives it
        self.rules.setdefault(place[1:], mark)
        self.say(place, mark)
        self.labels.setdefault(file, set()).update(labels)
        if allow:
            self.decide(file, True)

    def say(self, place: Place, mark: Tlp | None, *, allow: bool = False) -> None:
        self.said.add((place.file, place.collection))
        own = self.words.get(place)
        allow = self.decided.get(place.file, allow if own is None else own.allow)
        self.words[place] = Word(True, strictest(mark, own and own.mark), allow=allow)

    def decide(self, file: str, allow: bool) -> None:
        """What people here decide, all words of ours say."""
        self.decided[file] = allow
        for word in self.ours(file).values():
            word.allow = allow

    def allow(self, file: str, *, on: bool) -> None:
        told = any(word.allow for word in self.of(file).values())
        if self.decided.get(file) == on or not (on or told):
            return
        ours = self.ours(file)
        mine = Place(file, HERE, "", ALLOWED)
        self.decide(file, on)
        if mine in ours:
            ours[mine].stands = on
        elif on and not ours and self.is_live(file):
            self.rules.setdefault(mine[1:], None)
            self.say(mine, self.mark(file))

    def trust(self, key: str, *, on: bool) -> None:
        (self.trusted.add if on else self.trusted.discard)(self.handed_over.get(key, key))

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
        if chosen and not self.is_live(file):
            # If nobody else stands by it, we do.
            allow = all(word.allow for word in chosen.values())
            for place, word in chosen.items():
                ours = Place(file, HERE, "", place.collection)
                self.rules.setdefault(ours[1:], None)
                self.say(ours, word.mark, allow=allow)

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

    def hand_over(self, old: str, new: str) -> None:
        """What the old key said is the word of the new one: of two words on one file, the newer one counts."""
        self.handed_over[old] = new
        if old in self.trusted:
            self.trusted.remove(old)
            self.trusted.add(new)
        renamed = {old: new}
        for place in list(self.words):
            moved = place._replace(
                owner=renamed.get(place.owner, place.owner), author=renamed.get(place.author, place.author)
            )
            moved = moved._replace(author="" if moved.author == moved.owner else moved.author)
            if moved == place:
                continue
            word, there = self.words.pop(place), self.words.get(moved)
            if there is not None:
                newer, older = (word, there) if word.at > there.at else (there, word)
                stands = newer.stands and (older.stands or older.at < newer.at)
                mark, taken = strictest(newer.mark, older.mark), older.taken or newer.taken
                word = replace(newer, stands=stands, mark=mark, taken=taken, has=_both(newer.has, older.has))
                word.lists |= older.lists
            self.words[moved] = word
        for rule in list(self.rules):
            owner, author = renamed.get(rule[0], rule[0]), renamed.get(rule[1], rule[1])
            moved_rule = (owner, "" if author == owner else author, rule[2])
            if moved_rule != rule:
                self.rules[moved_rule] = strictest(self.rules.pop(rule), self.rules.get(moved_rule))

    # What lists do.

    def begin(self, owner: str, how: How) -> None:
        """A list is about to be read."""
        if how.collection is not None:
            self.rules.setdefault((owner, how.collection if owner == NOBODY else "", how.collection), None)

    def hear(
        self,
        owner: str,
        told: Told,
        how: How,
        *,
        unnamed: str,
        reached_unsigned: str | None = None,
        number: tuple[str | None, int] = (None, 0),
        bare: bool = False,
    ) -> None:
        """Take in an entry. unnamed: the collection of an entry that names none. reached_unsigned: whose unsigned words a
        withdrawal by this list reaches, too. number: the list's name and number. bare: whether its format is."""
        file, author, collection = told.entry
        collection = how.collection or collection or unnamed
        author = self.handed_over.get(author, author)
        author = "" if author == owner else author
        if owner == NOBODY:
            author = author or collection
        if author in self.voices or owner in self.voices:
            return
        place = Place(file, owner, author, collection)
        self.rules.setdefault(place[1:], None)
        mark = strictest(told.mark, how.mark) or how.default
        allow = told.allow or (how.allow and owner == NOBODY)
        word = self.words.get(place)
        stood = word is None or word.stands
        if word is None:
            others = self.of(file).items()
            by_us = any(each.taken or (other.owner == HERE and not each.stands) for other, each in others)
            back = told.live and by_us and not any(each.live for _other, each in others)
            self.words[place] = Word(told.live, mark, told.at, told.labels, taken=back, allow=allow, has=told.has)
            if back:
                self.said.add((file, "review", "disputed"))
        else:
            word.mark, word.has = strictest(word.mark, mark), _both(word.has, told.has)
            if told.at > word.at:
                word.stands, word.labels, word.at, word.allow = told.live, told.labels, told.at, allow
            elif told.at == word.at:
                word.stands &= told.live
        word = self.words[place]
        word.lists |= {(number[0], bare)}
        if stood and not word.stands:
            word.gone_by = number
        if bare and told.live and number[0] == word.gone_by[0] is not None and number[1] > word.gone_by[1]:
            word.stands = True  # such a list has no dates, but numbers
        if not told.live:
            also = [Place(file, reached_unsigned or HERE, author, collection)]
            also += [Place(file, NOBODY, author or collection, collection)]
            if number[0] is not None:
                files = {file, file + BY_HASH * (told.has is None or "hashes" in told.has)}
                also += [p for p, w in self.words.items() if p.owner == owner and w.lists == {(number[0], True)}]
                also = [place for place in also if place.file in files]
            for place in also:
                other = self.words.get(place)
                if other is not None and place.owner != HERE and other.stands and other.at <= told.at:
                    other.stands, other.at, other.gone_by = False, max(other.at, told.at), number
        if how.allow and owner == NOBODY and told.live:
            self.decide(file, True)

    # What goes out.

    def outgoing(self, choice: Choice) -> dict[Entry, dict[Place, Word]]:
        """The entries that a list has now, each with the words that it may stand for."""
        found: dict[Entry, dict[Place, Word]] = {}
        for place, word in self.words.items():
            wanted = not choice.collections or place.collection in choice.collections
            wanted &= choice.unmarked or self.marked(place) is not None
            if wanted and set(choice.labels) <= self.labelled(place.file) and choice.lets_out(self.mark(place.file)):
                found.setdefault(place.entry, {})[place] = word
        return {entry: _most_direct(words) for entry, words in found.items()}

    def own_opinions(self, file: str) -> set[Doubt]:
        """What people here think of a file, as lists tell it: what they took back, they dispute."""
        told = {source: verdict for (of, source), verdict in self.opinions.items() if of == file}
        if any(word.taken and word.stands for word in self.of(file).values()):
            told["review"] = "disputed"
        return {Doubt("", source, verdict) for source, verdict in told.items()}

    def state(self) -> dict[Place, tuple[bool, Tlp | None]]:
        """Of each word whether it stands, and how it is marked."""
        return {place: (word.live, self.marked(place)) for place, word in self.words.items()}

    def listings(self) -> dict[str, tuple[bool, bool]]:
        """Of each live file whether it is on the allow list, and whether it waits for a person."""
        return {place.file: self.listing(place.file) for place in self.words if self.is_live(place.file)}


def _most_direct(words: dict[Place, Word]) -> dict[Place, Word]:
    return {place: word for place, word in words.items() if place.is_direct} or words


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other

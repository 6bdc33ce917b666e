"""What needs a decision: the matches of a kept scan, in an order that suits a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hashmatch.i18n import _
from hashmatch.matching.results import Match, MatchedReference, Result
from hashmatch.report.html.contents import ReportContents
from hashmatch.store import Store, lookup, review_decisions
from hashmatch.store.review_decisions import DECISIONS, WITHDRAWN, Decision, DecisionPair, ReviewerWord, Standing, Word

_HEX = set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One file and one reference.

    number: its place in the queue, from 1. group: the number of its group.
    pair: None if no decision can be taken; `problem` then says why.
    paths: all places where the file lies.
    """

    number: int
    group: int
    result: Result
    match: Match
    pair: DecisionPair | None
    problem: str
    paths: list[bytes]

    @property
    def is_same_bytes(self) -> bool:
        """Whether the file is the reference itself, so that it cannot be a false match."""
        return self.pair is not None and self.result.sha256 == self.match.reference.sha256


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """The files that match the same reference in the same tier. number: from 1."""

    number: int
    reference: MatchedReference
    items: list[QueueItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far the work has come, in matches.

    open: those that wait for this person. waiting: those that wait for somebody else.
    undecidable: those on which this database can hold no decision.
    decided: how many there are of each decision.
    """

    all: int
    open: int
    waiting: int
    undecidable: int
    decided: dict[Decision, int]

    @property
    def done(self) -> int:
        """How many matches are decided."""
        return sum(self.decided.values())


class ReviewQueue:
    """All matches, with and without a decision. reviewer: who works on it."""

    def __init__(self, store: Store, gathered: ReportContents, reviewer: str) -> None:
        self.reviewer = reviewer
        self.items: list[QueueItem] = []
        self.groups: list[QueueGroup] = []
        self._store, self._last, self._needed = store, 0, 0
        self._by_pair: dict[DecisionPair, QueueItem] = {}
        self._words: dict[DecisionPair, list[Word]] = {}
        self._standing: dict[DecisionPair, Standing] = {}
        self._open: set[DecisionPair] = set()
        known = _Known(store)
        for section in gathered.sections():
            # What the allow list protects is not a match, so there is nothing to decide.
            for group in section.groups if section.name != "allowed" else ():
                if not group.reference.allow:
                    self._add(group.reference, [(entry.result, entry.match) for entry in group.entries], known)
        self.refresh()

    def _add(self, reference: MatchedReference, entries: Iterable[tuple[Result, Match]], known: _Known) -> None:
        group = QueueGroup(len(self.groups) + 1, reference)
        reference_id, missing = known.find(reference)
        for result, match in entries:
            pair, problem = None, missing
            if result.sha256 is None or len(result.sha256) != 64 or not set(result.sha256) <= _HEX:
                problem = _("the scan's file has no SHA-256 of this file")
            elif reference_id is not None:
                pair = DecisionPair(result.sha256, reference_id)
                if pair in self._by_pair:
                    self._by_pair[pair].paths.append(result.path)
                    continue
            item = QueueItem(len(self.items) + 1, group.number, result, match, pair, problem, [result.path])
            if pair is not None:
                self._by_pair[pair] = item
                self._open.add(pair)
            self.items.append(item)
            group.items.append(item)
        if group.items:
            self.groups.append(group)

    def refresh(self) -> None:
        """Take in decisions that were made since, here or by somebody else."""
        needed = review_decisions.rules(self._store.connection).needed
        changed = set(self._words) if needed != self._needed else set()
        self._needed = needed
        for word in review_decisions.words_after(self._store.connection, self._last):
            self._last = word.id
            if word.pair in self._by_pair:
                self._words.setdefault(word.pair, []).append(word)
                changed.add(word.pair)
        for pair in changed:
            found = review_decisions.standing(self._words[pair], needed)
            self._standing[pair] = found
            waits = found.counts is None and self._last_word(pair) is None
            (self._open.add if waits else self._open.discard)(pair)

    def _last_word(self, pair: DecisionPair) -> Word | None:
        """This person's last word, unless it was taken back."""
        mine = review_decisions.same_person(self.reviewer)
        said = review_decisions.last_words(self._words.get(pair, ()))
        return next((each for each in said if review_decisions.same_person(each.reviewer) == mine), None)

    def item(self, number: int) -> QueueItem | None:
        return self.items[number - 1] if 0 < number <= len(self.items) else None

    def group(self, number: int) -> QueueGroup | None:
        return self.groups[number - 1] if 0 < number <= len(self.groups) else None

    def standing(self, item: QueueItem) -> Standing:
        """The decision on an item."""
        return self._standing.get(item.pair, Standing()) if item.pair else Standing()

    def words(self, item: QueueItem) -> list[Word]:
        """What was said about an item, oldest first."""
        return self._words.get(item.pair, []) if item.pair else []

    def has_said(self, item: QueueItem) -> bool:
        """Whether this person has decided an item, and not taken that back."""
        return item.pair is not None and self._last_word(item.pair) is not None

    def is_news(self, item: QueueItem, said: ReviewerWord, note: str | None) -> bool:
        """Whether this is new, and not the same word again, as when a form is sent twice."""
        last = self._last_word(item.pair) if item.pair else None
        if said == WITHDRAWN:
            return last is not None
        return last is None or last.said != said or (note is not None and note != last.note)

    def is_hidden(self, item: QueueItem, word: Word, needed: int) -> bool:
        """Whether a word must stay hidden for now. The second judge judges without knowing what the first one said,
        except for a request for help."""
        is_mine = review_decisions.same_person(word.reviewer) == review_decisions.same_person(self.reviewer)
        is_undecided = self.standing(item).counts is None and not self.has_said(item)
        return needed > 1 and not is_mine and is_undecided and word.said not in ("second-look", WITHDRAWN)

    def is_open(self, item: QueueItem) -> bool:
        """Whether an item waits for this person."""
        return item.pair in self._open

    def next_open(self, after: int = 0) -> QueueItem | None:
        """The next item in the queue that waits for this person; after the last one, from the beginning again."""
        if not self._open:
            return None
        rest = (*self.items[after:], *self.items[:after])
        return next((item for item in rest if self.is_open(item)), None)

    def open_in(self, group: QueueGroup) -> int:
        """How many items of a group wait for this person."""
        return sum(map(self.is_open, group.items))

    def progress(self) -> QueueProgress:
        counted = Counter(found.counts for found in self._standing.values())
        decided = {name: counted[name] for name in DECISIONS if counted[name]}
        deciding = len(self._by_pair)
        waiting = deciding - sum(decided.values()) - len(self._open)
        return QueueProgress(len(self.items), len(self._open), waiting, len(self.items) - deciding, decided)


class _Known:
    """The references of the scan that this database has, perhaps under other numbers."""

    def __init__(self, store: Store) -> None:
        self._connection = store.connection

    def find(self, reference: MatchedReference) -> tuple[int | None, str]:
        """A reference's number here, or why it has none."""
        if reference.sha256 is not None:
            is_digest = len(reference.sha256) == 64 and set(reference.sha256) <= _HEX
            found = lookup.id_of_sha256(self._connection, reference.sha256) if is_digest else None
        else:
            # A reference without a digest is known by its number alone, and must have no digest here either.
            is_known = lookup.has_without_sha256(self._connection, reference.id, reference.kind)
            found = reference.id if is_known else None
        return found, "" if found is not None else _("this database does not have the reference")

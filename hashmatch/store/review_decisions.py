"""What people decided about files that scans found, and what follows from it. Each word is stored at once, and audited.

A decision is about a pair: a file (by the SHA-256 of its bytes, wherever it lies) and a reference. Words are only added, and
each reviewer's last one counts. The newest decides, if enough people's last words agree with it.
"""

from __future__ import annotations

import itertools
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from hashmatch.clock import now_exactly
from hashmatch.records import Opinion, Verdict
from hashmatch.store import curate, lookup, opinions, references
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import Membership

#: confirmed: the file shows the reference, and that is what its sources say. false-positive: the file does not show it.
#: allow: the file is legitimate. dispute: the reference is not what its sources say. second-look: somebody else should
#: decide.
Decision = Literal["confirmed", "false-positive", "allow", "dispute", "second-look"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
#: The word that takes the reviewer's last one back.
WITHDRAWN: Literal["withdrawn"] = "withdrawn"
ReviewerWord = Decision | Literal["withdrawn"]

#: Our opinion about the reference that follows from a decision; it goes out with lists.
_OPINIONS: dict[str, Verdict] = {"confirmed": "confirmed", "dispute": "disputed"}
#: The collection of files that were found to be legitimate.
REVIEWED = "reviewed"
#: The name under which opinions are given, unless another one was chosen.
SOURCE = "review"


@dataclass(frozen=True, slots=True)
class DecisionPair:
    """A file and a reference. sha256: of the file's bytes, in hex."""

    sha256: str
    reference_id: int


@dataclass(frozen=True, slots=True)
class Word:
    """What one person said about a pair. at: UTC, ISO 8601, to the microsecond."""

    id: int
    pair: DecisionPair
    said: ReviewerWord
    reviewer: str
    note: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What all words about a pair add up to. by: who agrees, the newest first. in_force: whether they are enough."""

    decision: Decision | None = None
    by: tuple[str, ...] = ()
    at: str | None = None
    in_force: bool = False

    @property
    def counts(self) -> Decision | None:
        """The decision, if it is in force."""
        return self.decision if self.in_force else None


@dataclass(frozen=True, slots=True)
class Rules:
    """When a decision counts. needed: how many different people must agree. source: the name under which opinions are
    given."""

    needed: int = 1
    source: str = SOURCE


def same_person(reviewer: str) -> str:
    """A key that is equal for names of the same person: case, blanks and other spellings of a letter make no second
    person."""
    return " ".join(unicodedata.normalize("NFKC", reviewer).casefold().split())


def last_words(words: Iterable[Word]) -> list[Word]:
    """The last word of each person that was not taken back, the newest first.

    words: about one pair, in the order in which they were said.
    """
    latest: dict[str, Word] = {}
    for word in words:
        latest.pop(same_person(word.reviewer), None)
        if word.said != WITHDRAWN:
            latest[same_person(word.reviewer)] = word
    return list(latest.values())[::-1]


def standing(words: Iterable[Word], needed: int) -> Standing:
    """What the words about a pair add up to.

    words: in the order in which they were said. needed: how many people must agree.
    """
    last = last_words(words)
    if not last:
        return Standing()
    newest = last[0]
    assert newest.said != WITHDRAWN
    agreeing = tuple(each.reviewer for each in itertools.takewhile(lambda each: each.said == newest.said, last))
    in_force = newest.said != "second-look" and len(agreeing) >= needed
    return Standing(newest.said, agreeing, newest.at, in_force)


_WORDS = "SELECT id, sha256, reference_id, verdict, reviewer, note, at FROM decision"


def words_on(connection: sqlite3.Connection, pair: DecisionPair) -> list[Word]:
    """All words about a pair, the oldest first."""
    where = "WHERE sha256 = ? AND reference_id = ? ORDER BY id"
    return [
        _word(row) for row in connection.execute(f"{_WORDS} {where}", (bytes.fromhex(pair.sha256), pair.reference_id))
    ]


def words_after(connection: sqlite3.Connection, last: int) -> Iterator[Word]:
    """All words with a higher number, the oldest first."""
    return (_word(row) for row in connection.execute(f"{_WORDS} WHERE id > ? ORDER BY id", (last,)))


def _word(row: tuple[int, bytes, int, ReviewerWord, str, str | None, str]) -> Word:
    number, sha256, reference_id, said, reviewer, note, at = row
    return Word(number, DecisionPair(sha256.hex(), reference_id), said, reviewer, note, at)


def of_pair(connection: sqlite3.Connection, pair: DecisionPair) -> Standing:
    """What was decided about a pair."""
    words = words_on(connection, pair)
    return standing(words, rules(connection).needed) if words else Standing()


def decide(
    connection: sqlite3.Connection,
    actor: Actor,
    pair: DecisionPair,
    said: ReviewerWord,
    reviewer: str,
    note: str | None = None,
) -> Standing:
    """Add a person's word, audited, with everything that follows from it, within a transaction.

    Returns what the pair's words add up to now.
    """
    kept = rules(connection)
    before = of_pair(connection, pair)
    connection.execute(
        "INSERT INTO decision (sha256, reference_id, verdict, reviewer, note, at) VALUES (?, ?, ?, ?, ?, ?)",
        (bytes.fromhex(pair.sha256), pair.reference_id, said, reviewer, note, now_exactly()),
    )
    after = of_pair(connection, pair)
    detail = {
        "sha256": pair.sha256,
        "reference": pair.reference_id,
        "decision": said,
        "reviewer": reviewer,
        "note": note,
        "in_force": after.counts,
    }
    record(connection, actor, "decide", detail)
    _follow(connection, actor, pair, before, after, kept)
    return after


def rules(connection: sqlite3.Connection) -> Rules:
    """The rules of this database."""
    found = dict(connection.execute("SELECT name, value FROM review_rule").fetchall())
    return Rules(int(found.get("needed", 1)), found.get("source", SOURCE))


def set_rules(connection: sqlite3.Connection, actor: Actor, wanted: Rules) -> bool:
    """Change the rules, audited, within a transaction. Earlier decisions are counted by the new ones.

    Opinions that were given under another name stay. Returns whether this changed anything.
    """
    before = rules(connection)
    if wanted == before:
        return False
    connection.executemany(
        "INSERT INTO review_rule (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [("needed", str(wanted.needed)), ("source", wanted.source)],
    )
    record(connection, actor, "review rules", {"needed": wanted.needed, "source": wanted.source})
    if wanted.needed != before.needed:
        pairs = connection.execute("SELECT DISTINCT sha256, reference_id FROM decision").fetchall()
        for pair in (DecisionPair(sha256.hex(), reference_id) for sha256, reference_id in pairs):
            words = words_on(connection, pair)
            was, now = (standing(words, needed) for needed in (before.needed, wanted.needed))
            _follow(connection, actor, pair, was, now, wanted)
    return True


def _follow(
    connection: sqlite3.Connection, actor: Actor, pair: DecisionPair, before: Standing, after: Standing, kept: Rules
) -> None:
    """What follows from a change: for the allow list, and for our opinion about the reference."""
    was, now = before.counts, after.counts
    if was == now:
        return
    if was == "allow" and not _is_allowed_elsewhere(connection, pair.sha256, kept.needed):
        _disallow(connection, actor, pair.sha256)
    elif now == "allow":
        _allow(connection, actor, pair.sha256, kept.source)
    if now in _OPINIONS:
        _give(connection, actor, pair, after, kept)
    elif was in _OPINIONS:
        # Decisions about other files that show the same reference still hold.
        others = connection.execute("SELECT DISTINCT sha256 FROM decision WHERE reference_id = ?", (pair.reference_id,))
        told = []
        for (sha256,) in others.fetchall():
            other = DecisionPair(sha256.hex(), pair.reference_id)
            found = standing(words_on(connection, other), kept.needed)
            if found.counts in _OPINIONS:
                told.append((found.at or "", other, found))
        if told:
            _at, other, found = max(told, key=lambda each: each[0])
            _give(connection, actor, other, found, kept)
        else:
            opinions.take_back(connection, actor, pair.reference_id, kept.source)


def _give(connection: sqlite3.Connection, actor: Actor, pair: DecisionPair, decided: Standing, kept: Rules) -> None:
    # A partner needs to know why a reference is doubtful. Any other note is about a case, and stays here.
    newest = last_words(words_on(connection, pair))[0]
    reason = newest.note if decided.decision == "dispute" else None
    said = Opinion(_OPINIONS[decided.decision or ""], kept.source, None, reason)
    opinions.give(connection, actor, pair.reference_id, said)


def _allow(connection: sqlite3.Connection, actor: Actor, sha256: str, source: str) -> None:
    """Put the bytes of a file on the allow list, which goes out with our lists."""
    known = lookup.id_of_sha256(connection, sha256)
    if known is None:
        # Only the digest, since nothing else of the file was verified.
        said = Membership(REVIEWED, source=source, allow=True, operator=actor.operator)
        references.add_digest(connection, actor, sha256, said)
        return
    if _is_reviewed(connection, known):
        curate.restore(connection, actor, known, REVIEWED)
    curate.set_allow(connection, actor, known, True)


def _is_allowed_elsewhere(connection: sqlite3.Connection, sha256: str, needed: int) -> bool:
    """Whether a decision about another reference that the file matches still says that it is legitimate."""
    found = connection.execute("SELECT DISTINCT reference_id FROM decision WHERE sha256 = ?", (bytes.fromhex(sha256),))
    pairs = [DecisionPair(sha256, reference_id) for (reference_id,) in found.fetchall()]
    return any(standing(words_on(connection, pair), needed).counts == "allow" for pair in pairs)


def _disallow(connection: sqlite3.Connection, actor: Actor, sha256: str) -> None:
    """Take the bytes of a file off the allow list, if a decision had put them there."""
    known = lookup.id_of_sha256(connection, sha256)
    if known is None:
        return
    if _is_reviewed(connection, known):
        curate.retract(connection, actor, known, None, REVIEWED)
    if lookup.reference(connection, known).live:  # others still know it for what it was
        curate.set_allow(connection, actor, known, False)


def _is_reviewed(connection: sqlite3.Connection, reference_id: int) -> bool:
    return any(source.collection == REVIEWED for source in lookup.reference(connection, reference_id).sources)

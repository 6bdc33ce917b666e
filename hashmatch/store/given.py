"""What lists with a name gave to others, entry by entry, so that it can be withdrawn from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hashmatch.clock import now_exactly
from hashmatch.records import Tlp
from hashmatch.store.voices import Voice

#: Under which name a word goes out: its author and its collection.
GivenName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class GivenEntry:
    """What a list gave of a word on a reference.

    collection_id: of the word. name: as it went out.
    tlp, changed: the mark and the date that it had last. withdrawn: whether it was withdrawn with that.
    carried: names of the digests and hashes that any number had of it, with commas; None: all that the word has.
    renamed: whether the key that said it was handed over since, so that it goes out under another name now.
    """

    collection_id: int
    name: GivenName
    tlp: Tlp | None
    changed: str
    withdrawn: bool
    carried: str | None
    renamed: bool = False


@dataclass(frozen=True, slots=True)
class GivenBefore:
    """What lists gave of a reference, by name. here: what one list gave. newest: the newest date that any list gave, and
    whether that was a withdrawal."""

    here: Mapping[GivenName, GivenEntry] = field(default_factory=dict)
    newest: Mapping[GivenName, tuple[str, bool]] = field(default_factory=dict)

    def dated(self, name: GivenName, changed: str, *, withdrawn: bool) -> str:
        """The date of an entry that goes out: that of its last change, but never older than what was given before; and now,
        if it was given or withdrawn, by this list or another, and is not any more. changed: "" if it is not known."""
        told = self.here.get(name)
        newest, was_withdrawn = self.newest.get(name, ("", withdrawn))
        if (told is not None and told.withdrawn != withdrawn) or (
            was_withdrawn and not withdrawn and newest >= changed
        ):
            changed = max(now_exactly(), changed)
        return max(changed, newest) or now_exactly()


@dataclass(frozen=True, slots=True)
class GivenList:
    """What one named list gave, and what its next number gives. since: the number that it goes on from."""

    connection: sqlite3.Connection
    name: str
    sequence: int
    since: int | None = None

    def note(self, given: Iterable[tuple[int, GivenEntry]]) -> None:
        """Note what the next number gives, by reference, within a transaction."""
        given = list(given)
        # Whoever reads another list that still gives it must get it anew: whose word it is counts, and not in which list.
        self.connection.executemany(
            "UPDATE given SET sequence = (SELECT max(sequence) + 1 FROM published WHERE published.list = given.list)"
            " WHERE reference_id = ? AND collection_id = ? AND list != ? AND NOT withdrawn AND changed <= ?",
            [(number, each.collection_id, self.name, each.changed) for number, each in given if each.withdrawn],
        )
        self.connection.executemany(
            "INSERT INTO given (list, reference_id, collection_id, tlp, changed, withdrawn, carried, sequence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (list, reference_id, collection_id) DO UPDATE SET"
            " tlp = excluded.tlp, changed = excluded.changed, withdrawn = excluded.withdrawn, carried = excluded.carried,"
            " sequence = iif(withdrawn = excluded.withdrawn, sequence, excluded.sequence)",
            [
                (self.name, reference_id, e.collection_id, e.tlp, e.changed, e.withdrawn, e.carried, self.sequence)
                for reference_id, e in given
            ],
        )


def before(connection: sqlite3.Connection, reference_id: int, list_name: str | None) -> GivenBefore:
    """What lists gave of a reference until now. list_name: of the one that goes on; None if it has no name."""
    rows = connection.execute(
        "SELECT list, collection_id, owner, author, name, given.tlp, changed, withdrawn, carried, owner IN"
        " (SELECT old_key FROM hand_over) OR author IN (SELECT old_key FROM hand_over) FROM given"
        " JOIN collection ON collection.id = collection_id JOIN voice ON voice.id = voice_id WHERE reference_id = ?"
        " ORDER BY changed, withdrawn",
        (reference_id,),
    )
    here, newest = dict[GivenName, GivenEntry](), dict[GivenName, tuple[str, bool]]()
    for name, collection_id, owner, author, collection, tlp, changed, withdrawn, carried, renamed in rows:
        word = Voice(owner, author).passed_on_as, collection
        newest[word] = changed, bool(withdrawn)
        if name == list_name:  # which may have had the word from several sources
            whole = both(carried, here[word].carried) if word in here else carried
            here[word] = GivenEntry(collection_id, word, tlp, changed, bool(withdrawn), whole, bool(renamed))
    return GivenBefore(here, newest)


def both(carried: str | None, more: str | None) -> str | None:
    """What two numbers of a list had of a word, see GivenEntry."""
    return None if carried is None or more is None else ",".join(sorted({*carried.split(","), *more.split(",")}))


def withdrawn_at(told: GivenEntry) -> str:
    """The date of the withdrawal of what a list gave: now, or when it was withdrawn first."""
    if told.renamed:  # older than the word under its new name, which whoever took that name for the old one has, too
        return told.changed
    return told.changed if told.withdrawn else max(now_exactly(), told.changed)

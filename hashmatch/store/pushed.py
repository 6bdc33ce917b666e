"""What was put into banks of servers from here, and under which numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hashmatch.clock import now, now_exactly
from hashmatch.records import Pushed, SentContent
from hashmatch.store import voices
from hashmatch.store.database import Store
from hashmatch.store.revisions import touch

#: For how long we look for a content whose number was not told. HMA's own index has it within minutes.
_LOST_AFTER = timedelta(hours=1)

#: How many other banks may be this one by another name, and how many contents of each are asked for.
_OTHER_BANKS, _OTHER_CONTENTS = 50, 64

#: What follows the name of a server, and a moment follows, of contents that were set aside.
_ASIDE = " "

_COLUMNS = "content_id, reference_id, digest, disabled, note"


@dataclass(frozen=True, slots=True)
class PushedContents:
    """The contents of one bank of one server that were made from references here: a BankLedger of exchange/hma.

    Each change is a transaction of its own: what a server has taken must not be forgotten.
    """

    store: Store
    server: str
    bank: str

    @property
    def origin(self) -> str:
        return origin(self.store.connection)

    def of(self, reference: int) -> Sequence[Pushed]:
        return self._found("AND reference_id = ? ORDER BY content_id", reference)

    def all(self) -> Iterator[Pushed]:
        last = -1
        while page := self._found("AND content_id > ? ORDER BY content_id LIMIT 1000", last):
            yield from page
            last = page[-1].content

    def some(self, most: int) -> Sequence[Pushed]:
        found = self._found("ORDER BY random() LIMIT ?", most)
        return sorted(found, key=lambda each: each.content)

    def highest(self) -> int:
        query = "SELECT max(content_id) FROM pushed WHERE server = ?1 OR instr(server, ?1 || ?2) = 1"
        return int(self.store.connection.execute(query, (self.server, _ASIDE)).fetchone()[0] or 0)

    def put(self, pushed: Iterable[Pushed]) -> None:
        with self.store.transaction() as connection:
            self._put(connection, pushed)

    def forget(self, numbers: Iterable[int]) -> None:
        with self.store.transaction() as connection:
            connection.executemany(
                "DELETE FROM pushed WHERE server = ? AND bank = ? AND content_id = ?",
                [(self.server, self.bank, number) for number in numbers],
            )

    def set_aside(self) -> int:
        """See BankLedger. They are kept under a name that no server has."""
        with self.store.transaction() as connection:
            return connection.execute(
                "UPDATE pushed SET server = ? WHERE server = ? AND bank = ?",
                (f"{self.server}{_ASIDE}{now_exactly()}", self.server, self.bank),
            ).rowcount

    def send(self, contents: Sequence[SentContent]) -> None:
        if contents:
            with self.store.transaction() as connection:
                connection.executemany(
                    "INSERT INTO sent (server, bank, reference_id, signals, note, after, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (self.server, self.bank, each.reference, json.dumps(each.signals), each.note, each.after, now())
                        for each in contents
                    ],
                )

    def arrived(self, contents: Iterable[tuple[SentContent, Pushed | None]]) -> None:
        told = list(contents)
        if told:
            with self.store.transaction() as connection:
                self._put(connection, (pushed for _sent, pushed in told if pushed is not None))
                connection.executemany("DELETE FROM sent WHERE note = ?", [(sent.note,) for sent, _pushed in told])

    def under_way(self) -> Sequence[SentContent]:
        rows = self.store.connection.execute(
            "SELECT reference_id, signals, note, after FROM sent WHERE server = ? AND bank = ? ORDER BY id",
            (self.server, self.bank),
        )
        return [SentContent(reference, json.loads(signals), *rest) for reference, signals, *rest in rows]

    def give_up(self) -> None:
        before = (datetime.now(UTC) - _LOST_AFTER).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self.store.transaction() as connection:
            connection.execute(
                "DELETE FROM sent WHERE server = ? AND bank = ? AND at < ?", (self.server, self.bank, before)
            )

    def elsewhere(self) -> Iterable[tuple[str, str, Sequence[Pushed]]]:
        banks = self.store.connection.execute(
            "SELECT server, bank FROM pushed WHERE (server, bank) != (?, ?) GROUP BY server, bank"
            " ORDER BY max(id) DESC LIMIT ?",
            (self.server, self.bank, _OTHER_BANKS),
        ).fetchall()
        for server, bank in banks:
            yield server, bank, PushedContents(self.store, server, bank).some(_OTHER_CONTENTS)

    def take_over(self, server: str, bank: str) -> None:
        self._move((server, bank), (self.server, self.bank))

    def hand_over(self, bank: str) -> None:
        self._move((self.server, self.bank), (self.server, bank))

    def _move(self, before: tuple[str, str], after: tuple[str, str]) -> None:
        with self.store.transaction() as connection:
            _move_opinions(connection, (_name_of(before[0]), before[1]), after)
            # Of a number that is known under both names there is one row too many.
            connection.execute(
                "DELETE FROM pushed WHERE (server, bank) = (?, ?) AND content_id IN"
                " (SELECT content_id FROM pushed WHERE (server, bank) = (?, ?))",
                (*after, *before),
            )
            for table in ("pushed", "sent"):
                query = f"UPDATE {table} SET (server, bank) = (?, ?) WHERE (server, bank) = (?, ?)"
                connection.execute(query, (*after, *before))

    def _put(self, connection: sqlite3.Connection, pushed: Iterable[Pushed]) -> None:
        at = now()
        connection.executemany(
            f"INSERT INTO pushed (server, bank, {_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (server, bank, content_id) DO UPDATE SET reference_id = excluded.reference_id,"
            " digest = excluded.digest, disabled = excluded.disabled, note = excluded.note, at = excluded.at",
            [
                (self.server, self.bank, each.content, each.reference, each.digest, each.disabled, each.note, at)
                for each in pushed
            ],
        )

    def _found(self, condition: str, *values: int) -> list[Pushed]:
        rows = self.store.connection.execute(
            f"SELECT {_COLUMNS} FROM pushed WHERE server = ? AND bank = ? {condition}",
            (self.server, self.bank, *values),
        )
        return [Pushed(content, of, digest, bool(disabled), note) for content, of, digest, disabled, note in rows]


def references_of(
    connection: sqlite3.Connection, bank: str, number: int, server: str | None = None, digest: str | None = None
) -> list[int]:
    """The references of which a content with this number was made, in ascending order.

    bank: its name, with a digest of the signals also another name, since a bank may have been renamed.
    server: None for any server.
    """
    rows = connection.execute(
        "SELECT DISTINCT reference_id FROM pushed WHERE content_id = ?1 AND (bank = ?2 OR ?4 IS NOT NULL)"
        " AND (server = ?3 OR ?3 IS NULL) AND (digest = ?4 OR ?4 IS NULL) AND instr(server, ?5) = 0 ORDER BY 1",
        (number, bank, server, digest, _ASIDE),
    )
    return [reference_id for (reference_id,) in rows]


def opinion_source(server: str, bank: str) -> str:
    """As whose opinion we keep what others did in a bank."""
    return f"HMA {server} {bank}"


def _name_of(server: str) -> str:
    """The name of a server, also of contents that were set aside."""
    return server.split(_ASIDE)[0]


def _move_opinions(connection: sqlite3.Connection, before: tuple[str, str], after: tuple[str, str]) -> None:
    """What others did in a bank is known by its new name from here on, so that they can take it back under that name."""
    if before == after:
        return
    old, new = (voices.number(connection, voices.of_server(server)) for server, _bank in (before, after))
    said = connection.execute(
        "SELECT id, reference_id, at FROM opinion WHERE (voice_id, source) = (?, ?)", (old, opinion_source(*before))
    )
    for number, reference_id, at in said.fetchall():
        there = connection.execute(
            "SELECT id, at FROM opinion WHERE (reference_id, voice_id, source) = (?, ?, ?)",
            (reference_id, new, opinion_source(*after)),
        ).fetchone()
        if there is not None:  # the last word counts
            connection.execute("DELETE FROM opinion WHERE id = ?", (there[0] if at > there[1] else number,))
        connection.execute(
            "UPDATE opinion SET (voice_id, source) = (?, ?) WHERE id = ?", (new, opinion_source(*after), number)
        )
        touch(connection, reference_id)


def origin(connection: sqlite3.Connection) -> str:
    """The number of this reference set, with which the notes of its contents begin: 32 hexadecimal digits."""
    return str(connection.execute("SELECT lower(hex(uuid)) FROM origin").fetchone()[0])

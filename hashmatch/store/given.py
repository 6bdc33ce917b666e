"""What lists with a name gave to others, entry by entry, so that it can be withdrawn from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from hashmatch.clock import now_exactly
from hashmatch.records import Tlp


@dataclass(frozen=True, slots=True)
class GivenEntry:
    """What a list last gave of a reference and collection.

    tlp: the mark that it had. changed: the date that it had. withdrawn: whether it was withdrawn with that.
    """

    tlp: Tlp | None
    changed: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class GivenList:
    """What one named list gave, and what its next number gives. since: the number that it goes on from."""

    connection: sqlite3.Connection
    name: str
    sequence: int
    since: int | None = None

    def of(self, reference_id: int) -> Mapping[int, GivenEntry]:
        """What the list gave of a reference, by collection."""
        rows = self.connection.execute(
            "SELECT collection_id, tlp, changed, withdrawn FROM given WHERE list = ? AND reference_id = ?",
            (self.name, reference_id),
        )
        return {number: GivenEntry(tlp, changed, bool(withdrawn)) for number, tlp, changed, withdrawn in rows}

    def note(self, rows: list[tuple[int, int, GivenEntry]]) -> None:
        """Note what the next number gives, by reference and collection, within a transaction."""
        self.connection.executemany(
            "INSERT INTO given (list, reference_id, collection_id, tlp, changed, withdrawn, sequence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (list, reference_id, collection_id) DO UPDATE SET"
            " tlp = excluded.tlp, changed = excluded.changed, withdrawn = excluded.withdrawn,"
            " sequence = iif(withdrawn = excluded.withdrawn, sequence, excluded.sequence)",
            [
                (self.name, reference_id, collection_id, each.tlp, each.changed, each.withdrawn, self.sequence)
                for reference_id, collection_id, each in rows
            ],
        )


def dated(changed: str | None, before: GivenEntry | None, *, withdrawn: bool) -> str:
    """The date of an entry that goes out: that of its last change, but never older than what was given before; and if it was
    given or withdrawn, and is not any more, now."""
    if before is None:
        return changed or now_exactly()
    if before.withdrawn != withdrawn:
        return max(now_exactly(), changed or "")
    return max(changed or "", before.changed)


def newest(connection: sqlite3.Connection, reference_id: int) -> Mapping[int, str]:
    """The newest date that any list gave to an entry of a reference, by collection."""
    rows = connection.execute(
        "SELECT collection_id, max(changed) FROM given WHERE reference_id = ? GROUP BY collection_id", (reference_id,)
    )
    return dict(rows.fetchall())

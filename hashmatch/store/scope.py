"""Which references a search looks among: all that are live, those of some collections, or the allow list."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from hashmatch.store import lookup

_MEMBERSHIPS = "SELECT collection_id FROM membership WHERE reference_id = id AND retracted IS NULL"


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The live references that a search looks among.

    collections: ids of collections. If there are any, only their references are searched, and the allow list, which protects
    files whatever the search is for.
    allowed: only the allow list is searched. It counts if there are no collections.
    """

    collections: tuple[int, ...] = ()
    allowed: bool = False

    @classmethod
    def of(cls, connection: sqlite3.Connection, collections: Sequence[str], allowed: bool) -> SearchScope:
        """The scope by the names of collections. Raises CommandError if there is no collection of one of these names."""
        return cls(tuple(lookup.collection_number(connection, name) for name in collections), allowed)

    def has(self, connection: sqlite3.Connection, reference_id: int) -> bool:
        """Whether a reference is live and in the scope."""
        row = connection.execute(f"SELECT 1 FROM live_reference WHERE id = ? AND {self._condition()}", (reference_id,))
        return row.fetchone() is not None

    def _condition(self) -> str:
        if self.collections:
            numbers = ",".join(map(str, self.collections))
            return f"(allow OR EXISTS ({_MEMBERSHIPS} AND collection_id IN ({numbers})))"
        return "allow" if self.allowed else "1"

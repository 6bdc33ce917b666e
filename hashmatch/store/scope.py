"""Which references a search looks among: all that are live, those of some collections, or the allow list."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import lookup

_MEMBERSHIPS = "SELECT collection_id FROM live_membership WHERE reference_id = id"
_SEARCHED = ", ".join(f"'{name}'" for name in hashers.HASHERS)
_CAN_BE_FOUND = (
    "(sha256 IS NOT NULL OR sha1 IS NOT NULL OR md5 IS NOT NULL OR"
    f" EXISTS (SELECT 1 FROM hash WHERE reference_id = live_reference.id AND algorithm IN ({_SEARCHED})))"
)


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
        numbers = (number for name in collections for number in lookup.collection_numbers(connection, name))
        return cls(tuple(numbers), allowed)

    def has(self, connection: sqlite3.Connection, reference_id: int) -> bool:
        """Whether a reference is live and in the scope."""
        row = connection.execute(f"SELECT 1 FROM live_reference WHERE id = ? AND {self._condition()}", (reference_id,))
        return row.fetchone() is not None

    def require_known(self, connection: sqlite3.Connection) -> None:
        """Raise CommandError if no live reference in the scope is known propaganda that can be found, by digest or hash.

        References on the allow list do not count: they only protect files.
        """
        known = f"NOT allow AND {self._condition()} AND {_CAN_BE_FOUND}"
        if connection.execute(f"SELECT 1 FROM live_reference WHERE {known} LIMIT 1").fetchone() is not None:
            return
        if self.collections:
            raise CommandError(_("nothing to compare with: the collections that were named have no live references"))
        if not lookup.size(connection):
            raise CommandError(_("nothing to compare with: the reference set is empty; `index` or `import` fills it"))
        if connection.execute("SELECT 1 FROM live_reference WHERE allow LIMIT 1").fetchone() is not None:
            raise CommandError(_("nothing to compare with: the reference set has an allow list, and nothing else"))
        raise CommandError(_("nothing to compare with: all references are retracted, or have no hash that is searched"))

    def _condition(self) -> str:
        if self.collections:
            numbers = ",".join(map(str, self.collections))
            return f"(allow OR EXISTS ({_MEMBERSHIPS} AND collection_id IN ({numbers})))"
        return "allow" if self.allowed else "1"

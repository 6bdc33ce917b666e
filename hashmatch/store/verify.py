"""Whether the database is what it was when it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from hashmatch import hashers
from hashmatch.i18n import _
from hashmatch.store import audit
from hashmatch.store.database import Store


def check(store: Store) -> Iterator[str]:
    """Name everything that is wrong; nothing if the database is sound."""
    connection = store.connection
    try:
        for (message,) in connection.execute("PRAGMA integrity_check"):
            if message != "ok":
                yield _("SQLite: {message}").format(message=message)
        for table, row, parent, _number in connection.execute("PRAGMA foreign_key_check"):
            yield _("row {row} of {table} points to a row of {parent} that is not there").format(
                row=row, table=table, parent=parent
            )
        for name, module in hashers.HASHERS.items():
            del module
            width = hashers.by_name(name).bits // 8
            wrong = connection.execute(
                "SELECT reference_id FROM hash WHERE algorithm = ? AND length(bits) != ? * count", (name, width)
            )
            for (reference_id,) in wrong:
                yield _("reference {id} has a {name} hash of a wrong length").format(id=reference_id, name=name)
        yield from audit.check(store)
    except sqlite3.DatabaseError as error:
        yield _("SQLite: {message}").format(message=error)

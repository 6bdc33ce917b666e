"""Whose word something is: of people here, of a key that signs lists, of a partner's interface, of another reference set.

A voice is an owner, and an author for whom the owner passes the word on ("" if it speaks for itself). See docs/lists.md.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

#: People here.
HERE = 1
#: The owner of unsigned lists that do not name their reference set. Their entries' collections are the authors.
UNSIGNED = "unsigned"

#: How owners begin that are not public keys.
_INTERFACE, _SERVER, _ORIGIN = "interface:", "hma:", "origin:"


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose word something is, see docs/lists.md. Both are empty for people here."""

    owner: str = ""
    author: str = ""

    @property
    def passed_on_as(self) -> str:
        """The author of what this voice said, in our lists; "" if it is our own word."""
        if self.owner == UNSIGNED and not self.author.startswith(f"{UNSIGNED}:"):
            return f"{UNSIGNED}:{self.author}"
        return self.author or self.owner


def of_interface(name: str) -> str:
    """The owner of what a partner's interface says, by the name of its format."""
    return _INTERFACE + name


def of_server(name: str) -> str:
    """The owner of what happened on an HMA server."""
    return _SERVER + name


def of_origin(origin: str) -> str:
    """The owner of unsigned lists of another reference set, by its 32 hexadecimal digits."""
    return _ORIGIN + origin


def number(connection: sqlite3.Connection, owner: str, author: str = "") -> int:
    """The number of a voice, which is added if it is new."""
    row = connection.execute("SELECT id FROM voice WHERE owner = ? AND author = ?", (owner, author)).fetchone()
    if row is not None:
        return int(row[0])
    cursor = connection.execute("INSERT INTO voice (owner, author) VALUES (?, ?)", (owner, author))
    return int(cursor.lastrowid or 0)


def origin(connection: sqlite3.Connection) -> str:
    """What tells this reference set from every other: 32 hexadecimal digits."""
    return str(connection.execute("SELECT uuid FROM origin").fetchone()[0].hex())


def set_ours(connection: sqlite3.Connection, public_key: str) -> None:
    """Note that lists of this reference set are signed with a key."""
    connection.execute("UPDATE voice SET ours = 1 WHERE id = ?", (number(connection, public_key),))


def ours(connection: sqlite3.Connection) -> frozenset[str]:
    """The owners that are this reference set, as other lists call it: its keys and its origin."""
    keys = connection.execute(
        "WITH RECURSIVE key (name) AS (SELECT owner FROM voice WHERE ours"
        " UNION SELECT old_key FROM hand_over JOIN key ON new_key = name) SELECT name FROM key"
    )
    return frozenset([of_origin(origin(connection)), *(name for (name,) in keys)])


def successors(connection: sqlite3.Connection) -> dict[str, str]:
    """The keys that were handed over, and the key that has the place of each now."""
    direct = dict(connection.execute("SELECT old_key, new_key FROM hand_over").fetchall())

    def last(key: str) -> str:
        return last(direct[key]) if key in direct else key

    return {old: last(new) for old, new in direct.items()}


def trusted(connection: sqlite3.Connection) -> frozenset[str]:
    """The keys whose allow list counts without a person's word."""
    return frozenset(key for (key,) in connection.execute("SELECT public_key FROM key_trust"))

"""What commands that change references share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from hashmatch.cli.shared.app import App
from hashmatch.errors import CommandError
from hashmatch.escape import for_terminal
from hashmatch.i18n import _
from hashmatch.store import lookup, open_store
from hashmatch.store.audit import Actor

#: Changes one reference within a transaction. Returns a line that says what it did.
ReferenceChange = Callable[[sqlite3.Connection, Actor, lookup.Reference], str]


def change_references(app: App, command: str, refs: tuple[str, ...], change: ReferenceChange) -> int:
    """Change references in one transaction, after finding all of them, so that a mistyped one changes nothing."""
    if not app.database.exists():
        raise CommandError(_("there is no database {path}").format(path=app.database))
    actor = Actor.current(command)
    with open_store(app.database, write=True) as store:
        found = [lookup.find(store.connection, ref) for ref in refs]
        with store.transaction() as connection:
            done = [change(connection, actor, reference) for reference in found]
    for reference, text in zip(found, done, strict=True):
        app.say(f"#{reference.id}: {for_terminal(text)}")
    return 0

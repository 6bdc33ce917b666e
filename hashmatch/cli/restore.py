"""`hashmatch restore`: undo retractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, pass_app, references_argument
from hashmatch.i18n import _

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference


@click.command(help=_("Undo the retraction of references. They match again."))
@references_argument
@click.option("--collection", help=_("Only in this collection. Default: in all."))
@pass_app
def command(app: App, refs: tuple[str, ...], collection: str | None) -> int:
    from hashmatch.cli.shared.curation import change_references
    from hashmatch.store import curate

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        restored = curate.restore(connection, actor, reference.id, collection)
        return _("restored") if restored else _("was not retracted")

    return change_references(app, "restore", refs, change)

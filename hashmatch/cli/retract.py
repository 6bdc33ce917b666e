"""`hashmatch retract`: withdraw references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hashmatch.cli.app import App, pass_app, references_argument
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference


@click.command(
    help=_(
        "Withdraw references: they match nothing any more, and exports tell the partners. They stay as tombstones, so"
        " that indexing or importing them again does not bring them back."
    )
)
@references_argument
@click.option("--reason", help=_("Why; travels with exports."))
@click.option("--collection", help=_("In this collection only. Default: in all."))
@pass_app
def command(app: App, refs: tuple[str, ...], reason: str | None, collection: str | None) -> int:
    from hashmatch.cli.curation import change_references
    from hashmatch.store import curate, lookup

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        if collection is not None and collection not in {source.collection for source in reference.sources}:
            raise CommandError(
                _("reference {id} is not in {collection}").format(id=reference.id, collection=collection)
            )
        if not curate.retract(connection, actor, reference.id, reason, collection):
            return _("was retracted before")
        others = [s.collection for s in lookup.reference(connection, reference.id).sources if s.retracted is None]
        if others:
            return _("retracted; still live in: {collections}").format(collections=", ".join(others))
        return _("retracted")

    return change_references(app, "retract", refs, change)

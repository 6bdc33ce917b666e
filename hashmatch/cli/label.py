"""`hashmatch label`: put labels on references and take them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hashmatch.cli.app import App, pass_app, references_argument
from hashmatch.i18n import _

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference


@click.command(help=_("Put labels on references, or take them off."))
@references_argument
@click.option("--add", "add", multiple=True, metavar="LABEL", help=_("Put this label on. Repeatable."))
@click.option("--remove", "remove", multiple=True, metavar="LABEL", help=_("Take this label off. Repeatable."))
@pass_app
def command(app: App, refs: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]) -> int:
    from hashmatch.cli.curation import change_references
    from hashmatch.store import curate, lookup

    if not add and not remove:
        raise click.UsageError(_("give --add or --remove"))

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        curate.set_labels(connection, actor, reference.id, add, remove)
        labels = lookup.reference(connection, reference.id).labels
        return _("labels: {labels}").format(labels=", ".join(labels) or _("none"))

    return change_references(app, "label", refs, change)

"""`hashmatch allow`: the allow list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, pass_app, references_argument
from hashmatch.i18n import _

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference


@click.command(
    help=_(
        "Put references on the allow list. They are known to be legitimate (news, documentation, counter-speech), and"
        " protect whatever matches them best from being flagged."
    )
)
@references_argument
@click.option("--off", is_flag=True, help=_("Take them off the list."))
@pass_app
def command(app: App, refs: tuple[str, ...], off: bool) -> int:
    from hashmatch.cli.shared.curation import change_references
    from hashmatch.store import curate

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        if not curate.set_allow(connection, actor, reference.id, not off):
            return _("is not on the allow list") if off else _("was already on the allow list")
        if not reference.live and not off:
            return _("on the allow list, but retracted: it protects nothing until `hashmatch restore`")
        return _("taken off the allow list") if off else _("on the allow list")

    return change_references(app, "allow", refs, change)

"""`hashmatch allow`: the allow list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, optional_references_argument, pass_app
from hashmatch.i18n import _, ngettext

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference


@click.command(
    help=_(
        "Put references on the allow list. They are known to be legitimate (news, documentation, counter-speech), and"
        " protect whatever matches them best from being flagged. With --pending, list what lists of others would allow and"
        " nobody here has decided on."
    )
)
@optional_references_argument
@click.option("--off", is_flag=True, help=_("Take them off the list."))
@click.option("--pending", is_flag=True, help=_("List what waits for a decision."))
@pass_app
def command(app: App, refs: tuple[str, ...], off: bool, pending: bool) -> int:
    from hashmatch.cli.shared.curation import change_references
    from hashmatch.store import curate

    if bool(refs) == pending or (off and pending):
        raise click.UsageError(_("name references, or give --pending"))
    if pending:
        return _list_pending(app)

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        if not curate.set_allow(connection, actor, reference.id, not off):
            return _("is not on the allow list") if off else _("was already on the allow list")
        if not reference.live and not off:
            return _("on the allow list, but retracted: it protects nothing until `hashmatch restore`")
        return _("taken off the allow list") if off else _("on the allow list")

    return change_references(app, "allow", refs, change)


def _list_pending(app: App) -> int:
    from hashmatch.cli.shared.owners import called
    from hashmatch.escape import for_terminal
    from hashmatch.store import allow_list, open_store

    count = 0
    with open_store(app.database) as store:
        for word in allow_list.pending(store.connection):
            count += 1
            told = [for_terminal(word.collection), called(word.owner)]
            told += [for_terminal(word.source)] if word.source else []
            told += [_("others call it propaganda")] if word.against else []
            click.echo(f"#{word.reference}  {', '.join(told)}")
    app.say(ngettext("{n:,} word waits for a decision", "{n:,} words wait for a decision", count).format(n=count))
    return 0

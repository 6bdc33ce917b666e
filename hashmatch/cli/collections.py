"""`hashmatch collections`: list and change the collections."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from hashmatch.cli.shared.app import TLP_CHOICE, App, format_option, pass_app
from hashmatch.i18n import _
from hashmatch.records import Tlp


@click.command(
    help=_(
        "List the collections, or change one. With a name and options, it changes the sharing rule or note of that one."
    )
)
@click.argument("name", required=False)
@click.option(
    "--tlp", type=TLP_CHOICE, help=_("How far its references may be shared, unless they are marked otherwise.")
)
@click.option("--note", help=_("What the collection is."))
@format_option("table", "json")
@pass_app
def command(app: App, name: str | None, tlp: Tlp | None, note: str | None, form: str) -> int:
    from hashmatch.cli.shared.owners import called
    from hashmatch.escape import for_terminal
    from hashmatch.report import as_json
    from hashmatch.store import curate, lookup, open_store
    from hashmatch.store.audit import Actor

    changes = tlp is not None or note is not None
    if changes and name is None:
        raise click.UsageError(_("name the collection to change"))
    with open_store(app.database, write=changes and app.database.exists()) as store:
        if name is not None:
            lookup.collection_numbers(store.connection, name)
        if changes and name is not None:
            with store.transaction() as connection:
                curate.set_collection(connection, Actor.current("collections"), name, tlp, note)
        listed = [c for c in curate.collections(store.connection) if name is None or c.name == name]
    if form == "json":
        as_json.dump([asdict(collection) for collection in listed], sys.stdout.buffer, indent=2)
        return 0
    from rich.table import Table

    from hashmatch.cli.shared.progress import data_console

    table = Table(_("collection"), _("whose"), _("TLP"), _("references"), _("retracted"), _("since"), _("note"))
    for each in listed:
        mark = each.tlp.upper() if each.tlp else ""
        table.add_row(
            for_terminal(each.name),
            called(each.owner, each.author),
            mark,
            f"{each.references:,}",
            f"{each.retracted:,}",
            each.created,
            for_terminal(each.note or ""),
        )
    data_console().print(table, markup=False)
    return 0

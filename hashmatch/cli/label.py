"""`hashmatch label`: add labels to references, remove them, and list them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, optional_references_argument, pass_app
from hashmatch.i18n import _

if TYPE_CHECKING:
    import sqlite3

    from rich.table import Table

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference
    from hashmatch.store.taxonomy import Taxonomy


@click.command(
    help=_(
        "Add labels to references, or remove them. Any label is allowed. The taxonomy, a file that you can edit, says"
        " which ones to use: facet:name, such as behaviour:recruitment."
    )
)
@optional_references_argument
@click.option("--add", "add", multiple=True, metavar="LABEL", help=_("Add this label. Repeatable."))
@click.option("--remove", "remove", multiple=True, metavar="LABEL", help=_("Remove this label. Repeatable."))
@click.option(
    "--list", "list_all", is_flag=True, help=_("Print the taxonomy, and how many references have each label.")
)
@click.option(
    "--copy-taxonomy", "copy", is_flag=True, help=_("Put the default taxonomy beside the database, for you to edit.")
)
@format_option("table", "json")
@pass_app
def command(
    app: App,
    refs: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    list_all: bool,
    copy: bool,
    form: str,
) -> int:
    changes = bool(add or remove)
    if changes + list_all + copy != 1:
        raise click.UsageError(_("give --add or --remove, or --list, or --copy-taxonomy"))
    if changes != bool(refs):
        raise click.UsageError(_("name references") if changes else _("references go with --add and --remove only"))
    if form != "table" and not list_all:
        raise click.UsageError(_("--format needs --list"))
    if copy:
        from hashmatch.escape import for_terminal
        from hashmatch.store.taxonomy import copy_default

        path = copy_default(app.database)
        app.say(_("the taxonomy of {db} is now {path}").format(db=app.database, path=for_terminal(str(path))))
        return 0
    if list_all:
        _list(app, form)
        return 0
    return _change(app, refs, add, remove)


def _change(app: App, refs: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]) -> int:
    from hashmatch.cli.shared.curation import change_references
    from hashmatch.cli.shared.labels import remark_on
    from hashmatch.store import curate, lookup

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        curate.set_labels(connection, actor, reference.id, add, remove)
        labels = lookup.reference(connection, reference.id).labels
        return _("labels: {labels}").format(labels=", ".join(labels) or _("none"))

    code = change_references(app, "label", refs, change)
    remark_on(app, add)
    return code


def _list(app: App, form: str) -> None:
    from hashmatch.escape import for_terminal
    from hashmatch.report import as_json
    from hashmatch.store import open_store, stats
    from hashmatch.store.taxonomy import load

    taxonomy = load(app.database)
    used: dict[str, int] = {}
    if app.database.exists():  # the taxonomy is there before the database
        with open_store(app.database) as store:
            used = stats.labels_used(store.connection)
    if form == "json":
        as_json.dump(as_json.taxonomy(taxonomy, used), sys.stdout.buffer, indent=2)
        return
    from hashmatch.cli.shared.progress import data_console

    console = data_console()
    for table in _tables(taxonomy, used):
        console.print(table, markup=False)
    app.say(_("the taxonomy is {path}").format(path=for_terminal(str(taxonomy.path))))


def _tables(taxonomy: Taxonomy, used: dict[str, int]) -> Iterator[Table]:
    from rich.table import Table

    from hashmatch.escape import for_terminal

    for facet in taxonomy.facets.values():
        described = f"{facet.title}: {facet.description}" if facet.description else facet.title
        table = Table(_("label"), _("references"), _("meaning"), title=for_terminal(described))
        for name, meaning in facet.labels.items():
            label = f"{facet.name}:{name}"
            table.add_row(for_terminal(label), f"{used.get(label, 0):,}", for_terminal(meaning))
        for label in taxonomy.further(facet, used):
            table.add_row(for_terminal(label), f"{used[label]:,}", "")
        yield table
    others = [label for label in used if label not in taxonomy]
    if others:
        table = Table(_("label"), _("references"), title=_("not in the taxonomy"))
        for label in others:
            table.add_row(for_terminal(label), f"{used[label]:,}")
        yield table

"""`hashmatch show`: everything known about references."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, pass_app, references_argument
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.store import Store


@click.command(
    help=_(
        "Show everything known about references. Name them by id, digest (8 digits or more) or path; with --bank by the"
        " numbers of contents that an HMA server matched."
    )
)
@references_argument
@click.option(
    "--bank", metavar="NAME", help=_("Show the references of which contents of this bank were made, by their numbers.")
)
@click.option(
    "--hma",
    "server",
    metavar="URL",
    help=_(
        "The HMA server of the bank. It is asked for what is not known here, by the note that the content has there."
    ),
)
@format_option("table", "json")
@pass_app
def command(app: App, refs: tuple[str, ...], bank: str | None, server: str | None, form: str) -> int:
    from hashmatch.cli.shared.owners import called
    from hashmatch.report import as_json
    from hashmatch.report.reference_text import reference_lines
    from hashmatch.store import hash_rows, lookup, open_store, word_facts

    if server is not None and bank is None:
        raise click.UsageError(_("--hma goes with --bank"))
    with open_store(app.database) as store:
        shown = []
        for ref in refs if bank is None else _of_contents(store, bank, refs, server):
            reference = lookup.find(store.connection, ref)
            where = lookup.locations(store.connection, reference.id)
            hashes = hash_rows.hashes(store.connection, reference.id)
            lists = lookup.provenance(store.connection, reference.id)
            stated = word_facts.stated(store.connection, reference.id)
            if form == "json":
                shown.append(as_json.shown(reference, where, hashes, lists, stated))
            else:
                for line in reference_lines(reference, where, hashes, lists, stated, called):
                    click.echo(line)
        if form == "json":
            as_json.dump(shown, sys.stdout.buffer, indent=2)
    return 0


def _of_contents(store: Store, bank: str, numbers: Sequence[str], server: str | None) -> list[str]:
    """The ids of the references of which contents of a bank were made."""
    from hashmatch.workflows.banks import references_in_bank

    for number in numbers:
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise click.BadParameter(_("not the number of a content: {text}").format(text=number), param_hint="REF")
    found = (references_in_bank(store, bank, int(number), server) for number in numbers)
    return [str(reference) for several in found for reference in several]

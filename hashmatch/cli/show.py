"""`hashmatch show`: everything known about references."""

from __future__ import annotations

import sys

import click

from hashmatch.cli.shared.app import App, format_option, pass_app, references_argument
from hashmatch.i18n import _


@click.command(help=_("Show everything known about references. Name them by id, digest (8 digits or more) or path."))
@references_argument
@format_option("table", "json")
@pass_app
def command(app: App, refs: tuple[str, ...], form: str) -> int:
    from hashmatch.cli.shared.owners import called
    from hashmatch.report import as_json
    from hashmatch.report.reference_text import reference_lines
    from hashmatch.store import hash_rows, lookup, open_store

    with open_store(app.database) as store:
        shown = []
        for ref in refs:
            reference = lookup.find(store.connection, ref)
            where = lookup.locations(store.connection, reference.id)
            hashes = hash_rows.hashes(store.connection, reference.id)
            lists = lookup.provenance(store.connection, reference.id)
            if form == "json":
                shown.append(as_json.shown(reference, where, hashes, lists))
            else:
                for line in reference_lines(reference, where, hashes, lists, called):
                    click.echo(line)
        if form == "json":
            as_json.dump(shown, sys.stdout.buffer, indent=2)
    return 0

"""`hashmatch list`: the references, one per line."""

from __future__ import annotations

import sys

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _


@click.command(help=_("List the references. One per line: id, kind, state, digest, collections, labels, a path."))
@click.option("--collection", "collections", multiple=True, help=_("Only this collection. Repeatable."))
@click.option(
    "--label",
    "labels",
    multiple=True,
    help=_("Only references with this label. Repeatable; they must have all of them."),
)
@click.option("--retracted", is_flag=True, help=_("Only retracted ones."))
@click.option("--allowed", is_flag=True, help=_("Only those on the allow list."))
@click.option("--failed", is_flag=True, help=_("Only those without a hash, because they could not be decoded."))
@format_option("table", "jsonl")
@pass_app
def command(
    app: App,
    collections: tuple[str, ...],
    labels: tuple[str, ...],
    retracted: bool,
    allowed: bool,
    failed: bool,
    form: str,
) -> int:
    from hashmatch.report import as_json
    from hashmatch.report.reference_text import list_line
    from hashmatch.store import lookup, open_store

    with open_store(app.database) as store:
        for name in collections:
            lookup.collection_numbers(store.connection, name)
        for reference in lookup.references(store.connection, allowed=allowed, failed=failed, retracted=retracted):
            if collections and not {source.collection for source in reference.sources} & set(collections):
                continue
            if not set(labels) <= set(reference.labels):
                continue
            if form == "jsonl":
                as_json.dump(as_json.reference(reference), sys.stdout.buffer)
            else:
                click.echo(list_line(reference, lookup.locations(store.connection, reference.id)))
    return 0

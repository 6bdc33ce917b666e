"""`hashmatch retract`: withdraw references, and find the results that rested on them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, optional_references_argument, pass_app
from hashmatch.errors import CommandError
from hashmatch.i18n import _, ngettext

if TYPE_CHECKING:
    import sqlite3

    from hashmatch.store.audit import Actor
    from hashmatch.store.lookup import Reference
    from hashmatch.store.scans import Recalled


@click.command(
    help=_(
        "Withdraw references, so that they match nothing. Exports tell the partners. The references stay as tombstones, so"
        " that indexing or importing them again does not bring them back. With --recall, list the results of"
        " `scan --record` that rested on them; without REF, on anything that is retracted."
    )
)
@optional_references_argument
@click.option("--reason", help=_("Why. Exports carry it."))
@click.option("--collection", help=_("Only in this collection. Default: in all."))
@click.option("--recall", is_flag=True, help=_("List the recorded results of scans that rested on them."))
@format_option("table", "json")
@pass_app
def command(
    app: App, refs: tuple[str, ...], reason: str | None, collection: str | None, recall: bool, form: str
) -> int:
    if not refs and not recall:
        raise click.UsageError(_("name references, or give --recall"))
    if not refs and (reason is not None or collection is not None):
        raise click.UsageError(_("--reason and --collection need references to withdraw"))
    if form != "table" and not recall:
        raise click.UsageError(_("--format needs --recall"))
    if refs:
        _retract(app, refs, reason, collection)
    if recall:
        _recall(app, refs, form)
    return 0


def _retract(app: App, refs: tuple[str, ...], reason: str | None, collection: str | None) -> None:
    from hashmatch.cli.shared.curation import change_references
    from hashmatch.store import curate, lookup

    def change(connection: sqlite3.Connection, actor: Actor, reference: Reference) -> str:
        if collection is not None and collection not in {source.collection for source in reference.sources}:
            raise CommandError(
                _("reference {id} is not in {collection}").format(id=reference.id, collection=collection)
            )
        if not curate.retract(connection, actor, reference.id, reason, collection):
            return _("was already retracted")
        others = [s.collection for s in lookup.reference(connection, reference.id).sources if s.retracted is None]
        if others:
            return _("retracted; still live in: {collections}").format(collections=", ".join(others))
        return _("retracted")

    change_references(app, "retract", refs, change)


def _recall(app: App, refs: tuple[str, ...], form: str) -> None:
    from hashmatch.report import as_json
    from hashmatch.report.scan_text import recall_lines
    from hashmatch.store import lookup, open_store, scans

    listed = standing = 0
    with open_store(app.database) as store:
        connection = store.connection
        references = {lookup.find(connection, ref).id for ref in refs} if refs else scans.withdrawn(connection)

        def results() -> Iterator[Recalled]:
            nonlocal listed, standing
            for each in scans.resting_on(connection, references):
                listed += 1
                standing += bool(each.supported_by)
                yield each

        if form == "json":
            as_json.dump_list(map(as_json.recalled, results()), sys.stdout.buffer)
        else:
            for each in results():
                for line in recall_lines(each):
                    click.echo(line)
    text = ngettext("{n:,} recorded result rested on them", "{n:,} recorded results rested on them", listed)
    text = text.format(n=listed)
    if standing:
        text += "; " + _("{n:,} of these may still hold, because a live reference supports them too").format(n=standing)
    app.say(text)

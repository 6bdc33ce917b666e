"""`hashmatch stats`: counts for a public report."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _

if TYPE_CHECKING:
    from rich.table import Table

    from hashmatch.store.stats import ShareOfReferences, Statistics


def _month(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(_("{value!r} is not a month such as 2026-01").format(value=value), ctx, param)
    return value


@click.command(
    help=_(
        "Count what the reference set holds. For transparency reports: by collection, source, label and month; what"
        " recorded scans matched; disputes and retractions. No names of files or people, no digests, no cases."
    )
)
@click.option("--since", callback=_month, metavar="MONTH", help=_("From this month on, such as 2026-01."))
@click.option("--until", callback=_month, metavar="MONTH", help=_("Up to and including this month."))
@click.option("--collection", "collections", multiple=True, help=_("Only this collection. Repeatable."))
@format_option("table", "json")
@pass_app
def command(app: App, since: str | None, until: str | None, collections: tuple[str, ...], form: str) -> int:
    from hashmatch.report import as_json
    from hashmatch.store import open_store, stats

    if since is not None and until is not None and since > until:
        raise click.UsageError(_("--since is later than --until"))
    with open_store(app.database) as store:
        counted = stats.count(store.connection, stats.Period(since, until), collections)
    if form == "json":
        as_json.dump(as_json.statistics(counted), sys.stdout.buffer, indent=2)
        return 0
    from hashmatch.cli.shared.progress import data_console

    console = data_console()
    for table in _tables(counted):
        console.print(table, markup=False)
    return 0


def _tables(counted: Statistics) -> Iterator[Table]:
    from rich.table import Table

    totals, matches, opinions = counted.totals, counted.matches, counted.opinions
    yield _table(
        Table(title=_("references")),
        (_("added"), _("live"), _("retracted"), _("disputed"), _("images"), _("films"), _("on the allow list")),
        [
            (
                *(totals.references, totals.live, totals.retracted, totals.disputed),
                *(totals.images, totals.videos, totals.allowed),
            )
        ],
    )
    yield _shares(_("collection"), counted.collections)
    yield _shares(_("source"), counted.sources)
    yield _shares(_("label"), counted.labels)
    yield _table(
        Table(title=_("by month")),
        (_("month"), _("added"), _("retracted"), _("disputes"), _("files matched"), _("files allowed")),
        [(m.month, m.added, m.retracted, m.disputes, m.matches, m.allowed) for m in counted.months],
    )
    yield _table(
        Table(title=_("files in recorded scans, by their strongest match")),
        (_("scans"), _("exact"), _("near"), _("possible"), _("allowed"), _("resting on retracted references")),
        [(matches.scans, matches.exact, matches.near, matches.possible, matches.allowed, matches.recalled)],
    )
    yield _table(
        Table(title=_("opinions")),
        (_("confirmed"), _("disputed"), _("false positive")),
        [(opinions.confirmed, opinions.disputed, opinions.false_positive)],
    )


def _shares(name: str, shares: Sequence[ShareOfReferences]) -> Table:
    from rich.table import Table

    columns = (name, _("references"), _("live"), _("retracted"), _("disputed"))
    rows = [(each.name or "–", each.references, each.live, each.retracted, each.disputed) for each in shares]
    return _table(Table(), columns, rows)


def _table(table: Table, columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> Table:
    from hashmatch.escape import for_terminal

    numbers_from = next((place for place, cell in enumerate(rows[0]) if isinstance(cell, int)), 0) if rows else 1
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= numbers_from else "left")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else for_terminal(cell) for cell in row))
    return table

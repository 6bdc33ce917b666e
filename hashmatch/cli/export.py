"""`hashmatch export`: the reference set as a hash list to share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from hashmatch.cli.app import TLP_CHOICE, App, output, pass_app
from hashmatch.errors import CommandError
from hashmatch.exchange import EXTRAS, written
from hashmatch.i18n import _
from hashmatch.records import Tlp


@click.command(
    help=_(
        "Write a hash list to share: hashes, never the media. File names, cases, operators and notes are left out unless"
        " asked for, and what is marked stricter than --max-tlp always. Exit code 1: some references were left out."
    )
)
@click.option(
    "--format", "form", type=click.Choice(written()), default="jsonl", show_default=True, help=_("Of the list.")
)
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help=_("Write to a file."))
@click.option("--collection", "collections", multiple=True, help=_("This collection only. Repeatable."))
@click.option("--label", "labels", multiple=True, help=_("References with this label only. Repeatable: all of them."))
@click.option(
    "--since", metavar="DATE", help=_("Only what was added or retracted since: 2026-11-21 or 2026-11-21T19:00.")
)
@click.option(
    "--max-tlp",
    type=TLP_CHOICE,
    default="green",
    show_default=True,
    help=_("The strictest mark that may go out."),
)
@click.option("--include", metavar="WHAT", help=_("Also write, separated by commas: paths, case, operator, note."))
@pass_app
def command(
    app: App,
    form: str,
    target: Path | None,
    collections: tuple[str, ...],
    labels: tuple[str, ...],
    since: str | None,
    max_tlp: Tlp,
    include: str | None,
) -> int:
    from hashmatch.exporting import Selection, export
    from hashmatch.store import Store
    from hashmatch.store.audit import Actor

    extras = frozenset(part.strip() for part in (include or "").split(",") if part.strip())
    if extras - set(EXTRAS):
        raise click.BadParameter(_("known are: {known}").format(known=", ".join(EXTRAS)), param_hint="--include")
    selection = Selection(collections, labels, _utc(since), max_tlp, extras)
    try:
        store = Store.open(app.database, write=app.database.exists())
    except CommandError:
        # Sharing from a read-only medium is fine; only the audit trail cannot tell of it.
        store = Store.open(app.database)
        app.warn(_("the database cannot be written, so this export is not in its audit trail"))
    with store, output(target) as out:
        report = export(store, Actor.current("export"), out, form, selection)
    app.say(_("{count:,} entries written").format(count=report.written))
    if report.unmarked:
        app.warn(_("{count:,} of them carry no TLP mark").format(count=report.unmarked))
    left_out = {
        _("marked stricter than TLP:{tlp}").format(tlp=max_tlp.upper()): report.left_out_tlp,
        _("retracted, which this format cannot say"): report.left_out_retracted,
        _("without a hash that this format carries"): report.left_out_without_hash,
        _("on the allow list, which this format cannot say"): report.left_out_allow,
    }
    for reason, count in left_out.items():
        if count:
            app.warn(_("{count:,} left out: {reason}").format(count=count, reason=reason))
    return 1 if report.left_out else 0


def _utc(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(_("is no date: {text}").format(text=text), param_hint="--since") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

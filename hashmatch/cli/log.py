"""`hashmatch log`: the audit trail."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _


@click.command(
    help=_("Print the audit trail. It says who changed what, when, and with which version. `verify` checks its chain.")
)
@click.option(
    "--head",
    is_flag=True,
    help=_(
        "Print only the digest of the last entry, to write down or sign. With it, `verify --head` can later prove that"
        " nothing up to here was altered or removed."
    ),
)
@click.option("--last", type=click.IntRange(1), metavar="N", help=_("Only the last N entries."))
@format_option("table", "jsonl")
@pass_app
def command(app: App, head: bool, last: int | None, form: str) -> int:
    from hashmatch.escape import for_terminal
    from hashmatch.report import as_json
    from hashmatch.store import audit, open_store

    with open_store(app.database) as store:
        if head:
            end = audit.head(store.connection)
            if form == "jsonl":
                as_json.dump({"id": end.id, "at": end.at, "digest": end.digest.hex()}, sys.stdout.buffer)
            else:
                click.echo(end.digest.hex())
                app.say(_("entry {id} of {at}").format(id=end.id, at=end.at) if end.id else _("there are no entries"))
            return 0
        after = 0 if last is None else max(0, audit.head(store.connection).id - last)
        for entry in audit.entries(store, after=after):
            detail = _detail(entry.detail)
            if form == "jsonl":
                record = {
                    "id": entry.id,
                    "at": entry.at,
                    "operator": entry.operator,
                    "version": entry.version,
                    "command": entry.command,
                    "action": entry.action,
                    "detail": detail,
                    "previous": entry.previous.hex(),
                    "digest": entry.digest.hex(),
                }
                as_json.dump(record, sys.stdout.buffer)
            else:
                shown = "  ".join(
                    f"{name}={_shown(value)}" for name, value in detail.items() if value not in (None, [], False)
                )
                click.echo(
                    f"{entry.id:>6}  {entry.at}  {for_terminal(entry.operator)}  {entry.action}  {for_terminal(shown)}"
                )
    return 0


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _detail(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except ValueError:
        detail = None
    return detail if isinstance(detail, dict) else {"damaged": text}

"""`hashmatch log`: the audit trail."""

from __future__ import annotations

import json
import sys

import click

from hashmatch.cli.app import App, format_option, pass_app
from hashmatch.i18n import _


@click.command(help=_("Print the audit trail: who changed what, when, with which version. `verify` checks its chain."))
@click.option("--last", type=click.IntRange(1), metavar="N", help=_("The last N entries only."))
@format_option("table", "jsonl")
@pass_app
def command(app: App, last: int | None, form: str) -> int:
    from hashmatch.report import as_json
    from hashmatch.report.escape import for_terminal
    from hashmatch.store import Store, audit

    with Store.open(app.database) as store:
        after = 0
        if last is not None:
            newest = store.connection.execute("SELECT max(id) FROM audit").fetchone()[0] or 0
            after = max(0, newest - last)
        for entry in audit.entries(store, after=after):
            detail = json.loads(entry.detail)
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
                told = "  ".join(
                    f"{name}={_shown(value)}" for name, value in detail.items() if value not in (None, [], False)
                )
                click.echo(
                    f"{entry.id:>6}  {entry.at}  {for_terminal(entry.operator)}  {entry.action}  {for_terminal(told)}"
                )
    return 0


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

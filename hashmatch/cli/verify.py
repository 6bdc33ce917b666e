"""`hashmatch verify`: whether the database is sound."""

from __future__ import annotations

import sys

import click

from hashmatch.cli.app import App, format_option, pass_app
from hashmatch.i18n import _


@click.command(
    help=_(
        "Check the whole database: SQLite's own integrity, links between tables, sizes of hashes, the chain of the audit"
        " trail, and the caches. Exit code: 0 sound, 1 damage found, 2 could not check."
    )
)
@format_option("table", "json")
@pass_app
def command(app: App, form: str) -> int:
    from hashmatch import tables
    from hashmatch.report import as_json
    from hashmatch.report.escape import for_terminal
    from hashmatch.store import Store, verify

    with Store.open(app.database) as store:
        damage = list(verify.check(store))
        for algorithm in tables.damage(store) if not damage else ():
            damage.append(
                _("the cache of {algorithm} is damaged; the next scan makes it anew").format(algorithm=algorithm)
            )
    if form == "json":
        as_json.dump({"sound": not damage, "damage": damage}, sys.stdout.buffer, indent=2)
    else:
        for line in damage:
            click.echo(for_terminal(line))
        app.say(_("{db} is damaged").format(db=app.database) if damage else _("{db} is sound").format(db=app.database))
    return 1 if damage else 0

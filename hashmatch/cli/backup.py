"""`hashmatch backup`: copy the database, even while others use it."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch.cli.shared.app import App, pass_app
from hashmatch.i18n import _


@click.command(
    help=_(
        "Copy the database to a new file. The copy shows one moment, even while others read and write the database. Only"
        " you can read it; it is checked as `verify` does, and never overwrites anything. To restore it, use it with --db"
        " or put it in the database's place. Nothing is written to the database, not even to the audit trail. Exit code:"
        " 0 done, 1 damage found and nothing kept, 2 failed."
    )
)
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@pass_app
def command(app: App, target: Path) -> int:
    from hashmatch.escape import for_terminal
    from hashmatch.store import backup, open_store

    with open_store(app.database) as store:
        try:
            head = backup.write(store, target)
        except backup.UnsoundError as error:
            for line in error.damage:
                app.warn(for_terminal(line))
            app.warn(
                _(
                    "the copy of {db} is damaged and was not kept; `hashmatch verify` says whether the database is too"
                ).format(db=for_terminal(str(app.database)))
            )
            return 1
    app.say(
        _("{path}: sound, {entries:,} audit entries, head {head}").format(
            path=for_terminal(str(target)), entries=head.id, head=head.digest.hex()
        )
    )
    return 0

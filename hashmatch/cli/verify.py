"""`hashmatch verify`: whether the database is sound."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.store import Store


@click.command(
    help=_(
        "Check the whole database for damage. Checks SQLite's own integrity, the schema, links between tables, the digest"
        " of every row, the chain of the audit trail, and the caches. Names each damaged row. Exit code: 0 sound, 1 damage"
        " found, 2 could not check."
    )
)
@click.option(
    "--head",
    metavar="DIGEST",
    help=_("A digest that `log --head` printed earlier. Checks that no entry up to it was altered or removed."),
)
@format_option("table", "json")
@pass_app
def command(app: App, head: str | None, form: str) -> int:
    from hashmatch.errors import CommandError
    from hashmatch.escape import for_terminal
    from hashmatch.report import as_json
    from hashmatch.store import open_store, verify

    if head is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", head):
        raise click.BadParameter(_("must be 64 hexadecimal digits, as `log --head` prints"), param_hint="--head")
    damage: list[str] = []
    count = 0
    with open_store(app.database, even_damaged=True) as store:
        for line in _damage(store, None if head is None else bytes.fromhex(head)):
            count += 1
            if form == "json":
                damage.append(line)
            else:
                click.echo(for_terminal(line))
        older = not verify.has_digests(store.connection)
    if older and not count:
        message = _("database {path}: an older hashmatch made it, without digests of its rows; nothing else is wrong.")
        message += " " + _("The next command that writes to it upgrades it")
        raise CommandError(message.format(path=app.database))
    if form == "json":
        as_json.dump({"sound": not count, "damage": damage}, sys.stdout.buffer, indent=2)
    else:
        app.say(_("{db} is damaged").format(db=app.database) if count else _("{db} is sound").format(db=app.database))
    return 1 if count else 0


def _damage(store: Store, head: bytes | None) -> Iterator[str]:
    """What is wrong with the database and its caches. Each fault is named once."""
    from hashmatch.search import cache
    from hashmatch.store import verify

    yield from verify.check(store, head)
    try:
        for algorithm in cache.damage(store):
            yield _("the cache of {algorithm} is damaged; the next scan rebuilds it").format(algorithm=algorithm)
    except (sqlite3.DatabaseError, AttributeError, TypeError) as error:
        # The rows that a cache must agree with cannot be read. That has been reported, with the reason.
        yield _("the caches cannot be checked: {reason}").format(reason=error)

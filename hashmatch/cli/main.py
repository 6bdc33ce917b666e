"""The `hashmatch` command itself: global options, and which module has which command."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import click

from hashmatch.cli.shared.app import App
from hashmatch.errors import CommandError
from hashmatch.i18n import _, languages
from hashmatch.version import __version__

#: Command to the module that has it as `command`; loaded only when it is asked for. With _ where the module, once it is in
#: this package, would hide a builtin or a keyword.
COMMANDS = {
    "index": "index",
    "scan": "scan",
    "report": "report",
    "review": "review",
    "export": "export",
    "import": "import_",
    "hash": "hash_",
    "compare": "compare",
    "evaluate": "evaluate",
    "show": "show",
    "list": "list_",
    "collections": "collections",
    "label": "label",
    "retract": "retract",
    "restore": "restore",
    "allow": "allow",
    "stats": "stats",
    "info": "info",
    "lint": "lint",
    "verify": "verify",
    "log": "log",
    "backup": "backup",
    "keys": "keys",
    "completion": "completion",
}


class Commands(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"hashmatch.cli.{COMMANDS[name]}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
            # Damage makes anything of anything, say text of a digest; then it is no fault of ours. Else it is.
            if isinstance(ctx.obj, App) and _is_damaged(ctx.obj.database):
                message = _("database {path}: it is damaged; `hashmatch verify` tells where")
                raise CommandError(message.format(path=ctx.obj.database)) from error
            raise


def _is_damaged(database: Path) -> bool:
    from hashmatch.store import open_store, verify

    try:
        with open_store(database, even_damaged=True) as store:
            return any(verify.check(store))
    except CommandError:
        return False


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    help=_(
        "Find known propaganda again: hash a seized archive once, then find every copy of it in new uploads. The"
        " reference set holds hashes, never the media."
    ),
)
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HASHMATCH_DB",
    help=_("The reference set. Default: $HASHMATCH_DB, else reference.db in your user-data folder."),
)
@click.option("--lang", type=click.Choice(languages()), help=_("Language of messages."))
@click.option("--quiet", "-q", is_flag=True, help=_("Print data and errors only."))
@click.option("--verbose", "-v", is_flag=True, help=_("Print a line for every file."))
@click.version_option(__version__, prog_name="hashmatch")
@click.pass_context
def cli(ctx: click.Context, db: Path | None, lang: str | None, quiet: bool, verbose: bool) -> None:
    ctx.obj = App(db, quiet, verbose)

"""The `hashmatch` command itself: the global options, and which module has which command."""

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

#: The modules of commands, by section of the help. A name ends in an underscore if it would otherwise hide a builtin or a
#: keyword.
_SECTIONS = {
    _("Find copies of known media"): ("index", "scan", "report", "review"),
    _("Exchange hash lists"): ("export", "import_", "keys"),
    _("Look at and curate references"): (
        *("show", "list_", "collections", "label", "allow", "retract", "restore", "stats", "lint"),
    ),
    _("Work without a database"): ("hash_", "compare", "evaluate"),
    _("Maintenance"): ("info", "verify", "log", "backup", "completion"),
}
#: Commands and their modules, which are imported when a command is used.
COMMANDS = {module.rstrip("_"): module for modules in _SECTIONS.values() for module in modules}


class Commands(click.Group):
    """A group that imports its commands when they are used, and lists them in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _load(name) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for title, modules in _SECTIONS.items():
            names = [name for name, module in COMMANDS.items() if module in modules]
            with formatter.section(title):
                limit = formatter.width - widest - 6
                formatter.write_dl([(name.ljust(widest), _load(name).get_short_help_str(limit)) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
            # In a damaged database anything can be anything, such as text in place of a digest. Else it is our fault.
            if isinstance(ctx.obj, App) and _is_damaged(ctx.obj.database):
                message = _("database {path}: it is damaged; `hashmatch verify` tells where")
                raise CommandError(message.format(path=ctx.obj.database)) from error
            raise


def _load(name: str) -> click.Command:
    command: click.Command = importlib.import_module(f"hashmatch.cli.{COMMANDS[name]}").command
    return command


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
@click.option("--quiet", "-q", is_flag=True, help=_("Print only data and errors."))
@click.option("--verbose", "-v", is_flag=True, help=_("Print a line for every file."))
@click.version_option(__version__, prog_name="hashmatch")
@click.pass_context
def cli(ctx: click.Context, db: Path | None, lang: str | None, quiet: bool, verbose: bool) -> None:
    ctx.obj = App(db, quiet, verbose)

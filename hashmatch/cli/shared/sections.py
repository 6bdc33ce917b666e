"""Help pages whose options stand under titles: `@command(...)` and `@option(..., section=TITLE)` in place of click's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hashmatch.i18n import _

F = TypeVar("F", bound=Callable[..., Any])

#: Titles that several commands have.
FILES = _("Files to examine")
OUTPUT = _("Output")
HASHES = _("Hashes")
LIMITS = _("Limits for each file")
PROCESSES = _("Workers")
_OTHERS = _("Other options")


class _Option(click.Option):
    def __init__(self, *arguments: Any, section: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.section = section


class _Command(click.Command):
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                title = parameter.section if isinstance(parameter, _Option) else _OTHERS
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def command(help: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command whose help lists its options in sections, in the order of their first options."""
    return click.command(cls=_Command, help=help)


def option(*declarations: str, section: str, **settings: Any) -> Callable[[F], F]:
    """An option that the help lists under a title. settings: as click.option takes them."""
    return click.option(*declarations, cls=_Option, section=section, **settings)

"""Writes docs/cli.md from the command line's own help: `make docs`. A test fails when it is stale."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch import i18n
from hashmatch.cli.main import COMMANDS, cli

TARGET = Path(__file__).parent / "cli.md"


def reference() -> str:
    """The help of every command, as Markdown."""
    i18n.activate(None)
    parts = [
        "# Command line reference",
        "Made by `make docs` from the program itself."
        " Exit codes are in the [platform guide](guides/platform.md#exit-codes).",
        _help(click.Context(cli, info_name="hashmatch", **cli.context_settings), "hashmatch"),
    ]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        context = click.Context(
            command, info_name=name, parent=click.Context(cli, info_name="hashmatch", **cli.context_settings)
        )
        parts.append(_help(context, f"hashmatch {name}"))
        if isinstance(command, click.Group):
            for below, part in command.commands.items():
                within = click.Context(part, info_name=below, parent=context)
                parts.append(_help(within, f"hashmatch {name} {below}"))
    return "\n\n".join(parts) + "\n"


def _help(context: click.Context, title: str) -> str:
    # The same on every machine, however wide its terminal is.
    context.terminal_width = context.max_content_width = 110
    return f"## {title}\n\n```text\n{context.get_help()}\n```"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")

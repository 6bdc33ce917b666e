"""`hashmatch completion`: complete commands and options in a shell."""

from __future__ import annotations

import click

from hashmatch.i18n import _


@click.command(
    help=_(
        'Print a script for shell completion. It completes commands and options. For bash: eval "$(hashmatch completion'
        ' bash)"'
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    from click.shell_completion import get_completion_class

    from hashmatch.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "hashmatch", "_HASHMATCH_COMPLETE").source())
    return 0

"""The command line: one thin module per command, which parses, calls a workflow and prints.

main.py has the global options and the table of commands. A module that would hide a Python name ends with an underscore
(list_.py). shared/ has what several commands use. A command imports what does its work only when it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from types import FrameType

from hashmatch import i18n


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code. Errors that a person can act on become one line."""
    i18n.activate(_language(arguments))
    i18n.activate_click()
    for stream in (sys.stdout, sys.stderr):
        # Whatever the locale: data are UTF-8, and a garbled message is better than none.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Not before the language is known: help texts are translated when modules are imported.
    import click

    from hashmatch.cli.main import cli
    from hashmatch.errors import CommandError
    from hashmatch.escape import for_terminal
    from hashmatch.i18n import _

    stopped = _("interrupted; the work so far is saved, and the same command continues from there")
    _interrupts.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        # nohup and shells let what runs in the background ignore them.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        code = cli.main(list(arguments), prog_name="hashmatch", standalone_mode=False)
        return int(code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(stopped, err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output is gone, as `head` is; nothing is wrong. Keep Python from complaining at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (CommandError, sqlite3.DatabaseError, UnicodeError, OSError) as error:
        if _interrupts:  # SQLite was calling a function of ours, and turned the interrupt into an error of its own
            click.echo(stopped, err=True)
            return 130
        if isinstance(error, sqlite3.DatabaseError | UnicodeError):  # sqlite3 raises the latter for names of columns
            from hashmatch.store.database import explain

            error = explain(error)
        click.echo(f"hashmatch: {for_terminal(str(error))}", err=True)
        return 2


#: Signals that asked this process to end.
_interrupts: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupts.append(number)
    raise KeyboardInterrupt


def _language(arguments: Sequence[str]) -> str | None:
    """The language of --lang, before click reads it; else the environment's."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.partition("=")[2]
        if argument == "--lang" and position + 1 < len(arguments):
            return arguments[position + 1]
    return i18n.wanted(os.environ)

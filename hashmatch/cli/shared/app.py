"""What all commands share: the global options, recurring options, and messages to the person."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

import click

from hashmatch.cli.shared import sections
from hashmatch.errors import CommandError
from hashmatch.i18n import _

F = TypeVar("F", bound=Callable[..., Any])

TLP_CHOICE = click.Choice(["clear", "green", "amber", "amber+strict", "red"])
PATHS = click.Path(path_type=bytes)


class _Name(click.ParamType):  # type: ignore[type-arg]
    """A name that the database will keep: not empty, and UTF-8."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value or any("\ud800" <= each <= "\udfff" for each in value):
            self.fail(_("a name must not be empty, and must be UTF-8"), param, ctx)
        return str(value)


NAME = _Name()


@dataclass(frozen=True, slots=True)
class App:
    """The global options."""

    db: Path | None
    quiet: bool
    verbose: bool

    @property
    def database(self) -> Path:
        if self.db is not None:
            return self.db
        import platformdirs

        return Path(platformdirs.user_data_dir("hashmatch", appauthor=False)) / "reference.db"

    def say(self, text: str) -> None:
        """Print a message that is not data. --quiet leaves it out."""
        if not self.quiet:
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Print what is wrong, even with --quiet."""
        click.echo(text, err=True)


pass_app = click.make_pass_decorator(App)


def format_option(*names: str) -> Callable[[F], F]:
    """--format; the first name is the default."""
    return sections.option(
        "--format",
        "form",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        section=sections.OUTPUT,
        help=_("Output format."),
    )


def references_argument(command: F, required: bool = True) -> F:
    return click.argument("refs", metavar="REF…" if required else "[REF]…", nargs=-1, required=required)(command)


def optional_references_argument(command: F) -> F:
    return references_argument(command, required=False)


@contextlib.contextmanager
def output(path: Path | None, whole: bool = True) -> Iterator[BinaryIO]:
    """Where data go: standard output, or a file.

    whole: the file appears once it is complete, or not at all. If false, it can be read while it grows. A target that is
    not a regular file (a pipe, /dev/null) is written to directly in either case.
    Raises CommandError if the file cannot be written (a full disk, a missing folder).
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    import tempfile

    try:
        if not whole or (path.exists() and not path.is_file()):
            with path.open("wb") as direct:
                yield direct
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                yield cast(BinaryIO, file)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                os.unlink(file.name)
                raise
        os.replace(file.name, path)
    except OSError as error:
        message = _("cannot write {path}: {reason}")
        raise CommandError(message.format(path=path, reason=error.strerror or error)) from error


def stream_is_terminal(stream: IO[Any]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False

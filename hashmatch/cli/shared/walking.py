"""The options of every command that walks through folders, and the count of what it met."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.media.files import FoundPath

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help=_("Leave out files and folders whose name or path matches. Repeatable."),
    ),
    click.option("--follow", is_flag=True, help=_("Follow symbolic links met in folders, which may lead elsewhere.")),
    click.option("--one-file-system", is_flag=True, help=_("Stay out of folders on which something else is mounted.")),
)


@dataclass(frozen=True, slots=True)
class Walking:
    """What the options ask for."""

    exclude: tuple[str, ...]
    follow: bool
    one_file_system: bool

    def walk(self, paths: Iterable[bytes]) -> Iterator[FoundPath]:
        from hashmatch.media.files import walk

        return walk(paths, self.exclude, follow=self.follow, one_file_system=self.one_file_system)


class Seen:
    """Passes on what is found and counts it, so that it can be held against what became of it."""

    def __init__(self, found: Iterable[FoundPath | None]) -> None:
        self._found = found
        self.count = 0

    def __iter__(self) -> Iterator[FoundPath | None]:
        for each in self._found:
            self.count += each is not None
            yield each

    def check(self, told: int) -> None:
        """Raises CommandError unless exactly so many files were told of."""
        if told != self.count:
            message = _("{seen} files were seen and {told} accounted for; please report this mistake of hashmatch")
            raise CommandError(message.format(seen=self.count, told=told))


def walking_options(command: F) -> F:
    """The command gets them as one argument, `walking`."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, exclude: tuple[str, ...], follow: bool, one_file_system: bool, **named: Any) -> Any:
        return command(*arguments, **named, walking=Walking(exclude, follow, one_file_system))

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]

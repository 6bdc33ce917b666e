"""Options of commands that search folders, and a count of what they find."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hashmatch.cli.shared import sections
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.media.files import FoundPath

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    sections.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        section=sections.FILES,
        help=_("Skip files and folders whose name or path matches. Repeatable."),
    ),
    sections.option(
        "--follow",
        is_flag=True,
        section=sections.FILES,
        help=_("Follow symbolic links in folders, even if they lead elsewhere."),
    ),
    sections.option(
        "--one-file-system",
        is_flag=True,
        section=sections.FILES,
        help=_("Do not enter folders on which something else is mounted."),
    ),
)


@dataclass(frozen=True, slots=True)
class Walking:
    """The values of these options."""

    exclude: tuple[str, ...]
    follow: bool
    one_file_system: bool

    def walk(self, paths: Iterable[bytes]) -> Iterator[FoundPath]:
        from hashmatch.media.files import walk

        return walk(paths, self.exclude, follow=self.follow, one_file_system=self.one_file_system)


class Seen:
    """Passes on the files that are found and counts them, to compare with the number of results."""

    def __init__(self, found: Iterable[FoundPath | None]) -> None:
        self._found = found
        self.count = 0

    def __iter__(self) -> Iterator[FoundPath | None]:
        for each in self._found:
            self.count += each is not None
            yield each

    def check(self, results: int) -> None:
        """Raises CommandError unless each file had exactly one result. results: their number."""
        if results != self.count:
            message = _("{seen} files were found but {told} accounted for; please report this bug in hashmatch")
            raise CommandError(message.format(seen=self.count, told=results))


def walking_options(command: F) -> F:
    """Adds these options to a command, which gets them as one argument, `walking`."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, exclude: tuple[str, ...], follow: bool, one_file_system: bool, **named: Any) -> Any:
        return command(*arguments, **named, walking=Walking(exclude, follow, one_file_system))

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]

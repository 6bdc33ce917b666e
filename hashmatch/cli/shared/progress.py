"""A progress bar and tables, drawn by rich; and a plain summary."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, stream_is_terminal
from hashmatch.escape import for_terminal
from hashmatch.i18n import _

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


#: How many of the films in progress are named.
SHOWN = 2


class ProgressBar:
    """A progress bar with rate and time left. It is a context manager.

    It shows nothing with --quiet, or if standard error is not a terminal. Print lines with `line`, or they break the bar.
    """

    def __init__(self, app: App, walk: Callable[[], Iterable[object]], shown: bool = True) -> None:
        """walk: walks through the same files, to count them beforehand."""
        self._walk = walk
        self._shown = shown and not app.quiet and stream_is_terminal(sys.stderr)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._next = 0.0
        self._done = 0
        self._within: dict[bytes, float] = {}

    def __enter__(self) -> ProgressBar:
        if self._shown:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                TaskProgressColumn,
                TextColumn,
                TimeRemainingColumn,
            )

            # No refresh thread: a process that forks workers must not have threads. No markup: names may have "[link=…]".
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[done]}/{task.total}", markup=False),
                TextColumn("{task.fields[rate]}", markup=False),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
            )
            total = sum(1 for _found in self._walk())
            self._task = self._bar.add_task(_("files"), total=total, done=0, rate="")
            self._bar.start()
        return self

    def advance(self, path: bytes = b"") -> None:
        """One more file is done."""
        self._done += 1
        self._within.pop(path, None)
        self._move()

    def moved(self, path: bytes, share: float) -> None:
        """A long film is done in part. share: 0 to 1."""
        self._within[path] = max(share, self._within.get(path, 0.0))
        self._move()

    def _move(self) -> None:
        if self._bar is None or self._task is None:
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 0.1
            self._refresh()

    def _refresh(self) -> None:
        assert self._bar is not None and self._task is not None
        elapsed = max(self._bar.tasks[0].elapsed or 0.0, 1e-3)
        parts = [_("{rate:,.0f} files/s").format(rate=self._done / elapsed)]
        parts += [f"{for_terminal(os.path.basename(path))} {share:.0%}" for path, share in self._within.items()]
        # A film in progress counts in part, so the bar moves within a file.
        completed = self._done + sum(self._within.values())
        self._bar.update(
            self._task, completed=completed, done=self._done, rate="  ".join(parts[: 1 + SHOWN]), refresh=True
        )

    def line(self, text: str, data: bool = False) -> None:
        """Print a line above the bar: data to standard output, anything else to standard error."""
        if self._bar is not None:
            self._bar.live.stop()
            click.echo(text, err=not data)
            self._bar.live.start(refresh=False)
        else:
            click.echo(text, err=not data)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._refresh()
            self._bar.stop()


def print_counts(app: App, title: str, counts: Mapping[str, object]) -> None:
    """A small summary table. Plain, because importing rich takes longer than many scans."""
    if app.quiet:
        return
    rows = [(name, f"{number:,}" if isinstance(number, int) else str(number)) for name, number in counts.items()]
    names, numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [f"  {name:<{names}}  {number:>{numbers}}" for name, number in rows]
    click.echo("\n".join([title, *lines]), err=True)


def data_console() -> Console:
    """A console for tables on standard output. They are not cut to a width unless it is a terminal.

    What looks like rich's markup in a name or label is text.
    """
    from rich.console import Console

    if stream_is_terminal(sys.stdout):
        return Console(markup=False, emoji=False)
    return Console(width=200, soft_wrap=True, markup=False, emoji=False)


if TYPE_CHECKING:
    from rich.console import Console

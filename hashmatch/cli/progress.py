"""Progress on a terminal and tables, through rich, and a summary without."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import click

from hashmatch.cli.app import App, stream_is_terminal
from hashmatch.i18n import _

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """A progress bar with rate and time left, on a terminal and without --quiet; else nothing. A context manager.

    Lines for the person go through `line`, so that they do not break the bar.
    """

    def __init__(self, app: App, walk: Callable[[], Iterable[object]], shown: bool = True) -> None:
        """walk: goes through the same files beforehand, so that it is known how many there are."""
        self._walk = walk
        self._shown = shown and not app.quiet and stream_is_terminal(sys.stderr)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._next = 0.0

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TaskProgressColumn,
                TextColumn,
                TimeRemainingColumn,
            )

            # No refreshing thread: workers are forked, and a process with threads must not be.
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
            )
            total = sum(1 for _found in self._walk())
            self._task = self._bar.add_task(_("files"), total=total, rate="")
            self._bar.start()
        return self

    def advance(self) -> None:
        """One file more is done."""
        if self._bar is None or self._task is None:
            return
        self._bar.advance(self._task)
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 0.1
            self._refresh()

    def _refresh(self) -> None:
        assert self._bar is not None and self._task is not None
        task = self._bar.tasks[0]
        rate = _("{rate:,.0f} files/s").format(rate=task.completed / max(task.elapsed or 0.0, 1e-3))
        self._bar.update(self._task, rate=rate, refresh=True)

    def line(self, text: str, data: bool = False) -> None:
        """Print a line above the bar; data to standard output, anything else to standard error."""
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
    """A small table of what was done, for the person. Plain: to import rich for it would take longer than many a scan."""
    if app.quiet:
        return
    rows = [(name, f"{number:,}" if isinstance(number, int) else str(number)) for name, number in counts.items()]
    names, numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [f"  {name:<{names}}  {number:>{numbers}}" for name, number in rows]
    click.echo("\n".join([title, *lines]), err=True)


def data_console() -> Console:
    """A console for tables that are data: standard output, not cut to a width when it is no terminal."""
    from rich.console import Console

    if stream_is_terminal(sys.stdout):
        return Console()
    return Console(width=200, soft_wrap=True)


if TYPE_CHECKING:
    from rich.console import Console

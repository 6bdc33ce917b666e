"""Keeps each worker on its own core while there are as many busy workers as cores.

A worker sleeps after each file until its parent wakes it. The system tends to wake it on the parent's core, where it waits
behind another worker while a core stands idle. On two cores (Linux 6.18) that cost a seventh of the time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence


class Cores:
    """Which core each worker stays on.

    Does nothing unless there are several cores and one worker for each: with fewer workers the system finds a free core by
    itself, and more workers have to share.
    """

    def __init__(self, workers: int) -> None:
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set[int]()
        self._cores = cores if len(cores) == workers > 1 else set()
        self._own: dict[int, int] = {}

    def settle(self, busy: Sequence[int], idle: Sequence[int]) -> None:
        """Keep each worker on its own core while all are busy; let them go anywhere otherwise, since another program may be
        using the core that a worker would be kept on.

        busy, idle: process ids of the workers.
        """
        if not self._cores or self._own.keys() == set(busy):
            return
        own = {pid: self._own[pid] for pid in (*busy, *idle) if pid in self._own}
        if len(busy) < len(self._cores):
            for pid in own:
                _allow(pid, self._cores)
            self._own = {}
            return
        free = self._cores.difference(own.values())
        for pid in busy:
            if pid not in own:
                own[pid] = free.pop()
                _allow(pid, {own[pid]})
        self._own = own


def _allow(pid: int, cores: Iterable[int]) -> None:
    with contextlib.suppress(OSError):  # the process has ended, or the core was taken from us
        os.sched_setaffinity(pid, cores)

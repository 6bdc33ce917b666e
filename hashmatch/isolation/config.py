"""How workers are run and locked, and how `info` describes it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from hashmatch.i18n import _
from hashmatch.isolation import lock


@dataclass(frozen=True, slots=True)
class Isolation:
    """How workers are run.

    workers: how many at most; None: one per core.
    timeout: seconds without a sign of life after which a worker is killed.
    memory: bytes of address space that a task may take beyond what a fresh worker has.
    files: number of tasks after which a worker is replaced, so that unnoticed damage does not last.
    steps: how workers lock themselves, as far as the system can (see lock.STEPS).
    require_sandbox: refuse to work unless workers can take all steps.
    """

    workers: int | None = None
    timeout: float = 60.0
    memory: int = 2 << 30
    files: int = 1000
    steps: tuple[str, ...] = lock.STEPS
    require_sandbox: bool = False

    def worker_count(self) -> int:
        """How many workers may run at once."""
        if self.workers is not None:
            return self.workers
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def level(self) -> tuple[str, ...]:
        """The steps that workers take on this system."""
        return tuple(step for step in lock.available() if step in self.steps)


def describe(isolation: Isolation) -> dict[str, str]:
    """The isolation in force on this system, for `info`."""
    level = isolation.level()
    limits = _("none on this system")
    if "limits" in level:
        limits = _("no file may be written, no core dumped")
        if sys.platform == "linux":
            limits += ", " + _("{gib:g} GiB of memory").format(gib=isolation.memory / (1 << 30))
    return {
        "level": lock.name_of(level),
        "workers": str(isolation.worker_count()),
        "limits": limits,
        "timeout": _("{seconds:g} s without progress").format(seconds=isolation.timeout),
    }

"""The CPU time and memory of a worker, measured and limited from outside, where it cannot lie; and what it died of."""

from __future__ import annotations

import math
import multiprocessing.process
import os
import signal
import sys
import time

from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.system import memory_in

#: Seconds to wait for a process that has closed its connection. If a file has taken it over, it may still be alive.
_SECONDS_TO_DIE = 1.0


def cpu_seconds(process: int | None) -> float:
    """CPU time that a process has used, all threads together; 0 if unknown."""
    if sys.platform != "linux" or process is None:
        return 0.0
    try:
        # The clock of another process (CPUCLOCK_SCHED in the kernel's include/linux/posix-timers.h).
        return time.clock_gettime((~process << 3) | 2)
    except OSError:  # the process is dead
        return 0.0


def limit_cpu_seconds(process: int | None, seconds: float) -> None:
    """Have the kernel end a process (SIGXCPU) once its CPU time reaches this, rounded up to seconds. Linux only."""
    if sys.platform != "linux" or process is None:
        return
    import resource

    try:
        hard = resource.prlimit(process, resource.RLIMIT_CPU)[1]
        limit = resource.RLIM_INFINITY if math.isinf(seconds) else math.ceil(seconds)
        if hard != resource.RLIM_INFINITY:  # set by `ulimit -t`
            limit = hard if limit == resource.RLIM_INFINITY else min(limit, hard)
        resource.prlimit(process, resource.RLIMIT_CPU, (limit, hard))
    except OSError:
        pass  # the process is dead, or this system does not allow it and only the time without progress limits it


def memory(process: int | None) -> int:
    """Bytes of memory that a process uses, without pages of files, which come and go; 0 if unknown."""
    if sys.platform != "linux" or process is None:
        return 0
    try:
        statm = os.open(
            f"/proc/{process}/statm", os.O_RDONLY | os.O_CLOEXEC
        )  # takes a third of the time of Python's open()
        try:
            return memory_in(os.read(statm, 200))
        finally:
            os.close(statm)
    except (OSError, ValueError):
        return 0


def exit_code(process: multiprocessing.process.BaseProcess) -> int | None:
    """The exit code of a process that has closed its connection; None if it is still alive."""
    end = time.monotonic() + _SECONDS_TO_DIE
    # join() with a timeout would wait for a descriptor that the process may have closed, and then wait for ever.
    while process.exitcode is None and time.monotonic() < end:
        time.sleep(0.002)
    return process.exitcode


def cause_of_death(process: multiprocessing.process.BaseProcess) -> tuple[Failure, bool]:
    """Why a process died that has closed its connection, and whether the same task would certainly kill it again."""
    code = exit_code(process)
    if code is None:
        return Failure("decoder-crash", Message.of("decoder-silent")), False
    if code >= 0:
        return Failure("decoder-crash", Message.of("decoder-exited", exit_code=code)), False
    if sys.platform != "win32":
        if -code == signal.SIGKILL:  # not by us, which would count as a timeout: by the kernel's out-of-memory killer
            return Failure("out-of-memory", Message.of("decoder-killed")), False
        if -code == signal.SIGXCPU:
            return Failure("timeout", Message.of("cpu-limit")), True
        if -code == signal.SIGSYS:
            return Failure("decoder-crash", Message.of("decoder-forbidden-call")), False
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return Failure("decoder-crash", Message.of("decoder-crashed", signal=name)), False

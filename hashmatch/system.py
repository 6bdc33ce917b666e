"""Forked helper processes, and returning memory to the system.

Forked processes inherit what they need, so nobody has to send it. This works on Linux only. Elsewhere, or if this process
has threads (a fork loses them), it does the work itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_function: Callable[[Any], Any] | None = None


def mapped(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Apply a function to items in one process per core; results come in the order of the items.

    function: inherited by the processes, so it may hold anything. Items and results are pickled.
    """
    if not _can_fork():
        yield from map(function, items)
        return
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), _begin, (function,)) as pool:
        yield from pool.imap(_call, items)


def _can_fork() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _begin(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    _leave_signals_to_the_parent()


def _leave_signals_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupts go to the parent, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # with this signal


def _call(item: Any) -> Any:
    assert _function is not None
    return _function(item)


_statm: int | None = None


def watch_memory() -> None:
    """Make `own_memory` work in this process even when it can open no file any more."""
    global _statm
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            _statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def own_memory() -> int:
    """Bytes of memory that this process uses, without pages of files; 0 if unknown."""
    if sys.platform != "linux":
        return 0
    try:
        if _statm is not None:
            return memory_in(os.pread(_statm, 200, 0))
        statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)  # a third of the time of open()
        try:
            return memory_in(os.read(statm, 200))
        finally:
            os.close(statm)
    except (OSError, ValueError):
        return 0


def memory_in(statm: bytes) -> int:
    """The same, from the content of such a file of a process. Raises ValueError."""
    resident, shared = statm.split()[1:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """Return freed memory to the system. The C library would keep it for later."""
    if sys.platform == "linux":
        import ctypes  # not above: every command imports this module

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)

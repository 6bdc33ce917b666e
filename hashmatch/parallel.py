"""The same for many, on all cores: for work on large arrays, which forked processes inherit and need not be sent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_function: Callable[[Any], Any] | None = None


def mapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What a function returns of each item, in their order. function: is inherited, so it may hold whatever it needs; items
    and results are pickled.

    On Linux by one forked process for each core; elsewhere, and beside threads, which a fork would not take along, here.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        yield from map(function, items)
        return
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), _begin, (function,)) as pool:
        yield from pool.imap(_call, items)


def _begin(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by which it does


def _call(item: Any) -> Any:
    assert _function is not None
    return _function(item)

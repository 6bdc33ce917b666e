"""This process and its cores: forked helpers, and memory given back.

Forked processes inherit what they need, so it need not be sent to them. On Linux only; elsewhere, and beside threads, which
a fork would not take along, the work is done in this process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from hashmatch.i18n import _

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_function: Callable[[Any], Any] | None = None


def mapped(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """What a function returns of each item, in their order, by one process for each core. function: is inherited, so it may
    hold whatever it needs; items and results are pickled."""
    if not _can_fork():
        yield from map(function, items)
        return
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), _begin, (function,)) as pool:
        yield from pool.imap(_call, items)


def ahead(items: Iterable[_Item]) -> Generator[_Item]:
    """The same items, each made by another process while the one before is used; they are pickled. items: nothing of it may
    have begun.

    Raises what making them raises, and ChildProcessError where that process is gone before the last one.
    """
    if not _can_fork():
        yield from items
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(items, receiver, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while (told := _received(receiver)) is not None:
            item, error = told
            if error is not None:
                raise error
            yield item
    finally:
        receiver.close()  # on which the other one ends, where it has more
        process.terminate()
        process.join()


def _received(receiver: Connection) -> tuple[Any, Exception | None] | None:
    try:
        told: tuple[Any, Exception | None] | None = receiver.recv()
    except (EOFError, OSError):  # between two items, or within one
        raise ChildProcessError(_("the process that reads it was killed, perhaps as memory was short")) from None
    return told


def _send(items: Iterable[Any], receiver: Connection, sender: Connection) -> None:
    receiver.close()
    _leave_signals_to_the_parent()
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, or wants no more
        try:
            for item in items:
                sender.send((item, None))
        except BrokenPipeError:
            raise
        except Exception as error:
            sender.send((None, error))
        sender.send(None)


def _can_fork() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


def _begin(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    _leave_signals_to_the_parent()


def _leave_signals_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by which it does


def _call(item: Any) -> Any:
    assert _function is not None
    return _function(item)


def give_back() -> None:
    """Give back what was freed, which the C library would keep for later."""
    if sys.platform == "linux":
        import ctypes  # here, since every command imports this module

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)

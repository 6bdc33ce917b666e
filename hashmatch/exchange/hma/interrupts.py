"""Holds an interrupt back until what was done is written down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupts() -> Iterator[threading.Event]:
    """Holds SIGINT and SIGTERM back until the body is through. The second one ends it at once.

    Yields an event that is set once there was one, so that the body begins nothing more. In a thread other than the main one
    there are no signals to hold.
    """
    asked = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        held.append(number)
        asked.set()
        if len(held) > 1 and callable(handler):
            handler(number, frame)

    if threading.current_thread() is threading.main_thread():
        for number, handler in before.items():
            if callable(handler):  # and not ignored, as under nohup, nor left to the system
                signal.signal(number, hold)
    try:
        yield asked
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if callable(handler):
                    signal.signal(number, handler)
    if held:
        handler = before[signal.Signals(held[0])]
        assert callable(handler)
        handler(held[0], None)

"""Work on all cores comes to what it does on one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from hashmatch.system import mapped

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked")


def test_results_come_in_the_order_of_the_items() -> None:
    held = list(range(1000))  # inherited
    search: Callable[[int], int] = lambda number: held[number] ** 2  # noqa: E731  what pickle would refuse
    assert list(mapped(search, range(1000))) == [number**2 for number in range(1000)]


FORKED = """
import os
from hashmatch.system import mapped
places = set(mapped(lambda number: os.getpid(), range(50)))
assert places and os.getpid() not in places, places
"""


@LINUX
def test_other_processes_do_it() -> None:
    # In a process of its own, since another test may have left threads in this one.
    subprocess.run([sys.executable, "-c", FORKED], check=True)


def test_beside_threads_it_is_done_here() -> None:
    done = threading.Event()
    beside = threading.Thread(target=done.wait)
    beside.start()
    try:
        assert set(mapped(lambda number: os.getpid(), range(50))) == {os.getpid()}
    finally:
        done.set()
        beside.join()


def test_a_failure_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(mapped(lambda number: 1 // number, [1, 0]))

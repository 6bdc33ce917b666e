"""Work on all cores comes to what it does on one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from hashmatch.errors import CommandError
from hashmatch.system import ahead, mapped

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


def numbered(last: int) -> Iterator[tuple[int, int]]:
    for number in range(last):
        yield number, os.getpid()


def failing() -> Iterator[int]:
    yield 1
    raise CommandError("no more")


def test_what_is_made_ahead_comes_in_its_order() -> None:
    assert [number for number, _process in ahead(numbered(1000))] == list(range(1000))
    assert list(ahead(iter(()))) == []


AHEAD = """
import os, signal, sys, time
from hashmatch.system import ahead
from test_system import failing, numbered

(maker,) = {process for _number, process in ahead(numbered(50))}
assert maker != os.getpid()

made = ahead(numbered(10**9))
_number, maker = next(made)
os.kill(maker, 0)
made.close()
try:
    os.kill(maker, 0)
except ProcessLookupError:
    pass
else:
    raise AssertionError("whoever wants no more ends the other process, too")

seen = []
try:
    for each in ahead(failing()):
        seen.append(each)
except Exception as error:
    assert (type(error).__name__, str(error)) == ("CommandError", "no more"), error
assert seen == [1]

made = ahead(numbered(10**9))
_number, maker = next(made)
os.kill(maker, signal.SIGKILL)
try:
    for each in made:
        pass
except ChildProcessError as error:
    assert "killed" in str(error)
else:
    raise AssertionError("it did not end by itself")
"""


@LINUX
def test_another_process_makes_it_ahead() -> None:
    subprocess.run([sys.executable, "-c", AHEAD], check=True, cwd=os.path.dirname(__file__))


ORPHAN = """
import os, signal
from hashmatch.system import ahead
from test_system import numbered

made = ahead(numbered(10**9))
print(next(made)[1], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@LINUX
def test_it_ends_with_its_parent() -> None:
    # Its standard output is its parent's, so that it comes to an end when both are gone.
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN], capture_output=True, cwd=os.path.dirname(__file__), timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout)


def test_beside_threads_it_is_made_here() -> None:
    done = threading.Event()
    beside = threading.Thread(target=done.wait)
    beside.start()
    try:
        assert {process for _number, process in ahead(numbered(50))} == {os.getpid()}
        with pytest.raises(CommandError, match="no more"):
            list(ahead(failing()))
    finally:
        done.set()
        beside.join()

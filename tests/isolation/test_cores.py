"""Workers keep to cores of their own while all of them are at work."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from hashmatch.isolation import Pool, Task
from hashmatch.isolation.config import Isolation
from hashmatch.isolation.cores import Cores

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="this system has one core, or does not say which a process may use",
)


@pytest.fixture
def cores() -> Iterator[set[int]]:
    """Two cores, on which this process and those that it starts are meanwhile."""
    before = os.sched_getaffinity(0)
    two = set(sorted(before)[:2])
    os.sched_setaffinity(0, two)
    yield two
    os.sched_setaffinity(0, before)


@pytest.fixture
def pids(cores: set[int]) -> Iterator[list[int]]:
    processes = [subprocess.Popen(["sleep", "60"]) for _number in range(3)]
    yield [process.pid for process in processes]
    for process in processes:
        process.kill()
        process.wait()


def test_each_has_its_own_while_all_work(cores: set[int], pids: list[int]) -> None:
    first, second, _third = pids
    kept = Cores(2)
    kept.settle([first], [])
    assert os.sched_getaffinity(first) == cores
    kept.settle([first, second], [])
    assert {frozenset(os.sched_getaffinity(pid)) for pid in (first, second)} == {frozenset({core}) for core in cores}


def test_who_is_idle_may_go_anywhere(cores: set[int], pids: list[int]) -> None:
    first, second, _third = pids
    kept = Cores(2)
    kept.settle([first, second], [])
    kept.settle([second], [first])
    assert os.sched_getaffinity(first) == os.sched_getaffinity(second) == cores


def test_a_new_worker_takes_the_core_that_is_free(cores: set[int], pids: list[int]) -> None:
    first, second, third = pids
    kept = Cores(2)
    kept.settle([first, second], [])
    before = os.sched_getaffinity(first)
    kept.settle([third, first], [])  # the second has ended
    assert os.sched_getaffinity(first) == before
    assert os.sched_getaffinity(third) == cores - before


def test_one_that_is_gone_hurts_nobody(cores: set[int], pids: list[int]) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    Cores(2).settle([pids[0], gone.pid], [])


@pytest.mark.parametrize("workers", [1, 3])
def test_where_workers_are_not_as_many_as_cores_the_system_decides(
    workers: int, cores: set[int], pids: list[int]
) -> None:
    Cores(workers).settle(pids[:workers], [])
    assert all(os.sched_getaffinity(pid) == cores for pid in pids)


def test_workers_of_a_pool_keep_apart(cores: set[int]) -> None:
    both = multiprocessing.get_context("fork").Barrier(2)

    def where(payload: int, descriptor: int, ask: Callable[[int], object], beat: object) -> tuple[int, ...]:
        os.close(descriptor)
        ask(payload)  # which is answered when all workers have had their task
        found = tuple(sorted(os.sched_getaffinity(0)))
        both.wait(60)  # or the other one might be alone by now
        return found

    tasks = (Task(number, number, os.open(os.devnull, os.O_RDONLY)) for number in range(2))
    isolation = Isolation(workers=2, steps=("limits",))
    with Pool(where, isolation, question=int, result=tuple[int, ...]) as pool:
        found = {outcome.result for outcome in pool.run(tasks, lambda key, question: True) if outcome is not None}
    assert found == {(core,) for core in cores}

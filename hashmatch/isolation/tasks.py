"""What a pool is given to do, and what becomes of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hashmatch.records import Failure

TaskKey = TypeVar("TaskKey")


@dataclass(frozen=True, slots=True)
class Task(Generic[TaskKey]):
    """One piece of work. The pool closes the descriptor when it is done.

    needs: what a worker must be prepared for.
    grant: seconds of CPU time that the task may take in all, given what the worker last told of what it has worked off.
    again: whether a worker has died of it, or perhaps of something else. Another worker then tries it once more.
    alone: whether no other worker may be busy during that second try.
    """

    key: TaskKey
    payload: Any
    descriptor: int
    needs: frozenset[str] = frozenset()
    grant: Callable[[int], float] = lambda worked: math.inf
    again: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class TaskResult(Generic[TaskKey]):
    """A task's result, or why it has none."""

    key: TaskKey
    result: Any
    failure: Failure | None

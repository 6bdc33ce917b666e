"""A pool of worker processes that survives what its work does to them.

We do not use concurrent.futures or pebble, because they lack what we need: an open file goes with each task, a worker can
ask its parent a question half-way (is this content known?), its messages are read as data and never unpickled, and each
worker has exactly one task, so that we know which task caused a crash, a hang or a growth of memory. (After one
segfault ProcessPoolExecutor loses every task under way; pebble does not, but it unpickles.)
"""

from __future__ import annotations

import collections
import contextlib
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import connection, reduction
from typing import Any

from hashmatch.errors import CODES, CommandError
from hashmatch.i18n import _
from hashmatch.isolation import lock, usage, wire
from hashmatch.isolation.config import Isolation
from hashmatch.isolation.cores import Cores
from hashmatch.isolation.tasks import Task, TaskKey, TaskResult
from hashmatch.isolation.worker import Duty, Prepare, Work, serve
from hashmatch.messages import Message
from hashmatch.records import Failure

#: Characters of the text of a failure that a worker may send; ours are much shorter.
LONGEST_COMPLAINT = 1000


@dataclass(slots=True)
class _Worker:
    """A worker process and its task.

    deadline: when we give it up if it stays silent. started: when its task began. clock: its CPU time then. granted: seconds
    of CPU time for the task. memory: bytes that it used when it was ready. done: how many tasks it has finished.
    """

    process: multiprocessing.process.BaseProcess
    pipe: connection.Connection
    reader: wire.Reader
    needs: frozenset[str]
    task: Task[Any] | None = None
    deadline: float = 0.0
    started: float = 0.0
    clock: float = 0.0
    granted: float = math.inf
    memory: int = 0
    is_locked: bool = False
    done: int = 0


def _nothing(needs: frozenset[str]) -> None:
    """Prepare nothing."""


class Pool:
    """Worker processes, started when there is work for them. A context manager; leaving it kills them."""

    def __init__(
        self,
        work: Work,
        isolation: Isolation,
        *,
        question: Any = None,
        result: Any = None,
        prepare: Prepare = _nothing,
        on_locked: Callable[[tuple[str, ...]], object] = lambda steps: None,
    ) -> None:
        """work, prepare: see worker.py. question, result: their types, as wire.read takes them.

        on_locked: called with the steps by which each new worker has locked itself.

        Raises CommandError if a sandbox is required and this system has none.
        """
        self._work, self._prepare, self._on_locked = work, prepare, on_locked
        self._question, self._result = question, result
        self._isolation = isolation
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._again: collections.deque[Task[Any]] = collections.deque()
        self._next: Task[Any] | None = None
        self._needs: frozenset[str] = frozenset()
        self._has_started = False
        # Forking takes milliseconds; a fresh interpreter takes a second to import the decoders.
        self._context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._check_level(isolation.level())

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in [*self._idle, *self._busy]:
            self._end(worker)
            if worker.task is not None:
                os.close(worker.task.descriptor)
        for task in [*self._again, *([self._next] if self._next else [])]:
            os.close(task.descriptor)
        self._next = None
        self._idle.clear()
        self._busy.clear()
        self._again.clear()

    def run(
        self,
        tasks: Iterator[Task[TaskKey] | None],
        answer: Callable[[TaskKey, Any], Any],
        input_descriptor: int | None = None,
        is_pending: Callable[[], bool] = lambda: False,
        prepare: Callable[[], object] = lambda: None,
        accept: Callable[[TaskKey, Any], bool] = lambda key, result: True,
        on_progress: Callable[[TaskKey, float], object] = lambda key, position: None,
    ) -> Iterator[TaskResult[TaskKey] | None]:
        """Do the tasks. Yields results in the order in which they are ready, and None whenever `is_pending` becomes true.

        tasks: None among them means that there is none for now. One is taken ahead, so that no worker waits for the next.
        answer: called in this process with a task's key and its worker's question; returns the answer.
        input_descriptor: after a None, the next task is taken once this is readable.
        is_pending: whether the caller has something else to do.
        prepare: called once, when workers have their first tasks: time to get ready for the results.
        accept: whether a result can be true of that task. If not, the worker cannot be trusted any more.
        on_progress: called with the position that a task's worker has reached.
        """
        self._on_progress: Callable[[Any, float], object] = on_progress
        limit = self._isolation.worker_count()
        cores = Cores(limit)
        exhausted, dry, prepared = False, False, False  # dry: no task for now
        finished: collections.deque[TaskResult[TaskKey]] = collections.deque()
        while not exhausted or self._busy or self._again or self._next or finished:
            self._try_again(limit)
            while True:
                is_free = len(self._busy) < limit and not (self._again or self._is_reserved())
                if is_free and self._next is not None:
                    task, self._next = self._next, None
                    self._hand_over(task)
                elif finished:
                    yield finished.popleft()
                elif exhausted or dry or self._next is not None:
                    break
                elif (taken := next(tasks, ...)) is ...:
                    exhausted = True
                elif taken is not None:
                    self._next = taken
                else:
                    dry = input_descriptor is not None and not is_pending()
                    if is_pending():
                        yield None
            waiting: list[Any] = [worker.pipe for worker in self._busy]
            if dry and len(self._busy) < limit and not self._again:
                waiting.append(input_descriptor)
            if not waiting:
                continue
            if self._busy and not prepared:
                prepare()
                prepared = True
            cores.settle(_pids(self._busy), _pids(self._idle))
            asleep, patience = time.monotonic(), self._patience()
            ready = connection.wait(waiting, patience)
            dry = dry and input_descriptor not in ready
            for worker in [w for w in self._busy if w.pipe in ready]:
                finished.extend(self._hear(worker, answer, accept))
            finished.extend(self._give_up_silent(asleep, patience or 0.0))

    def add(self, task: Task[Any]) -> None:
        """Add a task to be done before the others; for `answer`, if a worker's question makes more work."""
        self._again.append(task)

    @property
    def free(self) -> int:
        """How many workers could take a task now."""
        return max(0, self._isolation.worker_count() - len(self._busy) - len(self._again))

    def _try_again(self, limit: int) -> None:
        while self._again and len(self._busy) < limit and not self._is_reserved():
            if self._again[0].alone and self._busy:
                break
            self._hand_over(self._again.popleft())

    def _is_reserved(self) -> bool:
        return any(worker.task is not None and worker.task.alone for worker in self._busy)

    def _deadline(self, worker: _Worker) -> float:
        """When to give a worker up: if it is silent too long or, whatever it says, works far longer than it may."""
        longest = worker.started + self._isolation.timeout + 10 * worker.granted
        return min(worker.deadline, longest)

    def _give_up_silent(self, asleep: float, patience: float) -> list[TaskResult[Any]]:
        """Give up the workers whose deadline has passed. asleep: when we began to wait for messages. patience: seconds that
        we meant to wait."""
        now = time.monotonic()
        if now > asleep + patience + 1.0:
            # This process was away itself (stopped by Ctrl-Z, or swapped out): the workers were not silent.
            for worker in self._busy:
                worker.started += now - asleep
                worker.deadline = now + self._isolation.timeout
        silent = [worker for worker in self._busy if self._deadline(worker) < now]
        if not silent:
            return []
        failure = Failure("timeout", Message.of("no-progress", seconds=self._isolation.timeout))
        return [result for worker in silent for result in self._lost(worker, failure)]

    def _patience(self) -> float | None:
        if not self._busy:
            return None
        return max(0.0, min(map(self._deadline, self._busy)) - time.monotonic())

    def _hand_over(self, task: Task[Any]) -> None:
        worker = self._free_worker(task)
        worker.task, worker.started = task, time.monotonic()
        worker.deadline = worker.started + self._isolation.timeout
        worker.clock = usage.cpu_seconds(worker.process.pid)
        self._grant(worker, 0)
        self._busy.append(worker)
        try:
            worker.pipe.send(task.payload)
            reduction.send_handle(worker.pipe, task.descriptor, worker.process.pid)
        except OSError:  # it died while idle, or does not listen; we hear of its death next, and another gets the task
            worker.process.kill()

    def _free_worker(self, task: Task[Any]) -> _Worker:
        """An idle worker that is prepared for the task, or a new one; always a new one for a second try."""
        for worker in self._idle[::-1]:
            if not worker.reader.is_silent():
                self._idle.remove(worker)
                self._end(worker)
            elif not task.again and task.needs <= worker.needs:
                self._idle.remove(worker)
                return worker
        while self._idle and len(self._idle) + len(self._busy) >= self._isolation.worker_count():
            self._end(self._idle.pop(0))
        return self._start(task)

    def _grant(self, worker: _Worker, worked: int) -> None:
        assert worker.task is not None
        worker.granted = worker.task.grant(worked)
        usage.limit_cpu_seconds(worker.process.pid, worker.clock + worker.granted)

    def _hear(
        self, worker: _Worker, answer: Callable[[Any, Any], Any], accept: Callable[[Any, Any], bool]
    ) -> list[TaskResult[Any]]:
        """Read a worker's messages. Returns the result of its task if that is over, else nothing."""
        try:
            messages = worker.reader.messages()
        except wire.NonsenseError:
            return self._lost(worker, _nonsense())
        except (EOFError, OSError):
            failure, is_certain = usage.cause_of_death(worker.process)
            return self._lost(worker, failure, is_certain)
        for number, message in enumerate(messages, 1):
            try:
                result = self._understand(worker, *wire.unpack(message), answer, accept)
            except wire.NonsenseError:
                return self._lost(worker, _nonsense())
            if result is not None:
                self._dismiss(worker, result.failure, says_more=number < len(messages))
                return [result]
        return []

    def _understand(
        self,
        worker: _Worker,
        kind: str,
        content: Any,
        answer: Callable[[Any, Any], Any],
        accept: Callable[[Any, Any], bool],
    ) -> TaskResult[Any] | None:
        """Act on one message. Raises NonsenseError, and whatever the caller's functions raise."""
        assert worker.task is not None
        if (kind == "locked") == worker.is_locked:  # must come once, and first
            raise wire.NonsenseError(kind)
        if kind == "locked":
            # The task does not pay for what getting ready took. The worker has read no file yet, so we can believe it.
            steps, worker.memory = wire.read(tuple[tuple[str, ...], int], content)
            worker.clock, worker.is_locked = usage.cpu_seconds(worker.process.pid), True
            self._grant(worker, 0)
            self._check_level(steps)
            self._on_locked(steps)
        elif kind == "beat":
            position, worked = wire.read(tuple[float, int], content)
            self._grant(worker, worked)
            self._on_progress(worker.task.key, position)
        elif kind == "question":
            reply = answer(worker.task.key, wire.read(self._question, content))
            try:
                worker.pipe.send(reply)
            except BlockingIOError as error:
                raise wire.NonsenseError("questions without end") from error
            except OSError:
                pass  # it has died; we hear of the broken pipe next
        elif kind == "result":
            result = wire.read(self._result, content)
            if not accept(worker.task.key, result):
                raise wire.NonsenseError("an impossible result")
            return self._done(worker, result, None)
        elif kind == "failure":
            failure = wire.read(Failure, content)
            if not is_credible(failure):
                raise wire.NonsenseError("an impossible failure")
            return self._done(worker, None, failure)
        else:
            raise wire.NonsenseError(kind)
        worker.deadline = time.monotonic() + self._isolation.timeout
        return None

    def _lost(self, worker: _Worker, failure: Failure, is_certain: bool = False) -> list[TaskResult[Any]]:
        """End a worker that is dead or useless, and have a fresh one try its task once more.

        It may have died of an earlier task. It may also have died because others took too much memory; then the second
        try runs alone. is_certain: whether it was this task, and would be again.
        """
        assert worker.task is not None
        self._busy.remove(worker)
        self._end(worker)
        if worker.task.again or is_certain:
            return [self._done(worker, None, failure)]
        self._again.append(replace(worker.task, again=True, alone=failure.code == "out-of-memory"))
        return []

    def _dismiss(self, worker: _Worker, failure: Failure | None, says_more: bool) -> None:
        """Keep a worker whose task is done for the next one, unless that might suffer from what this task left."""
        self._busy.remove(worker)
        worker.done += 1
        grown = usage.memory(worker.process.pid) - worker.memory
        is_spent = worker.done >= self._isolation.files or grown > self._isolation.memory // 8
        if is_spent or says_more or (failure is not None and failure.code in ("out-of-memory", "decoder-crash")):
            self._end(worker)
        else:
            self._idle.append(worker)

    def _done(self, worker: _Worker, result: Any, failure: Failure | None) -> TaskResult[Any]:
        assert worker.task is not None
        task, worker.task = worker.task, None
        os.close(task.descriptor)
        return TaskResult(task.key, result, failure)

    def _start(self, task: Task[Any]) -> _Worker:
        # Prepared for all needs so far; else a folder of mixed files would take a new worker for each.
        self._needs |= task.needs
        if self._has_started and self._context.get_start_method() == "fork":
            # The first worker loads its decoders itself while we load the reference set. Later ones get them by the fork,
            # which saves a tenth of a second each.
            self._prepare(self._needs)
        self._has_started = True
        kept = self._isolation
        duty = Duty(self._work, self._prepare, self._needs, kept.memory, kept.steps, kept.require_sandbox)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(duty, theirs), daemon=True)
        with _single_threaded_blas():
            process.start()
        theirs.close()
        return _Worker(process, ours, wire.Reader(ours), self._needs)

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _check_level(self, steps: tuple[str, ...]) -> None:
        missing = [step for step in lock.STEPS if step not in steps]
        if self._isolation.require_sandbox and missing:
            message = _("a sandbox is required, and this system does not have: {missing}")
            raise CommandError(message.format(missing=", ".join(missing)))


def is_credible(failure: Failure) -> bool:
    """Whether one of our workers can have said this: a known code and message, not too long, and found in this run."""
    return failure.code in CODES and failure.detail.is_sound(LONGEST_COMPLAINT) and not failure.tried_before


def _pids(workers: list[_Worker]) -> list[int]:
    return [worker.process.pid for worker in workers if worker.process.pid is not None]


def _nonsense() -> Failure:
    return Failure("decoder-crash", Message.of("decoder-nonsense"))


def _single_threaded_blas() -> contextlib.AbstractContextManager[Any]:
    """While in force, forked processes do linear algebra on one thread.

    OpenBLAS starts its threads again in a forked child, and they spin: the product of two small matrices took a second, and
    two workers on two cores stood still for minutes. The command line sets the variable before it imports numpy; a
    Python program may have imported numpy before.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return contextlib.nullcontext()
    import threadpoolctl

    limits: contextlib.AbstractContextManager[Any] = threadpoolctl.threadpool_limits(1, user_api="blas")
    return limits

"""A pool of worker processes that survives what its work does to them.

Our own rather than concurrent.futures or pebble, for three things that those do not have: an open file is handed over
with the task, the worker can put a question to the parent half-way (is this content known?), and exactly one task is
outstanding per worker, so that a crash, a hang or memory blow-up is always that one task's.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import connection, reduction
from typing import Any, Generic, TypeVar

from hashmatch.errors import MediaError
from hashmatch.i18n import _
from hashmatch.records import Failure

Key = TypeVar("Key")

#: work(payload, descriptor, ask, beat) runs in a worker. It owns the descriptor; ask(question) gives the parent's
#: answer; beat() tells that it is alive.
Work = Callable[[Any, int, Callable[[Any], Any], Callable[[], None]], Any]


@dataclass(frozen=True, slots=True)
class Isolation:
    """How workers are kept. workers: how many at most; None: one a core.

    timeout: seconds without a sign of life after which a worker is killed. memory: bytes of address space that work may
    take beyond what a fresh worker has.
    """

    workers: int | None = None
    timeout: float = 60.0
    memory: int = 2 << 30

    def worker_count(self) -> int:
        if self.workers is not None:
            return self.workers
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Task(Generic[Key]):
    """One piece of work. The pool closes the descriptor when it is done.

    again: whether a worker has died of it, or perhaps of something else; it is given to another one once.
    """

    key: Key
    payload: Any
    descriptor: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Key]):
    """What became of a task: its result, or the failure that the worker died of."""

    key: Key
    result: Any
    failure: Failure | None


@dataclass(slots=True)
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: connection.Connection
    task: Task[Any] | None = None
    deadline: float = 0.0


class Pool:
    """Workers that are started when there is work for them. A context manager; leaving it kills them."""

    def __init__(self, work: Work, isolation: Isolation) -> None:
        self._work = work
        self._isolation = isolation
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        # Forking takes milliseconds where a fresh interpreter takes a second to import the decoders.
        self._context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in [*self._idle, *self._busy]:
            self._end(worker)
            if worker.task is not None:
                os.close(worker.task.descriptor)
        self._idle.clear()
        self._busy.clear()

    def run(
        self,
        tasks: Iterator[Task[Key] | None],
        answer: Callable[[Key, Any], Any],
        source: int | None = None,
        pending: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Iterator[Outcome[Key] | None]:
        """Do the tasks; outcomes come in the order in which they are ready, and None whenever `pending` becomes true.

        A task is taken from `tasks` only when a worker is free for it. A None among them means: none for now; with a
        `source` descriptor the next is taken when that is readable. answer: called in this process with a task's key
        and its question. meanwhile: called once, when workers have their first tasks, to prepare for the outcomes.
        """
        limit = self._isolation.worker_count()
        exhausted, dry, prepared = False, False, False
        finished: collections.deque[Outcome[Key]] = collections.deque()
        while not exhausted or self._busy or finished:
            while not exhausted and not dry and len(self._busy) < limit:
                task = next(tasks, ...)
                if task is ...:
                    exhausted = True
                elif task is None:
                    dry = source is not None and not pending()
                    if pending():
                        yield None
                else:
                    self._hand_over(task)
            while finished:
                yield finished.popleft()
            waiting: list[Any] = [worker.pipe for worker in self._busy]
            if dry and len(self._busy) < limit:
                waiting.append(source)
            if not waiting:
                continue
            if self._busy and not prepared:
                meanwhile()
                prepared = True
            asleep, patience = time.monotonic(), self._patience()
            ready = connection.wait(waiting, patience)
            dry = dry and source not in ready
            for worker in [w for w in self._busy if w.pipe in ready]:
                outcome = self._hear(worker, answer)
                if outcome is not None:
                    finished.append(outcome)
            now = time.monotonic()
            if now > asleep + (patience or 0.0) + 1.0:
                # We were away ourselves (stopped by Ctrl-Z, or swapped out): the silence was not theirs.
                for worker in self._busy:
                    worker.deadline = now + self._isolation.timeout
            for worker in [w for w in self._busy if w.deadline < now]:
                self._busy.remove(worker)
                self._end(worker)
                message = _("no progress for {seconds:g} s; given up").format(seconds=self._isolation.timeout)
                finished.append(self._done(worker, None, Failure("timeout", message)))

    def _patience(self) -> float | None:
        if not self._busy:
            return None
        return max(0.0, min(worker.deadline for worker in self._busy) - time.monotonic())

    def _hand_over(self, task: Task[Any]) -> None:
        worker = self._idle.pop() if self._idle and not task.again else self._start(task.descriptor)
        worker.task = task
        worker.deadline = time.monotonic() + self._isolation.timeout
        self._busy.append(worker)
        try:
            worker.pipe.send(task.payload)
            reduction.send_handle(worker.pipe, task.descriptor, worker.process.pid)
        except OSError:
            pass  # it died while idle; the broken pipe is heard of at once, and the task given to another

    def _hear(self, worker: _Worker, answer: Callable[[Any, Any], Any]) -> Outcome[Any] | None:
        """Take one message of a worker. Returns an outcome if it was the last of its task."""
        assert worker.task is not None
        try:
            kind, content = worker.pipe.recv()
        except (EOFError, OSError):
            self._busy.remove(worker)
            worker.process.join(1)  # to know what it died of, before it is killed for certain
            self._end(worker)
            if not worker.task.again:
                # It may have died of something else, such as the memory that others took.
                self._hand_over(replace(worker.task, again=True))
                return None
            return self._done(worker, None, _cause_of_death(worker.process.exitcode))
        if kind == "question":
            reply = answer(worker.task.key, content)
            with contextlib.suppress(OSError):  # it died meanwhile; the broken pipe is heard of next
                worker.pipe.send(reply)
        worker.deadline = time.monotonic() + self._isolation.timeout
        if kind in ("question", "beat"):
            return None
        self._busy.remove(worker)
        self._idle.append(worker)
        return self._done(worker, content if kind == "result" else None, content if kind == "failure" else None)

    def _done(self, worker: _Worker, result: Any, failure: Failure | None) -> Outcome[Any]:
        assert worker.task is not None
        task, worker.task = worker.task, None
        os.close(task.descriptor)
        return Outcome(task.key, result, failure)

    def _start(self, descriptor: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        # A forked child inherits our ends of all pipes, and all files that are being worked on; it must close them, or
        # no worker would notice that we died, and evidence would stay open.
        workers = [*self._idle, *self._busy]
        inherited = [ours.fileno(), descriptor, *(worker.pipe.fileno() for worker in workers)]
        inherited += [worker.task.descriptor for worker in workers if worker.task is not None]
        close = inherited if self._context.get_start_method() == "fork" else []
        process = self._context.Process(target=_serve, args=(self._work, theirs, close, self._isolation), daemon=True)
        with _single_threaded_blas():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def _single_threaded_blas() -> contextlib.AbstractContextManager[Any]:
    """What is forked meanwhile does linear algebra on one thread.

    OpenBLAS starts its threads anew in a forked child, and there they spin: a product of two small matrices took a second,
    and two workers on two cores stood still for minutes. The command line sets the variable before numpy is imported;
    who uses the package from Python may have numpy already.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return contextlib.nullcontext()
    import threadpoolctl

    limits: contextlib.AbstractContextManager[Any] = threadpoolctl.threadpool_limits(1, user_api="blas")
    return limits


def _cause_of_death(exitcode: int | None) -> Failure:
    if exitcode is not None and exitcode < 0:
        if -exitcode == signal.SIGKILL:  # not by us, or it would be a timeout: the kernel's out-of-memory killer
            return Failure("out-of-memory", _("the decoder was killed by the system, probably for its use of memory"))
        name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else str(-exitcode)
        return Failure("decoder-crash", _("the decoder crashed ({signal})").format(signal=name))
    return Failure("decoder-crash", _("the decoder ended the process (exit code {code})").format(code=exitcode))


def _serve(work: Work, pipe: connection.Connection, inherited: list[int], isolation: Isolation) -> None:
    """A worker's life: take a task, do it, tell the result; until the parent is gone."""
    gc.freeze()  # what the parent left of a decoder may have threads, which are not here and would be waited for
    for descriptor in inherited:
        os.close(descriptor)
    if sys.platform == "linux":  # a worker that hangs would never notice that we died
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit_resources(isolation.memory)
    warnings.simplefilter("ignore")  # of decoders, about hostile files; the parent tells what matters

    def ask(question: Any) -> Any:
        pipe.send(("question", question))
        return pipe.recv()

    while True:
        try:
            payload = pipe.recv()
            descriptor = reduction.recv_handle(pipe)
        except (EOFError, OSError):
            os._exit(0)
        try:
            pipe.send(("result", work(payload, descriptor, ask, lambda: pipe.send(("beat", None)))))
        except MediaError as error:
            pipe.send(("failure", Failure(error.code, error.message)))
        except MemoryError:
            pipe.send(("failure", Failure("out-of-memory", _("decoding needs more memory than the limit"))))
        except (BrokenPipeError, EOFError):
            os._exit(0)
        except Exception as error:  # a decoder's own mistake; the worker is as good as before
            message = _("the decoder failed: {error}").format(error=" ".join(repr(error).split())[:160])
            pipe.send(("failure", Failure("decoder-crash", message)))


def _limit_resources(memory: int) -> None:
    """No file may be written, no core dumped, and no more than `memory` bytes be taken on top of what is in use."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:
            in_use = int(statm.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]  # of `ulimit -v`; it may be lowered and not raised
        limit = in_use + memory if hard == resource.RLIM_INFINITY else min(in_use + memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def describe(isolation: Isolation) -> dict[str, str]:
    """The isolation that is in force on this system, for `info`."""
    if sys.platform == "win32":
        limits = _("none on this system")
    else:
        limits = _("no file may be written, no core dumped")
        if sys.platform == "linux":
            limits += ", " + _("{gib:g} GiB of memory").format(gib=isolation.memory / (1 << 30))
    return {
        "level": _("worker processes with resource limits"),
        "workers": str(isolation.worker_count()),
        "limits": limits,
        "timeout": _("{seconds:g} s without progress").format(seconds=isolation.timeout),
    }

"""What Dask runs on a worker to examine files: it passes jobs to a host process, and their outcomes back to the client."""

from __future__ import annotations

import atexit
import functools
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from hashmatch.cluster.jobs import LONGEST, Batch, Job, JobOutcome, Run, number_of
from hashmatch.cluster.versions import check, facts
from hashmatch.errors import CommandError
from hashmatch.isolation import wire
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint

_READ_AT_ONCE = 1 << 16
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
#: Dask sets this, so that its workers give memory back at once. Decoding one picture after another then spends a fifth of
#: its time on getting the memory again.
_TRIM = "MALLOC_TRIM_THRESHOLD_"

#: By the number of the job, as the host wrote them; only the client reads them.
Outcomes = dict[int, bytes]

#: Hosts without work. One thread of the Dask worker uses a host at a time.
_idle: list[_Host] = []
_lock = threading.Lock()


class HostDiedError(Exception):
    """The host process is gone: something killed it, or it failed."""


def check_facts(run: bytes, dask_worker: Any) -> str:
    """How this worker differs from the client of a run, as a line for a person; "" if it does not. dask_worker: Dask gives
    it to functions that run beside its tasks."""
    asked = wire.read(Run, wire.unpack(run)[1])
    try:
        check(str(dask_worker.address), asked.facts, facts(asked.settings))
    except CommandError as error:
        return str(error)
    return ""


def examine(run: bytes, batch: bytes) -> bytes:
    """Do a batch of jobs. run, batch: a Run and a tuple of Jobs, packed by wire.pack. Returns a line with a Batch and a line
    with each JobOutcome, or "refused" with a line for a person."""
    start = time.monotonic()
    asked = wire.read(Run, wire.unpack(run)[1])
    jobs = wire.read(tuple[Job, ...], wire.unpack(batch)[1])
    try:
        check(_address(), asked.facts, facts(asked.settings))
        outcomes, locked = _examine(run, jobs, functools.partial(_tell_client, asked.name))
    except CommandError as error:
        return wire.pack("refused", str(error))
    batch_line = wire.pack("batch", Batch(_address(), locked, time.monotonic() - start))
    return b"\n".join([batch_line, *outcomes.values()])


def release(name: str) -> None:
    """End the hosts of a run that is over."""
    with _lock:
        ended = [host for host in _idle if host.name == name]
        _idle[:] = [host for host in _idle if host.name != name]
    for host in ended:
        host.end()


def _examine(run: bytes, jobs: Sequence[Job], on_news: Callable[[bytes], object]) -> tuple[Outcomes, tuple[str, ...]]:
    """Do all jobs at once. If the host dies, do the rest one by one, so that a deadly file costs only itself. Returns the
    outcomes, and the steps by which the locked worker locked itself."""
    outcomes: Outcomes = {}
    host = _host(run)
    try:
        host.examine(jobs, outcomes, on_news)
        locked = host.locked
    except HostDiedError:
        for job in jobs:
            if job.number not in outcomes:
                host = _host(run)
                try:
                    host.examine([job], outcomes, on_news)
                except HostDiedError:
                    failure = Failure("decoder-crash", Message.of("host-died"))
                    outcome = JobOutcome(job.number, 0, 0, Fingerprint(None, 0, error=failure), job.share)
                    outcomes[job.number] = wire.pack("outcome", outcome)
        locked = host.locked
    return outcomes, locked


def _host(run: bytes) -> _Host:
    """An idle host of this run, else a new one. Idle hosts of other runs are ended."""
    with _lock:
        own = [host for host in _idle if host.run == run and host.is_alive]
        others = [host for host in _idle if host not in own]
        found = own.pop() if own else None
        _idle[:] = own
    for host in others:
        host.end()
    return found or _Host(run)


class _Host:
    """The Dask worker's end of a host process."""

    def __init__(self, run: bytes) -> None:
        self.run, self.name = run, wire.read(Run, wire.unpack(run)[1]).name
        self.locked: tuple[str, ...] = ()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hashmatch.cluster.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        self._begun: list[bytes] = []  # the parts of a line so far; that of a long film has tens of megabytes
        self._to_write = run + b"\n"
        atexit.register(self.end)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()
        atexit.unregister(self.end)

    def examine(self, jobs: Sequence[Job], outcomes: Outcomes, on_news: Callable[[bytes], object]) -> None:
        """Have jobs done, and add each outcome as it comes. on_news: called with each line of News before that.

        Raises HostDiedError or CommandError, and ends the host then; otherwise the host is kept for the next batch.
        """
        self._to_write += b"".join(wire.pack("job", job) + b"\n" for job in jobs)
        waiting = {job.number for job in jobs}
        try:
            while waiting:
                for line in self._hear():
                    number = number_of(line)
                    if number is not None:
                        waiting.discard(number)
                        outcomes[number] = line
                        continue
                    kind, content = wire.unpack(line)
                    if kind == "news":
                        on_news(line)
                    elif kind == "locked":
                        self.locked = wire.read(tuple[str, ...], content)
                    else:
                        raise CommandError(wire.read(str, content))
        except BaseException:
            self.end()
            raise
        with _lock:
            _idle.append(self)

    def _hear(self) -> list[bytes]:
        """Write and read as much as is possible now: neither may wait for the other. Returns the lines that are complete."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            if self._to_write:
                selector.register(self._in, selectors.EVENT_WRITE)
            ready = {key.fileobj for key, _events in selector.select()}
        if self._in in ready:
            try:
                self._to_write = self._to_write[self._in.write(self._to_write) or 0 :]
            except OSError as error:
                raise HostDiedError from error
        if self._out not in ready:
            return []
        chunk = os.read(self._out.fileno(), _READ_AT_ONCE)
        if not chunk:
            raise HostDiedError
        end, *others = chunk.split(b"\n")
        self._begun.append(end)
        lines = []
        for part in others:
            lines.append(b"".join(self._begun))
            self._begun = [part]
        if len(self._begun) * _READ_AT_ONCE > LONGEST and sum(map(len, self._begun)) > LONGEST:
            raise HostDiedError
        return lines


def _environment() -> dict[str, str]:
    """The environment of a host: that of this process, without what would slow the host down."""
    kept = {name: value for name, value in os.environ.items() if name != _TRIM}
    return kept | dict.fromkeys(_THREADS, "1")


def _tell_client(name: str, news: bytes) -> None:
    from distributed import get_worker

    get_worker().log_event(name, news)


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)

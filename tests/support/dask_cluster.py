"""A real scheduler and real workers on loopback; the system chooses their ports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.command_line import environment
from tests.support.repository import ROOT

#: Seconds that these tests wait for anything: enough on a busy machine.
LONG = 200.0


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait until a condition holds, and fail after LONG seconds. what: the condition in words."""
    end = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < end, f"{what} in {LONG:.0f} s"
        time.sleep(0.02)


@dataclass
class Dask:
    """A scheduler and its workers, each in a process group of its own."""

    folder: Path
    package: Path = ROOT
    address: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        file = self.folder / f"scheduler-{len(self.processes)}.json"
        where = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        protocol = ("--protocol", "tls") if self.extra else ()
        process = self._start("scheduler", *where, *protocol)

        def is_written() -> bool:
            with contextlib.suppress(OSError, ValueError):
                self.address = json.loads(file.read_text())["address"]
            return bool(self.address)

        until(is_written, "a scheduler")
        return process

    def start_worker(self, package: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a worker and its nanny, which restarts the worker when it is killed."""
        where = ("--host", "127.0.0.1", "--nthreads", "1", "--memory-limit", "0", "--local-directory", str(self.folder))
        return self._start("worker", self.address, *where, package=package)

    def _start(self, *arguments: str, package: Path | None = None) -> subprocess.Popen[bytes]:
        extra = {
            "HASHMATCH_SHARDS": str(self.folder / f"shards-{len(self.processes)}"),
            "PYTHONPATH": str(package or self.package),
            "OPENBLAS_NUM_THREADS": "1",
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
            cwd=self.folder,
            env=environment() | extra | self.extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def dask(folder: Path, workers: int, certificates: dict[str, str] | None = None) -> Iterator[Dask]:
    """A scheduler with some workers. certificates: environment variables that turn on TLS and name the certificates."""
    folder.mkdir(exist_ok=True)
    started = Dask(folder, extra=certificates or {})
    try:
        started.start_scheduler()
        for _number in range(workers):
            started.start_worker()
        yield started
    finally:
        started.stop()


def children(pid: int) -> dict[int, str]:
    """All descendants of a process, each with its command line."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            found[int(status.parent.name)] = parent, (status.parent / "cmdline").read_text()
    below, new = {}, {pid}
    while new:
        new = {each for each, (parent, _words) in found.items() if parent in new}
        below |= {each: found[each][1] for each in new}
    return below


def is_alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def dask_worker_of(nanny: subprocess.Popen[bytes]) -> int:
    """The worker process that a nanny watches: the first of those that it spawned."""
    spawned = [pid for pid, words in children(nanny.pid).items() if "spawn_main" in words]
    assert spawned
    return min(spawned)

"""Join a cluster: one that runs already, or one of processes on this machine that end with the command."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from multiprocessing import connection
from types import FrameType
from typing import TYPE_CHECKING, Any

from hashmatch.cluster import dask_worker
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from distributed import Client, Future

#: Seconds to wait for a first worker, or for another when the last is gone. (How long to wait for the scheduler is Dask's
#: own setting, distributed.comm.timeouts.connect.)
PATIENCE = 30.0
#: Seconds to spend on leaving a cluster, whose scheduler may be gone.
LEAVING = 5.0
#: Seconds between two checks of which workers there are.
LOOK = 2.0

_LOCAL = re.compile(r"local:([1-9][0-9]{0,3})")
#: Checked here, because Dask waits a minute for an address of another form.
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:[0-9]{1,5}")

#: For workers that we start ourselves: switch off whatever of Dask takes their time or writes between our lines.
_SETTINGS = {
    "distributed.worker.preload": ["hashmatch.cluster.preload"],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "logging": {"distributed": "critical"},
}


@dataclass(slots=True)
class Rate:
    """How much one worker has done: files, their bytes, and the seconds it worked."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """A task, by its name, and what its function returned, or the error it ended with."""

    name: str
    value: Any = None
    error: BaseException | None = None


class Heard:
    """News of a cluster, put here by Dask's threads until the main thread asks for it."""

    def __init__(self) -> None:
        self._items = deque[Any]()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._is_open, self._lock = True, threading.Lock()

    def put(self, item: Any) -> None:
        self._items.append(item)
        with self._lock, contextlib.suppress(OSError):  # a full pipe is readable anyway
            if self._is_open:  # otherwise the descriptor may belong to another file by now
                os.write(self._write, b"x")

    def wait(self, seconds: float, input_descriptor: int | None = None) -> tuple[list[Any], bool]:
        """Wait for news or readable input, at most some seconds. Returns the news, and whether the input is readable."""
        ready = connection.wait([self._read] if input_descriptor is None else [self._read, input_descriptor], seconds)
        if self._read in ready:
            os.read(self._read, 1 << 16)
        heard = []
        while self._items:
            heard.append(self._items.popleft())
        return heard, input_descriptor in ready

    def close(self) -> None:
        with self._lock:
            self._is_open = False
        os.close(self._write)
        os.close(self._read)


@dataclass(slots=True)
class Cluster:
    """A cluster that was joined. dashboard: its link; "" if it has none. rates: by the address of the worker."""

    client: Client
    address: str
    dashboard: str
    rates: dict[str, Rate] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)
    is_interrupted: bool = False
    _threads: dict[str, int] = field(default_factory=dict)
    _looked: float = 0.0
    _seen: float = field(default_factory=time.monotonic)  # when there was last a worker

    def check(self) -> None:
        """Raises CommandError if the scheduler is gone, and all tasks with it; KeyboardInterrupt if one was lost, as Python
        ignores an exception while it destroys an object, here one of Dask's."""
        if self.is_interrupted:
            raise KeyboardInterrupt
        if self.client.status != "running":
            raise _gone(self.address)

    def workers(self) -> dict[str, int]:
        """The number of threads of each worker, by its address; at most LOOK old. There may be none for a while.

        Raises CommandError if there have been none for PATIENCE, or the scheduler is gone.
        """
        self.check()
        now = time.monotonic()
        if now - self._looked >= LOOK:
            with self.speaking():
                self._threads = {str(place): int(count) for place, count in self.client.nthreads().items()}
            self._looked = now
        if self._threads:
            self._seen = now
        elif now - self._seen > PATIENCE:
            message = _("the cluster at {address} has no workers left; work so far is kept")
            raise CommandError(message.format(address=self.address))
        return self._threads

    def look_again(self) -> dict[str, int]:
        """As `workers`, as of now."""
        self._looked = 0.0
        return self.workers()

    def some_workers(self) -> dict[str, int]:
        """As `workers`, once there are any. Raises CommandError if none comes."""
        while not (found := self.workers()):
            time.sleep(LOOK / 10)
        return found

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """In this block, what Dask raises when its scheduler is gone becomes a CommandError."""
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        try:
            yield
        except (CommClosedError, FutureCancelledError, OSError, TimeoutError) as error:
            raise _gone(self.address) from error
        except AttributeError as error:  # Dask's connection is None while it reconnects
            self.check()
            raise CommandError(str(error)) from error

    def submit(self, function: Callable[..., Any], *arguments: Any, name: str) -> Future[Any]:
        """Have a worker call a function; its TaskOutcome becomes news. Dask drops the task when the future is deleted."""
        self.check()
        with self.speaking():
            future = self.client.submit(function, *arguments, key=name, pure=False)
            future.add_done_callback(self._fetch)
        return future

    def _fetch(self, future: Future[Any]) -> None:
        """Fetch a result from its worker, in a thread of its own: a worker that hangs must not delay the others' results."""

        def fetch() -> None:
            try:
                outcome = TaskOutcome(future.key, future.result())
            except BaseException as error:
                outcome = TaskOutcome(future.key, error=error)
            self.heard.put(outcome)

        threading.Thread(target=fetch, daemon=True).start()

    def ask(self, place: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have one worker call a function now, beside its tasks. Returns its result, or the exception that it raised."""
        return self.ask_all([place], function, *arguments)[place]

    def ask_soon(self, places: list[str], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """As `ask_all`, for functions that return at once. Raises CommandError if a worker does not answer."""
        try:
            found: dict[str, Any] = _within(PATIENCE, lambda: self.ask_all(places, function, *arguments))
        except TimeoutError as error:
            message = _("the cluster at {address} has workers that do not answer: end them, or wait until Dask does")
            raise CommandError(message.format(address=self.address)) from error
        return found

    def ask_all(self, places: list[str], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """As `ask`, for several workers at once. Returns results by address; for a worker that is gone, an OSError."""
        if not places:
            return {}
        self.check()
        with self.speaking():
            results = self.client.run(function, *arguments, workers=places, on_error="return")
        return {place: results.get(place, OSError(place)) for place in places}

    def count(self, place: str, files: int, size: int, seconds: float) -> None:
        """Add to the rate of a worker."""
        rate = self.rates.setdefault(place, Rate())
        rate.files += files
        rate.bytes += size
        rate.seconds += seconds


@contextlib.contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """Join the cluster at an address: `tcp://host:8786`, `tls://…`, or `local:4` for four workers on this machine, which end
    with the block and listen on loopback only. Dask's own configuration has the certificates for TLS.

    Raises CommandError if Dask is not installed, or the scheduler or its workers do not answer.
    """
    local = _LOCAL.fullmatch(address)
    if local is None and not _ADDRESS.fullmatch(address):
        message = _("{address!r} is not the address of a cluster; write tcp://host:8786, tls://host:8786 or local:4")
        raise CommandError(message.format(address=address))
    try:
        import dask
        import distributed
    except ImportError as error:
        message = _("--cluster needs Dask: pip install 'hashmatch[cluster]'")
        raise CommandError(message) from error
    _be_quiet()
    if address.startswith("tcp://") and dask.config.get("distributed.comm.require-encryption"):
        message = _("{address}: Dask is configured to require encryption; use tls://")
        raise CommandError(message.format(address=address))
    if address.startswith("tls://") and not distributed.Security().get_connection_args("client").get("ssl_context"):
        message = _("{address}: no certificates are set for TLS; see distributed.comm.tls in docs/scale.md")
        raise CommandError(message.format(address=address))
    with contextlib.ExitStack() as stack:
        target: Any = address
        if local is not None:
            stack.enter_context(dask.config.set(_SETTINGS))
            stack.enter_context(_one_thread())
            target = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=int(local[1]),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = distributed.Client(target, set_as_default=False)
            stack.callback(_leave, client)
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            message = _("the cluster at {address} does not answer, or has no workers")
            raise CommandError(message.format(address=address)) from error
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            message = _("cannot join the cluster at {address}: {reason}")
            reason = " ".join(str(error).split())[:200]
            raise CommandError(message.format(address=address, reason=reason)) from error
        has_dashboard = "dashboard" in client.scheduler_info()["services"]
        cluster = Cluster(client, address, str(client.dashboard_link) if has_dashboard else "")
        try:
            with _noting_interrupts(cluster):
                yield cluster
        finally:
            cluster.heard.close()


@contextlib.contextmanager
def _noting_interrupts(cluster: Cluster) -> Iterator[None]:
    """Let a cluster also know of an interrupt: see Cluster.check."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        cluster.is_interrupted = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def release(cluster: Cluster, name: str) -> None:
    """A run is over: take no more news of it, and let the workers that can be reached forget it."""
    if cluster.client.status != "running":
        return
    with contextlib.suppress(Exception):
        cluster.client.unsubscribe_topic(name)
    with contextlib.suppress(Exception):
        _within(LEAVING, lambda: cluster.client.run(dask_worker.release, name, on_error="ignore"))


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """Call a function in a thread. Raises TimeoutError if it takes longer than `seconds`; it then goes on by itself."""
    ended = futures.Future[Any]()

    def call() -> None:
        try:
            ended.set_result(function())
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return ended.result(seconds)


def _be_quiet() -> None:
    """Silence Dask's logs; hashmatch itself says what a person needs to know."""
    for name in ["asyncio", *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in (
            "asyncio",
            "distributed",
            "tornado",
        ):  # Dask gives some of them levels of their own
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _leave(client: Client) -> None:
    with contextlib.suppress(TimeoutError, OSError):
        client.close(timeout=LEAVING)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started in this block do linear algebra on one thread."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _gone(address: str) -> CommandError:
    message = _(
        "the scheduler of the cluster at {address} is gone; work so far is kept, and the same command goes on from there"
    )
    return CommandError(message.format(address=address))

"""One locked process that reads a hostile file and sends what it finds, message by message, while its parent works.

A worker of the pool answers once for each of many files; this process has one file and no end of answers. It is locked in
the same way (lock.py), and what it sends is bytes: whoever gets them must check them.
"""

from __future__ import annotations

import contextlib
import encodings
import gc
import importlib
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from multiprocessing import connection, process
from typing import Any, BinaryIO

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.isolation import lock, usage, wire
from hashmatch.isolation.config import Isolation
from hashmatch.isolation.parent import end_with_parent
from hashmatch.system import give_back

#: CPU seconds for any file, and for each byte of it. The slowest format takes a tenth of that for a byte.
_SECONDS, _SECONDS_A_BYTE = 60.0, 20e-6
#: Characters of a complaint of the process; ours are much shorter.
_LONGEST_COMPLAINT = 2000

# The first byte of each message.
_LOCKED, _DATA, _REFUSED, _FAILED, _MEMORY, _DONE = b"l", b"d", b"r", b"f", b"m", b"."


#: Encodings of texts of other programs, and what the standard library imports when it first needs it (strptime,
#: Counter.most_common): a locked process can load nothing.
_ENCODINGS = (
    *("ascii", "latin_1", "iso8859_15", "cp437", "cp850", "cp1252", "utf_8", "utf_8_sig", "utf_16", "utf_16_le"),
    *("utf_16_be", "utf_32", "utf_32_le", "utf_32_be", "raw_unicode_escape", "unicode_escape"),
)
_IMPORTED_LATE = ("_strptime", "heapq")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the process does. All of it must be picklable: functions of modules, and plain values.

    work: work(stream, *arguments) yields messages. What it raises ends the list: a CommandError by its text, an OSError by
    its reason.
    prepare: prepare(stream, *arguments) loads whatever `work` needs, before the lock; None if it needs nothing. It must not
    read what the file says.
    """

    work: Callable[..., Iterator[bytes]]
    prepare: Callable[..., object] | None = None
    arguments: tuple[Any, ...] = ()


def read_apart(file: BinaryIO, reading: Reading, isolation: Isolation | None = None) -> Generator[bytes]:
    """The messages of a process that reads a file from its start. Close the generator to end the process early.

    file: a regular file that is open in this process; its position stays where it is.
    isolation: `timeout`, `memory`, `steps` and `require_sandbox` count.
    Raises CommandError, in one line without the file's name, if the process refuses the file, crashes, hangs, takes too
    much time or memory, or sends nonsense.
    """
    isolation = isolation or Isolation()
    _check_level(isolation, isolation.level())
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    status = os.fstat(file.fileno())
    granted = seconds_for(status.st_size)
    given = _Given(file.fileno() if sys.platform == "linux" else None, file.name, (status.st_dev, status.st_ino))
    ours, theirs = context.Pipe(duplex=False)
    reader = context.Process(target=_serve, args=(reading, given, granted, isolation, theirs), daemon=True)
    try:
        reader.start()
        theirs.close()
        yield from _Parent(reader, ours, isolation, granted).messages()
    finally:
        ours.close()
        if reader.pid is not None:
            reader.kill()
            reader.join()


def seconds_for(size: int) -> float:
    """How much CPU time a file of so many bytes may take."""
    return _SECONDS + _SECONDS_A_BYTE * size


@dataclass(frozen=True, slots=True)
class _Given:
    """The file for the process: its descriptor where that is inherited; its name, and what proves that it is the same."""

    descriptor: int | None
    name: str | bytes | os.PathLike[str]
    identity: tuple[int, int]


class _Parent:
    """This end of the connection."""

    def __init__(
        self, reader: process.BaseProcess, pipe: connection.Connection, isolation: Isolation, granted: float
    ) -> None:
        self._process, self._pipe, self._isolation, self._granted = reader, pipe, isolation, granted
        self._reader = wire.Reader(pipe)

    def messages(self) -> Iterator[bytes]:
        is_locked = False
        while True:
            for message in self._hear():
                kind, content = message[:1], message[1:]
                if (kind == _LOCKED) == is_locked:  # must come once, and first
                    raise CommandError(nonsense())
                if kind == _LOCKED:
                    is_locked = True
                    _check_level(self._isolation, _steps(content))
                elif kind == _DATA:
                    yield content
                elif kind == _DONE:
                    return
                else:
                    raise CommandError(self._complaint(kind, content))

    def _hear(self) -> list[bytes]:
        """The next messages; none if there was only a part of one."""
        self._wait()
        try:
            return self._reader.messages()
        except wire.NonsenseError:
            raise CommandError(nonsense()) from None
        except (EOFError, OSError):
            raise CommandError(self._death()) from None

    def _wait(self) -> None:
        """Wait for the process as long as it works."""
        patience = self._isolation.timeout if sys.platform == "linux" else max(self._isolation.timeout, self._granted)
        worked = usage.cpu_seconds(self._process.pid)
        asleep = time.monotonic()
        while not connection.wait([self._pipe], patience):
            now, before = time.monotonic(), worked
            worked = usage.cpu_seconds(self._process.pid)
            was_away = (
                now > asleep + patience + 1.0
            )  # this process itself was stopped, and perhaps the other one with it
            asleep = now
            if worked <= before and not was_away:
                text = _("the process that reads it made no progress for {seconds:g} s: reading stops here")
                raise CommandError(text.format(seconds=patience))

    def _complaint(self, kind: bytes, content: bytes) -> str:
        if kind == _MEMORY:
            return self._too_much_memory()
        if kind not in (_REFUSED, _FAILED) or len(content) > _LONGEST_COMPLAINT:
            return nonsense()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return nonsense()
        return text if kind == _REFUSED else _("the reader of this format failed: {reason}").format(reason=text)

    def _death(self) -> str:
        """Why the process has closed its connection before its end."""
        code = usage.exit_code(self._process)
        number = -code if code is not None and code < 0 else 0
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        if not number:
            return _("its reader ended before the list did: reading stops here")
        if name == "SIGKILL":
            return _("its reader was killed, perhaps because memory was short: reading stops here")
        if name == "SIGXCPU":
            text = _(
                "it takes more than {seconds:,} s to read, as no genuine list of its size does: reading stops here"
            )
            return text.format(seconds=math.ceil(self._granted))
        if name == "SIGSYS":
            return _("its reader did what no reader does: the list was probably made to attack this program")
        return _("its reader crashed ({signal}): reading stops here").format(signal=name)

    def _too_much_memory(self) -> str:
        text = _("its reader needs more than {gib:g} GiB of memory: reading stops here")
        return text.format(gib=self._isolation.memory / (1 << 30))


def nonsense() -> str:
    """What to say of a process that sends what it cannot have been written to send."""
    return _("its reader sent what no reader of ours sends: the list was probably made to attack this program")


def _steps(content: bytes) -> tuple[str, ...]:
    return tuple(content.decode("ascii", "replace").split())


def _check_level(isolation: Isolation, steps: tuple[str, ...]) -> None:
    missing = [step for step in lock.STEPS if step not in steps]
    if isolation.require_sandbox and missing:
        message = _("a sandbox is required, and this system does not have: {missing}")
        raise CommandError(message.format(missing=", ".join(missing)))


def _serve(reading: Reading, given: _Given, granted: float, isolation: Isolation, pipe: connection.Connection) -> None:
    """Run in the new process: lock it, read the file and send what it holds. Never returns."""
    gc.freeze()
    end_with_parent()
    try:
        with contextlib.suppress(BrokenPipeError):  # the parent is gone, or wants no more
            _read(reading, given, granted, isolation, pipe)
    finally:
        os._exit(0)


def _read(reading: Reading, given: _Given, granted: float, isolation: Isolation, pipe: connection.Connection) -> None:
    try:
        stream = _opened(given)
        if sys.platform == "linux":  # elsewhere it is not forked and has inherited nothing
            lock.close_all_but({pipe.fileno(), stream.fileno()})
        _import_what_comes_late()
        if reading.prepare is not None:
            reading.prepare(stream, *reading.arguments)
        give_back()
        _limit_cpu_seconds(granted)
        pipe.send_bytes(_LOCKED + " ".join(lock.lock(isolation.steps, isolation.memory)).encode())
        for message in reading.work(stream, *reading.arguments):
            pipe.send_bytes(_DATA + message)
        pipe.send_bytes(_DONE)
    except MemoryError:
        pipe.send_bytes(_MEMORY)
    except BrokenPipeError:
        raise
    except CommandError as error:
        pipe.send_bytes(_REFUSED + _short(str(error)))
    except OSError as error:
        pipe.send_bytes(_REFUSED + _short(error.strerror or str(error)))
    except Exception as error:  # a bug of the reader
        pipe.send_bytes(_FAILED + _short(" ".join(repr(error).split())[:160]))


def _import_what_comes_late() -> None:
    for name in _ENCODINGS:
        importlib.import_module(f"{encodings.__name__}.{name}")
        "".encode(name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)


def _short(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")[:_LONGEST_COMPLAINT]


def _opened(given: _Given) -> BinaryIO:
    """The file, with a position of its own: the parent may read it, too, for other ends."""
    if given.descriptor is None:
        stream = open(given.name, "rb")  # noqa: SIM115
        status = os.fstat(stream.fileno())
        if (status.st_dev, status.st_ino) != given.identity:
            raise CommandError(_("another file has just taken its place"))
        return stream
    descriptor = given.descriptor
    with contextlib.suppress(OSError):
        # It keeps the file's own name, since that of the descriptor is gone once that is closed.
        return open(given.name, "rb", opener=lambda _name, flags: os.open(f"/proc/self/fd/{descriptor}", flags))
    stream = open(os.dup(given.descriptor), "rb")  # noqa: SIM115  # no /proc: then the position is the parent's
    stream.seek(0)
    return stream


def _limit_cpu_seconds(seconds: float) -> None:
    """Have the kernel end this process after so many seconds of CPU time; one second later even if it ignores that."""
    if sys.platform == "win32":
        return
    import resource

    used = math.ceil(time.process_time())
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft, last = used + math.ceil(seconds), used + math.ceil(seconds) + 1
    if hard != resource.RLIM_INFINITY:  # set by `ulimit -t`
        soft, last = min(soft, hard), min(last, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, last))

"""What a locked worker can do, and what it cannot: each tried in one, with the real steps of this system."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.hashers.base import Picture
from hashmatch.isolation import Isolation, Pool, Task, TaskResult, landlock, lock, seccomp
from hashmatch.isolation.config import describe
from hashmatch.media import load_decoder, need
from tests.support.film_files import film
from tests.support.opened_media import decoded
from tests.support.still_files import ANIMATIONS, STILLS, scene

pytestmark = pytest.mark.skipif(lock.available() != lock.STEPS, reason="this system has no full sandbox")

Ask = Callable[[Any], Any]
Result = int | str | tuple[int | str, ...]
#: A file that everybody may read, outside of all that a worker is given.
ELSEWHERE = "/etc/passwd"
X86 = platform.machine() == "x86_64"


def attempt(payload: tuple[str, Any], descriptor: int, ask: Ask, beat: Callable[[float], None]) -> Any:
    """Runs in the worker: "came through", or the number of the error."""
    what, value = payload
    try:
        with open(descriptor, "rb") as file:
            return _DEEDS[what](value, file)
    except OSError as error:
        return error.errno


def came_through(_result: object) -> str:
    return "came through"


def call(*arguments: int) -> int:
    """A system call by its number on this machine: its error, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.syscall(*(ctypes.c_long(each) for each in arguments)) >= 0 else ctypes.get_errno()


def _decode(name: str, _file: Any) -> Any:
    make, _media_type = (STILLS | ANIMATIONS)[name]
    pictures = decoded(make())
    return len([hasher.hash(picture) for picture in pictures for hasher in ALL_HASHERS])


def _decode_threaded(data: bytes, file: Any) -> Any:
    with av.open(file, format="mov,mp4,m4a,3gp,3g2,mj2") as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.thread_count = 4
        return sum(1 for _frame in container.decode(stream))


def _thread(_value: Any, _file: Any) -> Any:
    done: list[int] = []
    threads = [threading.Thread(target=done.append, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return len(done)


def _memory(size: int, _file: Any) -> Any:
    for _time in range(20):
        np.ones(size, np.uint8)
    return int(np.ones(size, np.uint8)[::4096].sum())


def _time(_value: Any, _file: Any) -> Any:
    before = time.time(), time.monotonic(), time.perf_counter(), time.process_time()
    time.sleep(0.01)
    after = time.time(), time.monotonic(), time.perf_counter(), time.process_time()
    return "went on" if all(x <= y for x, y in zip(before, after, strict=True)) else "stood still"


def _fork(_value: Any, _file: Any) -> Any:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return "came through"


def _executable_memory(_value: Any, _file: Any) -> Any:
    import mmap

    return came_through(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))


def _raise_cpu_limit(_value: Any, _file: Any) -> Any:
    import resource

    try:
        return came_through(resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)))
    except ValueError:  # "not allowed to raise"
        return errno.EPERM


def _descriptors(_value: Any, file: Any) -> Any:
    """All that are open, apart from the file itself: tried one by one, since /proc cannot be read."""
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return tuple(each for each in found if each != file.fileno())


_DEEDS: dict[str, Callable[[Any, Any], Any]] = {
    "read what was given": lambda value, file: len(file.read()),
    "open": lambda path, file: came_through(os.open(path, os.O_RDONLY)),
    "create": lambda path, file: came_through(os.open(path, os.O_WRONLY | os.O_CREAT)),
    "list": lambda path, file: came_through(os.listdir(path)),
    "remove": lambda path, file: came_through(os.unlink(path)),
    "rename": lambda path, file: came_through(os.rename(path, path + "2")),
    "mode": lambda path, file: came_through(os.chmod(path, 0o777)),
    "write what was given": lambda value, file: came_through(os.write(file.fileno(), b"x")),
    "truncate": lambda value, file: came_through(os.ftruncate(file.fileno(), 0)),
    "memory file": lambda value, file: came_through(os.memfd_create("x")),
    "socket": lambda value, file: came_through(socket.socket()),
    "unix socket": lambda value, file: came_through(socket.socket(socket.AF_UNIX)),
    "execute": lambda value, file: came_through(os.execv("/bin/true", ["true"])),
    "system": lambda value, file: came_through(os.system("true")),
    "fork": _fork,
    "kill": lambda process, file: came_through(os.kill(process, signal.SIGTERM)),
    "ask whether alive": lambda process, file: came_through(os.kill(process, 0)),
    "system call": lambda numbers, file: call(*numbers),
    "executable memory": _executable_memory,
    "raise the CPU limit": _raise_cpu_limit,
    "descriptors": _descriptors,
    "decode": _decode,
    "decode threaded": _decode_threaded,
    "threads": _thread,
    "memory": _memory,
    "time": _time,
    "abort": lambda value, file: os.abort(),
    "privileges": lambda value, file: ctypes.CDLL(None).prctl(39, 0, 0, 0, 0),
}


def load_all(needs: frozenset[str]) -> None:
    for _make, media_type in (*STILLS.values(), *ANIMATIONS.values()):
        load_decoder(need(media_type))
    load_decoder("film")
    for hasher in ALL_HASHERS:
        hasher.hash(Picture(scene().convert("L"), (240, 180)))


ALL_HASHERS = [hashers.by_name(name) for name in hashers.HASHERS]


def run(path: Path, what: str, value: Any = None, **settings: Any) -> TaskResult[int]:
    """The outcome of one attempt in a worker that is locked as far as `settings` have it."""

    def tasks() -> Iterator[Task[int] | None]:
        yield Task(0, (what, value), os.open(path, os.O_RDONLY))

    isolation = Isolation(**{"workers": 1, "timeout": 30.0, **settings})
    with Pool(attempt, isolation, result=Result, prepare=load_all) as pool:
        (outcome,) = [each for each in pool.run(tasks(), lambda key, question: None) if each]
    return outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


# What is refused, and the worker goes on.


@pytest.mark.parametrize("steps", [lock.STEPS, ("seccomp",), ("landlock",)], ids="+".join)
@pytest.mark.parametrize("what", ["open", "create", "list"])
def test_no_file_is_opened(path: Path, what: str, steps: tuple[str, ...]) -> None:
    """By either lock alone, so that one holds where the other has a hole."""
    value = {"open": ELSEWHERE, "create": str(path.parent / "new"), "list": "/"}[what]
    assert run(path, what, value, steps=steps).result in (errno.EPERM, errno.EACCES)
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("what", ["remove", "rename", "mode"])
def test_no_file_is_changed(path: Path, what: str) -> None:
    before = path.stat()
    assert run(path, what, str(path)).result == errno.EPERM
    assert path.stat() == before and path.read_bytes() == b"content"


@pytest.mark.parametrize("what", ["write what was given", "truncate"])
def test_the_file_that_was_given_cannot_be_written(path: Path, what: str) -> None:
    assert run(path, what).result in (errno.EBADF, errno.EPERM, errno.EINVAL)
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("what", ["memory file", "executable memory", "raise the CPU limit"])
def test_refused(path: Path, what: str) -> None:
    assert run(path, what).result in (errno.EPERM, errno.EACCES)


@pytest.mark.skipif(not X86, reason="numbers of x86-64")
@pytest.mark.parametrize(
    ("name", "number"),
    {
        "io_uring_setup": 425,
        "bpf": 321,
        "userfaultfd": 323,
        "open_by_handle_at": 304,
        "mount": 165,
        "keyctl": 250,
    }.items(),
)
def test_what_nobody_needs_is_refused(path: Path, name: str, number: int) -> None:
    assert run(path, "system call", (number, 0, 0, 0)).result == errno.EPERM


def test_a_signal_that_landlock_alone_stops(path: Path) -> None:
    if landlock.version() < 6:
        pytest.skip("this kernel's Landlock knows no signals")
    assert run(path, "ask whether alive", os.getpid(), steps=("landlock",)).result == errno.EPERM
    assert run(path, "ask whether alive", os.getpid(), steps=()).result == "came through"


# What kills: nobody but an attacker asks for it.


@pytest.mark.parametrize("what", ["socket", "unix socket", "execute", "system", "fork", "kill"])
def test_an_attack_ends_the_worker(path: Path, what: str) -> None:
    failure = run(path, what, os.getpid()).failure
    assert failure is not None
    assert failure.code == "decoder-crash" and "SIGSYS" in failure.message


@pytest.mark.skipif(not X86, reason="numbers of x86-64")
@pytest.mark.parametrize(
    ("name", "number"),
    {
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "vfork": 58,
        "execveat": 322,
        "tkill": 200,
    }.items(),
)
def test_a_rarer_attack_ends_the_worker(path: Path, name: str, number: int) -> None:
    failure = run(path, "system call", (number, os.getpid(), 0, 0)).failure
    assert failure is not None and "SIGSYS" in failure.message


@pytest.mark.skipif(not X86, reason="numbers of x86-64")
def test_calls_by_their_other_numbers(path: Path) -> None:
    """Those of the x32 kind: open is 2 there as well, with bit 30 set."""
    assert run(path, "system call", (0x40000000 | 2, 0, 0, 0)).result in (errno.EPERM, errno.ENOSYS)


def test_a_crash_is_still_told_as_such(path: Path) -> None:
    failure = run(path, "abort").failure
    assert failure is not None and "SIGABRT" in failure.message


def test_each_of_these_works_without_the_lock(path: Path) -> None:
    """Or the tests above would prove nothing."""
    for what in ("memory file", "executable memory", "socket", "unix socket", "fork", "system"):
        assert run(path, what, steps=()).result == "came through", what
    assert run(path, "open", ELSEWHERE, steps=("limits",)).result == "came through"
    if X86:
        assert run(path, "system call", (425, 0, 0, 0), steps=()).result != 0


# What a worker has.


def test_only_what_it_needs_is_open(path: Path) -> None:
    """Neither the database nor any other file of the parent: nowhere three times, the connection twice, and the size of its
    own memory."""
    with open(ELSEWHERE, "rb"):
        assert len(run(path, "descriptors").result) == 6


def test_no_new_privileges(path: Path) -> None:
    assert run(path, "privileges", steps=("landlock",)).result == 1


# What works.


@pytest.mark.parametrize("name", [*STILLS, *ANIMATIONS])
def test_every_picture_is_decoded_and_hashed(path: Path, name: str) -> None:
    path.write_bytes((STILLS | ANIMATIONS)[name][0]())
    load_all(frozenset())
    assert run(path, "decode", name).result == _decode(name, None)


def test_threaded_decoding(path: Path) -> None:
    path.write_bytes(film("mp4"))
    with open(path, "rb") as file:
        expected = _decode_threaded(None, file)
    assert run(path, "decode threaded").result == expected > 40


def test_everyday_work(path: Path) -> None:
    assert run(path, "read what was given").result == 7
    assert run(path, "threads").result == 4
    assert run(path, "memory", 100 << 20).result == 25600
    assert run(path, "time").result == "went on"


# The level in force.


@pytest.mark.parametrize("missing", lock.STEPS)
def test_required_and_not_there(path: Path, missing: str) -> None:
    steps = tuple(step for step in lock.STEPS if step != missing)
    with pytest.raises(CommandError, match=missing):
        run(path, "open", ELSEWHERE, steps=steps, require_sandbox=True)
    assert run(path, "read what was given", require_sandbox=True).result == 7


def test_workers_tell_what_they_took(path: Path) -> None:
    told: list[tuple[str, ...]] = []
    for steps in (lock.STEPS, ("limits",), ("landlock",), ("seccomp",), ()):
        isolation = Isolation(workers=1, steps=steps)
        with Pool(attempt, isolation, result=Result, on_locked=told.append) as pool:
            task = Task(0, ("read what was given", None), os.open(path, os.O_RDONLY))
            assert [each.result for each in pool.run(iter([task]), lambda key, question: None) if each] == [7]
        assert told.pop() == steps == isolation.level()
    assert describe(Isolation())["level"].startswith("full sandbox")
    assert "limits, landlock" in describe(Isolation(steps=("limits", "landlock")))["level"]


def test_a_worker_that_cannot_lock_itself_reads_nothing(path: Path) -> None:
    """Where the system said that it could, as it may do in a container that forbids just that."""
    script = (
        "import os, sys\n"
        "from hashmatch.isolation import Isolation, Pool, Task, seccomp\n"
        "from hashmatch.errors import CommandError\n"
        "seccomp.allow_decoding_only = lambda: False\n"
        "def work(payload, descriptor, ask, beat): return os.write(1, b'at work')\n"
        "tasks = iter([Task(0, None, os.open(sys.argv[1], os.O_RDONLY))])\n"
        "isolation = Isolation(workers=1, steps=('limits', 'landlock', 'seccomp'), require_sandbox=True)\n"
        "try:\n"
        "    with Pool(work, isolation, result=int) as pool: list(pool.run(tasks, lambda key, question: None))\n"
        "except CommandError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    assert "seccomp" in done.stdout and "at work" not in done.stdout, done.stderr


def test_the_filter_is_no_longer_than_its_jumps() -> None:
    """Of either machine: 8 bytes an instruction, at most 4,096 of them, and jumps forward only, to what exists."""
    for column, architecture in seccomp._MACHINES.values():
        program = seccomp._program(column, architecture)
        count = len(program) // 8
        assert len(program) % 8 == 0 and 100 < count < 4096
        for place in range(count):
            code, if_equal, if_not = program[8 * place], program[8 * place + 2], program[8 * place + 3]
            if code == seccomp._JUMP_IF_EQUAL:
                assert place + 1 + max(if_equal, if_not) < count

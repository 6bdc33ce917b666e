"""A process that reads one hostile file: what it may do, how it ends, and what its parent says of that."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from hashmatch.errors import CommandError
from hashmatch.isolation import Isolation, lock, reading
from hashmatch.isolation.reading import Reading, read_apart

ELSEWHERE = "/etc/passwd"
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process is not locked like this")
full = pytest.mark.skipif(lock.available() != lock.STEPS, reason="this system has no full sandbox")


def nothing(stream: BinaryIO, *arguments: object) -> None:
    """Prepare nothing."""


def echo(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while piece := stream.read(size):
        yield piece


def deed(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Runs in the process: two messages, the deed between them."""
    yield b"before"
    yield str(_DEEDS[name](stream)).encode()


def _allocate(_stream: BinaryIO) -> None:
    held = []
    while True:
        held.append(bytearray(1 << 24))


def _loop(_stream: BinaryIO) -> None:
    while True:
        pass


def _loop_without_hearing(_stream: BinaryIO) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    _loop(_stream)


def _sleep(_stream: BinaryIO) -> None:
    time.sleep(1000)


def _garbage(_stream: BinaryIO) -> None:
    for number in range(3, 1024):
        try:
            os.write(number, b"\xff" * 4096)
        except OSError:
            continue
    _sleep(_stream)


def _half(_stream: BinaryIO) -> None:
    """Half a message, and then nothing."""
    for number in range(3, 1024):
        try:
            os.write(number, struct.pack("!i", 1000) + b"d" * 10)
        except OSError:
            continue
    os._exit(0)


def _opens(path: str) -> Callable[[BinaryIO], object]:
    def deed(_stream: BinaryIO) -> object:
        try:
            os.open(path, os.O_RDONLY)
        except OSError:
            return "refused"
        return "came through"

    return deed


def _write_back(stream: BinaryIO) -> object:
    try:
        return os.write(stream.fileno(), b"x")
    except OSError:
        return "refused"


def _descriptors(stream: BinaryIO) -> object:
    found = []
    for number in range(3, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return len(found)


def _raises(error: BaseException) -> Callable[[BinaryIO], object]:
    def deed(_stream: BinaryIO) -> object:
        raise error

    return deed


_DEEDS: dict[str, Callable[[BinaryIO], object]] = {
    "open": _opens(ELSEWHERE),
    "list": lambda stream: os.listdir("/"),
    "write back": _write_back,
    "descriptors": _descriptors,
    "socket": lambda stream: socket.socket(),
    "execute": lambda stream: os.execv("/bin/true", ["true"]),
    "fork": lambda stream: os.fork(),
    "kill": lambda stream: os.kill(os.getpid(), signal.SIGKILL),
    "abort": lambda stream: os.abort(),
    "exit": lambda stream: os._exit(0),
    "allocate": _allocate,
    "loop": _loop,
    "loop without hearing": _loop_without_hearing,
    "sleep": _sleep,
    "garbage": _garbage,
    "half": _half,
    "refuse": _raises(CommandError("this list is of a newer version")),
    "cannot read": _raises(OSError(5, "Input/output error")),
    "bug": _raises(KeyError("x" * 10_000)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "list"
    made.write_bytes(b"content")
    return made


def attempt(path: Path, name: str, **settings: Any) -> tuple[list[bytes], str]:
    """The messages of a deed, and how it ended: "" or the reason."""
    found: list[bytes] = []
    with (
        path.open("rb") as file,
        closing(read_apart(file, Reading(deed, nothing, (name,)), Isolation(**settings))) as said,
    ):
        try:
            found.extend(said)
        except CommandError as error:
            return found, str(error)
    return found, ""


def test_messages_come_in_order_and_the_file_stays_where_it_is(path: Path) -> None:
    content = os.urandom(3_000_000)
    path.write_bytes(content)
    with path.open("rb") as file:
        file.seek(17)
        assert b"".join(read_apart(file, Reading(echo, nothing, (70_000,)))) == content
        assert file.tell() == 17 and file.read() == content[17:]


def test_it_works_ahead_and_ends_when_nobody_wants_more(path: Path) -> None:
    path.write_bytes(bytes(1 << 26))
    with path.open("rb") as file:
        started = time.monotonic()
        messages = read_apart(file, Reading(echo, nothing, (1 << 20,)))
        assert len(next(messages)) == 1 << 20
        messages.close()
    assert time.monotonic() - started < 20
    assert multiprocessing.active_children() == []


def test_a_deleted_file_is_read_all_the_same(path: Path) -> None:
    with path.open("rb") as file:
        path.unlink()
        assert b"".join(read_apart(file, Reading(echo, nothing, (10,)))) == b"content"


@full
@pytest.mark.parametrize("steps", [lock.STEPS, ("seccomp",), ("landlock",)], ids="+".join)
def test_no_file_is_opened(path: Path, steps: tuple[str, ...]) -> None:
    assert attempt(path, "open", steps=steps) == ([b"before", b"refused"], "")


@full
def test_what_else_is_refused(path: Path) -> None:
    assert attempt(path, "write back") == ([b"before", b"refused"], "")
    found, reason = attempt(path, "list")
    assert found == [b"before"] and "not permitted" in reason.lower()
    assert path.read_bytes() == b"content"


@linux
def test_it_inherits_the_file_and_its_connection_and_nothing_else(path: Path) -> None:
    with path.open("rb"), path.open("rb"), socket.socket():
        assert attempt(path, "descriptors") == ([b"before", b"2"], "")


@full
@pytest.mark.parametrize("what", ["socket", "execute", "fork"])
def test_an_attack_ends_it_and_is_called_one(path: Path, what: str) -> None:
    found, reason = attempt(path, what)
    assert found == [b"before"] and "made to attack" in reason


@linux
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("abort", "SIGABRT"),
        ("exit", "ended before the list did"),
        ("garbage", "no reader of ours sends"),
        ("half", "ended before the list did"),
        ("refuse", "of a newer version"),
        ("cannot read", "Input/output error"),
        ("bug", "KeyError"),
    ],
)
def test_every_end_is_one_clear_line_and_what_came_before_it_counts(path: Path, what: str, said: str) -> None:
    found, reason = attempt(path, what)
    assert found == [b"before"] or what == "garbage"  # which may arrive together with what was sound
    assert said in reason and "\n" not in reason and len(reason) < 400


@linux
def test_a_process_that_is_killed_from_outside(path: Path) -> None:
    found, reason = attempt(path, "kill", steps=())  # locked, it may not even do that to itself
    assert found == [b"before"] and "was killed" in reason


@linux
def test_memory_without_end(path: Path) -> None:
    found, reason = attempt(path, "allocate", memory=1 << 28)
    assert found == [b"before"] and "needs more than 0.25 GiB of memory" in reason


@linux
@pytest.mark.parametrize("what", ["loop", "loop without hearing"])
def test_work_without_end(path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SECONDS", 0.5)
    started = time.process_time()
    found, reason = attempt(path, what, steps=())
    assert found == [b"before"] and ("s to read" in reason or "was killed" in reason)
    assert time.process_time() - started < 5


@linux
def test_a_process_that_does_nothing(path: Path) -> None:
    found, reason = attempt(path, "sleep", timeout=0.5)
    assert found == [b"before"] and "no progress for 0.5 s" in reason


def test_a_file_may_take_longer_the_longer_it_is() -> None:
    assert reading.seconds_for(0) == 60 and reading.seconds_for(10**9) == pytest.approx(20_060)


def test_a_sandbox_that_is_required_and_not_there(path: Path) -> None:
    with path.open("rb") as file, pytest.raises(CommandError, match="a sandbox is required"):
        list(read_apart(file, Reading(echo, nothing, (9,)), Isolation(steps=("limits",), require_sandbox=True)))


_ELSEWHERE = """
import sys
sys.platform = "darwin"  # for this process and, since it is imported there as well, for the other one
from hashmatch.isolation import Isolation, config
from hashmatch.isolation.reading import Reading, read_apart
from tests.isolation.test_reading import deed, echo, nothing

if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(list(read_apart(file, Reading(echo, nothing, (4,)))))
        print(config.describe(Isolation())["level"])
        try:
            list(read_apart(file, Reading(deed, nothing, ("abort",))))
        except Exception as error:
            print(type(error).__name__, error)
"""


@linux
def test_where_nothing_is_forked_and_there_are_no_locks(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_ELSEWHERE)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script), str(path)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "[b'cont', b'ent']"
    assert "limits only" in lines[1]
    assert lines[2].startswith("CommandError its reader crashed (SIGABRT)")

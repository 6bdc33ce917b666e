"""Runs commands in forks of a process that has already imported hashmatch, so that none waits for Python to start.

A command is still a process of its own, with its own arguments, environment, folder and pipes. What this does not test is
how hashmatch starts, and what its workers import before they are locked: for those, see `fresh` of run_command.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import os
import pickle
import pkgutil
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from tests.support.repository import ROOT

#: Needs os.pidfd_open.
POSSIBLE = sys.platform == "linux"

#: What only some commands need, and what takes longest to import.
_NOT_IMPORTED = ("hashmatch.review", "hashmatch.evaluate")
_CODE = struct.Struct("=i")


def run_warm(
    words: Sequence[str | bytes], cwd: str, environment: Mapping[str, str], input: bytes | None, timeout: float
) -> tuple[int, bytes, bytes]:
    """Run `hashmatch` with these arguments. Returns its exit code and what it printed, as subprocess.run does.

    Raises TimeoutExpired after so many seconds; the command is killed then.
    """
    request = pickle.dumps(([os.fsencode(word) for word in words], cwd, dict(environment)))
    with socket.socket(socket.AF_UNIX) as asked, contextlib.ExitStack() as ours:
        try:
            asked.connect(_server(os.getpid()))
        except OSError:  # some test has killed it
            _server.cache_clear()
            asked.connect(_server(os.getpid()))
        asked.settimeout(timeout)
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = (os.pipe() for _stream in range(3))
        socket.send_fds(asked, [b"!"], [stdin, stdout, stderr])
        asked.sendall(struct.pack("=q", len(request)) + request)
        for theirs in (stdin, stdout, stderr):
            os.close(theirs)
        writer = threading.Thread(target=_write, args=(to_stdin, input or b""))
        readers = [_Reader(pipe) for pipe in (from_stdout, from_stderr)]
        for thread in (writer, *readers):
            thread.start()
            ours.callback(thread.join)
        try:
            answer = asked.recv(_CODE.size, socket.MSG_WAITALL)
        except TimeoutError:
            asked.shutdown(socket.SHUT_RDWR)  # which kills the command
            raise subprocess.TimeoutExpired([*words], timeout) from None
    assert len(answer) == _CODE.size, "the server of warm commands is gone"
    return int(_CODE.unpack(answer)[0]), *(reader.data for reader in readers)


#: A program that asks a server for a command, with its own streams. It imports little, to start quickly.
_PROGRAM = """#!{python} -SE
import os, pickle, socket, struct, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({address!r})
request = pickle.dumps(([os.fsencode(word) for word in sys.argv[1:]], os.getcwd(), dict(os.environ)))
socket.send_fds(asked, [b"!"], [0, 1, 2])
asked.sendall(struct.pack("=q", len(request)) + request)
code = struct.unpack("=i", asked.recv(4, socket.MSG_WAITALL))[0]
sys.exit(code if code >= 0 else 128 - code)
"""


def write_program(path: Path) -> None:
    """Write a program that runs commands as `run_warm` does, for shells."""
    path.write_text(_PROGRAM.format(python=sys.executable, address=_server(os.getpid())), encoding="utf-8")
    path.chmod(0o755)


class _Reader(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, pipe: int) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self.data = b""

    def run(self) -> None:
        with open(self._pipe, "rb") as stream:
            self.data = stream.read()


def _write(pipe: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(pipe, "wb") as stream:
        stream.write(data)


@functools.cache
def _server(process: int) -> str:
    """The address of the server of this process, which is started at the first command."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    address = str(Path(folder.name) / "socket")
    command = [sys.executable, "-m", "tests.support.warm_commands", address]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    assert server.stdout.readline() == b"ready\n"

    def end() -> None:
        if os.getpid() == process:
            for stream in (server.stdin, server.stdout):
                if stream is not None:
                    stream.close()
            server.wait()
            folder.cleanup()

    atexit.register(end)
    return address


def _import_everything() -> None:
    import hashmatch

    for module in pkgutil.walk_packages(hashmatch.__path__, "hashmatch."):
        if not module.name.startswith(_NOT_IMPORTED) and module.name != "hashmatch.__main__":
            with contextlib.suppress(ImportError):  # of what is not installed
                importlib.import_module(module.name)


def _serve(address: str) -> None:
    """Start a process for each request, and tell its exit code, until standard input ends."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    _import_everything()
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as waiting:
        listening.bind(address)
        listening.listen(64)
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        os.write(1, b"ready\n")
        while True:
            for key, _events in waiting.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listening:
                    asked, _address = listening.accept()
                    child = _start(asked, interrupt)
                    ended = os.pidfd_open(child)
                    waiting.register(ended, selectors.EVENT_READ, (asked, child, ended))
                    waiting.register(asked, selectors.EVENT_READ, (asked, child, ended))
                else:
                    _finish(waiting, *key.data, is_given_up=key.fileobj is key.data[0])
                    break  # the other event of this command may be among the rest


def _start(asked: socket.socket, interrupt: Any) -> int:
    _byte, streams, _flags, _address = socket.recv_fds(asked, 1, 3)
    (size,) = struct.unpack("=q", asked.recv(8, socket.MSG_WAITALL))
    words, cwd, environment = pickle.loads(asked.recv(size, socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.closerange(3, max(streams) + 1)
            signal.signal(signal.SIGINT, interrupt)
            code = _command(words, cwd, environment)
        finally:
            os._exit(code)
    for stream in streams:
        os.close(stream)
    return child


def _finish(
    waiting: selectors.BaseSelector, asked: socket.socket, child: int, ended: int, *, is_given_up: bool
) -> None:
    """A command has ended, or whoever asked for it does not wait any longer."""
    for each in (asked, ended):
        waiting.unregister(each)
    if is_given_up:
        os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    with asked, contextlib.suppress(OSError):
        asked.sendall(_CODE.pack(os.waitstatus_to_exitcode(status)))
    os.close(ended)


def _command(words: Sequence[bytes], cwd: str, environment: Mapping[str, str]) -> int:
    """What Python does for `python -m hashmatch`, from its first line to its end."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = _standard_streams()
    sys.argv = [str(ROOT / "hashmatch" / "__main__.py"), *map(os.fsdecode, words)]
    from hashmatch.__main__ import main

    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code & 0xFF


def _standard_streams() -> tuple[TextIO, TextIO, TextIO]:
    """As Python opens them where the locale is C.UTF-8. Those of the server know too much of its own descriptors."""
    return (
        os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False),
        os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False),
        os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False),
    )


if __name__ == "__main__":
    _serve(sys.argv[1])

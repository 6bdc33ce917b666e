"""What a worker does: load the decoders, lock itself, then take tasks and send results until the parent is gone."""

from __future__ import annotations

import gc
import os
import socket
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, reduction
from typing import Any

from hashmatch.errors import MediaError
from hashmatch.isolation import lock, usage, wire
from hashmatch.isolation.parent import end_with_parent
from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.system import give_back, watch_memory

#: work(payload, descriptor, ask, beat) runs in a worker and owns the descriptor. ask(question) returns the parent's answer;
#: beat(position, worked) says that the worker is alive, how far it is, and what it has worked off, in Task.grant's unit.
Work = Callable[[Any, int, Callable[[Any], Any], Callable[[float, int], None]], Any]

#: prepare(needs) imports what tasks with these needs take. A worker can import nothing later.
Prepare = Callable[[frozenset[str]], object]

#: Niceness of a worker: its parent goes first, since all other workers wait for it.
NICE = 5


@dataclass(frozen=True, slots=True)
class Duty:
    """What a worker is started with.

    memory: bytes that it may take beyond what it has when it is ready.
    steps: see lock.STEPS.
    is_sandbox_required: whether to do nothing if it cannot take all of them.
    """

    work: Work
    prepare: Prepare
    needs: frozenset[str]
    memory: int
    steps: tuple[str, ...]
    is_sandbox_required: bool = False


def serve(duty: Duty, pipe: connection.Connection) -> None:
    """Run in a new process: do the tasks that come through the pipe. Never returns."""
    gc.freeze()  # to destroy a decoder that the parent left would wait for its threads, which do not exist here
    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(NICE)
    warnings.simplefilter("ignore")  # from decoders, about hostile files; the parent reports what matters
    duty.prepare(duty.needs)
    receive_descriptor, keep = _receiver(pipe)
    if sys.platform == "linux":  # elsewhere it is not forked and has inherited nothing
        lock.close_all_but(keep)
    # A forked worker also has the memory that its parent has freed. It counts as its own, so leaks could fill it unseen.
    give_back()
    watch_memory()
    memory = usage.memory(os.getpid())  # now: a locked worker cannot measure it, and the parent may be too late
    taken = lock.lock(duty.steps, duty.memory)
    _tell(pipe, "locked", (taken, memory))
    if duty.is_sandbox_required and taken != lock.STEPS:
        os._exit(0)  # before it reads the first byte; the parent ends the command

    def ask(question: Any) -> Any:
        _tell(pipe, "question", question)
        return pipe.recv()

    def beat(position: float = 0.0, worked: int = 0) -> None:
        _tell(pipe, "beat", (position, worked))

    while True:
        try:
            payload = pipe.recv()
            descriptor = receive_descriptor()
        except (EOFError, OSError):
            os._exit(0)
        try:
            _tell(pipe, "result", duty.work(payload, descriptor, ask, beat))
        except MediaError as error:
            _tell(pipe, "failure", error.failure)
        except MemoryError:
            _tell(pipe, "failure", Failure("out-of-memory", Message.of("memory-limit")))
        except (BrokenPipeError, EOFError):
            os._exit(0)
        except Exception as error:  # a bug in a decoder; the worker is still fine
            detail = Message.of("decoder-failed", error=" ".join(repr(error).split())[:160])
            _tell(pipe, "failure", Failure("decoder-crash", detail))


def _tell(pipe: connection.Connection, kind: str, content: Any) -> None:
    pipe.send_bytes(wire.pack(kind, content))


def _receiver(pipe: connection.Connection) -> tuple[Callable[[], int], set[int]]:
    """A function that receives the descriptor of a task, and the descriptors that it needs itself."""
    if sys.platform != "linux":
        return lambda: reduction.recv_handle(pipe), set()
    # multiprocessing makes a new socket each time, with system calls that a locked worker may not make.
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(pipe.fileno()))

    def receive() -> int:
        _data, descriptors, _flags, _address = socket.recv_fds(end, 1, 1)
        if not descriptors:
            raise EOFError
        return descriptors[0]

    return receive, {pipe.fileno(), end.fileno()}

"""A worker's life: load the decoders, lock the door, take a task, do it, tell the result; until the parent is gone."""

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
from hashmatch.system import give_back

#: work(payload, descriptor, ask, beat) runs in a worker. It owns the descriptor; ask(question) gives the parent's
#: answer; beat(position) tells that it is alive, and how far it has come, in the unit of Task.grant.
Work = Callable[[Any, int, Callable[[Any], Any], Callable[[float], None]], Any]

#: prepare(needs) imports whatever the work will need for such tasks. After it a worker can import no more.
Prepare = Callable[[frozenset[str]], object]

#: How much less urgent a worker is than its parent, for which the others wait.
NICE = 5


@dataclass(frozen=True, slots=True)
class Duty:
    """What a worker is for. memory: bytes it may take beyond what it has when it is ready. steps: see lock.STEPS.

    is_sandbox_required: whether to do nothing if one of these cannot be taken.
    """

    work: Work
    prepare: Prepare
    needs: frozenset[str]
    memory: int
    steps: tuple[str, ...]
    is_sandbox_required: bool = False


def serve(duty: Duty, pipe: connection.Connection) -> None:
    gc.freeze()  # what the parent left of a decoder may have threads, which are not here and would be waited for
    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(NICE)
    warnings.simplefilter("ignore")  # of decoders, about hostile files; the parent tells what matters
    duty.prepare(duty.needs)
    receive_descriptor, keep = _receiver(pipe)
    if sys.platform == "linux":  # elsewhere it is not forked, and has nothing of the parent's
        lock.close_all_but(keep)
    # What the parent has freed a forked worker has as well, counts as its own, and could fill with what it leaks while
    # nothing seems to grow.
    give_back()
    memory = usage.memory(os.getpid())  # here, since a locked worker cannot look, and the parent may look too late
    taken = lock.lock(duty.steps, duty.memory)
    _tell(pipe, "locked", (taken, memory))
    if duty.is_sandbox_required and taken != lock.STEPS:
        os._exit(0)  # before the first byte is read; the parent ends the command

    def ask(question: Any) -> Any:
        _tell(pipe, "question", question)
        return pipe.recv()

    def beat(position: float = 0.0) -> None:
        _tell(pipe, "beat", position)

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
        except Exception as error:  # a decoder's own mistake; the worker is as good as before
            detail = Message.of("decoder-failed", error=" ".join(repr(error).split())[:160])
            _tell(pipe, "failure", Failure("decoder-crash", detail))


def _tell(pipe: connection.Connection, kind: str, content: Any) -> None:
    pipe.send_bytes(wire.pack(kind, content))


def _receiver(pipe: connection.Connection) -> tuple[Callable[[], int], set[int]]:
    """How the descriptor of a task is received, and the descriptors that this needs."""
    if sys.platform != "linux":
        return lambda: reduction.recv_handle(pipe), set()
    # multiprocessing makes a socket anew each time, with system calls that a locked worker may not make.
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(pipe.fileno()))

    def receive() -> int:
        _data, descriptors, _flags, _address = socket.recv_fds(end, 1, 1)
        if not descriptors:
            raise EOFError
        return descriptors[0]

    return receive, {pipe.fileno(), end.fileno()}

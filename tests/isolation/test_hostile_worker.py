"""Workers that have been taken over: what they send costs their file, and nothing else."""

from __future__ import annotations

import json
import os
import pickle
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hashmatch.isolation import Isolation, Pool, Task, TaskResult, usage, wire
from hashmatch.messages import Message
from hashmatch.records import Failure

#: A worker's connection, which it finds like this: it is the only socket that it has, apart from a copy.
Ask = Callable[[Any], Any]


def take_over(payload: tuple[str, Any], descriptor: int, ask: Ask, beat: Callable[[float, int], None]) -> Any:
    """Runs in the worker. Writes to the connection as no worker of ours would."""
    what, value = payload
    os.close(descriptor)
    if what == "honest":
        return value
    connection = next(
        number for number in range(3, 200) if os.path.exists(f"/proc/self/fd/{number}") and _socket(number)
    )
    _DEEDS[what](value, connection, ask, beat)
    return 0


def _socket(number: int) -> bool:
    return os.readlink(f"/proc/self/fd/{number}").startswith("socket:")


def framed(content: bytes) -> bytes:
    return struct.pack("!i", len(content)) + content


def send(connection: int, data: bytes) -> None:
    while data:
        data = data[os.write(connection, data) :]


def _and_wait(value: bytes, connection: int, ask: Ask, beat: Any) -> None:
    send(connection, value)
    time.sleep(3600)


def _begin(value: bytes, connection: int, ask: Ask, beat: Any) -> None:
    send(connection, value + b" " * (20 << 20))
    time.sleep(3600)


def _endless(value: bytes, connection: int, ask: Ask, beat: Any) -> None:
    while True:
        send(connection, value)


def _endless_beats(value: float, connection: int, ask: Ask, beat: Callable[[float, int], None]) -> None:
    while True:
        beat(value, 1 << 62)
        time.sleep(0.05)


def _questions(value: Any, connection: int, ask: Ask, beat: Any) -> None:
    """And never a look at the answers."""
    while True:
        send(connection, framed(json.dumps(["question", 1]).encode()))


def _close(value: Any, connection: int, ask: Ask, beat: Any) -> None:
    """All of its descriptors, by which its death would be noticed; and lives on."""
    os.closerange(3, 200)
    time.sleep(3600)


def _result_and_more(value: bytes, connection: int, ask: Ask, beat: Any) -> None:
    send(connection, framed(b'["result",5]') + value)
    time.sleep(3600)


_DEEDS: dict[str, Callable[[Any, int, Ask, Any], None]] = {
    "send": _and_wait,
    "begin": _begin,
    "endless": _endless,
    "beats": _endless_beats,
    "questions": _questions,
    "close": _close,
    "result and more": _result_and_more,
}


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def run(path: Path, *deeds: tuple[str, Any], **settings: Any) -> list[TaskResult[int]]:
    """Outcomes in the order of the deeds, between honest ones, which all come through."""
    grant = settings.pop("grant", lambda worked: float("inf"))
    all_deeds = [("honest", 1), *deeds, ("honest", 2), ("honest", 3)]

    def tasks() -> Iterator[Task[int] | None]:
        for number, deed in enumerate(all_deeds):
            yield Task(number, deed, os.open(path, os.O_RDONLY), grant=grant)

    isolation = Isolation(**{"workers": 2, "timeout": 2.0, "steps": (), **settings})
    with Pool(take_over, isolation, question=int, result=int) as pool:
        done = [each for each in pool.run(tasks(), lambda key, question: question) if each]
    done.sort(key=lambda each: each.key)
    assert [each.result for each in (done[0], *done[-2:])] == [1, 2, 3]
    return done[1:-2]


def code(outcome: TaskResult[int]) -> str | None:
    return outcome.failure.code if outcome.failure else None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        b"[]",
        b"null",
        b"7",
        b'["result"]',
        b'["result",1,2]',
        b'["result","1"]',
        b'["result",1.5]',
        b'["result",true]',
        b'["result",null]',
        b'["result",[1]]',
        b'["result",{"a":1}]',
        b'["result",NaN]',
        b'["result",1e999]',
        b'["result",%d]' % (1 << 63),
        b'["result",' + b"9" * 10_000 + b"]",
        b'["question","what"]',
        b'["beat",null]',
        b'["beat",-Infinity]',
        b'["locked",["limits"]]',  # a second time
        b'["failure",["Failure","corrupt"]]',
        b'["failure",["Failure","corrupt","is empty",false]]',
        b'["failure",["Failure","no-such-code",["Message","empty",[]],false]]',
        b'["failure",["Failure","corrupt",["Message","no-such-message",[]],false]]',
        b'["failure",["Failure","corrupt",["Message","empty",[["why","x"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why",null]]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why","x"],["why","y"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why","' + b"x" * 5000 + b'"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why","\\ud800"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","text",[["text","' + b"x" * 5000 + b'"]]],false]]',
        b'["failure",["Failure","too-large",["Message","frame-limit",[["limit","a million"]]],false]]',
        b'["failure",["Failure","corrupt",["Message","empty",[]],true]]',  # only the database knows of earlier runs
        b'["failure",["Failure","corrupt",["Message","empty",[]],false,1]]',
        b'["failure",["Hash","corrupt",["Message","empty",[]],false]]',
        b'["failure",["corrupt",["empty",[]],false]]',
        b'["failure",{"code":"corrupt","detail":{"code":"empty"}}]',
        b'["shutdown",1]',
        b"[" * 200_000,
        pickle.dumps(("result", 1)),
    ],
    ids=lambda content: content[:30].decode("latin-1"),
)
def test_garbage(path: Path, content: bytes) -> None:
    (outcome,) = run(path, ("send", framed(content)), timeout=20.0)
    assert (code(outcome), outcome.result) == ("decoder-crash", None)


def test_a_failure_as_ours_tell_it(path: Path) -> None:
    """Or the test before proves nothing."""
    honest = b'["failure",["Failure","corrupt",["Message","cannot-be-decoded",[["why","{limit} %s"]]],false]]'
    (outcome,) = run(path, ("send", framed(honest)))
    assert outcome.failure == Failure("corrupt", Message.of("cannot-be-decoded", why="{limit} %s"))
    assert outcome.failure.message == "cannot be decoded: {limit} %s"


def test_a_pickle_that_runs_a_command(path: Path, tmp_path: Path) -> None:
    """As a message and bare, as multiprocessing would have taken it."""
    mark = tmp_path / "mark"
    bomb = pickle.dumps(Bomb(mark))
    outcomes = run(path, ("send", framed(bomb)), ("send", bomb))
    assert [code(each) in ("decoder-crash", "timeout") for each in outcomes] == [True, True]
    assert not mark.exists()
    pickle.loads(bomb)
    assert mark.exists(), "or the test proves nothing"


@pytest.mark.parametrize("content", [b"\0", framed(b'["result",5]')[:-1], struct.pack("!i", 60 << 20) + b"[1,2"])
def test_half_a_message_and_silence(path: Path, content: bytes) -> None:
    """The others go on meanwhile; it is given up like any that makes no progress."""
    assert code(*run(path, ("send", content))) == "timeout"


@pytest.mark.parametrize("content", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
def test_a_message_that_is_too_long(path: Path, content: bytes) -> None:
    """Refused as soon as it says so, and before it is there."""
    assert code(*run(path, ("endless", content * 1000), timeout=20.0)) == "decoder-crash"


def test_a_message_without_end(path: Path) -> None:
    """Within the length that it claims: nothing of it is ever progress."""
    before = usage.memory(os.getpid())
    first = struct.pack("!i", wire.LONGEST)
    assert code(*run(path, ("begin", first))) == "timeout"
    assert usage.memory(os.getpid()) - before < 4 * wire.LONGEST


def test_questions_without_end(path: Path) -> None:
    """Answered until the connection is full, and not a moment longer: the parent does not wait to be heard."""
    assert code(*run(path, ("questions", None), timeout=20.0)) == "decoder-crash"


def test_signs_of_life_without_end(path: Path) -> None:
    """They help no longer than its CPU time might take on a busy machine."""
    (outcome,) = run(path, ("beats", 0.0), grant=lambda worked: 0.1)
    assert code(outcome) == "timeout"


def test_a_worker_that_hides(path: Path) -> None:
    (outcome,) = run(path, ("close", None), timeout=20.0)
    assert outcome.failure is not None and outcome.failure.code == "decoder-crash"
    assert outcome.failure.detail == Message.of("decoder-silent")


@pytest.mark.parametrize("more", [framed(b'["result",6]'), framed(b"garbage"), b"\0\0"])
def test_more_than_a_result(path: Path, more: bytes) -> None:
    """The result counts; what follows is not taken for that of the next file."""
    (outcome,) = run(path, ("result and more", more), workers=1)
    assert outcome.result == 5


def test_a_result_that_cannot_be(path: Path) -> None:
    """A worker may say what is well-formed and false of its file."""
    told: list[int] = []

    def accept(key: int, result: int) -> bool:
        told.append(result)
        return result != 7

    def tasks() -> Iterator[Task[int] | None]:
        for number in (6, 7, 8):
            yield Task(number, ("honest", number), os.open(path, os.O_RDONLY))

    with Pool(take_over, Isolation(workers=1, steps=()), result=int) as pool:
        done = [each for each in pool.run(tasks(), lambda key, question: None, accept=accept) if each]
    assert {each.key: code(each) for each in done} == {6: None, 7: "decoder-crash", 8: None}
    assert sorted(told) == [6, 7, 7, 8]


# CPU time, replacement.


def busy(payload: float, descriptor: int, ask: Ask, beat: Callable[[float, int], None]) -> Any:
    """Runs in the worker: CPU time, and a sign of life every tenth of a second; a second counts as an hour of film."""
    os.close(descriptor)
    start = time.process_time()
    last = start
    while time.process_time() - start < payload:
        if time.process_time() - last > 0.1:
            last = time.process_time()
            beat(3600 * (last - start), int(10 * (last - start)))
    return os.getpid()


def run_busy(path: Path, *seconds: float, grant: Callable[[int], float], **settings: Any) -> list[TaskResult[int]]:
    tasks = (Task(number, each, os.open(path, os.O_RDONLY), grant=grant) for number, each in enumerate(seconds))
    isolation = Isolation(**{"workers": 1, "timeout": 60.0, **settings})
    with Pool(busy, isolation, result=int) as pool:
        done = [each for each in pool.run(iter(tasks), lambda key, question: None) if each]
    return sorted(done, key=lambda each: each.key)


def test_cpu_time_is_limited_for_each_task(path: Path) -> None:
    """However many a worker has done before; and it is not tried again, since it would take as long again."""
    start = time.process_time(), os.times().children_user
    done = run_busy(path, 0.4, 0.4, 0.4, 60.0, 0.4, grant=lambda worked: 1.0)
    assert [code(each) for each in done] == [None, None, None, "timeout", None]
    assert done[3].failure is not None and "CPU" in done[3].failure.message
    assert os.times().children_user - start[1] < 1.6 + 2 + 2


def test_cpu_time_grows_with_what_was_done(path: Path) -> None:
    """As that of a film does with its pixels; how long it says that it is does not matter."""
    (done,) = run_busy(path, 2.0, grant=lambda worked: 1.0 + worked / 10)
    assert code(done) is None
    (done,) = run_busy(path, 6.0, grant=lambda worked: 0.5 + min(worked / 10, 0.5))
    assert code(done) == "timeout"


def test_workers_are_replaced(path: Path) -> None:
    done = run_busy(path, *[0.0] * 7, grant=lambda worked: 60.0, files=3)
    used = [each.result for each in done]
    assert used[0] == used[1] == used[2] != used[3]
    assert len(set(used)) == 3


def grow(payload: int, descriptor: int, ask: Ask, beat: Any) -> Any:
    """Runs in the worker: keeps that much memory for good."""
    os.close(descriptor)
    _KEPT.append(bytearray(b"x") * payload)
    return os.getpid()


_KEPT: list[bytearray] = []


@pytest.mark.parametrize("freed", [0, 120 << 20])
def test_a_worker_that_keeps_memory_is_replaced(path: Path, in_child: Callable[..., Any], freed: int) -> None:
    """Also where the parent has so much that it has freed and the allocator keeps, which a forked worker could fill."""

    def processes() -> list[int]:
        pieces = [
            bytearray(b"x") * 100_000 for _piece in range(freed // 100_000)
        ]  # each too small for a map of its own
        last = bytearray(b"x") * 100_000  # or the heap would end before them, once they are freed
        pieces.clear()
        sizes = (1000, 1000, 100 << 20, 1000, len(last))
        tasks = (Task(number, size, os.open(path, os.O_RDONLY)) for number, size in enumerate(sizes))
        with Pool(grow, Isolation(workers=1, memory=400 << 20), result=int) as pool:
            return [each.result for each in pool.run(iter(tasks), lambda key, question: None) if each]

    used = in_child(processes)
    assert used[0] == used[1] == used[2] != used[3] == used[4]


def test_what_it_needs_is_loaded_before_the_lock(path: Path) -> None:
    """One worker for each new need, which then has all of them; and none for what is there."""
    loaded: list[str] = []

    def prepare(needs: frozenset[str]) -> None:
        loaded[:] = sorted(needs)

    def work(payload: None, descriptor: int, ask: Ask, beat: Any) -> Any:
        os.close(descriptor)
        return ",".join(loaded), os.getpid()

    needs = ("a", "a", "b", "a", "b", "", "c")
    tasks = (
        Task(number, None, os.open(path, os.O_RDONLY), needs=frozenset(filter(None, [each])))
        for number, each in enumerate(needs)
    )
    with Pool(work, Isolation(workers=1), result=tuple[str, int], prepare=prepare) as pool:
        done = [each.result for each in pool.run(iter(tasks), lambda key, question: None) if each]
    assert [names for names, _process in done] == ["a", "a", "a,b", "a,b", "a,b", "a,b", "a,b,c"]
    assert len({process for _names, process in done}) == 3

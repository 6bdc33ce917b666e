"""Worker processes: what work does to one costs that piece of work and nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashmatch.errors import MediaError
from hashmatch.isolation import Isolation, Pool, Task, TaskResult
from hashmatch.isolation.config import describe
from hashmatch.isolation.worker import Work
from hashmatch.messages import Message

Ask = Callable[[Any], Any]
Beat = Callable[[], None]

Flat = None | bool | int | float | str
Value = Flat | tuple[Flat | tuple[Flat, ...], ...]


def kept(**settings: Any) -> Isolation:
    """Workers that may do most things: these tests are of the pool, and test_sandbox.py of the lock."""
    return Isolation(**{"steps": ("limits",), **settings})


QUICK = kept(workers=2, timeout=30.0, memory=1 << 30)


def typed_pool(work: Work, isolation: Isolation) -> Pool:
    """A pool whose workers may ask and answer anything that the tests do."""
    return Pool(work, isolation, question=Value, result=Value)


def work(payload: tuple[str, Any], descriptor: int, ask: Ask, beat: Beat) -> Any:
    """Runs in the worker. payload: what is to be done, and with what."""
    faulthandler.disable()  # pytest's; what it prints of a wanted crash is no help
    what, value = payload
    with open(descriptor, encoding="ascii") as file:
        return _DEEDS[what](value, file.read(), ask, beat)


def _ask_twice(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    return ask(("first", value)), ask(("second", content))


def _refuse(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    raise MediaError("corrupt", Message.literal("nothing in it"))


def _ask_until_told(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    """What the parent answers at last, or False: for what must not depend on how fast anything is."""
    for _time in range(value):
        if told := ask(None):
            return told
        time.sleep(0.01)
    return False


def _beat_and_sleep(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    for _time in range(value):
        time.sleep(0.1)
        beat()
    return "awake"


def _write_file(path: Any, content: str, ask: Ask, beat: Beat) -> Any:
    try:
        with open(path, "wb", buffering=0) as file:
            return file.write(b"anything")
    except OSError as error:
        return error.errno


def _interrupt(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    return "went on"


def _open_descriptors(value: Any, content: str, ask: Ask, beat: Beat) -> Any:
    return len(os.listdir("/proc/self/fd"))


def _busy(seconds: Any, content: str, ask: Ask, beat: Beat) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


_DEEDS: dict[str, Callable[[Any, str, Ask, Beat], Any]] = {
    "read": lambda value, content, ask, beat: (value, content),
    "process": lambda value, content, ask, beat: os.getpid(),
    "ask": lambda value, content, ask, beat: ask(value),
    "ask twice": _ask_twice,
    "ask until told": _ask_until_told,
    "sleep": lambda value, content, ask, beat: time.sleep(value),
    "busy": _busy,
    "beat": _beat_and_sleep,
    "refuse": _refuse,
    "abort": lambda value, content, ask, beat: os.abort(),
    "segfault": lambda value, content, ask, beat: ctypes.string_at(0),
    "kill": lambda value, content, ask, beat: os.kill(os.getpid(), value),
    "exit": lambda value, content, ask, beat: os._exit(value),
    "hang": lambda value, content, ask, beat: _busy(3600, content, ask, beat),
    "much memory": lambda value, content, ask, beat: len(bytearray(value)),
    "huge array": lambda value, content, ask, beat: np.ones(value, np.uint8).sum(),
    "memory error": lambda value, content, ask, beat: [bytearray(1 << 28) for _time in range(1000)],
    "unpicklable": lambda value, content, ask, beat: lambda: None,
    "long result": lambda value, content, ask, beat: "x" * value,
    "write": _write_file,
    "long question": lambda value, content, ask, beat: ask("x" * value),
    "interrupt": _interrupt,
    "descriptors": _open_descriptors,
}


def tasks(path: Path, *deeds: tuple[str, Any]) -> Iterator[Task[int] | None]:
    """Numbered tasks, each with the same file opened anew."""
    for number, deed in enumerate(deeds):
        yield Task(number, deed, os.open(path, os.O_RDONLY))


def run(path: Path, *deeds: tuple[str, Any], isolation: Isolation = QUICK) -> list[TaskResult[int]]:
    """All outcomes, by their number."""
    with typed_pool(work, isolation) as pool:
        done = [each for each in pool.run(tasks(path, *deeds), _reply) if each]
    assert sorted(each.key for each in done) == list(range(len(deeds)))
    return sorted(done, key=lambda each: each.key)


def _reply(key: int, question: Any) -> Any:
    """The question again, or its length if that is what is long: answers of the parent are short."""
    return len(question) if isinstance(question, str) and len(question) > 1000 else (key, question)


def codes(outcomes: list[TaskResult[int]]) -> list[str | None]:
    return [each.failure.code if each.failure else None for each in outcomes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test: the same descriptors are open as before, and no new child is alive."""
    gc.collect()
    before = open_descriptors(), children()  # multiprocessing's own helper is one, if another test started it
    yield
    gc.collect()
    assert (open_descriptors(), children()) == before


def open_descriptors() -> dict[str, str]:
    found = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found


def children() -> list[str]:
    mine = [str(os.getpid())]
    return [each for each in os.listdir("/proc") if each.isdigit() and status(each)[1:2] == mine]


def status(process: str) -> list[str]:
    """State and parent of a process, and so on; nothing if there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def alive(process: str) -> bool:
    return status(process)[:1] not in ([], ["Z"], ["X"])


# What goes well.


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results(path: Path, workers: int) -> None:
    done = run(path, *(("read", n) for n in range(20)), isolation=kept(workers=workers))
    assert [each.result for each in done] == [(n, "content") for n in range(20)]
    assert codes(done) == [None] * 20


def test_no_tasks_no_workers(path: Path) -> None:
    assert run(path) == []


def test_workers_are_kept(path: Path) -> None:
    """Forking one for each file would cost more than most files."""
    done = run(path, *[("process", None)] * 30)
    used = {each.result for each in done}
    assert 1 <= len(used) <= 2
    assert os.getpid() not in used


def test_work_is_done_at_the_same_time(path: Path) -> None:
    """None of the four ends before all have begun."""
    begun: set[int] = set()

    def answer(key: int, question: Any) -> bool:
        begun.add(key)
        return len(begun) == 4

    with typed_pool(work, kept(workers=4)) as pool:
        done = [each for each in pool.run(tasks(path, *[("ask until told", 3000)] * 4), answer) if each]
    assert [each.result for each in done] == [True] * 4


def test_outcomes_come_when_they_are_ready(path: Path) -> None:
    order: list[int] = []
    with typed_pool(work, QUICK) as pool:
        deeds = [("ask until told", 3000), *[("read", n) for n in range(5)]]
        for each in pool.run(tasks(path, *deeds), lambda key, question: len(order) == 5):
            assert each is not None
            order.append(each.key)
    assert order == [1, 2, 3, 4, 5, 0]


def test_tasks_are_taken_only_when_a_worker_is_free(path: Path) -> None:
    """So that a million files are neither opened nor listed at once."""
    taken = 0

    def counted() -> Iterator[Task[int] | None]:
        nonlocal taken
        for task in tasks(path, *[("read", None)] * 50):
            taken += 1
            yield task

    with typed_pool(work, QUICK) as pool:
        for done, _outcome in enumerate(pool.run(counted(), lambda key, question: None)):
            assert taken <= done + 2 * 2
    assert taken == 50


def test_questions_are_answered(path: Path) -> None:
    asked = []

    def answer(key: int, question: Any) -> Any:
        asked.append((key, question))
        return f"{key}: {question}"

    with typed_pool(work, QUICK) as pool:
        deeds = [("ask twice", "a"), ("read", 1), ("ask", "b")]
        done = {each.key: each.result for each in pool.run(tasks(path, *deeds), answer) if each}
    assert done[0] == ("0: ('first', 'a')", "0: ('second', 'content')")
    assert done[2] == "2: b"
    assert sorted(asked, key=str) == [(0, ("first", "a")), (0, ("second", "content")), (2, "b")]


def test_long_questions_and_results(path: Path) -> None:
    """Longer than a pipe holds."""
    done = run(path, ("long result", 5_000_000), ("long question", 2_000_000))
    assert (len(done[0].result), done[1].result) == (5_000_000, 2_000_000)


def test_interrupt_is_for_the_parent_to_decide(path: Path) -> None:
    assert run(path, ("interrupt", None))[0].result == "went on"


def test_a_refusal_of_the_work_is_told(path: Path) -> None:
    done = run(path, ("refuse", None), ("read", 1))
    assert done[0].failure is not None
    assert (done[0].failure.code, done[0].failure.message, done[0].result) == ("corrupt", "nothing in it", None)
    assert codes(done) == ["corrupt", None]


# What goes wrong.


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (("abort", None), "decoder-crash"),
        (("segfault", None), "decoder-crash"),
        (("exit", 0), "decoder-crash"),
        (("exit", 3), "decoder-crash"),
        (("kill", signal.SIGBUS), "decoder-crash"),
        (("kill", signal.SIGTERM), "decoder-crash"),
        (("kill", signal.SIGRTMIN + 5), "decoder-crash"),  # a signal without a name
        (("kill", signal.SIGKILL), "out-of-memory"),  # as the kernel does it
        (("much memory", 2 << 30), "out-of-memory"),
        (("huge array", 2 << 30), "out-of-memory"),
        (("memory error", None), "out-of-memory"),
        (("refuse", None), "corrupt"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_exactly_the_guilty_task_fails(path: Path, workers: int, deed: tuple[str, Any], code: str) -> None:
    guilty = {3, 4, 11}
    deeds = [deed if number in guilty else ("read", number) for number in range(16)]
    done = run(path, *deeds, isolation=kept(workers=workers, memory=400 << 20))
    assert codes(done) == [code if number in guilty else None for number in range(16)]
    assert [each.result for each in done if each.key not in guilty] == [
        (number, "content") for number in range(16) if number not in guilty
    ]
    for each in done:
        assert each.failure is None or each.failure.message.isprintable()


def test_crash_after_a_question(path: Path) -> None:
    """The parent may be about to answer when the worker dies."""

    def answer(key: int, question: Any) -> Any:
        os.kill(question, signal.SIGTRAP)
        while alive(str(question)):
            time.sleep(0.01)
        return "too late"

    def deeds() -> Iterator[Task[int] | None]:
        for number in range(6):
            yield Task(number, number, os.open(path, os.O_RDONLY))

    with typed_pool(ask_for_death, QUICK) as pool:
        done = sorted((each for each in pool.run(deeds(), answer) if each), key=lambda each: each.key)
    assert codes(done) == [None, "decoder-crash", None, None, "decoder-crash", None]


def test_a_worker_that_dies_once(path: Path) -> None:
    """Not of its task, perhaps, but of the memory that others took; another worker does the task."""
    killed = []

    def answer(key: int, question: Any) -> Any:
        if not killed:
            killed.append(key)
            os.kill(question, signal.SIGKILL)
        return "alive"

    def deeds() -> Iterator[Task[int] | None]:
        for number in (1, 4):
            yield Task(number, number, os.open(path, os.O_RDONLY))

    with typed_pool(ask_for_death, kept(workers=1)) as pool:
        done = [each for each in pool.run(deeds(), answer) if each]
    assert killed == [1]
    assert [(each.key, each.result, each.failure) for each in done] == [(1, "alive", None), (4, "alive", None)]


def ask_for_death(payload: int, descriptor: int, ask: Ask, beat: Beat) -> Any:
    os.close(descriptor)
    return ask(os.getpid()) if payload in (1, 4) else payload


def test_crash_names_the_signal(path: Path) -> None:
    done = run(path, ("segfault", None), ("abort", None), ("exit", 7))
    messages = [each.failure.message for each in done if each.failure]
    assert "SIGSEGV" in messages[0] and "SIGABRT" in messages[1] and "7" in messages[2]


def test_an_error_in_the_work_itself(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A result that cannot be sent is that task's failure; the rest goes on."""
    done = run(path, ("read", 0), ("unpicklable", None), ("read", 2))
    capfd.readouterr()
    assert codes(done) == [None, "decoder-crash", None]


def test_hang(path: Path) -> None:
    deeds = [("hang", None) if number in (1, 4) else ("read", number) for number in range(12)]
    done = run(path, *deeds, isolation=kept(workers=2, timeout=1.5))
    assert codes(done) == ["timeout" if number in (1, 4) else None for number in range(12)]
    assert done[1].failure is not None and "1.5 s" in done[1].failure.message


def test_all_workers_hang_at_once(path: Path) -> None:
    done = run(path, *[("sleep", 3600.0)] * 2, ("read", 1), isolation=kept(workers=2, timeout=1.5))
    assert codes(done) == ["timeout", "timeout", None]


def test_a_stopped_worker_is_ended_too(path: Path) -> None:
    done = run(path, ("kill", signal.SIGSTOP), ("read", 1), isolation=kept(workers=1, timeout=1.5))
    assert codes(done) == ["timeout", None]


def test_signs_of_life_prevent_the_timeout(path: Path) -> None:
    patient = kept(workers=2, timeout=1.5)
    done = run(path, ("beat", 25), ("sleep", 3600.0), isolation=patient)
    assert done[0].result == "awake"
    assert codes(done) == [None, "timeout"]


def test_a_question_is_a_sign_of_life(path: Path) -> None:
    """And the time that the parent takes to answer is not the worker's."""

    def answer(key: int, question: Any) -> Any:
        time.sleep(1.6)
        return question

    with typed_pool(work, kept(workers=1, timeout=1.5)) as pool:
        done = [each for each in pool.run(tasks(path, ("ask twice", 1)), answer) if each]
    assert codes(done) == [None]


def test_a_slow_reader_of_outcomes_costs_no_task(path: Path) -> None:
    """While the caller writes to its database, the workers' clocks run on; what is done meanwhile counts."""
    with typed_pool(work, kept(workers=2, timeout=1.0)) as pool:
        done = []
        for each in pool.run(tasks(path, *[("read", n) for n in range(3)]), lambda key, question: None):
            time.sleep(1.1)
            done.append(each)
    assert codes([each for each in done if each]) == [None] * 3


def test_memory_is_what_a_fresh_worker_takes_and_the_limit(path: Path) -> None:
    isolation = kept(workers=1, memory=300 << 20)
    done = run(
        path, ("much memory", 200 << 20), ("much memory", 400 << 20), ("much memory", 200 << 20), isolation=isolation
    )
    assert codes(done) == [None, "out-of-memory", None]


def test_no_file_can_be_written(path: Path, tmp_path: Path) -> None:
    done = run(path, ("write", str(tmp_path / "new")), ("write", str(path)))
    assert [each.result for each in done] == [errno.EFBIG, errno.EFBIG]
    assert not (tmp_path / "new").exists() or (tmp_path / "new").stat().st_size == 0


def test_no_core_is_dumped(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold what was being decoded."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    monkeypatch.chdir(tmp_path)
    assert codes(run(path, ("abort", None))) == ["decoder-crash"]
    assert sorted(os.listdir(tmp_path)) == ["file"]
    assert resource.getrlimit(resource.RLIMIT_CORE) == before


def test_limits_are_the_workers_alone(path: Path) -> None:
    kinds = [resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE]
    before = [resource.getrlimit(kind) for kind in kinds]
    assert codes(run(path, ("read", 1), ("abort", None))) == [None, "decoder-crash"]
    assert [resource.getrlimit(kind) for kind in kinds] == before


def test_under_a_hard_limit_of_memory(path: Path, in_child: Callable[..., Any]) -> None:
    """`ulimit -v`, on shared machines: a limit may be lowered but not raised, and is taken as it is."""

    def limited() -> Any:
        if os.geteuid() == 0:  # no privileges but those over files
            os.setresuid(-1, 65534, -1)
            ctypes.CDLL(None).setfsuid(0)
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + (512 << 20), in_use + (512 << 20)))
        with typed_pool(work, kept(workers=1, memory=2 << 30)) as pool:
            task = Task(0, ("read", 1), os.open("/dev/null", os.O_RDONLY))
            return [(each.result, each.failure) for each in pool.run(iter([task]), lambda key, question: None) if each]

    assert in_child(limited) == [((1, ""), None)]


# Descriptors and processes.


def test_the_descriptor_is_handed_over_and_closed(path: Path) -> None:
    """So that no more are open here than there are workers, however many tasks there are."""
    most = 0
    before = len(open_descriptors())

    def counted() -> Iterator[Task[int] | None]:
        nonlocal most
        for task in tasks(path, *[("read", n) for n in range(40)]):
            yield task
            most = max(most, sum(target == str(path) for target in open_descriptors().values()))

    with typed_pool(work, QUICK) as pool:
        list(pool.run(counted(), lambda key, question: None))
        assert most <= 2
        assert str(path) not in open_descriptors().values()
        assert len(open_descriptors()) <= before + 2 * 3


def test_crashes_leave_no_descriptors(path: Path) -> None:
    with typed_pool(work, QUICK) as pool:
        counts = []
        deeds = [("abort", None) if n % 2 else ("read", n) for n in range(60)]
        for _outcome in pool.run(tasks(path, *deeds), lambda key, question: None):
            counts.append(len(open_descriptors()))
    assert max(counts[20:]) <= max(counts[:20])


def test_workers_keep_no_descriptors_of_tasks(path: Path) -> None:
    done = run(path, *[("descriptors", None)] * 30, isolation=kept(workers=1))
    assert len({each.result for each in done}) == 1


def test_leaving_early_ends_the_workers(path: Path) -> None:
    before = len(children())
    with typed_pool(work, QUICK) as pool:
        outcomes = pool.run(tasks(path, ("read", 0), *[("hang", None)] * 5), lambda key, question: None)
        first = next(outcomes)
        assert first is not None and first.key == 0
        assert len(children()) == before + 2
    assert len(children()) == before


@pytest.mark.parametrize("error", [LookupError, OSError, EOFError])
def test_an_error_of_the_caller_ends_the_workers(path: Path, error: type[Exception]) -> None:
    """And is not taken for the worker's."""

    def answer(key: int, question: Any) -> Any:
        raise error("by the caller")

    before = children()
    with pytest.raises(error, match="by the caller"), typed_pool(work, kept(workers=2, timeout=2)) as pool:
        list(pool.run(tasks(path, ("hang", None), ("ask", 1)), answer))
    assert children() == before


def test_a_worker_that_dies_while_idle(path: Path) -> None:
    """It is found dead when the next task is handed to it, which is then given to another."""
    seen: list[TaskResult[int]] = []

    def deeds() -> Iterator[Task[int] | None]:
        yield from tasks(path, ("process", None))
        while not seen:
            yield None
        os.kill(seen[0].result, signal.SIGTRAP)
        while alive(str(seen[0].result)):
            time.sleep(0.01)
        for number in range(1, 6):
            yield Task(number, ("read", number), os.open(path, os.O_RDONLY))

    always_readable = os.open("/dev/zero", os.O_RDONLY)
    with typed_pool(work, kept(workers=1)) as pool:
        for each in pool.run(deeds(), lambda key, question: None, input_descriptor=always_readable):
            assert each is not None
            seen.append(each)
    os.close(always_readable)
    assert [each.key for each in seen] == [0, 1, 2, 3, 4, 5]
    assert codes(seen) == [None] * 6


PARENT = textwrap.dedent(
    """
    import os, sys, time
    from hashmatch.isolation import Isolation, Pool, Task

    def work(payload, descriptor, ask, beat):
        os.close(descriptor)
        os.write(1, b"%d\\n" % os.getpid())
        while payload == "hang":
            pass
        time.sleep(payload)

    def tasks():
        for payload in eval(sys.argv[1]):
            yield Task(0, payload, os.open("/dev/null", os.O_RDONLY))
        os.write(1, b"idle\\n")
        time.sleep(60)

    with Pool(work, Isolation(workers=3, timeout=float(sys.argv[2]), steps=())) as pool:
        for outcome in pool.run(tasks(), lambda key, question: None):
            pass
    """
)


@pytest.mark.parametrize(
    ("payloads", "timeout"),
    [([0, 0], 60), ([0.5, 0.5], 60), (["hang", "hang"], 0.5)],
    ids=["idle", "at work", "hanging"],
)
def test_workers_die_with_their_parent(payloads: list[Any], timeout: float) -> None:
    """Even one that hangs, which nobody else is left to end; it may take some seconds more than the timeout."""
    command = [sys.executable, "-c", PARENT, repr(payloads), str(timeout)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = [parent.stdout.readline().strip() for _line in range(len(payloads) + 1)]
        workers = [line for line in lines if line != "idle"]
        assert len(workers) == 2 and all(alive(worker) for worker in workers)
        parent.kill()
        parent.wait()
        end = time.monotonic() + 10
        while any(alive(worker) for worker in workers) and time.monotonic() < end:
            time.sleep(0.05)
        left = [worker for worker in workers if alive(worker)]
        for worker in left:
            os.kill(int(worker), signal.SIGKILL)
        assert left == []


# Tasks that are not known yet.


def test_names_that_come_through_a_pipe_are_answered_as_they_come(path: Path) -> None:
    """Each before the next is even asked for, and before the input ends."""
    source, sender = socket.socketpair()  # of which one end can be shut, though the workers have inherited both
    source.setblocking(False)
    answers = []

    def from_source() -> Iterator[Task[bytes] | None]:
        while True:
            try:
                name = source.recv(1)
            except BlockingIOError:
                yield None
                continue
            if not name:
                return
            yield Task(name, ("read", name), os.open(path, os.O_RDONLY))

    with source, sender, typed_pool(work, QUICK) as pool:
        sender.send(b"a")
        for outcome in pool.run(from_source(), lambda key, question: None, input_descriptor=source.fileno()):
            assert outcome is not None
            answers.append(outcome.key)
            if len(answers) < 5:
                sender.send(b"abcde"[len(answers) : len(answers) + 1])
            else:
                sender.shutdown(socket.SHUT_WR)
    assert answers == [b"a", b"b", b"c", b"d", b"e"]


def test_waiting_for_names_costs_nothing(path: Path) -> None:
    """Nor does it keep what is done from being told."""
    source, sender = socket.socketpair()
    told: list[int] = []
    asked = 0

    def silent() -> Iterator[Task[int] | None]:
        nonlocal asked
        yield from tasks(path, ("sleep", 0.5))
        while not told:
            asked += 1
            yield None

    with source, sender, typed_pool(work, QUICK) as pool:
        for outcome in pool.run(silent(), lambda key, question: None, input_descriptor=source.fileno()):
            assert outcome is not None
            told.append(outcome.key)
            sender.shutdown(socket.SHUT_WR)
    assert told == [0]
    assert asked <= 3


def test_what_is_pending_is_told_at_once(path: Path) -> None:
    """None comes out whenever the caller has something to tell that needed no worker."""
    pending: list[int] = []
    told: list[Any] = []

    def deeds() -> Iterator[Task[int] | None]:
        for number in range(4):
            pending.append(number)
            yield None
            assert not pending
        yield from tasks(path, ("read", 9))

    with typed_pool(work, QUICK) as pool:
        for outcome in pool.run(deeds(), lambda key, question: None, is_pending=lambda: bool(pending)):
            told.extend(pending if outcome is None else [outcome.result])
            pending.clear()
    assert told == [0, 1, 2, 3, (9, "content")]


# The settings.


def test_worker_count() -> None:
    assert Isolation().worker_count() == len(os.sched_getaffinity(0))
    assert kept(workers=7).worker_count() == 7


def test_description() -> None:
    said = describe(kept(workers=3, timeout=45, memory=3 << 30))
    assert said["workers"] == "3"
    assert "45 s" in said["timeout"]
    assert "3 GiB" in said["limits"]


BLAS = textwrap.dedent(
    """
    import os, threading, numpy
    from hashmatch.isolation import Isolation, Pool, Task

    matrix = numpy.ones((300, 300))
    matrix @ matrix  # here the threads of OpenBLAS are started, if it is to have any

    def work(payload, descriptor, ask, beat):
        os.close(descriptor)
        matrix @ matrix
        return len(os.listdir("/proc/self/task"))

    def tasks():
        for number in range(4):
            yield Task(number, None, os.open("/dev/null", os.O_RDONLY))

    with Pool(work, Isolation(workers=2, steps=()), result=int) as pool:
        print(*(outcome.result for outcome in pool.run(tasks(), lambda key, question: None)))
    """
)


def test_linear_algebra_in_a_worker_has_one_thread() -> None:
    """Also where the package is used from Python, and the parent's has as many as there are cores."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", BLAS], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["1"] * 4, done.stderr

"""SIGKILL at random moments: what was reported is kept, nothing is doubled or damaged, and the rerun completes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from hashmatch.store import Store, open_store, verify
from hashmatch.store.membership import Membership
from hashmatch.store.references import add_file
from tests.support.command_line import run_command
from tests.support.index_runs import holds, index, is_made, locations, reported, run, start
from tests.support.made_references import ME, content, make_older, measured, pdq

#: Interruptions of one index; the requirement is at least 25.
KILLS = 26


def interrupt(process: subprocess.Popen[str], lines: int, delay: float, group: bool) -> str:
    """Kill a command so many seconds after it has printed so many lines. Returns what it had printed when it died."""
    assert process.stderr is not None
    printed: list[str] = []
    enough = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            printed.append(line)
            if len(printed) >= lines:
                enough.set()
        enough.set()

    if lines == 0:
        enough.set()
    reader = threading.Thread(target=read)
    reader.start()
    enough.wait(100)
    time.sleep(delay)
    if group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait(100)
    reader.join(60)  # which also waits for the workers: they hold the other end of the pipe
    assert not reader.is_alive(), "workers outlive the process that they work for"
    process.stderr.close()
    assert process.stdout is not None
    process.stdout.close()
    # The last line may have been cut off.
    return "".join(line for line in printed if line.endswith("\n"))


@pytest.fixture
def some(pictures: Path, tmp_path: Path) -> Path:
    """Half of the pictures, two of which are the same."""
    folder = tmp_path / "some"
    folder.mkdir()
    for path in [*sorted(pictures.iterdir())[:39], pictures / "copy of 07.jpg"]:
        (folder / path.name).hardlink_to(path)
    return folder


@pytest.mark.timeout(900)
def test_an_index_that_is_killed_again_and_again(tmp_path: Path, some: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    once, db = tmp_path / "once.db", tmp_path / "killed.db"
    begin = time.monotonic()
    assert run_command(*index(some), db=once, fresh=True).code == 0
    seconds = time.monotonic() - begin

    done: set[str] = set()
    kills = completed = 0
    for number in range(4 * KILLS):
        process = start(db, *index(some))
        if number % 2:  # after what was done before was gone through, and up to some more files
            lines = min(len(done) + chance.randrange(12), 38)
            printed = interrupt(process, lines, chance.uniform(0, 0.05), group=number % 4 == 1)
        else:  # at any moment from the start of the interpreter on
            printed = interrupt(process, 0, chance.uniform(0, seconds), group=number % 4 == 0)
        kills += process.returncode == -signal.SIGKILL
        done |= reported(printed)
        if is_made(db):
            assert done <= locations(db), "what was reported is there"
            with open_store(db) as store:
                assert list(verify.check(store)) == []
        else:
            assert not done
        if len(done) > 30 or number == 4 * KILLS - 1 or kills == KILLS:
            assert run(db, *index(some))[0] == 0
            assert holds(db) == holds(once)
            assert run(db, "verify")[0] == 0
            completed += 1
            if kills >= KILLS:
                break
            for each in db.parent.glob(f"{db.name}*"):
                each.unlink()
            done = set()
    print(f"{kills} kills at work; {completed} times the rerun completed what they had left")
    assert kills >= 25


@pytest.mark.timeout(600)
def test_an_import_that_is_killed(tmp_path: Path) -> None:
    chance = random.Random()
    hashes = tmp_path / "list.pdq"
    hashes.write_text("".join(f"{chance.getrandbits(256):064x}\n" for _ in range(6000)), encoding="ascii")
    once, db = tmp_path / "once.db", tmp_path / "killed.db"
    assert run(once, "import", hashes, "--format", "pdq")[0] == 0
    for _ in range(6):
        interrupt(start(db, "import", hashes, "--format", "pdq"), 0, chance.uniform(0.3, 2.0), True)
        if is_made(db):
            with open_store(db) as store:
                assert list(verify.check(store)) == []
    assert run(db, "import", hashes, "--format", "pdq")[0] == 0

    def imported(path: Path) -> list[object]:
        with open_store(path) as store:
            query = "SELECT identity, algorithm, bits FROM reference JOIN hash ON reference_id = reference.id"
            return sorted(store.connection.execute(query).fetchall())

    assert len(imported(db)) == 6000
    assert imported(db) == imported(once)


def test_a_backup_that_is_killed_is_not_taken_for_one(tmp_path: Path, pictures: Path) -> None:
    db, target = tmp_path / "reference.db", tmp_path / "backup.db"
    assert run(db, *index(pictures))[0] == 0
    chance = random.Random()
    for _ in range(6):
        interrupt(start(db, "backup", target), 0, chance.uniform(0.2, 1.2), True)
        if target.exists():
            assert run(target, "verify")[0] == 0
            assert holds(target) == holds(db)
            target.unlink()
    assert run(db, "backup", target)[0] == 0
    assert holds(target) == holds(db)


@pytest.mark.timeout(600)
def test_an_upgrade_that_is_killed(tmp_path: Path) -> None:
    db = tmp_path / "old.db"

    def fill(store: Store) -> None:
        with store.transaction() as connection:
            for number in range(4000):
                fingerprint = measured(f"file {number}", (pdq(number),))
                add_file(connection, ME, fingerprint, (b"/%d" % number, 1, 1), Membership("one"))

    make_older(db, 1, fill)
    with open_store(db, even_damaged=True) as old:
        before = content(old)
    original = db.read_bytes()
    chance = random.Random()
    killed_before = killed_after = 0
    for _ in range(8):
        for each in tmp_path.iterdir():
            each.unlink()
        db.write_bytes(original)
        interrupt(start(db, "collections", "one", "--note", "x"), 0, chance.uniform(0.1, 2.0), True)
        with open_store(db, even_damaged=True) as store:  # as it is; else an upgraded copy would be read
            assert list(verify.check(store)) == []
            now = content(store)
            for name in before.keys() - {"audit", "collection"}:
                width = len(before[name][0]) if before[name] else None
                assert [row[:width] for row in now[name]] == before[name], name  # later versions add columns
            if verify.has_digests(store.connection):
                killed_after += 1
                assert len(list(tmp_path.glob("*.backup"))) == 1
            else:
                killed_before += 1
        assert run(db, "collections", "one", "--note", "x")[0] == 0
        with open_store(db) as store:
            assert verify.has_digests(store.connection)
            assert list(verify.check(store)) == []
    print(f"{killed_before} kills before the upgrade was committed, {killed_after} after")

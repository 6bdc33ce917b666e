"""`scan --record`, killed, and on a disk that fills up: what was answered is kept, and nothing is damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from hashmatch.store import Store, open_store, verify
from tests.support.command_line import COMMAND, environment
from tests.support.index_runs import index, run
from tests.support.made_references import add, make_older
from tests.support.small_disk import Resize


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """A reference set of the pictures."""
    db = tmp_path_factory.mktemp("known") / "reference.db"
    assert run(db, *index(pictures))[0] == 0
    return db


def recorded(db: Path) -> tuple[set[str], list[bool]]:
    """The names of the files that were kept, and of each scan whether it was finished."""
    with closing(sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        paths = [
            os.path.basename(os.fsdecode(path)) for (path,) in connection.execute("SELECT path FROM recorded_result")
        ]
        finished = [bool(done) for (done,) in connection.execute("SELECT finished IS NOT NULL FROM recorded_scan")]
    assert len(paths) == len(set(paths)), "nothing is doubled"
    return set(paths), finished


def test_a_scan_of_a_pipe_that_is_killed(known: Path, pictures: Path, tmp_path: Path) -> None:
    db = Path(shutil.copy(known, tmp_path / "reference.db"))
    names = sorted(path.name for path in pictures.iterdir())[:6]
    command = [*COMMAND, "--db", str(db), "scan", "--record", "--files-from", "-", "--format", "jsonl"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=pictures,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdin and process.stdout
    answered = set()
    for name in names:
        process.stdin.write(os.fsencode(name) + b"\n")
        process.stdin.flush()
        line = json.loads(process.stdout.readline())
        assert line["status"] == "match"
        answered.add(line["path"])
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert answered == set(names)
    assert recorded(db) == (answered, [False])
    with open_store(db) as store:
        assert list(verify.check(store)) == []
    code, out, err = run(db, "stats", "--format", "json")
    assert code == 0, err
    assert json.loads(out)["matches"]["exact"] == len(names)


def test_a_scan_on_a_disk_that_is_full(known: Path, pictures: Path, small: tuple[Path, Resize]) -> None:
    folder, resize = small
    resize(16_000)
    db = Path(shutil.copy(known, folder / "reference.db"))
    used = db.stat().st_size // 1024
    for room in (60, 120, 240):
        resize(used + room)
        code, out, err = run(db, "scan", pictures, "--record", "--format", "jsonl")
        if code == 2:
            assert "the disk is full" in err.splitlines()[-1], err
        assert code in (1, 2)
        # Either it could not begin, or all files were scanned.
        assert len(out.splitlines()) in ((80,) if code == 1 else (0, 80))
        resize(16_000)
        assert run(db, "verify")[0] == 0
    assert run(db, "scan", pictures, "--record", "--format", "jsonl")[0] == 1


def add_one(store: Store) -> None:
    add(store, "something known")


def test_an_older_database_is_brought_up_to_date_first(pictures: Path, tmp_path: Path) -> None:
    db = tmp_path / "older.db"
    make_older(db, 3, add_one)
    picture = sorted(pictures.iterdir())[0]
    assert run(db, "scan", picture)[0] == 0
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,), (
            "a scan that is not recorded writes nothing"
        )
    code, _out, err = run(db, "scan", picture, "--record")
    assert code == 0, err
    assert recorded(db) == (set(), [True])
    assert run(db, "verify")[0] == 0

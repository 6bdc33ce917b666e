"""Runs the real command in a subprocess, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
COMMAND = [sys.executable, "-m", "hashmatch"]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The objects of JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """The environment without what a developer may have set for hashmatch."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HASHMATCH", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def run_command(
    *arguments: str | bytes | Path, db: Path | None = None, cwd: Path = ROOT, input: bytes | None = None, **env: str
) -> Ran:
    """Run `hashmatch` and wait. Any traceback is a failure, whatever the test is about."""
    words: list[str | bytes | Path] = [*COMMAND, *(["--db", db] if db else []), *arguments]
    done = subprocess.run(words, cwd=cwd, input=input, capture_output=True, env=environment(env), timeout=240)
    ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    assert "Traceback" not in ran.err, ran.err
    return ran


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where a test's own reference set is to be."""
    return tmp_path / "reference.db"


@pytest.fixture
def run(db: Path) -> Run:
    """`hashmatch` with the test's own reference set."""

    def call(*arguments: str | bytes | Path, **options: Any) -> Ran:
        return run_command(*arguments, **{"db": db, **options})

    return call


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference set of the fixtures' archive and allow list; not to be changed."""
    db = tmp_path_factory.mktemp("indexed") / "reference.db"
    archive = (
        "index",
        FIXTURES / "archive",
        "--collection",
        "archive",
        "--label",
        "known",
        "--case",
        "C-1",
        "--tlp",
        "amber",
    )
    assert run_command(*archive, "--source", "unit", "--note", "first seizure", db=db).code == 0
    allowed = "index", FIXTURES / "allowed", "--collection", "news", "--allow", "--tlp", "clear"
    assert run_command(*allowed, db=db).code == 0
    assert not db.with_name("reference.db-wal").exists(), "all of it is in the one file"
    return db


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_nobody(*arguments: str | Path, db: Path) -> Ran:
    """Run `hashmatch` as a user whom file permissions bind: as ourselves, or if we are root, as nobody."""
    become: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads and writes everything; needs setpriv (util-linux) to become somebody else")
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [*become, *COMMAND, "--db", str(db), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment({"HOME": "/nowhere"}), timeout=120)
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def own_copy(indexed: Path, db: Path) -> Path:
    """A copy of `indexed` that a test may change, where `run` finds it."""
    shutil.copy(indexed, db)
    return db

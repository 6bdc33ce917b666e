"""Runs the real command in a process of its own, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import ROOT
from tests.support.warm_commands import POSSIBLE, run_warm, write_program

COMMAND = [sys.executable, "-m", "hashmatch"]

#: The process that runs the tests: what it forks may be another user, or have a lock.
_TESTS = os.getpid()
#: Variables that are not read before a command runs.
_WARM = frozenset(
    {"HASHMATCH_DB", "HASHMATCH_KEYS", "HASHMATCH_KEY_PASSWORD", "HASHMATCH_HMA_TOKEN", "HASHMATCH_MODEL"}
    | {"HOME", "XDG_DATA_HOME"}
)


@dataclass(frozen=True)
class Ran:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The objects in JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """Our environment without the variables that a developer may have set for hashmatch."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HASHMATCH", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(ROOT), "HASHMATCH_MODEL": "none", **extra}


def run_command(
    *arguments: str | bytes | Path,
    db: Path | None = None,
    cwd: Path = ROOT,
    input: bytes | None = None,
    fresh: bool = False,
    **env: str,
) -> Ran:
    """Run `hashmatch` and wait. A traceback fails every test.

    fresh: in a Python that is started for it, as users do. Else, where that changes nothing, in a fork of one that is ready.
    """
    words = [os.fsencode(word) for word in (*(["--db", db] if db else []), *arguments)]
    is_warm = POSSIBLE and os.getpid() == _TESTS and _WARM.issuperset(env) and b"--lang" not in words
    if fresh or not is_warm or any(name.startswith("DASK_") for name in os.environ):  # Dask reads them when it starts
        command = [*map(os.fsencode, COMMAND), *words]
        done = subprocess.run(command, cwd=cwd, input=input, capture_output=True, env=environment(env), timeout=240)
        code, out, said = done.returncode, done.stdout, done.stderr
    else:
        code, out, said = run_warm(words, str(cwd), environment(env), input, timeout=240)
    ran = Ran(code, out.decode("utf-8", "replace"), said.decode("utf-8", "replace"))
    assert "Traceback" not in ran.err, ran.err
    return ran


def write_hashmatch(path: Path, fresh: bool = False) -> None:
    """Write a program that is `hashmatch`, for shells. fresh: as run_command takes it."""
    if POSSIBLE and not fresh:
        write_program(path)
    else:
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hashmatch "$@"\n', encoding="utf-8")
        path.chmod(0o755)


def as_nobody(*arguments: str | Path, db: Path) -> Ran:
    """Run `hashmatch` as a user whom file permissions bind: as ourselves, or as nobody if we are root."""
    become: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads and writes everything; needs setpriv (util-linux) to become somebody else")
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [*become, *COMMAND, "--db", str(db), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment({"HOME": "/nowhere"}), timeout=120)
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)

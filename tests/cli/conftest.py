"""Reference sets of the fixtures, indexed by the command itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import run_command
from tests.support.repository import FIXTURES


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference set of the fixtures' archive and allow list. Tests must not change it."""
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
    assert run_command(*archive, "--source", "unit", "--note", "first seizure", db=db, fresh=True).code == 0
    allowed = "index", FIXTURES / "allowed", "--collection", "news", "--allow", "--tlp", "clear"
    assert run_command(*allowed, db=db).code == 0
    assert not db.with_name("reference.db-wal").exists(), "all of it is in the one file"
    return db


@pytest.fixture
def own_copy(indexed: Path, db: Path) -> Path:
    """A copy of `indexed` for a test to change, where `run` finds it."""
    shutil.copy(indexed, db)
    return db

"""`backup`, `verify --head` and `log --head` from outside, and the restore that docs/database.md describes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import COMMAND, environment
from tests.support.index_runs import holds, index, run
from tests.support.repository import ROOT


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    db = tmp_path_factory.mktemp("indexed") / "reference.db"
    assert run(db, *index(pictures))[0] == 0
    return db


@pytest.fixture
def db(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(indexed, tmp_path / "reference.db"))


def alter(db: Path, script: str) -> None:
    connection = sqlite3.connect(db)
    connection.executescript(script)
    connection.close()


def test_backup(db: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    code, out, err = run(db, "backup", target)
    assert (code, out) == (0, "")
    head = run(db, "log", "--head")[1].strip()
    assert re.fullmatch("[0-9a-f]{64}", head) and head in err
    assert target.stat().st_mode & 0o777 == 0o600
    assert holds(target) == holds(db)
    before = target.read_bytes()
    code, _out, err = run(db, "backup", target)
    assert code == 2 and len(err.splitlines()) == 1
    assert target.read_bytes() == before
    assert run(tmp_path / "none.db", "backup", tmp_path / "of none.db")[0] == 2


def test_backup_of_a_damaged_one(db: Path, tmp_path: Path) -> None:
    alter(db, "UPDATE reference SET width = width + 1 WHERE id = 5")
    code, _out, err = run(db, "backup", tmp_path / "backup.db")
    assert code == 1
    assert re.match(r"reference 5 \(sha256 [0-9a-f]{12}…\) was altered\n", err)
    assert not (tmp_path / "backup.db").exists()


def test_documented_restore(db: Path, tmp_path: Path, pictures: Path) -> None:
    """The commands as docs/database.md has them, in a shell."""
    content = holds(db)
    page = (ROOT / "docs" / "database.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    backup, damage, restore = (part.strip() for part in re.split(r"#.*\n", block)[1:])
    script = tmp_path / "hashmatch"
    script.write_text(f'#!/bin/sh\nexec {COMMAND[0]} -m hashmatch "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    path = f"{tmp_path}:{environment()['PATH']}"
    env = environment({"HASHMATCH_DB": "reference.db", "PATH": path})

    def shell(commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-ec", commands], cwd=tmp_path, env=env, capture_output=True, text=True)

    assert shell(backup).returncode == 0
    assert run(db, "label", "1", "--add", "later")[0] == 0
    alter(db, "DELETE FROM label WHERE reference_id = 9")
    assert shell(damage).returncode == 1
    done = shell(restore)
    assert done.returncode == 0, done.stderr
    assert holds(db) == content
    assert run(db, *index(pictures))[0] == 0
    assert run(db, "verify")[0] == 0


def test_head(db: Path) -> None:
    head = run(db, "log", "--head")[1].strip()
    told = json.loads(run(db, "log", "--head", "--format", "jsonl")[1])
    assert told["digest"] == head and told["id"] >= 80 and told["at"].endswith("Z")
    assert run(db, "label", "1", "--add", "later")[0] == 0
    assert run(db, "verify", "--head", head)[:2] == (0, "")
    assert run(db, "verify", "--head", head.upper())[:2] == (0, "")
    code, out, _err = run(db, "verify", "--head", "ab" * 32)
    assert code == 1 and out == f"no audit entry has the digest {'ab' * 32}: the trail was cut off or made anew\n"
    assert run(db, "verify", "--head", "abc")[0] == 2


def test_verify_as_json(db: Path) -> None:
    assert json.loads(run(db, "verify", "--format", "json")[1]) == {"sound": True, "damage": []}
    alter(db, "DELETE FROM label WHERE reference_id = 9")
    code, out, _err = run(db, "verify", "--format", "json")
    assert code == 1
    assert json.loads(out) == {"sound": False, "damage": ["the label 'known' of reference 9 is missing"]}


def test_verify_of_an_older_one(tmp_path: Path) -> None:
    from hashmatch.store import schema

    db = tmp_path / "old.db"
    connection = sqlite3.connect(db, isolation_level=None)
    schema.apply(connection, 1)
    connection.close()
    code, out, err = run(db, "verify")
    assert (code, out) == (2, "") and "older" in err
    alter(db, "DROP INDEX location_reference")
    assert run(db, "verify")[:2] == (1, "index location_reference of the schema is missing\n")


def test_damaged_cache(db: Path, tmp_path: Path) -> None:
    """A cache beside the database is checked, too."""
    folder = db.with_name(f"{db.name}.cache") / "pdq"
    folder.mkdir(parents=True)
    (folder / "index").write_bytes(b"no index")
    code, out, _err = run(db, "verify")
    assert code == 1 and "the cache of pdq is damaged" in out


def test_log_of_a_damaged_entry(db: Path) -> None:
    alter(db, "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET detail = '{\"a' WHERE id = 3")
    code, out, _err = run(db, "log")
    assert code == 0 and 'damaged={"a' in out

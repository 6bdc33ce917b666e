"""A reference set on a medium that cannot be written to is read as it stands, and never an older state of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.store import open_store
from tests.support.command_line import as_nobody
from tests.support.index_runs import run
from tests.support.made_references import add


@pytest.fixture
def medium(public_folder: Path, pictures: Path) -> Iterator[Path]:
    """A reference set of ten pictures in a folder where nobody can write; and one of the pictures."""
    folder = public_folder / "medium"
    folder.mkdir()
    db = folder / "reference.db"
    assert run(db, "index", *sorted(pictures.iterdir())[:10])[0] == 0
    shutil.copy(sorted(pictures.iterdir())[3], public_folder / "query.jpg")
    (public_folder / "query.jpg").chmod(0o444)
    yield folder
    folder.chmod(0o755)


def close(folder: Path) -> None:
    for each in folder.iterdir():
        each.chmod(0o444)
    folder.chmod(0o555)


def test_every_reading_command(medium: Path) -> None:
    db = medium / "reference.db"
    close(medium)
    before = sorted(os.listdir(medium)), db.read_bytes()
    for arguments, code in (
        (["scan", medium.parent / "query.jpg"], 1),
        (["verify"], 0),
        (["log", "--head"], 0),
        (["info"], 0),
        (["list"], 0),
        (["label", "1", "--add", "x"], 2),
        (["index", medium.parent / "query.jpg"], 2),
    ):
        ran = as_nobody(*arguments, db=db)
        assert ran.code == code, f"{arguments}\n{ran.err}"
        if ran.code == 2:
            assert "read-only" in ran.err and len(ran.err.splitlines()) == 1
    assert (sorted(os.listdir(medium)), db.read_bytes()) == before


def test_a_backup_is_readable_there(medium: Path) -> None:
    saved = medium / "saved.db"
    assert run(medium / "reference.db", "backup", saved)[0] == 0
    close(medium)
    assert as_nobody("scan", medium.parent / "query.jpg", db=saved).code == 1
    assert as_nobody("verify", db=saved).code == 0


@pytest.mark.parametrize("shared_memory", [False, True])
def test_newer_content_in_a_log_is_read_or_refused(medium: Path, shared_memory: bool) -> None:
    """As on a medium that was taken away while a program wrote to it."""
    db, copy = medium / "reference.db", medium / "copy.db"
    with open_store(db, write=True) as store:
        add(store, "newest", labels=("newest",))
        for ending in ("", "-wal", "-shm") if shared_memory else ("", "-wal"):
            shutil.copy(f"{db}{ending}", f"{copy}{ending}")
    close(medium)
    for command in (["list", "--label", "newest"], ["verify"]):
        ran = as_nobody(*command, db=copy)
        if ran.code == 2:
            assert "newer content is in copy.db-wal" in ran.err
        else:
            assert ran.code == 0 and (command == ["verify"] or ran.out.count("\n") == 1), ran


def test_a_file_system_mounted_read_only(tmp_path: Path, pictures: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs to mount a file system, which only root may")
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount a file system here: {done.stderr.strip()}")
    try:
        db = folder / "reference.db"
        some = sorted(pictures.iterdir())[:5]
        assert run(db, "index", *some)[0] == 0
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        assert run(db, "scan", some[0])[0] == 1
        assert run(db, "verify")[:2] == (0, "")
        code, _out, err = run(db, "index", *some)
        assert code == 2 and "read-only" in err
        assert run(db, "backup", tmp_path / "copy.db")[0] == 0
    finally:
        subprocess.run(["umount", "-l", folder], check=True)

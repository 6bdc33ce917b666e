"""Several processes at one reference set: two that write, and others that read meanwhile."""

from __future__ import annotations

from pathlib import Path

from tests.support.index_runs import holds, index, run, start


def test_two_writers(tmp_path: Path, pictures: Path) -> None:
    """Of the same folder, so that every file is contended for."""
    once, db = tmp_path / "once.db", tmp_path / "reference.db"
    assert run(once, *index(pictures))[0] == 0
    several = [start(db, *index(pictures)) for _ in range(3)]
    for process in several:
        _out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
    assert holds(db) == holds(once)
    assert run(db, "verify")[:2] == (0, "")


def test_readers_while_a_writer_writes(tmp_path: Path, pictures: Path) -> None:
    db = tmp_path / "reference.db"
    first = sorted(pictures.iterdir())[0]
    assert run(db, "index", first)[0] == 0
    writer = start(db, *index(pictures))
    rounds = 0
    while writer.poll() is None:
        assert run(db, "verify")[:2] == (0, ""), "one state is read, and not what changes meanwhile"
        code, out, err = run(db, "scan", first)
        assert code == 1 and "EXACT" in out, err
        target = tmp_path / f"backup {rounds}.db"
        assert run(db, "backup", target)[0] == 0
        rounds += 1
    writer.communicate(timeout=60)
    assert writer.returncode == 0
    assert rounds >= 1
    head = run(tmp_path / f"backup {rounds - 1}.db", "log", "--head")[1].strip()
    assert run(db, "verify", "--head", head)[:2] == (0, "")

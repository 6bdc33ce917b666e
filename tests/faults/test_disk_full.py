"""A full disk: what was reported is kept, nothing is damaged, and with more room the rerun completes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.index_runs import holds, index, locations, reported, run
from tests.support.small_disk import Resize


@pytest.mark.timeout(600)
def test_index_on_a_disk_that_fills_up(tmp_path: Path, pictures: Path, small: tuple[Path, Resize]) -> None:
    folder, resize = small
    once, db = tmp_path / "once.db", folder / "reference.db"
    assert run(once, *index(pictures))[0] == 0
    done: set[str] = set()
    full = 0
    for kilobytes in (64, 200, 280, 330, 400, 500, 600, 16000):
        resize(kilobytes)
        code, _out, err = run(db, *index(pictures))
        done |= reported(err)
        if code:
            full += 1
            assert code == 2
            last = err.splitlines()[-1]
            assert "the disk is full" in last, err
        if done:
            assert done <= locations(db)
            # To read a log needs a little room, too.
            resize(kilobytes + 100)
            assert run(db, "verify")[0] == 0
    assert full >= 3
    assert len(done) == 80
    assert holds(db) == holds(once)


def test_backup_to_a_full_disk(tmp_path: Path, pictures: Path, small: tuple[Path, Resize]) -> None:
    folder, _resize = small
    db = tmp_path / "reference.db"
    assert run(db, *index(pictures))[0] == 0
    code, _out, err = run(db, "backup", folder / "copy.db")
    assert code == 2
    assert "full" in err and len(err.splitlines()) == 1
    assert list(folder.iterdir()) == []

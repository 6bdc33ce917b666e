"""`hashmatch index` from outside."""

from __future__ import annotations

import os
import pty
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import COMMAND, Run, environment, run_command
from tests.support.interruptible import start_interruptible
from tests.support.repository import FIXTURES

ARCHIVE = FIXTURES / "archive"
#: What a picture without borders is hashed with.
ONE_PICTURE = {"pdq", "blocks", "details"}
FILES = sum(path.is_file() for path in ARCHIVE.rglob("*"))


def contents(db: Path) -> list[tuple[object, ...]]:
    """What a reference set knows, without ids, times and the order in which it came to know it."""
    with sqlite3.connect(db) as connection:
        return connection.execute(
            "SELECT hex(sha256), kind, algorithm, hex(bits), hex(quality), hex(time), group_concat(hex(path)) FROM reference"
            " JOIN hash ON hash.reference_id = reference.id"
            " JOIN (SELECT * FROM location ORDER BY path) AS l ON l.reference_id = reference.id"
            " GROUP BY reference.id, algorithm ORDER BY sha256, algorithm"
        ).fetchall()


def snapshot(folder: Path) -> dict[Path, tuple[int, int, int, bytes]]:
    """Everything about a tree that a careless reader would change."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[path] = status.st_mtime_ns, status.st_ctime_ns, status.st_mode, content
    return found


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 60 small different pictures, in sub-folders with Arabic and undecodable names."""
    folder = tmp_path / "disk"
    chance = random.Random(5)
    for number in range(60):
        inside = folder / ("مجلد" if number % 2 else "folder") / str(number % 5)
        inside.mkdir(parents=True, exist_ok=True)
        small = Image.frombytes("RGB", (9, 7), chance.randbytes(9 * 7 * 3))
        small.resize((300, 220), Image.Resampling.BICUBIC).save(inside / f"صورة {number}.jpg", quality=90)
    os.rename(inside / f"صورة {number}.jpg", os.fsencode(inside) + b"/broken-\xff\xfe.jpg")
    return folder


def test_summary_of_the_fixtures(run: Run) -> None:
    ran = run("index", ARCHIVE, "--format", "json")
    assert ran.code == 0
    summary = ran.json["summary"]
    assert ran.json["failures"] == []
    assert summary["files"] == FILES
    assert summary["indexed"] == FILES - 1
    assert summary["duplicates"] == 1, "the archive has one picture twice"
    assert summary["failed"] == summary["skipped"] == summary["unchanged"] == 0
    assert isinstance(summary["seconds"], float)


def test_same_content_under_two_paths_is_one_reference_with_two_locations(run: Run, tmp_path: Path) -> None:
    picture = next(ARCHIVE.rglob("*.jpg"))
    (tmp_path / "in").mkdir()
    shutil.copy(picture, tmp_path / "in" / "a.jpg")
    shutil.copy(picture, tmp_path / "in" / "نسخة.jpg")
    assert run("index", tmp_path / "in").code == 0
    shown = run("show", "1", "--format", "json").json[0]
    assert [Path(place["path"]).name for place in shown["locations"]] == ["a.jpg", "نسخة.jpg"]
    assert len(run("list").out.splitlines()) == 1


def test_second_run_reads_nothing(run: Run, photos: Path, db: Path) -> None:
    assert run("index", photos).code == 0
    before = contents(db)
    for path in photos.rglob("*.jpg"):  # the same size and time, but not even a header: it must not be looked at
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = run("index", photos, "--format", "json")
    assert again.code == 0
    assert again.json["summary"]["unchanged"] == 60
    assert contents(db) == before


def test_moved_files_are_not_decoded_again(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run("index", photos).code == 0
    moved = photos.rename(tmp_path / "moved")
    again = run("index", moved, "--format", "json").json["summary"]
    assert (again["duplicates"], again["indexed"]) == (60, 0)


def test_nothing_is_written_to_the_evidence(run: Run, photos: Path) -> None:
    before = snapshot(photos)
    access = {path: path.stat().st_atime_ns for path in photos.rglob("*.jpg")}
    assert run("index", photos).code == 0
    assert run("scan", photos).code == 1
    after_access = {path: path.stat().st_atime_ns for path in access}
    assert after_access == access, "O_NOATIME is allowed to the owner"
    assert snapshot(photos) == before


def test_one_and_two_workers_give_the_same(run: Run, photos: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    assert run("index", photos, "--workers", "1", db=one).code == 0
    assert run("index", photos, "--workers", "2", db=two).code == 0
    assert contents(one) == contents(two)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_keeps_what_was_done_and_goes_on(run: Run, photos: Path, db: Path, number: int) -> None:
    done = db.with_name("uninterrupted.db")
    assert run("index", photos, db=done).code == 0
    kept = 0
    for _attempt in range(4):  # tests/faults/test_kill.py does it 26 times
        command = [*COMMAND, "--db", str(db), "index", str(photos), "--workers", "1"]
        process = start_interruptible(command, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None and count(db) <= kept + 3:
            time.sleep(0.01)
        process.send_signal(number)
        error = process.communicate(timeout=30)[1].decode()
        assert "Traceback" not in error
        assert process.returncode in ((0, -9) if number == signal.SIGKILL else (0, 130)), error
        now = count(db)
        assert now >= kept, "what was committed is lost"
        kept = now
        if process.returncode == 0:
            break
    assert kept > 0
    last = run("index", photos, "--format", "json")
    assert last.code == 0
    assert last.json["summary"]["unchanged"] >= kept - 1
    assert contents(db) == contents(done)
    assert run("verify").code == 0


def count(db: Path) -> int:
    """References that are committed now, seen from outside."""
    if not db.exists():
        return 0
    try:
        with sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM location").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_workers_end_with_a_killed_parent(run: Run, photos: Path, db: Path) -> None:
    process = subprocess.Popen([*COMMAND, "--db", str(db), "index", str(photos), "--workers", "2"], env=environment())
    while count(db) < 2 and process.poll() is None:
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_what_it_is_added_as_is_shown(indexed: Path) -> None:
    shown = run_command("show", "1", "--format", "json", db=indexed).json[0]
    source = shown["sources"][0]
    assert shown["labels"] == ["known"]
    assert (source["collection"], source["source"], source["case"]) == ("archive", "unit", "C-1")
    assert (source["tlp"], source["note"]) == ("amber", "first seizure")
    assert source["operator"]


def test_local_features_can_be_left_out(run: Run) -> None:
    """They are most of what a reference takes, and only a thorough scan uses them."""
    folder = ARCHIVE / "posters"
    assert run("index", folder, "--no-local-features").code == 0
    database = run("info", "--format", "json").json["database"]
    assert (database["references"], database["with_features"]) == (4, 0)
    assert run("index", folder, "--no-local-features", "--format", "json").json["summary"]["unchanged"] == 4
    again = run("index", folder, "--format", "json").json["summary"]
    assert again["unchanged"] == 0, "they lack features, so they are decoded again"
    assert run("info", "--format", "json").json["database"]["with_features"] == 4
    assert run("index", folder, "--no-local-features", "--format", "json").json["summary"]["unchanged"] == 4
    assert {each["algorithm"] for each in run("show", "1", "--format", "json").json[0]["hashes"]} == ONE_PICTURE


def test_other_hashes_are_added_on_request(run: Run) -> None:
    folder = ARCHIVE / "posters"
    assert run("index", folder).code == 0
    again = run("index", folder, "--hash", "pdq,phash,dhash", "--format", "json").json["summary"]
    assert again["unchanged"] == 0, "they lack two hashes, so they are decoded again"
    hashes = run("show", "1", "--format", "json").json[0]["hashes"]
    assert {each["algorithm"] for each in hashes} == ONE_PICTURE | {"phash", "dhash"}
    assert run("index", folder, "--hash", "phash", "--format", "json").json["summary"]["unchanged"] > 0
    unknown = run("index", folder, "--hash", "no-such-hash")
    assert unknown.code == 2
    assert "no-such-hash" in unknown.err


def test_every_hash_says_how_it_was_made(run: Run, db: Path) -> None:
    assert run("index", ARCHIVE / "films").code == 0
    with sqlite3.connect(db) as connection:
        recipes = connection.execute(
            "SELECT DISTINCT algorithm, version, decoding FROM hash JOIN recipe ON recipe.id = recipe_id"
        ).fetchall()
        assert len(recipes) == 1
        assert recipes[0][:2] == ("pdq", 1)
        assert "film-" in recipes[0][2]
        assert "128px" in recipes[0][2]
        # An older version of the algorithm or decoder is noticed, and hashed anew.
        connection.execute("UPDATE recipe SET version = 0")
    connection.close()
    assert run("index", ARCHIVE / "films", "--format", "json").json["summary"]["unchanged"] == 0
    assert "rehash" in run("log").out
    assert run("index", ARCHIVE / "films", "--format", "json").json["summary"]["unchanged"] == 3


def test_dry_run_writes_nothing(run: Run, db: Path, own_copy: Path) -> None:
    before = db.read_bytes()
    ran = run("index", FIXTURES / "uploads", "--dry-run", "--format", "json")
    assert ran.json["summary"]["indexed"] > 10
    assert db.read_bytes() == before
    missing = db.with_name("missing.db")
    assert run("index", ARCHIVE / "posters", "--dry-run", db=missing).code == 0
    assert not missing.exists()


def test_exclude(run: Run) -> None:
    ran = run("index", ARCHIVE, "--exclude", "films", "--exclude", "*.jpg", "--format", "json")
    kept = [
        path for path in ARCHIVE.rglob("*") if path.is_file() and path.suffix != ".jpg" and "films" not in path.parts
    ]
    assert ran.json["summary"]["files"] == len(kept)


def test_retracted_reference_is_not_revived(run: Run, own_copy: Path) -> None:
    film = next((ARCHIVE / "films").glob("journey*"))
    assert run("retract", film, "--reason", "wrong file").code == 0
    ran = run("index", ARCHIVE, "--collection", "elsewhere", "--format", "json")
    assert any("retracted" in warning["message"] for warning in ran.json["warnings"])
    assert run("scan", film).code == 0
    assert run("restore", film).code == 0
    assert run("scan", film).code == 1


def test_tells_when_it_resembles_the_allow_list(run: Run, own_copy: Path) -> None:
    ran = run("index", FIXTURES / "uploads" / "railway-copy.jpg", "--format", "json")
    assert ran.code == 0
    assert "allow list" in ran.json["warnings"][0]["message"]


def test_database_is_for_its_owner_only(run: Run, db: Path) -> None:
    assert run("index", ARCHIVE / "posters").code == 0
    assert db.stat().st_mode & 0o777 == 0o600


def test_progress_on_a_terminal_only(db: Path, photos: Path) -> None:
    assert "files/s" not in run_command("index", photos, db=db).err
    ours, theirs = pty.openpty()
    other = db.with_name("other.db")
    command = [*COMMAND, "--db", str(other), "index", str(photos)]
    process = subprocess.Popen(
        command, env=environment({"TERM": "xterm", "COLUMNS": "120"}), stderr=theirs, stdout=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait() == 0
    os.close(ours)
    text = seen.decode()
    assert re.search(r"\d+ files/s", text), "the rate"
    assert re.search(r"\d+/60", text), "done of all"
    assert re.search(r"0:00:\d\d", text), "time left"

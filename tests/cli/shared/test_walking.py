"""What is met on a disk, and that all of it is accounted for."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from hashmatch.cli.shared.walking import Seen
from hashmatch.errors import CommandError
from hashmatch.media.files import FoundPath
from tests.support.command_line import Run
from tests.support.repository import FIXTURES

PHOTO = FIXTURES / "archive" / "towns" / "market.jpg"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder with two names of one photograph, links that lead out, round and nowhere, a pipe and a socket."""
    disk, outside = tmp_path / "disk", tmp_path / "outside"
    (disk / "in").mkdir(parents=True)
    outside.mkdir()
    shutil.copy(PHOTO, disk / "a.jpg")
    (disk / "b.jpg").hardlink_to(disk / "a.jpg")
    shutil.copy(FIXTURES / "archive" / "landscapes" / "منظر-جبلي.jpg", outside / "c.jpg")
    (disk / "out").symlink_to(outside)
    (disk / "in" / "round").symlink_to(disk)
    (disk / "in" / "nowhere.jpg").symlink_to(disk / "gone.jpg")
    os.mkfifo(disk / "pipe.jpg")
    here = os.getcwd()
    os.chdir(disk)  # a socket's path may have no more than 107 bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.jpg")
    os.chdir(here)
    return disk


def test_all_is_accounted_for(disk: Path, run: Run) -> None:
    ran = run("index", disk, "--format", "json")
    assert ran.code == 0, ran.err
    counts = {"files": 7, "indexed": 1, "unchanged": 0, "duplicates": 1, "failed": 0, "skipped": 5, "partial": 0}
    assert {name: ran.json["summary"][name] for name in counts} == counts
    assert sum("is a symbolic link, which is not followed" in line for line in ran.err.splitlines()) == 3
    assert sum("is not a regular file" in line for line in ran.err.splitlines()) == 2
    again = run("index", disk, "--format", "json").json["summary"]
    assert (again["files"], again["unchanged"], again["skipped"]) == (7, 2, 5)


def test_links_are_followed_if_asked(disk: Path, run: Run) -> None:
    ran = run("index", disk, "--follow", "--format", "json")
    assert ran.code == 1, "a link that leads nowhere is media that could not be examined"
    counts = {"files": 7, "indexed": 2, "duplicates": 1, "failed": 1, "skipped": 3}
    assert {name: ran.json["summary"][name] for name in counts} == counts
    assert [failure["code"] for failure in ran.json["failures"]] == ["not-found"]
    assert "was visited already" in ran.err


def test_a_pipe_among_clean_files_does_not_make_a_scan_fail(disk: Path, run: Run) -> None:
    run("index", FIXTURES / "allowed")
    ran = run("scan", disk, "--format", "jsonl")
    assert ran.code == 0, ran.err
    assert sorted(result["status"] for result in ran.lines) == ["clean"] * 2 + ["skipped"] * 5
    named = run("scan", disk / "pipe.jpg")
    assert named.code == 2 and "not-regular-file" in named.err


def test_sparse_files_of_a_terabyte(tmp_path: Path, run: Run) -> None:
    """They take no place on the disk and would take hours to read."""
    disk = tmp_path / "disk"
    disk.mkdir()
    film = (FIXTURES / "archive" / "films" / "journey.mp4").read_bytes()
    for name, head in {"photo.jpg": PHOTO.read_bytes(), "film.mp4": film, "zeros.jpg": b""}.items():
        with open(disk / name, "wb") as file:
            file.write(head)
            try:
                file.truncate(1 << 40)
            except OSError as error:
                pytest.skip(f"needs a file system with files of 1 TB: {error}")
    ran = run("index", disk, "--format", "json")
    assert ran.code == 1, ran.err
    assert {Path(f["path"]).name: f["code"] for f in ran.json["failures"]} == {
        "film.mp4": "too-large",
        "photo.jpg": "too-large",
        "zeros.jpg": "unsupported-format",
    }
    assert (ran.json["summary"]["files"], ran.json["summary"]["skipped"]) == (3, 0)


def test_files_that_vanish_before_they_are_opened(tmp_path: Path, run: Run) -> None:
    names = tmp_path / "names"
    os.mkfifo(names)
    shutil.copy(PHOTO, tmp_path / "a.jpg")
    run("index", FIXTURES / "allowed")

    def name_them() -> None:
        with open(names, "w") as out:
            for each in ("a.jpg", "gone.jpg"):
                out.write(f"{tmp_path / each}\n")

    naming = threading.Thread(target=name_them)
    naming.start()
    ran = run("scan", "--files-from", names, "--format", "jsonl")
    naming.join()
    assert ran.code == 2
    found = {Path(result["path"]).name: (result["status"], (result["error"] or {}).get("code")) for result in ran.lines}
    assert found == {"a.jpg": ("clean", None), "gone.jpg": ("failed", "not-found")}


def test_what_was_seen_is_held_against_what_was_told() -> None:
    seen = Seen([FoundPath(b"a"), None, FoundPath(b"b")])
    assert len(list(seen)) == 3
    seen.check(2)
    with pytest.raises(CommandError, match="2 files were found but 1 accounted for"):
        seen.check(1)

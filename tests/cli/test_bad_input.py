"""What is wrong with the input is told in one clear line, with the right exit code, and nothing is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.command_line import COMMAND, Run, as_nobody, environment
from tests.support.film_files import sound
from tests.support.repository import FIXTURES

ARCHIVE, UPLOADS = FIXTURES / "archive", FIXTURES / "uploads"


def about(text: str, name: str) -> list[str]:
    return [line for line in text.splitlines() if name in line]


def test_missing_path(run: Run, own_copy: Path) -> None:
    for command, code in (("index", 2), ("scan", 2)):
        ran = run(command, "/no/such/place")
        assert ran.code == code
        assert about(ran.err, "/no/such/place") == ["/no/such/place: not-found: does not exist"]
    both = run("index", "/no/such/place", ARCHIVE / "posters")
    assert both.code == 1, "the rest is done"


def test_empty_folder(run: Run, own_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("index", "scan"):
        ran = run("--quiet", command, tmp_path / "empty")
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "no files were found" in ran.err
    ran = run("scan", tmp_path / "empty", "--format", "json")
    assert (ran.code, ran.json["results"], ran.json["summary"]["files"]) == (2, [], 0)


def test_names_that_never_come(run: Run, own_copy: Path) -> None:
    ran = run("scan", "--files-from", "-", "--format", "json", input=b"\n\n")
    assert (ran.code, ran.json["results"]) == (2, [])
    assert "no files were found" in ran.err


def test_folder_without_media(run: Run, own_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("hello")
    for command in ("index", "scan"):
        ran = run(command, tmp_path / "folder")
        assert ran.code == 0
        assert "none of the files is an image or a film" in ran.err


def test_unreadable_folder_and_file(public_folder: Path) -> None:
    tree, home = public_folder / "tree", public_folder / "home"
    shutil.copytree(ARCHIVE / "posters", tree / "open")
    shutil.copytree(ARCHIVE / "cards", tree / "closed")
    secret = tree / "open" / "secret.jpg"
    shutil.copy(UPLOADS / "small.jpg", secret)
    secret.chmod(0)
    (tree / "closed").chmod(0)
    home.mkdir()
    home.chmod(0o777)
    ran = as_nobody("index", tree, "--format", "json", db=home / "x.db")
    (tree / "closed").chmod(0o755)
    assert ran.code == 1, ran.err
    assert ran.json["summary"]["indexed"] == 4
    assert about(ran.err, "closed") == [f"{tree / 'closed'}: permission: no permission to read it"]
    assert about(ran.err, "secret") == [f"{secret}: permission: no permission to read it"]


def test_text_named_jpg(run: Run, own_copy: Path) -> None:
    ran = run("scan", UPLOADS / "broken" / "not-a-picture.jpg", "--format", "jsonl")
    assert ran.code == 2
    assert (ran.lines[0]["status"], ran.lines[0]["error"]["code"]) == ("failed", "unsupported-format")
    assert len(about(ran.err, "not-a-picture.jpg")) == 1
    assert run("index", UPLOADS / "notes.txt", "--format", "json").json["summary"]["skipped"] == 1


def test_truncated_jpeg_is_hashed_as_far_as_it_goes(run: Run) -> None:
    ran = run("hash", UPLOADS / "broken" / "truncated.jpg", "--format", "json")
    assert ran.code == 0
    assert ran.json[0]["partial"]
    assert ran.json[0]["error"]["code"] == "partial"
    assert ran.json[0]["hashes"]
    indexed = run("index", UPLOADS / "broken" / "truncated.jpg", "--format", "json")
    assert indexed.code == 0
    assert indexed.json["summary"]["partial"] == 1
    assert indexed.json["warnings"][0]["code"] == "partial"
    assert run("scan", UPLOADS / "broken" / "truncated.jpg", "--format", "jsonl").lines[0]["partial"]


def test_failed_media_is_known_by_its_bytes_and_not_tried_again(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "in" / "broken.jpg"
    broken.parent.mkdir()
    broken.write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    first = run("index", broken.parent, "--format", "json")
    assert (first.code, first.json["summary"]["failed"]) == (1, 1)
    assert first.json["failures"][0]["code"] == "corrupt"
    again = run("index", broken.parent, "--format", "json")
    assert (again.code, again.json["summary"]["failed"]) == (1, 1)
    assert "tried before" in again.json["failures"][0]["message"]
    assert "tried before" not in run("index", broken.parent, "--retry-failed").err
    found = run("scan", broken, "--format", "jsonl")
    assert (found.code, found.lines[0]["tier"]) == (1, "exact")


def test_sound_in_the_container_of_a_film(run: Run, own_copy: Path, tmp_path: Path) -> None:
    """Known by its bytes, if at all; of a stream nobody knows whether a film begins later."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    voice, broadcast = folder / "voice.mp4", folder / "broadcast.ts"
    voice.write_bytes(sound("mp4"))
    broadcast.write_bytes(sound("mpegts"))
    ran = run("index", folder, "--format", "json")
    assert (ran.code, ran.json["summary"]["unexamined"], ran.json["summary"]["failures"]) == (
        1,
        {"sound": 1},
        {"no-usable-frames": 1},
    )
    told = {Path(each["path"]).name: each for each in run("scan", folder, "--format", "jsonl").lines}
    assert (told["voice.mp4"]["status"], told["voice.mp4"]["unexamined"]) == ("skipped", "sound")
    assert told["voice.mp4"]["sha256"] == hashlib.sha256(voice.read_bytes()).hexdigest()


def test_film_without_video_stream(run: Run, tmp_path: Path) -> None:
    broadcast = tmp_path / "sound.ts"
    with av.open(broadcast, "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ran = run("index", broadcast, "--format", "json")
    assert ran.code == 1
    (failure,) = ran.json["failures"]
    assert (failure["path"], failure["code"]) == (str(broadcast), "no-usable-frames")
    assert failure["detail"] == {"code": "no-video-stream", "parameters": {}}


@pytest.mark.parametrize("content", [b"just text\n" * 50, b"SQLite format 3\0" + bytes(100), b"\0" * 5000])
def test_a_database_that_is_none(run: Run, db: Path, content: bytes) -> None:
    db.write_bytes(content)
    for command in (["scan", UPLOADS], ["index", ARCHIVE], ["list"], ["info"]):
        ran = run(*command)
        assert ran.code == 2, command
        assert "not a hashmatch database" in ran.err or "damaged" in ran.err
        assert len(ran.err.splitlines()) == 1
    assert db.read_bytes() == content, "and it stays as it is"


def test_another_program_s_database(run: Run, db: Path) -> None:
    with sqlite3.connect(db) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = db.read_bytes()
    assert "not a hashmatch database" in run("index", ARCHIVE).err
    assert db.read_bytes() == before


def test_a_database_of_a_newer_version(run: Run, own_copy: Path) -> None:
    with sqlite3.connect(own_copy) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for command in (["scan", UPLOADS], ["index", ARCHIVE]):
        ran = run(*command)
        assert ran.code == 2
        assert "newer" in ran.err


def test_no_database_to_scan_against(run: Run) -> None:
    ran = run("scan", UPLOADS)
    assert ran.code == 2
    assert "there is no database" in ran.err


def test_read_only_database(indexed: Path, public_folder: Path) -> None:
    """It can be searched and exported, and is not written."""
    db = public_folder / "reference.db"
    shutil.copy(indexed, db)
    db.chmod(0o444)
    before = db.read_bytes()
    scanned = as_nobody("scan", UPLOADS / "small.jpg", db=db)
    assert scanned.code == 1, scanned.err
    indexing = as_nobody("index", ARCHIVE, db=db)
    assert indexing.code == 2
    assert "read-only" in indexing.err
    assert len(indexing.err.splitlines()) == 1
    exported = as_nobody("export", "--max-tlp", "red", db=db)
    assert exported.code == 0
    assert "audit trail" in exported.err
    assert db.read_bytes() == before


def test_second_writer_waits_its_turn(run: Run, db: Path, tmp_path: Path) -> None:
    first = [*COMMAND, "--db", str(db), "index", str(ARCHIVE), "--collection", "a"]
    second = [*COMMAND, "--db", str(db), "index", str(UPLOADS), "--collection", "b"]
    running = [subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE) for command in (first, second)]
    errors = [process.communicate(timeout=120)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 1], errors
    assert run("verify").code == 0
    listed = {each["name"]: each["references"] for each in run("collections", "--format", "json").json}
    assert listed["a"] == 25
    assert listed["b"] > 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_for_the_output(indexed: Path) -> None:
    command = [*COMMAND, "--db", str(indexed), "scan", str(UPLOADS / "small.jpg"), "--format", "jsonl"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=120)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"No space left" in done.stderr


def test_full_disk_for_the_database(run: Run, db: Path) -> None:
    """A limit on the size of files is what a full disk is to SQLite; what was reported done is there afterwards."""
    script = f"ulimit -f 400; exec {' '.join(COMMAND)} --db {db} --verbose index {ARCHIVE} --workers 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(), timeout=120)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    told = sum(line.endswith(": indexed") for line in done.stderr.splitlines())
    assert 0 < told < 25
    assert run("verify").code == 0
    assert len(run("list").out.splitlines()) == told
    last = run("index", ARCHIVE, "--format", "json").json["summary"]
    assert last["indexed"] == 25 - told


def test_hostile_names_cannot_act_on_the_terminal(run: Run, own_copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    names = [
        b"\x1b[2Jgone.jpg",
        b"two\nlines.jpg",
        "\u202egpj.exe".encode(),
        b"bad\xff\xfe.jpg",
        b"a\rb.jpg",
        b"-rf.jpg",
    ]
    for name in names:
        shutil.copy(UPLOADS / "small.jpg", os.fsencode(folder) + b"/" + name)
    for command in (["scan", folder], ["scan", folder, "--verbose"], ["index", folder, "--verbose"], ["list"], ["log"]):
        options = ["--verbose"] if "--verbose" in command else []
        ran = run(*options, *[word for word in command if word != "--verbose"])
        shown = ran.out + ran.err
        assert not set(shown) & {"\x1b", "\r", "\u202e"}, command
        if command[0] in ("scan", "index"):
            assert "two\\nlines.jpg" in shown


def test_nonsense_on_the_command_line(run: Run) -> None:
    nameless = ["import", "--collection", "", "list"], ["index", "--collection", os.fsdecode(b"a\xff"), "."]
    for arguments in (
        ["scan", "--radius", "999", "."],
        ["index"],
        ["frobnicate"],
        ["export", "--format", "xml"],
        *nameless,
    ):
        ran = run(*arguments)
        assert ran.code == 2, arguments
        assert "Usage" in ran.err

"""What a scan says of that which it did not compare."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command_line import Run, run_command
from tests.support.encrypted_films import encrypted_mp4
from tests.support.film_files import film, filmed, sound
from tests.support.repository import FIXTURES
from tests.support.still_files import saved, scene

PROFILE = "profile fast does not look for crops, insets and rotations; --profile balanced does"
BLACK = np.full((144, 176, 3), 16, np.uint8)


def test_a_film_behind_something_else(indexed: Path, tmp_path: Path) -> None:
    """A film by name is probed, whatever it begins with; FFmpeg and players skip a tag of sound."""
    (tmp_path / "tagged.ts").write_bytes(b"ID3\4\0\0\0\0\0\0" + film("ts", seconds=2))
    (tmp_path / "song.mp3").write_bytes(b"ID3\4\0\0\0\0\2\0" + bytes(256) + film("ts", seconds=2))
    (tmp_path / "program.dat").write_bytes(b"\x7fELF" + bytes(range(256)) * 20)
    told = {Path(r["path"]).name: r for r in run_command("scan", tmp_path, "--format", "jsonl", db=indexed).lines}
    for name in ("tagged.ts", "song.mp3"):
        assert (told[name]["status"], told[name]["kind"]) == ("clean", "video")
    assert (told["program.dat"]["status"], told["program.dat"]["error"]) == ("skipped", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Something of everything that is not compared."""
    files = {
        "black.png": saved(Image.new("RGB", (200, 150)), "PNG"),
        "plain.jpg": saved(Image.new("RGB", (200, 150), (200, 30, 50)), "JPEG"),
        "encrypted.mp4": encrypted_mp4(),
        "text.jpg": b"hello\n",
        "broken.mp4": bytes(range(256)) * 40,
        "index.ts": b"export const answer = 42;\n",
        "letter.pdf": b"%PDF-1.7\n",
        "a.zip": b"PK\3\4" + bytes(40),
        "b.rar": b"Rar!\x1a\7\0" + bytes(40),
        "song.wav": sound("wav", "pcm_s16le"),
        "voice.mp4": sound("mp4"),
        "notes.txt": b"hello\n",
    }
    made = tmp_path / "files"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return made


UNEXAMINED = {
    "letter.pdf": "document",
    "a.zip": "archive",
    "b.rar": "archive",
    "song.wav": "sound",
    "voice.mp4": "sound",
}
FAILED = {
    "black.png": "nothing-to-compare",
    "plain.jpg": "nothing-to-compare",
    "encrypted.mp4": "encrypted",
    "text.jpg": "unsupported-format",
    "broken.mp4": "unsupported-format",
}
ACCOUNT = {"archive": 2, "document": 1, "sound": 2}


def test_json(indexed: Path, folder: Path) -> None:
    ran = run_command("scan", folder, "--format", "json", db=indexed)
    assert ran.code == 2
    told = {Path(each["path"]).name: each for each in ran.json["results"]}
    assert {name: each["error"]["code"] for name, each in told.items() if each["status"] == "failed"} == FAILED
    assert {name: each["unexamined"] for name, each in told.items() if each["unexamined"]} == UNEXAMINED
    assert {each["status"] for name, each in told.items() if name not in FAILED} == {"skipped"}
    summary = ran.json["summary"]
    assert summary["failures"] == {"nothing-to-compare": 2, "unsupported-format": 2, "encrypted": 1}
    assert summary["unexamined"] == ACCOUNT


def test_table(indexed: Path, folder: Path) -> None:
    ran = run_command("scan", folder, "--profile", "fast", db=indexed)
    lines = [" ".join(line.split()) for line in ran.err.splitlines()]
    start = lines.index("failed (not examined) 5")
    assert lines[start + 1 : start + 4] == ["nothing-to-compare 2", "unsupported-format 2", "encrypted 1"]
    assert lines[-2:] == ["2 archives, 1 document and 2 sound files were not looked into", PROFILE]


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "html"])
def test_the_last_line_is_what_the_profile_does_not_find(indexed: Path, folder: Path, form: str) -> None:
    for options, expected in ((["--profile", "fast"], True), ([], False), (["--profile", "thorough"], False)):
        ran = run_command("scan", folder / "black.png", "--format", form, *options, db=indexed)
        assert (ran.err.splitlines()[-1] == PROFILE) is expected
        assert ("crops" in ran.err) is expected
    assert "crops" not in run_command("--quiet", "scan", folder / "black.png", "--format", form, db=indexed).err


def test_csv_and_html(indexed: Path, folder: Path) -> None:
    rows = csv.DictReader(io.StringIO(run_command("scan", folder, "--format", "csv", db=indexed).out))
    assert {Path(each["path"]).name: each["unexamined"] for each in rows if each["unexamined"]} == UNEXAMINED
    page = run_command("scan", folder, "--format", "html", "--profile", "fast", db=indexed).out
    assert "2 archives, 1 document and 2 sound files were not looked into" in page
    assert "does not look for crops" in page


def test_index(run: Run, folder: Path) -> None:
    """What cannot be compared is kept, and said: the same bytes still match."""
    ran = run("index", folder, "--format", "json")
    assert ran.code == 1
    summary = ran.json["summary"]
    assert summary["failures"] == {"unsupported-format": 2, "encrypted": 1}
    assert (summary["indexed"], summary["unexamined"]) == (2, ACCOUNT)
    warned = [
        Path(each["path"]).name for each in ran.json["warnings"] if each["detail"]["code"] == "matches-as-file-only"
    ]
    assert sorted(warned) == ["black.png", "plain.jpg"]
    known = ("black.png", "encrypted.mp4", "text.jpg", "broken.mp4")
    found = run("scan", *(folder / name for name in known), "--format", "jsonl").lines
    assert {(each["status"], each["tier"]) for each in found} == {("match", "exact")}


def test_a_film_needs_one_frame_that_can_be_compared(indexed: Path, tmp_path: Path) -> None:
    black, other = tmp_path / "black.mp4", tmp_path / "other.mp4"
    black.write_bytes(filmed([BLACK] * 16))
    other.write_bytes(filmed([BLACK] * 16 + [np.asarray(scene(5, 176, 144))] * 16))
    told = {Path(r["path"]).name: r for r in run_command("scan", tmp_path, "--format", "jsonl", db=indexed).lines}
    assert (told["black.mp4"]["status"], told["black.mp4"]["error"]["code"]) == ("failed", "nothing-to-compare")
    assert (told["other.mp4"]["status"], told["other.mp4"]["error"]) == ("clean", None)


class TestNothingToCompareWith:
    """One line, exit code 2, and no output that somebody could take for results."""

    def said(self, run: Run, *options: str) -> str:
        ran = run("scan", FIXTURES / "uploads" / "small.jpg", "--format", "json", *options)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
        return ran.err

    def test_an_empty_set(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "nothing.txt").write_text("hello")
        assert run("index", tmp_path / "nothing.txt").code == 0
        assert "the reference set is empty" in self.said(run)

    def test_retracted_references(self, run: Run) -> None:
        picture = FIXTURES / "archive" / "towns" / "market.jpg"
        assert run("index", picture).code == 0
        assert run("retract", picture).code == 0
        assert "all references are retracted" in self.said(run)

    def test_an_allow_list(self, run: Run) -> None:
        assert run("index", FIXTURES / "allowed", "--collection", "news", "--allow").code == 0
        assert "an allow list, and nothing else" in self.said(run)

    def test_a_collection_without_references(self, run: Run, own_copy: Path) -> None:
        assert "the collections that were named" in self.said(run, "--collection", "news")

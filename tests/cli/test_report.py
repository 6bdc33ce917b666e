"""`hashmatch scan --format html` and `hashmatch report` from outside."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import COMMAND, Run, environment, run_command
from tests.support.interruptible import start_interruptible
from tests.support.report_pages import Page
from tests.support.repository import FIXTURES

UPLOADS = FIXTURES / "uploads"


def pictures_of(html: str) -> list[Image.Image]:
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


@pytest.fixture(scope="module")
def kept(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A scan of the uploads in every format that a report is made of, and the report that the scan itself makes."""
    folder = tmp_path_factory.mktemp("kept")
    made = {form: folder / f"scan.{form}" for form in ("json", "jsonl", "html")}
    for form, path in made.items():
        assert run_command("scan", UPLOADS, "--format", form, "-o", path, db=indexed).code == 1
    return made


def matches_of(html: str) -> str:
    """The part of a page that is about the files, without times of axes: a scan knows how long references are."""
    part = html.partition('id="matches"')[2].partition("<script>")[0]
    return re.sub(r"<figure.*?</figure>", "", part, flags=re.DOTALL)


def test_scan_makes_a_report(kept: dict[str, Path], indexed: Path) -> None:
    page = Page(kept["html"].read_text(encoding="utf-8"))
    for expected in ("13 near matches", "26 files", str(UPLOADS), str(indexed), "بطاقة.jpg", "corrupt is empty"):
        assert expected in page.text
    (head,) = run_command("log", "--head", "--format", "jsonl", db=indexed).lines
    assert f"audit trail {head['id']} " in page.text and head["digest"] in page.text
    assert not [tag for tag, _attributes in page.tags if tag == "img"], "no pictures unless they are asked for"
    assert kept["html"].stat().st_mode & 0o077 == 0


def test_a_report_made_later_says_the_same(kept: dict[str, Path], indexed: Path, tmp_path: Path) -> None:
    at_once = matches_of(kept["html"].read_text(encoding="utf-8"))
    for form in ("json", "jsonl"):
        ran = run_command("report", kept[form], db=indexed)
        assert (ran.code, ran.err) == (0, "")
        assert matches_of(ran.out) == at_once
        page = Page(ran.out)
        assert hashlib.sha256(kept[form].read_bytes()).hexdigest() in page.text
        assert str(kept[form]) in page.text
        assert ("not recorded" in page.text) == (form == "jsonl"), "JSON lines tell of files only"
        assert (str(UPLOADS) + " Operator" in page.text) == (form == "json")
    piped = run_command("report", "-", db=indexed, input=kept["jsonl"].read_bytes())
    assert matches_of(piped.out) == at_once
    target = tmp_path / "report.html"
    assert run_command("report", kept["json"], "-o", target, db=indexed).code == 0
    assert matches_of(target.read_text(encoding="utf-8")) == at_once


def test_a_report_needs_no_database(kept: dict[str, Path], tmp_path: Path) -> None:
    ran = run_command("report", kept["json"], XDG_DATA_HOME=str(tmp_path))
    assert ran.code == 0 and "Database then" not in ran.out
    assert list(tmp_path.iterdir()) == [], "and makes none"
    ran = run_command("report", kept["json"], db=tmp_path / "gone.db")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0", b"[]", b'{"path": 1}\n', b'{"results": [7]}', b"\x00" * 9999])
def test_what_is_no_scan_is_told_in_one_line(content: bytes, tmp_path: Path, run: Run) -> None:
    odd, target = tmp_path / "\u202escan\n.json", tmp_path / "report.html"
    odd.write_bytes(content)
    ran = run_command("report", odd, "-o", target, XDG_DATA_HOME=str(tmp_path))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert r"\u202escan\n.json, line 1: " in ran.err
    assert not target.exists()


def test_a_scan_that_was_killed(kept: dict[str, Path], indexed: Path, tmp_path: Path) -> None:
    for form in ("json", "jsonl"):
        cut = tmp_path / form
        cut.write_bytes(kept[form].read_bytes()[:-700])
        ran = run_command("report", cut, db=indexed)
        assert ran.code == 0 and "is cut off" in ran.err and "file is cut off" in ran.out
    assert run_command("report", tmp_path / "gone", db=indexed).code == 2


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_scan_that_is_stopped_says_so(indexed: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "scan"
    command = [
        *COMMAND,
        "--db",
        str(indexed),
        "--verbose",
        "scan",
        "--files-from",
        "-",
        "--format",
        form,
        "-o",
        str(target),
    ]
    with start_interruptible(command, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        for name in ("small.jpg", "soft.jpg"):
            process.stdin.write(os.fsencode(UPLOADS / name) + b"\n")
            process.stdin.flush()
            # When the second one is told of, the first was written.
            assert f"{name}: match".encode() in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=60) == 130
    made = target.read_text(encoding="utf-8")
    if form == "json":
        assert json.loads(made)["summary"]["interrupted"] is True
        made = run_command("report", target, db=indexed).out
    page = Page(made)
    assert "was stopped before its end" in page.text and "small.jpg" in page.text
    assert "Scanned: names from the file -" in page.text


class TestPictures:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        made = tmp_path / "in"
        made.mkdir()
        for name in ("small.jpg", "grey.jpg", "films/clip.webm"):
            shutil.copy(UPLOADS / name, made)
        return made

    @pytest.mark.parametrize("rule", ["blurred", "grey", "plain"])
    def test_of_matched_files(self, folder: Path, indexed: Path, rule: str) -> None:
        shutil.copy(UPLOADS / "clean" / "aquarium.jpg", folder)
        ran = run_command("scan", folder, "--format", "html", "--pictures", rule, db=indexed)
        assert ran.code == 1
        found = pictures_of(ran.out)
        assert len(found) == 3
        for each in found:
            assert max(each.size) == (20 if rule == "blurred" else 240)
            assert each.mode == ("L" if rule == "grey" else "RGB")
        shown = [(int(w), int(h)) for w, h in re.findall(r'width="(\d+)" height="(\d+)" alt=""', ran.out)]
        assert all(max(size) == 240 for size in shown)
        assert "at 0:00:0" in ran.out, "of the film a frame within what matches"

    def test_what_changed_since_has_none(self, folder: Path, indexed: Path, tmp_path: Path) -> None:
        scan = tmp_path / "scan.jsonl"
        assert run_command("scan", folder, "--format", "jsonl", "-o", scan, db=indexed).code == 1
        (folder / "small.jpg").unlink()
        with (folder / "grey.jpg").open("ab") as file:
            file.write(b"more")
        (folder / "clip.webm").write_bytes(b"no film any more")
        ran = run_command("report", scan, "--pictures", "plain", db=indexed)
        assert ran.code == 0 and pictures_of(ran.out) == []
        assert "3 files have no picture" in ran.err
        page = Page(ran.out)
        for why, count in {"the file is not what it was when it was scanned": 2, "not-found": 1}.items():
            assert page.text.count(f"no picture: {why}") == count

    def test_only_in_a_report(self, folder: Path, indexed: Path) -> None:
        ran = run_command("scan", folder, "--pictures", "grey", db=indexed)
        assert ran.code == 2 and "--pictures needs --format html" in ran.err


def test_hostile_names(indexed: Path, tmp_path: Path) -> None:
    names = [b"<script>alert(1)<", b'"onerror="x', "\u202egpj.jpg".encode(), b"\xff\n.jpg"]
    for name in names:
        shutil.copy(UPLOADS / "small.jpg", os.fsencode(tmp_path) + b"/" + name)
    ran = run_command("scan", tmp_path, "--format", "html", db=indexed)
    page = Page(ran.out)
    assert [tag for tag, _attributes in page.tags].count("script") == 1
    for shown in ("<script>alert(1)<", '"onerror="x', r"\u202egpj.jpg", r"\xff\n.jpg"):
        assert shown in page.texts

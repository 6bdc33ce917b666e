"""`hashmatch evaluate` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import Run
from tests.support.repository import FIXTURES

TOWNS = FIXTURES / "archive" / "towns"
FEW = "--edits", "jpeg-75", "--edits", "mirror", "--templates", "0"


def test_table(run: Run, db: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    ran = run("evaluate", TOWNS, *FEW, "--peer", "pdq", "--workers", "1", TMPDIR=str(scratch))
    assert (ran.code, ran.err) == (0, "")
    count = len(list(TOWNS.iterdir()))
    assert ran.out.startswith(f"{count} pictures, {2 * count} copies; profile thorough, seed 0\n")
    (line,) = (line for line in ran.out.splitlines() if "jpeg-75" in line)
    assert line.split() == ["jpeg-75", "100.0", "%", "100.0", "%", "100.0", "%"]
    assert "mirror" in ran.out
    assert "resize" not in ran.out
    assert list(scratch.iterdir()) == []
    assert not db.exists(), "the person's own reference set has nothing to do with it"


def test_another_hash(run: Run) -> None:
    ran = run("evaluate", TOWNS, *FEW, "--limit", "2", "--hash", "dhash", "--profile", "fast")
    assert (ran.code, ran.out.splitlines()[1]) == (0, "found by: dHash")
    (line,) = (line for line in ran.out.splitlines() if "jpeg-75" in line)
    assert line.split() == ["jpeg-75", "0.0", "%", "100.0", "%"], "a 64-bit hash alone is no proof"


def test_json_to_a_file_and_to_standard_output(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    ran = run("evaluate", TOWNS, *FEW, "--limit", "1", "--format", "json", "--json", target, "--profile", "fast")
    assert ran.code == 0
    assert ran.json == json.loads(target.read_text(encoding="utf-8"))
    assert ran.json["profile"] == "fast"
    assert ran.json["pictures"] == 1
    assert [each["edit"] for each in ran.json["edits"]] == ["jpeg-75", "mirror"]
    assert ran.json["look_alikes"] == []
    assert ran.json["failures"] == []


def test_plot(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install -e .[evaluate]")
    target = tmp_path / "out.png"
    assert run("evaluate", TOWNS, *FEW, "--limit", "1", "--plot", target).code == 0
    with Image.open(target) as image:
        assert image.format == "PNG"


def test_files_of_no_use(run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "black.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    (tmp_path / "notes.txt").write_text("no picture")
    ran = run("evaluate", tmp_path, *FEW, "--format", "json")
    assert ran.code == 1
    assert "broken.jpg: corrupt" in ran.err
    assert [each["code"] for each in ran.json["failures"]] == ["corrupt"]
    assert ran.json["pictures"] == 1
    assert ran.json["edits"][0]["recall"]["good"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((TOWNS, "--edits", "no-such"), "no edit is called no-such"),
        ((TOWNS, "--edits", "card-*"), "no cards to copy"),
        ((TOWNS, "--plot", "no-folder/a.png"), "folder does not exist"),
        ((TOWNS, "--json", "no-folder/a.json"), "folder does not exist"),
        (("no-folder",), "none of the pictures can be used"),
        ((TOWNS, "--limit", "0"), "--limit"),
        ((TOWNS, "--peer", "other"), "--peer"),
    ],
)
def test_what_is_refused(run: Run, arguments: tuple[str | Path, ...], says: str) -> None:
    ran = run("evaluate", *arguments, "--templates", "0")
    assert ran.code == 2
    assert says in ran.err
    assert ran.out == ""


def test_on_photographs(run: Run, corpus: Path) -> None:
    ran = run(
        "evaluate", corpus / "photos", "--limit", "12", "--templates", "0", "--edits", "codec", "--format", "json"
    )
    assert ran.code == 0
    (group,) = ran.json["groups"]
    assert (group["near"], group["met"]) == (1.0, True)
    assert ran.json["wrong"]["near"] == 0

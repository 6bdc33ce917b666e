"""`scan --record`, `retract --recall`, labels and `stats` from outside."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import Run, run_command
from tests.support.repository import FIXTURES, UPLOADS


def reference_of(run: Run, upload: Path) -> str:
    result = run("scan", upload, "--format", "jsonl").lines[0]
    return str(result["matches"][0]["reference"]["id"])


def test_a_scan_that_is_recorded_says_the_same(run: Run, own_copy: Path, indexed: Path) -> None:
    plain = run_command("scan", UPLOADS, "--format", "jsonl", "--workers", "1", db=indexed)
    recorded = run("scan", UPLOADS, "--format", "jsonl", "--record", "--workers", "1")
    assert (recorded.code, recorded.lines) == (plain.code, plain.lines)
    *_before, begun, done = run("log", "--format", "jsonl").lines
    assert (begun["action"], done["action"]) == ("scan", "scanned")
    assert begun["detail"]["profile"] == "balanced"
    assert done["detail"]["scan"] == begun["detail"]["scan"]
    assert done["detail"]["matched"] == sum(line["status"] == "match" for line in plain.lines)
    assert run("verify").code == 0


def test_recall(run: Run, own_copy: Path, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "seized")
    os.mkdir(folder)
    odd = folder + b"/\xff\x1b[31m.jpg"
    shutil.copy(UPLOADS / "small.jpg", odd)
    shutil.copy(UPLOADS / "soft.jpg", folder + b"/soft.jpg")
    assert run("scan", folder, "--record").code == 1
    assert run("retract", "--recall").out == ""
    assert run("retract", "--recall", "--format", "json").json == []
    ref = reference_of(run, UPLOADS / "small.jpg")
    matched = {line["path"]: line for line in run("scan", folder, "--format", "jsonl").lines}
    resting = sorted(
        path for path, line in matched.items() if ref in {str(each["reference"]["id"]) for each in line["matches"]}
    )
    ran = run("retract", ref, "--reason", "mistaken", "--recall")
    assert ran.code == 0
    assert "\\xff\\x1b[31m.jpg" in ran.out and "\x1b" not in ran.out
    assert f"#{ref}" in ran.out and "mistaken" in ran.out
    listed = run("retract", "--recall", "--format", "json")
    assert sorted(each["path"] for each in listed.json) == resting
    (one,) = [each for each in listed.json if "path_bytes" in each]
    assert (one["status"], one["scan"]["finished"] is None) == ("match", False)
    assert one["rested_on"][0]["reason"] == "mistaken"
    assert one["rested_on"][0]["match"] == matched[one["path"]]["matches"][0]
    assert run("restore", ref).code == 0
    assert run("retract", "--recall", "--format", "json").json == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["--recall", "--reason", "x"], ["--recall", "--collection", "x"], ["1", "--format", "json"]],
    ids=str,
)
def test_recall_options_that_make_no_sense(run: Run, own_copy: Path, arguments: list[str]) -> None:
    assert run("retract", *arguments).code == 2
    assert len(run("list", "--retracted").out) == 0


def test_an_import_that_withdraws_tells_of_results(run: Run, own_copy: Path, tmp_path: Path) -> None:
    ours, listed = tmp_path / "ours.db", tmp_path / "list.jsonl"
    assert run("export", "--max-tlp", "red", "-o", listed).code == 0
    assert run("import", listed, db=ours).code == 0
    assert run("scan", UPLOADS / "small.jpg", "--record", db=ours).code == 1
    assert run("retract", reference_of(run, UPLOADS / "small.jpg"), "--reason", "mistaken").code == 0
    assert run("export", "--max-tlp", "red", "-o", listed).code == 0
    ran = run("--quiet", "import", listed, "--dry-run", db=ours)
    assert "recorded result" in ran.err
    assert run("retract", "--recall", db=ours).out == "", "a dry run"
    ran = run("--quiet", "import", listed, db=ours)
    assert [line for line in ran.err.splitlines() if "retract --recall" in line]
    assert "small.jpg" in run("retract", "--recall", db=ours).out
    assert "recall" not in run("import", listed, db=ours).err, "said only once"


def test_a_scan_to_be_recorded_without_a_database(run: Run, db: Path) -> None:
    ran = run("scan", UPLOADS / "small.jpg", "--record")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert not db.exists()


def test_names_from_a_pipe_are_recorded(run: Run, own_copy: Path) -> None:
    names = b"small.jpg\nclean/aquarium.jpg\n"
    assert run("scan", "--files-from", "-", "--record", input=names, cwd=UPLOADS).code == 1
    counted = run("stats", "--format", "json").json
    assert counted["matches"]["scans"] == 1
    assert sum(counted["matches"][tier] for tier in ("exact", "near", "possible")) == 1


def test_unknown_labels_are_kept_and_remarked_on_once(run: Run, tmp_path: Path) -> None:
    posters = FIXTURES / "archive" / "posters"
    ran = run("index", posters, "--label", "odd\x1b", "--label", "behaviour:threat", "--label", "entity:x")
    assert ran.code == 0
    assert [line for line in ran.err.splitlines() if "taxonomy" in line] == [
        "the label 'odd\\x1b' is not in the taxonomy; it is kept"
    ]
    ran = run("label", "1", "2", "--add", "behavior:threat")
    assert ran.err.count("is 'behaviour:threat' meant?") == 1
    listed = tmp_path / "list"
    assert run("export", "--unmarked", "-o", listed).code == 0
    ran = run("import", listed, db=tmp_path / "other.db")
    assert ran.code == 0
    assert ran.err.count("'behavior:threat'") == 1 and ran.err.count("odd") == 1
    named = run("label", "--list", "--format", "json", db=tmp_path / "other.db").json
    used = {each["label"]: each["references"] for facet in named["facets"] for each in facet["labels"]}
    assert (used["behaviour:threat"], used["entity:x"], used["behaviour:claim"]) == (4, 4, 0)
    assert {each["label"]: each["references"] for each in named["others"]} == {"behavior:threat": 2, "odd\x1b": 4}
    told = run("label", "--list")
    assert "behaviour:threat" in told.out and "not in the taxonomy" in told.out and "\x1b" not in told.out


def test_a_taxonomy_of_ones_own(run: Run, db: Path) -> None:
    assert "behaviour:threat" in run("label", "--list").out, "before there is a database"
    assert run("label", "--copy-taxonomy").code == 0
    own = db.with_name("taxonomy.toml")
    assert "behaviour" in own.read_text(encoding="utf-8")
    assert run("label", "--copy-taxonomy").code == 2
    own.write_text('[colour.labels]\nred = "Red"\n', encoding="utf-8")
    posters = FIXTURES / "archive" / "posters"
    ran = run("index", posters, "--label", "colour:red", "--label", "behaviour:threat")
    assert "colour:red" not in ran.err and "'behaviour:threat' is not in the taxonomy" in ran.err
    own.write_text("[colour\n", encoding="utf-8")
    ran = run("index", posters, "--label", "any")
    assert ran.code == 0
    assert ran.err.count("cannot be used") == 1
    assert "cannot be used" not in run("scan", UPLOADS / "small.jpg").err
    ran = run("label", "--list")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [[], ["1"], ["--list", "1"], ["--list", "--copy-taxonomy"], ["--add", "x"], ["1", "--add", "x", "--list"]],
    ids=str,
)
def test_label_options_that_make_no_sense(run: Run, own_copy: Path, arguments: list[str]) -> None:
    assert run("label", *arguments).code == 2


def test_stats(run: Run, own_copy: Path) -> None:
    assert run("scan", UPLOADS, "--record").code == 1
    ran = run("stats", "--format", "json")
    assert list(ran.json) == [
        *("hashmatch", "made", "selection", "totals", "collections", "sources", "labels", "months", "matches"),
        "opinions",
    ]
    archive = {"collection": "archive", "references": 25, "live": 25, "retracted": 0, "disputed": 0}
    assert ran.json["collections"][0] == archive
    assert ran.json["matches"]["scans"] == 1 and ran.json["matches"]["near"] > 5
    table = run("stats")
    assert "archive" in table.out and "known" in table.out and "unit" in table.out
    for secret in ("C-1", "first seizure", ".jpg", "root", "fixtures", "uploads"):
        assert secret not in ran.out and secret not in table.out, secret
    past = run("stats", "--until", "2001-01", "--collection", "news", "--format", "json").json
    assert past["selection"] == {"since": None, "until": "2001-01", "collections": ["news"]}
    assert past["totals"]["references"] == 0
    for bad in (["--since", "2001"], ["--since", "2001-13"], ["--since", "2002-01", "--until", "2001-12"]):
        assert run("stats", *bad).code == 2
    assert run("stats", "--collection", "none").code == 2
    assert json.loads(ran.out)

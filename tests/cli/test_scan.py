"""`hashmatch scan` from outside."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import COMMAND, Run, environment, run_command
from tests.support.repository import FIXTURES

UPLOADS = FIXTURES / "uploads"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
RESULT_KEYS = ["path", "status", "partial", "tier", "kind", "size", "sha256", "md5", "matches", "error"]
RESULT_KEYS += ["examined", "parts", "unexamined"]
SUMMARY_KEYS = ["files", "matched", "allowed", "clean", "failed", "skipped", "seconds"]
SUMMARY_KEYS += ["failures", "unexamined"]
SOURCE_KEYS = ["collection", "source", "tlp", "opinion", "owner", "author"]
REFERENCE_KEYS = ["id", "sha256", "kind", "labels", "allow", "sources", "opinions", "pending"]
#: First what the interface has promised from the beginning, then what has come since.
MATCH_KEYS = ["reference", "tier", "distance", "algorithm", "transform", "quality", "video"]
MATCH_KEYS += [
    "reason",
    "view",
    "reference_view",
    "contradiction",
    "local",
    "decision",
    "part",
    "details",
    "straightened",
]


def test_finds_every_copy_and_nothing_else(indexed: Path) -> None:
    results = run_command("scan", UPLOADS, "--format", "jsonl", db=indexed, fresh=True).lines
    found = {Path(result["path"]).relative_to(FIXTURES).as_posix(): result for result in results}
    assert found.keys() == EXPECTED.keys()
    for path, expected in EXPECTED.items():
        result = found[path]
        if expected["expect"] == "partial":
            assert result["partial"], path
            assert result["error"]["code"] == "partial"
            continue
        assert result["status"] == expected["expect"], path
        assert result["tier"] == expected["tier"], path
        if expected["reference"]:
            best = run_command(
                "show", str(result["matches"][0]["reference"]["id"]), "--format", "json", db=indexed
            ).json
            places = {Path(place["path"]).relative_to(FIXTURES).as_posix() for place in best[0]["locations"]}
            assert expected["reference"] in places, path


def test_json_is_one_object_with_the_promised_names(indexed: Path) -> None:
    ran = run_command("scan", UPLOADS, "--format", "json", db=indexed)
    assert ran.code == 1
    document = ran.json
    assert document.keys() == {"hashmatch", "reference_set", "settings", "custody", "summary", "results"}
    assert list(document["summary"]) == SUMMARY_KEYS
    statuses = [result["status"] for result in document["results"]]
    summary = document["summary"]
    assert summary["files"] == len(statuses) == len(EXPECTED)
    assert summary["matched"] == statuses.count("match")
    for name in ("allowed", "clean", "failed", "skipped"):
        assert summary[name] == statuses.count(name)
    for result in document["results"]:
        assert list(result) == RESULT_KEYS
        for match in result["matches"]:
            assert list(match) == MATCH_KEYS
            assert list(match["reference"]) == REFERENCE_KEYS
            assert list(match["reference"]["sources"][0]) == SOURCE_KEYS
            if match["video"]:
                assert list(match["video"]) == ["query_coverage", "reference_coverage", "segments"]
                for segment in match["video"]["segments"]:
                    assert list(segment)[:4] == ["query", "reference", "frames", "mean_distance"]
                    assert segment["query"][0] <= segment["query"][1]


def test_a_thorough_scan_finds_more_and_says_where(indexed: Path, tmp_path: Path) -> None:
    upload = tmp_path / "crop.jpg"
    with Image.open(FIXTURES / "archive" / "towns" / "market.jpg") as image:
        image.crop((90, 60, image.width - 60, image.height - 50)).save(upload, quality=80)
    assert run_command("scan", upload, "--profile", "fast", db=indexed).code == 0
    ran = run_command("scan", upload, "--profile", "thorough", "--format", "json", db=indexed)
    assert ran.code == 1
    assert ran.json["settings"]["profile"] == "thorough"
    ((result,), keys) = ran.json["results"], ("tier", "distance", "algorithm", "transform", "reason")
    (match,) = result["matches"]
    assert [match[key] for key in keys] == ["near", None, "orb", "crop", "straightened"]
    assert match["local"]["points"] >= 6 and len(match["local"]["quadrilateral"]) == 4
    assert run_command("scan", upload, "--profile", "slow", db=indexed).code == 2


def test_exact_match_says_where_it_comes_from(indexed: Path) -> None:
    result = run_command("scan", UPLOADS / "IMG_0001.jpg", "--format", "jsonl", db=indexed).lines[0]
    match = result["matches"][0]
    assert (match["tier"], match["algorithm"], match["distance"], match["transform"]) == ("exact", "sha256", 0, "none")
    assert match["reference"]["sha256"] == result["sha256"]
    assert match["reference"]["labels"] == ["known"]
    assert match["reference"]["sources"] == [
        {"collection": "archive", "source": "unit", "tlp": "amber", "opinion": "malicious", "owner": "", "author": ""}
    ]


def test_csv(indexed: Path, tmp_path: Path) -> None:
    odd = tmp_path / "in" / "=HYPERLINK(1)"
    odd.parent.mkdir()
    shutil.copy(UPLOADS / "small.jpg", odd)
    ran = run_command("scan", "=HYPERLINK(1)", "--format", "csv", db=indexed, cwd=odd.parent)
    assert ran.code == 1
    row = next(csv.DictReader(io.StringIO(ran.out)))
    assert row["path"] == "'=HYPERLINK(1)", "a spreadsheet must not run it"
    assert (row["status"], row["tier"], row["algorithm"]) == ("match", "near", "pdq")


def test_table_names_the_reference(indexed: Path) -> None:
    ran = run_command("scan", UPLOADS, db=indexed)
    assert "NEAR      " in ran.out
    assert "منظر-جبلي.jpg" in ran.out
    assert "clean/aquarium.jpg" not in ran.out, "what is clean is counted, not listed"
    assert "corrupt" in ran.err
    assert "\x1b" not in ran.out, "no colours into a pipe"


def test_what_of_films_was_looked_at_is_said(run: Run) -> None:
    film, copy = next((FIXTURES / "archive" / "films").glob("[!a-z]*.mp4")), UPLOADS / "films" / "news-copy.mp4"
    assert run("index", film).code == 0
    ran = run("--verbose", "scan", copy)
    assert re.search(r"%.*: 0:00:\d\d–0:00:\d\d = 0:00:\d\d–0:00:\d\d$", ran.out, re.MULTILINE)
    (gap,) = re.findall(r"^only key frames of films were examined, up to (.*) s apart;", ran.err, re.MULTILINE)
    assert re.search(rf"news-copy\.mp4: match, \d\d frames looked at, up to {gap} s apart", ran.err)
    assert "key frames" not in run("scan", copy, "--profile", "thorough").err
    (row,) = csv.DictReader(io.StringIO(run("scan", copy, "--format", "csv").out))
    assert re.fullmatch(r"0:00:\d\d–0:00:\d\d=0:00:\d\d–0:00:\d\d", row["segments"])
    assert int(row["examined_frames"]) > 9 and f"{float(row['examined_gap']):.1f}" == gap


@pytest.mark.parametrize(
    ("upload", "options", "code"),
    [
        ("small.jpg", [], 1),
        ("small.jpg", ["--min-tier", "exact"], 0),
        ("IMG_0001.jpg", ["--min-tier", "exact"], 1),
        ("clean", [], 0),
        ("railway-copy.jpg", [], 0),
        ("notes.txt", [], 0),
        ("broken/not-a-picture.jpg", [], 2),
        ("broken/empty.jpg", [], 2),
        ("no-such-file.jpg", [], 2),
        ("small.jpg", ["--radius", "3", "--profile", "fast"], 0),
        ("small.jpg", ["--collection", "news"], 2),
        ("small.jpg", ["--collection", "archive"], 1),
        ("railway-copy.jpg", ["--collection", "archive"], 0),
    ],
)
def test_exit_codes(indexed: Path, upload: str, options: list[str], code: int) -> None:
    assert run_command("scan", UPLOADS / upload, *options, db=indexed).code == code


def test_a_crop_is_found_unless_the_scan_is_fast(indexed: Path, tmp_path: Path) -> None:
    with Image.open(UPLOADS / "small.jpg") as image:
        width, height = image.size
        image.crop((width // 4, height // 5, width, height)).save(tmp_path / "crop.jpg")
    for profile, found in (([], True), (["--profile", "fast"], False), (["--profile", "thorough"], True)):
        ran = run_command("scan", tmp_path / "crop.jpg", *profile, "--format", "json", db=indexed)
        assert (ran.code == 1) is found, profile
        for match in ran.json["results"][0]["matches"]:
            assert (match["tier"], match["reason"], match["transform"]) == ("near", "straightened", "crop")


def test_a_match_weighs_more_than_a_failure(indexed: Path) -> None:
    assert run_command("scan", UPLOADS / "broken" / "empty.jpg", UPLOADS / "small.jpg", db=indexed).code == 1


def test_scan_changes_nothing(indexed: Path) -> None:
    before = indexed.read_bytes()
    run_command("scan", UPLOADS, db=indexed)
    assert indexed.read_bytes() == before


def test_names_from_standard_input_are_answered_as_they_come(indexed: Path) -> None:
    command = [*COMMAND, "--db", str(indexed), "scan", "--files-from", "-", "--format", "jsonl"]
    process = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=UPLOADS)
    assert process.stdin and process.stdout
    for name in ("small.jpg", "clean/aquarium.jpg", "بطاقة.jpg"):
        process.stdin.write(os.fsencode(name) + b"\n")
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 30)[0], "no answer while the input stays open"
        assert json.loads(process.stdout.readline())["path"] == name
    # Half a name is no name yet.
    process.stdin.write(b"films/clip")
    process.stdin.flush()
    time.sleep(0.2)
    process.stdin.write(b".webm")
    process.stdin.close()
    assert json.loads(process.stdout.readline())["path"] == "films/clip.webm"
    assert process.wait(timeout=30) == 1
    process.stdout.close()


def test_names_with_newlines_end_with_nul(indexed: Path, tmp_path: Path) -> None:
    odd = tmp_path / "two\nlines.jpg"
    shutil.copy(UPLOADS / "small.jpg", odd)
    names = os.fsencode(odd) + b"\0" + os.fsencode(UPLOADS / "clean" / "aquarium.jpg") + b"\0"
    ran = run_command("scan", "--files-from", "-", "-0", "--format", "jsonl", db=indexed, input=names)
    assert {line["path"] for line in ran.lines} == {str(odd), str(UPLOADS / "clean" / "aquarium.jpg")}
    ran = run_command("scan", "--files-from", "-", "-0", db=indexed, input=names)
    assert "two\\nlines.jpg" in ran.out, "a terminal must not be fooled"


def test_names_from_a_file(indexed: Path, tmp_path: Path) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text(f"{UPLOADS / 'small.jpg'}\n\n{UPLOADS / 'soft.jpg'}", encoding="utf-8")
    assert len(run_command("scan", "--files-from", listed, "--format", "jsonl", db=indexed).lines) == 2
    missing = run_command("scan", "--files-from", tmp_path / "none.txt", db=indexed)
    assert (missing.code, missing.err.count("\n")) == (2, 1)


def test_paths_or_names_but_not_both(indexed: Path) -> None:
    assert run_command("scan", db=indexed).code == 2
    assert run_command("scan", UPLOADS, "--files-from", "-", db=indexed).code == 2


def test_undecodable_name_is_exact_in_json(indexed: Path, tmp_path: Path) -> None:
    import base64

    odd = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    shutil.copy(UPLOADS / "small.jpg", odd)
    result = run_command("scan", tmp_path, "--format", "jsonl", db=indexed).lines[0]
    assert base64.b64decode(result["path_bytes"]) == odd
    table = run_command("scan", tmp_path, db=indexed)
    assert "caf\\xe9.jpg" in table.out


def test_output_file_appears_whole_or_not_at_all(indexed: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    ran = run_command("scan", UPLOADS / "small.jpg", "--format", "json", "-o", target, db=indexed)
    assert (ran.code, ran.out) == (1, "")
    assert json.loads(target.read_text(encoding="utf-8"))["summary"]["matched"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    nowhere = run_command("scan", UPLOADS / "small.jpg", "-o", tmp_path / "no" / "folder", db=indexed)
    assert nowhere.code == 2
    assert "cannot write" in nowhere.err


def test_a_reader_that_goes_away_is_no_error(indexed: Path) -> None:
    command = " ".join([*COMMAND, "--db", str(indexed), "scan", str(UPLOADS), "--format", "jsonl", "| head -n 1"])
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment(), timeout=120)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_allowed_shows_its_evidence(indexed: Path) -> None:
    result = run_command("scan", UPLOADS / "films" / "news-copy.mp4", "--format", "jsonl", db=indexed).lines[0]
    assert result["status"] == "allowed"
    best, quoted = result["matches"]
    assert best["reference"]["allow"]
    assert best["reference"]["sources"][0]["opinion"] == "benign"
    assert best["video"]["reference_coverage"] >= 0.5
    assert not quoted["reference"]["allow"], "what the news film quotes is still told"


def test_a_film_that_the_news_quotes_does_not_escape(indexed: Path) -> None:
    result = run_command("scan", UPLOADS / "films" / "voyage.mkv", "--format", "jsonl", db=indexed).lines[0]
    assert result["status"] == "match"
    assert [match["reference"]["allow"] for match in result["matches"]] == [False, True]


def test_a_retracted_reference_matches_nothing(run: Run, own_copy: Path) -> None:
    result = run("scan", UPLOADS / "small.jpg", "--format", "jsonl").lines[0]
    assert run("retract", str(result["matches"][0]["reference"]["id"])).code == 0
    assert run("scan", UPLOADS / "small.jpg").code == 0


def test_retracting_an_allowed_reference_ends_its_protection(run: Run, own_copy: Path) -> None:
    upload = UPLOADS / "railway-copy.jpg"
    assert run("index", upload, "--collection", "wrongly").code == 0
    assert run("scan", upload).code == 1, "the same bytes are a stronger match than the allowed original"
    original = FIXTURES / "allowed" / "news" / "new-railway-line.jpg"
    assert run("scan", original).code == 0
    assert run("retract", original).code == 0
    assert run("scan", original).code == 1


def test_quiet_prints_data_only(indexed: Path) -> None:
    ran = run_command("--quiet", "scan", UPLOADS / "small.jpg", db=indexed)
    assert ran.err == ""
    assert ran.out

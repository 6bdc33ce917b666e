"""`hashmatch export` and `import` from outside."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import Run, run_command
from tests.support.repository import FIXTURES

UPLOADS = FIXTURES / "uploads"
PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


def verdicts(db: Path) -> dict[str, object]:
    """Everything that a fast scan says, but for ids, which are each reference set's own, whose word it is, and what details
    prove: these and local features stay at home."""
    results = run_command("scan", UPLOADS, "--profile", "fast", "--format", "jsonl", db=db).lines
    for result in results:
        for match in result["matches"]:
            del match["reference"]["id"], match["reference"]["pending"], match["details"]
            for source in match["reference"]["sources"]:
                del source["owner"], source["author"]
    return {result["path"]: result for result in results}


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_import_of_an_export_gives_the_same_scan_results(run: Run, own_copy: Path, tmp_path: Path, form: str) -> None:
    upload = run("scan", UPLOADS / "soft.jpg", "--format", "jsonl").lines[0]
    assert run("retract", str(upload["matches"][0]["reference"]["id"]), "--reason", "mistaken").code == 0
    target, other = tmp_path / "list", tmp_path / "other.db"
    every = "export", "--format", form, "--max-tlp", "red", "--include", "blocks"
    assert run(*every, "-o", target).code == 0
    assert run("import", target, db=other).code == 0
    assert verdicts(other) == verdicts(own_copy)
    assert verdicts(other)[str(UPLOADS / "soft.jpg")]["status"] == "clean"  # type: ignore[index]
    again = run("import", target, db=other)
    assert again.code == 0
    assert "new" not in again.err


def test_names_cases_and_people_stay_at_home(run: Run, own_copy: Path, tmp_path: Path) -> None:
    for form in ("jsonl", "csv", "pdq", "md5sum", "sha256sum"):
        ran = run("export", "--format", form, "--max-tlp", "red")
        for secret in ("fixtures", ".jpg", "C-1", "first seizure", "root"):
            assert secret not in ran.out, form
    told = run("export", "--max-tlp", "red", "--include", "paths,case,operator,note").out
    for wanted in ("منظر-جبلي.jpg", "C-1", "first seizure", "operator"):
        assert wanted in told
    assert run("export", "--include", "everything").code == 2


def test_a_format_that_is_only_read_is_refused_with_those_that_are_written(indexed: Path, tmp_path: Path) -> None:
    for name in ("tat", "lotus"):
        ran = run_command("export", "--format", name, "-o", tmp_path / "list", db=indexed)
        assert ran.code == 2
        assert f"'{name}' is not one of 'jsonl', 'csv'" in ran.err and "'stopncii'" not in ran.err
    assert not (tmp_path / "list").exists()


def test_export_loads_the_format_that_it_writes_and_no_other(indexed: Path, tmp_path: Path) -> None:
    arguments = ["--db", str(indexed), "export", "--format", "pdq", "-o", str(tmp_path / "list")]
    code = f"import sys; from hashmatch.cli import run; run({arguments}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [name for name in done.stderr.split() if name.startswith("hashmatch.exchange.formats.")]
    assert loaded == ["hashmatch.exchange.formats.pdq"]


def test_nothing_above_the_mark_goes_out(indexed: Path) -> None:
    green = run_command("export", db=indexed)
    assert green.code == 1, "some were left out"
    assert "25 left out" in green.err
    items = green.lines[1:]
    assert {item["tlp"] for item in items} == {"clear"}
    amber = run_command("export", "--max-tlp", "amber", db=indexed)
    assert amber.code == 0
    assert len(amber.lines) == 1 + 25 + 2


def test_the_stricter_of_reference_and_collection_counts(run: Run) -> None:
    folder = FIXTURES / "archive" / "posters"
    assert run("index", folder, "--collection", "open", "--tlp", "clear").code == 0
    assert run("export").code == 0
    assert run("collections", "open", "--tlp", "red").code == 0
    ran = run("export", "--max-tlp", "amber")
    assert (ran.code, len(ran.lines)) == (1, 1)
    # What one source forbids is not let out because another source would allow it.
    assert run("index", folder, "--collection", "other", "--tlp", "clear").code == 0
    assert len(run("export", "--collection", "other").lines) == 1


def test_unmarked_ones_stay_at_home_unless_asked_for(run: Run) -> None:
    assert run("index", FIXTURES / "archive" / "posters").code == 0
    ran = run("export")
    assert (ran.code, len(ran.lines)) == (1, 1)
    assert "0 entries written" in ran.err
    assert "4 left out: without a TLP mark (--unmarked lets them out)" in ran.err
    quiet = run("--quiet", "export")
    assert (quiet.code, quiet.err) == (1, "")
    ran = run("export", "--unmarked")
    assert (ran.code, len(ran.lines)) == (0, 5)
    assert "4 of the entries written carry no TLP mark" in ran.err


def test_selection(run: Run, own_copy: Path) -> None:
    assert run("label", "3", "--add", "picked").code == 0
    assert len(run("export", "--max-tlp", "red", "--label", "picked").lines) == 2
    assert len(run("export", "--max-tlp", "red", "--collection", "news").lines) == 3
    assert len(run("export", "--max-tlp", "red", "--since", "2999-01-01").lines) == 1
    assert len(run("export", "--max-tlp", "red", "--since", "2001-01-01T10:00").lines) == 28
    assert run("export", "--collection", "none").code == 2
    assert run("export", "--since", "yesterday").code == 2


def test_a_number_that_does_not_travel_is_told_of(run: Run, own_copy: Path, tmp_path: Path) -> None:
    for form, travels in (("jsonl", True), ("csv", False), ("pdq", False)):
        err = run("export", "--format", form, "--list", f"own {form}", "-o", tmp_path / form).err
        assert (f"{form} cannot carry the list's name and number" in err) != travels
    assert "name and number" not in run("export", "--format", "csv", "-o", tmp_path / "unnamed").err


def test_two_partners_who_name_no_collection_do_not_speak_for_one_another(run: Run, db: Path, tmp_path: Path) -> None:
    head = '{"format":"hashmatch-list","version":2,"created":"2026-11-21T19:00:00Z"}\n'
    md5 = "ab" * 16
    (tmp_path / "x").write_text(
        head
        + f'{{"md5":"{md5}","source":"X","changed":"2026-01-01T00:00:00Z","opinions":[{{"opinion":"confirmed"}}]}}\n'
    )
    (tmp_path / "y").write_text(
        head + f'{{"md5":"{md5}","source":"Y","changed":"2026-02-01T00:00:00Z","retracted":"2026-02-01T00:00:00Z"}}\n'
    )
    assert run("import", tmp_path / "x", tmp_path / "y").code == 0
    (shown,) = run("show", "1", "--format", "json").json
    told = {each["collection"]: (each["opinion"], each["retracted"] is not None) for each in shown["sources"]}
    assert told == {"X": ("confirmed", False), "Y": ("disputed", True)}
    assert shown["live"]


def test_csv_is_a_table_of_hashes(indexed: Path) -> None:
    ran = run_command("export", "--format", "csv", "--max-tlp", "red", db=indexed)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert {row["list_version"] for row in rows} == {"2"}
    film = [row for row in rows if row["kind"] == "video"]
    assert all(float(row["time"]) >= 0 and row["algorithm"] == "pdq" and len(row["hash"]) == 64 for row in film)


def test_plain_pdq_list_has_one_hash_a_line(indexed: Path) -> None:
    ran = run_command("export", "--format", "pdq", "--max-tlp", "red", db=indexed)
    assert ran.code == 1, "what is on the allow list must not look like propaganda to who gets the list"
    assert all(len(line) == 64 and set(line) <= set("0123456789abcdef") for line in ran.out.splitlines())


def test_export_without_a_database(run: Run, db: Path) -> None:
    ran = run("export")
    assert (ran.code, ran.out) == (2, "")
    assert not db.exists()


def test_bad_lines_are_named_and_the_rest_is_imported(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "partner.txt"
    listed.write_text(f"{PDQ}\nnot a hash\n{PDQ[:-1]}\n{PDQ.upper()[:-1]}0,evil.jpg\n", encoding="utf-8")
    ran = run("import", listed, "--format", "pdq", "--collection", "partner", "--tlp", "amber")
    assert ran.code == 1
    assert "partner.txt:2:" in ran.err
    assert "partner.txt:3:" in ran.err
    assert len(run("list", "--collection", "partner").out.splitlines()) == 2
    strict = run("import", listed, "--format", "pdq", "--strict", db=tmp_path / "strict.db")
    assert strict.code == 2
    assert run("list", db=tmp_path / "strict.db").out == ""


def test_dry_run_of_import(run: Run, db: Path, tmp_path: Path) -> None:
    listed = tmp_path / "partner.txt"
    listed.write_text(PDQ + "\n", encoding="utf-8")
    ran = run("import", listed, "--format", "pdq", "--dry-run")
    assert ran.code == 0
    assert "1 new" in ran.err
    assert not db.exists()


def test_an_md5_list_matches_equal_bytes(run: Run, tmp_path: Path) -> None:
    upload = UPLOADS / "clean" / "aquarium.jpg"
    digest = run("hash", upload, "--format", "json").json[0]
    listed = tmp_path / "known.md5"
    listed.write_text(f"{digest['md5'].upper()}  somewhere/x.jpg\n", encoding="utf-8")
    assert run("import", listed).code == 0
    result = run("scan", UPLOADS / "clean", "--format", "jsonl", "--min-tier", "exact")
    assert result.code == 1
    hits = [line for line in result.lines if line["status"] == "match"]
    assert [Path(hit["path"]).name for hit in hits] == ["aquarium.jpg"]
    assert hits[0]["matches"][0]["algorithm"] == "md5"


def test_allow_list_from_a_partner(run: Run, own_copy: Path, tmp_path: Path) -> None:
    upload = UPLOADS / "small.jpg"
    assert run("scan", upload).code == 1
    line = run("hash", upload, "--format", "pdq").out.split(",")[0]
    listed = tmp_path / "fine.txt"
    listed.write_text(line + "\n", encoding="utf-8")
    assert run("import", listed, "--format", "pdq", "--allow", "--collection", "documentation").code == 0
    result = run("scan", upload, "--format", "jsonl")
    assert (result.code, result.lines[0]["status"]) == (0, "allowed")


def test_a_retraction_in_a_list_is_taken_as_one(run: Run, own_copy: Path, tmp_path: Path) -> None:
    upload = UPLOADS / "soft.jpg"
    reference = run("scan", upload, "--format", "jsonl").lines[0]["matches"][0]["reference"]
    item = {
        "kind": "image",
        "sha256": reference["sha256"],
        "collection": "archive",
        "retracted": "2026-10-01T00:00:00Z",
    }
    listed = tmp_path / "retracted.jsonl"
    listed.write_text(
        json.dumps({"format": "hashmatch-list", "version": 1}) + "\n" + json.dumps(item), encoding="utf-8"
    )
    # No list has a say in what was indexed here, whatever it calls its collection, but its word is shown …
    for options in ((), ("--collection", "partner"), ("--collection", "archive")):
        disputed = run("import", listed, *options)
        assert (disputed.code, run("scan", upload).code) == (0, 1)
        assert ("1 disputed" in disputed.err) == (options != ("--collection", "archive")), "the third repeats the first"
    (match,) = run("scan", upload, "--format", "jsonl").lines[0]["matches"]
    assert [(each["collection"], each["owner"], each["opinion"]) for each in match["reference"]["sources"]] == [
        ("archive", "", "malicious"),
        ("archive", "unsigned", "disputed"),
        ("partner", "unsigned", "disputed"),
    ]
    # … unless a person agrees.
    assert run("retract", str(reference["id"]), "--reason", "seen").code == 0
    assert run("scan", upload).code == 0
    assert run("list", "--retracted").out.count("\n") == 1


def test_a_list_that_cannot_be_told_or_read(run: Run, tmp_path: Path) -> None:
    strange = tmp_path / "strange.bin"
    strange.write_bytes(b"\x00\x01\x02" * 100)
    ran = run("import", strange)
    assert ran.code == 2
    assert "--format" in ran.err
    assert run("import", tmp_path / "missing.jsonl").code == 2
    newer = tmp_path / "newer.jsonl"
    newer.write_text('{"format": "hashmatch-list", "version": 99}\n', encoding="utf-8")
    ran = run("import", newer)
    assert ran.code == 2
    assert "version 99" in ran.err


def test_import_tells_what_was_there_before(indexed: Path, tmp_path: Path, run: Run) -> None:
    """A partner's list has the same picture under another digest, and one that is new."""
    shown = run("hash", UPLOADS / "small.jpg", "--format", "pdq").out.split(",")[0]
    path = tmp_path / "list"
    path.write_text(f"{shown}\n{'0f' * 32}\n")
    ran = run("--verbose", "import", path, "--format", "pdq", "--dry-run", db=indexed)
    assert ran.code == 0, ran.err
    assert "2 new, 1 of them the same picture or film as an older reference" in ran.err
    assert re.search(r"reference \d+ shows the same as reference \d+ \(PDQ distance 16\)", ran.err)

"""The commands that look at files and references, and those that curate, from outside."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import Run, run_command
from tests.support.repository import FIXTURES

ARCHIVE, UPLOADS = FIXTURES / "archive", FIXTURES / "uploads"
HASH_KEYS = [
    "path",
    "kind",
    "size",
    "md5",
    "sha1",
    "sha256",
    "width",
    "height",
    "duration",
    "partial",
    "hashes",
    "decoder",
]


def test_hash_json_has_the_promised_names(run: Run, db: Path) -> None:
    ran = run(
        "hash", UPLOADS / "small.jpg", UPLOADS / "films" / "clip.webm", "--hash", "pdq,phash,dhash", "--format", "json"
    )
    assert ran.code == 0
    image, film = ran.json
    assert list(image) == [*HASH_KEYS, "error", "unexamined", "parts"]
    assert (image["kind"], image["width"], image["height"], image["duration"]) == ("image", 288, 192, None)
    whole = [each["algorithm"] for each in image["hashes"] if each["view"] == "full"]
    assert whole == ["pdq", "blocks", "phash", "dhash"]
    assert image["hashes"][0].keys() == {"algorithm", "hash", "quality", "time", "view"}
    assert "luma" in image["decoder"]
    assert film["kind"] == "video"
    assert film["duration"] == pytest.approx(5, abs=0.5)
    assert [each["time"] for each in film["hashes"]][:3] == pytest.approx([0, 0, 0])
    assert not db.exists(), "no database is needed, nor made"


def test_hash_says_which_path_was_used(run: Run, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    Image.open(UPLOADS / "small.jpg").resize((2400, 1600), Image.Resampling.BICUBIC).save(large)
    fast = run("hash", large, "--format", "json").json[0]
    exact = run("hash", large, "--exact", "--format", "json").json[0]
    assert (fast["decoder"], exact["decoder"]) == ("pillow jpeg luma 1/2", "pillow jpeg exact")
    assert (fast["width"], exact["width"]) == (2400, 2400)
    one, other = (int(each["hashes"][0]["hash"], 16) for each in (fast, exact))
    assert (one ^ other).bit_count() <= 4


def test_hash_pdq_lines(run: Run) -> None:
    ran = run("hash", UPLOADS / "small.jpg", UPLOADS / "soft.jpg", "--format", "pdq")
    lines = [line.split(",") for line in ran.out.splitlines()]
    assert [line[2] for line in lines] == [str(UPLOADS / "small.jpg"), str(UPLOADS / "soft.jpg")]
    assert all(len(line[0]) == 64 and line[1] == "100" for line in lines)


def test_hash_of_what_cannot_be_hashed(run: Run) -> None:
    ran = run("hash", UPLOADS / "small.jpg", UPLOADS / "notes.txt", "/no/such/file", "--format", "json")
    assert ran.code == 1
    assert [each["error"] and each["error"]["code"] for each in ran.json] == [None, None, "not-found"]
    assert run("hash", UPLOADS / "notes.txt").code == 2


def test_compare(run: Run) -> None:
    near = run("compare", UPLOADS / "small.jpg", ARCHIVE / "towns" / "night-city.heic", "--format", "json").json
    assert (near["tier"], near["transform"], near["same_bytes"]) == ("near", "none", False)
    assert {each["algorithm"] for each in near["distances"]} == {"pdq", "phash", "dhash"}
    same = run("compare", UPLOADS / "small.jpg", UPLOADS / "small.jpg")
    assert "exact" in same.out
    other = run("compare", UPLOADS / "small.jpg", UPLOADS / "soft.jpg", "--format", "json").json
    assert other["tier"] is None
    clip = run("compare", UPLOADS / "films" / "clip.webm", ARCHIVE / "films" / "journey.mp4")
    assert "of A, " in clip.out and " of B" in clip.out
    assert run("compare", UPLOADS / "notes.txt", UPLOADS / "soft.jpg").code == 2


def test_show_by_id_digest_and_path(indexed: Path) -> None:
    by_id = run_command("show", "3", "--format", "json", db=indexed).json[0]
    by_digest = run_command("show", by_id["sha256"][:10], "--format", "json", db=indexed).json[0]
    by_path = run_command("show", by_id["locations"][0]["path"], "--format", "json", db=indexed).json[0]
    assert by_id == by_digest == by_path
    assert by_id["sha256"] in run_command("show", "3", db=indexed).out
    for wrong in ("999", "ffffffffff", "no such file"):
        assert run_command("show", wrong, db=indexed).code == 2


def test_list(indexed: Path) -> None:
    assert len(run_command("list", db=indexed).out.splitlines()) == 27
    assert len(run_command("list", "--collection", "news", db=indexed).out.splitlines()) == 2
    assert len(run_command("list", "--allowed", "--format", "jsonl", db=indexed).lines) == 2
    assert run_command("list", "--retracted", db=indexed).out == ""
    assert run_command("list", "--collection", "none", db=indexed).code == 2


def test_labels(run: Run, own_copy: Path) -> None:
    assert run("label", "1", "2", "--add", "عربي", "--add", "b", "--remove", "known").code == 0
    assert run("show", "1", "--format", "json").json[0]["labels"] == ["b", "عربي"]
    assert len(run("list", "--label", "عربي").out.splitlines()) == 2
    assert run("label", "1").code == 2
    assert run("label", "1", "999", "--add", "c").code == 2
    assert run("show", "1", "--format", "json").json[0]["labels"] == ["b", "عربي"], "a wrong name changes nothing"


def test_collections(run: Run, own_copy: Path) -> None:
    assert run("collections", "archive", "--note", "seized in May").code == 0
    listed = {each["name"]: each for each in run("collections", "--format", "json").json}
    assert listed.keys() == {"archive", "news"}
    assert listed["archive"]["note"] == "seized in May"
    assert (listed["archive"]["references"], listed["archive"]["tlp"]) == (25, "amber")
    assert "archive" in run("collections").out
    assert run("collections", "none", "--note", "x").code == 2


def test_allow_and_back(run: Run, own_copy: Path) -> None:
    upload = UPLOADS / "small.jpg"
    reference = str(run("scan", upload, "--format", "jsonl").lines[0]["matches"][0]["reference"]["id"])
    assert run("allow", reference).code == 0
    assert run("scan", upload).code == 0
    assert run("allow", reference, "--off").code == 0
    assert run("scan", upload).code == 1


def test_every_change_is_in_the_audit_trail(run: Run, own_copy: Path) -> None:
    before = len(run("log", "--format", "jsonl").lines)
    for arguments in (
        ["label", "1", "--add", "x"],
        ["retract", "1", "--reason", "why"],
        ["restore", "1"],
        ["allow", "1"],
        ["allow", "1", "--off"],
        ["collections", "news", "--tlp", "green"],
        ["export", "--max-tlp", "red"],
        ["index", UPLOADS / "clean" / "aquarium.jpg"],
    ):
        assert run(*arguments).code == 0, arguments
    entries = run("log", "--format", "jsonl").lines
    actions = [entry["action"] for entry in entries[before:]]
    curated = ["label", "retract", "restore", "allow", "disallow", "collection", "export"]
    assert actions == [*curated, "isolation", "collection", "add"]
    assert all(entry["operator"] and entry["at"].endswith("Z") and entry["version"] for entry in entries)
    for one, next_one in itertools.pairwise(entries):
        assert next_one["previous"] == one["digest"]
    assert len(run("log", "--last", "2").out.splitlines()) == 2
    assert run("verify").code == 0


def test_verify_finds_a_changed_entry(run: Run, own_copy: Path) -> None:
    with sqlite3.connect(own_copy) as connection:
        connection.execute("DROP TRIGGER audit_is_append_only_update")
        connection.execute("UPDATE audit SET operator = 'somebody else' WHERE id = 5")
    connection.close()
    ran = run("verify", "--format", "json")
    assert ran.code == 1
    assert any("5" in line for line in ran.json["damage"])
    assert run("verify", db=own_copy.with_name("none.db")).code == 2


def test_info(indexed: Path, db: Path) -> None:
    about = run_command("info", "--format", "json", db=indexed).json
    assert about["database"]["references"] == 27
    assert about["hashes"].keys() == {"pdq", "phash", "dhash"}
    assert about["models"].keys() == {"sscd", "sscd-small"}
    assert "level" in about["isolation"]
    assert "Pillow" in about["decoders"]
    assert run_command("info", db=db).code == 0, "without a database, too"
    assert not db.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    ran = run("completion", shell)
    assert ran.code == 0
    assert "_HASHMATCH_COMPLETE" in ran.out


def test_default_database_and_environment(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    assert run_command("index", ARCHIVE / "posters", **home).code == 0
    assert (tmp_path / "data" / "hashmatch" / "reference.db").exists()
    other = tmp_path / "other.db"
    assert run_command("index", ARCHIVE / "posters", HASHMATCH_DB=str(other), **home).code == 0
    assert other.exists()


@pytest.mark.parametrize(
    "arguments", [[], ["-h"], ["--help"], ["scan", "-h"], ["--version"], ["--lang", "ar", "--help"]]
)
def test_help(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == (0 if arguments else 2)
    assert "hashmatch" in ran.out + ran.err


def test_one_jpeg_needs_no_heavy_library(indexed: Path) -> None:
    """What a command imports decides how soon it answers."""
    import subprocess
    import sys

    from tests.support.command_line import environment

    script = (
        "import sys, os\nfrom hashmatch.cli import run\ncode = run(sys.argv[1:])\n"
        "heavy = {'cv2', 'av', 'scipy', 'sqlite_utils', 'imagehash', 'pillow_heif', 'rich'} & sys.modules.keys()\n"
        "print(json.dumps(sorted(heavy)) if (json := __import__('json')) else '', file=sys.stderr)\n"
    )
    for arguments in (["hash"], ["--db", str(indexed), "scan", "--format", "jsonl"], ["--help"]):
        upload = [] if arguments == ["--help"] else [str(UPLOADS / "small.jpg")]
        command = [sys.executable, "-c", script, *arguments, *upload]
        done = subprocess.run(command, capture_output=True, env=environment(), check=True)
        assert json.loads(done.stderr.splitlines()[-1]) == [], arguments


def test_python_interface(tmp_path: Path) -> None:
    import hashmatch

    fingerprint = hashmatch.hash_file(UPLOADS / "small.jpg")
    assert hashmatch.hash_bytes((UPLOADS / "small.jpg").read_bytes()).hashes == fingerprint.hashes
    folder = tmp_path / "in"
    shutil.copytree(ARCHIVE / "posters", folder)
    with hashmatch.ReferenceSet(tmp_path / "reference.db") as known:
        assert sum(each.status == "indexed" for each in known.index([folder], labels=["poster"])) == 4
        results = list(known.scan([folder]))
        assert {result.tier for result in results} == {"exact"}
        assert known.export(io.BytesIO()).left_out_unmarked == 4
        with (tmp_path / "list.jsonl").open("wb") as out:
            assert known.export(out, unmarked=True).written == 4
    with hashmatch.ReferenceSet(tmp_path / "other.db") as other:
        report, bad = other.import_(tmp_path / "list.jsonl")
        assert (report.added, bad) == (4, [])

"""Adding a hasher is one file and one line: those of docs/adding-a-hasher.md, in a copy of the package.

The real commands then find copies by it, in processes and workers of their own.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Ran, run_command
from tests.support.drawn_pictures import animation
from tests.support.photo_like_pictures import picture
from tests.support.repository import ROOT

LAST_LINE = '    "dhash": "hashmatch.hashers.dhash",\n'
SIZE = 320, 240


@dataclass(frozen=True)
class Contributor:
    """Somebody who has added a hasher, with some files of their own."""

    folder: Path

    def run(self, *arguments: str | Path, db: str = "reference.db") -> Ran:
        package = self.folder / "package"
        return run_command(*arguments, db=self.folder / db, cwd=self.folder, PYTHONPATH=str(package))

    def known(self, name: str) -> Path:
        return self.folder / "known" / name

    def upload(self, name: str) -> Path:
        return self.folder / "uploads" / name


@pytest.fixture(scope="module")
def contributor(tmp_path_factory: pytest.TempPathFactory) -> Contributor:
    """The package with the added hasher; files, and a reference set of those that are known."""
    folder = tmp_path_factory.mktemp("contributor")
    package = folder / "package" / "hashmatch"
    shutil.copytree(ROOT / "hashmatch", package, ignore=shutil.ignore_patterns("__pycache__"))
    guide = (ROOT / "docs" / "adding-a-hasher.md").read_text(encoding="utf-8")
    file, line = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (package / "hashers" / "ahash.py").write_text(file, encoding="utf-8")
    registry = package / "hashers" / "__init__.py"
    before = registry.read_text(encoding="utf-8")
    assert before.count(LAST_LINE) == 1
    registry.write_text(before.replace(LAST_LINE, LAST_LINE + line), encoding="utf-8")

    made = Contributor(folder)
    for each in ("known", "uploads"):
        (folder / each).mkdir()
    original = picture(1, SIZE)
    original.save(made.known("original.png"))
    picture(2, SIZE).save(made.known("other.png"))
    animation(made.known("film.webp"), range(10))
    original.resize((200, 150)).save(made.upload("copy.jpg"), quality=30)
    covered = original.copy()
    covered.paste((255, 255, 255), (160, 0, 240, 60))
    covered.save(made.upload("covered.png"))
    animation(made.upload("film.webp"), range(10), (160, 120))
    picture("unrelated", SIZE).save(made.upload("unrelated.png"))
    ran = made.run("index", "--hash", "ahash", "--workers", "2", folder / "known")
    assert (ran.code, ran.err.count("failed")) == (0, 1), ran.err
    return made


def found(ran: Ran) -> dict[str, list[tuple[Any, ...]]]:
    """What a scan found, by the file's name."""
    facts = ("tier", "algorithm", "distance", "reason")
    return {
        Path(result["path"]).name: [tuple(match[name] for name in facts) for match in result["matches"]]
        for result in ran.lines
    }


def check(results: dict[str, list[tuple[Any, ...]]]) -> None:
    """Each copy was found by the added hasher, in the tier that its thresholds say."""
    assert results["copy.jpg"] == [("near", "ahash", 0, "same-hash")]
    assert results["covered.png"] == [("possible", "ahash", 4, "resembles")]
    [(tier, algorithm, _distance, reason)] = results["film.webp"]
    assert (tier, algorithm, reason) == ("near", "ahash", "same-footage")
    assert results["unrelated.png"] == []


def test_it_is_hashed_and_named(contributor: Contributor) -> None:
    [told] = contributor.run("hash", "--hash", "ahash", "--format", "json", contributor.upload("copy.jpg")).json
    assert [(each["algorithm"], len(each["hash"]), each["quality"]) for each in told["hashes"]] == [("ahash", 16, None)]
    assert contributor.run("info", "--format", "json").json["hashes"]["ahash"] == "64 bits, version 1"
    assert "pdq, phash, dhash, ahash" in " ".join(contributor.run("index", "--help").out.split())
    assert contributor.run("verify").code == 0


@pytest.mark.parametrize("profile", ["fast", "thorough"])
def test_a_scan_finds_copies(contributor: Contributor, profile: str) -> None:
    ran = contributor.run("scan", "--format", "jsonl", "--profile", profile, contributor.folder / "uploads")
    assert ran.code == 1
    results = found(ran)
    if profile == "thorough":  # which may also find what is not covered, by local features
        results["covered.png"] = [each for each in results["covered.png"] if each[1] == "ahash"]
    check(results)


def test_a_report_shows_its_name_and_bits(contributor: Contributor) -> None:
    page = contributor.folder / "report.html"
    assert contributor.run("scan", "--format", "html", "-o", page, contributor.folder / "uploads").code == 1
    text = page.read_text(encoding="utf-8")
    assert "aHash distance 0 of 64 bits" in text and "aHash distance of at most 2" in text


def test_two_files_are_compared_by_it(contributor: Contributor) -> None:
    ran = contributor.run("compare", contributor.known("original.png"), contributor.upload("covered.png"))
    assert "ahash: distance 4 of 64 bits" in ran.out.splitlines()


@pytest.mark.parametrize("form", ["jsonl", "csv", "stix", "misp"])
def test_lists_carry_it_to_a_partner(contributor: Contributor, form: str) -> None:
    hashes, partner = contributor.folder / f"list of {form}", f"partner of {form}.db"
    assert contributor.run("export", "--unmarked", "--format", form, "-o", hashes).code == 0
    imported = contributor.run("import", "--collection", "theirs", hashes, db=partner)
    assert (imported.code, "does not know" in imported.err) == (0, False), imported.err
    check(found(contributor.run("scan", "--format", "jsonl", contributor.folder / "uploads", db=partner)))


def test_a_list_with_too_many_digits_is_refused(contributor: Contributor) -> None:
    entry = {"list_version": 2, "kind": "image", "hashes": [{"algorithm": "ahash", "hash": "0" * 18}]}
    wrong = contributor.folder / "wrong.jsonl"
    wrong.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    ran = contributor.run("import", "--collection", "wrong", "--dry-run", wrong)
    assert (ran.code, "a ahash hash must have 16 hexadecimal digits" in ran.err) == (1, True), ran.err


def test_an_evaluation_measures_it(contributor: Contributor) -> None:
    few = ("--edits", "jpeg-75", "--edits", "resize-50", "--templates", "0", "--format", "json")
    ran = contributor.run("evaluate", "--hash", "ahash", "--profile", "fast", *few, contributor.folder / "known")
    assert ran.json["hashes"] == ["ahash"]
    assert [(each["recall"]["copies"], each["recall"]["near"]) for each in ran.json["edits"]] == [(2, 2), (2, 2)]
    assert {name for each in ran.json["edits"] for name in each["found_by"]} == {"ahash, none"}

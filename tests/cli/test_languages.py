"""What was found in one language is told in another: nothing that is kept is a sentence of ours."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Run
from tests.support.repository import FIXTURES

ARABIC = re.compile("[\u0600-\u06ff]")
#: The only keys under which JSON has a finished sentence.
SENTENCES = {"message", "error_message"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture, one that is cut off, one that is none, an empty one, and a text with a picture's name."""
    made = tmp_path / "files"
    made.mkdir()
    shutil.copy(next((FIXTURES / "archive").rglob("*.jpg")), made / "whole.jpg")
    shutil.copy(FIXTURES / "uploads" / "broken" / "truncated.jpg", made / "cut.jpg")
    (made / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (made / "empty.jpg").touch()
    (made / "text.jpg").write_text("text")
    return made


def sentences(value: Any) -> Iterator[str]:
    """The finished sentences in JSON; checks that there is no Arabic elsewhere."""
    match value:
        case dict():
            for key, inner in value.items():
                if key in SENTENCES and isinstance(inner, str):
                    yield inner
                else:
                    yield from sentences(inner)
        case list():
            for inner in value:
                yield from sentences(inner)
        case str():
            assert not ARABIC.search(value), value


def are_in(language: str, found: list[str]) -> bool:
    return bool(found) and all((ARABIC.search(each) is not None) == (language == "ar") for each in found)


@pytest.mark.parametrize(("first", "second"), [("ar", "en"), ("en", "ar")])
class TestReadInAnotherLanguage:
    def test_a_database(self, run: Run, folder: Path, first: str, second: str) -> None:
        indexed = run("--lang", first, "index", folder, "--format", "json")
        assert indexed.code == 1 and len(indexed.json["failures"]) == 2 and len(indexed.json["warnings"]) == 2
        assert are_in(first, list(sentences(indexed.json)))
        listed = run("--lang", second, "list", "--format", "jsonl").lines
        scanned = run("--lang", second, "scan", folder, "--format", "json").json
        again = run("--lang", second, "index", folder, "--format", "json").json
        for found in (listed, scanned, again):
            assert are_in(second, list(sentences(found)))
        before, after = ({each["path"]: each["detail"] for each in some["failures"]} for some in (indexed.json, again))
        assert before == after
        broken = folder / "broken.jpg"
        shown = run("--lang", second, "show", broken)
        (line,) = (line for line in shown.out.splitlines() if "corrupt: " in line)
        assert are_in(second, [line.partition("corrupt: ")[2]])

    @pytest.mark.parametrize("form", ["json", "jsonl"])
    def test_a_kept_scan(self, run: Run, folder: Path, tmp_path: Path, first: str, second: str, form: str) -> None:
        run("index", folder / "whole.jpg")
        kept = tmp_path / f"scan.{form}"
        assert run("--lang", first, "scan", folder, "--format", form, "-o", kept).code == 1
        report = tmp_path / "report.html"
        assert run("--lang", second, "report", kept, "-o", report).code == 0
        text = report.read_text("utf-8")
        told = {"en": "is empty", "ar": "فارغ"}
        assert told[second] in text and told[first] not in text

    def test_hashes(self, run: Run, folder: Path, first: str, second: str) -> None:
        details = []
        for language in (first, second):
            told = run("--lang", language, "hash", *sorted(folder.iterdir()), "--format", "json").json
            assert are_in(language, list(sentences(told)))
            details.append([each["error"] and each["error"]["detail"] for each in told])
        assert details[0] == details[1] and {"code": "empty", "parameters": {}} in details[0]


#: Runs commands one after the other in one process, which is many times as fast, and prints what each said.
SESSION = """
import contextlib, io, json, sys
from hashmatch import i18n
i18n.activate("ar")
from hashmatch.cli.main import cli
for command in json.loads(sys.argv[1]):
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = cli.main(command, standalone_mode=False)
    print(json.dumps([command, code, said.buffer.getvalue().decode()]), flush=True)
"""


def test_a_database_that_was_worked_with_in_arabic_has_no_arabic(folder: Path, tmp_path: Path, db: Path) -> None:
    """Every command that writes, the audit trail included."""
    listed, written, bare = (str(tmp_path / name) for name in ("list.md5", "out.jsonl", "out.pdq"))
    Path(listed).write_text("nonsense\n" + "00" * 16 + "  1\n" + "11" * 16 + "  2\n")
    commands = [
        ["index", str(folder), "--label", "x"],
        ["index", str(folder), "--allow", "--collection", "news"],
        ["import", listed, "--collection", "list"],
        ["collections", "list", "--tlp", "green", "--note", "n"],
        ["label", "1", "--add", "y"],
        ["scan", str(folder / "whole.jpg"), "--record"],
        ["retract", "1", "--reason", "r"],
        ["index", str(folder)],
        ["restore", "1"],
        ["allow", "1"],
        ["allow", "1", "--off"],
        ["lint", "--demote"],
        ["export", "-o", written, "--list", "l"],
        ["export", "--format", "pdq", "-o", bare],
    ]
    session = json.dumps([["--db", str(db), *command] for command in commands])
    done = subprocess.run([sys.executable, "-c", SESSION, session], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(commands)
    for command, code, said in told:
        assert code in (None, 0, 1) and ARABIC.search(said), (command, said)
    connection = sqlite3.connect(db)
    dump = "\n".join(connection.iterdump())
    connection.close()
    for table in ("audit", "reference", "membership", "import", "recorded_match", "published"):
        assert f'INSERT INTO "{table}"' in dump
    assert "cannot-be-decoded" in dump and "damaged-or-cut-off" in dump
    assert not ARABIC.search(dump), ARABIC.search(dump)
    for kept in (written, bare):
        assert not ARABIC.search(Path(kept).read_text("utf-8"))

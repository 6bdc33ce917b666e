"""What was found in one language is told in another: nothing that is kept is a sentence of ours."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hashmatch import i18n
from hashmatch.messages import Message
from tests.support.command_line import Run
from tests.support.repository import FIXTURES

ARABIC = re.compile("[\u0600-\u06ff]")
EMPTY: dict[str, Any] = {"code": "empty", "parameters": {}}


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


def expected(language: str, detail: dict[str, Any]) -> str:
    """A message in a language, or in English where that has no translation of it."""
    i18n.activate(language)
    try:
        return str(Message(detail["code"], tuple(sorted(detail["parameters"].items()))))
    finally:
        i18n.activate(None)


def check(language: str, value: Any) -> int:
    """Check that the sentences in JSON are in a language, and that there is no Arabic anywhere else. Returns how many."""
    match value:
        case {"message": str(sentence), "detail": dict(detail), **rest}:
            assert sentence.startswith(expected(language, detail))  # and perhaps "(tried before)"
            return 1 + check(language, rest)
        case {"error_message": str(sentence), "error_detail": dict(detail), **rest}:
            assert sentence == expected(language, detail)
            return 1 + check(language, rest)
        case dict():
            return check(language, list(value.values()))
        case list():
            return sum(check(language, each) for each in value)
        case str():
            assert not ARABIC.search(value), value
    return 0


def test_the_arabic_catalogue_has_some_of_them() -> None:
    """Or the tests below would prove nothing."""
    assert ARABIC.search(expected("ar", EMPTY)) and not ARABIC.search(expected("en", EMPTY))


@pytest.mark.parametrize(("first", "second"), [("ar", "en"), ("en", "ar")])
class TestReadInAnotherLanguage:
    def test_a_database(self, run: Run, folder: Path, first: str, second: str) -> None:
        indexed = run("--lang", first, "index", folder, "--format", "json")
        assert indexed.code == 1 and len(indexed.json["failures"]) == 3 and len(indexed.json["warnings"]) == 1
        assert check(first, indexed.json) == 4
        assert check(second, run("--lang", second, "list", "--format", "jsonl").lines) == 3
        assert check(second, run("--lang", second, "scan", folder, "--format", "json").json) == 4
        again = run("--lang", second, "index", folder, "--format", "json").json
        assert check(second, again) >= 3
        before, after = ({each["path"]: each["detail"] for each in some["failures"]} for some in (indexed.json, again))
        assert before == after
        broken = str(folder / "broken.jpg")
        assert f"corrupt: {expected(second, before[broken])}" in run("--lang", second, "show", broken).out

    @pytest.mark.parametrize("form", ["json", "jsonl"])
    def test_a_kept_scan(self, run: Run, folder: Path, tmp_path: Path, first: str, second: str, form: str) -> None:
        run("index", folder / "whole.jpg")
        kept = tmp_path / f"scan.{form}"
        assert run("--lang", first, "scan", folder, "--format", form, "-o", kept).code == 1
        report = tmp_path / "report.html"
        assert run("--lang", second, "report", kept, "-o", report).code == 0
        text = report.read_text("utf-8")
        assert expected(second, EMPTY) in text and expected(first, EMPTY) not in text

    def test_hashes(self, run: Run, folder: Path, first: str, second: str) -> None:
        details = []
        for language in (first, second):
            told = run("--lang", language, "hash", *sorted(folder.iterdir()), "--format", "json").json
            assert check(language, told) == 4
            details.append([each["error"] and each["error"]["detail"] for each in told])
        assert details[0] == details[1] and EMPTY in details[0]


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
        assert code in (None, 0, 1), (command, said)
    assert sum(ARABIC.search(said) is not None for _command, _code, said in told) > 3
    connection = sqlite3.connect(db)
    dump = "\n".join(connection.iterdump())
    connection.close()
    for table in ("audit", "reference", "membership", "import", "recorded_match", "published"):
        assert f'INSERT INTO "{table}"' in dump
    assert "cannot-be-decoded" in dump and "damaged-or-cut-off" in dump
    assert not ARABIC.search(dump), ARABIC.search(dump)
    for kept in (written, bare):
        assert not ARABIC.search(Path(kept).read_text("utf-8"))

"""Whatever is typed, or comes from a script with a mistake in it: an exit code of the interface, and never a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hashmatch import cli, i18n
from hashmatch.cli.main import COMMANDS

CODES = {0, 1, 2, 130}

#: Without a slash, so that nothing is read or written outside of the folder that the test runs in.
WORDS = (
    "a.jpg folder list.csv reference.db other.db gone - -- . 1 0 -1 99999999999999999999 deadbeef * [ nan 1e999 %s {0} صورة",
    "pdq jsonl csv md5sum json table tlp green amber+strict near exact ar 2020-01-01 5a5a5a5a",
    "-h -v -q -o -0 --db --lang --collection --label --format --radius --tlp --hash --since --include --max-tlp --exclude",
    "--workers --timeout --dry-run --allow --strict --min-tier --head --add --remove --off --reason --exact --files-from",
)
ODD = ["", " ", "\u202egpj", "\x1b[31m", "\udcff"]

words = st.sampled_from([*" ".join(WORDS).split(), *ODD]) | st.text(st.characters(exclude_characters="/\0"), max_size=8)

#: What works, to be damaged, so that chance gets past the parser.
GOOD = """
    index folder a.jpg --label x --tlp green
    index folder --dry-run --format json
    scan folder a.jpg --format jsonl
    scan a.jpg --radius 5 --format csv
    scan --files-from list.csv
    export --format pdq
    export --max-tlp red --since 2020-01-01 -o out
    import list.csv --collection c
    import list.csv --format csv --dry-run --strict
    hash a.jpg --format json
    compare a.jpg a.jpg
    show 1
    list --format json
    collections
    label 1 --add x
    retract 1 --reason y
    restore 1
    allow 1
    info
    verify
    log
    keys --format json
    keys make x
    keys add y RWQclDLq8VoWEoZhimOvG11B4lFdq/RyMuTl0PbE+V4yTm/A/SCv02If
    keys show x
    keys remove x --with-secret
"""


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    if draw(st.integers(0, 3)) == 0:
        return [
            *draw(st.lists(words, max_size=2)),
            draw(st.sampled_from([*COMMANDS])),
            *draw(st.lists(words, max_size=6)),
        ]
    line = draw(st.sampled_from(GOOD.strip().splitlines())).split()
    for _change in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(line)))
        line[place : place + draw(st.integers(0, 1))] = draw(st.lists(words, max_size=2))
    return line


@pytest.fixture
def place(tmp_path: Path, fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a picture, a list and two databases, of which one is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHMATCH_DB", "reference.db")
    monkeypatch.setenv("HASHMATCH_KEYS", "keys")
    (tmp_path / "folder").mkdir()
    picture = next((fixtures / "archive").rglob("*.jpg"))
    for copy in ("a.jpg", "folder/b.jpg"):
        (tmp_path / copy).write_bytes(picture.read_bytes())
    (tmp_path / "list.csv").write_text(
        "kind,sha256,algorithm,hash,quality\nimage,,pdq," + "5a" * 32 + ",100\nnonsense\n"
    )
    (tmp_path / "other.db").write_bytes(b"SQLite format 3\0" + b"no database" * 100)
    assert run("index", "a.jpg")[0] == 0
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        yield tmp_path
    i18n.activate("en")


def run(*arguments: str) -> tuple[int, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _stream in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(arguments)
    return code, err.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(arguments=command_lines())
@example(arguments=["--db", "other.db", "verify"])
@example(arguments=["--db", "folder", "info"])
@example(arguments=["export", "-o", "folder"])
@example(arguments=["import", "a.jpg"])
@example(arguments=["export", "--since", "\udcff"])
@example(arguments=["scan", "--files-from", "-"])
def test_any_words(place: Path, arguments: list[str]) -> None:
    assert os.fspath(place) == os.getcwd()
    code, told = run(*arguments)
    assert code in CODES, (arguments, told)
    assert "Traceback" not in told
    if code == 2:
        assert told.strip(), "and no failure without a word"

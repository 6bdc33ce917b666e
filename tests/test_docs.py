"""The documentation is true: generated pages are fresh, examples run and print what they show, links lead somewhere."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from docs.make_cli_reference import TARGET, reference
from hashmatch.exchange import EXTRAS
from hashmatch.exchange.formats import jsonl
from hashmatch.hashers import GUARD
from hashmatch.records import Hash, ListItem, Opinion
from tests.support.command_line import write_hashmatch
from tests.support.repository import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])
#: Pages whose examples are run, each with the number of commands that it shows at least.
EXAMPLES = {
    "README.md": 9,
    "README.ar.md": 9,
    "docs/guides/analyst.md": 15,
    "docs/guides/platform.md": 10,
    "docs/guides/partner.md": 24,
}
#: Lines and bytes. Whoever opens the README should not have to scroll for long, nor to wait for its picture.
LONGEST_README, LARGEST_PICTURE = 180, 300_000


def test_cli_reference_is_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path = page.parent / target if target else page
        assert path.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in _anchors(path), f"{page.name} links to {target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    """The names by which a page's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=~!\[]", requirement)[0]
        assert re.search(rf"\[{re.escape(name)}\]\(http", reasons), name


def test_no_path_of_somebody_s_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(home|root|work|Users)/", page.read_text(encoding="utf-8")), page


@pytest.mark.parametrize("name", ["README.md", "README.ar.md"])
def test_readme_is_short(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_README


def test_pictures_are_small() -> None:
    pictures = [path for path in (ROOT / "docs" / "images").iterdir() if path.is_file()]
    assert pictures
    for path in pictures:
        assert path.stat().st_size <= LARGEST_PICTURE, path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tables_render(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"^\|.*(?:\n\|.*)*", text, re.MULTILINE):
        rows = table.split("\n")
        assert len(rows) > 1 and re.fullmatch(r"\|(\s*:?-+:?\s*\|)+\s*", rows[1]), f"no heading: {rows[0]}"
        cells = {row: len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        for row, number in cells.items():
            assert number == cells[rows[0]], f"has not as many cells as the heading: {row}"


def _variables(path: Path) -> set[str]:
    """The environment variables that a module names: all that are ours, and of others in a module that reads any."""
    text = path.read_text(encoding="utf-8")
    ours = set(re.findall(r"\b_?HASHMATCH_[A-Z]+[A-Z_]*\b", text))
    if not re.search(r"\benviron(ment)?\b", text):
        return ours
    constants = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    named = {each for each in constants if isinstance(each, str) and re.fullmatch(r"[A-Z][A-Z_]{3,}", each)}
    return ours | named


def test_every_environment_variable_is_explained() -> None:
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    package, tests = (
        set().union(*(_variables(path) for path in (ROOT / folder).rglob("*.py"))) for folder in ("hashmatch", "tests")
    )
    explained = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (.*?) \|", page, re.MULTILINE))))
    used = package | {each for each in tests if re.match(r"HASHMATCH_[A-Z]", each)}
    assert {"HASHMATCH_DB", "LANGUAGE", "NO_COLOR", "HASHMATCH_EXAMPLES"} <= used
    assert used - explained == set(), "say in docs/environment.md what these do"
    of_the_system = {"TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}  # read by Python's own library
    assert explained - used - of_the_system == set(), "nothing reads these any more"


def _section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_all_that_a_list_carries_is_told() -> None:
    moment, one = "2026-11-21T19:00:00Z", "x"
    said = Opinion("confirmed", one, "2026-11-21T19:00:00.000001Z", one, one)
    facts: dict[str, Any] = dict.fromkeys(("author", "collection", "source", "retraction_reason"), one)
    facts |= dict.fromkeys(("case", "operator", "note"), one)
    facts |= dict.fromkeys(("added", "retracted", "changed", "expires"), moment)
    facts |= {
        "md5": "0" * 32,
        "sha1": "0" * 40,
        "sha256": "0" * 64,
        "size": 1,
        "duration": 1.0,
        "width": 1,
        "height": 1,
    }
    facts |= {"kind": "video", "allow": True, "tlp": "green", "labels": (one,), "paths": (b"x", b"\xff")}
    item = ListItem(**facts, hashes=(Hash("pdq", bytes(32), 1, 1.0, version=1),), opinions=(said,))
    unset = {each.name for each in fields(item) if getattr(item, each.name) == each.default}
    assert unset == {"record", "capitals"}, (
        "the others travel: a source's record is its own, and capitals are how we read"
    )
    out, everything = BytesIO(), BytesIO()
    jsonl.FORMAT.write(iter([item]), out)
    jsonl.FORMAT.write(iter([item]), everything, frozenset(EXTRAS))
    first, entry, whole = (
        json.loads(line) for line in (*out.getvalue().splitlines(), everything.getvalue().splitlines()[1])
    )
    table = _section("formats.md", "jsonl, version 2")
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE)
    told = {key: about for keys, about in rows for key in re.findall(r"`(\w+)`", keys)}
    assert told.keys() == whole.keys()
    assert {key for key, about in told.items() if not about.startswith("only with `--include`")} == entry.keys()
    for each in ("hashes", "opinions"):
        assert all(f'"{key}"' in told[each] for key in whole[each][0]), each
    assert all(f'"{key}"' in table for key in first)
    rows = re.findall(r"^\| ([^|]*)\| ([^|]*)\|", _section("lists.md", "What leaves, and what stays"), re.MULTILINE)
    only_if_asked = {name for _always, asked in rows[1:] for name in re.findall(r"`(\w+)`", asked)} - {"include"}
    assert only_if_asked == {*EXTRAS, GUARD}


def _console_examples(page: str) -> list[tuple[str, list[str]]]:
    """Commands that a page shows, each with the lines of output that it shows."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.slow
@pytest.mark.commands
@pytest.mark.parametrize("page", EXAMPLES)
def test_examples_run_and_print_what_is_shown(page: str, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    write_hashmatch(tmp_path / "hashmatch", fresh=page == "README.ar.md")  # which has other texts
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**os.environ, "HASHMATCH_DB": str(tmp_path / "reference.db"), "PATH": path, "PYTHONPATH": str(ROOT)}
    env["HASHMATCH_KEYS"] = str(tmp_path / "keys")
    examples = _console_examples(page)
    assert len(examples) >= EXAMPLES[page]
    for command, shown in examples:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=120
        )
        assert done.returncode in (0, 1), f"{command}\n{done.stderr}"
        missing = _not_printed(shown, (done.stdout + done.stderr).splitlines())
        assert missing is None, f"{command}\nno such line: {missing}\n{done.stdout}{done.stderr}"


def _not_printed(shown: list[str], printed: list[str]) -> str | None:
    """The first line that a page shows and the command did not print. `…` stands for anything; columns may be wider."""
    after = 0
    for line in shown:
        if not line.startswith(" "):  # of another file, and files come as they are done
            after = 0
        escaped = ".*".join(map(re.escape, line.split("…")))
        pattern = re.compile(re.sub(r"(\\ ){2,}", " {2,}", escaped))
        found = [number for number, each in enumerate(printed) if number >= after and pattern.fullmatch(each)]
        if not found:
            return line
        after = found[0] + 1
    return None


@pytest.mark.slow
@pytest.mark.commands
def test_python_examples_run(tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    text = (ROOT / "docs" / "guides" / "platform.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "near" in done.stdout

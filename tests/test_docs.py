"""The documentation is true: what is generated is fresh, what is shown as example runs, what is linked is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs.make_cli_reference import TARGET, reference
from tests.support.repository import ROOT

#: Each with the number of commands that it shows at least.
READMES = {"README.md": 12, "README.ar.md": 12}
PAGES = sorted([*(ROOT / name for name in READMES), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])


def test_cli_reference_is_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=~!\[]", requirement)[0]
        assert re.search(rf"\[{re.escape(name)}\]\(http", reasons), name


def test_no_path_of_somebody_s_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(home|root|work|Users)/", page.read_text(encoding="utf-8")), page


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


@pytest.mark.parametrize("page", READMES)
def test_readme_examples_run_and_print_what_is_shown(page: str, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / "hashmatch").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hashmatch "$@"\n', encoding="utf-8")
    (tmp_path / "hashmatch").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**os.environ, "HASHMATCH_DB": str(tmp_path / "reference.db"), "PATH": path, "PYTHONPATH": str(ROOT)}
    env["HASHMATCH_KEYS"] = str(tmp_path / "keys")
    examples = _console_examples(page)
    assert len(examples) >= READMES[page]
    for command, shown in examples:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=120
        )
        assert done.returncode in (0, 1), f"{command}\n{done.stderr}"
        printed = (done.stdout + done.stderr).splitlines()
        after = 0
        for line in shown:
            if not line.startswith(" "):  # of another file, and files come as they are done
                after = 0
            pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
            found = [number for number, each in enumerate(printed) if number >= after and pattern.fullmatch(each)]
            assert found, f"{command}\nno such line: {line}\n{done.stdout}"
            after = found[0] + 1


def test_readme_python_runs(tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "near" in done.stdout

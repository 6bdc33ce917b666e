"""Adding a list format is one module and one line: those of CONTRIBUTING.md, in a copy of the package.

The real commands then write and read such a list.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import Ran, run_command
from tests.support.repository import FIXTURES, ROOT

pytestmark = pytest.mark.slow

NAME = "sha1-sizes"
BEFORE = '    "tx-csv": "tx_csv",\n'


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package to which the format was added."""
    folder = tmp_path_factory.mktemp("contributor")
    exchange = folder / "hashmatch" / "exchange"
    shutil.copytree(ROOT / "hashmatch", folder / "hashmatch", ignore=shutil.ignore_patterns("__pycache__"))
    module, line = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    (exchange / "formats" / "sha1_sizes.py").write_text(module, encoding="utf-8")
    registry = exchange / "__init__.py"
    text = registry.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    registry.write_text(text.replace(BEFORE, line + BEFORE), encoding="utf-8")
    return folder


def test_a_list_of_the_new_format_goes_out_and_comes_in(package: Path, tmp_path: Path) -> None:
    def run(*arguments: str | Path, db: str) -> Ran:
        return run_command(*arguments, db=tmp_path / db, cwd=tmp_path, PYTHONPATH=str(package))

    assert run("index", FIXTURES / "archive", "--tlp", "green", db="one.db").code == 0
    exported = run("export", "--format", NAME, "-o", tmp_path / "list", db="one.db")
    assert exported.code == 0
    assert "carried: sha1 25, size 25" in exported.err and "not carried: added 25" in exported.err
    lines = (tmp_path / "list").read_text(encoding="ascii").splitlines()
    assert lines and all(re.fullmatch(r"[0-9a-f]{40};[0-9]+", line) for line in lines)

    with (tmp_path / "list").open("a", encoding="ascii") as file:
        file.write("nonsense;3\n")
    imported = run("import", tmp_path / "list", "--collection", "partner", db="two.db")
    assert imported.code == 1, "one line is refused"
    assert f"list:{len(lines) + 1}: sha1 is not hexadecimal" in imported.err
    known = {each["sha256"] or each["id"] for each in run("list", "--format", "jsonl", db="two.db").lines}
    assert len(known) == len(lines)


def test_its_help_names_the_new_format(package: Path, tmp_path: Path) -> None:
    for command in ("export", "import"):
        told = run_command(command, "--help", cwd=tmp_path, PYTHONPATH=str(package)).out
        assert NAME in re.sub(r"\s", "", told)

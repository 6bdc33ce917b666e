"""The package as others get it: what a wheel holds, and what a type checker sees of it."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

CALLER = """
import hashmatch

reveal_type(hashmatch.hash_file("a.jpg"))
reveal_type(hashmatch.hash_bytes(b"").hashes)
try:
    with hashmatch.ReferenceSet("a.db") as known:
        for indexed in known.index(["a"]):
            reveal_type(indexed.status)
        for result in known.scan(["b"], min_tier="near"):
            reveal_type(result.matches[0].video)
except hashmatch.MediaError as error:
    reveal_type(error.code)
except hashmatch.HashmatchError:
    tier: hashmatch.Tier = "certain"
hashmatch.hash_everything("a")
"""


def test_a_wheel_holds_the_whole_package_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    if done.returncode and re.search(
        r"No matching distribution found for hatchling|Could not find a version", done.stderr
    ):
        pytest.skip("needs hatchling, from PyPI or a mirror of it")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("hashmatch-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    package = (path for path in (ROOT / "hashmatch").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert held == {path.relative_to(ROOT).as_posix() for path in package}
    assert "hashmatch/py.typed" in held


def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    """As a package that is installed, which it takes for untyped unless py.typed is there."""
    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "caller.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280).stdout
    line_of = {int(line.split(":")[1]): line for line in said.splitlines() if line.startswith("caller.py:")}
    assert '"hashmatch.records.Fingerprint"' in line_of[4]
    assert "tuple[hashmatch.records.Hash" in line_of[5]
    assert "Literal['indexed']" in line_of[9]
    assert "hashmatch.matching.results.VideoEvidence | None" in line_of[11]
    assert '"str"' in line_of[13]
    assert "[assignment]" in line_of[15]
    assert "[attr-defined]" in line_of[16]

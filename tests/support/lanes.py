"""Which tests are slow, and of what kind. `make check` leaves all of them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import ROOT

TESTS = ROOT / "tests"

#: Folders and modules, each with the marker of its lane; pyproject.toml says what the lanes are.
LANES = {
    "browser": "browser",
    "cli": "commands",
    "cluster": "cluster",
    "exchange/test_fuzz.py": "fuzz",
    "faults": "faults",
    "faults/test_fuzz_command_line.py": "fuzz",
    "review": "commands",
}


def lanes_of(module: Path) -> Iterator[str]:
    """The lanes of a test module: its own, and those of the folders that it is in."""
    path = module.relative_to(TESTS)
    for each in (path, *path.parents):
        if lane := LANES.get(each.as_posix()):
            yield lane

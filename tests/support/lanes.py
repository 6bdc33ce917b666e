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
    "evaluate": "media",
    "exchange/test_fuzz.py": "fuzz",
    "exchange/test_hma.py": "commands",
    "faults": "faults",
    "faults/test_fuzz_command_line.py": "fuzz",
    "fingerprints/test_film.py": "media",
    "fingerprints/test_one_file.py": "media",
    "hashers/test_adding_a_hasher.py": "media",
    "isolation/test_hostile_worker.py": "isolation",
    "isolation/test_pool.py": "isolation",
    "isolation/test_sandbox.py": "isolation",
    "media/test_damage.py": "fuzz",
    "media/test_film_memory.py": "media",
    "media/test_limits.py": "media",
    "media/test_rare_films.py": "media",
    "media/test_rare_stills.py": "media",
    "media/test_raw.py": "media",
    "media/test_video.py": "media",
    "media/test_video_containers.py": "media",
    "review": "commands",
    "store/test_backup.py": "faults",
    "test_api.py": "commands",
    "test_docs.py": "commands",
    "workflows/test_banks.py": "commands",
    "workflows/test_compare.py": "media",
    "workflows/test_index.py": "media",
    "workflows/test_partner_histories.py": "fuzz",
    "workflows/test_parts.py": "media",
    "workflows/test_scan.py": "media",
}

#: Modules with single tests of half a minute. They go first: at the end, one process would wait for the other.
LONGEST = (
    "faults/test_kill.py",
    "faults/test_isolation.py",
    "cli/test_corpus.py",
    "media/test_film_memory.py",
    "media/test_rare_stills.py",
    "evaluate/test_goals.py",
    "test_docs.py",
    "workflows/test_partner_histories.py",
)


def is_long(module: Path) -> bool:
    """Whether a test module has tests that take longest."""
    return module.relative_to(TESTS).as_posix() in LONGEST


def lanes_of(module: Path) -> Iterator[str]:
    """The lanes of a test module: its own, and those of the folders that it is in."""
    path = module.relative_to(TESTS)
    for each in (path, *path.parents):
        if lane := LANES.get(each.as_posix()):
            yield lane


def is_slow(path: Path) -> bool:
    """Whether all tests of a folder or module are in a lane."""
    return path.is_relative_to(TESTS) and any(lanes_of(path))

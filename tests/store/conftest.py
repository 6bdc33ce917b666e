from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.store import Store, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's reference set is."""
    return tmp_path / "reference.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An empty reference set, open to write."""
    with open_store(path, write=True) as opened:
        yield opened


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter and read, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    for name in os.listdir(folder):
        (folder / name).chmod(0o600)
    shutil.rmtree(folder)

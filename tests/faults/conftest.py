"""Many small pictures, and a disk too small for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.drawn_pictures import picture
from tests.support.small_disk import Resize, small_disk


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 80 pictures, two of which are the same."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(79):
        picture(folder / f"{number:02}.jpg", number)
    (folder / "copy of 07.jpg").write_bytes((folder / "07.jpg").read_bytes())
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A folder on a disk of 64 KB, and a function that resizes the disk."""
    with small_disk(tmp_path / "small") as disk:
        yield disk

"""What stays on a worker's disk, and what goes from it."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.cluster.shard import Opening, ShardQuery, Shelf
from hashmatch.store import open_store
from tests.support.cluster_shards import built
from tests.support.made_references import add, measured, pdq

DAY = 86_400.0
#: Of a database that this worker's shelf has a folder of too, as a shelf names them.
OTHER, KEY = "0a" * 16, "1b" * 16


def built_of(shelf: Shelf, path: Path) -> tuple[str, Opening]:
    """Make a database, and a shard of all of it: see `built`."""
    with open_store(path, write=True) as store:
        for number in range(50):
            add(store, measured(f"file {number}", (pdq(number),)))
        return built(shelf, store)


def let_age(path: Path, days: float) -> None:
    """Have a file, or a folder with all that is in it, be as old as that."""
    for each in (path, *path.rglob("*")):
        os.utime(each, (time.time() - days * DAY,) * 2)


def put(path: Path, days: float) -> Path:
    """Make a folder with a file in it, so old."""
    path.mkdir(parents=True)
    (path / "rows").write_bytes(b"x")
    let_age(path, days)
    return path


@contextlib.contextmanager
def files_of(size: int) -> Iterator[None]:
    """No file can be made larger than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shards"


@pytest.fixture
def shelf(folder: Path) -> Shelf:
    return Shelf(folder)


def test_nothing_is_left_of_an_upload_that_failed(shelf: Shelf, folder: Path) -> None:
    shelf.receive("x", "another", "rows", bytes(100))
    [other] = folder.glob("*/upload-*")
    shelf.receive("x", "upload", "rows", bytes(3000))
    with files_of(5000), pytest.raises(OSError):
        shelf.receive("x", "upload", "rows", bytes(3000))
    assert list(folder.glob("*/*")) == [other]


def test_uploads_of_clients_that_died_go(shelf: Shelf, folder: Path) -> None:
    origin, opening = built_of(shelf, folder.parent / "reference.db")
    [own] = folder.glob("*")
    gone = [put(own / f"upload-{KEY}", 1.1), put(folder / OTHER / f"upload-{KEY}", 1.1)]
    recent = put(folder / OTHER / f"upload-{OTHER}", 0.9)
    added_to = put(own / f"upload-{OTHER}", 3)
    with open(added_to / "rows", "ab") as file:
        file.write(b"x")
    os.utime(added_to, (time.time() - 3 * DAY,) * 2)
    shelf.tidy(origin, [], [opening.shard])
    assert [path.exists() for path in (*gone, recent, added_to)] == [False, False, True, True]
    assert shelf.inventory(origin) == [opening.shard]


def test_shards_of_other_databases_go_after_a_week(shelf: Shelf, folder: Path) -> None:
    first, opening = built_of(shelf, folder.parent / "first.db")
    second, other = built_of(shelf, folder.parent / "second.db")
    [path] = folder.glob(f"*/{other.shard.key}")
    let_age(path, 6.9)
    foreign = [put(folder / "photographs" / "1998", 9000), put(folder / OTHER / "mine", 9000)]
    shelf.tidy(first, [opening.handle], [opening.shard])
    assert shelf.inventory(second) == [other.shard]
    let_age(path, 7.1)
    shelf.tidy(first, [opening.handle], [opening.shard])
    assert shelf.inventory(second) == []
    assert shelf.inventory(first) == [opening.shard]
    assert all(each.exists() for each in foreign), "none of ours"


@pytest.mark.parametrize("use", ["open again", "search", "plan", "is open"])
def test_what_is_used_is_noted(shelf: Shelf, folder: Path, use: str) -> None:
    """So that no other client, at this worker or another one with this folder, has it removed."""
    origin, opening = built_of(shelf, folder.parent / "reference.db")
    [path] = folder.glob(f"*/{opening.shard.key}")
    if use != "plan":
        assert shelf.open(origin, opening)
    let_age(path, 8)
    if use == "open again":
        assert shelf.open(origin, opening)
    elif use == "search":
        assert shelf.search([opening.handle], [ShardQuery((pdq(7),), "image")])
    elif use == "plan":
        shelf.tidy(origin, [opening.handle], [opening.shard])
    else:
        shelf.tidy("another", [], [])
    Shelf(folder).tidy(origin, [], [])
    assert Shelf(folder).inventory(origin) == [opening.shard]

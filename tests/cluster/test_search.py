"""A reference set in shards finds what it finds in one piece, whatever happens to those who have them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")

from hashmatch.cluster import planning, searching, shelves
from hashmatch.cluster.connection import Cluster, joined
from hashmatch.cluster.searching import ClusterSearcher
from hashmatch.errors import CommandError
from hashmatch.matching.results import Match
from hashmatch.matching.tiers import Profile
from hashmatch.records import Fingerprint, Glance, Hash, Kind, ListItem
from hashmatch.search.searcher import LocalSearcher, Searcher
from hashmatch.store import Store, open_store
from hashmatch.store.audit import Actor
from hashmatch.store.list_entries import add_items
from hashmatch.store.membership import Membership
from hashmatch.store.prepared_entries import entry_of
from tests.support.command_line import run_command
from tests.support.dask_cluster import LONG, Dask, dask, dask_worker_of, until
from tests.support.made_hashes import blocks, film, levels, still, with_opposed
from tests.support.repository import FIXTURES, ROOT

pytestmark = pytest.mark.timeout(300)

ACTOR = Actor("tester", "test")
File = tuple[tuple[Hash, ...], Kind]


def add(store: Store, name: str, kind: Kind, hashes: Sequence[Hash], collection: str = "c", allow: bool = False) -> int:
    with store.transaction() as connection:
        digest = f"{sum(name.encode()):08x}" + name.encode().hex()
        item = ListItem(kind=kind, sha256=f"{digest:0<64}"[:64], hashes=tuple(hashes))
        (heard,) = add_items(connection, ACTOR, [entry_of(item, Membership(collection, allow=allow))])
        return heard.references[0]


def fill(store: Store) -> None:
    """200 pictures, 40 of which have blocks, and a dozen films, seven of them with one leader."""
    for number in range(200):
        hashes = [still(number), still(f"{number} trimmed", view="trim1")]
        if number % 5 == 0:
            hashes.append(blocks(levels(number)))
        add(store, f"picture {number}", "image", hashes, "c" if number % 2 else "other", allow=number % 30 == 0)
    for number in range(12):
        leader = [f"leader {second}" for second in range(8)] if number < 7 else []
        add(store, f"film {number}", "video", film([*leader, *(f"{number} at {second}" for second in range(40))]))


def files() -> list[File]:
    """What is searched for: pictures near and far, of one layout, turned; films that share a leader; a still of a film."""
    pictures = [(still(number, away),) for number in (0, 1, 30, 77, 199, 500) for away in (0, 25, 31, 32, 44, 45, 64)]
    laid_out = [
        (still(number, 10), blocks(with_opposed(levels(number), opposed)))
        for number in (5, 30, 195)
        for opposed in (0, 4, 16)
    ]
    leader = [f"leader {second}" for second in range(8)]
    own = [f"3 at {second}" for second in range(10, 40)]
    mixed = [*leader, *own, *(f"9 at {second}" for second in range(20))]
    films = [film(seeds, 8) for seeds in ([*leader, *(f"x {n}" for n in range(20))], own, mixed, leader)]
    stills = [(still("4 at 20", 5),), (still("leader 3", 5),)]
    found: list[File] = [(tuple(each), "image") for each in (*pictures, *laid_out, *stills)]
    return found + [(tuple(each), "video") for each in films]


def answers(searcher: Searcher) -> list[list[Match]]:
    """What is found of each file, searched for by itself."""
    return [ordered(next(searcher.matches_of_each([fingerprint]))) for fingerprint in fingerprints()]


def fingerprints() -> list[Fingerprint]:
    return [Fingerprint(kind, 1, hashes=hashes) for hashes, kind in files()]


def ordered(matches: list[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: match.reference.id)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A reference set that is cut into many shards, small as it is."""
    monkeypatch.setattr(planning, "LARGEST", 150)
    monkeypatch.setattr(planning, "MOST_LATER", 20)
    monkeypatch.setattr(planning, "LATER_SHARE", 0.0)
    with open_store(tmp_path / "reference.db", write=True) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as opened:
        yield opened


@pytest.fixture(scope="module")
def cluster(two_workers: Dask) -> Iterator[Cluster]:
    with joined(two_workers.address) as found:
        yield found


@pytest.mark.parametrize("profile", ["fast", "thorough"])
def test_finds_what_one_machine_finds(
    cluster: Cluster, store: Store, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(LocalSearcher(store, profile=profile))
    assert sum(map(bool, expected)) >= 40
    reasons = {match.reason for each in expected for match in each}
    assert {"same-picture", "same-layout", "same-hash", "common-hash", "same-footage"} <= reasons, "of every kind"
    searcher = ClusterSearcher(cluster, store, profile=profile)
    assert answers(searcher) == expected
    assert len(searcher._shards) >= 6
    # The same, asked for all at once, and among files that have nothing to search for.
    nothing = Fingerprint("image", 1)
    for portion in (searching.QUERY_HASHES, 40):
        monkeypatch.setattr(searching, "QUERY_HASHES", portion)
        nothing_before, *together, nothing_after = searcher.matches_of_each([nothing, *fingerprints(), nothing])
        assert list(map(ordered, together)) == expected
        assert nothing_before == nothing_after == []


def test_of_collections_only_and_by_another_radius(cluster: Cluster, store: Store) -> None:
    expected = answers(LocalSearcher(store, collections=["other"], radius=20))
    assert any(expected)
    assert answers(ClusterSearcher(cluster, store, collections=["other"], radius=20)) == expected


def test_parts_of_a_film_that_are_worth_decoding(cluster: Cluster, store: Store) -> None:
    seeds = [f"x {number}" if number < 20 or number > 25 else f"3 at {number}" for number in range(60)]
    glance = Glance(tuple(film(seeds, 5)), 60.0)
    expected = LocalSearcher(store).parts_to_decode(glance)
    assert expected
    assert ClusterSearcher(cluster, store).parts_to_decode(glance) == expected


def shards_of(dask: Dask) -> dict[str, int]:
    """The shards on the disks of workers, each with the number of its index, which another one has."""
    return {str(path.parent): path.stat().st_ino for path in dask.folder.glob("shards-*/*/*/index.hamming")}


def test_updates_reach_shards_without_a_rebuild(
    two_workers: Dask, cluster: Cluster, store: Store, stack: contextlib.ExitStack
) -> None:
    before = set(shards_of(two_workers))
    another = stack.enter_context(open_store(store.path))
    searcher = ClusterSearcher(cluster, another)
    assert answers(searcher) == answers(LocalSearcher(store))
    built = {name: number for name, number in shards_of(two_workers).items() if name not in before}
    assert len(built) >= 6

    def now() -> dict[str, int]:
        return {name: number for name, number in shards_of(two_workers).items() if name not in before}

    for number in range(500, 505):  # few: they are searched beside the shards
        add(store, f"picture {number}", "image", [still(number)])
    assert any(answers(ClusterSearcher(cluster, store))[35])
    assert answers(ClusterSearcher(cluster, store)) == answers(LocalSearcher(store))
    assert now() == built
    with store.transaction() as connection:  # hashed anew as something else, and retracted
        connection.execute("DELETE FROM hash WHERE reference_id = 2")
        connection.execute("UPDATE membership SET retracted = '2026-01-01T00:00:00Z' WHERE reference_id = 31")
    add(store, "picture 1", "image", [still("another")])
    assert answers(ClusterSearcher(cluster, store)) == answers(LocalSearcher(store))
    assert now() == built
    for number in range(600, 700):  # many: one more shard
        add(store, f"picture {number}", "image", [still(number)])
    assert answers(ClusterSearcher(cluster, store)) == answers(LocalSearcher(store))
    assert built.items() < now().items()
    assert len(now()) == len(built) + 1
    # And a searcher that was there before knows of all that.
    searcher._next_load = 0.0
    assert answers(searcher) == answers(LocalSearcher(store))


def test_a_worker_that_dies_while_it_searches(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shards are built on the other one's disk; no hit is lost or doubled."""
    expected = answers(LocalSearcher(store))
    with dask(tmp_path / "dask", 2) as started, joined(started.address) as cluster:
        until(lambda: len(cluster.look_again()) == 2, "two workers")
        searcher = ClusterSearcher(cluster, store)
        assert answers(searcher) == expected
        once = searcher._search(files())
        assert len(set(searcher._shards._places.values())) == 2
        # One is stopped, so that it is in the middle of the search, and then killed with its nanny.
        asked, ask_all = threading.Event(), Cluster.ask_all

        def told(*arguments: Any) -> dict[str, Any]:
            asked.set()
            return ask_all(*arguments)

        def kill() -> None:
            asked.wait(LONG)
            os.killpg(started.processes[1].pid, signal.SIGKILL)

        monkeypatch.setattr(Cluster, "ask_all", told)
        os.kill(dask_worker_of(started.processes[1]), signal.SIGSTOP)
        killer = threading.Thread(target=kill)
        killer.start()
        again = searcher._search(files())
        killer.join()
        assert [sorted(map(repr, each)) for each in again] == [sorted(map(repr, each)) for each in once]
        assert len(set(searcher._shards._places.values())) == 1
        assert answers(searcher) == expected


def two_of_which_one(started: Dask, cluster: Cluster) -> str:
    """Start two workers, the first of which has a disk of the test's. Returns its address."""
    started.start_worker()
    until(lambda: len(cluster.look_again()) == 1, "a worker")
    [first] = cluster.workers()
    started.start_worker()
    until(lambda: len(cluster.look_again()) == 2, "two workers")
    return first


@contextlib.contextmanager
def no_workers(folder: Path) -> Iterator[tuple[Dask, Cluster]]:
    """A cluster that has no workers yet, but had one."""
    with dask(folder, 1) as started, joined(started.address) as cluster:
        os.killpg(started.processes[1].pid, signal.SIGKILL)
        until(lambda: not cluster.look_again(), "the end of a worker")
        yield started, cluster


def test_a_worker_that_cannot_keep_shards_is_done_without(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(LocalSearcher(store))
    sent, ask_all = [], Cluster.ask_all

    def told(self: Cluster, places: list[str], function: object, *arguments: Any) -> dict[str, Any]:
        if shelves.receive in arguments:
            sent.extend(places)
        return ask_all(self, places, function, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Cluster, "ask_all", told)
    with no_workers(tmp_path / "dask") as (started, cluster):
        (started.folder / "shards-2").write_bytes(b"no folder can be made here")
        bad = two_of_which_one(started, cluster)
        searcher = ClusterSearcher(cluster, store)
        assert answers(searcher) == expected
        assert len(searcher._shards) >= 6
        assert bad not in searcher._shards._places.values()
        assert sent.count(bad) == 1, "nor is it given each of them first"
        assert len(set(searcher._shards._places.values())) == 1
        # But when there is no other.
        os.killpg(started.processes[3].pid, signal.SIGKILL)
        until(lambda: len(cluster.look_again()) == 1, "the end of a worker")
        with pytest.raises(CommandError, match="do not keep their shards"):
            answers(searcher)


def fill_up(path: Path) -> None:
    """Write a file until the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_worker_whose_disk_is_full(store: Store, tmp_path: Path, stack: contextlib.ExitStack) -> None:
    started, cluster = stack.enter_context(no_workers(tmp_path / "dask"))
    small = started.folder / "shards-2"
    small.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs to mount a small file system, which only root may")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    stack.callback(subprocess.run, ["umount", "-l", small], check=True)
    fill_up(small / "of somebody else")
    with open(small / "of somebody else", "r+b") as file:
        file.truncate((1 << 20) - 8192)  # so that an upload begins
    full = two_of_which_one(started, cluster)
    searcher = ClusterSearcher(cluster, store)
    assert answers(searcher) == answers(LocalSearcher(store))
    assert full not in searcher._shards._places.values()
    assert not list(small.glob("*/*")), "nothing is left of what was sent there"
    # What a client that died has left makes room for the next.
    (small / "of somebody else").unlink()
    left = small / ("a" * 32) / f"upload-{'b' * 32}"
    fill_up(left / "rows")
    for path in (left, left / "rows"):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    for number in range(600, 700):
        add(store, f"picture {number}", "image", [still(number)])
    searcher = ClusterSearcher(cluster, store)
    assert answers(searcher) == answers(LocalSearcher(store))
    assert full in searcher._shards._places.values()
    assert not left.exists()


def test_a_worker_that_comes_late_with_another_version(store: Store, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "hashmatch", tmp_path / "hashmatch", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "hashmatch" / "version.py"
    module.write_text(module.read_text().replace('__version__ = "', '__version__ = "9.'))
    with dask(tmp_path / "dask", 1) as started, joined(started.address) as cluster:
        searcher = ClusterSearcher(cluster, store)
        assert any(answers(searcher))
        started.start_worker(tmp_path)
        until(lambda: len(cluster.look_again()) == 2, "two workers")
        os.killpg(started.processes[1].pid, signal.SIGKILL)
        until(lambda: len(cluster.look_again()) == 1, "the end of a worker")
        with pytest.raises(
            CommandError, match=r"tcp://\S+ would come to other results than this machine: hashmatch 9\."
        ):
            answers(searcher)


class TestCommand:
    @pytest.fixture(scope="class")
    @staticmethod
    def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("scanned") / "reference.db"
        assert run_command("index", FIXTURES / "archive", "--collection", "archive", db=path).code == 0
        assert run_command("index", FIXTURES / "allowed", "--collection", "news", "--allow", db=path).code == 0
        return path

    @pytest.mark.parametrize("profile", ["fast", "thorough"])
    def test_as_one_machine(self, two_workers: Dask, db: Path, profile: str) -> None:
        scan = ("scan", FIXTURES / "uploads", FIXTURES / "archive" / "films", "--profile", profile, "--format", "jsonl")
        alone = run_command(*scan, db=db)
        ran = run_command(*scan, "--cluster", two_workers.address, db=db)
        assert ran.code == alone.code == 1
        by_path = {each["path"]: each for each in ran.lines}
        assert by_path == {each["path"]: each for each in alone.lines}
        assert len(ran.lines) == len(by_path)

    def test_names_that_come_through_a_pipe(self, two_workers: Dask, db: Path) -> None:
        names = "".join(f"{FIXTURES / 'uploads' / name}\n" for name in ("small.jpg", "nothing.jpg", "films/clip.webm"))
        scan = ("scan", "--files-from", "-", "--format", "jsonl")
        alone = run_command(*scan, db=db, input=names.encode())
        ran = run_command(*scan, "--cluster", two_workers.address, db=db, input=names.encode())
        assert sorted(map(str, ran.lines)) == sorted(map(str, alone.lines))
        assert ran.code == alone.code == 1

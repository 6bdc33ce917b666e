"""A reference set in shards finds what it finds in one piece, whatever happens to those who have them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")

from matching.samples import blocks, film, levels, still, with_opposed

from hashmatch.cluster import planning
from hashmatch.cluster.connection import Cluster, joined
from hashmatch.cluster.searching import ClusterSearcher
from hashmatch.fingerprinting import FileState
from hashmatch.matching.results import Match
from hashmatch.matching.tiers import Profile
from hashmatch.records import Digests, Fingerprint, Glance, Hash, Kind, ListItem
from hashmatch.scanning import Searcher
from hashmatch.store import Store
from hashmatch.store.audit import Actor
from hashmatch.store.listed import add_item
from hashmatch.store.membership import Membership
from tests.cli.conftest import FIXTURES, run_command

from .conftest import LONG, Dask, dask, dask_worker_of, until

pytestmark = pytest.mark.timeout(300)

ACTOR = Actor("tester", "test")
File = tuple[tuple[Hash, ...], Kind]


def add(store: Store, name: str, kind: Kind, hashes: Sequence[Hash], collection: str = "c", allow: bool = False) -> int:
    with store.transaction() as connection:
        digest = f"{sum(name.encode()):08x}" + name.encode().hex()
        item = ListItem(kind=kind, sha256=f"{digest:0<64}"[:64], hashes=tuple(hashes))
        return add_item(connection, ACTOR, item, Membership(collection, allow=allow))[0]


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
    return [sorted(searcher.matches(hashes, kind, None), key=lambda m: m.reference.id) for hashes, kind in files()]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A reference set that is cut into many shards, small as it is."""
    monkeypatch.setattr(planning, "LARGEST", 150)
    monkeypatch.setattr(planning, "MOST_LATER", 20)
    monkeypatch.setattr(planning, "LATER_SHARE", 0.0)
    with Store.open(tmp_path / "reference.db", write=True) as opened:
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
def test_finds_what_one_machine_finds(cluster: Cluster, store: Store, profile: Profile) -> None:
    expected = answers(Searcher(store, profile=profile))
    assert sum(map(bool, expected)) >= 40
    reasons = {match.reason for each in expected for match in each}
    assert {"same-picture", "same-layout", "same-hash", "common-hash", "same-footage"} <= reasons, "of every kind"
    searcher = ClusterSearcher(cluster, store, profile=profile)
    assert answers(searcher) == expected
    assert len(searcher._shards) >= 6
    # The same, asked for all at once.
    wanted = files()
    digests = Digests("0" * 32, "0" * 40, "0" * 64)
    results = [(FileState(b""), Fingerprint(kind, 1, digests, hashes=hashes)) for hashes, kind in wanted]
    searcher.foresee(results)
    told = [sorted(searcher.matches(h, kind, None), key=lambda m: m.reference.id) for h, kind in wanted]
    assert told == expected


def test_of_collections_only_and_by_another_radius(cluster: Cluster, store: Store) -> None:
    expected = answers(Searcher(store, collections=["other"], radius=20))
    assert any(expected)
    assert answers(ClusterSearcher(cluster, store, collections=["other"], radius=20)) == expected


def test_parts_of_a_film_that_are_worth_decoding(cluster: Cluster, store: Store) -> None:
    seeds = [f"x {number}" if number < 20 or number > 25 else f"3 at {number}" for number in range(60)]
    glance = Glance(tuple(film(seeds, 5)), 60.0)
    expected = Searcher(store).parts_to_look_at(glance)
    assert expected
    assert ClusterSearcher(cluster, store).parts_to_look_at(glance) == expected


def shards_of(dask: Dask) -> dict[str, int]:
    """The shards on the disks of workers, each with the number of its index, which another one has."""
    return {str(path.parent): path.stat().st_ino for path in dask.folder.glob("shards-*/*/*/index.hamming")}


def test_updates_reach_shards_without_a_rebuild(
    two_workers: Dask, cluster: Cluster, store: Store, stack: contextlib.ExitStack
) -> None:
    before = set(shards_of(two_workers))
    another = stack.enter_context(Store.open(store.path))
    searcher = ClusterSearcher(cluster, another)
    assert answers(searcher) == answers(Searcher(store))
    built = {name: number for name, number in shards_of(two_workers).items() if name not in before}
    assert len(built) >= 6

    def now() -> dict[str, int]:
        return {name: number for name, number in shards_of(two_workers).items() if name not in before}

    for number in range(500, 505):  # few: they are searched beside the shards
        add(store, f"picture {number}", "image", [still(number)])
    assert any(answers(ClusterSearcher(cluster, store))[35])
    assert answers(ClusterSearcher(cluster, store)) == answers(Searcher(store))
    assert now() == built
    with store.transaction() as connection:  # hashed anew as something else, and retracted
        connection.execute("DELETE FROM hash WHERE reference_id = 2")
        connection.execute("UPDATE membership SET retracted = '2026-01-01T00:00:00Z' WHERE reference_id = 31")
    add(store, "picture 1", "image", [still("another")])
    assert answers(ClusterSearcher(cluster, store)) == answers(Searcher(store))
    assert now() == built
    for number in range(600, 700):  # many: one more shard
        add(store, f"picture {number}", "image", [still(number)])
    assert answers(ClusterSearcher(cluster, store)) == answers(Searcher(store))
    assert built.items() < now().items()
    assert len(now()) == len(built) + 1
    # And a searcher that was there before knows of all that.
    searcher._next_load = 0.0
    assert answers(searcher) == answers(Searcher(store))


def test_a_worker_that_dies_while_it_searches(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shards are built on the other one's disk; no hit is lost or doubled."""
    expected = answers(Searcher(store))
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

"""The parts of a cluster's client and workers, each by itself and without Dask."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch.cluster import dask_worker, planning
from hashmatch.cluster.examining import _Case, _Examination
from hashmatch.cluster.jobs import Batch, Job, JobOutcome, News, Run, number_of
from hashmatch.cluster.planning import plan
from hashmatch.cluster.shard import Shard, ShardQuery, Shelf
from hashmatch.cluster.sizes import MOST, Sizes
from hashmatch.cluster.versions import check, facts
from hashmatch.errors import CommandError
from hashmatch.fingerprints.examiner import ExaminerHooks, FileState
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.hashers.learned import ModelFile
from hashmatch.isolation import Isolation, wire
from hashmatch.media.sampling import FilmShare
from hashmatch.media.urls import absolute, is_url
from hashmatch.messages import Message
from hashmatch.records import Digests, Failure, Fingerprint, Glance, Hash
from hashmatch.store import Store, generation, hash_rows, open_store
from hashmatch.store.generation import Generation
from tests.support.cluster_shards import built
from tests.support.made_references import add as add_measured
from tests.support.made_references import measured, pdq


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A reference set of 50 pictures."""
    with open_store(tmp_path / "reference.db", write=True) as opened:
        for number in range(50):
            add_measured(opened, measured(f"file {number}", (pdq(number),)))
        yield opened


class TestRecords:
    def test_travel_as_they_are(self) -> None:
        for mode in (ReferenceHashing(features=True), QueryHashing(("pdq", "phash"), profile="thorough")):
            run = Run("name", mode, Isolation(workers=1), facts(mode))
            assert wire.read(Run, wire.unpack(wire.pack("run", run))[1]) == run
        described = dataclasses.replace(mode, models=(ModelFile("sscd", "/m.onnx", "ab" * 32),))
        run = Run("name", described, Isolation(workers=1), ())
        assert wire.read(Run, wire.unpack(wire.pack("run", run))[1]) == run
        job = Job(3, b"/caf\xe9.jpg", False, ("ab" * 32,), ((0.0, 1e9),), FilmShare(1, 4), 8)
        assert wire.read(Job, wire.unpack(wire.pack("job", job))[1]) == job
        hashes = (Hash("pdq", bytes(32), 100, 1.5, "trim1", 1, bytes(32)),)
        result = Fingerprint(
            "video",
            9,
            Digests("0" * 32, "0" * 40, "0" * 64),
            hashes=hashes,
            error=Failure("partial", Message.literal("x")),
        )
        outcome = JobOutcome(3, 9, None, result, FilmShare(0, 4), Glance(hashes, None))
        line = wire.pack("outcome", outcome)
        assert (number_of(line), wire.read(JobOutcome, wire.unpack(line)[1])) == (3, outcome)
        assert number_of(wire.pack("news", News(3, 2, 0.5))) is None
        batch = Batch("tcp://127.0.0.1:1", ("limits",), 0.5)
        assert wire.read(Batch, wire.unpack(wire.pack("batch", batch))[1]) == batch

    def test_what_went_wrong_with_a_file_is_told_as_a_code(self, tmp_path: Path) -> None:
        (tmp_path / "1.jpg").touch()
        replies = replies_of_host("ar", Job(1, bytes(tmp_path / "1.jpg")))
        error = Failure("corrupt", Message.of("empty"))
        assert wire.read(JobOutcome, replies["outcome"]).result.error == error

    def test_what_ends_the_command_is_told_in_the_language_of_the_client(self) -> None:
        replies = replies_of_host("ar", Job(1, b"dropbox://folder/1.jpg"))  # for which a package is missing
        refused = wire.read(str, replies["refused"])
        assert "hashmatch[cluster]" in refused and re.search("[\u0621-\u064a]{3}", refused)


def replies_of_host(language: str, job: Job) -> dict[str, Any]:
    """What a host process says of a job, by the kinds of its messages."""
    run = Run("name", ReferenceHashing(), Isolation(workers=1), facts(ReferenceHashing()), language)
    done = subprocess.run(
        [sys.executable, "-m", "hashmatch.cluster.host"],
        input=b"".join(line + b"\n" for line in (wire.pack("run", run), wire.pack("job", job))),
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(wire.unpack(line) for line in done.stdout.splitlines())


def test_a_host_keeps_its_memory_whatever_dask_has_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    monkeypatch.setenv("HASHMATCH_KEYS", "kept")
    environment = dask_worker._environment()
    assert "MALLOC_TRIM_THRESHOLD_" not in environment
    assert (environment["OPENBLAS_NUM_THREADS"], environment["HASHMATCH_KEYS"]) == ("1", "kept")


class TestFacts:
    def test_of_this_machine_agree(self) -> None:
        check("here", facts(ReferenceHashing()), facts(ReferenceHashing()))

    @pytest.mark.parametrize("name", ["hashmatch", "recipe of videos", "pdq", "Pillow"])
    def test_what_differs_is_named(self, name: str) -> None:
        ours = facts(ReferenceHashing())
        theirs = tuple((each, "other" if each == name else value) for each, value in ours)
        with pytest.raises(
            CommandError, match=f"tcp://x:1 would come to other results than this machine: {name} other ≠"
        ):
            check("tcp://x:1", ours, theirs)

    def test_settings_that_change_hashes_count(self) -> None:
        with pytest.raises(CommandError, match="recipe of images"):
            check("x", facts(ReferenceHashing(features=True)), facts(ReferenceHashing()))
        with pytest.raises(CommandError, match="dhash"):
            check("x", facts(ReferenceHashing(("pdq", "dhash"))), facts(ReferenceHashing()))

    def test_a_model_that_a_worker_has_not_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(b"model")
        settings = ReferenceHashing(models=(ModelFile("onnx", str(path), hashlib.sha256(b"model").hexdigest()),))
        ours = facts(settings)
        check("here", ours, facts(settings))
        path.write_bytes(b"another")
        with pytest.raises(CommandError, match=r"model .*m\.onnx none ≠ onnx-[0-9a-f]{12}"):
            check("there", ours, facts(settings))


@pytest.mark.parametrize(
    ("path", "expected"),
    [(b"s3://a/b", True), (b"file:///a", True), (b"/a:/b", False), (b"a:/b", False), (b"C://x", False), (b"", False)],
)
def test_urls(path: bytes, expected: bool) -> None:
    assert is_url(path) == expected
    assert (absolute(path) == path) == (expected or path.startswith(b"/"))


class TestSizes:
    def test_digests_of_what_has_a_size(self, store: Store) -> None:
        fingerprint = measured("file 7", (pdq(7),))
        assert fingerprint.digests is not None
        sizes = Sizes(store.connection, grows=True)
        assert fingerprint.digests.sha256 in sizes.digests(fingerprint.size)
        assert sizes.digests(fingerprint.size + 1_000_000) == ()
        later = dataclasses.replace(measured("later", ()), size=123_456_789)
        sizes.add(later)
        assert later.digests is not None
        assert sizes.digests(later.size) == (later.digests.sha256,)

    def test_not_of_too_many(self, store: Store) -> None:
        sizes = Sizes(store.connection, grows=True)
        for number in range(MOST + 1):
            sizes.add(dataclasses.replace(measured(f"later {number}", ()), size=5))
        assert sizes.digests(5) == ()

    def test_of_a_scan_nothing_is_added(self, store: Store) -> None:
        sizes = Sizes(store.connection)
        sizes.add(dataclasses.replace(measured("later", ()), size=5))
        assert sizes.digests(5) == ()


def shard(after: int, until: int, count: int = 10) -> Shard:
    return Shard("pdq", after, until, Generation("", 0, "", 0, 0, ""), count, "")


def edges_of(store: Store) -> list[int]:
    """The last row of each reference."""
    last = {owner: row for row, owner, _count in hash_rows.extents(store.connection, "pdq", 0, hash_rows.LAST)}
    return sorted(last.values())


class TestPlan:
    @settings(max_examples=60)
    @given(
        st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12),
        st.integers(1, 5),
        st.sampled_from([0, 5, 20]),
    )
    def test_every_row_is_in_one_place(
        self, store_of_plan: Store, spans: list[tuple[int, int]], workers: int, most: int
    ) -> None:
        connection = store_of_plan.connection
        newest = generation.current(connection).newest
        edges = [0, *edges_of(store_of_plan)]
        available = [
            shard(edges[start], edges[min(start + length, len(edges) - 1)])
            for start, length in spans
            if start < len(edges)
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(planning, "MOST_LATER", most)
            patch.setattr(planning, "LATER_SHARE", 0.0)
            made = plan(connection, "pdq", newest, available, workers)
        places: dict[int, int] = {}
        owners: dict[int, set[int]] = {}
        parts = [*((each.after, each.until) for each in (*made.kept, *made.missing)), (made.later, hash_rows.LAST)]
        for row, owner, _count in hash_rows.extents(connection, "pdq", 0, newest):
            having = [number for number, (after, until) in enumerate(parts) if after < row <= until]
            assert len(having) == 1, (row, parts)
            places[row] = having[0]
            owners.setdefault(owner, set()).add(having[0])
        assert all(len(each) == 1 for each in owners.values()), "a reference is in one shard"
        assert set(made.kept) <= set(available)

    @pytest.fixture(scope="class")
    @staticmethod
    def store_of_plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
        """References with several rows each, some of which are gone."""
        chance = random.Random(5)
        with open_store(tmp_path_factory.mktemp("plan") / "x.db", write=True) as opened:
            for number in range(60):
                hashes = [pdq(f"{number} {view}") for view in range(chance.randrange(1, 4))]
                views = [dataclasses.replace(each, view=f"trim{n}") for n, each in enumerate(hashes, 1)]
                add_measured(opened, measured(f"file {number}", tuple(views)))
            with opened.transaction() as connection:
                connection.execute("DELETE FROM hash WHERE reference_id % 7 = 0")
            yield opened


class TestShelf:
    """A shard on a worker's disk."""

    def test_is_found_again(self, store: Store, tmp_path: Path) -> None:
        origin, opening = built(Shelf(tmp_path / "shards"), store)
        shelf = Shelf(tmp_path / "shards")
        assert shelf.inventory(origin) == [opening.shard]
        assert shelf.inventory("another database") == []
        assert shelf.search([opening.handle], [ShardQuery((pdq(7),), "image")]) == [], "not open yet"
        assert shelf.open(origin, opening)
        (answer,) = shelf.search([opening.handle], [ShardQuery((pdq(7),), "image"), ShardQuery((pdq(99),), "image")])
        assert [len(found.findings) for found in answer.found] == [1, 0]
        assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "shards").rglob("*") if path.is_dir())

    @pytest.mark.parametrize("name", ["index.hamming", "facts-*", "guards", "shard.json", "guards.sha256"])
    def test_that_is_damaged_is_not_searched(self, store: Store, tmp_path: Path, name: str) -> None:
        shelf = Shelf(tmp_path / "shards")
        origin, opening = built(shelf, store)
        (path,) = (tmp_path / "shards").glob(f"*/*/{name}")
        content = bytearray(path.read_bytes() or b"x")
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        if name == "shard.json":
            assert Shelf(tmp_path / "shards").inventory(origin) == []
            return
        assert not Shelf(tmp_path / "shards").open(origin, opening)
        assert not path.exists(), "it is built anew"

    def test_is_not_built_of_something_else(self, store: Store, tmp_path: Path) -> None:
        shelf = Shelf(tmp_path / "shards")
        origin, opening = built(shelf, store)
        shelf.receive(origin, "upload", "rows", b"something else")
        other = dataclasses.replace(opening.shard, until=opening.shard.until + 1)
        with pytest.raises(ValueError, match="not what was sent"):
            shelf.build(origin, "upload", other)
        assert shelf.inventory(origin) == [opening.shard]

    def test_goes_when_nobody_wants_it(self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shelf = Shelf(tmp_path / "shards")
        origin, opening = built(shelf, store)
        shelf.open(origin, opening)
        shelf.tidy(origin, [], [])
        assert shelf.inventory(origin) == [opening.shard]
        monkeypatch.setattr("hashmatch.cluster.shard.UNUSED", -1.0)
        monkeypatch.setattr("hashmatch.cluster.shard.IDLE", -1.0)
        shelf.tidy(origin, [opening.handle], [opening.shard])
        assert shelf.inventory(origin) == [opening.shard]
        shelf.tidy(origin, [], [])
        assert shelf.inventory(origin) == []
        assert shelf.search([opening.handle], [ShardQuery((pdq(7),), "image")]) == []


@pytest.mark.parametrize("other_size", [10, 11])
def test_shares_are_joined_only_where_they_are_of_one_file(store: Store, other_size: int) -> None:
    """Workers are given a name each, behind which there may be another file by the time the second one opens it."""
    film = Fingerprint("video", 10, measured("film", ()).digests, hashes=(pdq("a", time=0.0),), duration=2.0)
    rest = Fingerprint("video", other_size, hashes=(pdq("b", time=1.0),), duration=2.0)
    sizes = Sizes(store.connection)
    examination = _Examination(cast(Any, None), sizes, ReferenceHashing(), ExaminerHooks())  # no worker is asked here
    job = Job(1, b"/film.mp4", most=2)
    examination._cases[1] = _Case(FileState(b"/film.mp4", 10, 5), job, of=2)
    examination._take_outcome(job, JobOutcome(1, 10, 5, film, FilmShare(0, 2)))
    assert examination._done == []
    second = dataclasses.replace(job, share=FilmShare(1, 2))
    examination._take_outcome(second, JobOutcome(1, other_size, 5, rest, FilmShare(1, 2)))
    ((_state, result),) = examination._done
    assert result is not None
    if other_size == 10:
        assert (result.error, len(result.hashes)) == (None, 2)
    else:
        assert result.error is not None
        assert (result.error.code, result.hashes, result.digests) == ("changed-while-read", (), None)

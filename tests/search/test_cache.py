"""The cache beside the database: it makes a scan ready at once, and never changes what the scan finds."""

from __future__ import annotations

import multiprocessing
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashmatch.hashers.local_features import LocalFeatures, pack
from hashmatch.matching.finding import Finding
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.records import Digests, Fingerprint, Hash, ListItem
from hashmatch.search import cache
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, hash_rows, open_store
from hashmatch.store.audit import Actor
from hashmatch.store.list_entries import add_items
from hashmatch.store.membership import Membership
from hashmatch.store.prepared_entries import entry_of
from tests.support.made_references import add as add_measured
from tests.support.made_references import measured

ACTOR = Actor("tester", "test")
PDQ = thresholds("thorough")["pdq"]


def bits_of(seed: int) -> bytes:
    """A hash with as many ones as a picture's."""
    order = random.Random(seed).sample(range(256), 128)
    return sum(1 << bit for bit in order).to_bytes(32, "big")


def near(bits: bytes, flips: int) -> bytes:
    return (int.from_bytes(bits, "big") ^ ((1 << flips) - 1)).to_bytes(32, "big")


def add(store: Store, *seeds: int) -> None:
    with store.transaction() as connection:
        items = [ListItem("image", sha256=f"{seed:064x}", hashes=(Hash("pdq", bits_of(seed), 100),)) for seed in seeds]
        add_items(connection, ACTOR, [entry_of(item, Membership("c")) for item in items])


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of 300 references, of which caches are made however small it is."""
    monkeypatch.setattr(cache, "CACHED_FROM", 1)
    monkeypatch.setattr(cache, "MOST_LATER", 50)
    with open_store(tmp_path / "x.db", write=True) as store:
        add(store, *range(300))
    return tmp_path / "x.db"


FLIPS = (0, 20, PDQ.near, PDQ.possible, PDQ.possible + 1)
QUERIES = [Hash("pdq", near(bits_of(seed), flips), 100) for seed in (0, 7, 150, 299, 1000) for flips in FLIPS]


def no_blocks(_reference_id: int, _view: str) -> None:
    """What a list brings has none."""


def findings(store: Store) -> list[list[Finding]]:
    """What each query finds, in all tables."""
    loaded = cache.load(store, "pdq", PDQ)
    return [
        sorted(
            (found for table in loaded for found in find([query], "image", table, no_blocks)),
            key=lambda f: f.reference_id,
        )
        for query in QUERIES
    ]


def from_sqlite(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[list[Finding]]:
    with monkeypatch.context() as patch:
        patch.setattr(cache, "folder_of", lambda database, algorithm: Path("/nonexistent"))
        return findings(store)


def test_is_made_and_used_and_finds_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(path) as store:
        expected = from_sqlite(store, monkeypatch)
        assert sum(map(len, expected)) == 16
        assert findings(store) == expected, "while it is made"
        folder = cache.folder_of(path, "pdq")
        names = sorted(each.name for each in folder.iterdir())
        assert len(names) == 2
        assert all(each.stat().st_mode & 0o077 == 0 for each in [*folder.iterdir(), folder])
        assert findings(store) == expected, "when it is used"
        assert sorted(each.name for each in folder.iterdir()) == names, "it is not made again"
        (state,) = cache.states(store)
        assert (state.state, state.hashes) == ("current", 300)


def test_few_hashes_need_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHED_FROM", 301)
    with open_store(path) as store:
        assert findings(store)
        assert not cache.folder_of(path, "pdq").exists()


def test_rows_added_since_are_found_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(path, write=True) as store:
        findings(store)
        before = [each.stat().st_mtime_ns for each in cache.folder_of(path, "pdq").iterdir()]
        add(store, 1000)
        expected = from_sqlite(store, monkeypatch)
        assert sum(map(len, expected)) == 20
        assert findings(store) == expected
        assert [each.stat().st_mtime_ns for each in cache.folder_of(path, "pdq").iterdir()] == before
        assert len(cache.load(store, "pdq", PDQ)) == 2
        assert cache.states(store)[0].state == "older"
        # Fifty more, and it is made anew.
        add(store, *range(2000, 2060))
        assert findings(store) == expected
        assert len(cache.load(store, "pdq", PDQ)) == 1


def test_replaced_rows_are_not_found_by_what_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(path, write=True) as store:
        findings(store)
        with store.transaction() as connection:
            connection.execute("DELETE FROM hash WHERE reference_id IN (1, 8)")
            new = bits_of(1000)
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, recipe_id, count, bits, quality)"
                " VALUES (8, 'pdq', 1, 1, ?, x'64')",
                (new,),
            )
        expected = from_sqlite(store, monkeypatch)
        assert expected[0] == []
        assert [found.reference_id for found in expected[-5]] == [8]
        assert findings(store) == expected


def damaged(folder: Path) -> dict[str, Callable[[], None]]:
    """Ways to damage a cache."""
    chance = random.Random(3)

    def flip(file: Path, place: int) -> None:
        content = bytearray(file.read_bytes())
        content[place % len(content)] ^= 1 << place % 8
        file.write_bytes(bytes(content))

    ways: dict[str, Callable[[], None]] = {}
    for file in folder.iterdir():
        kind = file.name.split("-")[0]
        for number in range(20):
            ways[f"{kind} bit {number}"] = lambda file=file, place=chance.randrange(1 << 30): flip(file, place)
        ways[f"{kind} missing"] = file.unlink
        ways[f"{kind} empty"] = lambda file=file: file.write_bytes(b"")
        ways[f"{kind} cut"] = lambda file=file: file.write_bytes(file.read_bytes()[:-100])
        ways[f"{kind} longer"] = lambda file=file: file.write_bytes(file.read_bytes() + bytes(13))
    return ways


def test_damage_is_noticed_and_mended(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, sound = cache.folder_of(path, "pdq"), tmp_path / "sound"
    with open_store(path) as store:
        expected = from_sqlite(store, monkeypatch)
        findings(store)
        shutil.copytree(folder, sound)
        for name in damaged(sound):
            shutil.rmtree(folder)
            shutil.copytree(sound, folder)
            damaged(folder)[name]()
            assert findings(store) == expected, name
            assert cache.states(store)[0].state == "current", name
        assert len(damaged(sound)) == 48


def test_damage_that_comes_while_it_is_in_use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is mapped, so what others write to it is seen: hits that cannot be, which the search finds out."""
    # Large enough for the index to be used, at a distance that it serves.
    monkeypatch.setattr("hashmatch.hamming.engines.SHARE", 1e9)
    monkeypatch.setattr("hashmatch.hamming.brute.cost_of", lambda columns, radius, count: 1e12)
    digests = Digests("00" * 16, "00" * 20, "00" * 32)
    with open_store(path) as store:
        cache.load(store, "pdq", PDQ)
        searcher = LocalSearcher(store, radius=31)
        query = Fingerprint("image", 1, digests, hashes=(QUERIES[1],))
        expected = [match.reference.id for match in searcher.matches(query)]
        assert expected == [1]
        file = cache.folder_of(path, "pdq") / "index.hamming"
        with file.open("r+b") as mapped:
            mapped.seek(4096)
            mapped.write(b"\xff" * (file.stat().st_size - 4096))
        assert [match.reference.id for match in searcher.matches(query)] == expected
        assert cache.states(store)[0].state == "current"


@pytest.mark.parametrize("form", [None, 1, cache.FORM + 1])
def test_one_of_another_version_is_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch, form: int | None) -> None:
    with open_store(path) as store:
        expected = from_sqlite(store, monkeypatch)
        with monkeypatch.context() as before:
            before.setattr(cache, "FORM", form)
            findings(store)
        assert cache.states(store)[0].state == "outdated"
        assert cache.damage(store) == [], "it is nothing that verify should warn of"
        assert findings(store) == expected
        assert cache.states(store)[0].state == "current"


def test_another_database_s_cache_is_not_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.db"
    with open_store(other, write=True) as store:
        add(store, *range(5000, 5300))
        findings(store)
    shutil.copytree(cache.folder_of(other, "pdq").parent, cache.folder_of(path, "pdq").parent)
    with open_store(path) as store:
        assert cache.states(store)[0].state == "foreign"
        assert findings(store) == from_sqlite(store, monkeypatch)


def test_a_restored_older_database_does_not_use_the_newer_cache(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(path, backup)
    with open_store(path, write=True) as store:
        add(store, 1000)
        findings(store)
    shutil.copy(backup, path)
    with open_store(path) as store:
        assert findings(store) == from_sqlite(store, monkeypatch)
    # Nor later, when the number of rows is again what it was.
    shutil.rmtree(cache.folder_of(path, "pdq"))
    with open_store(path, write=True) as store:
        add(store, 1000)
        findings(store)
    shutil.copy(backup, path)
    with open_store(path, write=True) as store:
        add(store, 3000, 3001)
        assert cache.states(store)[0].state == "foreign"
        assert findings(store) == from_sqlite(store, monkeypatch)


def test_it_is_done_without_where_it_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.folder_of(path, "pdq").parent.write_text("in the way")
    with open_store(path) as store:
        assert findings(store) == from_sqlite(store, monkeypatch)


def _load(path: Path, results: multiprocessing.Queue[int]) -> None:
    with open_store(path) as store:
        for _time in range(10):
            results.put(sum(map(len, findings(store))))
            shutil.rmtree(cache.folder_of(path, "pdq"), ignore_errors=True)


def test_two_processes_may_make_and_use_it_at_once(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_load, args=(path, results)) for _each in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _each in range(20)]
    for process in processes:
        process.join()
    assert found == [16] * 20


def test_hashes_that_are_too_common_are_so_in_the_cache_and_beside_it(path: Path) -> None:
    """What `lint` notes."""
    with open_store(path, write=True) as store:
        findings(store)
        add(store, 1000)
        with store.transaction() as connection:
            note = "INSERT INTO common_hash (algorithm, bits, found, added) VALUES ('pdq', ?, 100, '')"
            connection.executemany(note, [(bits_of(7),), (bits_of(1000),)])
        reasons = {each.reference_id: each.reason for found in findings(store)[::5] for each in found}
        assert reasons == {1: "same-hash", 8: "common-hash", 151: "same-hash", 300: "same-hash", 301: "common-hash"}
        assert len(cache.load(store, "pdq", PDQ)) == 2


class TestLocalFeatures:
    """The same for local features, of which there may be hits that are gone: what asks for them notices."""

    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(cache, "FEATURES_CACHED_FROM", 1)
        monkeypatch.setattr(cache, "MOST_LATER_FEATURES", 45)
        with open_store(tmp_path / "x.db", write=True) as store:
            self.add(store, *range(12))
        return tmp_path / "x.db"

    def made(self, seed: int) -> LocalFeatures:
        """Twenty features at any place, that are like no others."""
        chance = np.random.default_rng(seed)
        places, angles = chance.uniform(0, 300, (20, 2)), chance.uniform(0, 6, 20)
        levels, bits = np.zeros(20, np.int64), chance.integers(0, 256, (20, 32), np.uint8)
        return pack(400, 300, places, angles, levels, bits)

    def add(self, store: Store, *seeds: int, name: str = "") -> None:
        for seed in seeds:
            add_measured(store, measured(name or f"picture {seed}", features=(self.made(seed).to_bytes(),)))

    def candidates(self, store: Store, *seeds: int) -> list[list[int]]:
        """Of each picture, the references that it may be."""
        loaded = cache.load_features(store)
        return [[each for table in loaded for each in table.candidates(self.made(seed))] for seed in seeds]

    def test_are_found_with_the_cache_and_without(self, path: Path) -> None:
        with open_store(path) as store:
            for _time in ("while it is made", "when it is used"):
                assert self.candidates(store, 0, 11, 99) == [[1], [12], []]
            assert len(list(cache.folder_of(path, "orb").iterdir())) == 2
            assert [(each.algorithm, each.state, each.hashes) for each in cache.states(store)] == [
                ("orb", "current", 240)
            ]

    def test_few_of_them_need_none(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "FEATURES_CACHED_FROM", 241)
        with open_store(path) as store:
            assert self.candidates(store, 3) == [[4]]
            assert not cache.folder_of(path, "orb").exists()

    def test_what_came_later_is_found_beside_it(self, path: Path) -> None:
        with open_store(path, write=True) as store:
            self.candidates(store)
            self.add(store, 100, 101)
            assert self.candidates(store, 3, 100) == [[4], [13]]
            assert len(cache.load_features(store)) == 2
            assert cache.states(store)[0].state == "older"
            self.add(store, 102)
            assert self.candidates(store, 3, 100, 102) == [[4], [13], [15]]
            assert len(cache.load_features(store)) == 1, "it is made anew"

    def test_replaced_ones_are_found_by_what_they_are(self, path: Path) -> None:
        with open_store(path, write=True) as store:
            self.candidates(store)
            self.add(store, 50, name="picture 3")
            assert self.candidates(store, 50) == [[4]]

    def test_a_set_without_any_has_no_table(self, tmp_path: Path) -> None:
        with open_store(tmp_path / "y.db", write=True) as store:
            add(store, 1, 2)
            assert cache.load_features(store) == []
            assert not cache.folder_of(tmp_path / "y.db", "orb").exists()

    def test_damage_is_noticed_and_mended(self, path: Path, tmp_path: Path) -> None:
        folder, sound = cache.folder_of(path, "orb"), tmp_path / "sound"
        with open_store(path) as store:
            self.candidates(store)
            shutil.copytree(folder, sound)
            for name in damaged(sound):
                shutil.rmtree(folder)
                shutil.copytree(sound, folder)
                damaged(folder)[name]()
                assert self.candidates(store, 0, 11, 99) == [[1], [12], []], name
                assert cache.states(store)[0].state == "current", name
            assert len(damaged(sound)) == 48

    def test_another_database_s_cache_is_not_used(self, path: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.db"
        with open_store(other, write=True) as store:
            self.add(store, *range(50, 60))
            self.candidates(store)
        shutil.copytree(cache.folder_of(other, "orb").parent, cache.folder_of(path, "orb").parent)
        with open_store(path) as store:
            assert cache.states(store)[0].state == "foreign"
            assert self.candidates(store, 0, 50) == [[1], []]

    def test_facts_that_contradict_the_index_are_damage(self, path: Path) -> None:
        with open_store(path) as store:
            self.candidates(store)
            folder = cache.folder_of(path, "orb")
            (named,) = folder.glob("facts-*")
            facts = named.read_bytes()
            # As sound as can be told from digests, and yet of a reference too few.
            index, _facts, made_of = cache._open(folder, cache.ApproximateIndex, cache.FEATURES_FORM)
            cache._save(folder, index, facts[:-16], made_of, cache.FEATURES_FORM)
            assert self.candidates(store, 0, 11) == [[1], [12]]


def test_what_only_has_the_name_of_a_hasher_is_not_searched(tmp_path: Path) -> None:
    """A list may have brought such hashes before this program had the hasher, and then they may have any length."""
    with open_store(tmp_path / "x.db", write=True) as store:
        with store.transaction() as connection:
            items = [ListItem("image", hashes=(Hash("dhash", bytes(width)),)) for width in (8, 16, 24)]
            add_items(connection, ACTOR, [entry_of(item, Membership("c")) for item in items])
        assert [len(table) for table in cache.load(store, "dhash", thresholds()["dhash"])] == [1]
        packed = [row for number in (1, 2, 3) for row in hash_rows.packed_of(store.connection, number, "dhash")]
        assert [each.reference_id for each in packed] == [1]
        found = LocalSearcher(store).matches(Fingerprint("image", 1, hashes=(Hash("dhash", bytes(8)),)))
        assert [match.reference.id for match in found] == [1]

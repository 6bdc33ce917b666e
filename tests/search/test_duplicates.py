"""What an import tells of new references that show the same as older ones, held against comparing all with all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hashmatch
from hashmatch.records import Hash, ListItem
from hashmatch.search import cache, duplicates
from hashmatch.search.duplicates import NearDuplicate, near_duplicates
from hashmatch.store import Store, curate, generation, open_store
from hashmatch.workflows.import_list import import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.drawn_pictures import animation, picture
from tests.support.indexed_files import index_paths
from tests.support.made_references import ME, add_entry, flip, pdq_bits


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "x.db", write=True) as opened:
        yield opened


def newest(store: Store) -> int:
    return generation.current(store.connection).newest


def add(store: Store, number: int, bits: bytes, quality: int | None = 100, time: float | None = None) -> int:
    kind = "image" if time is None else "video"
    return add_entry(store, ListItem(kind=kind, sha256=f"{number:064x}", hashes=(Hash("pdq", bits, quality, time),)))[0]


@pytest.mark.slow
@settings(max_examples=60)
@given(
    of=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.sampled_from([100, 100, 49, None])), max_size=14),
    after=st.integers(0, 14),
    cached=st.booleans(),
)
def test_equals_the_obvious(
    tmp_path_factory: pytest.TempPathFactory, of: list[tuple[int, int, int | None]], after: int, cached: bool
) -> None:
    """of: for each reference the picture that it shows, how many bits were flipped, and the quality."""
    hashes = [(flip(pdq_bits(picture), flips), quality) for picture, flips, quality in of]
    with (
        pytest.MonkeyPatch.context() as patch,
        open_store(tmp_path_factory.mktemp("set") / "x.db", write=True) as store,
    ):
        patch.setattr(cache, "CACHED_FROM", 1 if cached else 1000)
        last, ids = 0, []
        for number, (bits, quality) in enumerate(hashes):
            ids.append(add(store, number, bits, quality))
            last = newest(store) if number < after else last
        expected = {}
        for number, (bits, quality) in enumerate(hashes[after:], after):
            alike = [
                ((int.from_bytes(bits) ^ int.from_bytes(older)).bit_count(), other)
                for other, (older, its) in enumerate(hashes[:number])
                if its != 49
            ]
            if quality != 49 and alike and min(alike)[0] <= 31:
                expected[ids[number]] = min(alike)[0]
        assert {found.reference_id: found.distance for found in near_duplicates(store, last)} == expected


def test_of_many_those_that_are_close_are_all_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many at once, by several processes."""
    last = newest(store)
    for number in range(60):
        add(store, 2 * number, pdq_bits(number))
        add(store, 2 * number + 1, flip(pdq_bits(number), number % 40))
    expected = {each.reference_id: each for each in near_duplicates(store, last)}
    assert {each.distance for each in expected.values()} == set(range(32))
    monkeypatch.setattr(duplicates, "MANY", 50)
    monkeypatch.setattr(duplicates, "AT_ONCE", 7)
    found = {each.reference_id: each for each in near_duplicates(store, last)}
    assert found.items() <= expected.items()
    sure = {number for number, each in expected.items() if each.distance <= duplicates.SURE}
    assert sure <= found.keys()


def test_retracted_ones_do_not_count(store: Store) -> None:
    one, last = add(store, 1, pdq_bits(1)), newest(store)
    two = add(store, 2, flip(pdq_bits(1), 5))
    assert list(near_duplicates(store, last)) == [NearDuplicate(two, one, 5)]
    with store.transaction() as connection:
        curate.retract(connection, ME, one, "wrong")
    assert list(near_duplicates(store, last)) == []


def test_a_still_is_no_duplicate_of_a_film_that_shows_it(store: Store) -> None:
    last = newest(store)
    add(store, 1, pdq_bits(1), time=0.0)
    add(store, 2, pdq_bits(1))
    assert list(near_duplicates(store, last)) == []


def test_films(store: Store, tmp_path: Path) -> None:
    original = animation(tmp_path / "original.webp", range(8))
    index_paths(store, original)
    last = newest(store)
    index_paths(store, animation(tmp_path / "copy.gif", range(8)))
    index_paths(store, animation(tmp_path / "quote.webp", [*range(200, 208), 3]))
    found = list(near_duplicates(store, last))
    assert [(each.reference_id, each.older_id) for each in found] == [(2, 1)]


@pytest.mark.slow
def test_one_hash_twenty_thousand_times(store: Store, tmp_path: Path) -> None:
    """Compared all with all, these would be two hundred million pairs."""
    path = tmp_path / "list.csv"
    bits = pdq_bits(1).hex()
    with path.open("w") as file:
        file.write("kind,sha256,algorithm,hash,quality\n")
        file.writelines(f"image,{number:064x},pdq,{bits},100\n" for number in range(1, 20_001))
    report = import_list(store, ME, path, ImportPlan("c"), format_name="csv")
    assert (report.added, report.duplicates) == (20_000, 19_999)


def test_import_tells_them(store: Store, tmp_path: Path) -> None:
    index_paths(store, picture(tmp_path / "1.jpg", 1))
    copy = hashmatch.hash_file(picture(tmp_path / "copy.webp", 1, 40))
    other = hashmatch.hash_file(picture(tmp_path / "2.jpg", 2))
    path = tmp_path / "list"
    path.write_text("".join(f"{each.hashes[0].bits.hex()}{os.linesep}" for each in (copy, other)))
    told: list[NearDuplicate] = []
    report = import_list(store, ME, path, format_name="pdq", duplicate=told.append)
    assert (report.added, report.duplicates) == (2, 1)
    assert [(each.reference_id, each.older_id) for each in told] == [(2, 1)]
    again = import_list(store, ME, path, format_name="pdq")
    assert (again.known, again.duplicates) == (2, 0)

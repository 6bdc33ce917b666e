"""What cannot be relied on is found, and demoted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.hashers import GUARD, blocks
from hashmatch.matching.results import Match
from hashmatch.records import Fingerprint, Hash, ListItem
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, hash_rows, open_store
from hashmatch.store.curate import set_common_hashes
from hashmatch.workflows.lint import lint
from tests.support.layered_scenes import layered_scene
from tests.support.made_references import ME, add, add_entry, flip, measured, pdq, pdq_bits


def blocks_of(seed: int) -> Hash:
    return Hash(GUARD, blocks.pack(blocks.levels_of(layered_scene(seed))), version=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "reference.db", write=True) as made:
        yield made


def demote(store: Store, too_common: int) -> None:
    with store.transaction() as connection:
        found = {each.bits: each.found for each in lint(store, too_common).common}
        set_common_hashes(connection, ME, "pdq", found)


def matches(store: Store, seed: object) -> list[Match]:
    return LocalSearcher(store).matches(Fingerprint("image", 1, hashes=(pdq(seed),)))


def test_a_sound_set_has_no_findings(store: Store) -> None:
    for name in "abc":
        add(store, name)
    report = lint(store)
    assert (report.hashes, report.findings, report.low_quality) == (3, 0, 0)


def test_hashes_that_say_nothing(store: Store) -> None:
    add(store, measured("dark", (Hash("pdq", pdq_bits("dark"), 3),)))
    add(store, measured("dim", (Hash("pdq", pdq_bits("dim"), 30),)))
    for bits in (bytes(32), b"\xff" * 32, pdq_bits("listed")):
        add_entry(store, ListItem("image", hashes=(Hash("pdq", bits),)))
    report = lint(store)
    assert (report.hashes, report.low_quality, report.featureless, report.implausible) == (5, 1, 1, 2)
    assert report.findings == 3 and len(report.examples) == 3


def test_a_card_that_many_films_begin_with(store: Store) -> None:
    for number in range(12):
        card = Hash("pdq", flip(pdq_bits("card"), number), 100, 0.0)
        add(store, measured(f"film {number}", (card, pdq(number, time=1.0)), "video"))
    assert lint(store, 13).common == ()
    report = lint(store, 12)
    assert {each.found for each in report.common} == {12}
    assert pdq_bits("card") in {each.bits for each in report.common}
    assert {match.tier for match in matches(store, "card")} == {"near"}
    demote(store, 12)
    found = matches(store, "card")
    assert {match.tier for match in found} == {"possible"} and len(found) == 12
    assert {match.tier for match in matches(store, 3)} == {"near"}  # a frame that one film alone has


def test_copies_of_one_picture_are_no_common_hash(store: Store) -> None:
    for number in range(8):
        picture = Hash("pdq", flip(pdq_bits("picture"), number), 100, version=1)
        add(store, measured(f"copy {number}", (picture, blocks_of(1))))
    assert lint(store, 5).common == ()
    for number in range(8):
        card = Hash("pdq", flip(pdq_bits("card"), number), 100, version=1)
        add(store, measured(f"card {number}", (card, blocks_of(10 + number))))
    report = lint(store, 5)
    assert {each.found for each in report.common} == {7}  # all but itself
    assert len(report.common) == 8


def test_a_list_may_call_other_hashes_by_the_name_of_blocks(store: Store) -> None:
    for number in range(5):
        card = Hash("pdq", flip(pdq_bits("card"), number), 100)
        add(store, measured(f"card {number}", (card, Hash(GUARD, bytes(16)))))
    assert {each.found for each in lint(store, 5).common} == {5}


def test_the_reason_is_told(store: Store) -> None:
    for number in range(5):
        add(store, measured(f"card {number}", (Hash("pdq", flip(pdq_bits("card"), number), 100, version=1),)))
    demote(store, 5)
    assert {match.reason for match in matches(store, "card")} == {"common-hash"}


def test_demoting_again_forgets_what_is_common_no_more(store: Store) -> None:
    for number in range(5):
        add(store, measured(f"card {number}", (Hash("pdq", flip(pdq_bits("card"), number), 100, version=1),)))
    demote(store, 5)
    assert len(hash_rows.common_hashes(store.connection, "pdq")) == 5
    demote(store, 6)
    assert hash_rows.common_hashes(store.connection, "pdq") == []
    actions = [row[0] for row in store.connection.execute("SELECT action FROM audit WHERE action = 'demote'")]
    assert len(actions) == 2

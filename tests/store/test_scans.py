"""Scans that were kept, and what of them rests on references that were taken back."""

from __future__ import annotations

import pytest

from hashmatch.store import Store, curate, scans, verify
from tests.support.kept_scans import keep, match, retract
from tests.support.made_references import ME, actions, add


@pytest.fixture
def known(store: Store) -> Store:
    """Five references; 4 and 5 are on the allow list, 3 is in two collections."""
    for name in "abcde":
        add(store, name, allow=name in "de")
    add(store, "c", collection="two")
    return store


def recalled(store: Store) -> list[scans.Recalled]:
    return list(scans.resting_on(store.connection, scans.withdrawn(store.connection)))


def test_a_scan_is_kept_and_audited(known: Store) -> None:
    scan_id = keep(known, b"/x", match(1))
    row = known.connection.execute("SELECT operator, settings, finished IS NOT NULL FROM recorded_scan").fetchone()
    assert row == ("tester", '{"profile": "fast"}', 1)
    assert actions(known)[-2:] == ["scan", "scanned"]
    assert scans.last_result(known.connection, scan_id) == 1
    assert scans.last_result(known.connection, scan_id + 1) == 0
    assert list(verify.check(known)) == []


def test_nothing_is_recalled_while_all_references_live(known: Store) -> None:
    keep(known, b"/x", match(1), match(2))
    assert scans.withdrawn(known.connection) == set()
    assert recalled(known) == []


def test_what_rests_on_a_retracted_reference(known: Store) -> None:
    keep(known, b"/\xff", match(1, "exact"))
    keep(known, b"/both", match(1, "exact"), match(3, "possible"), match(2))
    keep(known, b"/other", match(2))
    retract(known, 1)
    alone, both = recalled(known)
    assert (alone.path, alone.sha256, alone.tier, alone.supported_by) == (b"/\xff", "ab" * 32, "exact", ())
    (rested,) = alone.rested_on
    assert (rested.reference, rested.live, rested.reason) == (1, False, "mistaken")
    assert rested.retracted is not None
    assert rested.match["reference"]["id"] == 1
    assert both.path == b"/both"
    assert [(each.reference, each.tier) for each in both.supported_by] == [(2, "near"), (3, "possible")]
    assert scans.count_resting_on(known.connection, {1}) == 2
    assert scans.count_resting_on(known.connection, {1, 2}) == 3
    assert scans.count_resting_on(known.connection, ()) == 0


def test_a_reference_that_another_collection_stands_by_is_live(known: Store) -> None:
    keep(known, b"/x", match(3))
    retract(known, 3, collection="one")
    assert recalled(known) == []
    (asked,) = scans.resting_on(known.connection, {3})
    assert asked.rested_on[0].live
    assert [each.reference for each in asked.supported_by] == [3]
    retract(known, 3)
    assert len(recalled(known)) == 1


def test_a_restored_reference_recalls_nothing(known: Store) -> None:
    keep(known, b"/x", match(1))
    retract(known, 1)
    with known.transaction() as connection:
        curate.restore(connection, ME, 1)
    assert recalled(known) == []


def test_what_was_allowed_rests_on_the_allow_list(known: Store) -> None:
    keep(known, b"/allowed", match(4, allow=True), match(1), status="allowed")
    keep(known, b"/match", match(1, "exact"), match(4, allow=True))
    retract(known, 1)
    assert [each.path for each in recalled(known)] == [b"/match"]
    assert recalled(known)[0].supported_by == (), "that the allow list explains it too is no support"
    retract(known, 4)
    assert [each.path for each in recalled(known)] == [b"/allowed", b"/match"]
    assert recalled(known)[0].supported_by == ()
    assert [each.reference for each in recalled(known)[0].rested_on] == [4]


def test_what_is_on_the_allow_list_by_now_supports_no_match(known: Store) -> None:
    keep(known, b"/x", match(1), match(2))
    retract(known, 1)
    with known.transaction() as connection:
        curate.set_allow(connection, ME, 2, True)
    assert recalled(known)[0].supported_by == ()

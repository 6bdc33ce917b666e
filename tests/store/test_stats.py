"""Counts for a report: of everything, of a period, of a collection."""

from __future__ import annotations

import pytest

from hashmatch.errors import CommandError
from hashmatch.records import ListItem, Opinion
from hashmatch.store import Store, curate, opinions, stats
from hashmatch.store.stats import Matches, Month, Opinions, Period, ShareOfReferences, Totals
from tests.support.kept_scans import keep, match, retract
from tests.support.made_references import ME, add, add_entry, digests_of


@pytest.fixture
def known(store: Store) -> Store:
    """Four references of two collections, added in two months, with labels given here and by a list, one retracted, one
    disputed; and three recorded results."""
    add(store, "a", source="unit", labels=("x", "y"))
    add(store, "b", source="unit", labels=("x",))
    add(store, "c", allow=True)
    item = ListItem(sha256=digests_of(b"d").sha256, kind="video")
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO import (name, format, sha256, items, refused, imported) VALUES ('l', 'jsonl', x'00', 0, 0, 'now')"
        )
    for name in ("two", "three"):
        add_entry(store, item, collection=name, source="partner", labels=("x", "z"), import_id=1)
    keep(store, b"/1", match(1, "exact"), match(2))
    keep(store, b"/2", match(2))
    keep(store, b"/3", match(3, allow=True), status="allowed")
    retract(store, 2)
    with store.transaction() as connection:
        opinions.give(connection, ME, 1, Opinion("disputed", "me", "2025-02-03T00:00:00Z"))
        opinions.give(connection, ME, 1, Opinion("confirmed", "you", "2025-02-03T00:00:00Z"))
        opinions.give(connection, ME, 4, Opinion("false-positive", "me", "2025-04-03T00:00:00Z"))
    for statement in (
        "UPDATE reference SET added = '2025-01-31T23:59:59Z' WHERE id <= 2",
        "UPDATE reference SET added = '2025-02-01T00:00:00Z' WHERE id > 2",
        "UPDATE membership SET retracted = '2025-03-01T00:00:00Z' WHERE retracted IS NOT NULL",
        "UPDATE recorded_scan SET at = '2025-0' || id || '-10T00:00:00Z'",
    ):
        store.connection.execute(statement)
    return store


def test_everything(known: Store) -> None:
    counted = stats.count(known.connection)
    assert counted.totals == Totals(4, 3, 1, images=2, videos=1, allowed=1, disputed=2)
    assert counted.collections == (
        ShareOfReferences("one", 3, 2, 1, 1),
        ShareOfReferences("three", 1, 1, 0, 1),
        ShareOfReferences("two", 1, 1, 0, 1),
    )
    assert counted.sources == (
        ShareOfReferences("unit", 2, 1, 1, 1),
        ShareOfReferences(None, 1, 1, 0, 0),
        ShareOfReferences("partner", 1, 1, 0, 1),
    )
    assert counted.labels == (
        ShareOfReferences("x", 3, 2, 1, 2),
        ShareOfReferences("y", 1, 1, 0, 1),
        ShareOfReferences("z", 1, 1, 0, 1),
    )
    assert counted.months == (
        Month("2025-01", added=2, matches=1),
        Month("2025-02", added=2, disputes=1, matches=1),
        Month("2025-03", retracted=1, allowed=1),
        Month("2025-04", disputes=1),
    )
    assert counted.matches == Matches(3, exact=1, near=1, possible=0, allowed=1, recalled=2)
    assert counted.opinions == Opinions(1, 1, 1)


def test_of_a_period(known: Store) -> None:
    counted = stats.count(known.connection, Period("2025-02", "2025-03"))
    assert counted.totals == Totals(2, 2, 0, images=1, videos=1, allowed=1, disputed=1)
    assert [(each.name, each.references) for each in counted.collections] == [("one", 1), ("three", 1), ("two", 1)]
    assert [(each.name, each.references) for each in counted.labels] == [("x", 1), ("z", 1)]
    assert [each.month for each in counted.months] == ["2025-02", "2025-03"]
    assert counted.matches == Matches(2, exact=0, near=1, possible=0, allowed=1, recalled=1)
    assert counted.opinions == Opinions(1, 1, 0)
    assert stats.count(known.connection, Period(until="2025-01")).totals.references == 2
    assert stats.count(known.connection, Period(since="2025-03")).totals == Totals(0, 0, 0, 0, 0, 0, 0)


def test_of_a_collection(known: Store) -> None:
    counted = stats.count(known.connection, collections=["two"])
    assert counted.totals == Totals(1, 1, 0, images=0, videos=1, allowed=0, disputed=1)
    assert counted.collections == (ShareOfReferences("two", 1, 1, 0, 1),)
    assert [each.name for each in counted.labels] == ["x", "z"]
    assert [each.month for each in counted.months] == ["2025-02", "2025-04"]
    assert counted.matches == Matches(3, 0, 0, 0, 0, 0)
    assert counted.opinions == Opinions(0, 0, 1)
    assert stats.count(known.connection, collections=["one", "two"]).totals.references == 4
    with pytest.raises(CommandError, match="no collection"):
        stats.count(known.connection, collections=["four"])


def test_of_nothing(store: Store) -> None:
    counted = stats.count(store.connection)
    assert counted.totals == Totals(0, 0, 0, 0, 0, 0, 0)
    assert (counted.labels, counted.months, counted.matches.scans) == ((), (), 0)


def test_a_collection_that_withdrew_what_another_stands_by(known: Store) -> None:
    with known.transaction() as connection:
        curate.retract(connection, ME, 4, None, "three")
    counted = stats.count(known.connection)
    assert counted.totals.retracted == 1
    assert {each.name: each.retracted for each in counted.collections} == {"one": 1, "two": 0, "three": 1}
    assert {each.name: each.retracted for each in counted.sources} == {"unit": 1, None: 0, "partner": 0}


def test_labels_used(known: Store) -> None:
    assert stats.labels_used(known.connection) == {"x": 3, "y": 1, "z": 1}

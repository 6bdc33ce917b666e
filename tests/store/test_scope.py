"""Which references a search looks among."""

from __future__ import annotations

import pytest

from hashmatch.errors import CommandError
from hashmatch.records import Hash, ListItem
from hashmatch.store import Store, curate
from hashmatch.store.scope import SearchScope
from tests.support.made_references import ME, add, add_entry


@pytest.fixture
def known(store: Store) -> Store:
    """1 is in collections one and two, 2 in two only, 3 allowed in three, 4 withdrawn from one, 5 withdrawn altogether."""
    add(store, "1", collection="one")
    add(store, "1", collection="two")
    add(store, "2", collection="two")
    add(store, "3", collection="three", allow=True)
    add(store, "4", collection="one")
    add(store, "4", collection="four")
    add(store, "5", collection="one", allow=True)
    with store.transaction() as connection:
        curate.retract(connection, ME, 4, None, "one")
        curate.retract(connection, ME, 5, None)
    return store


@pytest.mark.parametrize(
    ("collections", "allowed", "expected"),
    [
        ((), False, {1, 2, 3, 4}),
        ((), True, {3}),
        (("one",), False, {1, 3}),
        (("two",), False, {1, 2, 3}),
        (("three",), False, {3}),
        (("two", "four"), False, {1, 2, 3, 4}),
        (("one",), True, {1, 3}),
    ],
)
def test_has(known: Store, collections: tuple[str, ...], allowed: bool, expected: set[int]) -> None:
    scope = SearchScope.of(known.connection, collections, allowed)
    assert {number for number in range(8) if scope.has(known.connection, number)} == expected


def test_unknown_collection(known: Store) -> None:
    with pytest.raises(CommandError, match="there is no collection 'six'"):
        SearchScope.of(known.connection, ("one", "six"), False)


@pytest.mark.parametrize("collections", [(), ("one",), ("two",), ("two", "four"), ("three", "one")])
def test_there_is_something_to_compare_with(known: Store, collections: tuple[str, ...]) -> None:
    SearchScope.of(known.connection, collections, False).require_known(known.connection)


class TestNothingToCompareWith:
    def said(self, store: Store, *collections: str) -> str:
        with pytest.raises(CommandError) as caught:
            SearchScope.of(store.connection, collections, False).require_known(store.connection)
        return str(caught.value)

    def test_an_empty_set(self, store: Store) -> None:
        assert "is empty" in self.said(store)

    def test_collections_that_are_allowed_or_withdrawn(self, known: Store) -> None:
        assert "collections that were named" in self.said(known, "three")
        with known.transaction() as connection:
            curate.retract(connection, ME, 1, None, "one")
        assert "collections that were named" in self.said(known, "one")

    def test_an_allow_list(self, store: Store) -> None:
        add(store, "1", allow=True)
        assert "an allow list, and nothing else" in self.said(store)

    def test_retracted_references(self, store: Store) -> None:
        add(store, "1")
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        assert "all references are retracted" in self.said(store)

    def test_hashes_that_nobody_searches(self, store: Store) -> None:
        add_entry(store, ListItem(kind="image", hashes=(Hash("photodna", bytes(144)),)))
        assert "no hash that is searched" in self.said(store)
        add_entry(store, ListItem(kind="image", hashes=(Hash("pdq", bytes(range(32))),)))
        SearchScope().require_known(store.connection)

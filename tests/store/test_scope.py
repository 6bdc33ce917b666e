"""Which references a search looks among."""

from __future__ import annotations

import pytest

from hashmatch.errors import CommandError
from hashmatch.store import Store, curate
from hashmatch.store.scope import SearchScope
from tests.support.made_references import ME, add


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

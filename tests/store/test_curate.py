"""Labels, retractions, the allow list and collections."""

from __future__ import annotations

import pytest

from hashmatch.errors import CommandError
from hashmatch.store import Store, curate, lookup
from hashmatch.store.membership import Membership, ensure_collection
from tests.support.made_references import ME, add


@pytest.fixture
def known(store: Store) -> Store:
    """Reference 1 in collections "one" and "two", 2 in "one"; an empty collection "none" is there too."""
    add(store, "a", tlp="green", labels=("x",))
    add(store, "a", collection="two")
    add(store, "b")
    with store.transaction() as connection:
        ensure_collection(connection, ME, Membership("none"))
    return store


def retracted(store: Store) -> dict[str, bool]:
    return {s.collection: s.retracted is not None for s in lookup.reference(store.connection, 1).sources}


def test_collections_count_their_references(known: Store) -> None:
    with known.transaction() as connection:
        curate.retract(connection, ME, 1, None, "one")
    found = {c.name: (c.tlp, c.references, c.retracted) for c in curate.collections(known.connection)}
    assert found == {"none": (None, 0, 0), "one": ("green", 2, 1), "two": (None, 1, 0)}
    assert list(found) == sorted(found)


def test_a_collections_rule_and_note(known: Store) -> None:
    with known.transaction() as connection:
        curate.set_collection(connection, ME, "two", tlp="red")
        curate.set_collection(connection, ME, "two", note="a note")
        with pytest.raises(CommandError, match="there is no collection 'three'"):
            curate.set_collection(connection, ME, "three", tlp="red")
    two = next(c for c in curate.collections(known.connection) if c.name == "two")
    assert (two.tlp, two.note) == ("red", "a note")
    reference = lookup.reference(known.connection, 1)
    assert {source.collection: source.tlp for source in reference.sources} == {"one": "green", "two": "red"}
    assert reference.tlp == "red"


def test_labels(known: Store) -> None:
    with known.transaction() as connection:
        curate.set_labels(connection, ME, 1, ["z", "y", "z"], ["x", "never there"])
    assert lookup.reference(known.connection, 1).labels == ("y", "z")
    assert lookup.reference(known.connection, 2).labels == ()
    with pytest.raises(CommandError), known.transaction() as connection:
        curate.set_labels(connection, ME, 99, ["z"], [])


def test_retract_and_restore_everywhere(known: Store) -> None:
    with known.transaction() as connection:
        assert curate.retract(connection, ME, 1, "why") == 2
        assert curate.retract(connection, ME, 1, "again") == 0
    reference = lookup.reference(known.connection, 1)
    assert not reference.live
    assert {s.retraction_reason for s in reference.sources} == {"why"}
    assert {s.opinion for s in reference.sources} == {"retracted"}
    assert lookup.reference(known.connection, 2).live
    with known.transaction() as connection:
        assert curate.restore(connection, ME, 1) == 2
        assert curate.restore(connection, ME, 1) == 0
    reference = lookup.reference(known.connection, 1)
    assert reference.live
    assert {(s.retracted, s.retraction_reason, s.opinion) for s in reference.sources} == {(None, None, "malicious")}


def test_retract_and_restore_in_one_collection(known: Store) -> None:
    with known.transaction() as connection:
        assert curate.retract(connection, ME, 1, None, "one") == 1
    assert retracted(known) == {"one": True, "two": False}
    assert lookup.reference(known.connection, 1).live
    with known.transaction() as connection:
        assert curate.retract(connection, ME, 1, None) == 1
    assert retracted(known) == {"one": True, "two": True}
    with known.transaction() as connection:
        assert curate.restore(connection, ME, 1, "two") == 1
    assert retracted(known) == {"one": True, "two": False}
    for change in (curate.retract, lambda *args: curate.restore(*args[:3], args[4])):
        with pytest.raises(CommandError, match="no collection 'three'"), known.transaction() as connection:
            change(connection, ME, 1, None, "three")


def test_the_allow_list(known: Store) -> None:
    with known.transaction() as connection:
        assert curate.set_allow(connection, ME, 1, True)
        assert not curate.set_allow(connection, ME, 1, True)
        curate.retract(connection, ME, 1, None, "two")
    reference = lookup.reference(known.connection, 1)
    assert reference.allow
    assert {s.collection: s.opinion for s in reference.sources} == {"one": "benign", "two": "disputed"}
    assert not lookup.reference(known.connection, 2).allow
    with known.transaction() as connection:
        assert curate.set_allow(connection, ME, 1, False)
    assert not lookup.reference(known.connection, 1).allow

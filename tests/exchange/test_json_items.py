"""Items as JSON records, and hashes in the shorter form that other tools can read too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange.fields import LineError
from hashmatch.exchange.json_items import entry_uuid, hashes_of_short, last_word, short_hashes
from hashmatch.records import Hash, ListItem, Opinion
from tests.support.list_items import BRIDGE, MD5, PICTURE, SHA256, hashes

BITS = bytes.fromhex(BRIDGE)


def test_the_short_form() -> None:
    picture, film = Hash("pdq", BITS, 100, version=1), Hash("pdq", BITS, 99, 1.5, version=1)
    other = replace(film, view="trim")
    assert short_hashes([picture, film, other]) == {
        "pdq": BRIDGE,
        "pdq_quality": 100,
        "pdq_version": 1,
        "vpdq": [f"{BRIDGE},99,1.5"],
        "hashes": [{"algorithm": "pdq", "version": 1, "hash": BRIDGE, "quality": 99, "time": 1.5, "view": "trim"}],
    }
    assert short_hashes([]) == {}


@given(st.lists(hashes, max_size=8))
def test_nothing_is_lost_by_it(listed: list[Hash]) -> None:
    assert set(hashes_of_short(short_hashes(listed))) == set(listed)


@pytest.mark.parametrize(
    "frame", ["", ",,", f"{BRIDGE},100", f"{BRIDGE},100,x", f"{BRIDGE},101,1.0", f"{BRIDGE[1:]},1,1"]
)
def test_bad_frames_are_refused(frame: str) -> None:
    with pytest.raises(LineError):
        hashes_of_short({"vpdq": [f"{BRIDGE},100,1.0", frame or "x"]})


def test_frames_of_other_tools() -> None:
    assert hashes_of_short({"vpdq": [f"{BRIDGE.upper()},100,1.23e+03"]}) == (Hash("pdq", BITS, 100, 1230.0),)


def test_an_entry_has_the_same_uuid_whatever_is_said_of_it() -> None:
    later = replace(PICTURE, labels=(), retracted="2026-11-22T00:00:00Z", opinions=(Opinion("disputed"),), size=None)
    assert entry_uuid(PICTURE) == entry_uuid(later)
    others = [replace(PICTURE, sha256=MD5 * 2), replace(PICTURE, collection="west"), replace(PICTURE, source=None)]
    hashed = [ListItem(hashes=PICTURE.hashes[:1]), ListItem(hashes=PICTURE.hashes)]
    assert len({*map(entry_uuid, [PICTURE, *others, *hashed]), entry_uuid(PICTURE, "x")}) == 7
    assert entry_uuid(hashed[1]) == entry_uuid(ListItem(hashes=PICTURE.hashes[::-1]))
    assert str(entry_uuid(ListItem(sha256=SHA256))) == "4720236b-e8b6-528f-a336-2d82217606e4"


def test_the_last_word() -> None:
    assert last_word(ListItem()) == "1970-01-01T00:00:00.000000Z"
    assert (
        last_word(ListItem(added="2026-01-01T00:00:00Z", changed="2026-01-03T00:00:00Z"))
        == "2026-01-03T00:00:00.000000Z"
    )

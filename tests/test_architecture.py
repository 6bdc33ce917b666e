"""docs/architecture.md tells the truth: its drawing and tables are those of the contract and the code."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from docs.make_architecture import DRAWING, PAGE, Building, Place, building, drawing, drawn, page, spread

STALE = "run `make docs`"


@pytest.fixture(scope="module")
def house() -> Building:
    return building()


def test_the_drawing_is_fresh(house: Building) -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(house), STALE


def test_the_table_of_imports_is_fresh(house: Building) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(house, text), STALE


def test_the_drawing_shows_every_room_once(house: Building) -> None:
    texts = [each.text or "" for each in ET.fromstring(drawing(house)).iter("{http://www.w3.org/2000/svg}text")]
    shown = Counter(name for text in texts for name in text.split(" · "))
    assert {room: shown[room] for floor in house.floors for room in floor} == {
        room: 1 for floor in house.floors for room in floor
    }


def test_the_table_of_floors_has_every_room_on_its_floor(house: Building) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## The floors\n")[2].partition("## ")[0]
    floors = {number: set[str]() for number in range(1, len(house.floors) + 1)}
    for number, rooms in re.findall(r"^\| (\d+) \| (.*?) \|", section, re.MULTILINE):
        floors[int(number)] |= set(re.findall(r"`(\w+)`", rooms))
    assert [floors[number] for number in sorted(floors, reverse=True)] == [set(floor) for floor in house.floors]


def test_an_arrow_is_drawn_if_it_has_many_imports_or_is_the_only_way() -> None:
    arrows = Counter({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 9, ("b", "d"): 1, ("a", "d"): 10, ("d", "ground"): 99})
    house = Building([["a"], ["b"], ["c", "d"], ["ground"]], arrows)
    assert drawn(house) == [("a", "b"), ("a", "d"), ("b", "c"), ("b", "d")]


def test_places_keep_their_order_and_their_distance() -> None:
    row = [Place("a"), Place(""), Place("b"), Place("")]
    spread(row, [100.0, 90.0, 95.0, 1000.0])
    for left, right in itertools.pairwise(row):
        assert right.x - left.x >= (left.width + right.width) / 2 - 1e-9
    assert row[-1].x == 1000.0

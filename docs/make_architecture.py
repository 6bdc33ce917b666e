"""Draws docs/images/architecture.svg and the table of imports in docs/architecture.md: `make docs`.

The floors are those of the import-linter contract in pyproject.toml, the arrows are the imports that grimp finds. A test
fails when either is stale.
"""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
DRAWING = ROOT / "docs" / "images" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- imports: made by `make docs` -->\n", "<!-- imports: end -->\n"

#: Imports between two rooms from which on their arrow is drawn dark.
MANY = 10

# Pixels.
WIDTH, FLOOR, LEFT = 900, 76, 46
BOX, BOX_HEIGHT, GAP = 132, 36, 30
#: Room for an arrow that passes a floor.
PASSING = 16

STYLE = (
    "text { font: 15px system-ui, 'DejaVu Sans', sans-serif; fill: #1d2733 } .number { font-size: 12px; fill: #66727f } "
    ".floor { fill: #f3f5f8 } .odd { fill: #fafbfc } .room { fill: #ffffff; stroke: #33628f; stroke-width: 1.5 } "
    ".ground { fill: #e4e9ef } .many, .few { fill: none; stroke: #33628f; stroke-width: 1.4 } "
    ".few { stroke: #8fa8bf; stroke-width: 1.1 } .tip { fill: #33628f } .pale { fill: #8fa8bf }"
)


@dataclass(frozen=True, slots=True)
class Building:
    """The rooms of the package, and which imports which.

    floors: from the top; the lowest is the ground, where single modules stand. arrows: how many imports there are between
    the modules of two rooms.
    """

    floors: list[list[str]]
    arrows: Counter[tuple[str, str]]

    @property
    def ground(self) -> list[str]:
        return self.floors[-1]


def building() -> Building:
    """The floors from the contract, the arrows from the code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    floors = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    ground: list[str] = []
    while all((ROOT / "hashmatch" / f"{room}.py").exists() for room in floors[-1]):
        ground = floors.pop() + ground
    graph = grimp.build_graph("hashmatch", cache_dir=None)
    arrows = Counter[tuple[str, str]]()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            here, there = _room(importer), _room(imported)
            if here and there and here != there:
                arrows[here, there] += 1
    return Building([*floors, ground], arrows)


def _room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def imports_table(house: Building) -> str:
    """Which room imports which, as Markdown, for whoever reads in a terminal; the ground is left out."""
    lines = ["| floor | room | imports |", "|---|---|---|"]
    above = house.floors[:-1]
    for number, rooms in zip(range(len(house.floors), 1, -1), above, strict=True):
        for room in rooms:
            imported = [f"`{there}`" for floor in above for there in floor if house.arrows[room, there]]
            lines.append(f"| {number} | `{room}` | {', '.join(imported) or '–'} |")
    return "\n".join(lines) + "\n"


def page(house: Building, text: str) -> str:
    """The page with its table of imports made anew."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return before + BEGIN + "\n" + imports_table(house) + "\n" + END + after


@dataclass(slots=True)
class Place:
    """A room on its floor, or where an arrow passes a floor (then `room` is empty). x: its middle, in pixels."""

    room: str
    x: float = 0.0
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)

    @property
    def width(self) -> float:
        return BOX + GAP if self.room else PASSING


def drawn(house: Building) -> list[tuple[str, str]]:
    """The arrows that are drawn: those of many imports, and of the others those to rooms that no other way leads to.

    None goes to the ground, since everything stands on it.
    """
    arrows = [arrow for arrow in sorted(house.arrows) if not set(arrow) & set(house.ground)]

    def leads(here: str, there: str) -> bool:
        """Whether a way of two arrows or more leads from one room to another."""
        between = [other for room, other in arrows if room == here and other != there]
        return any((other, there) in house.arrows or leads(other, there) for other in between)

    return [arrow for arrow in arrows if house.arrows[arrow] >= MANY or not leads(*arrow)]


def drawing(house: Building) -> str:
    """The rooms on their floors and the arrows between them, as SVG."""
    rooms = {room: Place(room) for floor in house.floors[:-1] for room in floor}
    rows = [[rooms[room] for room in floor] for floor in house.floors[:-1]]
    floor_of = {room: number for number, floor in enumerate(house.floors) for room in floor}
    routes: dict[tuple[str, str], list[Place]] = {}
    for here, there in drawn(house):
        passing = [Place("") for _floor in range(floor_of[here] + 1, floor_of[there])]
        for number, place in enumerate(passing, floor_of[here] + 1):
            rows[number].append(place)
        routes[here, there] = [rooms[here], *passing, rooms[there]]
        for upper, lower in itertools.pairwise(routes[here, there]):
            upper.below.append(lower)
            lower.above.append(upper)
    _arrange(rows)
    return "\n".join(_svg(house, rows, routes)) + "\n"


def _arrange(rows: list[list[Place]]) -> None:
    """Order every row so that few arrows cross, and then put each place near the middle of those it is joined to."""
    best = [list(row) for row in rows]
    least = _crossings(rows)
    for turn in range(40):
        down = turn % 2 == 0
        for row in rows if down else reversed(rows):
            _number(rows)
            row.sort(key=lambda place: _middle(place.above if down else place.below, place.x))
        if (crossings := _crossings(rows)) < least:
            best, least = [list(row) for row in rows], crossings
    for row, ordered in zip(rows, best, strict=True):
        row[:] = ordered
    _number(rows)
    for turn in range(60):
        for row in rows if turn % 2 else reversed(rows):
            spread(row, [_middle(place.above + place.below, place.x) for place in row])
    middle = (LEFT + WIDTH) / 2
    ends = [place.x + sign * place.width / 2 for row in rows for place in row for sign in (-1, 1)]
    shift = middle - (min(ends) + max(ends)) / 2
    for row in rows:
        for place in row:
            place.x += shift


def _number(rows: list[list[Place]]) -> None:
    for row in rows:
        left = 0.0
        for place in row:
            place.x, left = left + place.width / 2, left + place.width


def _middle(places: Sequence[Place], otherwise: float) -> float:
    return sum(place.x for place in places) / len(places) if places else otherwise


def _crossings(rows: list[list[Place]]) -> int:
    """How many arrows cross between the floors."""
    count = 0
    for row in rows:
        order = {id(place): number for below in rows for number, place in enumerate(below)}
        ends = [order[id(lower)] for upper in row for lower in sorted(upper.below, key=lambda each: order[id(each)])]
        count += sum(left > right for left, right in itertools.combinations(ends, 2))
    return count


def spread(row: list[Place], wanted: list[float]) -> None:
    """Put the places of a row where they want to be, as far as none overlaps the next one (isotonic regression)."""
    offsets = list(itertools.accumulate((a.width / 2 + b.width / 2 for a, b in itertools.pairwise(row)), initial=0.0))
    blocks: list[tuple[float, int]] = []  # mean, and how many places share it
    for want, offset in zip(wanted, offsets, strict=True):
        mean, size = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _each in range(size)]
    for place, mean, offset in zip(row, means, offsets, strict=True):
        place.x = mean + offset


def _svg(house: Building, rows: list[list[Place]], routes: dict[tuple[str, str], list[Place]]) -> Iterator[str]:
    height = FLOOR * len(house.floors)
    top = {id(place): number * FLOOR for number, row in enumerate(rows) for place in row}
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">'
    yield f'<title id="title">The rooms of hashmatch on their floors; arrows are imports</title><style>{STYLE}</style>'
    yield (
        '<defs><marker id="many" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker>'
        '<marker id="few" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="pale" d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    for number in range(len(house.floors)):
        look = "ground" if number == len(rows) else "floor" if number % 2 else "floor odd"
        yield f'<rect class="{look}" y="{number * FLOOR}" width="{WIDTH}" height="{FLOOR}"/>'
        yield f'<text class="number" x="14" y="{number * FLOOR + FLOOR / 2 + 4:g}">{len(house.floors) - number}</text>'
    ports = _ports(list(routes.values()))
    for arrow, line in sorted(routes.items(), key=lambda each: house.arrows[each[0]] >= MANY):
        look = "many" if house.arrows[arrow] >= MANY else "few"
        yield f'<path class="{look}" marker-end="url(#{look})" d="{_path(line, top, ports)}"/>'
    for row in rows:
        for place in row:
            if place.room:
                x, y = place.x - BOX / 2, top[id(place)] + (FLOOR - BOX_HEIGHT) / 2
                yield f'<rect class="room" x="{x:.0f}" y="{y:g}" width="{BOX}" height="{BOX_HEIGHT}" rx="5"/>'
                yield f'<text x="{place.x:.0f}" y="{y + 23:g}" text-anchor="middle">{place.room}</text>'
    middle = height - FLOOR / 2
    names = house.ground
    half = (len(names) + 1) // 2
    for line, y in ((names[:half], middle - 6), (names[half:], middle + 16)):
        yield f'<text x="{(LEFT + WIDTH) / 2:g}" y="{y:g}" text-anchor="middle">{" · ".join(line)}</text>'
    yield "</svg>"


def _ports(lines: list[list[Place]]) -> Callable[[Place, Place], float]:
    """Where on the edge of a room the arrow from or to a place begins or ends."""
    found: dict[tuple[int, int], float] = {}
    rooms = {id(place): place for line in lines for place in (line[0], line[-1])}
    for key, room in rooms.items():
        for others in (
            [line[1] for line in lines if id(line[0]) == key],
            [line[-2] for line in lines if id(line[-1]) == key],
        ):
            for number, other in enumerate(sorted(others, key=lambda place: place.x), 1):
                found[key, id(other)] = room.x - BOX / 2 + BOX * number / (len(others) + 1)
    return lambda room, other: found[id(room), id(other)]


def _path(line: list[Place], top: dict[int, int], port: Callable[[Place, Place], float]) -> str:
    """A curve from the lower edge of a room to the upper edge of another one, straight down through the floors between."""
    box_top = (FLOOR - BOX_HEIGHT) / 2
    points = [(port(line[0], line[1]), top[id(line[0])] + FLOOR - box_top)]
    for place in line[1:-1]:
        points += [(place.x, top[id(place)] + box_top), (place.x, top[id(place)] + FLOOR - box_top)]
    points.append((port(line[-1], line[-2]), top[id(line[-1])] + box_top))
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.0f}"]
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        bend = (next_y - y) / 2
        straight = x == next_x
        parts.append(
            f"V{next_y:.0f}"
            if straight
            else f"C{x:.0f} {y + bend:.0f} {next_x:.0f} {next_y - bend:.0f} {next_x:.0f} {next_y:.0f}"
        )
    return "".join(parts)


if __name__ == "__main__":
    found = building()
    DRAWING.write_text(drawing(found), encoding="utf-8")
    PAGE.write_text(page(found, PAGE.read_text(encoding="utf-8")), encoding="utf-8")

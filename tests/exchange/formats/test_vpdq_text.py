"""The `vpdq-text` format."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats import vpdq_frames
from hashmatch.exchange.formats.vpdq_text import FORMAT
from hashmatch.records import Hash, LineRemark, ListItem
from tests.support.list_items import BRIDGE, FILM, PICTURE, items_of, read, write

BITS = bytes.fromhex(BRIDGE)


def film(*times: float, quality: int = 100) -> ListItem:
    return ListItem(kind="video", hashes=tuple(Hash("pdq", BITS, quality, time) for time in times))


def test_both_orders_of_columns() -> None:
    for lines in (
        f"1,100,{BRIDGE},0.033\n31,100,{BRIDGE},1",
        f"1,{BRIDGE.upper()},100,0.033\n31, {BRIDGE}, 100, 1\r\n",
    ):
        assert items_of(FORMAT, lines.encode()) == [film(0.033, 1.0)]
        assert FORMAT.looks_like(lines.encode())


def test_a_number_that_is_not_above_the_one_before_begins_another_film() -> None:
    lines = [f"{number},100,{BRIDGE},{number}" for number in (0, 5, 0, 1, 1)]
    found, bad = read(FORMAT, "\n".join(["# films", *lines]).encode())
    assert (found, bad) == ({2: film(0.0, 5.0), 4: film(0.0, 1.0), 6: film(1.0)}, {})


@pytest.mark.parametrize(
    "line",
    [
        f"1,100,{BRIDGE}",  # the README leaves out the time, but the tools do not
        f"1,100,{BRIDGE},0,0",
        f"x,100,{BRIDGE},0",
        f"-1,100,{BRIDGE},0",
        f"١,100,{BRIDGE},0",
        f"{'1' * 20},100,{BRIDGE},0",
        f"1,101,{BRIDGE},0",
        f"1,100,{BRIDGE[1:]},0",
        f"1,100,{BRIDGE},-1",
        f"1,100,{BRIDGE},\0",
        "\udcff",
    ],
)
def test_a_bad_line_costs_itself_only(line: str) -> None:
    data = f"0,100,{BRIDGE},0\n{line}\n2,100,{BRIDGE},2".encode("utf-8", "surrogateescape")
    found, bad = read(FORMAT, data)
    assert found == {1: film(0.0, 2.0)} and list(bad) == [2]


def test_rounded_times_are_remarked_once() -> None:
    rows = list(FORMAT.read(BytesIO(f"0,9,{BRIDGE},1e+02\n1,9,{BRIDGE},1.01e+02\n0,9,{BRIDGE},1".encode())))
    assert [type(row) for row in rows] == [LineRemark, tuple, tuple]


def test_too_many_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vpdq_frames, "FRAMES_MAX", 2)
    lines = "\n".join(f"{number},100,{BRIDGE},{number}" for number in (*range(5), 0))
    found, bad = read(FORMAT, lines.encode())
    assert (list(found), list(bad)) == ([6], [1])


def test_what_is_written_comes_back() -> None:
    other = film(0.0, 7200.25, quality=7)
    other = replace(other, hashes=(*other.hashes, Hash("pdq", bytes(32), 50, 1.0004)))
    data, report = write(FORMAT, [PICTURE, FILM, other])
    assert data.decode().splitlines() == [
        f"0,100,{BRIDGE},0.000",
        f"1,50,{BRIDGE},1.500",
        f"0,7,{BRIDGE},0.000",
        f"1,50,{'0' * 64},1.000",
        f"2,7,{BRIDGE},7200.250",
    ]
    assert report == WriteReport(2, left_out_without_hash=1, unmarked=2)
    assert [[each.time for each in item.hashes] for item in items_of(FORMAT, data)] == [[0, 1.5], [0, 1, 7200.25]]

"""The `vpdq` format."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats import vpdq, vpdq_frames
from hashmatch.exchange.formats.vpdq import FORMAT
from hashmatch.records import Hash, LineRemark, ListItem
from tests.support.list_items import BRIDGE, FILM, PICTURE, items_of, patient, read, write

BITS = bytes.fromhex(BRIDGE)
OTHER = "0" * 63 + "1"
OLD = {
    "0": {"quality": 100, "hash": BRIDGE, "timestamp": 0.0},
    "30": {"quality": 7, "hash": OTHER.upper(), "timestamp": 1},
}
OLD_FILM = ListItem(kind="video", hashes=(Hash("pdq", BITS, 100, 0.0), Hash("pdq", bytes.fromhex(OTHER), 7, 1.0)))


def test_both_dialects() -> None:
    new = [f"{BRIDGE},100,0.0", f"{OTHER},7,1"]
    for text in (json.dumps(new), json.dumps(OLD), json.dumps(new, indent=2), json.dumps(OLD, indent=1)):
        for data in (text, "\ufeff" + text + "\n", "\n\n" + text.replace("\n", "\r\n") + "\r\n"):
            assert items_of(FORMAT, data.encode()) == [OLD_FILM]
            assert FORMAT.looks_like(data.encode())


def test_a_line_is_a_film() -> None:
    one = f'["{BRIDGE}, 100, 2.50"]'
    found, bad = read(FORMAT, "\n".join([one, json.dumps(OLD), "", "[", one, "[1]", "7", '{"0": 1}']).encode())
    film = ListItem(kind="video", hashes=(Hash("pdq", BITS, 100, 2.5),))
    assert found == {1: film, 2: OLD_FILM, 5: film}
    assert list(bad) == [4, 6, 7, 8]


@pytest.mark.parametrize(
    "frame",
    [
        f"{BRIDGE},100",
        f"{BRIDGE},100,0,0",
        f"{BRIDGE},101,0",
        f"{BRIDGE},-1,0",
        f"{BRIDGE},1.5,0",
        f"{BRIDGE},١,0",
        f"{BRIDGE},100,-1",
        f"{BRIDGE},100,nan",
        f"{BRIDGE},100,inf",
        f"{BRIDGE},100,1e999",
        f"{BRIDGE[1:]},100,0",
        f"{'g' * 64},100,0",
        7,
        None,
    ],
)
def test_a_film_with_a_bad_frame_is_refused(frame: object) -> None:
    found, bad = read(FORMAT, json.dumps([f"{BRIDGE},100,0.0", frame]).encode())
    assert not found and bad[1].startswith("frame 1")


@pytest.mark.parametrize(
    "frame",
    [None, [], {}, {"hash": BRIDGE, "quality": 1}, {"hash": BRIDGE, "quality": "1", "timestamp": 0}]
    + [{"hash": BRIDGE, "quality": 1, "timestamp": each} for each in ("0", -1, True)],
)
def test_so_is_one_of_the_older_dialect(frame: object) -> None:
    found, bad = read(FORMAT, json.dumps({"12": frame}).encode())
    assert not found and bad[1].startswith("frame '12'")


def test_rounded_times_are_remarked_once() -> None:
    rows = list(FORMAT.read(BytesIO(f'["{BRIDGE},9,1e+02","{OTHER},9,1.01E+02"]'.encode())))
    assert [type(row) for row in rows] == [LineRemark, tuple]


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vpdq_frames, "FRAMES_MAX", 1)
    assert "more than 1 frames" in read(FORMAT, json.dumps(OLD).encode())[1][1]
    monkeypatch.setattr(vpdq, "LINE_MAX", 100)
    assert "longer than 100 bytes" in read(FORMAT, json.dumps(OLD, indent=1).encode())[1][1]


def test_what_is_written() -> None:
    poor = Hash("pdq", bytes.fromhex(OTHER), 10, 0.25)
    film = replace(FILM, hashes=(*FILM.hashes, poor, Hash("pdq", BITS, 10, 0.5)))
    data, report = write(FORMAT, [PICTURE, film, replace(FILM, hashes=(poor,))])
    # The poor frame that equals a good one would make the tx tool drop the good one.
    assert json.loads(data) == [f"{BRIDGE},100,0.000", f"{OTHER},10,0.250", f"{BRIDGE},50,1.500"]
    assert report == WriteReport(1, left_out_without_hash=2, unmarked=1)


@patient
@given(
    st.lists(
        st.builds(
            Hash,
            algorithm=st.just("pdq"),
            bits=st.binary(min_size=32, max_size=32),
            quality=st.integers(50, 100),
            time=st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000),
        ),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_milliseconds_come_back(hashes: list[Hash]) -> None:
    data, _report = write(FORMAT, [ListItem(hashes=tuple(hashes))])
    (item,) = items_of(FORMAT, data)
    assert item.hashes == tuple(sorted(hashes, key=lambda each: each.time or 0.0))

"""The `pdq` format, with the samples of pdq/cpp/io/hashio.h in ThreatExchange."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats.pdq import FORMAT
from hashmatch.records import Hash, ListItem, Opinion
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, items_of, read, write

BITS = bytes.fromhex(BRIDGE)


def item(quality: int | None = None, *paths: bytes) -> ListItem:
    return ListItem(kind="image", hashes=(Hash("pdq", BITS, quality),), paths=paths)


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("", item()),
        (",file1.jpg", item()),
        (",", item()),
        (",100,x", item(100, b"x")),
        (",7", item(7)),
        (" 100 m.jpg", item(100, b"m.jpg")),
        ("\t0\ta b.jpg", item(0, b"a b.jpg")),
        (" 101 m.jpg", item(None, b"101 m.jpg")),
        (" *m.jpg", item(None, b"m.jpg")),
        ("  -", item()),
        (",norm=128,delta=0,quality=100,filename=file1.jpg", item(100, b"file1.jpg")),
        (",quality=7", item(7)),
        (", quality=7 ,x", item(7)),
        (",quality=101", item()),
        (",quality=-1", item()),
        (",quality=1.5", item()),
        (",xquality=5", item()),
        (",filename=a,quality=5.jpg,quality=6", item(None, b"a,quality=5.jpg,quality=6")),
        (",filename=", item()),
    ],
)
@pytest.mark.parametrize("prefix", ["", "hash=", "HASH=", "  "])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_lines(prefix: str, meta: str, end: str, expected: ListItem) -> None:
    assert items_of(FORMAT, (prefix + BRIDGE + meta + end).encode()) == [expected]
    assert items_of(FORMAT, (prefix + BRIDGE.upper() + meta + end).encode()) == [expected]


def test_comments_blanks_and_bad_lines() -> None:
    lines = [b"\xef\xbb\xbf# list", b"", b" \t", BRIDGE.encode(), BRIDGE[1:].encode(), b"g" * 64, b"\xff\xfe", b"a\0"]
    lines += [MD5.encode(), b"pdq " + BRIDGE.encode(), BRIDGE.encode() + b"x", BRIDGE.encode() + b",\xff"]
    found, bad = read(FORMAT, b"\r\n".join(lines))
    assert found == {4: item(), 12: item()}
    assert list(bad) == [5, 6, 7, 8, 9, 10, 11]
    assert bad[6] == f"not a PDQ hash of 64 hexadecimal digits: '{'g' * 38}…"


def test_what_is_written() -> None:
    other = Hash("pdq", bytes(32), time=1.0)
    film = replace(PICTURE, hashes=(other, replace(other, time=2.0), *PICTURE.hashes), paths=(b"secret",), note="x")
    given = [
        PICTURE,
        film,
        ListItem(md5=MD5),
        replace(PICTURE, retracted="2026-11-21T19:00:00Z"),
        replace(PICTURE, allow=True),
        replace(PICTURE, opinions=(Opinion("false-positive"),)),
    ]
    data, report = write(FORMAT, given, ALL)
    assert data.decode() == f"{BRIDGE}\n{'0' * 64}\n{BRIDGE}\n"
    assert report == WriteReport(
        written=2, left_out_retracted=1, left_out_without_hash=1, left_out_allow=1, left_out_false_positive=1
    )

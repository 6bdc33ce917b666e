"""The `tx-lines` format."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats.tx_lines import FORMAT
from hashmatch.records import Hash, LineRemark, ListItem, Opinion
from tests.support.list_items import ALL, BRIDGE, FILM, MD5, PICTURE, SHA256, items_of, read, write

BITS = bytes.fromhex(BRIDGE)
IMAGE = ListItem(kind="image", hashes=(Hash("pdq", BITS),))


def test_lines_of_every_kind() -> None:
    lines = [
        b"\xef\xbb\xbf# list",
        b"",
        b"pdq " + BRIDGE.encode(),
        b"pdq " + BRIDGE.upper().encode() + b" \r",
        b"video_md5 " + MD5.encode(),
        b"video_sha256 " + SHA256.upper().encode(),
        b'vpdq ["%b,98,1.0"]' % BRIDGE.encode(),
        BRIDGE.encode(),
        b"pdq " + b"0" * 32,  # seen in the wild: ThreatExchange issue 1609
        b"raw_text all the rest is the text",
        b"url https://example.org/",
        b"tmk 00",
        b"vpdq []",
        b"vpdq [",
        b"pdq \xff",
        b"video_md5  ",
        b"PDQ " + BRIDGE.encode(),
    ]
    found, bad = read(FORMAT, b"\n".join(lines))
    assert found == {
        3: IMAGE,
        4: IMAGE,
        5: ListItem(kind="video", md5=MD5),
        6: ListItem(kind="video", sha256=SHA256),
        7: ListItem(kind="video", hashes=(Hash("pdq", BITS, 98, 1.0),)),
    }
    assert list(bad) == list(range(8, 18))
    assert bad[9] == f"a pdq hash must have 64 hexadecimal digits: '{'0' * 32}'"
    assert bad[10] == "hashes of type 'raw_text' cannot be searched here"
    assert bad[13] == "the film has no frames"


def test_times_that_lost_their_precision_are_read_with_one_remark() -> None:
    line = f'vpdq ["{BRIDGE},98,99.5","{BRIDGE},98,1e+02","{BRIDGE},98,1.23e+03"]\n'.encode()
    remark, (number, item) = FORMAT.read(BytesIO(b"\n" + line))  # type: ignore[misc]
    assert isinstance(remark, LineRemark) and remark.line == number == 2 and "precision" in remark.message
    assert [each.time for each in item.hashes] == [99.5, 100.0, 1230.0]


def test_what_is_written() -> None:
    poor = replace(PICTURE, hashes=(Hash("pdq", BITS, 49),))
    given = [
        PICTURE,
        FILM,
        replace(PICTURE, retracted="2026-11-21T19:00:00Z"),
        replace(PICTURE, allow=True),
        replace(PICTURE, opinions=(Opinion("confirmed", "west"), Opinion("false-positive"))),
        poor,
    ]
    data, report = write(FORMAT, given, ALL)
    assert data.decode().splitlines() == [
        f"pdq {BRIDGE}",
        f'vpdq ["{BRIDGE},100,0.000", "{BRIDGE},50,1.500"]',
        f"video_md5 {MD5}",
        f"video_sha256 {SHA256}",
    ]
    assert report == WriteReport(2, 1, 1, 1, 1, left_out_false_positive=1)
    assert [item.kind for item in items_of(FORMAT, data)] == ["image", "video", "video", "video"]


@pytest.mark.parametrize("hashes", [(), (Hash("phash", bytes(8)),), (Hash("pdq", BITS, 10, 1.0),)])
def test_a_film_that_no_matcher_would_keep_a_frame_of_is_left_out(hashes: tuple[Hash, ...]) -> None:
    assert write(FORMAT, [ListItem(kind="video", hashes=hashes)]) == (b"", WriteReport(left_out_without_hash=1))

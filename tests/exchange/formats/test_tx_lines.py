"""The `tx-lines` format."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest

from hashmatch.exchange import WriteReport, detect
from hashmatch.exchange.formats.tx_lines import FORMAT
from hashmatch.records import Hash, LineRemark, ListItem, Opinion
from tests.support.list_items import ALL, BRIDGE, FILM, MD5, PICTURE, SHA256, items_of, read, rows_of, write

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


CONFIRMED, DISOWNED = Opinion("confirmed"), Opinion("false-positive")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"pdq {BRIDGE} 'Some Collab' INVESTIGATION_SEED", replace(IMAGE, collection="Some Collab")),
        (f"{BRIDGE} 'Some Collab' POSITIVE_CLASS", replace(IMAGE, collection="Some Collab", opinions=(CONFIRMED,))),
        (f"pdq {BRIDGE} NEGATIVE_CLASS", replace(IMAGE, opinions=(DISOWNED,))),
        (f"{BRIDGE} DISPUTED", replace(IMAGE, opinions=(Opinion("disputed"),))),
        (
            f'pdq {BRIDGE} "it\'s" POSITIVE_CLASS a tag,tlp:amber,b',
            replace(IMAGE, collection="it's", opinions=(CONFIRMED,), labels=("a tag", "b"), tlp="amber"),
        ),
        (f"{BRIDGE} 'a\\'b\\\\ \\xe9\\u20ac\\n' INVESTIGATION_SEED", replace(IMAGE, collection="a'b\\ é€\n")),
        (f"{MD5} 'x' INVESTIGATION_SEED", ListItem(kind="video", md5=MD5, collection="x")),
        (
            f'["{BRIDGE},98,1.0", "{BRIDGE},98,2.0"] \'a] b\' POSITIVE_CLASS',
            ListItem(
                kind="video",
                hashes=(Hash("pdq", BITS, 98, 1.0), Hash("pdq", BITS, 98, 2.0)),
                collection="a] b",
                opinions=(CONFIRMED,),
            ),
        ),
        (
            f"pdq {BRIDGE} 'StopNCII' POSITIVE_CLASS +0 +West,-North",
            replace(
                IMAGE, collection="StopNCII", opinions=(Opinion("confirmed", "West"), Opinion("disputed", "North"))
            ),
        ),
        (f"pdq {BRIDGE} 'StopNCII' INVESTIGATION_SEED 0 ", replace(IMAGE, collection="StopNCII")),
    ],
)
def test_all_that_the_tool_prints(line: str, expected: ListItem) -> None:
    data = (line + "\n").encode() * 2
    found = detect(data)
    assert found and found.name == "tx-lines"
    assert items_of(found, data) == [expected, expected]


def test_lines_without_a_type_are_told_by_their_ones() -> None:
    line = f"{SHA256} 'x' POSITIVE_CLASS\n".encode()
    (remark, (_line, item)) = FORMAT.read(BytesIO(line))  # type: ignore[misc]
    assert isinstance(remark, LineRemark) and "SHA-256" in remark.message
    assert item == ListItem(kind="video", sha256=SHA256, collection="x", opinions=(CONFIRMED,))
    other = f"{BRIDGE[::-1]} 'x' POSITIVE_CLASS\n".encode()
    found, bad, told = rows_of(FORMAT, f"{BRIDGE} 'x' POSITIVE_CLASS\n".encode() + other)
    assert all(item.hashes for item in found) and bad == told == []


def test_the_tool_itself_prints_lines_that_are_read() -> None:
    pytest.importorskip("threatexchange", reason="needs Meta's threatexchange: pip install -e .[judge]")
    from threatexchange.exchanges.fetch_state import SignalOpinion, SignalOpinionCategory
    from threatexchange.exchanges.helpers import SimpleFetchedSignalMetadata

    for word, expected in (("POSITIVE_CLASS", (CONFIRMED,)), ("NEGATIVE_CLASS", (DISOWNED,))):
        said = SimpleFetchedSignalMetadata([SignalOpinion(False, SignalOpinionCategory[word], {"a", "b c"})])
        for name in ("Some Collab", "it's", "a\"'b", "\t\\\u202e\U0001f383"):
            (item,) = items_of(FORMAT, f"pdq {BRIDGE} {name!r} {said}\n".encode())
            assert (item.collection, item.opinions, set(item.labels)) == (name, expected, {"a", "b c"})


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

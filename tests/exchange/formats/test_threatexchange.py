"""The `threatexchange` format: pages in the form that python-threatexchange and Altitude read, with made-up members."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from hashmatch.exchange.formats.threatexchange import FORMAT
from hashmatch.records import BadLine, Hash, LineRemark, ListItem, Opinion
from tests.support.list_items import BRIDGE, MD5, SHA1, SHA256, items_of, read

BITS = bytes.fromhex(BRIDGE)
AT = 1_700_000_000
CHANGED, EXACTLY = "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000000Z"


def descriptor(owner: str | None, status: str = "MALICIOUS", **more: object) -> dict[str, object]:
    found: dict[str, object] = {"id": "9", "status": status, "added_on": "2020-07-01T18:31:15+0000"}
    return found | ({} if owner is None else {"owner": {"id": owner, "name": ""}}) | more


def update(*descriptors: dict[str, object], **more: object) -> dict[str, object]:
    start: dict[str, object] = {"id": "12", "indicator": BRIDGE, "type": "HASH_PDQ", "last_updated": AT}
    return {**start, "should_delete": False, "descriptors": {"data": list(descriptors)}, **more}


def one(record: dict[str, object]) -> ListItem:
    (item,) = items_of(FORMAT, json.dumps({"data": [record], "paging": {"next": "https://example.org"}}).encode())
    return item


def test_all_that_one_member_says() -> None:
    more: dict[str, Any] = {
        "tags": {"data": [{"text": "group:x", "id": "3"}, {"text": "source:y"}]},
        "confidence": 80,
        "description": "seen twice",
        "review_status": "REVIEWED_MANUALLY",
        "share_level": "AMBER",
        "last_updated": "2021-07-01T18:31:15+0000",
    }
    said = descriptor("1", **more) | {"owner": {"id": "1", "name": "East"}}
    assert one(update(said, tags=["tlp:green", "group:x"], creation_time=AT)) == ListItem(
        kind="image",
        hashes=(Hash("pdq", BITS),),
        labels=("group:x", "source:y"),
        tlp="amber",
        source="East",
        added="2020-07-01T18:31:15Z",
        changed=EXACTLY,
        opinions=(Opinion("confirmed", None, "2021-07-01T18:31:15.000000Z", "confidence 80"),),
        record="threatexchange:12",
        note="seen twice\nREVIEWED_MANUALLY",
    )


@pytest.mark.parametrize(
    ("of_type", "value", "expected"),
    [
        ("HASH_MD5", MD5.upper(), ListItem(md5=MD5)),
        ("HASH_SHA1", SHA1, ListItem(sha1=SHA1)),
        ("HASH_SHA256", SHA256, ListItem(sha256=SHA256)),
        ("HASH_VIDEO_MD5", MD5, ListItem(kind="video", md5=MD5)),
        ("HASH_VIDEO_SHA256", SHA256, ListItem(kind="video", sha256=SHA256)),
        ("hash_pdq", BRIDGE.upper(), ListItem(kind="image", hashes=(Hash("pdq", BITS),))),
    ],
)
def test_types(of_type: str, value: str, expected: ListItem) -> None:
    item = one({"type": of_type, "indicator": value, "descriptors": []})
    assert item == expected


def test_a_digest_of_a_film_by_its_tag() -> None:
    item = one(update(descriptor("1", tags=["media_type_video"]), type="HASH_MD5", indicator=MD5))
    assert (item.kind, item.labels) == ("video", ("media_type_video",))


@pytest.mark.parametrize(
    ("descriptors", "source", "opinions"),
    [
        ([("1", "MALICIOUS")], "1", [("confirmed", None)]),
        ([("1", "NON_MALICIOUS")], "1", [("false-positive", None)]),
        ([("1", "SUSPICIOUS")], "1", []),
        ([("1", "UNKNOWN")], "1", []),
        ([(None, "MALICIOUS")], None, [("confirmed", None)]),
        ([("1", "MALICIOUS"), ("2", "MALICIOUS")], None, [("confirmed", o) for o in (None, "1", "2")]),
        ([("1", "NON_MALICIOUS"), ("2", "NON_MALICIOUS")], None, [("false-positive", o) for o in (None, "1", "2")]),
        ([("1", "MALICIOUS"), ("2", "NON_MALICIOUS")], None, [("confirmed", "1"), ("false-positive", "2")]),
        ([("1", "UNKNOWN"), ("2", "NON_MALICIOUS")], None, [("false-positive", "2")]),
        ([(None, "MALICIOUS"), ("2", "NON_MALICIOUS")], None, [("false-positive", "2")]),
        ([], None, []),
    ],
)
def test_members_who_disagree_are_kept_side_by_side(
    descriptors: list[tuple[str | None, str]], source: str | None, opinions: list[tuple[str, str | None]]
) -> None:
    item = one(update(*(descriptor(*each) for each in descriptors)))
    assert [(each.verdict, each.source) for each in item.opinions] == opinions
    assert item.source == source and item.retracted is None


def test_reactions_are_words_of_those_without_a_descriptor() -> None:
    reactions = [
        {"key": "DISAGREE_WITH_TAGS", "value": "2, 3,1"},
        {"key": "HELPFUL", "value": "3"},
        {"key": "NON_MALICIOUS", "value": "4"},
        {"key": "SAW_THIS_TOO", "value": "5"},
    ]
    opinions = one(update(descriptor("1", reactions=reactions))).opinions
    assert [(each.verdict, each.source) for each in opinions] == [
        ("confirmed", None),
        ("disputed", "2"),
        ("confirmed", "3"),
        ("false-positive", "4"),
    ]


def test_confidence_without_a_verdict_is_noted() -> None:
    assert one(update(descriptor("1", "UNKNOWN", confidence=30))).note == "confidence 30"


def test_withdrawals() -> None:
    tombstone = update(should_delete=True)
    without = {key: value for key, value in update().items() if key != "descriptors"}
    for record in (tombstone, without):
        item = one(record)
        assert (item.retracted, item.retraction_reason, item.hashes) == (CHANGED, "should_delete", (Hash("pdq", BITS),))
    undated = one({"type": "HASH_MD5", "indicator": MD5, "should_delete": True})
    assert undated.retracted and undated.changed is None


def test_pages_of_descriptors() -> None:
    item = one({"raw_indicator": MD5, "type": "HASH_MD5", "last_updated": AT, **descriptor("1", tags=["a"])})
    assert (item.md5, item.source, item.labels, item.changed) == (MD5, "1", ("a",), EXACTLY)
    assert [each.verdict for each in item.opinions] == ["confirmed"] and item.retracted is None


def test_pages_that_follow_each_other_and_bare_arrays() -> None:
    page = json.dumps({"data": [update(), update()], "paging": {}}).encode()
    assert len(items_of(FORMAT, page + b"\n" + page)) == 4
    assert len(items_of(FORMAT, json.dumps([update()]).encode())) == 1
    assert FORMAT.looks_like(b"\xef\xbb\xbf" + page) and FORMAT.looks_like(json.dumps([update()]).encode())
    assert not FORMAT.looks_like(b'{"type": "bundle", "objects": [{"type": "indicator"}]}')


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"type": "HASH_TMK"}, "hashes of type 'HASH_TMK' cannot be searched here"),
        ({"type": "URI"}, "type 'URI'"),
        ({"type": None}, "the entry has no type"),
        ({"type": 7}, "type is not text: 7"),
        ({"indicator": "0" * 32}, "a pdq hash must have 64 hexadecimal digits"),
        ({"indicator": None}, "not hexadecimal"),
        ({"type": "HASH_MD5", "indicator": ""}, "neither a digest nor a hash"),
        ({"last_updated": 1e300}, "not a time in seconds since 1970"),
        ({"last_updated": True}, "not text"),
        ({"should_delete": "no"}, "neither true nor false"),
        ({"descriptors": 7}, "descriptors is not a list"),
        ({"descriptors": {"data": [7]}}, "descriptors is not a list of objects"),
        ({"descriptors": [{"confidence": 101}]}, "confidence"),
        ({"descriptors": [{"reactions": "HELPFUL"}]}, "reactions is not a list"),
        ({"tags": "a"}, "tags is not a list"),
    ],
)
def test_what_is_refused(record: dict[str, object], reason: str) -> None:
    data = json.dumps({"data": [update(), update(**record), update()]}).encode()
    found, bad = read(FORMAT, data)
    assert list(found) == [1, 3] and reason in bad[2]


def test_a_list_without_entries_says_so() -> None:
    (row,) = FORMAT.read(BytesIO(b'{"updates": [{"indicator": ""}]}'))
    assert isinstance(row, LineRemark) and "no entry" in row.message


def test_an_empty_page_is_nothing_new() -> None:
    assert list(FORMAT.read(BytesIO(b'{"data": [], "paging": {}}'))) == []
    assert list(FORMAT.read(BytesIO(b"[]"))) == []


@pytest.mark.parametrize("indicator", [{}, {"indicator": None}, {"type": None}, {"indicator": "00"}])
def test_a_deleted_entry_needs_nothing_but_its_id(indicator: dict[str, object]) -> None:
    record = {"id": 77, "type": "HASH_MD5", "should_delete": True, "last_updated": AT, **indicator}
    assert one(record) == ListItem(
        changed=EXACTLY, retracted=CHANGED, retraction_reason="should_delete", record="threatexchange:77"
    )


def test_a_deleted_entry_without_an_id_or_of_a_type_that_is_not_searched_is_refused() -> None:
    for record in ({"type": "HASH_MD5", "should_delete": True}, {"id": 7, "type": "URI", "should_delete": True}):
        found, bad = read(FORMAT, json.dumps([record]).encode())
        assert not found and list(bad) == [1]


def test_a_corrected_entry_has_the_same_record_and_a_later_date() -> None:
    first, second = one(update(descriptor("1"))), one(update(descriptor("1"), indicator="0f" * 32, last_updated=AT + 1))
    assert first.record == second.record and first.hashes != second.hashes
    assert first.changed and second.changed and first.changed < second.changed


def test_the_date_of_the_last_word_where_the_page_has_none() -> None:
    words = [descriptor("1", last_updated=AT), descriptor("2", last_updated=AT + 5), descriptor("3")]
    item = one(update(*words, last_updated=None))
    assert item.changed == "2023-11-14T22:13:25.000000Z"
    undated = {"id": "9", "owner": {"id": "1"}, "status": "NON_MALICIOUS"}
    assert one(update(undated)).opinions == (Opinion("false-positive", None, EXACTLY),)


@pytest.mark.parametrize(
    ("tags", "more", "tlp"),
    [
        ([], {}, None),
        (["TLP:AMBER"], {}, "amber"),
        (['tlp:"green"'], {}, "green"),
        (['"tlp:red"'], {}, "red"),
        (["tlp:amber strict"], {}, "amber+strict"),
        (["tlp:unclear"], {}, "amber+strict"),
        (["tlp:ex:chr", "tlp:green"], {}, "amber+strict"),
        (["tlp:unclear", "tlp:red"], {}, "red"),
        ([], {"share_level": "WHITE"}, "clear"),
        ([], {"share_level": "amber"}, "amber"),
        ([], {"share_level": "PRIVATE"}, "amber+strict"),
        (["tlp:green"], {"share_level": "RED"}, "red"),
        ([], {"privacy_type": "VISIBLE"}, None),
        ([], {"privacy_type": "VISIBLE", "share_level": "GREEN"}, "green"),
        ([], {"privacy_type": "HAS_PRIVACY_GROUP"}, "amber+strict"),
        ([], {"privacy_type": "HAS_PRIVACY_GROUP", "share_level": "GREEN"}, "amber+strict"),
        (["tlp:clear"], {"privacy_type": "HAS_WHITELIST", "share_level": "WHITE"}, "amber+strict"),
        ([], {"privacy_type": "SOMETHING_NEW", "share_level": "RED"}, "red"),
    ],
)
def test_marks(tags: list[str], more: dict[str, object], tlp: str | None) -> None:
    item = one(update(descriptor("1", **more), tags=tags))
    assert item.tlp == tlp
    assert FORMAT.default_tlp == "amber+strict"  # where there is none


def test_a_mark_that_nobody_can_read_is_kept_as_a_label() -> None:
    assert one(update(descriptor("1"), tags=["tlp:unclear", "tlp:green"])).labels == ("tlp:unclear",)


@pytest.mark.parametrize("cut", range(40, 320, 13))
def test_a_damaged_page_does_not_hide_the_good_ones_after_it(cut: int) -> None:
    page = json.dumps({"data": [update(descriptor("1"))], "paging": {"cursors": {"after": "x"}}}).encode()
    if page[:cut].rstrip().endswith(b":"):
        pytest.skip("behind a colon, a page cannot be told from the value of a key")
    last = json.dumps({"data": [update(id="88"), update(id="89")], "paging": {}}).encode()
    rows = list(FORMAT.read(BytesIO(page + page[:cut] + last + page)))
    items = [row[1].record for row in rows if isinstance(row, tuple)]
    assert items[0] == "threatexchange:12" and items[-3:] == [f"threatexchange:{n}" for n in (88, 89, 12)]
    assert [row for row in rows if isinstance(row, BadLine)]

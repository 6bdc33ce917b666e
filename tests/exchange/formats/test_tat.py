"""The `tat` format: pages as docs.terrorismanalytics.org shows them."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from hashmatch.exchange.formats.tat import FORMAT
from hashmatch.records import BadLine, Hash, ListItem
from tests.support.list_items import BRIDGE, MD5, SHA1, SHA256, items_of, read

ENTRY = {
    "hash_digest": MD5,
    "algorithm": "MD5",
    "ideology": "far-right",
    "file_type": "mp4",
    "deleted": False,
    "updated_on": 1704901040.22,
    "created_on": "2023-11-15T12:00:00.123456Z",
    "id": 2819,
}
ITEM = ListItem(
    kind="video",
    md5=MD5,
    labels=("ideology:far-right",),
    source="Tech Against Terrorism",
    added="2023-11-15T12:00:00Z",
    changed="2024-01-10T15:37:20.220000Z",
    record="tat:2819",
)


def page(*changes: dict[str, object]) -> bytes:
    results = [{**ENTRY, **each} for each in changes]
    return json.dumps({"count": 9, "next": None, "checkpoint": "1724856487.709035,10594", "results": results}).encode()


def test_all_that_an_entry_says() -> None:
    assert items_of(FORMAT, page({})) == [ITEM]
    assert items_of(FORMAT, json.dumps([ENTRY]).encode()) == [ITEM]
    assert len(items_of(FORMAT, page({}, {}) + b"\n" + page({}))) == 3
    assert FORMAT.looks_like(page({}))


@pytest.mark.parametrize(
    ("algorithm", "value", "file_type", "expected"),
    [
        ("SHA256", SHA256.upper(), "jpg", ListItem(kind="image", sha256=SHA256)),
        ("SHA-1", SHA1, "pdf", ListItem(sha1=SHA1)),
        ("MD5", MD5, None, ListItem(md5=MD5)),
        ("PDQ", BRIDGE, "MP4", ListItem(kind="image", hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),))),
    ],
)
def test_algorithms(algorithm: str, value: str, file_type: str | None, expected: ListItem) -> None:
    (item,) = items_of(FORMAT, page({"algorithm": algorithm, "hash_digest": value, "file_type": file_type}))
    assert (item.kind, item.md5, item.sha1, item.sha256, item.hashes) == (
        *(expected.kind, expected.md5, expected.sha1, expected.sha256),
        expected.hashes,
    )


def test_a_deleted_entry_is_a_withdrawal() -> None:
    (item,) = items_of(FORMAT, page({"deleted": True}))
    assert (item.retracted, item.retraction_reason, item.md5) == ("2024-01-10T15:37:20Z", "deleted", MD5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"algorithm": "SHA512", "hash_digest": "0" * 128}, "hashes of type 'SHA512' cannot be searched here"),
        ({"algorithm": "TMK"}, "'TMK'"),
        ({"algorithm": None}, "hashes of type None"),
        ({"hash_digest": "0" * 31}, "not hexadecimal"),
        ({"hash_digest": None}, "neither a digest nor a hash"),
        ({"deleted": "yes"}, "neither true nor false"),
        ({"id": -1}, "id is not a whole number"),
        ({"created_on": "yesterday"}, "not a date"),
    ],
)
def test_what_is_refused(change: dict[str, object], reason: str) -> None:
    found, bad = read(FORMAT, page({}, change, {}))
    assert list(found) == [1, 3] and reason in bad[2]


@pytest.mark.parametrize("missing", ["hash_digest", "algorithm"])
def test_a_deleted_entry_needs_nothing_but_its_id(missing: str) -> None:
    change = {"deleted": True, missing: None, "ideology": None, "created_on": None}
    if missing == "algorithm":  # then nobody can tell whether it was ever searched
        assert 2 in read(FORMAT, page({}, change))[1]
        return
    (item,) = items_of(FORMAT, page(change))
    assert item == ListItem(
        source="Tech Against Terrorism",
        changed="2024-01-10T15:37:20.220000Z",
        retracted="2024-01-10T15:37:20Z",
        retraction_reason="deleted",
        record="tat:2819",
    )


def test_two_changes_within_a_second_keep_their_order_and_an_entry_that_never_changed_has_the_date_it_was_made() -> (
    None
):
    first, second, never = items_of(FORMAT, page({}, {"updated_on": 1704901040.9}, {"updated_on": None}))
    assert first.changed and second.changed and first.changed < second.changed
    assert (never.added, never.changed) == ("2023-11-15T12:00:00Z", "2023-11-15T12:00:00.123456Z")


def test_the_mark_of_what_the_interface_says() -> None:
    assert FORMAT.default_tlp == "amber+strict" and ITEM.tlp is None


def test_a_page_without_results_is_nothing_and_one_without_usable_ones_says_why() -> None:
    assert items_of(FORMAT, page()) == [] == list(FORMAT.read(BytesIO(page())))
    found, bad = read(FORMAT, page({"algorithm": "SHA512"}, {"hash_digest": "0"}))
    assert not found and list(bad) == [1, 2]


@pytest.mark.parametrize("cut", range(100, 500, 37))
def test_a_damaged_page_does_not_hide_the_good_ones_after_it(cut: int) -> None:
    whole = page({"id": 1}, {"id": 2})
    rows = list(FORMAT.read(BytesIO(whole[:cut] + whole)))
    assert [row[1].record for row in rows if isinstance(row, tuple)][-2:] == ["tat:1", "tat:2"]
    assert any(isinstance(row, BadLine) for row in rows)

"""The `stopncii` format: responses in the form that python-threatexchange reads."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from hashmatch.exchange.formats.stopncii import FORMAT
from hashmatch.records import BadLine, Hash, ListItem, Opinion
from tests.support.list_items import BRIDGE, MD5, items_of, read

RECORD = {
    "lastModtimestamp": 1_700_000_000,
    "hashValue": BRIDGE,
    "hashStatus": "Active",
    "caseNumbers": {"1f00": "Active", "2f00": "Withdrawn"},
    "signalType": "ImagePDQ",
    "CSPFeedbacks": [
        {"source": "East", "feedbackValue": "Blocked", "tags": ["a", "tlp:red"]},
        {"source": "West", "feedbackValue": "NotBlocked", "tags": []},
        {"source": "North", "feedbackValue": "PendingReview"},
        {"feedbackValue": "Blocked"},
    ],
}


def answer(*changes: dict[str, object]) -> bytes:
    records = [{**RECORD, **each} for each in changes]
    document = {"count": 3, "nextSetTimestamp": 1, "nextPageToken": "x", "hasMoreRecords": False}
    return json.dumps({**document, "hashRecords": records}).encode()


def test_all_that_a_record_says() -> None:
    item = ListItem(
        kind="image",
        hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),),
        labels=("a",),
        tlp="red",
        source="StopNCII",
        changed="2023-11-14T22:13:20.000000Z",
        opinions=(Opinion("confirmed", "East"), Opinion("disputed", "West"), Opinion("confirmed", "platform")),
        case="1f00 2f00",
    )
    assert items_of(FORMAT, answer({})) == [item]
    assert items_of(FORMAT, json.dumps([RECORD]).encode()) == [item]
    assert len(items_of(FORMAT, answer({}, {}) + answer({}))) == 3
    assert FORMAT.looks_like(answer({}))


def test_a_film_with_nothing_more_said() -> None:
    change = {"signalType": "VideoMD5", "hashValue": MD5, "caseNumbers": [], "CSPFeedbacks": None}
    (item,) = items_of(FORMAT, answer(change))
    assert (item.kind, item.md5, item.case, item.opinions) == ("video", MD5, None, ())


@pytest.mark.parametrize("status", ["Withdrawn", "Deleted"])
def test_withdrawals_are_read_from_the_status(status: str) -> None:
    (item,) = items_of(FORMAT, answer({"hashStatus": status}))
    assert (item.retracted, item.retraction_reason) == ("2023-11-14T22:13:20Z", status)


def test_feedback_that_was_withdrawn_withdraws_no_more_than_itself() -> None:
    (item,) = items_of(FORMAT, answer({"CSPFeedbacks": [{"source": "East", "feedbackValue": "Withdrawn"}]}))
    assert item.retracted is None and item.opinions == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(({"signalType": each}, f"type '{each}'") for each in ("VideoTMK", "Text", "URL")),
        ({"hashValue": "0" * 32}, "a pdq hash must have 64"),
        ({"CSPFeedbacks": {}, "hashValue": None}, "not hexadecimal"),
        ({"CSPFeedbacks": [7]}, "not a list of objects"),
        ({"CSPFeedbacks": [{"tags": "a"}]}, "tags is not a list"),
        ({"lastModtimestamp": "soon"}, "not a date"),
    ],
)
def test_what_is_refused(change: dict[str, object], reason: str) -> None:
    found, bad = read(FORMAT, answer({}, change, {}))
    assert list(found) == [1, 3] and reason in bad[2]


def test_a_record_has_no_id_and_its_mark_is_that_of_the_interface() -> None:
    (item,) = items_of(FORMAT, answer({"CSPFeedbacks": []}))
    assert (item.record, item.case, item.tlp, FORMAT.default_tlp) == (None, "1f00 2f00", None, "amber+strict")
    (item,) = items_of(FORMAT, answer({"CSPFeedbacks": [{"tags": ['TLP:"Amber"']}]}))
    assert item.tlp == "amber"


def test_an_answer_without_records_is_nothing_new() -> None:
    assert list(FORMAT.read(BytesIO(answer()))) == []


@pytest.mark.parametrize("cut", range(90, 500, 41))
def test_a_damaged_answer_does_not_hide_the_good_ones_after_it(cut: int) -> None:
    rows = list(FORMAT.read(BytesIO(answer({})[:cut] + answer({"lastModtimestamp": 0}))))
    assert [row[1].changed for row in rows if isinstance(row, tuple)][-1] == "1970-01-01T00:00:00.000000Z"
    assert any(isinstance(row, BadLine) for row in rows)

"""The `vics` format, and Project VIC's JSON as forensic tools write it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats.vics import FORMAT
from hashmatch.records import Hash, ListItem
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA1, SHA256, items, patient, rows_of, same, write

BITS = bytes.fromhex(BRIDGE)
MODEL = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#"


def hash_set(*media: dict[str, Any], context: str = MODEL + "Media") -> bytes:
    return json.dumps({"@odata.context": context, "value": media}).encode()


def case(*media: dict[str, Any], context: str = MODEL + "Cases") -> bytes:
    cases = [{"CaseID": "x", "TotalMediaFiles": 999, "Media": media, "SourceApplicationName": "y"}]
    return json.dumps({"@odata.context": context, "value": cases}).encode()


def media(**more: object) -> dict[str, Any]:
    return {"MediaID": 1, "Category": None, "MD5": MD5.upper(), **more}


def plain(items: list[ListItem]) -> list[ListItem]:
    """The items without what tells their record."""
    return [replace(item, record=None) for item in items]


@patient
@given(st.lists(items, max_size=3))
def test_round_trip(written: list[ListItem]) -> None:
    data, report = write(FORMAT, written, ALL)
    found, bad, told = rows_of(FORMAT, data)
    known = [item for item in written if not item.allow and not item.retracted and item.verdict != "false-positive"]
    carried = [item for item in known if item.md5]
    assert not bad and not told and report.written == len(carried)
    assert list(map(same, found)) == [same(replace(item, retraction_reason=None)) for item in carried]


def test_what_is_written() -> None:
    film = Hash("pdq", BITS, 90, 1.5, version=1)
    item = replace(
        PICTURE, hashes=(PICTURE.hashes[0], film), paths=("a/é".encode(),), changed="2026-11-22T00:00:00.000000Z"
    )
    document = json.loads(write(FORMAT, [item], ALL)[0])
    assert document["@odata.context"].endswith("/ProjectVic/DataModels/2.0.xml/CUSTOM/$metadata#Media")
    (found,) = document["value"]
    upper = MD5.upper()
    properties = {each["PropertyName"]: each["PropertyValue"] for each in found.pop("MediaMetadata")}
    assert properties == {
        "hashmatch:collection": "east",
        "hashmatch:source": "a partner",
        "hashmatch:tlp": "green",
        "hashmatch:added": "2026-11-21T19:00:00Z",
        "hashmatch:pdq_quality": "100",
        "hashmatch:pdq_version": "1",
    }
    assert found == {
        "MediaID": 1,
        "Category": None,
        "MD5": upper,
        "SHA1": SHA1.upper(),
        "MediaSize": 3,
        "MimeType": "image",
        "DateUpdated": "2026-11-22T00:00:00.000000Z",
        "Tags": "one, two",
        "AlternativeHashes": [
            {"MD5": upper, "HashName": "SHA256", "HashValue": SHA256},
            {"MD5": upper, "HashName": "PDQ", "HashValue": BRIDGE},
            {"MD5": upper, "HashName": "vPDQ", "HashValue": f"{BRIDGE},90,1.5"},
        ],
        "MediaFiles": [{"MD5": upper, "FileName": "é", "FilePath": "a\\é"}],
    }


def test_what_the_format_cannot_say_is_left_out() -> None:
    gone, allowed = replace(PICTURE, retracted="2026-11-21T19:00:00Z"), replace(PICTURE, allow=True)
    data, report = write(FORMAT, [PICTURE, gone, allowed, replace(PICTURE, md5=None)])
    assert len(json.loads(data)["value"]) == 1
    assert report == WriteReport(1, left_out_retracted=1, left_out_without_hash=1, left_out_allow=1)


def test_categories_are_never_written() -> None:
    item = replace(PICTURE, labels=("vics:category=1",))
    assert json.loads(write(FORMAT, [item])[0])["value"][0]["Category"] is None


def test_private_fields_only_if_asked_for() -> None:
    item = replace(PICTURE, paths=(b"secret",), case="secret", operator="secret", note="secret")
    assert b"secret" not in write(FORMAT, [item])[0]
    assert rows_of(FORMAT, write(FORMAT, [item])[0])[0] == [PICTURE]


@pytest.mark.parametrize("path", [b"a/b", b"a\\b", b"a/", b"/", b"a\xff/b", b"\\", " é ".encode(), b"b/b"])
def test_paths(path: bytes) -> None:
    item = replace(PICTURE, paths=(path, b"x"))
    (found,), bad, told = rows_of(FORMAT, write(FORMAT, [item], ALL)[0])
    assert same(found) == same(item) and not bad and not told


@pytest.mark.parametrize(
    ("context", "key"),
    [
        (MODEL, "@odata.context"),
        ("http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/UK/$metadata#", "@odata.context"),
        ("http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#", "odata.metadata"),
    ],
)
def test_cases_and_hash_sets_of_every_model(context: str, key: str) -> None:
    listed = [media(), media(MD5=MD5[::-1], MediaID=2)]
    for data in (case(*listed, context=context + "Cases"), hash_set(*listed, context=context + "Media")):
        for form in (data, b"\xef\xbb\xbf" + data.replace(b"@odata.context", key.encode())):
            assert FORMAT.looks_like(form)
            found, bad, told = rows_of(FORMAT, form)
            assert (plain(found), bad, told) == ([ListItem(md5=MD5), ListItem(md5=MD5[::-1])], [], [])


def test_a_record_as_forensic_tools_write_it() -> None:
    record = media(
        Category=1,
        SHA1=f" {SHA1.upper()} ",
        MediaSize="3",
        MimeType="image/jpeg",
        VictimIdentified="true",
        IsSuspected="false",
        IsPrecategorized="true",
        Tags="one; two,one",
        Series="blue",
        Comments="seen",
        PhotoDNA="AAMANwABAD0AAQA9",
        DateUpdated="2025-01-02T03:04:05.1234567-05:00",
        AlternativeHashes=[
            {"MD5": MD5, "HashName": "PDQ", "HashValue": BRIDGE.upper()},
            {"MD5": MD5, "HashName": "SHA-256", "HashValue": SHA256.upper()},
            {"MD5": MD5, "HashName": "PhotoDNA", "HashValue": "x"},
            "x",
        ],
        MediaFiles=[
            {"FileName": "b.jpg", "FilePath": "C:\\a\\b.jpg", "Unallocated": "true"},
            {"FileName": "c.jpg", "FilePath": "C:\\a"},
            {"FileName": "d.jpg", "FilePath": None},
            {"FileName": "d.jpg"},
        ],
        MediaMetadata=[{"PropertyName": "tlp", "PropertyValue": "red"}, 1],
        Exifs=[{"PropertyName": "Make", "PropertyValue": "x"}],
    )
    expected = ListItem(
        kind="image",
        md5=MD5,
        sha1=SHA1,
        sha256=SHA256,
        size=3,
        hashes=(Hash("pdq", BITS),),
        labels=("one", "two", "one", "vics:series=blue", "vics:category=1"),
        changed="2025-01-02T08:04:05.123456Z",
        paths=(b"C:/a/b.jpg", b"C:/a/c.jpg", b"d.jpg"),
        note="seen",
    )
    for data in (case(record), hash_set(record)):
        found, bad, told = rows_of(FORMAT, data)
        assert (plain(found), bad) == ([expected], [])
        assert told == [
            "entries with a Project VIC category, which is kept as a label and has no other effect here: 1",
            "digests of other kinds are skipped: 1 'PHOTODNA', 1 'PhotoDNA'",
        ]


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z"),
        ("2025-01-02", "2025-01-02T00:00:00Z"),
        ("/Date(1704901040220)/", "2024-01-10T15:37:20Z"),
        ("/Date(-1000+0100)/", "1969-12-31T23:59:59Z"),
        ("1/2/2025 3:04:05 PM", "2025-01-02T15:04:05Z"),
        ("01/02/2025 15:04", "2025-01-02T15:04:00Z"),
        ("12/31/2025", "2025-12-31T00:00:00Z"),
        ("", None),
        (None, None),
    ],
)
def test_dates(date: str | None, read: str | None) -> None:
    found, bad, told = rows_of(FORMAT, hash_set(media(DateUpdated=date)))
    assert found == [ListItem(md5=MD5, changed=read and read.replace("Z", ".000000Z"))] and not bad and not told


@pytest.mark.parametrize("date", ["31/12/2025", "/Date(999999999999999)/", "soon", 7])
def test_dates_of_no_known_form_are_told(date: object) -> None:
    found, bad, told = rows_of(FORMAT, hash_set(media(DateUpdated=date)))
    assert found == [ListItem(md5=MD5)] and not bad and told == [f"its date is in an unknown form: {date!r}"]


def test_bad_records_cost_themselves_only() -> None:
    own = {"PropertyName": "hashmatch:hashes", "PropertyValue": "[1]"}
    listed = [
        *(media(MD5=None), media(MD5="x"), media(MD5=7), media(MediaSize="big"), media(MediaMetadata=[own])),
        media(AlternativeHashes=[{"HashName": "PDQ", "HashValue": "00"}]),
        media(AlternativeHashes=[{"HashName": "vPDQ", "HashValue": None}]),
        media(),
    ]
    found, bad, _told = rows_of(FORMAT, case(*listed))
    assert plain(found) == [ListItem(md5=MD5)] * 2 and len(bad) == 6


GUID = "{00000000-0000-4000-8000-00ABCDEF0001}"


def test_a_record_is_told_by_its_case_and_its_number_together() -> None:
    first = {"CaseID": GUID, "CaseNumber": "OP-1", "Media": [media(), media(MediaID="2")]}
    second = {"CaseNumber": "OP-2", "Media": [media(), media(MediaID=None)]}
    third = {"Media": [media()]}
    data = json.dumps({"@odata.context": MODEL + "Cases", "value": [first, second, third]}).encode()
    found, bad, _told = rows_of(FORMAT, data)
    bare = "00000000-0000-4000-8000-00abcdef0001"
    assert not bad
    assert [(item.record, item.case) for item in found] == [
        (f"vics:{bare}/1", "OP-1"),
        (f"vics:{bare}/2", "OP-1"),
        ("vics:OP-2/1", "OP-2"),
        (None, "OP-2"),
        (None, None),  # what the case before said is not said of this one
    ]


def test_the_numbers_in_a_hash_set_tell_nothing_but_a_uuid_does() -> None:
    found, _bad, _told = rows_of(FORMAT, hash_set(media(), media(MediaID="7"), media(MediaID=GUID.strip("{}"))))
    assert [item.record for item in found] == [None, None, "vics:00000000-0000-4000-8000-00abcdef0001"]


def test_a_corrected_medium_keeps_its_record_and_has_a_later_date() -> None:
    items = [
        rows_of(FORMAT, case(media(MD5=md5, DateUpdated=at)))[0][0]
        for md5, at in ((MD5, "2026-01-01"), (MD5[::-1], "2026-02-01"))
    ]
    assert items[0].record == items[1].record == "vics:x/1"
    assert items[0].changed and items[1].changed and items[0].changed < items[1].changed


def test_other_programs_are_given_no_part_for_a_whole_picture() -> None:
    part, page = Hash("pdq", BITS, 90, view="part1"), Hash("pdq", BITS, 90, view="trim1")
    whole = Hash("pdq", bytes(reversed(BITS)), 90)
    for hashes in ((part, page), (part, whole, page)):
        data, _report = write(FORMAT, [ListItem(kind="image", md5=MD5, hashes=hashes)], ALL)
        (record,) = json.loads(data)["value"]
        shown = [
            each["HashValue"] for each in record.get("AlternativeHashes", []) if each["HashName"] in ("PDQ", "vPDQ")
        ]
        assert shown == [whole.hex] * (whole in hashes)
        assert set(rows_of(FORMAT, data)[0][0].hashes) == set(hashes)  # we read them with their views


@pytest.mark.parametrize("cut", [150, 200, 230])
def test_a_damaged_set_does_not_hide_the_good_one_after_it(cut: int) -> None:
    found, bad, _told = rows_of(FORMAT, hash_set(media(), media())[:cut] + hash_set(media(MD5=MD5[::-1])))
    assert found[-1].md5 == MD5[::-1] and len(bad) == 1

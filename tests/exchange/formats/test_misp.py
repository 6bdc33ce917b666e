"""The `misp` format, checked with pymisp, and third-party events."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats.misp import FORMAT
from hashmatch.exchange.formats.misp_objects import FRAMES_MAX, IDENTIFYING, OF_JSON, SEVERAL, SINGLE, template
from hashmatch.records import Hash, ListItem, Opinion
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA1, SHA256, items, patient, rows_of, same, write

BITS = bytes.fromhex(BRIDGE)
FILM = ListItem(
    kind="video",
    sha256=SHA256,
    duration=400.25,
    hashes=tuple(Hash("pdq", bytes([n % 256, n // 256]) * 16, 90, n / 4, version=1) for n in range(FRAMES_MAX * 2 + 1)),
    collection="films",
    tlp="amber+strict",
)
EVERYTHING = [
    PICTURE,
    FILM,
    replace(PICTURE, collection="b", retracted="2026-11-22T00:00:00Z", retraction_reason="ours"),
    replace(
        PICTURE, collection="c", allow=True, opinions=(Opinion("confirmed", None, "2026-11-23T00:00:00.000000Z", "x"),)
    ),
    replace(PICTURE, collection="d", paths=(b"a\xff", b"b"), note="=note", case="c", operator="o", tlp="red"),
    ListItem(hashes=(Hash("phash", bytes(8), version=1), Hash("dhash", bytes(8)))),
]


def received(item: ListItem) -> ListItem:
    """An entry as it comes back: our events are for one organisation, so what has no mark is not for others."""
    return same(replace(item, tlp=item.tlp or "amber+strict"))


def event(*objects: dict[str, Any], attributes: tuple[dict[str, Any], ...] = (), **more: object) -> bytes:
    return json.dumps({"Event": {"info": "x", "Attribute": attributes, "Object": objects, **more}}).encode()


def attribute(kind: str, value: str, **more: object) -> dict[str, Any]:
    return {
        "type": kind,
        "value": value,
        "category": "Payload delivery",
        "to_ids": True,
        "timestamp": "1700000000",
        **more,
    }


def objects_of(listed: list[ListItem]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write(FORMAT, listed, ALL)[0])["Event"]["Object"]
    return found


def values(found: dict[str, Any], relation: str) -> list[str]:
    return [each["value"] for each in found["Attribute"] if each["object_relation"] == relation]


def test_pymisp_loads_it(tmp_path: Path) -> None:
    pymisp = pytest.importorskip("pymisp", reason="MISP is judged by pymisp")
    data, report = write(FORMAT, EVERYTHING, ALL)
    loaded = pymisp.MISPEvent()
    loaded.load(data)
    assert report == WriteReport(written=6, unmarked=1) and len(loaded.objects) == 6
    assert [each.deleted for each in loaded.objects] == [False, False, True, False, False, False]
    for found in loaded.objects:
        # Check it against our template, as for an object that a person makes by hand.
        own = Path(str(resources.files("hashmatch.exchange").joinpath("perceptual-hash-media"))).parent
        made = pymisp.MISPObject("perceptual-hash-media", misp_objects_path_custom=own, strict=True)
        for each in found.attributes:
            made.add_attribute(each.object_relation, value=each.value, type=each.type)
        assert made.template_uuid == found.template_uuid and made.attributes
    # What pymisp writes back says the same.
    found, bad, told = rows_of(FORMAT, loaded.to_json().encode())
    assert not bad and not told and list(map(same, found)) == list(map(received, EVERYTHING))


def test_the_template_has_all_that_is_written() -> None:
    named = {*SINGLE, *SEVERAL, *OF_JSON, "vpdq", "phash", "phash-version"}
    assert set(template()["attributes"]) == named
    assert set(template()["requiredOneOf"]) == IDENTIFYING
    several = {name for name, each in template()["attributes"].items() if each.get("multiple")}
    assert several == {*SEVERAL, *OF_JSON, "vpdq"}


@patient
@given(st.lists(items, max_size=3))
def test_round_trip(written: list[ListItem]) -> None:
    data, report = write(FORMAT, written, ALL)
    found, bad, told = rows_of(FORMAT, data)
    assert not bad and not told and report.written == len(written)
    assert list(map(same, found)) == list(map(received, written))


def test_what_is_written() -> None:
    picture, film, gone, allowed, _private, other = objects_of(EVERYTHING)
    assert picture["template_uuid"] == "0c95022f-b0ff-41c5-ba54-27e4ed84e66a"
    assert values(picture, "pdq") == [BRIDGE] and values(picture, "label") == ["one", "two"]
    assert [len(json.loads(value)) for value in values(film, "vpdq")] == [FRAMES_MAX, FRAMES_MAX, 1]
    assert all(len(each["value"].encode()) < 2**16 for each in film["Attribute"])
    wanted = {each["object_relation"] for each in picture["Attribute"] if each["to_ids"]}
    assert wanted == {"md5", "sha1", "sha256"}
    assert not any(each["to_ids"] for each in gone["Attribute"] + allowed["Attribute"])
    assert gone["deleted"] and all(each["deleted"] for each in gone["Attribute"])
    assert values(other, "phash") == ["00" * 8]
    tags = Counter(
        tag["name"] for found in (picture, film) for each in found["Attribute"] for tag in each.get("Tag", ())
    )
    assert tags == {"tlp:green": 5, "tlp:amber+strict": 4}


def test_the_event_has_a_mark_that_all_entries_have() -> None:
    def tags(*listed: ListItem) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(write(FORMAT, listed)[0])["Event"]["Tag"]
        return found

    assert tags(PICTURE, PICTURE) == [{"name": "tlp:green"}]
    assert tags(PICTURE, FILM) == tags(replace(PICTURE, tlp=None)) == tags() == []


def test_private_fields_only_if_asked_for() -> None:
    item = replace(PICTURE, paths=(b"secret",), case="secret", operator="secret", note="secret")
    assert b"secret" not in write(FORMAT, [item])[0]
    assert rows_of(FORMAT, write(FORMAT, [item])[0])[0] == [PICTURE]


def test_for_whom_and_until_when() -> None:
    opinions = (Opinion("disputed", "west", author="RWa"), Opinion("disputed", "west", author="RWb"))
    item = replace(PICTURE, author="RWx", expires="2027-01-01T00:00:00Z", opinions=opinions)
    (found,) = objects_of([item])
    assert values(found, "author") == ["RWx"] and values(found, "expires") == ["2027-01-01T00:00:00Z"]
    assert found["uuid"] != objects_of([PICTURE])[0]["uuid"]
    assert rows_of(FORMAT, event(found))[0] == [item]


def test_what_a_partner_switched_off_is_withdrawn() -> None:
    (found,) = objects_of([PICTURE])
    for each in found["Attribute"]:
        each |= {"to_ids": False, "timestamp": "1800000000"}
    (item,), _bad, _told = rows_of(FORMAT, event({**found, "timestamp": "1800000000"}))
    assert item.retracted == "2027-01-15T08:00:00Z" and item.retraction_reason == "not for detection (to_ids)"
    assert rows_of(FORMAT, write(FORMAT, [replace(PICTURE, allow=True)])[0])[0][0].retracted is None


def test_a_sighting_of_our_entry_counts() -> None:
    (found,) = objects_of([PICTURE])
    wrong = {"type": "1", "date_sighting": "1800000000", "Organisation": {"name": "CERT"}}
    found["Attribute"][0]["Sighting"] = [wrong]
    (item,), _bad, _told = rows_of(FORMAT, event(found, Orgc={"name": "CERT"}))
    assert item.retracted == "2027-01-15T08:00:00Z" and item.changed == "2027-01-15T08:00:00.000000Z"
    (item,), _bad, _told = rows_of(FORMAT, event(found, Orgc={"name": "Ten"}))
    assert item.retracted is None and [each.source for each in item.opinions] == ["CERT"]


def test_a_later_export_revises_the_same_objects() -> None:
    later = replace(PICTURE, retracted="2026-11-25T00:00:00Z", labels=("two",), hashes=PICTURE.hashes[:1], size=None)
    first, second = (json.loads(write(FORMAT, [item])[0])["Event"] for item in (PICTURE, later))
    assert first["uuid"] == second["uuid"] and first["timestamp"] < second["timestamp"]
    (before,), (after,) = first["Object"], second["Object"]
    assert before["uuid"] == after["uuid"]
    ids = {each["uuid"] for each in before["Attribute"]}
    assert len(ids) == len(before["Attribute"])
    new = [each["object_relation"] for each in after["Attribute"] if each["uuid"] not in ids]
    assert new == ["retracted"]


def test_what_a_partner_did_to_our_entry_counts() -> None:
    (found,) = objects_of([PICTURE])
    found["timestamp"] = "1800000000"
    found["Attribute"][0]["deleted"] = "1"
    found["Attribute"][1]["Tag"] = [{"name": "tlp:red"}, {"name": "seen"}]
    (item,), bad, told = rows_of(
        FORMAT, event(found, Orgc={"name": "CERT"}, Tag=[{"name": "tlp:clear"}, {"name": "week"}])
    )
    assert not bad and not told
    expected = replace(
        PICTURE, md5=None, tlp="red", labels=("one", "two", "seen", "week"), changed="2027-01-15T08:00:00.000000Z"
    )
    assert item == expected
    for each in found["Attribute"]:
        each["deleted"] = each["object_relation"] in IDENTIFYING
    assert rows_of(FORMAT, event(found))[0][0].retracted == "2027-01-15T08:00:00Z"


def test_files_and_attributes_of_others() -> None:
    file = {
        "name": "file",
        "timestamp": "1700000001",
        "comment": "seen",
        "Attribute": [
            attribute("filename", "a.exe", to_ids=False),
            attribute("md5", MD5.upper(), Tag=[{"name": "tlp:white"}]),
            attribute("sha1", SHA1),
            attribute("sha256", SHA256),
            attribute("size-in-bytes", "3", to_ids=False),
            attribute("ssdeep", "3:x:y"),
        ],
    }
    single = (
        attribute("filename|sha256", f"a|b.exe|{SHA256}", deleted=True),
        attribute("md5", MD5, to_ids=False),
        attribute("malware-sample", f"x|{MD5}"),
        attribute("ip-dst", "198.51.100.1"),
    )
    tags = [{"name": "tlp:green"}, {"name": "propaganda"}, {"name": "tlp:ex:chr"}]
    found, bad, told = rows_of(FORMAT, event(file, attributes=single, Tag=tags, Orgc={"name": "CERT", "uuid": "x"}))
    common: dict[str, Any] = {"source": "CERT", "labels": ("propaganda",), "tlp": "green"}
    assert not bad and found == [
        ListItem(
            sha256=SHA256,
            changed="2023-11-14T22:13:20.000000Z",
            retracted="2023-11-14T22:13:20Z",
            retraction_reason="deleted",
            **common,
        ),
        ListItem(md5=MD5, changed="2023-11-14T22:13:20.000000Z", **common),
        ListItem(
            md5=MD5, sha1=SHA1, sha256=SHA256, size=3, changed="2023-11-14T22:13:21.000000Z", note="seen", **common
        ),
    ]
    assert told == [
        "digests that are not meant for detection (to_ids), which withdraws what was said of them: 1",
        "digests of other kinds are skipped: 1 'ssdeep'",
        "attributes without a digest are skipped: 1 'ip-dst', 1 'filename'",
    ]


def test_an_object_that_names_several_files() -> None:
    several = {"name": "x", "Attribute": [attribute("md5", MD5), attribute("md5", MD5[::-1]), attribute("sha1", SHA1)]}
    found, _bad, _told = rows_of(FORMAT, event(several))
    assert [(item.md5, item.sha1) for item in found] == [(MD5, None), (MD5[::-1], None), (None, SHA1)]


def test_answers_of_a_server() -> None:
    one = {"Attribute": [attribute("md5", MD5)], "Orgc": {"name": "A"}, "Tag": [{"name": "tlp:red"}, {"name": "x"}]}
    two = {"Attribute": [attribute("sha1", SHA1)], "Orgc": {"name": "B"}, "Tag": [{"name": "tlp:green"}]}
    for document in ({"response": [{"Event": one}, {"Event": two}]}, [{"Event": one}, {"Event": two}]):
        found, bad, told = rows_of(FORMAT, json.dumps(document).encode())
        assert not bad and [(item.md5, item.sha1, item.tlp, item.source) for item in found] == [
            (MD5, None, "red", "A"),
            (None, SHA1, "green", "B"),
        ]
        assert not told and [item.labels for item in found] == [("x",), ()]
    answer = {"response": {"Attribute": [{**attribute("md5", MD5), "Event": {"info": "x"}}]}}
    assert rows_of(FORMAT, json.dumps(answer).encode())[0][0].md5 == MD5


def test_bad_objects_cost_themselves_only() -> None:
    (ours,) = objects_of([PICTURE])
    damaged = [{**ours, "Attribute": [*ours["Attribute"], each]} for each in _bad_attributes()]
    found, bad, _told = rows_of(
        FORMAT, event(*damaged, ours, attributes=(attribute("md5", "xyz"), attribute("md5", "")))
    )
    assert found == [PICTURE] and len(bad) == len(damaged) + 2


def _bad_attributes() -> list[dict[str, Any]]:
    pairs = [
        ("size-in-bytes", "x"),
        ("duration", "x"),
        ("vpdq", "["),
        ("vpdq", '["x"]'),
        ("opinion", "[]"),
        ("pdq", "0"),
    ]
    return [{"object_relation": relation, "value": value} for relation, value in [*pairs, ("label", "\0"), ("tlp", 1)]]

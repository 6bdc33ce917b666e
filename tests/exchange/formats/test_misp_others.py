"""MISP events of others: how far entries may go, which record they are, what withdraws them, in which shapes they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hashmatch.exchange.formats.misp import FORMAT
from hashmatch.records import TLP_ORDER, ListItem, Opinion
from tests.support.exchange_corpus import corpus_list
from tests.support.list_items import MD5, SHA1, SHA256, rows_of

Json = dict[str, Any]
ATTRIBUTE = "11111111-0000-4000-8000-000000000001"
OBJECT = "11111111-0000-4000-8000-000000000002"
NINE = {"name": "Nine", "uuid": "11111111-0000-4000-8000-0000000000AA"}
STAMP, AT = "1790000000", "2026-09-21T14:13:20Z"
LATER, AT_LATER = "1790005000", "2026-09-21T15:36:40Z"


def attribute(kind: str = "md5", value: str = MD5, **more: object) -> Json:
    return {"uuid": ATTRIBUTE, "type": kind, "value": value, "to_ids": True, "timestamp": STAMP, **more}


def tagged(*names: str) -> list[Json]:
    return [{"name": name} for name in names]


def event(*attributes: Json, objects: tuple[Json, ...] = (), **more: object) -> Json:
    return {"Event": {"info": "x", "Orgc": NINE, "Attribute": attributes, "Object": objects, **more}}


def file(*attributes: Json, **more: object) -> Json:
    return {
        "name": "file",
        "meta-category": "file",
        "uuid": OBJECT,
        "timestamp": STAMP,
        "Attribute": attributes,
        **more,
    }


def read(document: object) -> list[ListItem]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert FORMAT.looks_like(data[:4096])
    found, bad, _told = rows_of(FORMAT, data)
    assert not bad
    return found


def only(document: object) -> ListItem:
    (item,) = read(document)
    return item


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        *((["tlp:white"], "clear"), (["TLP:CLEAR"], "clear"), (['tlp:"red"'], "red"), (["tlp:'green'"], "green")),
        *((["TLP: AMBER"], "amber"), (["tlp=red"], "red"), (["tlp:amber+strict"], "amber+strict")),
        *((["tlp:amber strict"], "amber+strict"), (['ais-marking:TLPMarking="AMBER"'], "amber")),
        *((["tlp:green", "tlp:red"], "red"), (["tlp:green", "tlp:ex:chr", "PAP:RED"], "green")),
        *((["tlp:unclear"], "amber+strict"), (["tlp:ex:chr"], "amber+strict"), (["tlp:purple"], "amber+strict")),
        *((["PAP:RED"], "amber+strict"), (["PAP:GREEN"], "amber+strict"), (["PAP:WHITE"], None), (["pap:clear"], None)),
        *((["about tlp:clear"], None), (["week"], None), ([], None)),
    ],
)
def test_tags_say_how_far(tags: list[str], expected: str | None) -> None:
    assert only(event(attribute(), Tag=tagged(*tags))).tlp == expected
    assert only(event(attribute(Tag=tagged(*tags)))).tlp == expected
    assert only(event(attribute(), Tag=tags)).tlp == expected  # names alone
    assert only(event(attribute(), EventTag=[{"Tag": each} for each in tagged(*tags)])).tlp == expected


@pytest.mark.parametrize("value", [0, "0", 4, "4", "7", "x", False])
def test_without_a_tag_the_distribution_says_how_far(value: object) -> None:
    limited: Json = {"distribution": value}
    for document in (
        event(attribute(distribution="5"), **limited),
        event(attribute(**limited), distribution="3"),
        event(objects=(file(attribute(distribution="5"), **limited),), distribution="3"),
        event(objects=(file(attribute(**limited), distribution="5"),)),
        {"response": {"Attribute": [attribute(distribution="5", Event=limited)]}},
    ):
        assert only(document).tlp == "amber+strict"


def test_what_else_limits_and_what_does_not() -> None:
    assert only(event(attribute(), sharing_group_id="3")).tlp == "amber+strict"
    assert only(event(attribute(sharing_group_id=3))).tlp == "amber+strict"
    assert only(event(attribute(), SharingGroup={"name": "x"})).tlp == "amber+strict"
    for open in ("1", "2", 3, None):
        assert only(event(attribute(distribution="5", sharing_group_id="0"), distribution=open)).tlp is None


def test_a_tag_decides_for_what_is_around_it_and_not_for_what_is_inside() -> None:
    assert only(event(attribute(), distribution="0", Tag=tagged("tlp:green"))).tlp == "green"
    assert only(event(attribute(Tag=tagged("tlp:green")), distribution="0")).tlp == "green"
    assert only(event(attribute(Tag=tagged("tlp:clear")), Tag=tagged("tlp:amber"))).tlp == "amber"
    assert only(event(attribute(distribution="0"), Tag=tagged("tlp:green"))).tlp == "amber+strict"
    assert only(event(attribute(Tag=tagged("tlp:unclear")), Tag=tagged("tlp:green"))).tlp == "amber+strict"
    both = file(attribute(Tag=tagged("tlp:green")), attribute("sha1", SHA1))
    assert only(event(objects=(both,), distribution="0")).tlp == "amber+strict"


def test_each_event_speaks_for_itself() -> None:
    one = event(attribute(), Tag=tagged("tlp:red", "x"), distribution="0")
    two = event(attribute("sha1", SHA1), Orgc={"name": "Ten"}, Tag=tagged("tlp:green"))
    for document in ([one, two], {"response": [one, two]}, f"{json.dumps(one)}\n{json.dumps(two)}".encode()):
        assert [(item.tlp, item.source, item.labels) for item in read(document)] == [
            ("red", "Nine", ("x",)),
            ("green", "Ten", ()),
        ]


def test_the_record_is_the_attribute_or_the_object() -> None:
    whole = file(attribute(), attribute("sha1", SHA1))
    several = file(attribute(uuid="A"), attribute("md5", MD5[::-1], uuid="b"))
    found = read(event(attribute(), objects=(whole, several)))
    assert [item.record for item in found] == [f"misp:{ATTRIBUTE}", f"misp:{OBJECT}", "misp:a", "misp:b"]
    assert found[0].changed == AT[:-1] + ".000000Z"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        *(({"deleted": value}, "deleted") for value in (True, 1, "1")),
        *(({"to_ids": value}, "not for detection (to_ids)") for value in (False, 0, "0")),
        *(
            ({"Tag": tagged(tag)}, tag)
            for tag in ('false-positive:risk="high"', "false-positive:confirmed", 'False-Positive:confirmed="true"')
        ),
    ],
)
def test_what_withdraws(more: Json, reason: str) -> None:
    more = {**more, "timestamp": LATER}
    for document in (event(attribute(**more)), event(objects=(file(attribute(**more), timestamp=LATER),))):
        item = only(document)
        assert (item.md5, item.retracted, item.retraction_reason) == (MD5, AT_LATER, reason)
        assert item.record and item.changed == AT_LATER[:-1] + ".000000Z"
    assert only(event(objects=(file(attribute(), deleted=True, timestamp=LATER),))).retracted == AT_LATER


def test_a_tag_of_the_event_withdraws_too_and_a_low_risk_does_not() -> None:
    item = only(event(attribute(), Tag=tagged('false-positive:risk="high"'), timestamp=LATER))
    assert item.retracted == AT_LATER and item.changed == AT_LATER[:-1] + ".000000Z"
    for tag in ('false-positive:risk="low"', 'false-positive:risk="medium"', 'false-positive:confirmed="false"'):
        assert only(event(attribute(Tag=tagged(tag)))).retracted is None


def test_of_an_object_what_is_still_looked_for_counts() -> None:
    corrected = file(
        attribute("md5", MD5, deleted=True), attribute("md5", MD5[::-1]), attribute("sha1", SHA1, to_ids=0)
    )
    item = only(event(objects=(corrected,)))
    assert (item.md5, item.sha1, item.retracted) == (MD5[::-1], None, None)
    wrong = file(attribute(Tag=tagged("false-positive:confirmed")), attribute("sha1", SHA1))
    assert only(event(objects=(wrong,))).retracted == AT


def test_a_withdrawal_needs_nothing_but_its_record() -> None:
    for document, record in (
        (event(attribute(value="", deleted=True)), ATTRIBUTE),
        (event(objects=(file(deleted=True),)), OBJECT),
        ([{"uuid": ATTRIBUTE, "type": "sha256", "to_ids": True, "deleted": True, "timestamp": STAMP}], ATTRIBUTE),
    ):
        item = only(document)
        assert (item.record, item.retracted, item.retraction_reason) == (f"misp:{record}", AT, "deleted")
        assert not item.md5
    assert read(event(attribute("ip-dst", "198.51.100.1", deleted=True))) == []


def test_context_that_nobody_can_have_known_as_more_is_no_withdrawal() -> None:
    assert read(event(attribute(uuid=None, to_ids=False))) == []


def sighting(kind: object, **organisation: str) -> Json:
    return {"type": kind, "date_sighting": LATER, "source": "", "Organisation": organisation}


def test_a_false_positive_sighting_is_a_withdrawal_or_a_dispute() -> None:
    for own in (NINE, {"name": "Nine"}, {"name": "Nine Ltd", "uuid": NINE["uuid"].lower()}):
        for kind in (1, "1"):
            item = only(event(attribute(Sighting=[sighting(kind, **own)])))
            assert (item.retracted, item.retraction_reason) == (AT_LATER, "false-positive sighting")
            assert item.changed == AT_LATER[:-1] + ".000000Z" and not item.opinions
    at = AT_LATER[:-1] + ".000000Z"
    for other in ({"name": "Ten"}, {"name": "Nine", "uuid": "11111111-0000-4000-8000-0000000000bb"}):
        item = only(event(attribute(Sighting=[sighting("1", **other)])))
        assert item.opinions == (Opinion("disputed", other["name"], at, "false-positive sighting"),)
        assert item.retracted is None
    unnamed = only(event(attribute(Sighting=[{"type": "1"}])))
    assert unnamed.opinions == (Opinion("disputed", "unknown", None, "false-positive sighting"),)


def test_other_sightings() -> None:
    seen = [sighting("0", **NINE), sighting("0", name="Ten"), "x", {"type": []}]
    assert only(event(attribute(Sighting=seen))).opinions == ()
    assert only(event(attribute(Sighting=[sighting("2", **NINE)]))).expires == AT_LATER
    assert only(event(attribute(Sighting=[sighting("2", name="Ten")]))).expires is None
    twice = [{**sighting("1", name="Ten"), "date_sighting": stamp} for stamp in (LATER, STAMP)]
    assert [each.at for each in only(event(attribute(Sighting=twice))).opinions] == [AT_LATER[:-1] + ".000000Z"]


def test_every_shape() -> None:
    alone, whole = attribute(), file(attribute(), attribute("sha1", SHA1))
    around = event(alone, objects=(whole,))
    for document in (around, around["Event"], {"response": [around]}, [around], [around["Event"]]):
        assert [item.record for item in read(document)] == [f"misp:{ATTRIBUTE}", f"misp:{OBJECT}"]
    for document in (
        *({"Attribute": alone}, {"response": {"Attribute": [alone]}}, {"response": {"Attribute": alone}}),
        *([{"Attribute": alone}], [alone], alone, {"response": [{"Attribute": alone}]}),
    ):
        assert only(document).record == f"misp:{ATTRIBUTE}"
    for document in (
        *({"Object": whole}, {"response": {"Object": [whole]}}, {"response": [{"Object": whole}]}),
        *([{"Object": whole}], [whole], whole),
    ):
        assert only(document).record == f"misp:{OBJECT}"
    assert read({"response": []}) == read({"response": {"Attribute": []}}) == []


def test_what_cannot_be_used_is_refused_with_a_reason() -> None:
    unusable = [
        attribute("sha512", "00" * 64),
        attribute("md5", "x"),
        attribute("md5", ""),
        attribute("filename|ssdeep", "a|3:x"),
    ]
    found, bad, _told = rows_of(FORMAT, json.dumps(event(*unusable, objects=(file(attribute("tlsh", "x")),))).encode())
    assert not found and len(bad) == 5
    assert bad[0] == "none of its digests is of a kind that we know: 'sha512'"
    others = [attribute("ip-dst", "198.51.100.1"), attribute("sha512", "00" * 64, to_ids=False)]
    found, bad, told = rows_of(FORMAT, json.dumps(event(*others)).encode())
    assert not found and not bad and told == ["attributes without a digest are skipped: 1 'ip-dst'"]


def test_a_damaged_event_costs_itself_and_is_not_taken_for_open() -> None:
    first, second = (
        event(attribute(kind, value), Tag=tagged("tlp:green")) for kind, value in (("md5", MD5), ("sha1", SHA1))
    )
    third = event(attribute("sha256", SHA256), Tag=tagged("tlp:clear"))
    for torn in (
        json.dumps(second)[:-20],
        json.dumps(second).replace('"Tag": [', '"Tag": ['[:-1]),
        json.dumps(second)[:-1],
        '{"Event": {"Attribute": [' + json.dumps(attribute("sha1", SHA1)) + ",",
    ):
        data = "\n".join([json.dumps(first), torn, json.dumps(third)]).encode()
        found, bad, told = rows_of(FORMAT, data)
        assert bad and "what is in a damaged event is TLP:AMBER+STRICT at least" in told
        marks = {item.md5 or item.sha1 or item.sha256: item.tlp for item in found}
        assert marks[MD5] == "green" and marks[SHA256] == "clear"
        assert marks.get(SHA1, "amber+strict") == "amber+strict"


def test_pieces_of_a_damaged_event_are_not_taken_for_open() -> None:
    lines = json.dumps(event(attribute(), attribute("sha1", SHA1), attribute("sha256", SHA256)), indent=1).splitlines()
    lines[lines.index(f'    "value": "{SHA1}",')] = f'    "value": "{SHA1},'
    found, bad, _told = rows_of(FORMAT, "\n".join(lines).encode())
    assert bad and {(item.md5, item.sha256, item.tlp) for item in found} == {
        (MD5, None, "amber+strict"),
        (None, SHA256, "amber+strict"),
    }


#: How far each list of the corpus lets its entry go.
MARKS = {
    **dict.fromkeys(("amber-strict", "attr-dist0", "own-org-only-no-tag", "pap-red", "unclear"), "amber+strict"),
    **dict.fromkeys(("event-amber", "quoted", "upper"), "amber"),
    "attr-red": "red",
    "green-and-red": "red",
    "white": "clear",
}


@pytest.mark.parametrize("name", MARKS)
def test_marks_of_the_corpus(name: str) -> None:
    item = only(corpus_list(f"marks/misp-{name}.json"))
    assert item.tlp == MARKS[name] and TLP_ORDER.index(item.tlp) >= 0


def test_versions_of_the_corpus() -> None:
    first = only(corpus_list("versions/misp-1-names-wrong-file.json"))
    for name in (
        "2-same-attribute-corrected",
        "3-deleted",
        "toids-2-off",
        "tag-2-false-positive",
        "sighting-2-false-positive",
    ):
        later = only(corpus_list(f"versions/misp-{name}.json"))
        assert later.record == first.record and (later.changed or "") > (first.changed or "")
        assert bool(later.retracted) == (name[0] in "3t"), name
    assert [each.source for each in later.opinions] == ["Org Z"]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("attribute-single", 1), ("attributes-restsearch", 1), ("object-single", 1), ("objects-list", 1)),
        *((name, 2) for name in ("bare-event-as-pymisp-to_json", "list-of-events", "response-of-events")),
        ("sha256-alone-and-file-object", 2),
    ],
)
def test_shapes_of_the_corpus(name: str, count: int) -> None:
    assert len(read(corpus_list(f"misp/{name}.json"))) == count

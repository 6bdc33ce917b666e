"""STIX documents of others: how far entries may go, which record they are, what withdraws them, and their shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hashmatch.exchange.formats.stix import FORMAT
from hashmatch.exchange.formats.stix_objects import EXTENSION, TLP_EXTENSION, TLP_MARKINGS
from hashmatch.records import ListItem, Opinion
from tests.support.exchange_corpus import corpus_list
from tests.support.list_items import MD5, SHA1, SHA256, rows_of

Json = dict[str, Any]
INDICATOR = "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"
FILE = "file--9a1f834d-2506-5367-baec-7aa63996ac43"
OWN = "marking-definition--11111111-1111-4111-8111-111111111111"
CHANGED = "2026-01-02T00:00:00.000000Z"


def indicator(pattern: str | None = f"[file:hashes.MD5 = '{MD5}']", **more: object) -> Json:
    dates = {"created": "2026-01-01T00:00:00.000Z", "modified": CHANGED, "valid_from": "2026-01-01T00:00:00Z"}
    made = {"type": "indicator", "spec_version": "2.1", "id": INDICATOR, **dates, "pattern_type": "stix", **more}
    return made if pattern is None else {**made, "pattern": pattern}


def bundle(*objects: Json) -> Json:
    return {"type": "bundle", "id": "bundle--dcf8154d-27b3-4856-94eb-29fbda777116", "objects": objects}


def rows(document: object) -> tuple[list[ListItem], list[str], list[str]]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert FORMAT.looks_like(data[:4096])
    return rows_of(FORMAT, data)


def only(*objects: Json) -> ListItem:
    (item,), bad, _told = rows(bundle(*objects))
    assert not bad
    return item


@pytest.mark.parametrize(
    ("marking", "expected"),
    [
        *(({"definition_type": "tlp", "definition": {"tlp": mark}}, mark) for mark in ("green", "amber", "red")),
        ({"definition_type": "tlp", "definition": {"tlp": "white"}}, "clear"),
        ({"definition_type": "TLP", "definition": {"TLP": "AMBER+STRICT"}, "name": "TLP:AMBER+STRICT"}, "amber+strict"),
        ({"extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "green"}}}, "green"),
        *(({"name": name}, "red") for name in ("TLP:RED", "tlp red", "TLP 2.0: RED", "Traffic Light Protocol RED")),
        ({"definition_type": "tlp", "name": "RED"}, "red"),
        *(
            ({"definition_type": "statement", "definition": {"statement": statement}}, mark)
            for statement, mark in {
                "Law enforcement only. TLP:RED": "red",
                "tlp:amber+strict": "amber+strict",
                "TLP-AMBER-STRICT": "amber+strict",
                "TLP:GREEN, and TLP:AMBER for the annex": "amber",
                'TLP:"CLEAR"': "clear",
                "Not TLP:CLEAR": "amber+strict",
                "TLP:GREEN until 2027, then TLP:CLEAR": "amber+strict",
                "Copyright 2026, somebody": "amber+strict",
                "TLP:PURPLE": "amber+strict",
                "tlp:clearly not": "amber+strict",
            }.items()
        ),
        ({"definition_type": "x-other", "definition": 7}, "amber+strict"),
        ({"definition_type": "tlp", "definition": {"tlp": "purple"}}, "amber+strict"),
        ({"type": "x"}, "amber+strict"),  # it is not in the document
    ],
)
def test_markings_say_how_far(marking: Json, expected: str) -> None:
    marking = {"type": "marking-definition", "id": OWN, **marking}
    marked: Json = {"object_marking_refs": [OWN]}
    assert only(indicator(**marked), marking).tlp == expected
    assert only(marking, indicator(object_marking_refs=OWN)).tlp == expected
    assert only(marking, indicator(granular_markings=[{"marking_ref": OWN, "selectors": ["pattern"]}])).tlp == expected
    assert only({"type": "file", "id": FILE, "hashes": {"MD5": MD5}, **marked}, marking).tlp == expected


def test_a_tlp_mark_decides_beside_others() -> None:
    for tlp, mark in TLP_MARKINGS.items():
        assert only(indicator(object_marking_refs=[OWN, mark])).tlp == tlp
    assert only(indicator(labels=["tlp:red", "x"])).tlp == "red"
    assert only(indicator(labels=["about tlp:clear"])).tlp is None
    assert only(indicator()).tlp is None


def test_the_record_is_the_object_and_a_later_version_replaces_it() -> None:
    item = only(indicator(valid_until="2026-06-01T00:00:00Z"))
    assert (item.record, item.changed, item.expires) == (f"stix:{INDICATOR}", CHANGED, "2026-06-01T00:00:00Z")
    both, _bad, _told = rows(bundle(indicator(f"[file:hashes.MD5 IN ('{MD5}', '{MD5[::-1]}')]")))
    assert [item.record for item in both] == [f"stix:{INDICATOR}"] * 2
    assert only({"type": "file", "id": FILE, "hashes": {"MD5": MD5}}).record == f"stix:{FILE}"
    inner = {"0": {"type": "file", "hashes": {"MD5": MD5}}}
    observed = {
        "type": "observed-data",
        "id": "observed-data--1",
        "modified": CHANGED,
        "objects": inner,
        "revoked": True,
    }
    item = only(observed)
    assert (item.record, item.changed, item.retraction_reason) == ("stix:observed-data--1/0", CHANGED, "revoked")


def test_what_withdraws() -> None:
    item = only(indicator(revoked=True))
    assert (item.md5, item.retracted, item.retraction_reason) == (MD5, "2026-01-02T00:00:00Z", "revoked")
    item = only(indicator(labels=['misp:to_ids="False"']))
    assert item.retraction_reason == "not for detection (to_ids)"


@pytest.mark.parametrize("pattern", [None, "", f"[NOT file:hashes.MD5 = '{MD5}']", "[file:hashes.MD5 = 'x']", "["])
def test_a_withdrawal_needs_nothing_but_its_record(pattern: str | None) -> None:
    by = {"type": "identity", "id": "identity--1", "name": "Nine"}
    item = only(indicator(pattern, revoked=True, created_by_ref="identity--1"), by)
    assert (item.record, item.source) == (f"stix:{INDICATOR}", "Nine") and item.retracted and not item.md5


def test_a_file_that_is_revoked() -> None:
    item = only({"type": "file", "id": FILE, "revoked": True})
    assert item.record == f"stix:{FILE}" and item.retracted


def test_confidence_and_benign() -> None:
    at = Opinion("false-positive", None, CHANGED, "confidence 0")
    assert only(indicator(confidence=0)).opinions == (at,)
    for confidence in (1, 100, None, False, "0"):
        assert only(indicator(confidence=confidence)).opinions == ()
    assert only(indicator(indicator_types=["benign"])).allow
    assert not only(indicator(indicator_types=["benign", "malicious-activity"])).allow


def test_an_opinion_that_is_passed_on() -> None:
    opinion = {"type": "opinion", "id": "opinion--1", "opinion": "disagree", "object_refs": [INDICATOR]}
    ours = {"extensions": {EXTENSION: {"extension_type": "property-extension", "author": "RWx"}}}
    assert only(indicator(), {**opinion, **ours}).opinions == (Opinion("disputed", "unknown", author="RWx"),)


def test_every_shape() -> None:
    one, two = indicator(), {**indicator(f"[file:hashes.'SHA-1' = '{SHA1}']"), "id": INDICATOR[:-1] + "3"}
    lines = [json.dumps(each) for each in (one, two)]
    pages = [json.dumps(bundle(each), indent=1) for each in (one, two)]
    documents = [bundle(one, two), {"more": False, "objects": [one, two]}, {"objects": [one, two]}, [one, two]]
    documents += [[bundle(one), bundle(two)], [bundle(one), two]]
    texts = [
        "\n".join(lines),
        "".join(lines),
        "\r\n".join(lines) + "\r\n",
        "\n".join(pages),
        lines[0] + "\n" + pages[1],
    ]
    texts += [json.dumps(bundle(one)) + "\n" + json.dumps({"more": True, "objects": [two]})]
    for data in [*map(json.dumps, documents), *texts, *(json.dumps(each, indent=2) for each in documents)]:
        found, bad, told = rows(data.encode())
        assert [(item.md5, item.sha1) for item in found] == [(MD5, None), (None, SHA1)] and not bad and not told, data
        assert rows(b"\xef\xbb\xbf" + data.encode())[0] == found
    observed = {
        "type": "observed-data",
        "id": "observed-data--11111111-1111-4111-8111-111111111111",
        "first_observed": "x",
    }
    assert rows({**observed, "objects": {"0": {"type": "file", "hashes": {"MD5": MD5}}}})[0][0].md5 == MD5
    assert rows(one)[0] == [only(one)]
    assert rows({"more": False}) == rows({"objects": []}) == rows(bundle()) == ([], [], [])


def test_what_is_damaged_does_not_hide_what_follows() -> None:
    one, two, three = (
        json.dumps({**indicator(f"[file:hashes.'{name}' = '{value}']"), "id": f"{INDICATOR[:-1]}{number}"})
        for number, (name, value) in enumerate((("MD5", MD5), ("SHA-1", SHA1), ("SHA-256", SHA256)))
    )
    torn = [
        two[:-1],
        two[:-3],
        two[: len(two) // 2],
        two.replace('"', "", 1),
        two + "}",
        two.replace(":", "", 1),
        two[:-1] + "]",
    ]
    for damaged in torn:
        for joined in (
            f"{one}\n{damaged}\n{three}\n",
            f'{{"type": "bundle", "objects": [\n{one},\n{damaged},\n{three}\n]}}',
            f'{{"objects": [{one}]}}\n{{"objects": [{damaged}\n{{"objects": [{three}]}}\n',
            f'{{"objects": [{one}]}}\n{{"objects": [{two},\n{{"objects": [{three}]}}\n',
        ):
            found, bad, _told = rows(joined.encode())
            known = {item.md5 or item.sha1 or item.sha256 for item in found}
            assert {MD5, SHA256} <= known and (bad or SHA1 in known), joined


def test_what_cannot_be_used_is_refused_with_a_reason() -> None:
    unusable = [
        *(indicator(f"[file:hashes.MD5 {test}]") for test in (f"!= '{MD5}'", f"NOT IN ('{MD5}')", f"NOT = '{MD5}'")),
        *(indicator(f"[NOT file:hashes.MD5 = '{MD5}']"), indicator(f"[file:hashes.MD5 = '{MD5}'"), indicator(None)),
        *(indicator(f"[file:hashes.'SHA-512' = '{'0' * 128}']"), indicator("[file:hashes.MD5 = 'x']")),
        {"type": "file", "id": FILE, "hashes": {"SHA-512": "0" * 128}},
    ]
    found, bad, _told = rows(bundle(*unusable))
    assert not found and len(bad) == len(unusable)
    others = [indicator("[ipv4-addr:value = '198.51.100.1']"), {"type": "identity", "id": "identity--1", "name": "x"}]
    assert rows(bundle(*others)) == ([], [], ["objects without a digest or hash are skipped: 1 'indicator'"])


MARKS = {
    **dict.fromkeys(("misp-style-amberstrict", "opencti-tlp-name"), "amber+strict"),
    **dict.fromkeys(("tlp1-amber-noobj", "tlp2-noobj"), "amber"),
    "statement": "red",
    "tlp1-white-noobj": "clear",
}


@pytest.mark.parametrize("name", MARKS)
def test_marks_of_the_corpus(name: str) -> None:
    (item,), bad, told = rows(corpus_list(f"marks/stix-{name}.json"))
    assert item.tlp == MARKS[name] and not bad and not told


def test_versions_of_the_corpus() -> None:
    names = ("1-names-wrong-file", "2-same-indicator-corrected", "3-same-indicator-revoked")
    first, second, third = (rows(corpus_list(f"versions/stix-{name}.json"))[0][0] for name in names)
    assert first.record == second.record == third.record and first.sha256 != second.sha256
    assert (first.changed or "") < (second.changed or "") <= (third.changed or "")
    assert not first.retracted and not second.retracted and third.retracted


@pytest.mark.parametrize(
    ("name", "count", "refused"),
    [
        *((name, 0, 1) for name in ("broken", "neq", "not-in", "not-invalid-form", "not-valid-form")),
        *((name, 1, 0) for name in ("single-object", "benign-indicator", "zero-confidence")),
        *(("list-of-objects", 2, 0), ("taxii-envelope", 2, 0), ("patterns", 17, 4)),
    ],
)
def test_shapes_of_the_corpus(name: str, count: int, refused: int) -> None:
    found, bad, _told = rows(corpus_list(f"stix/{name}.json"))
    assert (len(found), len(bad)) == (count, refused)

"""The `stix` format, checked with OASIS's own library and validator, and third-party bundles."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport
from hashmatch.exchange.formats import stix_context, stix_waiting
from hashmatch.exchange.formats.stix import FORMAT
from hashmatch.exchange.formats.stix_objects import EXTENSION, TLP_MARKINGS
from hashmatch.records import TLP_ORDER, Hash, ListItem, Opinion
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA1, SHA256, items, patient, rows_of, same, write

BITS = bytes.fromhex(BRIDGE)
FRAMES = tuple(Hash("pdq", bytes([n]) * 32, 90, n / 4, version=1) for n in range(3))
LISTED = [
    *(replace(PICTURE, tlp=tlp) for tlp in TLP_ORDER),
    replace(PICTURE, md5=None, sha1=None, source=None, retracted="2026-11-22T00:00:00Z", retraction_reason="ours"),
    replace(PICTURE, allow=True, opinions=(Opinion("confirmed", None, "2026-11-23T00:00:00.000000Z", "seen"),)),
    replace(PICTURE, opinions=(Opinion("false-positive"), Opinion("disputed", "west", None, "a card")), labels=()),
    replace(PICTURE, paths=(b"a\xff", b"b"), note="=note", case="c", operator="o", tlp=None),
    replace(
        PICTURE, author="RWx", expires="2027-01-01T00:00:00Z", opinions=(Opinion("disputed", "west", author="RWa"),)
    ),
    ListItem(kind="video", duration=1.5, hashes=FRAMES, collection="films"),
    ListItem(sha256=SHA256, hashes=(*FRAMES, Hash("pdq", BITS, 100, view="trim1"))),
    ListItem(kind="image", hashes=(Hash("phash", bytes(8)),)),
    ListItem(md5=MD5),
]


def numbered(number: int, item: ListItem) -> ListItem:
    """The same entry, but about a file of its own."""
    own = {name: f"{number:x}" + value[1:] for name in ("md5", "sha1", "sha256") if (value := getattr(item, name))}
    return replace(item, **own)  # type: ignore[arg-type]


EVERYTHING = [numbered(number, item) for number, item in enumerate(LISTED)]


def bundle(*objects: dict[str, Any]) -> bytes:
    return json.dumps(
        {"type": "bundle", "id": "bundle--dcf8154d-27b3-4856-94eb-29fbda777116", "objects": objects}
    ).encode()


def objects_of(listed: list[ListItem], include: frozenset[str] = ALL) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write(FORMAT, listed, include)[0])["objects"]
    return found


def indicator(pattern: str = f"[file:hashes.MD5 = '{MD5}']", **more: object) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2",
        "created": "2026-01-01T00:00:00.123Z",
        "modified": "2026-01-02T00:00:00.000Z",
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def test_the_stix2_library_parses_all_of_it() -> None:
    stix2 = pytest.importorskip("stix2", reason="STIX is judged by the stix2 library")
    data, report = write(FORMAT, EVERYTHING, ALL)
    parsed = stix2.parse(data.decode(), allow_custom=False)
    assert report == WriteReport(written=len(EVERYTHING), unmarked=5)
    kinds = [each.type for each in parsed.objects]
    assert kinds.count("indicator") == len(EVERYTHING) and kinds.count("opinion") == 4
    for each in parsed.objects:
        if each.type == "file":
            assert each.id == stix2.v21.File(hashes=each.hashes).id  # the same id as for a file without our extension
    assert sum(each.get("revoked", False) for each in parsed.objects) == 1


@pytest.mark.slow
def test_the_validator_of_oasis_finds_no_error() -> None:
    validator = pytest.importorskip("stix2validator", reason="STIX is judged by stix2-validator")
    options = validator.ValidationOptions(version="2.1")
    found = validator.validate_string(write(FORMAT, EVERYTHING, ALL)[0].decode(), options)
    assert found.is_valid and not found.errors
    # What it warns of is meant: ids that a later export finds again, languages of patterns that are not in its list, no
    # description of what has none.
    for warning in map(str, found.warnings):
        assert any(code in warning for code in ("{103}", "{245}", "{303}")), warning


@patient
@given(st.lists(items, max_size=3))
def test_round_trip(written: list[ListItem]) -> None:
    data, report = write(FORMAT, written, ALL)
    found, bad, told = rows_of(FORMAT, data)
    assert not bad and not told and report.written == len(written)
    assert list(map(same, found)) == list(map(same, written))


@pytest.mark.parametrize("seed", range(5))
def test_a_bundle_has_no_order(seed: int) -> None:
    objects = objects_of(EVERYTHING)
    random.Random(seed).shuffle(objects)
    found, bad, told = rows_of(FORMAT, bundle(*objects))
    assert not bad and not told
    assert {same(item) for item in found} == {same(item) for item in EVERYTHING}


def test_a_file_that_two_collections_have_is_written_once() -> None:
    both = [PICTURE, replace(PICTURE, collection="west", labels=())]
    assert [each["type"] for each in objects_of(both)[-3:]] == ["file", "indicator", "indicator"]
    assert rows_of(FORMAT, write(FORMAT, both)[0]) == (both, [], [])


def test_what_is_written() -> None:
    named = {each["type"]: each for each in objects_of([replace(PICTURE, opinions=(Opinion("disputed", "west"),))])}
    assert named["file"]["hashes"] == {"MD5": MD5, "SHA-1": SHA1, "SHA-256": SHA256}
    extension = named["file"]["extensions"][EXTENSION]
    assert (extension["pdq"], extension["pdq_quality"], extension["kind"]) == (BRIDGE, 100, "image")
    told = named["indicator"]
    assert told["labels"] == ["one", "two"] and told["indicator_types"] == ["malicious-activity"]
    assert told["object_marking_refs"] == [TLP_MARKINGS["green"]] == [named["marking-definition"]["id"]]
    assert told["created"] == told["modified"] == "2026-11-21T19:00:00.000Z"
    assert named["opinion"]["opinion"] == "disagree" and named["opinion"]["object_refs"] == [told["id"]]
    film = objects_of([ListItem(hashes=FRAMES)])[-1]
    assert film["pattern_type"] == "vpdq" and json.loads(film["pattern"])[1] == f"{'01' * 32},90,0.25"


def test_private_fields_only_if_asked_for() -> None:
    item = replace(PICTURE, paths=(b"secret",), case="secret", operator="secret", note="secret")
    assert b"secret" not in write(FORMAT, [item])[0]
    assert rows_of(FORMAT, write(FORMAT, [item])[0])[0] == [PICTURE]


def test_a_later_export_revises_the_same_objects() -> None:
    later = replace(PICTURE, retracted="2026-11-25T00:00:00Z", changed="2026-11-25T00:00:00.012345Z", labels=("other",))
    first, second = objects_of([PICTURE]), objects_of([later])
    assert [each["id"] for each in first] == [each["id"] for each in second]
    assert second[-1]["created"] == first[-1]["created"] and second[-1]["modified"] == "2026-11-25T00:00:00.012345Z"
    assert second[-1]["revoked"] and "revoked" not in first[-1]
    assert first[:-1] == second[:-1]


def test_for_whom_and_until_when() -> None:
    opinions = (Opinion("disputed", "west", author="RWa"), Opinion("disputed", "west", author="RWb"))
    item = replace(PICTURE, author="RWx", expires="2027-01-01T00:00:00Z", opinions=opinions)
    objects = objects_of([item])
    assert rows_of(FORMAT, bundle(*objects))[0] == [item]
    told = next(each for each in objects if each["type"] == "indicator")
    assert told["valid_until"] == "2027-01-01T00:00:00.000Z" and told["extensions"][EXTENSION]["author"] == "RWx"
    both = [each for each in objects if each["type"] == "opinion"]
    assert [each["extensions"][EXTENSION]["author"] for each in both] == ["RWa", "RWb"]
    assert both[0]["id"] != both[1]["id"]
    own = objects_of([PICTURE])[-1]
    assert own["id"] != told["id"] and own["id"] == "indicator--6c14237c-a7a0-5411-9d24-eda450770408"
    late = replace(item, expires="2026-01-01T00:00:00Z")  # before it was added, which STIX cannot say
    assert "valid_until" not in str(objects_of([late])) and rows_of(FORMAT, bundle(*objects_of([late])))[0] == [late]


def test_a_part_of_a_picture_does_not_pass_for_the_whole() -> None:
    whole, trimmed, part = (
        Hash("pdq", bytes([n]) * 32, 90, view=view) for n, view in enumerate(("full", "trim1", "part1"))
    )
    dhash = Hash("dhash", bytes(8))
    for hashes, kind, pattern in (
        ((part, trimmed, whole), "pdq", whole.hex),
        ((part, dhash), "dhash", dhash.hex),
        ((part,), "pdq-part", part.hex),
        ((part, trimmed), "pdq-part", part.hex),
    ):
        item = ListItem(kind="image", hashes=hashes)
        told = objects_of([item])[-1]
        assert (told["pattern_type"], told["pattern"]) == (kind, pattern)
        assert set(rows_of(FORMAT, bundle(told))[0][0].hashes) == set(hashes)


def test_a_partners_revision_of_our_entry_counts() -> None:
    objects = objects_of([PICTURE], frozenset())
    objects[-1] |= {
        "modified": "2026-12-01T00:00:00.000Z",
        "revoked": True,
        "object_marking_refs": [TLP_MARKINGS["red"]],
    }
    (found,), bad, told = rows_of(FORMAT, bundle(*objects))
    assert not bad and not told
    revised = replace(PICTURE, changed="2026-12-01T00:00:00.000000Z", tlp="red")
    assert found == replace(revised, retracted="2026-12-01T00:00:00Z", retraction_reason="revoked")


def test_an_indicator_of_others() -> None:
    by = {"type": "identity", "id": "identity--1", "name": "Analysts"}
    more = {"created_by_ref": "identity--1", "labels": ["x"], "description": "seen", "confidence": 80}
    found, bad, told = rows_of(FORMAT, bundle(indicator(**more), by))
    said = {"source": "Analysts", "labels": ("x",), "note": "seen", "record": f"stix:{indicator()['id']}"}
    dates = {"added": "2026-01-01T00:00:00Z", "changed": "2026-01-02T00:00:00.000000Z"}
    assert found == [ListItem(md5=MD5, **said, **dates)] and not bad and not told  # type: ignore[arg-type]


def test_retractions_allowing_and_marks_of_others() -> None:
    marks = {"object_marking_refs": ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]}
    marks["granular_markings"] = [{"marking_ref": "marking-definition--9", "selectors": ["pattern"]}]  # type: ignore[list-item]
    own = {
        "type": "marking-definition",
        "id": "marking-definition--9",
        "definition_type": "tlp",
        "definition": {"tlp": "red"},
    }
    old = {"labels": ["benign"]}
    listed = [
        *(indicator(revoked=True), indicator(indicator_types=["benign"]), indicator(**marks)),
        {**indicator(**old), "pattern_type": None},
        own,
    ]
    (gone, allowed, marked, of_2_0), bad, told = rows_of(FORMAT, bundle(*listed))
    assert gone.retracted == "2026-01-02T00:00:00Z" and allowed.allow and marked.tlp == "red" and of_2_0.allow
    assert not bad and not told


def test_opinions_of_others() -> None:
    seen = {"type": "opinion", "object_refs": [indicator()["id"]], "modified": "2026-02-01T00:00:00Z"}
    listed = [
        {
            **seen,
            "id": "opinion--1",
            "opinion": "strongly-disagree",
            "explanation": "a logo",
            "created_by_ref": "identity--1",
        },
        indicator(created_by_ref="identity--2"),
        {**seen, "id": "opinion--2", "opinion": "agree"},
        {**seen, "id": "opinion--5", "opinion": "disagree", "created_by_ref": "identity--2"},
        {**seen, "id": "opinion--3", "opinion": "neutral"},
        {**seen, "id": "opinion--4", "opinion": "agree", "object_refs": ["malware--1"]},
        {"type": "identity", "id": "identity--1", "name": "West"},
    ]
    (found,), bad, told = rows_of(FORMAT, bundle(*listed))
    at = "2026-02-01T00:00:00.000000Z"
    assert found.opinions == (
        Opinion("false-positive", "West", at, "a logo"),
        Opinion("confirmed", "unknown", at),
        Opinion("disputed", None, at),
    )
    assert not bad and told == [
        "objects whose opinions are skipped because they are not entries or not in this list: 1"
    ]


def test_hashes_as_others_write_them() -> None:
    film = json.dumps([f"{BRIDGE},100,0.5"])
    listed = [
        indicator(BRIDGE.upper(), pattern_type="pdq"),
        indicator(film, pattern_type="vpdq"),
        indicator(f"[file:hashes.'PDQ' = '{BRIDGE}']"),
        {"type": "file", "id": "file--1", "hashes": {"x_pdq": BRIDGE, "SHA-512": "00" * 64}, "size": 7},
        {"type": "observed-data", "id": "o", "objects": {"0": {"type": "file", "hashes": {"SHA-256": SHA256.upper()}}}},
    ]
    found, bad, told = rows_of(FORMAT, bundle(*listed))
    assert not bad and [item.hashes for item in found] == [
        *((Hash("pdq", BITS),), (Hash("pdq", BITS, 100, 0.5),), (Hash("pdq", BITS),)),
        *((), (Hash("pdq", BITS),)),
    ]
    assert found[3].sha256 == SHA256 and found[4].size == 7
    assert told == [
        "files without an indicator, which count as entries too: 2",
        "digests of other kinds are skipped: 1 'SHA512'",
    ]


def test_what_is_passed_over_is_told() -> None:
    listed = [
        *({"type": "malware", "id": "malware--1"}, {"type": "malware", "id": "malware--2"}),
        indicator("[ipv4-addr:value = '198.51.100.1']"),
        indicator("rule x {}", pattern_type="yara"),
        indicator(f"[file:hashes.MD5 = '{MD5}' AND file:name = 'x']", object_marking_refs=["marking-definition--x"]),
        {"type": "file", "id": "file--1", "name": "x"},
    ]
    found, bad, told = rows_of(FORMAT, bundle(*listed))
    assert len(found) == 1 and not bad
    assert told == [
        "it is marked with 'marking-definition--x', which is not a TLP mark: unless it has one, too, it is TLP:AMBER+STRICT",
        "patterns of which only the digests are used, because they also have other conditions: 1",
        "objects without a digest or hash are skipped: 2 'malware', 2 'indicator', 1 'file'",
    ]


def test_bad_objects_cost_themselves_only() -> None:
    listed = [
        indicator("[file:hashes.MD5 = 'xyz']"),
        indicator(created="2022-101-27T13:49:54.326Z"),  # as in an example of OASIS itself
        indicator(labels="x"),
        indicator("{", pattern_type="vpdq"),
        indicator(extensions={EXTENSION: {"vpdq": "x", "hashes": 1}}),
        {"type": {}, "id": [], "extensions": []},
        indicator(f"[file:hashes.MD5 = '00' OR file:hashes.MD5 = '{MD5}']"),
    ]
    found, bad, _told = rows_of(FORMAT, bundle(*listed))
    assert [item.md5 for item in found] == [MD5] and len(bad) == 6


def test_what_may_be_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stix_waiting, "WAITING_MAX", 10)
    monkeypatch.setattr(stix_context, "HELD_MAX", 10)
    listed = [ListItem(md5=f"{n:032x}", hashes=(Hash("pdq", BITS),), source=f"s{n}") for n in range(30)]
    objects = objects_of(listed)
    objects.sort(key=lambda each: each["type"] == "indicator")
    found, bad, told = rows_of(FORMAT, bundle(*objects))
    assert not bad and {item.md5 for item in found} == {item.md5 for item in listed}
    assert sum(bool(item.hashes) for item in found) == 30 and sum(bool(item.source) for item in found) == 10
    assert "more than 10 identities, markings and opinions: the rest are ignored" in told
    assert "its file is not in this list, or too far away in it: only the pattern is used" in told

"""Lists as they are met, in the reference set: corrected and withdrawn records, weaker digests, opinions, marks, parts."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from hashmatch.records import TLP_ORDER
from hashmatch.store import Store, lookup, open_store, word_facts
from hashmatch.workflows.export_list import ExportSelection, export
from hashmatch.workflows.import_list import ImportReport, import_list
from tests.support.made_references import ME

OLD, NEW = "148a4d4e5fad362f87b0e363819c9817a228551e7e9a42544a15b77c363ee1dc", "7dc7ca36f20f"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "x.db", write=True) as opened:
        yield opened


@pytest.fixture
def lists(corpus: Path) -> Path:
    folder = corpus / "lists"
    if not folder.is_dir():
        pytest.skip("the corpus has no lists")
    return folder


def read(store: Store, path: Path) -> ImportReport:
    return import_list(store, ME, path)


def live(store: Store) -> list[int]:
    return [each.id for each in lookup.references(store.connection) if each.live]


@pytest.mark.parametrize(
    "names",
    [
        ("stix-1-names-wrong-file", "stix-2-same-indicator-corrected", "stix-3-same-indicator-revoked"),
        ("misp-1-names-wrong-file", "misp-2-same-attribute-corrected", "misp-3-deleted"),
        ("ncmec-1-names-wrong-file", "ncmec-2-same-entry-corrected", "ncmec-3-same-entry-deleted"),
        ("te-1", "te-2-same-id", "te-3-deleted"),
    ],
)
def test_a_corrected_record_replaces_the_older_and_a_withdrawn_one_leaves_nothing(
    store: Store, lists: Path, names: tuple[str, str, str]
) -> None:
    first, second, third = (next((lists / "versions").glob(f"{name}.*")) for name in names)
    read(store, first)
    assert live(store) == [1]
    read(store, second)
    assert live(store) == [2]
    read(store, first)
    assert live(store) == [2], "an older version changes nothing"
    read(store, third)
    assert live(store) == []
    for path in (first, second, third, second):
        read(store, path)
        assert live(store) == []


@pytest.mark.parametrize("name", ["tag-2-false-positive", "toids-2-off"])
def test_what_its_source_calls_wrong_is_withdrawn(store: Store, lists: Path, name: str) -> None:
    read(store, lists / "versions/misp-1-names-wrong-file.json")
    assert live(store) == [1]
    read(store, lists / f"versions/misp-{name}.json")
    assert live(store) == []


def test_what_another_organisation_calls_wrong_is_disputed(store: Store, lists: Path) -> None:
    read(store, lists / "versions/misp-1-names-wrong-file.json")
    read(store, lists / "versions/misp-sighting-2-false-positive.json")
    (reference,) = lookup.references(store.connection)
    assert reference.live and [(each.source, each.verdict) for each in reference.opinions] == [("Org Z", "disputed")]


def test_any_digest_reaches_the_reference_and_what_others_know_stays_theirs(store: Store, lists: Path) -> None:
    for name in "abcde":
        read(store, next((lists / "digests").glob(f"{name}-*")))
    (reference,) = lookup.references(store.connection)
    assert (reference.md5, reference.sha1) == (None, None)
    stated = word_facts.stated(store.connection, reference.id)
    assert {facts.md5 for facts in stated.values()} == {"a8eac940470f998853cebd26648a2bb8"}
    assert read(store, lists / "digests/f-md5-only-retraction.jsonl").disputed == 1
    (reference,) = lookup.references(store.connection)
    assert [(each.collection, each.live) for each in reference.sources] == [("A", False), ("B", True)]


def test_opinions_are_of_whoever_told_them(store: Store, lists: Path) -> None:
    for name in ("west", "north", "south-in-the-name-of-east"):
        read(store, lists / f"opinions/{name}.jsonl")
    (reference,) = lookup.references(store.connection)
    told = {(each.author, each.source, each.verdict) for each in reference.opinions}
    assert told == {
        ("unsigned:West", "review", "disputed"),
        ("unsigned:North", "review", "confirmed"),
        ("unsigned:South", "Unit East", "false-positive"),
    }


def test_no_mark_lets_an_entry_out_more_widely_than_its_source(store: Store, lists: Path) -> None:
    expected = {
        "misp-white": "clear",
        "stix-tlp1-white-noobj": "clear",
        **dict.fromkeys(
            ("misp-event-amber", "misp-quoted", "misp-upper", "stix-tlp1-amber-noobj", "stix-tlp2-noobj"), "amber"
        ),
        **dict.fromkeys(("misp-attr-red", "misp-green-and-red", "stix-statement"), "red"),
    }
    found = {}
    for path in sorted((lists / "marks").iterdir()):
        with open_store(store.path.with_name(f"{path.stem}.db"), write=True) as own:
            read(own, path)
            (reference,) = lookup.references(own.connection)
            found[path.stem] = reference.tlp
            for mark in TLP_ORDER:
                report = export(own, ME, BytesIO(), "jsonl", ExportSelection(max_tlp=mark))
                assert report.written == (TLP_ORDER.index(mark) >= TLP_ORDER.index(reference.tlp or "red"))
    assert found == {name: expected.get(name, "amber+strict") for name in found} and len(found) == 17

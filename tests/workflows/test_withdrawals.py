"""A source withdraws and corrects by its own record what an earlier file of it brought under that, and nothing else."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hashmatch.exchange.formats import ncmec
from hashmatch.records import BadLine, LineRemark, ListItem
from hashmatch.store import Store, hand_overs, lookup, open_store, source_records, verify
from hashmatch.store.membership import Membership
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import export
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import ME, add, add_entry, digests_of, make_older, pdq

pytest.importorskip("defusedxml", reason="needs defusedxml: pip install -e .[exchange]")

FIRST, SECOND = "11" * 16, "22" * 16


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "x.db", write=True) as opened:
        yield opened


def entry(number: str, md5: str | None = None, year: int = 2024, member: int = 42) -> str:
    tag = "image" if md5 else "deletedImage"
    prints = f"<fingerprints><md5>{md5}</md5></fingerprints>" if md5 else ""
    at = f"<timestamp>{year}-01-01T00:00:00Z</timestamp>"
    return f'<{tag}><member id="{member}">M</member>{at}<id>{number}</id>{prints}</{tag}>'


def take(store: Store, folder: Path, *entries: str, **plan: str) -> tuple[ImportReport, list[str]]:
    path = folder / "answer.xml"
    root = '<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images>'
    path.write_text(f"{root}{''.join(entries)}</images></queryResult>")
    told: list[BadLine | LineRemark] = []
    report = import_list(store, ME, path, ImportPlan(**plan), told=told.append)  # type: ignore[arg-type]
    return report, [line.message for line in told]


def live(store: Store) -> list[str | None]:
    return [each.md5 for each in lookup.references(store.connection) if each.live]


def test_across_files(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, entry("a", FIRST), entry("b", SECOND), collection="ncmec")
    report, told = take(store, tmp_path, entry("a", year=2025), entry("b", year=2025, member=7), collection="ncmec")
    assert (report.retracted, live(store)) == (1, [SECOND])
    assert len(told) == 1 and "withdraws 'ncmec:7/b', which is not here" in told[0]
    (source,) = lookup.reference(store.connection, 1).sources
    assert (source.retracted, source.retraction_reason) == ("2025-01-01T00:00:00Z", "deletedImage")
    assert take(store, tmp_path, entry("a", year=2025), collection="ncmec")[0].known == 1
    assert list(verify.check(store)) == []


def test_all_that_an_entry_ever_was(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, entry("a", FIRST))
    assert take(store, tmp_path, entry("a", SECOND, 2025))[0].replaced == 1
    assert live(store) == [SECOND], "a corrected record replaces the older one"
    report, _told = take(store, tmp_path, entry("a", year=2026))
    assert (report.retracted, report.known, live(store)) == (1, 1, [])


def test_an_older_word_withdraws_nothing_that_came_later(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, entry("a", FIRST, 2025))
    assert take(store, tmp_path, entry("a", year=2024))[0].known == 1
    assert live(store) == [FIRST]
    take(store, tmp_path, entry("a", year=2026))
    assert take(store, tmp_path, entry("a", FIRST, 2027))[0].restored == 1


def test_in_whatever_collection_it_was_put(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, entry("a", FIRST), collection="one")
    report, told = take(store, tmp_path, entry("a", year=2025), collection="two")
    assert (report.retracted, told, live(store)) == (1, [], [])


def test_what_others_say_of_the_file_stands(store: Store, tmp_path: Path) -> None:
    add(store, "mine", collection="NCMEC")
    mine = digests_of(b"mine").md5
    take(store, tmp_path, entry("a", mine))
    report, _told = take(store, tmp_path, entry("a", year=2025))
    assert (report.disputed, report.retracted, live(store)) == (1, 0, [mine])
    again, _told = take(store, tmp_path, entry("a", year=2025))
    assert (again.disputed, again.known) == (0, 1)


def test_a_record_of_that_name_of_another_voice_stands(store: Store, tmp_path: Path) -> None:
    add_entry(store, ListItem(md5=FIRST), record="ncmec:42/a")
    report, told = take(store, tmp_path, entry("a", year=2025))
    assert (report.tombstone, live(store)) == (1, [FIRST])
    assert "withdraws 'ncmec:42/a', which is not here" in told[0]


def test_in_one_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, told = take(store, tmp_path, entry("a", year=2025), entry("a", FIRST), entry("b", SECOND))
    assert (report.added, report.tombstone, len(told)) == (1, 2, 1)  # there was nothing to withdraw yet, which is told
    assert live(store) == [SECOND]
    monkeypatch.setattr(ncmec, "KEPT", 0)  # as after a hundred thousand entries
    report, told = take(store, tmp_path, entry("c", "33" * 16), entry("c", year=2025))
    assert (report.added, report.retracted, told) == (1, 1, [])


UUID = "00000000-0000-4000-8000-000000000001"


def stix(md5: str | None, year: int) -> dict[str, Any]:
    said = {"pattern": f"[file:hashes.MD5 = '{md5}']", "pattern_type": "stix", "valid_from": "2020-01-01T00:00:00Z"}
    dates = {"created": "2020-01-01T00:00:00Z", "modified": f"{year}-01-01T00:00:00Z"}
    indicator = {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{UUID}", **dates}
    return {"type": "bundle", "id": f"bundle--{UUID}", "objects": [indicator | (said if md5 else {"revoked": True})]}


def misp(md5: str | None, year: int, **more: object) -> dict[str, Any]:
    attribute = {"uuid": UUID, "type": "md5", "value": md5 or FIRST, "to_ids": True, "deleted": md5 is None, **more}
    moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    return {"Event": {"uuid": UUID[::-1], "info": "x", "Attribute": [attribute | {"timestamp": str(moment)}]}}


def misp_by_its_flag(md5: str | None, year: int) -> dict[str, Any]:
    return misp(md5 or SECOND, year, to_ids=md5 is not None)


def threatexchange(md5: str | None, year: int) -> dict[str, Any]:
    said = {"indicator": md5, "type": "HASH_MD5", "descriptors": {"data": []}} if md5 else {"should_delete": True}
    return {"data": [{"id": "12", "last_updated": f"{year}-01-01T00:00:00+0000", **said}]}


def tat(md5: str | None, year: int) -> dict[str, Any]:
    said = {"hash_digest": md5, "algorithm": "MD5", "file_type": "jpg", "deleted": md5 is None}
    dates = {"created_on": "2020-01-01T00:00:00Z", "updated_on": f"{year}-01-01T00:00:00Z"}
    return {"count": 1, "next": None, "checkpoint": "1,2", "results": [{"id": 2819, "ideology": "x", **dates, **said}]}


def vics(md5: str | None, year: int, case: str = "x") -> dict[str, Any]:
    media = [{"MediaID": 1, "Category": 1, "MD5": md5, "DateUpdated": f"{year}-01-01T00:00:00Z"}]
    context = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Cases"
    return {"@odata.context": context, "value": [{"CaseID": case, "Media": media}]}


Document = Callable[[str | None, int], dict[str, Any]]


def listed(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("document", [stix, misp, misp_by_its_flag, threatexchange, tat, vics])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_each_source_corrects_and_withdraws_by_its_record(
    store: Store, tmp_path: Path, document: Document, order: tuple[int, ...]
) -> None:
    versions = [(FIRST, 2023), (SECOND, 2024), (None, 2025)]
    if document is vics:  # in which nothing can be withdrawn
        versions[2] = ("33" * 16, 2025)
    for number in order:
        import_list(store, ME, listed(tmp_path, document(*versions[number])))
    left = ["33" * 16] if document is vics else []
    assert live(store) == left
    for number in (1, 0, 2):
        import_list(store, ME, listed(tmp_path, document(*versions[number])))
        assert live(store) == left, "older versions change nothing"
    assert list(verify.check(store)) == []


def test_a_withdrawal_that_comes_first_withdraws_what_comes_later(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, entry("a", year=2025))
    report, _told = take(store, tmp_path, entry("a", FIRST), entry("b", SECOND))
    assert (report.added, report.tombstone, live(store)) == (1, 1, [SECOND])
    assert take(store, tmp_path, entry("a", year=2024))[0].known == 1, "an older withdrawal changes nothing"
    assert take(store, tmp_path, entry("a", FIRST, 2025))[0].known == 1
    report, _told = take(store, tmp_path, entry("a", FIRST, 2026))
    assert (report.restored, set(live(store))) == (1, {FIRST, SECOND}), "its source stands by it again"
    assert list(verify.check(store)) == []


def test_what_a_key_withdrew_its_successor_has_withdrawn(store: Store) -> None:
    said = {"author": "", "record": "r", "changed": "2025-01-01T00:00:00Z"}
    gone = Membership("one", owner="old", import_id=1, retracted="2025-06-01T00:00:00Z", **said)
    with store.transaction() as connection:
        source_records.withdraw_record(connection, ME, replace(gone, owner="new", changed="2024-01-01T00:00:00Z"))
        source_records.withdraw_record(connection, ME, gone)
        hand_overs.hand_over(connection, ME, "old", "new", None)
        word = Membership("one", owner="new", import_id=2, **said)
        (found,) = source_records.with_withdrawals(connection, [word])
        assert found.retracted == "2025-06-01T00:00:00Z"
        later = replace(word, changed="2025-02-01T00:00:00Z")
        assert source_records.with_withdrawals(connection, [later]) == [later]
        others = replace(word, owner="other"), replace(word, record="s"), replace(word, record=None)
        assert source_records.with_withdrawals(connection, others) == list(others)


def test_a_database_of_before_remembers_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    make_older(path, 9, lambda store: add_entry(store, ListItem(md5=SECOND), record="ncmec:42/b"))
    with open_store(path, write=True) as store:
        assert live(store) == [SECOND]
        take(store, tmp_path, entry("a", year=2025))
        take(store, tmp_path, entry("a", FIRST))
        assert live(store) == [SECOND]
        assert list(verify.check(store)) == []


def test_one_number_in_two_cases_is_two_records(store: Store, tmp_path: Path) -> None:
    for case, md5, year in (("x", FIRST, 2023), ("y", SECOND, 2024), ("x", "33" * 16, 2025)):
        import_list(store, ME, listed(tmp_path, vics(md5, year, case)))
    assert live(store) == [SECOND, "33" * 16]


def test_who_else_calls_it_wrong_only_disputes_it(store: Store, tmp_path: Path) -> None:
    sighting = {"type": "1", "date_sighting": "1700000000", "Organisation": {"name": "Org Z", "uuid": UUID[:-1] + "9"}}
    import_list(store, ME, listed(tmp_path, misp(FIRST, 2023)))
    import_list(store, ME, listed(tmp_path, misp(FIRST, 2024, Sighting=[sighting])))
    (reference,) = lookup.references(store.connection)
    assert reference.live and [(each.source, each.verdict) for each in reference.opinions] == [("Org Z", "disputed")]


def test_a_record_is_looked_up_by_an_index(store: Store) -> None:
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    with store.transaction() as connection:
        gone = Membership("x", owner="y", record="z", retracted="2026-01-01T00:00:00Z")
        assert source_records.withdraw_record(connection, ME, gone) == {}
    store.connection.set_trace_callback(None)
    (query,) = [each for each in asked if "'z'" in each and "FROM membership" in each]
    plan = store.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert any("membership_record" in row[3] for row in plan)


@pytest.mark.parametrize("form", ["pdq", "tx-lines", "jsonl"])
def test_an_expired_word_goes_out_as_withdrawn_where_its_end_cannot_be_said(store: Store, form: str) -> None:
    for number, end in enumerate(("2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z", None)):
        add_entry(store, ListItem(hashes=(pdq(number),), tlp="green"), expires=end, tlp="green")
    out = io.BytesIO()
    report = export(store, ME, out, form, ExportSelection())
    expected = (3, 0) if form == "jsonl" else (2, 1)
    assert (report.written, report.left_out_retracted) == expected
    assert (pdq(0).hex in out.getvalue().decode()) == (form == "jsonl")

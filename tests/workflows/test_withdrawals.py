"""A source withdraws and corrects by its own record what an earlier file of it brought under that, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.exchange.formats import ncmec
from hashmatch.records import BadLine, LineRemark, ListItem
from hashmatch.store import Store, list_entries, lookup, open_store, verify
from hashmatch.store.membership import Membership
from hashmatch.workflows.export_list import ExportSelection, export
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import ME, add, add_entry, digests_of, pdq

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
    assert (report.added, report.retracted, len(told)) == (2, 0, 1)  # there was nothing to withdraw yet, which is told
    monkeypatch.setattr(ncmec, "KEPT", 0)  # as after a hundred thousand entries
    report, told = take(store, tmp_path, entry("c", "33" * 16), entry("c", year=2025))
    assert (report.added, report.retracted, told) == (1, 1, [])


def test_a_record_is_looked_up_by_an_index(store: Store) -> None:
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    with store.transaction() as connection:
        assert list_entries.withdraw_record(connection, ME, Membership("x", owner="y", record="z")) == {}
    store.connection.set_trace_callback(None)
    (query,) = [each for each in asked if "'z'" in each]
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

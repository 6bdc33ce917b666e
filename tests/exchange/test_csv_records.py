"""CSV records: damage to one does not spread to others."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import csv_records
from hashmatch.exchange.csv_records import cells_of, records
from hashmatch.records import BadLine
from tests.support.list_items import patient

_cells = st.text(st.sampled_from('",\r\n a\u2028'))


def found(data: bytes) -> list[tuple[int, list[str]] | int]:
    """Records as they are; bad lines as their numbers."""
    return [row.line if isinstance(row, BadLine) else row for row in records(BytesIO(data))]


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ("", [""]),
        ("a,b\r\n", ["a", "b"]),
        (",\n", ["", ""]),
        ('"a,""b""\r\n",c,', ['a,"b"\r\n', "c", ""]),
        ('""', [""]),
        ('a"b"', None),
        ('"a"b', None),
        ('"a" ,b', None),
    ],
)
def test_cells(record: str, cells: list[str] | None) -> None:
    assert cells_of(record) == cells


@patient
@given(st.lists(st.lists(_cells, min_size=2), max_size=5))
def test_reads_what_the_standard_library_writes(rows: list[list[str]]) -> None:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    assert [row[1] for row in records(BytesIO(out.getvalue().encode())) if isinstance(row, tuple)] == rows


def test_a_record_over_several_lines_has_the_number_of_its_first() -> None:
    assert found(b'a\n"x\ny\n",b\nc') == [(1, ["a"]), (2, ["x\ny\n", "b"]), (5, ["c"])]


def test_damage_takes_one_line() -> None:
    assert found(b'5" disc,1\na,b\n6" disc,2\nc,d\n"open\ne,f') == [
        1,
        (2, ["a", "b"]),
        3,
        (4, ["c", "d"]),
        5,
        (6, ["e", "f"]),
    ]
    assert found(b'"open\n\xff\nfine') == [1, 2, (3, ["fine"])]


def test_an_open_quote_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "RECORD_MAX", 20)
    assert found(b'"\n' + b"a\n" * 30 + b'"\n') == [1, *((line, ["a"]) for line in range(2, 32)), 32]


def test_wide_rows_are_cut() -> None:
    for row in ("a," * 50_000, '"",' * 50_000):
        assert len(cells_of(row) or ()) == csv_records.CELLS_MAX + 1


@pytest.mark.slow
def test_hostile_sizes_are_quick() -> None:
    quotes = '"' * 2_000_001
    assert cells_of(quotes) is None
    assert cells_of(quotes + '"') == ['"' * 1_000_000]
    many = b'x\n"' + b"y\n" * 500_000
    assert len(found(many)) == 500_001

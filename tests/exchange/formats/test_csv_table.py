"""The `csv` format."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.escape import for_spreadsheet
from hashmatch.exchange.csv_cells import join, split, unguard
from hashmatch.exchange.formats import csv_table
from hashmatch.exchange.formats.csv_table import COLUMNS, FORMAT
from hashmatch.records import UNNAMED, Hash, ListHead, ListItem
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA256, items, items_of, patient, read, texts, write

PHASH = "0001020304050607"


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode(), newline="")))


def test_what_is_written() -> None:
    digest_only = ListItem(md5=MD5, labels=("=1+1", "a|b\\"), allow=True, retracted="2026-11-21T19:00:00Z")
    data, report = write(FORMAT, [PICTURE, ListItem(size=1), digest_only])
    assert data.startswith(",".join(COLUMNS).encode() + b"\r\n2,1,image,pdq,1," + BRIDGE.encode() + b",100,,full,")
    first, second, third = rows(data)
    assert (first["algorithm"], second["algorithm"], third["algorithm"]) == ("pdq", "phash", "")
    assert (first["view"], second["view"], third["view"]) == ("full", "centre", "")
    assert [row["reference"] for row in (first, second, third)] == ["1", "1", "2"]
    assert first["labels"] == second["labels"] == "one|two"
    assert third["labels"] == r"'=1+1|a\|b\\"
    assert (first["allow"], third["allow"], third["retracted"]) == ("false", "true", "2026-11-21T19:00:00Z")
    assert (report.written, report.left_out_without_hash, report.left_out_retracted) == (2, 1, 0)
    assert items_of(FORMAT, data) == [PICTURE, digest_only]


def test_private_columns_only_if_asked_for() -> None:
    item = replace(PICTURE, paths=(b"\xff|b", b"\\xff"), case="c", operator="o", note="n")
    assert items_of(FORMAT, write(FORMAT, [item])[0]) == [PICTURE]
    first, second = rows(write(FORMAT, [item], frozenset({"note", "paths"}))[0])
    assert list(first)[len(COLUMNS) :] == ["paths", "note"]
    assert (first["paths"], first["note"]) == (r"\xff\|b|\\xff", "n")
    assert (second["paths"], second["note"]) == ("", "")


@patient
@given(st.lists(items, max_size=3))
def test_round_trip(written: list[ListItem]) -> None:
    data, report = write(FORMAT, written, ALL)
    assert report.written == len(written)
    assert items_of(FORMAT, data) == written


@patient
@given(st.lists(items, max_size=3))
def test_no_cell_is_a_formula(written: list[ListItem]) -> None:
    for row in csv.reader(StringIO(write(FORMAT, written, ALL)[0].decode(), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@patient
@given(texts | st.just(""))
def test_guard_comes_off_again(text: str) -> None:
    assert unguard(for_spreadsheet(text)) == text


def test_the_guard_leaves_other_quotes_alone() -> None:
    assert unguard("'tis") == "'tis"
    assert for_spreadsheet("'tis") == "''tis" and for_spreadsheet("tis") == "tis"


@patient
@given(st.lists(st.binary(min_size=1)))
def test_names_in_one_cell(names: list[bytes]) -> None:
    assert split(join(names)) == names


def test_names_typed_by_hand() -> None:
    assert split(r"a| b||C:\temp\new|end\ ".strip()) == [b"a", b" b", rb"C:\temp\new", b"end\\"]


def test_tolerates_what_spreadsheet_programs_do() -> None:
    data = f'Hash,"reference",unknown,ALGORITHM,sha256\r\n{BRIDGE.upper()},7,x,PDQ,\r\n,,,,\r\n,8,, ,{SHA256}\r\n'
    assert read(FORMAT, b"\xef\xbb\xbf" + data.encode()) == (
        {2: ListItem(hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),)), 4: ListItem(sha256=SHA256)},
        {},
    )


def test_rows_without_reference_number_stand_alone() -> None:
    assert items_of(FORMAT, f"md5\n{MD5}\n{MD5}\n".encode()) == [ListItem(md5=MD5)] * 2


@pytest.mark.parametrize(
    "header", [b"x,y", b"hash", b"md5,md5", b"algorithm,hash,labels,Labels", b'"open', b"\xff,hash", b"1,2,3\n\n"]
)
def test_without_a_header_row_nothing_is_read(header: bytes) -> None:
    found, bad = read(FORMAT, header + b"\n%b,1\n" % MD5.encode())
    assert found == {} and 1 in bad


def test_bad_rows() -> None:
    lines = [
        "reference,algorithm,hash,quality,time,md5,size,allow,labels,kind",
        f"1,pdq,{BRIDGE},50,0.5,{MD5},3,TRUE,a|b,image",
        f"1,pdq,{BRIDGE},50,0.5,{MD5},3,TRUE,a|b,image",  # twice
        f"1,pdq,{BRIDGE[1:]},50,0.5,,,,,",
        f"1,pdq,{BRIDGE},101,0.5,,,,,",
        f"1,pdq,{BRIDGE},1_0,0.5,,,,,",
        f"1,pdq,{BRIDGE},\u0661,0.5,,,,,",
        f"1,pdq,{BRIDGE},50,nan,,,,,",
        f"1,pdq,{BRIDGE},50,1e999,,,,,",
        f"1,pdq,{BRIDGE},50,-1,,,,,",
        f"1,,{BRIDGE},50,1,,,,,",
        f"1,pdq,{BRIDGE},51,1,{MD5},4,,,",  # another size
        f"1,pdq,{BRIDGE},51,1,,,,",  # a cell short
        f"1,pdq,{BRIDGE},51,1,,,,,,",  # a cell more
        f"1,phash,{PHASH},,,,,,,",
        f"2,,,,,{MD5},1e3,,,",
        f"3,,,,,{MD5},,maybe,,",
        f"4,,,,,{MD5},,,\\xff,",
        f"5,,,,,{MD5},,,,film",
        "6,,,,,,,,only a label,",
        f"7,,,,,{MD5},,no,,",
    ]
    found, bad = read(FORMAT, "\n".join(lines).encode())
    assert list(bad) == [*range(3, 15), *range(16, 21)]
    bits = bytes.fromhex(BRIDGE)
    assert found == {
        2: ListItem(
            kind="image",
            md5=MD5,
            size=3,
            hashes=(Hash("pdq", bits, 50, 0.5), Hash("phash", bytes(range(8)))),
            labels=("a", "b"),
            allow=True,
        ),
        21: ListItem(md5=MD5),
    }
    assert "twice" in bad[3] and "size differs" in bad[12] and "9 cells, but the header row has 10" in bad[13]


def test_a_newer_list_is_refused_as_a_whole() -> None:
    with pytest.raises(CommandError, match="version 3"):
        next(FORMAT.read(BytesIO(b"list_version,md5\n3,%b\n" % MD5.encode())))
    found, bad = read(FORMAT, b"list_version,md5\n1,%b\n3,%b\nx,%b\n" % ((MD5.encode(),) * 3))
    assert list(found) == [2] and list(bad) == [3, 4]


def test_joined_lists() -> None:
    data, _report = write(FORMAT, [PICTURE, replace(PICTURE, md5=None)])
    other, _report = write(FORMAT, [replace(PICTURE, md5=None, hashes=(Hash("pdq", bytes(32)),))])
    assert len(items_of(FORMAT, data + data + other + other)) == 6


def test_a_reference_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "HASHES_MAX", 5)
    data = "reference,algorithm,hash,time\n" + "".join(f"1,phash,{PHASH},{second}\n" for second in range(9))
    found, bad = read(FORMAT, data.encode())
    assert len(found[2].hashes) == 5 and list(bad) == [7, 8, 9, 10]


def test_a_cell_may_be_long() -> None:
    item = replace(PICTURE, paths=tuple(b"x" * 4000 + str(number).encode() for number in range(100)))
    assert items_of(FORMAT, write(FORMAT, [item], ALL)[0]) == [item]


def test_a_cell_of_names_must_not_fill_the_memory() -> None:
    assert "longer than" in read(FORMAT, b"md5,labels\n%b,%b" % (MD5.encode(), b"\\|" * 2**22))[1][2]


def test_half_a_character_does_not_stop_the_writing() -> None:
    data, _report = write(FORMAT, [replace(PICTURE, labels=("\udcff",), source="\udcff")])
    assert rows(data)[0]["source"] == "\\udcff"


def test_items_are_written_and_read_one_at_a_time() -> None:
    out = BytesIO()

    def growing() -> Iterator[ListItem]:
        for number in range(3):
            assert out.getvalue().count(b"\n") == 2 * number + 1
            yield PICTURE

    FORMAT.write(growing(), out)
    stream = BytesIO(out.getvalue())
    assert next(FORMAT.read(stream)) == (2, PICTURE)
    assert stream.read().count(b"\n") == 3  # it has read only up to the first row of the second reference


def test_a_table_names_its_reference_set() -> None:
    form, out, origin = FORMAT, BytesIO(), "5f0c" * 8
    assert form.write_list and form.read_head
    form.write_list([PICTURE, PICTURE], out, frozenset(), ListHead("north", 3, origin=origin))
    data = out.getvalue()
    assert form.read_head(data[:600]) == form.read_head(b"\r\n" + data) == ListHead(origin=origin)
    assert items_of(form, data) == [PICTURE, PICTURE]
    assert form.read_head(write(form, [PICTURE])[0]) == UNNAMED
    for head in (b"", b"origin\n", b"a,origin\n1,xyz\n", b'origin\n"', data.replace(origin.encode(), b"x")):
        assert form.read_head(head) == UNNAMED

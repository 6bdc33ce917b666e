"""The `tx-csv` format."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from hashmatch.exchange.formats.tx_csv import COLUMNS, FORMAT
from hashmatch.records import Hash, ListItem, Opinion, Verdict
from tests.support.list_items import BRIDGE, FILM, MD5, PICTURE, items_of, read, write

HEADER = b"signal_type,signal_str,collab,category,tags\r\n"
IMAGE = ListItem(kind="image", hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),))


def test_rows_of_every_kind() -> None:
    rows = [
        f"pdq,{BRIDGE},East,POSITIVE_CLASS,group:x TLP:AMBER+STRICT",
        f"pdq,{BRIDGE.upper()},,INVESTIGATION_SEED,",
        f"video_md5,{MD5},East,NEGATIVE_CLASS,a b a",
        f'vpdq,"[""{BRIDGE},98,1.0""]","a, b",DISPUTED,tlp:none',
        f"pdq,{BRIDGE},East,WHATEVER,",
        f"pdq,{BRIDGE},East,",
        f"pdq,{'0' * 32},East,POSITIVE_CLASS,",
        "url,https://example.org,East,POSITIVE_CLASS,",
        'vpdq,"[',
        f"pdq,{BRIDGE},'=East,,",
    ]
    found, bad = read(FORMAT, HEADER + "\r\n".join(rows).encode())
    confirmed, disowned, disputed = Opinion("confirmed"), Opinion("false-positive"), Opinion("disputed")
    assert found == {
        2: replace(IMAGE, collection="East", labels=("group:x",), tlp="amber+strict", opinions=(confirmed,)),
        3: IMAGE,
        4: ListItem(kind="video", md5=MD5, collection="East", labels=("a", "b"), opinions=(disowned,)),
        5: ListItem(
            kind="video",
            hashes=(Hash("pdq", bytes.fromhex(BRIDGE), 98, 1.0),),
            collection="a, b",
            labels=("tlp:none",),
            tlp="amber+strict",
            opinions=(disputed,),
        ),
        11: replace(IMAGE, collection="=East"),
    }
    assert list(bad) == [6, 7, 8, 9, 10]
    assert "category is not one of INVESTIGATION_SEED, POSITIVE_CLASS" in bad[6]


def test_columns_in_another_order_and_lists_that_were_joined() -> None:
    one = f"tags,signal_str,signal_type\r\nx,{BRIDGE},pdq\r\n".encode()
    assert items_of(FORMAT, b"\r\n" + one + one) == [replace(IMAGE, labels=("x",))] * 2


@pytest.mark.parametrize("header", [b"a,b\n", b"signal_type,signal_str,tags,tags\n", b"pdq,00\n"])
def test_without_a_header_row_nothing_is_read(header: bytes) -> None:
    found, bad = read(FORMAT, header + b"pdq," + BRIDGE.encode())
    assert (found, list(bad)) == ({}, [1])


def test_times_that_lost_their_precision_have_a_remark() -> None:
    data = HEADER + f'vpdq,"[""{BRIDGE},98,1e+02""]",,,'.encode()
    rows = list(FORMAT.read(io.BytesIO(data)))
    assert len(rows) == 2 and "precision" in rows[0].message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("opinions", "category"),
    [
        ([], "INVESTIGATION_SEED"),
        ([("confirmed", None)], "POSITIVE_CLASS"),
        ([("confirmed", "west")], "POSITIVE_CLASS"),
        ([("false-positive", None)], "NEGATIVE_CLASS"),
        ([("false-positive", None), ("false-positive", "west")], "NEGATIVE_CLASS"),
        ([("false-positive", "west")], "DISPUTED"),
        ([("confirmed", None), ("false-positive", "west")], "DISPUTED"),
        ([("disputed", "west")], "DISPUTED"),
    ],
)
def test_one_word_for_the_opinions_of_all(opinions: list[tuple[Verdict, str | None]], category: str) -> None:
    data, report = write(FORMAT, [replace(PICTURE, opinions=tuple(Opinion(*each) for each in opinions))])
    (row,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert (row["category"], report.written) == (category, 1)


def test_a_withdrawn_entry_goes_out_as_a_dispute() -> None:
    gone = replace(PICTURE, retracted="2026-11-21T19:00:00Z")
    listed = [
        gone,
        replace(gone, opinions=(Opinion("confirmed", "west"),)),
        replace(gone, opinions=(Opinion("confirmed", "west"), Opinion("disputed"))),
        replace(gone, opinions=(Opinion("confirmed", "west"), Opinion("false-positive"))),
        replace(gone, opinions=(Opinion("disputed"),), allow=True),
    ]
    data, report = write(FORMAT, listed)
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [row["category"] for row in rows] == ["DISPUTED", "NEGATIVE_CLASS"]
    assert (report.written, report.left_out_retracted) == (2, 3)


def test_what_is_written_comes_back() -> None:
    picture = replace(PICTURE, labels=("two words", "one"), collection='=a "b",\nc', source=None, added=None)
    data, report = write(FORMAT, [picture, FILM, replace(PICTURE, allow=True)])
    assert data.startswith((",".join(COLUMNS) + "\r\n").encode())
    assert (report.written, report.left_out_allow) == (2, 1)
    found = items_of(FORMAT, data)
    assert found[0] == replace(IMAGE, collection='=a "b",\nc', labels=("two_words", "one"), tlp="green")
    assert [item.kind for item in found] == ["image", "video", "video", "video"]
    assert data.endswith(b"\r\n") and b"'=a" in data

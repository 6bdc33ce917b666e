"""The `table` format: tables of any program."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.exchange import detect, get, with_columns
from hashmatch.exchange.formats.tables import FORMAT
from hashmatch.records import Hash, ListItem
from tests.support.list_items import BRIDGE, MD5, SHA1, SHA256, patient, read, rows_of

FULL = ListItem(md5=MD5, sha1=SHA1, sha256=SHA256)


@pytest.mark.parametrize(
    "header",
    [
        "MD5{}SHA1{}SHA256",
        "md5{}sha-1{}sha-256",
        "MD5 Hash{}SHA1 Hash{}SHA256 Hash",
        "md5_hash{}sha1_hash{}sha256_hash",
        "MD5 sum{}SHA1 Checksum{}SHA2-256",
        "Hash (MD5){}Hash (SHA-1){}File SHA-256",
        "md5{}sha1{}hash",
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_columns_and_delimiters(header: str, delimiter: str, quote: str) -> None:
    names = f"{quote}{{}}{quote}".format(f"{quote}{delimiter}{quote}".join(header.split("{}")))
    row = quote + f"{quote}{delimiter}{quote}".join((MD5, SHA1, SHA256)) + quote
    data = f"\ufeff# a comment\r\n\r\n{names}\r\n{row}\r\n".encode()
    form = detect(data)
    assert form and form.name == "table"
    found, bad, _told = rows_of(form, data)
    assert bad == [] and found == [FULL]


def test_what_else_a_row_says() -> None:
    data = (
        "File Name,PDQ,Quality,Size,Category,TLP,Comment,MIME type,Width\n"
        f'"=a, b.jpg",{BRIDGE},90,12,"terror; old, tlp:green",AMBER,seen,image/jpeg,640\n'
        f"x,{BRIDGE},,1 KB,0,tlp:purple,,,\n"
    )
    found, bad, told = rows_of(FORMAT, data.encode())
    assert bad == told == []
    assert found[0] == ListItem(
        kind="image",
        hashes=(Hash("pdq", bytes.fromhex(BRIDGE), 90),),
        size=12,
        width=640,
        labels=("terror", "old"),
        tlp="amber",
        note="seen",
        paths=(b"=a, b.jpg",),
    )
    assert found[1].tlp == "amber+strict" and found[1].size is None and found[1].labels == ("0",)


def test_the_algorithm_beside_the_hash() -> None:
    data = f"Algorithm;Hash;Path\nMD5;{MD5};a\nSHA-256;{BRIDGE};b\npdq;{BRIDGE};c\n"
    data += f"SHA512;{'ab' * 64};d\nRIPEMD160;{SHA1};e\n"
    found, bad = read(FORMAT, data.encode())
    assert found[2] == ListItem(md5=MD5, paths=(b"a",)) and found[3] == ListItem(sha256=BRIDGE, paths=(b"b",))
    assert found[4].hashes == (Hash("pdq", bytes.fromhex(BRIDGE)),)
    assert list(bad) == [5, 6] and "cannot be searched here" in bad[5]


def test_a_hash_column_is_told_by_length_and_ones() -> None:
    found, bad, told = rows_of(FORMAT, f"hash\n{MD5}\n{SHA1}\n{SHA256}\n{SHA1[1:]}\n".encode())
    assert found == [ListItem(md5=MD5), ListItem(sha1=SHA1), ListItem(sha256=SHA256)]
    assert "not the length of any known digest" in bad[0] and told == []
    found, _bad, told = rows_of(FORMAT, f"hash\n{BRIDGE}\n".encode())
    assert found[0].hashes and "--column sha256=" in told[0]
    found, _bad, told = rows_of(FORMAT, f"hash,quality\n{BRIDGE},100\n".encode())
    assert found[0].hashes[0].quality == 100 and told == []


def test_joined_lists_and_bad_rows() -> None:
    data = f"name,md5\na,{MD5}\nb,\nc\nd,{MD5},x\ne,{MD5},,\n\nname,md5\nSHA-1,name\n{SHA1},f\n\xff,g\n".encode(
        "latin-1"
    )
    found, bad = read(FORMAT, data)
    assert {line: item.paths for line, item in found.items()} == {2: (b"a",), 6: (b"e",), 10: (b"f",)}
    assert list(bad) == [3, 4, 5, 11]
    assert list(read(FORMAT, f"name\tmd5\nK\xfcrbis\t{MD5}\n".encode("latin-1"))[0].values()) == [
        ListItem(md5=MD5, paths=(b"K\xfcrbis",))
    ]


def test_only_digests_that_cannot_be_searched_by() -> None:
    data = f"name,sha512\na,{'ab' * 64}\nb,{'cd' * 64}\n".encode()
    form = detect(data)
    assert form and form.name == "table"
    found, bad, _told = rows_of(form, data)
    assert not found and len(bad) == 2 and "SHA-512 digests cannot be searched here" in bad[0]


def test_without_a_header_row_there_is_a_reason() -> None:
    for data in (b"a,b\n1,2\n", f"a,{MD5}\n".encode(), b"a" * 10 + b"\n"):
        found, bad = read(FORMAT, data)
        assert not found and list(bad) == [1] and "--column" in bad[1]
    assert read(FORMAT, b"\n# x\n") == ({}, {})
    assert read(FORMAT, b"md5\n") == ({}, {})


def test_columns_that_a_person_names() -> None:
    data = f"Nom;Empreinte;Autre\na;{MD5};{SHA1}\nb;{MD5};{SHA1}\n".encode()
    assert detect(data) is None
    found, bad, _told = rows_of(with_columns(None, {"md5": "Empreinte", "path": "nom"}), data)
    assert bad == [] and found == [ListItem(md5=MD5, paths=(b"a",)), ListItem(md5=MD5, paths=(b"b",))]
    found, bad, _told = rows_of(with_columns(None, {"sha1": "3"}), data)
    assert [item.sha1 for item in found] == [SHA1, SHA1]
    _found, bad, _told = rows_of(with_columns(None, {"md5": "Prüfsumme"}), data)
    assert bad == ["there is no column 'Prüfsumme'; there are 'Nom', 'Empreinte', 'Autre'"]


def test_numbered_columns_without_a_header_row() -> None:
    data = f"a,{SHA256},7\nb,{BRIDGE},8\n".encode()
    found, bad, _told = rows_of(with_columns(detect(data), {"sha256": "2", "size": "3", "path": "1"}), data)
    assert bad == []
    assert found == [
        ListItem(sha256=SHA256, size=7, paths=(b"a",)),
        ListItem(sha256=BRIDGE, size=8, paths=(b"b",)),
    ]


def test_a_named_column_counts_more_than_one_that_is_called_so() -> None:
    data = f"hash,md5,true md5\n{SHA1},{'0' * 31}1,{MD5}\n".encode()
    found, _bad, _told = rows_of(with_columns(detect(data), {"md5": "true md5"}), data)
    assert found == [ListItem(md5=MD5, sha1=SHA1)]


def test_only_tables_have_columns() -> None:
    with pytest.raises(CommandError, match="this list is jsonl"):
        with_columns(get("jsonl"), {"md5": "x"})
    with pytest.raises(CommandError, match="unknown field 'mdfive'; the known fields are: md5, sha1"):
        with_columns(None, {"mdfive": "x"})


_names = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=8)


@patient
@given(
    st.lists(st.tuples(st.binary(min_size=16, max_size=16), _names), min_size=1, max_size=9),
    st.sampled_from([",", "\t", ";", "|"]),
)
def test_what_the_csv_module_writes_is_read(rows: list[tuple[bytes, str]], delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["MD5", "Name"])
    writer.writerows((digest.hex(), name) for digest, name in rows)
    found, bad, _told = rows_of(FORMAT, out.getvalue().encode())
    assert bad == []
    assert [item.md5 for item in found] == [digest.hex() for digest, _name in rows]

"""The `nsrl` and `hashkeeper` formats."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import WriteReport, detect, get
from hashmatch.records import LineRemark, ListItem
from tests.support.list_items import ALL, MD5, PICTURE, SHA1, SHA256, items, items_of, patient, read, write

NSRL, HASHKEEPER = get("nsrl"), get("hashkeeper")

# A record of NSRLFile.txt as published.
FONT = b'"000000206738748EDD92C4E3D2E823896700F849","392126E756571EBF112CB1C1CDEDF926","EBD105A0","I05002T2.PFB",98865,3095'
HEADER = b'"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\r\n'
FONT_ITEM = ListItem(
    sha1="000000206738748edd92c4e3d2e823896700f849",
    md5="392126e756571ebf112cb1c1cdedf926",
    size=98865,
    paths=(b"I05002T2.PFB",),
)
HK_HEADER = (
    b'"file_id","hashset_id","file_name","directory","hash","file_size","date_modified","time_modified","time_zone",'
    b'"comments","date_accessed","time_accessed"\r\n'
)


def test_nsrl_is_written_as_published() -> None:
    data, report = write(NSRL, [PICTURE, replace(PICTURE, md5=None), replace(PICTURE, sha1=None)])
    assert data == (
        HEADER
        + f'"{SHA1.upper()}","{MD5.upper()}","00000000","",3,0,"",""\r\n'.encode()
        + f'"{SHA1.upper()}","","00000000","",3,0,"",""\r\n'.encode()
    )
    assert report == WriteReport(2, 0, 1, 0, 0)


@pytest.mark.parametrize("end", [b',"WIN",""', b',"WIN",""\r', b",,"])
def test_nsrl_is_read_as_published(end: bytes) -> None:
    data = HEADER + FONT + end + b"\n" + HEADER + FONT + b',"WIN","M"\n'
    assert items_of(NSRL, data) == [FONT_ITEM, replace(FONT_ITEM, note="NSRL special code M")]
    assert items_of(NSRL, FONT + end) == [FONT_ITEM]


def test_what_the_nsrl_is_for_is_said_once() -> None:
    rows = list(NSRL.read(BytesIO(b"x\n" + HEADER + (FONT + b",,\n") * 3)))
    assert [(row.line, "--allow" in row.message) for row in rows if isinstance(row, LineRemark)] == [(3, True)]
    assert not any(isinstance(row, LineRemark) for row in NSRL.read(BytesIO(HEADER)))


def test_other_versions_of_the_nsrl_are_read_by_their_headers() -> None:
    first = '"SHA-1","FileName","FileSize","ProductCode","OpSystemCode","MD4","MD5","CRC32","SpecialCode"\n'
    first += f'"{SHA1}","\xff",3,1,"WIN","","{MD5}","",""\n'
    assert items_of(NSRL, first.encode("latin-1")) == [ListItem(sha1=SHA1, md5=MD5, size=3, paths=(b"\xff",))]
    third = (
        f'"SHA-256","SHA-1","MD5","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\n"{SHA256}","{SHA1}"'
    )
    third += f',"{MD5}","a",3,1,"WIN",""\n'
    assert items_of(NSRL, third.encode()) == [ListItem(sha256=SHA256, sha1=SHA1, md5=MD5, size=3, paths=(b"a",))]
    for data in (first, third):
        assert (found := detect(data.encode())) and found.name == "nsrl"


def test_hashkeeper_is_written_and_read() -> None:
    data, report = write(HASHKEEPER, [PICTURE, replace(PICTURE, md5=None)])
    assert data == HK_HEADER + f'1,1,"",,"{MD5.upper()}",3,,,,,,\r\n'.encode() and report == WriteReport(1, 0, 1, 0, 0)
    row = f'7,1,"a.jpg","C:\\Pictures","{MD5}",3,"","","PST","seen \xff","",""\n'.encode("latin-1")
    assert items_of(HASHKEEPER, HK_HEADER + row) == [
        ListItem(md5=MD5, size=3, paths=(b"C:\\Pictures\\a.jpg",), note="seen \\xff")
    ]


@pytest.mark.parametrize("name", ["nsrl", "hashkeeper"])
def test_names_that_would_hide_the_digest_are_left_out(name: str) -> None:
    names = (b"a,b", b"=1+1", "صورة".encode(), b'a"b', b"a\nb", b"x" * 300)
    data, _report = write(get(name), [replace(PICTURE, paths=names)], ALL)
    assert data.count(b"\n") == 5 and max(map(len, data.split(b"\n"))) < 512
    assert {path for item in items_of(get(name), data) for path in item.paths} == {*names[:3]}
    assert b'"\'=1+1"' in data


@pytest.mark.parametrize("name", ["nsrl", "hashkeeper"])
def test_bad_lines_are_refused_by_number(name: str) -> None:
    good = write(get(name), [PICTURE])[0]
    row = good.split(b"\n")[1]
    lines = [row, row.replace(MD5.upper().encode(), b"x"), row.replace(b",3,", b",-3,"), row + b'"', b"", b"# x", row]
    found, bad = read(get(name), good + b"\n".join(lines))
    assert list(found) == [2, 3, 9] and list(bad) == [4, 5, 6]


@pytest.mark.parametrize("name", ["nsrl", "hashkeeper"])
@patient
@given(listed=st.lists(items, max_size=4))
def test_round_trip_of_digests(name: str, listed: list[ListItem]) -> None:
    data, report = write(get(name), listed)
    found = [(item.md5, item.size) for item in items_of(get(name), data)]
    known = [item for item in listed if (item.sha1 if name == "nsrl" else item.md5)]
    left = [(item.md5, item.size) for item in known if not item.retracted and not item.allow]
    assert len(found) == report.written and all(each in left for each in found)

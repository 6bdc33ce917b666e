"""Finding a format by name, or by the first bytes of a list."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pkgutil import iter_modules

import pytest

from hashmatch.errors import CommandError
from hashmatch.exchange import HEAD, Format, detect, formats, get, names, written
from hashmatch.exchange.formats.csv_table import COLUMNS
from tests.support.list_items import ALL, BRIDGE, FILM, MD5, PICTURE, SHA1, SHA256, write
from tests.support.repository import ROOT

#: Format names that scripts and partners rely on: formats we read and write, and formats we only read.
PROMISED = {
    *("jsonl", "csv", "pdq", "md5sum", "sha1sum", "sha256sum", "tx-csv", "tx-lines", "vpdq", "vpdq-text"),
    *("stix", "misp", "vics", "kdb", "hashkeeper", "nsrl"),
}
PROMISED_READ_ONLY = {
    *("threatexchange", "tat", "stopncii", "ncmec", "rds", "rds-delta"),
    *("digests", "hashdeep", "bodyfile", "get-filehash", "table", "json"),
}


def test_every_name_gives_its_format() -> None:
    assert set(names()) >= PROMISED | PROMISED_READ_ONLY
    assert set(written()) >= PROMISED
    assert not set(written()) & PROMISED_READ_ONLY
    assert [get(name).name for name in names()] == list(names())
    assert {name for name in names() if get(name).write is None} == set(names()) - set(written())
    assert {"jsonl", "csv", "stix", "misp"} <= {name for name in written() if get(name).carries_retraction}


def test_every_format_has_a_name() -> None:
    modules = [importlib.import_module(f"{formats.__name__}.{each.name}") for each in iter_modules(formats.__path__)]
    defined = {each.name for module in modules for each in vars(module).values() if isinstance(each, Format)}
    assert defined == set(names())


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"unknown list format 'lotus'; the known formats are: jsonl, csv, .*pdq"):
        get("lotus")


def test_no_format_is_loaded_before_it_is_asked_for() -> None:
    code = "import sys, hashmatch.exchange; print([name for name in sys.modules if name.endswith('jsonl')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", written())
@pytest.mark.parametrize("include", [frozenset[str](), ALL])
def test_what_a_format_writes_is_detected_as_it(name: str, include: frozenset[str]) -> None:
    item = replace(FILM if name.startswith("vpdq") else PICTURE, paths=(b"a.jpg",), note="=note")
    data, _report = write(get(name), [item] * 1000, include)
    as_text = () if name == "kdb" else (b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r\n"))
    for head in (data, data[:HEAD], *as_text):
        found = detect(head)
        assert found and found.name == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", None),
        (b"\n\n", None),
        (b"hello\n", None),
        (b"\x00\xff" * 999, None),
        (b"[" * 60_000, None),
        (b'{"type": "bundle", "objects": []}', "stix"),
        (b'\n{\n  "id": "bundle--dcf8154d-27b3-4856-94eb-29fbda777116",\n  "objects": [', "stix"),
        (b'{"more": false, "objects": [{"type": "indicator", "spec_version": "2.1"', "stix"),
        (b'{"Event": {"info": "x"', "misp"),
        (b'{"response": [{"Event":{', "misp"),
        (b'{"response": {"Attribute": [{"id": "1", "type": "md5", "to_ids": true', "misp"),
        (
            b'{"@odata.context": "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Cases"',
            "vics",
        ),
        (b'{"odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases", "value"', "vics"),
        (b'{"value": [{"MediaID": 1', "vics"),
        (b'{"value": 1}', None),
        (b'{"Media": [', None),
        (b"{\n", None),
        (b'"file_id","hashset_id","file_name","directory","hash"\n', "hashkeeper"),
        (b"file_id;hashset_id;file_name;hash\n", "table"),
        (b'"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\r\n', "nsrl"),
        (b'"SHA-1","MD5"\n', "table"),
        (b"SQLite format 3\0" + bytes(4000), None),
        (b"signal_type,signal_str,collab,category,tags\n", "tx-csv"),
        (b'tags,"signal_str",signal_type\r\n', "tx-csv"),
        (f"# mine\npdq {BRIDGE}\nraw_text a b\n".encode(), "tx-lines"),
        (f'vpdq ["{BRIDGE},100,0.0"]'.encode(), "tx-lines"),
        (b"pdq\n", "table"),
        (f'["{BRIDGE},100,0.0"]\n'.encode(), "vpdq"),
        (f'[\n  "{BRIDGE.upper()},100,1e+02",\n'.encode(), "vpdq"),
        (b'{"0": {"quality": 100, "hash": "', "vpdq"),
        (b'["00", 1]', None),
        (f"1,100,{BRIDGE},0.033\n".encode(), "vpdq-text"),
        (f"1,{BRIDGE},100,0.033\n".encode(), "vpdq-text"),
        (b'{"data": [{"id": "1", "indicator": "00", "type": "HASH_MD5"', "threatexchange"),
        (b'[{"raw_indicator" : "00"}]', "threatexchange"),
        (b'{"type": "bundle", "objects": [{"type": "indicator"}]}', "stix"),
        (b'{"count": 1, "results": [{"hash_digest": "00"', "tat"),
        (b'{"count": 1, "hashRecords": []}', "stopncii"),
        (b'<?xml version="1.0"?>\n<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">', "ncmec"),
        (b"<n:queryResult xmlns:n='https://hashsharing.ncmec.org/hashsharing/v2'>", "ncmec"),
        (b"<html><body>", None),
        (b'\n{"md5": "00"}\n', "jsonl"),
        (b'{"hashes": []}', "jsonl"),
        (b'"List_Version","Reference"\r\n', "csv"),
        (b"hash,algorithm,reference\n1,2", "csv"),
        (f"# mine\n\n{MD5}\n".encode(), "md5sum"),
        (f"MD5 (a b) = {MD5}\nMD5 (c) = {MD5}\nrubbish\ncut".encode(), "md5sum"),
        (f"SHA256 (a b) = {SHA256}".encode(), "sha256sum"),
        (f"{SHA256} *a b".encode(), "sha256sum"),
        (f"{BRIDGE}\n{BRIDGE}\n".encode(), "pdq"),
        (BRIDGE.upper().encode(), "pdq"),
        (f"{'0' * 64},black.png".encode(), "pdq"),
        (f"hash={'0' * 64}".encode(), "pdq"),
        (f"{SHA1}  a\n".encode(), "sha1sum"),
        (f"SHA1 (a) = {SHA1}".encode(), "sha1sum"),
        (f"{MD5}\n{SHA1}\n".encode() * 2, "digests"),
        (f"MD5 (a) = {MD5}\nSHA256 (a) = {SHA256}\n".encode() * 2, "digests"),
        (b"ab" * 64, "digests"),
        (b"SHA512 (a) = " + b"ab" * 64, "digests"),
        (b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n", "hashdeep"),
        (
            f"0|/folder|2|d/drwx|0|0|0|1|1|1|1\n{MD5}|a|b|3|r/r|0|0|3|1|1|1|1\n0|x|4|d/d|0|0|0|1|1|1|1\n".encode(),
            "bodyfile",
        ),
        (b"\r\nAlgorithm       Hash            Path\r\n---------       ----            ----\r\n", "get-filehash"),
        (b"\nAlgorithm : SHA256\nHash      : 00\n", "get-filehash"),
        (b"MD5\r\n", "table"),
        (b"File Name\tMD5 Hash\n", "table"),
        (b"sep=;\nname;sha-256\n", "table"),
        (b"name,address\n", None),
        (f'[{{"md5":"{MD5}"}}]'.encode(), "json"),
        (f'{{"hashes":["{BRIDGE}"]}}'.encode(), "json"),
        (f'["{BRIDGE}"]'.encode(), "json"),
        (f'{{"hash":"{BRIDGE}","quality":100}}\n'.encode(), "json"),
        (b'{"name": "ab", "list": []}', None),
        (b"BEGIN TRANSACTION;\nINSERT INTO FILE VALUES('00'", "rds-delta"),
        (b"-- 2026\nDELETE FROM metadata WHERE", "rds-delta"),
        (b"INSERT INTO songs VALUES", None),
    ],
)
def test_detection(head: bytes, name: str | None) -> None:
    found = detect(head)
    assert (found and found.name) == name


def test_the_csv_header_is_as_documented() -> None:
    assert ",".join(COLUMNS) == (
        "list_version,reference,kind,algorithm,version,hash,quality,time,view,md5,sha1,sha256,size,duration,width,height,"
        "labels,allow,collection,source,tlp,added,retracted,retraction_reason,changed,opinions,author,expires,origin"
    )


@pytest.mark.parametrize("name", names())
def test_every_format_is_explained(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PROMISED | PROMISED_READ_ONLY))
@pytest.mark.parametrize("foreign", [b"Name;Value\na;b\n", b"<html>\n<body>404</body></html>\n"], ids=["table", "page"])
def test_what_is_no_list_of_a_format_is_never_an_empty_one(name: str, foreign: bytes) -> None:
    if name == "ncmec":
        pytest.importorskip("defusedxml")
    assert list(get(name).read(BytesIO(foreign)))


EMPTY_LISTS = [
    ("stix", b'{"type":"bundle","id":"bundle--1","objects":[]}'),
    ("stix", b'{"more": false}'),
    ("misp", b'{"response":[]}'),
    ("vics", b'{"value":[]}'),
    *((name, empty) for name in ("stix", "misp", "vics") for empty in (b"", b"[]\n")),
]


@pytest.mark.parametrize(("name", "empty"), EMPTY_LISTS)
def test_an_empty_list_is_fine(name: str, empty: bytes) -> None:
    assert not list(get(name).read(BytesIO(empty)))

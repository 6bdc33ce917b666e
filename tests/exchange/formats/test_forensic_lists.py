"""What hashdeep, The Sleuth Kit and PowerShell print, lists of mixed digests, JSON of others, and deltas of the NSRL."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import detect, get
from hashmatch.records import Hash, ListItem
from tests.support.list_items import BRIDGE, MD5, SHA1, SHA256, patient, read, rows_of

PDQ = Hash("pdq", bytes.fromhex(BRIDGE))
SHA512 = "ab" * 64


def test_hashdeep() -> None:
    data = (
        "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /home\n## $ hashdeep -r .\n##\n"
        f"3,{MD5},{SHA256},/a, b.jpg\n3,{MD5},short,c\nx\n"
        f"%%%% HASHDEEP-1.0\n%%%% size,sha1,tiger,filename\n4,{SHA1},{'0' * 48},d\n"
    )
    form = detect(data.encode())
    assert form and form.name == "hashdeep"
    found, bad = read(form, data.encode())
    assert found == {
        6: ListItem(md5=MD5, sha256=SHA256, size=3, paths=(b"/a, b.jpg",)),
        11: ListItem(sha1=SHA1, size=4, paths=(b"d",)),
    }
    assert list(bad) == [7, 8]


@pytest.mark.skipif(not shutil.which("hashdeep"), reason="hashdeep is not installed")
def test_hashdeep_itself(tmp_path: Path) -> None:
    (tmp_path / "a, b").write_bytes(b"abc")
    printed = subprocess.run(
        ["hashdeep", "-c", "md5,sha1,sha256", "a, b"], cwd=tmp_path, capture_output=True, check=True
    )
    (item,), bad, _told = rows_of(get("hashdeep"), printed.stdout)
    assert (item.md5, item.sha1, item.sha256, item.size, bad) == (MD5, SHA1, SHA256, 3, [])


def test_body_files() -> None:
    rest = "|48-2|r/rrwxrwxrwx|0|0|59231|1498759172|1498759172|1498759172|1498759172"
    data = f"{MD5}|/a|b.jpg{rest}\n0|/folder{rest}\n{MD5.upper()}|/c (deleted){rest}\n{MD5}|/d\n0|/e{rest}\n".encode()
    form = detect(data)
    assert form and form.name == "bodyfile"
    found, bad = read(form, data)
    assert found == {
        1: ListItem(md5=MD5, size=59231, paths=(b"/a|b.jpg",)),
        3: ListItem(md5=MD5, size=59231, paths=(b"/c (deleted)",)),
    }
    assert list(bad) == [4]
    assert rows_of(form, data)[2] == ["2 lines have no MD5"]
    assert rows_of(form, f"0|/x{rest}\n".encode() * 2) == ([], ["2 lines have no MD5"], [])


def test_get_filehash_as_table() -> None:
    data = (
        "\r\nAlgorithm       Hash                                                                   Path\r\n"
        "---------       ----                                                                   ----\r\n"
        f"SHA256          {SHA256.upper()}       C:\\my files\\m.jpg\r\n"
        f"MD5             {MD5.upper()}          C:\\very\\long...\r\n"
        f"SHA512          {SHA512}  C:\\x\r\nPS C:\\> exit\r\n\r\n\r\n"
    ).encode()
    form = detect(data)
    assert form and form.name == "get-filehash"
    found, bad = read(form, data)
    assert found == {4: ListItem(sha256=SHA256, paths=(b"C:\\my files\\m.jpg",)), 5: ListItem(md5=MD5)}
    assert list(bad) == [6, 7] and not any(item.capitals for item in found.values())


def test_get_filehash_as_list() -> None:
    data = (
        f"\r\n\r\nAlgorithm : SHA1\r\nHash      : {SHA1.upper()}\r\n"
        "Path      : C:\\a very\r\n             long\\m.jpg\r\n\r\n"
        f"Algorithm : SHA256\r\nHash      : {SHA256}\r\nPath      : C:\\n: o.jpg\r\n\r\n\r\n"
        "Algorithm : SHA384\r\nHash : 00\r\n\r\nAlgorithm : MD5\r\n"
    ).encode()
    form = detect(data)
    assert form and form.name == "get-filehash"
    found, bad = read(form, data)
    assert found == {
        3: ListItem(sha1=SHA1, paths=(b"C:\\a verylong\\m.jpg",)),
        8: ListItem(sha256=SHA256, paths=(b"C:\\n: o.jpg",)),
    }
    assert list(bad) == [13, 16]


def test_lines_with_digests_of_several_kinds() -> None:
    lines = [
        MD5,
        f"{SHA1.upper()} *a",
        f"SHA256 (b) = {SHA256}",
        f"md5:{MD5}",
        f"\\{SHA1}  c\\nd",
        f"{MD5},e.jpg",
        f'{MD5};"f, g.jpg"',
        SHA512,
        f"SHA512 (x) = {SHA512}",
        f"RIPEMD160 (x) = {SHA1}",
        "hello",
        MD5 + "00",
    ]
    data = "\n".join(lines).encode()
    form = detect(data)
    assert form and form.name == "digests"
    found, bad = read(form, data)
    assert found == {
        1: ListItem(md5=MD5),
        2: ListItem(sha1=SHA1, paths=(b"a",)),
        3: ListItem(sha256=SHA256, paths=(b"b",)),
        4: ListItem(md5=MD5),
        5: ListItem(sha1=SHA1, paths=(b"c\nd",)),
        6: ListItem(md5=MD5, paths=(b"e.jpg",)),
        7: ListItem(md5=MD5, paths=(b"f, g.jpg",)),
    }
    assert list(bad) == [8, 9, 10, 11, 12]
    assert [bad[line].split()[0] for line in (8, 9, 10)] == ["SHA-512", "SHA512", "RIPEMD160"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([{"md5": MD5, "sha1": SHA1}], [ListItem(md5=MD5, sha1=SHA1)]),
        ({"hashes": [BRIDGE]}, [ListItem(kind="image", hashes=(PDQ,))]),
        ([BRIDGE, BRIDGE], [ListItem(kind="image", hashes=(PDQ,))] * 2),
        ({"md5s": [MD5]}, [ListItem(md5=MD5)]),
        ({"hash": BRIDGE, "quality": 90}, [ListItem(kind="image", hashes=(Hash("pdq", PDQ.bits, 90),))]),
        ({"count": 1, "entries": [{"MD5": MD5.upper(), "FileName": "a", "tags": ["x", "y"]}]},
         [ListItem(md5=MD5, paths=(b"a",), labels=("x", "y"))]),
        ([{"hashes": {"SHA-1": SHA1}, "size": 3}], [ListItem(sha1=SHA1, size=3)]),
        ([{"hash": MD5, "algorithm": "MD5"}], [ListItem(md5=MD5)]),
        ({"md5": MD5, "parts": []}, [ListItem(md5=MD5)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indent", [None, 2])
def test_json_of_others(document: object, expected: list[ListItem], indent: int | None) -> None:
    data = json.dumps(document, indent=indent).encode()
    form = detect(data) if "md5" not in str(document)[:9] else get("json")
    assert form and form.name == "json"
    found, bad, _told = rows_of(form, data)
    assert (found, bad) == (expected, [])


def test_a_damaged_line_of_json_hides_no_other() -> None:
    good = json.dumps({"hash": MD5, "name": "a"})
    data = f'{good}\n{good[:-4]}\n\n{{"hash": 3}}\n{good}\n'.encode()
    found, bad = read(get("json"), data)
    assert list(found) == [1, 5] and list(bad) == [2, 4]


def test_json_without_entries_says_so() -> None:
    for data in (b"{}", b'{"a": [1]}', b"[]", b"[1]", b'"x"', b"", b'["x"]'):
        found, bad, told = rows_of(get("json"), data)
        assert not found and len(bad) + len(told) >= 1, data


@patient
@given(st.lists(st.sampled_from([("md5", MD5), ("SHA-1", SHA1), ("Hash", MD5), ("pdq", BRIDGE)]), min_size=1))
def test_every_object_is_an_entry(pairs: list[tuple[str, str]]) -> None:
    objects = [{key: value, "n": number} for number, (key, value) in enumerate(pairs)]
    by_line = "\n".join(map(json.dumps, objects)) + "\n"
    for data in (json.dumps(objects), json.dumps({"list": objects}), by_line):
        found, bad, _told = rows_of(get("json"), data.encode())
        assert bad == [] and len(found) == len(objects)


def test_a_delta_of_the_nsrl_is_named() -> None:
    data = b"BEGIN TRANSACTION;\nINSERT INTO FILE VALUES('00');\n"
    form = detect(data)
    assert form
    (told,) = rows_of(form, data)[1]
    assert "apply it to the full set" in told

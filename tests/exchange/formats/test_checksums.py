"""The `md5sum` and `sha256sum` formats."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import Format, WriteReport, get
from hashmatch.records import ListItem
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA1, SHA256, items_of, patient, read, write

MD5SUM, SHA1SUM, SHA256SUM = get("md5sum"), get("sha1sum"), get("sha256sum")


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        (b"%s", ()),
        (b" %s \t", ()),
        (b"%s  -", ()),
        (b"%s *-", ()),
        (b"%s  a b.jpg", (b"a b.jpg",)),
        (b"%s *a b.jpg", (b"a b.jpg",)),
        (b"%s a.jpg", (b"a.jpg",)),
        (b"%s   a ", (b" a ",)),
        (b"%s  \xff", (b"\xff",)),
        (rb"%s  a\nb", (rb"a\nb",)),
        (rb"\%s  a\nb\\n\r\x", (b"a\nb\\n\r\\x",)),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_gnu_lines(line: bytes, paths: tuple[bytes, ...], end: bytes) -> None:
    assert items_of(MD5SUM, line % MD5.encode() + end) == [ListItem(md5=MD5, paths=paths)]
    assert items_of(SHA256SUM, line % SHA256.upper().encode() + end) == [ListItem(sha256=SHA256, paths=paths)]


@pytest.mark.parametrize(
    ("format", "line", "paths"),
    [
        (MD5SUM, f"MD5 (a) = {MD5}", (b"a",)),
        (MD5SUM, f"MD5 (a) = (b) = {MD5}", (b"a) = (b",)),
        (MD5SUM, f"MD5(a)= {MD5}", (b"a",)),
        (MD5SUM, f"MD5 (-) = {MD5}", ()),
        (MD5SUM, f"\\MD5 (a\\nb) = {MD5}", (b"a\nb",)),
        (SHA256SUM, f"SHA256 (a) = {SHA256.upper()}", (b"a",)),
        (SHA256SUM, f"SHA2-256(a)= {SHA256}", (b"a",)),
        (SHA1SUM, f"SHA1 (a) = {SHA1}", (b"a",)),
        (SHA1SUM, f"SHA-1(a)= {SHA1.upper()}", (b"a",)),
        (SHA1SUM, f"{SHA1} *a", (b"a",)),
        (SHA1SUM, f"sha1:{SHA1}", ()),
    ],
)
def test_bsd_lines(format: Format, line: str, paths: tuple[bytes, ...]) -> None:
    (item,) = items_of(format, line.encode())
    assert item.paths == paths and (item.md5 or item.sha1 or item.sha256) in (MD5, SHA1, SHA256)


def test_comments_blanks_and_bad_lines() -> None:
    lines = [b"\xef\xbb\xbf# list", b"", MD5.encode(), SHA1.encode() + b"  a", f"SHA256 (a) = {MD5}".encode(), b"\xff"]
    lines += [b"a\0", b"MD5 () = " + MD5.encode(), b"MD5 (a) = ", MD5.encode() + b"x", b"\\"]
    found, bad = read(MD5SUM, b"\r\n".join(lines))
    assert found == {3: ListItem(md5=MD5), 8: ListItem(md5=MD5)}
    assert list(bad) == [4, 5, 6, 7, 9, 10, 11]
    assert bad[6] == "not a line in md5sum format with 32 hexadecimal digits: '\\xff'"


def test_what_is_written() -> None:
    item = replace(PICTURE, paths=(b"a b", b"c\nd\\", b"\xff"))
    given = [item, PICTURE, ListItem(sha1=SHA1), replace(item, retracted="2026"), replace(item, allow=True)]
    report = WriteReport(written=2, left_out_retracted=1, left_out_without_hash=1, left_out_allow=1)
    line = MD5.encode() + b"  "
    assert write(MD5SUM, given, ALL - {"paths"}) == ((line + b"-\n") * 2, report)
    named = line + b"a b\n\\" + line + b"c\\nd\\\\\n" + line + b"\xff\n" + line + b"-\n"
    assert write(MD5SUM, given, ALL) == (named, report)
    assert write(SHA1SUM, [item])[0] == f"{SHA1}  -\n".encode()
    assert write(SHA256SUM, [item])[0] == f"{SHA256}  -\n".encode()
    assert BRIDGE not in named.decode("latin-1")


_paths = st.binary(min_size=1).filter(lambda path: b"\0" not in path and path != b"-")


@patient
@given(_paths)
def test_any_name_comes_back(path: bytes) -> None:
    item = ListItem(md5=MD5, paths=(path,))
    assert items_of(MD5SUM, write(MD5SUM, [item], ALL)[0]) == [item]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs GNU coreutils")
def test_sha256sum_itself_agrees(tmp_path: Path) -> None:
    names = [b"plain", b"new\nline", b"back\\slash", b" blank ", b"*star", b"\xff"]
    for name in names:
        (tmp_path / name.decode("utf-8", "surrogateescape")).write_bytes(b"abc")
    data, _report = write(SHA256SUM, [ListItem(sha256=SHA256, paths=tuple(names))], ALL)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet"], input=data, cwd=tmp_path, check=True)
    printed = subprocess.run(["sha256sum", "--", *names], cwd=tmp_path, check=True, capture_output=True).stdout
    assert printed == data
    tagged = subprocess.run(["sha256sum", "--tag", *names], cwd=tmp_path, check=True, capture_output=True).stdout
    for output in (printed, tagged):
        assert [item.paths for item in items_of(SHA256SUM, output)] == [(name,) for name in names]

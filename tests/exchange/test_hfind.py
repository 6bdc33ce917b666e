"""The Sleuth Kit's hfind can look up digests in the lists that we write."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch.exchange import HEAD, detect, get
from hashmatch.records import ListItem
from tests.support.list_items import ALL, MD5, PICTURE, SHA1, write

pytestmark = pytest.mark.skipif(shutil.which("hfind") is None, reason="The Sleuth Kit is not installed")

LISTED = [
    *(ListItem(md5=f"{number:032x}", sha1=f"{number:040x}") for number in range(1, 300)),
    replace(PICTURE, paths=(b"picture.jpg",), note="seen"),
    ListItem(md5="f" * 32, sha1="f" * 40, paths=(b'"', b"y" * 600, b"a\nb", b"=x", b"a,b", b"\xff")),
]


def hfind(*arguments: str | Path) -> str:
    return subprocess.run(["hfind", *arguments], capture_output=True, check=True, timeout=60).stdout.decode("latin-1")


@pytest.mark.parametrize("include", [frozenset[str](), ALL])
@pytest.mark.parametrize(
    ("name", "kind", "digest"),
    [
        ("kdb", "", "md5"),
        ("md5sum", "md5sum", "md5"),
        ("hashkeeper", "hk", "md5"),
        ("nsrl", "nsrl-md5", "md5"),
        ("nsrl", "nsrl-sha1", "sha1"),
    ],
)
def test_a_digest_is_found(tmp_path: Path, name: str, kind: str, digest: str, include: frozenset[str]) -> None:
    path = tmp_path / f"list.{name}"
    path.write_bytes(write(get(name), LISTED, include)[0])
    if kind:
        hfind("-i", kind, path)
    for item in (LISTED[0], LISTED[255], *LISTED[-2:]):
        assert hfind("-q", path, getattr(item, digest)) == "1\n"
    unknown = "e" * len(getattr(PICTURE, digest))
    assert hfind("-q", path, unknown) == "0\n"
    assert "Hash Not Found" in hfind(path, unknown)
    if (
        name != "hashkeeper"
    ):  # hfind 4.11 ignores the header when it computes offsets there, and then does not find the name
        answer = hfind(path, MD5 if digest == "md5" else SHA1)
        assert "Not Found" not in answer and ("picture.jpg" in answer) == (include == ALL)


def test_a_database_that_hfind_made_is_read(tmp_path: Path) -> None:
    path = tmp_path / "made.kdb"
    hfind("-c", path)
    hfind("-a", path, MD5, "0" * 32)
    with path.open("rb") as file:
        assert list(get("kdb").read(file)) == [(1, ListItem(md5=MD5)), (2, ListItem(md5="0" * 32))]
    found = detect(path.read_bytes()[:HEAD])
    assert found and found.name == "kdb"

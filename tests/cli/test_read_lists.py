"""`import` of what people have: tables of other programs, packed lists, lists of which nothing can be used."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from hashmatch.isolation import lock
from tests.support.command_line import Run
from tests.support.list_items import MD5, SHA256


def test_a_person_names_the_columns_of_a_table(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text(f"evidence;tally\nx;{MD5}\n")
    assert run("import", table).code == 2
    ran = run("import", "--column", "md5=tally", "--column", "note=1", table)
    assert (ran.code, "(table): 1 new" in ran.err) == (0, True), ran.err
    (shown,) = run("show", MD5, "--format", "json").json
    assert shown["md5"] == MD5 and shown["sources"][0]["note"] == "x"


@pytest.mark.parametrize(
    ("column", "said"),
    [("md5", "write it like"), ("nose=1", "unknown field 'nose'"), ("md5=9", "there is no column '9'")],
)
def test_a_column_that_is_not_there_is_refused(run: Run, tmp_path: Path, column: str, said: str) -> None:
    table = tmp_path / "table.txt"
    table.write_text(f"evidence;tally\nx;{MD5}\n")
    ran = run("import", "--column", column, table)
    assert ran.code in (1, 2) and said in ran.err


def test_packed_lists_are_read_one_by_one(run: Run, tmp_path: Path) -> None:
    packed, bound = tmp_path / "list.gz", tmp_path / "قوائم.zip"
    packed.write_bytes(gzip.compress(f"{MD5}  a\n".encode("utf-16")))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("واحد.txt", f"{MD5}  a\n")
        archive.writestr("two.bin", b"\0\1\2\3")
        archive.writestr("three.txt", f"{SHA256}  a\n")
    bound.write_bytes(out.getvalue())
    ran = run("import", packed)
    assert ran.code == 0 and "list.gz (md5sum): 1 new" in ran.err
    ran = run("import", bound)
    assert ran.code == 2
    assert "قوائم.zip/واحد.txt (md5sum): 1 known" in ran.err and "three.txt (sha256sum): 1 new" in ran.err
    assert "two.bin: cannot tell what list this is" in ran.err


def test_a_list_of_which_nothing_can_be_used_is_never_success(run: Run, tmp_path: Path) -> None:
    unusable, empty = tmp_path / "sha512.txt", tmp_path / "empty.jsonl"
    unusable.write_text("a" * 128 + "  x\n")
    empty.write_text('{"format": "hashmatch-list", "version": 2, "created": "2026-11-01T00:00:00Z", "tool": "t"}\n')
    ran = run("import", unusable)
    assert ran.code == 1 and "SHA-512" in ran.err and "nothing in it could be used" in ran.err
    ran = run("import", empty)
    assert ran.code == 0 and "nothing in it" in ran.err


@pytest.mark.skipif(lock.available() != lock.STEPS, reason="this system has no full sandbox")
def test_a_sandbox_can_be_required(run: Run, tmp_path: Path) -> None:
    plain = tmp_path / "list"
    plain.write_text(f"{MD5}  a\n")
    assert run("import", "--require-sandbox", plain).code == 0

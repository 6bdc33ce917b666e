"""The lists in a file: packed, bound together, and made to fill the disk."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.store import open_store
from hashmatch.workflows.import_list import import_list
from hashmatch.workflows.list_files import lists_in
from tests.support.list_items import MD5
from tests.support.made_references import ME, pdq_bits

LIST = f"{MD5}  a\n".encode() * 3
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def found(path: Path, data: bytes) -> list[tuple[str, bytes, str]]:
    path.write_bytes(data)
    lists = [(each.short_name, each.content.read(), each.problem) for each in lists_in(path)]
    assert path.read_bytes() == data
    return lists


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "given"


def test_a_plain_list_is_the_file_itself(path: Path) -> None:
    path.write_bytes(LIST)
    (given,) = lists_in(path)
    assert given.content is given.file and given.name == str(path) and given.content.closed


def test_lists_come_out_and_leave_nothing_behind(path: Path) -> None:
    for pack in PACKERS.values():
        assert found(path, pack(LIST)) == [("given", LIST, "")]
    data = zipped({"b/x.txt": LIST, "__MACOSX/._x": b"x", "y.csv": b"md5\n", "z.gz": gzip.compress(LIST)})
    first, second, third = found(path, data)
    assert (first, second) == (("given/b/x.txt", LIST, ""), ("given/y.csv", b"md5\n", ""))
    assert "inside as gzip" in third[2]
    assert found(path, f"{MD5}  ملف\n".encode("utf-16")) == [("given", f"{MD5}  ملف\n".encode(), "")]
    assert sorted(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_is_refused_before_it_fills_anything(path: Path, pack: Callable[[bytes], bytes]) -> None:
    ((_name, content, problem),) = found(path, pack(bytes(100_000_000)))
    assert "more than any list of its size" in problem and len(content) <= 20 * 2**20


def test_a_bomb_in_a_zip_is_one_reason(path: Path) -> None:
    first, second = found(path, zipped({"a": LIST, "b": bytes(50_000_000), "c": LIST}))
    assert first == ("given/a", LIST, "") and "more than any list" in second[2]


def test_an_overlapping_bomb_is_bounded_by_the_size_of_the_file(path: Path) -> None:
    """Many entries of the directory name the same bytes."""
    kernel = bytes(4_000_000)
    data = zipped({"a": kernel})
    at = data.index(b"PK\x01\x02")
    entry, end = data[at : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    count = 500
    end = bytearray(end)
    end[8:12] = struct.pack("<HH", count, count)
    end[12:20] = struct.pack("<II", len(entry) * count, at)
    lists = found(path, data[:at] + entry * count + bytes(end))
    assert sum(len(content) for _name, content, _problem in lists) <= 16 * 2**20 + len(kernel)
    assert any(problem for _name, _content, problem in lists)


@pytest.mark.parametrize("cut", [30, 60])
def test_what_breaks_off_is_said(path: Path, cut: int) -> None:
    ((_name, _content, problem),) = found(path, gzip.compress(LIST + bytes(range(256)))[:cut])
    assert "damaged or incomplete" in problem


def test_what_is_no_regular_file_is_refused(path: Path) -> None:
    with pytest.raises(CommandError, match="given: No such file"):
        list(lists_in(path))
    with pytest.raises(CommandError, match="directory"):
        list(lists_in(path.parent))


def test_every_list_of_a_zip_is_imported_and_one_bad_list_hides_no_other(path: Path) -> None:
    pdq = f"{pdq_bits(1).hex()}\n".encode()
    path.write_bytes(zipped({"a.txt": pdq, "b.bin": b"\0\1\2", "c.md5": LIST}))
    told = []
    with open_store(path.with_name("x.db"), write=True) as store:
        report = import_list(store, ME, path, told=told.append)
        assert (report.name, report.format, report.added, report.refused) == ("given", "md5sum, pdq", 2, 1)
        assert "cannot tell what list this is" in told[-1].message and "b.bin" in told[-1].message
        names = store.connection.execute("SELECT name FROM import ORDER BY id").fetchall()
        assert names == [("given/a.txt",), ("given/c.md5",)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_fifo_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(CommandError, match="a pipe cannot be"):
        list(lists_in(path))


def test_a_name_in_a_zip_may_be_long_or_in_any_script(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsencode", lambda name: name.encode("ascii"))  # as where the system's names are ASCII
    path.write_bytes(zipped({"ملف": LIST, "a" * 5000 + ".txt": LIST}))
    first, second = (given.name for given in lists_in(path))
    assert first == f"{path}/ملف"
    assert len(second) == len(str(path)) + 201 and second.endswith("aaa")


def test_an_sqlite_list_is_read_from_its_file_and_a_log_beside_it_is_told(path: Path) -> None:
    """Held in memory instead, it might be no larger than 512 MiB, and nobody would know of the log."""
    database = path.with_name("list.kdb")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE hashes (id INTEGER PRIMARY KEY, database_id, md5 BINARY(16), sha1, sha2_256)")
        connection.execute("INSERT INTO hashes VALUES (1, 0, ?, NULL, NULL)", (bytes.fromhex(MD5),))
        connection.commit()
    path.with_name("list.kdb-wal").write_bytes(b"x")
    told = []
    with open_store(path.with_name("x.db"), write=True) as store:
        assert import_list(store, ME, database, told=told.append).added == 1
    assert "'list.kdb-wal'" in told[0].message

"""Lists in gzip, bzip2, xz and zip, and in UTF-16."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import HEAD, detect, packed_lists, unpacked
from tests.support.list_items import MD5

LIST = f"{MD5}  a\n".encode() * 3
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def taken_out(data: bytes) -> list[tuple[str, bytes, str]]:
    return [(each.name, each.stream.read(), each.problem) for each in unpacked(io.BytesIO(data))]


def problem_of(data: bytes) -> str:
    ((_name, content, problem),) = taken_out(data)
    assert content == b"" and problem.isprintable()
    return problem


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_one_list(pack: Callable[[bytes], bytes]) -> None:
    assert taken_out(pack(LIST)) == [("", LIST, "")]
    assert taken_out(pack(LIST) + pack(LIST)) == [("", LIST * 2, "")]
    assert taken_out(pack(LIST) + bytes(100)) == [("", LIST, "")]
    assert taken_out(pack(b"")) == [("", b"", "")]
    for inner in unpacked(io.BytesIO(pack(LIST))):
        form = detect(inner.stream.read(HEAD))
        inner.stream.seek(0)
        assert form and form.name == "md5sum" and len(list(form.read(inner.stream))) == 3


def test_a_plain_list_is_the_file_itself() -> None:
    file = io.BytesIO(LIST)
    file.seek(7)
    (inner,) = unpacked(file)
    assert inner.stream is file and not file.closed and file.tell() == 0


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_what_is_damaged_gives_nothing_and_a_reason(pack: Callable[[bytes], bytes]) -> None:
    noise = random.Random(1).randbytes(20_000)
    whole = pack(noise)
    for cut in (20, len(whole) // 2, len(whole) - 1):
        assert "damaged or incomplete" in problem_of(whole[:cut])
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0xFF
    assert "damaged or incomplete" in problem_of(bytes(broken))


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_is_refused_before_it_fills_anything(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(100_000_000))
    assert "more than any list of its size" in problem_of(bomb)
    assert "packed twice, inside as" in problem_of(gzip.compress(pack(LIST)))


def test_a_large_list_goes_to_disk_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_lists, "_IN_MEMORY", 10)
    for inner in unpacked(io.BytesIO(gzip.compress(LIST * 9))):
        assert not isinstance(inner.stream, io.BytesIO)
        assert inner.stream.read() == LIST * 9 and inner.stream.seek(0) == 0
        stream = inner.stream
    assert stream.closed


def test_a_zip_gives_its_files_in_order() -> None:
    members = {
        "b/x.txt": LIST,
        "__MACOSX/._x": b"x",
        "a.csv": b"md5\n",
        "c.gz": gzip.compress(LIST),
        "d/.DS_Store": b"",
    }
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        found = taken_out(zipped(members, method))
        assert found[:2] == [("b/x.txt", LIST, ""), ("a.csv", b"md5\n", "")]
        assert len(found) == 3 and "inside as gzip" in found[2][2]
    assert "no files" in problem_of(zipped({"folder/": b""}))
    assert "unpack it first" in problem_of(zipped({"a": LIST}, zipfile.ZIP_LZMA))


def test_a_damaged_file_in_a_zip_costs_only_itself() -> None:
    data = bytearray(zipped({"a": LIST, "b": LIST}, zipfile.ZIP_STORED))
    data[data.index(LIST) + 3] ^= 1
    first, second = taken_out(bytes(data))
    assert "damaged" in first[2] and second == ("b", LIST, "")


def test_a_bomb_in_a_zip_is_one_reason() -> None:
    found = taken_out(zipped({"a": LIST, "b": bytes(50_000_000), "c": LIST}))
    assert found[0] == ("a", LIST, "") and len(found) == 2 and "more than any list" in found[1][2]
    many = zipped({str(number): b"" for number in range(packed_lists.MEMBERS_MAX + 1)})
    assert "more than 1,000 files" in problem_of(many)


def test_an_overlapping_bomb_is_bounded_by_the_size_of_the_file() -> None:
    """Many entries of the directory name the same bytes."""
    kernel = bytes(4_000_000)
    data = zipped({"a": kernel})
    at = data.index(b"PK\x01\x02")
    entry, end = data[at : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    count = 500
    end = bytearray(end)
    end[8:12] = struct.pack("<HH", count, count)
    end[12:20] = struct.pack("<II", len(entry) * count, at)
    found = taken_out(data[:at] + entry * count + bytes(end))
    assert sum(len(content) for _name, content, _problem in found) <= 16 * 2**20 + len(kernel)
    assert any(problem for _name, _content, problem in found)


def test_an_encrypted_zip_is_named() -> None:
    data = bytearray(zipped({"a": LIST}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert "encrypted" in problem_of(bytes(data))


@pytest.mark.parametrize(
    "data",
    [b"7z\xbc\xaf\x27\x1c" + bytes(99), b"Rar!\x1a\x07\0", b"\x28\xb5\x2f\xfd" + bytes(9), bytes(257) + b"ustar\0"],
)
def test_other_packings_are_named(data: bytes) -> None:
    assert "unpack it first" in problem_of(data)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_becomes_utf8(coding: str) -> None:
    text = f"{MD5}  Kürbis 🎃\r\n" * 3
    data = text.encode(coding)
    for given_ in (data, b"\xfe\xff" + data if coding == "utf-16-be" else data):
        assert taken_out(given_) == [("", text.encode(), "")]
        assert taken_out(gzip.compress(given_)) == [("", text.encode(), "")]
        assert taken_out(zipped({"a": given_})) == [("a", text.encode(), "")]


@given(
    st.binary(max_size=200) | st.sampled_from([pack(LIST) for pack in PACKERS.values()] + [zipped({"a": LIST})]),
    st.data(),
)
def test_any_bytes(data: bytes, draw: st.DataObject) -> None:
    if data:
        place = draw.draw(st.integers(0, len(data) - 1))
        data = data[:place] + draw.draw(st.binary(max_size=3)) + data[place + 1 :]
    for _name, content, problem in taken_out(data):
        assert problem.isprintable() and not (problem and content)

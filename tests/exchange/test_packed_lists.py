"""Lists in gzip, bzip2, xz and zip, and in UTF-16."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import unpacked
from hashmatch.exchange.packed_lists import MEMBERS_MAX, RATIO_MAX, START, Budget, PackedError, is_packed
from tests.support.list_items import MD5

LIST = f"{MD5}  a\n".encode() * 3
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def taken_out(data: bytes) -> list[tuple[str, bytes, str]]:
    """Of each list its name, what came out, and why no more did."""
    found = []
    for inner in unpacked(io.BytesIO(data)):
        content, problem = bytearray(), ""
        try:
            for chunk in inner.content:
                content += chunk
        except PackedError as refused:
            problem = str(refused)
        found.append((inner.name, bytes(content), problem))
    return found


def problem_of(data: bytes) -> str:
    ((_name, _content, problem),) = taken_out(data)
    assert problem and problem.isprintable()
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
    assert is_packed(pack(LIST)[:START])


def test_a_plain_list_comes_as_it_is() -> None:
    assert not is_packed(LIST) and not is_packed(b"") and not is_packed(b"SQLite format 3\0")
    file = io.BytesIO(LIST)
    file.seek(7)
    assert [b"".join(inner.content) for inner in unpacked(file)] == [LIST] and not file.closed


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
def test_what_is_packed_twice_is_refused(pack: Callable[[bytes], bytes]) -> None:
    assert "packed twice, inside as" in problem_of(gzip.compress(pack(LIST)))


def test_a_budget_grows_with_the_file() -> None:
    for size in (0, 10**6):
        budget = Budget(size)
        most = max(16 * 2**20, size * RATIO_MAX)
        budget.take(most)
        with pytest.raises(PackedError, match="more than any list of its size"):
            budget.take(1)


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


def test_a_zip_of_many_files_is_refused() -> None:
    many = zipped({str(number): b"" for number in range(MEMBERS_MAX + 1)})
    assert "more than 1,000 files" in problem_of(many)


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
        assert problem.isprintable() and len(content) < 2**24


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-le"])
def test_lines_that_end_as_on_old_macs_are_lines(coding: str) -> None:
    """Else a whole list is its first entry, with all others for the name of its file."""
    given = (f"{MD5}  a\r" * 3).encode(coding)
    assert is_packed(given[:START]) and taken_out(given) == [("", LIST, "")]
    assert taken_out(gzip.compress(given)) == [("", LIST, "")]


def test_only_a_text_without_any_other_line_end_has_such_lines() -> None:
    others = (LIST.replace(b"\n", b"\r\n"), b"a\r\n" + LIST, b"\0\0\r" * 9, b"a\n\r")
    assert not any(map(is_packed, others))

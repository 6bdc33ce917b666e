"""Every reader takes any bytes whatever: each line gives an item or a reason, and nothing is raised."""

from __future__ import annotations

import random
import tracemalloc
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.exchange import detect, get, names, written
from hashmatch.exchange.csv_table import COLUMNS
from hashmatch.exchange.fields import identified
from hashmatch.exchange.sqlite_files import MAGIC
from hashmatch.records import BadLine, LineRemark, ListItem

from .samples import ALL, BRIDGE, MD5, SHA1, SHA256, items, patient, write

#: Pieces that lists are made of, good and bad, so that chance gets past the first check of each reader.
PIECES = [
    *(b"\n", b"\r\n", b",", b'"', b"\\", b"|", b"'", b"=", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", b"#", b"  -"),
    *(b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"1e999", b"9" * 5000, b"-1", b"true", b'"\\ud800"', b"\xd9\xa1"),
    *(BRIDGE.encode(), MD5.encode(), SHA256.encode(), b"MD5 (", b") = ", b"hash=", b",quality=", b",filename="),
    b",".join(column.encode() for column in COLUMNS) + b"\n1,1,image,pdq,1," + BRIDGE.encode() + b"," * 16 + b"\n1,1,",
    *(b'{"hashes":[{"algorithm":"pdq","hash":"%b","quality":' % BRIDGE.encode(), b'{"md5":"%b","' % MD5.encode()),
    *(f'"{column}":'.encode() for column in COLUMNS),
    *(MAGIC, b"CREATE TABLE hashes(md5, sha1, sha2_256)", SHA1.encode(), b'"SHA-1","MD5","FileName","ProductCode"\n'),
    *(b'"file_id","hashset_id","file_name","hash"\n', b'1,1,"","' + MD5.encode() + b'",3\n'),
]

#: Formats without lines, whose records are numbered.
OF_RECORDS = {"kdb", "rds"}

streams = st.binary() | st.lists(st.sampled_from(PIECES) | st.binary(max_size=3)).map(b"".join)


def check(name: str, data: bytes) -> None:
    last = len(data) + 1 if name in OF_RECORDS else max(1, data.count(b"\n") + (not data.endswith(b"\n")))
    seen: dict[str, list[int]] = {"good": [], "bad": []}
    for row in get(name).read(BytesIO(data)):
        if isinstance(row, BadLine):
            assert 0 < len(row.message) < 200 and row.message.isprintable()
            seen["bad"].append(row.line)
        elif isinstance(row, LineRemark):
            assert 0 < len(row.message) < 200 and row.message.isprintable()
        else:
            assert isinstance(row[1], ListItem) and identified(row[1])
            hash(row[1])
            seen["good"].append(row[0])
    for numbers in seen.values():
        assert all(1 <= number <= last for number in numbers)
        assert len(set(numbers)) == len(numbers)
    assert seen["good"] == sorted(seen["good"])


@pytest.mark.parametrize("name", names())
@patient
@given(data=streams)
def test_any_bytes(name: str, data: bytes) -> None:
    check(name, data)
    detect(data)


@pytest.mark.parametrize("name", written())
@patient
@given(listed=st.lists(items, min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_damaged_lists(name: str, listed: list[ListItem], seed: int) -> None:
    data = bytearray(write(get(name), listed, ALL)[0])
    chance = random.Random(seed)
    for _time in range(chance.randrange(1, 8)):
        if data:
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 9))] = chance.choice(PIECES)
    try:
        check(name, bytes(data))
    except CommandError as error:
        assert "version" in str(error)  # the damage made it a list of a newer version


@pytest.mark.parametrize("name", written())
def test_a_long_list_is_not_held_in_memory(name: str) -> None:
    listed = (ListItem(md5=f"{n:032x}", sha1=SHA1, sha256=SHA256, kind="image") for n in range(10_000))
    data = (f"{BRIDGE}\n" * 10_000).encode() if name == "pdq" else write(get(name), listed)[0]
    stream = BytesIO(data)
    tracemalloc.start()
    try:
        assert sum(isinstance(row, tuple) for row in get(name).read(stream)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()

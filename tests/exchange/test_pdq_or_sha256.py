"""Telling PDQ hashes from SHA-256 digests."""

from __future__ import annotations

import random
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import detect
from hashmatch.exchange.pdq_or_sha256 import BY_FORMAT, judged, judged_list
from hashmatch.records import LineRemark, ListItem
from tests.support.list_items import BRIDGE, MD5, SHA1, SHA256, rows_of

#: Random digests, by whether they have 128 ones, as one in twenty does.
DIGESTS = [sha256(bytes([n, m])).hexdigest() for n in range(40) for m in range(40)]
HALVES = [digest for digest in DIGESTS if int(digest, 16).bit_count() == 128]
OTHERS = [digest for digest in DIGESTS if int(digest, 16).bit_count() != 128]


def pdq_like(chance: random.Random) -> str:
    bits = [1] * 128 + [0] * 128
    chance.shuffle(bits)
    return f"{int(''.join(map(str, bits)), 2):064x}"


@pytest.mark.parametrize(
    ("lines", "name", "is_sure"),
    [
        ([BRIDGE], "pdq", False),
        ([BRIDGE, HALVES[0]], "pdq", True),
        ([BRIDGE, BRIDGE, BRIDGE], "pdq", False),  # one value, three times
        ([BRIDGE.upper()], "pdq", False),
        ([OTHERS[0]], "sha256sum", False),
        (OTHERS[:2], "sha256sum", True),
        (OTHERS[:50] + HALVES[:3], "sha256sum", True),
        ([OTHERS[0], HALVES[0]], None, False),
        ([OTHERS[0] + "  a.jpg"], "sha256sum", True),
        ([OTHERS[0] + " *a.jpg"], "sha256sum", True),
        ([HALVES[0] + "  a.jpg"], "sha256sum", False),
        ([HALVES[0] + "  -"], "sha256sum", False),
        (["\\" + HALVES[0] + "  a"], "sha256sum", False),
        ([each + "  a.jpg" for each in HALVES[:5]], "pdq", True),
        ([HALVES[0] + " a.jpg"], None, False),
        ([OTHERS[0] + " a.jpg"], "sha256sum", True),
        ([HALVES[0] + " 100 a.jpg"], "pdq", True),
        ([HALVES[0] + ",100,a.jpg"], "pdq", True),
        ([HALVES[0] + ",a.jpg"], "pdq", True),
        ([OTHERS[0] + ",a.jpg"], None, False),
        ([each + ",a.jpg" for each in OTHERS[:9]], "sha256sum", True),
        (["hash=" + OTHERS[0]], "pdq", True),
        ([OTHERS[0] + ",quality=3"], "pdq", True),
        (["0" * 64 + "  a", OTHERS[0] + "  b"], "sha256sum", True),
        (["0" * 31 + "1" + "0" * 32 + "  a", OTHERS[0] + "  b"], "sha256sum", True),
    ],
)
def test_a_list_is_taken_for_what_it_says(lines: list[str], name: str | None, is_sure: bool) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    form = detect(data)
    assert (form and form.name) == name
    if form:
        found, bad, told = rows_of(form, data)
        assert len(found) == len(lines) and not bad
        assert told == [] if is_sure else ["--format" in each for each in told] == [True]
        assert all(bool(item.hashes) == (name == "pdq") for item in found)


def test_bsd_lines_need_no_evidence() -> None:
    form = detect(f"SHA256 (a) = {HALVES[0]}\n".encode())
    assert form and form.name == "sha256sum"
    assert [type(row) for row in form.read(BytesIO(f"SHA256 (a) = {HALVES[0]}\n".encode()))] == [tuple]


@given(st.integers(0, 2**32), st.integers(3, 60))
def test_lists_of_either_kind_are_told(seed: int, count: int) -> None:
    chance = random.Random(seed)
    assert judged([pdq_like(chance) for _each in range(count)]).algorithm == "pdq"
    digests = [chance.choice(OTHERS) for _each in range(count)]
    assert judged(digests).algorithm == "sha256"


def test_real_proportions_are_told() -> None:
    found = judged(DIGESTS)
    assert (found.algorithm, found.is_sure) == ("sha256", True)
    chance = random.Random(1)
    plain = [pdq_like(chance) for _each in range(60)] + OTHERS[:40]  # 40 % of plain pictures: far more than are seen
    assert judged(plain).algorithm == "pdq"


@given(st.binary(max_size=300))
def test_any_bytes(head: bytes) -> None:
    found = judged_list(head)
    assert found is None or found.algorithm in (None, "pdq", "sha256")


def test_the_words_for_doubt() -> None:
    assert judged([BRIDGE]).doubt(BY_FORMAT).endswith("taken for PDQ (if not: --format sha256sum)")
    assert judged([OTHERS[0]]).doubt(BY_FORMAT).endswith("taken for SHA-256 (if not: --format pdq)")
    assert judged([OTHERS[0]]).doubt().endswith("taken for SHA-256")
    assert judged([OTHERS[0], OTHERS[1]]).doubt(BY_FORMAT) == ""
    assert judged([]).taken_for == "pdq"


def test_other_digests_speak_for_sha256() -> None:
    form = detect(f"{MD5}\n{SHA1}\n{SHA256}\n{MD5}\n".encode())
    assert form and form.name == "digests"
    data = f"{MD5}\n{BRIDGE}\n{HALVES[1]}\n{HALVES[2]}\n{MD5}\n".encode()
    form = detect(data)
    assert form and form.name == "digests"
    rows = list(form.read(BytesIO(data)))
    assert isinstance(rows[0], LineRemark) and "may be PDQ" in rows[0].message
    assert rows[2] == (2, ListItem(sha256=BRIDGE))


@pytest.mark.parametrize("filler", [b" ", b"\t", b", ", b",", b"\r"])
def test_long_stretches_of_nothing_take_no_time(filler: bytes) -> None:
    """Squared, a tenth of this takes minutes."""
    judged_list(f"{SHA256},".encode() + filler * 500_000)

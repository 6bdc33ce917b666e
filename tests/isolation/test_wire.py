"""What goes through the wire comes out as it was, and nothing else comes out at all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from hashmatch.isolation.wire import LONGEST, NonsenseError, pack, read, unpack
from hashmatch.messages import Message
from hashmatch.records import Digests, Failure, Fingerprint, Glance, Hash, Length

WHOLE = Fingerprint(
    "video",
    123,
    Digests("ab" * 16, "cd" * 20, "ef" * 32),
    640,
    480,
    12.5,
    True,
    (Hash("pdq", bytes(range(32)), 100, 0.25, "full", 1), Hash("phash", bytes(8))),
    "pyav mov h264",
    "film-1",
    False,
    Failure("partial", Message("a", (("count", 3), ("share", 0.5), ("why", "abgebrochen – مقطوع")))),
)


@pytest.mark.parametrize("record", [WHOLE, Fingerprint(None, 0), WHOLE.digests, WHOLE.error])
def test_records_survive(record: Any) -> None:
    kind, content = unpack(pack("result", record))
    assert (kind, read(type(record), content)) == ("result", record)


# Two records that look alike, and one with either of them inside, as settings have it.


@dataclass(frozen=True, slots=True)
class Quick:
    seconds: float


@dataclass(frozen=True, slots=True)
class Thorough:
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    mode: Quick | Thorough
    more: tuple[Quick | Thorough | None, ...] = ()
    level: Literal["low", "high"] = "low"


def through(expected: Any, value: Any) -> Any:
    return read(expected, unpack(pack("result", value))[1])


def said(expected: Any, content: Any) -> Any:
    """What is read where a worker says this."""
    return read(expected, unpack(json.dumps(["result", content]).encode())[1])


@pytest.mark.parametrize("value", [Quick(1.5), Thorough(1.5), Glance((), 2.0), Length(2.0, True)])
def test_unions_of_records(value: Any) -> None:
    assert through(Quick | Thorough | Glance | Length, value) == value
    assert through(tuple[Quick | Thorough | Glance | Length, ...], (value, value)) == (value, value)


def test_unions_of_records_inside_of_records() -> None:
    wish = Wish(Thorough(2.0), (Quick(1.0), None, Thorough(3.0)), "high")
    assert through(Wish, wish) == wish
    with pytest.raises(NonsenseError):
        through(Wish, Wish(Length(2.0, True)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        ["Hash", "pdq", "", None, None, "full", None],
        ["Hash", "pdq", "", None, None, "full", None, "", 1],
        ["Digests", "pdq", "", None, None, "full", None, ""],
        ["pdq", "", None, None, "full", None, ""],
        {"algorithm": "pdq", "bits": ""},
        ["Hash", "pdq", "not base64", None, None, "full", None, ""],
        ["Hash", "pdq", "", True, None, "full", None, ""],
        ["Hash", "pdq", "", 1.0, None, "full", None, ""],
        ["Hash", "pdq", "", 1 << 63, None, "full", None, ""],
        ["Hash", "pdq", "", None, True, "full", None, ""],
        ["Hash", "pdq", "", None, "1.0", "full", None, ""],
        ["Hash", "pdq", "", None, 10**400, "full", None, ""],
        ["Hash", "pdq", "", None, math.nan, "full", None, ""],
        ["Hash", "pdq", "", None, None, "\ud800", None, ""],
        ["Hash", None, "", None, None, "full", None, ""],
    ],
)
def test_what_is_no_hash(content: Any) -> None:
    """A field too few or too many, another record's name, no name, or a value of another type."""
    assert said(Hash, ["Hash", "pdq", "", None, None, "full", None, ""]) == Hash("pdq", b"")
    with pytest.raises(NonsenseError):
        said(Hash, content)


@given(some.integers())
@example((1 << 63) - 1)
@example(1 << 63)
@example(-(1 << 63))
@example(-(1 << 63) - 1)
@example((1 << 64) - 1)
@example(1 << 64)
def test_integers(number: int) -> None:
    if -(1 << 63) <= number < 1 << 63:
        assert through(int | None, number) == number
        return
    with pytest.raises(NonsenseError):
        said(int | None, number)


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_floats(number: float) -> None:
    for value in (number, np.float64(number)):
        got = through(float, value)
        assert type(got) is float and (got, math.copysign(1, got)) == (number, math.copysign(1, number))


@given(some.binary())
def test_bytes(value: bytes) -> None:
    assert through(bytes, value) == value


@given(some.text())
def test_text(value: str) -> None:
    assert through(str, value) == value


plain = some.none() | some.booleans() | some.integers() | some.floats() | some.text(some.characters())
anything = some.recursive(plain, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))


@given(anything)
def test_nothing_else_is_taken_for_a_record(content: Any) -> None:
    for expected in (Fingerprint, Digests, Hash, Quick | Thorough):
        with pytest.raises(NonsenseError):
            said(expected, content)


@given(some.lists(some.text(some.sampled_from("0aAfgx-_ ٣"), min_size=32, max_size=64), min_size=3, max_size=3))
@example(["0" * 31 + "g", "0" * 40, "0" * 64])
@example(["0" * 32, "0" * 39 + "-", "0" * 64])
@example(["0" * 32, "0" * 40, "A" * 64])
def test_texts_that_are_no_digests(content: list[str]) -> None:
    """The parent looks digests up, and must not trip over what a worker calls one."""
    with pytest.raises(NonsenseError):
        said(Digests, ["Digests", *content])


@given(some.binary())
def test_bytes_that_are_no_message(message: bytes) -> None:
    with pytest.raises(NonsenseError):
        unpack(message)


@given(some.data())
def test_a_field_that_is_changed(data: some.DataObject) -> None:
    """Either still of its type, or refused."""
    content = json.loads(pack("result", WHOLE))[1]
    place = data.draw(some.integers(0, len(content) - 1))
    content[place] = data.draw(anything)
    try:
        made = said(Fingerprint, content)
    except NonsenseError:
        return
    assert isinstance(made, Fingerprint)
    assert made.kind in (None, "image", "video")
    assert type(made.size) is int and -(1 << 63) <= made.size < 1 << 63
    assert all(isinstance(each, Hash) and isinstance(each.bits, bytes) for each in made.hashes)
    made.decoder.encode()


@given(some.data())
def test_bytes_that_are_changed(data: some.DataObject) -> None:
    """Of a message that was whole: some are changed, left out or repeated."""
    message = bytearray(pack("result", WHOLE))
    for _change in range(data.draw(some.integers(1, 4))):
        start = data.draw(some.integers(0, len(message) - 1))
        end = data.draw(some.integers(start, min(len(message), start + 9)))
        message[start:end] = data.draw(some.binary(max_size=9) | some.just(bytes(message[start:end] * 2)))
    try:
        made = read(Fingerprint, unpack(bytes(message))[1])
    except NonsenseError:
        return
    assert isinstance(made, Fingerprint) and through(Fingerprint, made) == made


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, np.float32("nan"), lambda: None, {1, 2}, {"a": 1}, Quick, "\ud800"]
)
def test_what_cannot_be_said(value: Any) -> None:
    for content in (value, (1, value), Quick(value)):
        with pytest.raises((TypeError, ValueError)):
            pack("result", content)


@pytest.mark.slow
@pytest.mark.parametrize("part", [b"[],", b"{},", b'"ab",', b"1.5,", b'["Hash"],', b"[[[", b'{"a":'])
def test_memory_of_a_message_that_is_nonsense(part: bytes, in_child: Callable[..., Any]) -> None:
    """What is not expected takes no memory, however much there is of it; as lists it took twenty times its length."""

    def peak() -> int:
        import resource

        start = b'["result",["Fingerprint",null,1,null,null,null,null,true,['
        for message in (start + part * (LONGEST // len(part)), start + part * (LONGEST // len(part)) + b"0]]]"):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with pytest.raises(NonsenseError):
                read(Fingerprint, unpack(message)[1])
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10

    assert in_child(peak) < LONGEST // 2

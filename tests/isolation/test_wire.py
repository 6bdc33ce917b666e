"""What goes through the wire comes out as it was, and nothing else comes out at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from hashmatch.isolation.wire import NonsenseError, pack, read, unpack
from hashmatch.messages import Message
from hashmatch.records import Digests, Failure, Fingerprint, Hash

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


plain = some.none() | some.booleans() | some.integers() | some.floats() | some.text(some.characters())
anything = some.recursive(plain, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))


@given(anything)
def test_nothing_else_is_taken_for_a_record(content: Any) -> None:
    for expected in (Fingerprint, Digests, Hash):
        with pytest.raises(NonsenseError):
            read(expected, content)


@given(some.lists(some.text(some.sampled_from("0aAfgx-_ ٣"), min_size=32, max_size=64), min_size=3, max_size=3))
@example(["0" * 31 + "g", "0" * 40, "0" * 64])
@example(["0" * 32, "0" * 39 + "-", "0" * 64])
@example(["0" * 32, "0" * 40, "A" * 64])
def test_texts_that_are_no_digests(content: list[str]) -> None:
    """The parent looks digests up, and must not trip over what a worker calls one."""
    with pytest.raises(NonsenseError):
        read(Digests, content)


@given(some.binary())
def test_bytes_that_are_no_message(message: bytes) -> None:
    try:
        unpack(message)
    except NonsenseError:
        return
    raise AssertionError(message)


@given(some.data())
def test_a_field_that_is_changed(data: some.DataObject) -> None:
    """Either still of its type, or refused."""
    _kind, content = unpack(pack("result", WHOLE))
    place = data.draw(some.integers(0, len(content) - 1))
    content[place] = data.draw(anything)
    try:
        made = read(Fingerprint, content)
    except NonsenseError:
        return
    assert isinstance(made, Fingerprint)
    assert made.kind in (None, "image", "video")
    assert type(made.size) is int and abs(made.size) < 1 << 63
    assert all(isinstance(each, Hash) and isinstance(each.bits, bytes) for each in made.hashes)
    made.decoder.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), lambda: None, {1, 2}])
def test_what_cannot_be_said(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        pack("result", value)

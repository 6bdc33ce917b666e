"""Records cut out of documents, compared with the standard library, and hostile documents."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import json_reading, json_text
from hashmatch.exchange.fields import LineError
from hashmatch.exchange.json_reading import JsonPath, placed_records, records
from hashmatch.records import BadLine

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)


class Trickle(BytesIO):
    """Returns one byte at a time, however many are requested."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


def good(stream: BinaryIO, *paths: JsonPath) -> list[dict[str, object]]:
    found = list(records(stream, *paths))
    assert not [row for row in found if isinstance(row, BadLine)]
    rows = [row for row in found if isinstance(row, tuple)]
    assert [number for number, _record in rows] == list(range(1, len(rows) + 1))
    return [record for _number, record in rows]


def bad(data: bytes, *paths: JsonPath) -> dict[int, str]:
    return {row.line: row.message for row in records(BytesIO(data), *paths) if isinstance(row, BadLine)}


@given(listed=st.lists(objects, max_size=4), around=objects, indent=st.none() | st.integers(0, 2), ascii=st.booleans())
def test_records_are_what_the_standard_library_reads(
    listed: list[dict[str, Any]], around: dict[str, Any], indent: int | None, ascii: bool
) -> None:
    document = {**around, "data": [*listed, 7, "text", [{}]], "after": {"data": [{"no": 1}]}}
    data = json.dumps(document, indent=indent, ensure_ascii=ascii).encode()
    for stream in (BytesIO(data), Trickle(data), BytesIO(b"\xef\xbb\xbf" + data)):
        assert good(stream, ("data", "*")) == listed
    assert good(BytesIO(json.dumps(listed, indent=indent).encode()), ("*",)) == listed
    assert good(BytesIO(data), ()) == [document]


def test_several_places() -> None:
    data = b'{"images": {"image": [{"a": 1}], "other": [{}]}, "videos": {"image": {"b": 2}}}'
    places = ("images", "image", "*"), ("videos", "image")
    assert good(BytesIO(data), *places) == [{"a": 1}, {"b": 2}]


def test_places_are_told_and_what_leads_to_none_is_passed_over() -> None:
    data = b'{"no": [{"b": [1, "]}\\"", {"data": [{}]}]}], "a": {"b": {"x": 1}}, "b": [{"x": 2}, {"y": {"b": {}}}]}'
    places = ("a", "b"), ("b", "*")
    assert list(placed_records(BytesIO(data), *places)) == [
        (1, {"x": 1}, ("a", "b")),
        (2, {"x": 2}, ("b", "*")),
        (3, {"y": {"b": {}}}, ("b", "*")),
    ]
    assert bad(b'{"no": [{"b": 1', *places) == {1: "the list breaks off here"}
    assert bad(b'{"no": ' + b"[" * 1_000_000, *places) == {1: "nested more than 100 deep"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "one object has the key 'c' twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8"),
        (b'{"a": b}', "not valid JSON"),
    ],
)
def test_a_bad_record_costs_itself_only(record: bytes, reason: str) -> None:
    rows = list(records(BytesIO(b'[{"x": 1}, ' + record + b', {"x": 3}]'), ("*",)))
    assert rows[0] == (1, {"x": 1}) and rows[2] == (3, {"x": 3}) and len(rows) == 3
    assert isinstance(rows[1], BadLine) and rows[1].line == 2 and reason in rows[1].message


def test_a_document_that_breaks_off() -> None:
    assert bad(b'[{"x": 1}, {"x": ', ("*",)) == {2: "the list breaks off here"}
    assert bad(b'[{"x": 1}, ', ("*",)) == {2: "the list breaks off here"}
    assert bad(b'[{"x": 1}, {"x": "', ("*",)) == {2: "the list breaks off here"}
    assert bad(b"", ("*",)) == bad(b"[]", ("*",)) == bad(b"}]]", ("*",)) == {}


def test_nesting_outside_of_records_is_bounded() -> None:
    assert bad(b"[" * 1_000_000, ("data", "*")) == {1: "nested more than 100 deep"}


class Endless:
    """A document that never ends after its first bytes."""

    def __init__(self, start: bytes, more: bytes) -> None:
        self._start, self._more = start, more
        self.given = 0

    def read(self, size: int) -> bytes:
        start, self._start = self._start, b""
        self.given += size
        assert self.given < 1 << 24
        return start or self._more * (size // len(self._more) or 1)


@pytest.mark.parametrize("start", [b'["', b'[{"a": "', b"[", b'[{"a": 1'])
def test_what_never_ends_does_not_fill_the_memory(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_reading, json_text):
        monkeypatch.setattr(module, "LINE_MAX", 1 << 20)
    tracemalloc.start()
    try:
        rows: Iterator[Any] = records(Endless(start, b"1"), ("*",))  # type: ignore[arg-type]
        assert "longer than" in next(rows).message
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_a_record_that_is_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_reading, json_text):
        monkeypatch.setattr(module, "LINE_MAX", 1 << 20)
    data = b'[{"a": [' + b'"0123456789",' * 100_000 + b'""]}, {"x": 2}]'
    first, second = records(BytesIO(data), ("*",))
    assert isinstance(first, BadLine) and "longer than" in first.message
    assert second == (2, {"x": 2})


def test_a_key_twice_among_very_many_is_found_at_once() -> None:
    """Squared, this takes an hour."""
    text = "{" + "".join(f'"{number}":1,' for number in range(300_000)) + '"z":1,"z":2}'
    with pytest.raises(LineError, match="'z' twice"):
        json_reading.parse_object(text)


def test_damage_everywhere_takes_no_longer_for_a_longer_rest() -> None:
    """The next line is looked for once, and not once for each of the damaged places: squared, this takes minutes."""
    damaged = b'{"type":"x",' * 11_000
    found = bad(damaged + b" " * 20_000_000 + b"\n", ("*",))
    assert "more than 10000 places" in list(found.values())[-1]


def test_each_line_after_damage_is_found_once() -> None:
    good_line = b'{"a":{"b":1}}\n'
    data = b'{"a":{"b":0}}\n{"a":{"b":}\n' + good_line * 2 + b'{"a"{\n{"a":[\n' + good_line
    read = [row[1] for row in records(BytesIO(data), ("a",)) if isinstance(row, tuple)]
    assert read == [{"b": 0}, {"b": 1}, {"b": 1}, {"b": 1}]

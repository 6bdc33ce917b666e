"""Reads JSON that may be hostile: single objects, and the records of a document too large to hold in memory.

A document is cut into records before anything is parsed. A bad record therefore costs only itself, and at most one
record is in memory.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NoReturn

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.numbered_lines import BOM, LINE_MAX
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: An object that was read, and one that is being built.
JsonObject = Mapping[str, object]
JsonDict = dict[str, object]

#: The most brackets and commas in one object. Without this limit, a parsed line of 64 MiB could take gigabytes.
_PARTS_MAX = 4_000_000
#: How deep containers may nest outside the records; inside them the parser has its own limit.
_DEPTH_MAX = 100
_ENDLESS = sys.maxsize
_CHUNK = 2**16

#: A string, complete or as far as it has been read, or a character of the document's structure.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}:,]', re.DOTALL)

#: Complete strings and other text up to the next bracket, if it has been read: one step through text we do not look at.
_STRETCH = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}]?)', re.DOTALL)

#: Where a document keeps its records: the keys from the top, with "*" for the items of an array.
JsonPath = tuple[str, ...]


def parse_object(text: str) -> dict[str, object]:
    """Parses one JSON object. Raises LineError for anything else, and for NaN and duplicate keys."""
    value = parse_value(text)
    if not isinstance(value, dict):
        raise LineError(_("not a JSON object: {value}").format(value=snippet(text)))
    return value


def parse_value(text: str) -> object:
    """Like `parse_object`, but accepts any JSON value."""
    if sum(map(text.count, "[{,")) > _PARTS_MAX:
        raise LineError(_("the line has more than {most} parts").format(most=_PARTS_MAX))
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError):  # ValueError also for integers with thousands of digits
        raise LineError(_("not valid JSON: {value}").format(value=snippet(text))) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise LineError(_("one object has the key {key} twice").format(key=snippet(twice)))
    return found


_decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_key_twice)


def records(stream: BinaryIO, *paths: JsonPath) -> Iterator[tuple[int, dict[str, object]] | BadLine]:
    """Yields the objects at these places of a document, each with its number (from 1), in document order.

    Anything outside the records is skipped unchecked. A bad record becomes a BadLine. If the document breaks off, a
    BadLine follows the last record.
    """
    for row in placed_records(stream, *paths):
        yield row if isinstance(row, BadLine) else row[:2]


def placed_records(stream: BinaryIO, *paths: JsonPath) -> Iterator[tuple[int, dict[str, object], JsonPath] | BadLine]:
    """Like `records`, but each record also comes with its place."""
    number, keys, last = 0, list[str](), b""
    text = _Text(stream)
    inner = frozenset(path[:length] for path in paths for length in range(len(path)))  # places that may contain records
    begun = False
    try:
        while token := text.token():
            if token[:1] == b'"':
                last = token
            elif token == b":" and keys:
                keys[-1] = _key(last)
            elif token in b"[{":
                place = tuple(keys)
                if token == b"{" and place in paths:
                    number, begun = number + 1, True
                    record = _record(number, text.container(token))
                    begun = False
                    yield record if isinstance(record, BadLine) else (number, record, place)
                elif place in inner:
                    keys.append("*" if token == b"[" else "")
                else:
                    text.pass_over(_DEPTH_MAX - len(keys))
            elif token in b"]}" and keys:
                keys.pop()
        if keys:
            yield BadLine(number + 1, _("the list breaks off here"))
    except LineError as refused:
        yield BadLine(number + (not begun), str(refused))


def _record(number: int, data: bytes | None) -> dict[str, object] | BadLine:
    if data is None:
        return BadLine(number, _("the record is longer than {limit} bytes").format(limit=LINE_MAX))
    try:
        return parse_object(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
    except LineError as refused:
        return BadLine(number, str(refused))


def _key(token: bytes) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return ""


class _Text:
    """A document's text, read as needed. Raises LineError where reading cannot continue."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer, self._position = b"", 0
        self._first = True

    def token(self) -> bytes:
        """The next string or character of the structure; empty at the end."""
        while True:
            found = _TOKEN.search(self._buffer, self._position)
            if found and (found[1] is None or found[1]):
                self._position = found.end()
                return found[0]
            if not self._more():
                return b""

    def container(self, opened: bytes) -> bytes | None:
        """The whole object whose opening bracket was the last token; None if it is too long to hold."""
        parts, size = [opened], 1
        for stretch in self._stretches(_ENDLESS):
            size += len(stretch)
            if size <= LINE_MAX:
                parts.append(stretch)
        return b"".join(parts) if size <= LINE_MAX else None

    def pass_over(self, depth_max: int) -> None:
        """Skips the rest of the container whose opening bracket was the last token."""
        for _stretch in self._stretches(depth_max):
            pass

    def _stretches(self, depth_max: int) -> Iterator[bytes]:
        depth, bare = 1, 0
        while depth:
            found = _STRETCH.match(self._buffer, self._position)
            assert found  # the pattern matches anything, even nothing
            self._position = found.end()
            yield found[0]
            bare = 0 if found[1] or b'"' in found[0] else bare + len(found[0])
            _check_length(bare)
            if found[1]:
                depth += 1 if found[1] in b"[{" else -1
                if depth > depth_max:
                    raise LineError(_("nested more than {most} deep").format(most=_DEPTH_MAX))
            elif not self._more():
                raise LineError(_("the list breaks off here"))

    def _more(self) -> bool:
        rest = self._buffer[self._position :]
        _check_length(len(rest))
        more = self._stream.read(max(_CHUNK, len(rest)))
        if self._first:
            more, self._first = more.removeprefix(BOM), False
        self._buffer, self._position = rest + more, 0
        return bool(more)


def _check_length(length: int) -> None:
    if length > LINE_MAX:
        raise LineError(_("a text is longer than {limit} bytes").format(limit=LINE_MAX))

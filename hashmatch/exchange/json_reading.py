"""JSON as an enemy may have written it: single objects, and the records of a document that is too large to hold.

A document is cut into its records before anything is parsed, so that a bad record costs itself only, and no more than one
is in memory.
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

#: An object as it was read, and one that is being made.
JsonObject = Mapping[str, object]
JsonDict = dict[str, object]

#: Brackets and commas in one object; beyond it a line of 64 MiB could take gigabytes once parsed.
_PARTS_MAX = 4_000_000
#: Containers within each other, outside of the records; within them the parser knows its own limit.
_DEPTH_MAX = 100
_ENDLESS = sys.maxsize
_CHUNK = 2**16

#: A string, whole or as far as it has been read, or what gives a document its structure.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}:,]', re.DOTALL)

#: Whole strings and what is none, up to the next bracket if it has been read: a step through what is not looked at.
_STRETCH = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}]?)', re.DOTALL)

#: Where the records of a document stand: keys from the top, with "*" for the items of an array.
JsonPath = tuple[str, ...]


def parse_object(text: str) -> dict[str, object]:
    """One JSON object. Raises LineError for anything else, and for what JSON leaves open: NaN, a key that stands twice."""
    value = parse_value(text)
    if not isinstance(value, dict):
        raise LineError(_("not a JSON object: {value}").format(value=snippet(text)))
    return value


def parse_value(text: str) -> object:
    """As `parse_object`, and anything else that JSON can say."""
    if sum(map(text.count, "[{,")) > _PARTS_MAX:
        raise LineError(_("the line has more than {most} parts").format(most=_PARTS_MAX))
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError):  # integers of thousands of digits, too
        raise LineError(_("not valid JSON: {value}").format(value=snippet(text))) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise LineError(_("the key {key} stands twice in one object").format(key=snippet(twice)))
    return found


_decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_key_twice)


def records(stream: BinaryIO, *paths: JsonPath) -> Iterator[tuple[int, dict[str, object]] | BadLine]:
    """The objects at these places of a document, each with its number (from 1), in the order of the document.

    What is in no record is passed over unchecked. A record that is no good is a BadLine; so is the end of a document
    that breaks off, after the last record.
    """
    for row in placed_records(stream, *paths):
        yield row if isinstance(row, BadLine) else row[:2]


def placed_records(stream: BinaryIO, *paths: JsonPath) -> Iterator[tuple[int, dict[str, object], JsonPath] | BadLine]:
    """As `records`, each with its place, too."""
    number, keys, last = 0, list[str](), b""
    text = _Text(stream)
    inner = frozenset(path[:length] for path in paths for length in range(len(path)))  # where records may be within
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
    """A document's text, read as it is needed. Raises LineError where it cannot go on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer, self._position = b"", 0
        self._first = True

    def token(self) -> bytes:
        """The next string or sign of structure; empty at the end."""
        while True:
            found = _TOKEN.search(self._buffer, self._position)
            if found and (found[1] is None or found[1]):
                self._position = found.end()
                return found[0]
            if not self._more():
                return b""

    def container(self, opened: bytes) -> bytes | None:
        """All of the object whose first bracket was the last token; None if it is too long to be held."""
        parts, size = [opened], 1
        for stretch in self._stretches(_ENDLESS):
            size += len(stretch)
            if size <= LINE_MAX:
                parts.append(stretch)
        return b"".join(parts) if size <= LINE_MAX else None

    def pass_over(self, depth_max: int) -> None:
        """Goes on behind the end of the container whose first bracket was the last token."""
        for _stretch in self._stretches(depth_max):
            pass

    def _stretches(self, depth_max: int) -> Iterator[bytes]:
        depth, bare = 1, 0
        while depth:
            found = _STRETCH.match(self._buffer, self._position)
            assert found  # it matches anything
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

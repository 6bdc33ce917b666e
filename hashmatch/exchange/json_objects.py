"""JSON as an enemy may have written it: single objects, and the records of a document that is too large to hold.

A document is cut into its records before anything is parsed, so that a bad record costs itself only, and no more than one
is in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.lines import BOM, LINE_MAX
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: Brackets and commas in one object; beyond it a line of 64 MiB could take gigabytes once parsed.
_PARTS_MAX = 4_000_000
#: Containers within each other, outside of the records.
_DEPTH_MAX = 100
_CHUNK = 2**16

#: A string, whole or as far as it has been read, or what gives a document its structure.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}:,]', re.DOTALL)

#: Within a record: all up to the next bracket, over whole strings.
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+[\[\]{}]', re.DOTALL)

#: Where the records of a document stand: keys from the top, with "*" for the items of an array.
Path = tuple[str, ...]


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


def records(stream: BinaryIO, *paths: Path) -> Iterator[tuple[int, dict[str, object]] | BadLine]:
    """The objects at these places of a document, each with its number (from 1), in the order of the document.

    What is in no record is passed over unchecked. A record that is no good is a BadLine; so is the end of a document
    that breaks off, after the last record.
    """
    number, keys, last = 0, list[str](), b""
    begun, depth, parts = -1, 0, list[bytes]()  # of the record that is being read: keys when it began
    size = 0
    tokens = _Tokens(stream)
    for token, text in tokens:
        if not token:
            yield BadLine(number + (begun < 0), _("a text is longer than {limit} bytes").format(limit=LINE_MAX))
            return
        if begun >= 0:
            size += len(text)
            if size <= LINE_MAX:
                parts.append(text)
            depth += (token in b"[{") - (token in b"]}")
            if depth:
                continue
            begun, tokens.inside = -1, False
            yield _record(number, b"".join(parts) if size <= LINE_MAX else None)
            continue
        if token[:1] == b'"':
            last = token
        elif token == b":" and keys:
            keys[-1] = _key(last)
        elif token == b"{" and tuple(keys) in paths:
            number += 1
            begun, depth, parts, size = len(keys), 1, [token], 1
            tokens.inside = True
        elif token in b"[{":
            keys.append("*" if token == b"[" else "")
        elif token in b"]}" and keys:
            keys.pop()
        if len(keys) > _DEPTH_MAX:
            yield BadLine(number + 1, _("nested more than {most} deep").format(most=_DEPTH_MAX))
            return
    if begun >= 0 or keys:
        number += begun < 0
        yield BadLine(number, _("the list breaks off here"))


def _record(number: int, data: bytes | None) -> tuple[int, dict[str, object]] | BadLine:
    if data is None:
        return BadLine(number, _("the record is longer than {limit} bytes").format(limit=LINE_MAX))
    try:
        return number, parse_object(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
    except LineError as refused:
        return BadLine(number, str(refused))


def _key(token: bytes) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return ""


class _Tokens:
    """Each token, and all that stands since the one before it. The last one is empty where a string never ends.

    inside: only brackets are wanted from here on, which takes a fifth of the time.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.inside = False
        self._stream = stream

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        buffer, position, done = b"", 0, 0
        first, ended = True, False
        while True:
            if self.inside:
                found = _INSIDE.match(buffer, position)
                token = buffer[found.end() - 1 : found.end()] if found else b""
            else:
                found = _TOKEN.search(buffer, position)
                token = found[0] if found and (found[1] is None or found[1]) else b""
            if found and token:
                position = found.end()
                yield token, buffer[done:position]
                done = position
                continue
            if ended:
                return
            # What is between tokens is kept for a record that has it (numbers, words), as long as it is no longer than one.
            if not self.inside:
                position = found.start() if found else len(buffer)
            buffer, position, done = buffer[done:], position - done, 0
            if len(buffer) > LINE_MAX:
                yield b"", b""
                return
            more = self._stream.read(max(_CHUNK, len(buffer)))
            if first:
                more, first = more.removeprefix(BOM), False
            ended = not more
            buffer += more

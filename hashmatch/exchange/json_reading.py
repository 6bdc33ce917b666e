"""Reads JSON that may be hostile: single objects, and the records of a document too large to hold in memory.

A document is cut into records before anything is parsed. A bad record therefore costs only itself, and at most one
record is in memory. Where brackets or quotes do not match, reading goes on with the next line that begins with a bracket:
of lists with one object a line, and of several documents joined, everything else is read.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
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
#: In how many places a document may be damaged before we stop reading it.
_DAMAGES_MAX = 10_000
_ENDLESS = sys.maxsize
_CHUNK = 2**16
#: How far we look into an object for its keys.
_KEYS_WITHIN = _CHUNK

#: A string, complete or as far as it has been read (it ends with its line), a character of the structure, or a number,
#: true, false or null.
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+("?)|[\[\]{}:,]|[^\s"\[\]{}:,]++')

#: Complete strings and other text up to the next bracket, if it has been read: one step through text we do not look at.
_STRETCH = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\\n]++|\\[^\n])*+")*+([\[\]{}]?)')
#: A string that its line ends before it does.
_TORN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+\\?\n')
#: The next line that may begin a document.
_NEXT = re.compile(rb"\n(?=[ \t]*[{\[])")

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

    Anything outside the records is skipped unchecked. A bad record becomes a BadLine, and so does a place where brackets
    or quotes do not match. If the document breaks off, a BadLine follows the last record.
    """
    for row in placed_records(stream, *paths):
        yield row if isinstance(row, BadLine) else row[:2]


#: Whether an object that could contain records is a record itself, by its place and its keys (some may be out of sight).
IsRecord = Callable[[JsonPath, Collection[str]], bool]


def _always(_place: JsonPath, _keys: Collection[str]) -> bool:
    return True


def placed_records(
    stream: BinaryIO, *paths: JsonPath, is_record: IsRecord = _always, told: Collection[JsonPath] = ()
) -> Iterator[tuple[int, dict[str, object], JsonPath] | BadLine]:
    """Like `records`, but each record also comes with its place.

    is_record: decides about an object at a place that could also contain records.
    told: places that are told too, with the number of the record before: of a text, number or truth value as {its key:
        it}, and of a container that may contain records as an empty object when it begins.
    """
    walk = _Walk(paths, told)
    text = _Text(stream)
    for _damage in range(_DAMAGES_MAX):
        try:
            yield from walk.through(text, is_record)
            return
        except _DamageError:
            yield walk.refuse(
                _("brackets or quotes do not match here: skipped up to the next line that begins with one")
            )
        except LineError as refused:
            yield walk.refuse(str(refused))
            return
        walk.leave()
        if not text.next_document():
            return
    yield walk.refuse(_("damaged in more than {most} places: the rest is not read").format(most=_DAMAGES_MAX))


class _Walk:
    """The way through a document: the keys to where we are ("*" in an array), and how many records came before."""

    def __init__(self, paths: Collection[JsonPath], told: Collection[JsonPath]) -> None:
        self.keys = list[str]()
        self._open = bytearray()  # the brackets that are open
        self._paths = frozenset(paths)
        self._told = frozenset(told)
        #: Places that may contain records.
        self._inner = frozenset(path[:length] for path in (*paths, *told) for length in range(len(path)))
        self._number = 0
        self._begun = False

    def leave(self) -> None:
        """Forgets where we are, since a new document begins."""
        self.keys.clear()
        self._open.clear()

    def refuse(self, message: str) -> BadLine:
        self._number += not self._begun
        self._begun = False
        return BadLine(self._number, message)

    def through(self, text: _Text, is_record: IsRecord) -> Iterator[tuple[int, dict[str, object], JsonPath] | BadLine]:
        """Yields everything up to the end of the text. Raises _DamageError and LineError."""
        keys, last, before = self.keys, b"", b""
        while token := text.token():
            match token:
                case b"{" | b"[":
                    place = tuple(keys)
                    if self._open[-1:] == b"{" and before != b":":
                        raise text.damage(token)
                    if token == b"{" and self._is_record(place, text, is_record):
                        yield self._record(text, place)
                        token = b"}"
                    elif place in self._inner:
                        if place in self._told:
                            yield self._number, {}, place
                        keys.append("*" if token == b"[" else "")
                        self._open += token
                    else:
                        text.pass_over(token, _DEPTH_MAX - len(keys))
                        token = b"}"
                case b"]" | b"}" if keys:
                    keys.pop()
                    if (token == b"]") != (self._open.pop() == ord("[")):
                        raise text.damage(token)
                case b":":
                    if self._open[-1:] == b"{":
                        keys[-1] = _key(last)
                case b"," | b"]" | b"}":
                    pass
                case _:
                    last = token
                    if keys and (place := tuple(keys)) in self._told and (before == b":" or self._open[-1:] == b"["):
                        yield self._number, {keys[-1]: _scalar(token)}, place
            before = token
        if keys:
            raise LineError(_("the list breaks off here"))

    def _is_record(self, place: JsonPath, text: _Text, is_record: IsRecord) -> bool:
        return place in self._paths and (place not in self._inner or is_record(place, text.keys()))

    def _record(self, text: _Text, place: JsonPath) -> tuple[int, dict[str, object], JsonPath] | BadLine:
        self._number, self._begun = self._number + 1, True
        record = _record(self._number, text.container())
        self._begun = False
        return record if isinstance(record, BadLine) else (self._number, record, place)


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
    return str(_scalar(token) or "")


def _scalar(token: bytes) -> object:
    try:
        return json.loads(token)
    except ValueError:
        return None


class _DamageError(Exception):
    """Brackets or quotes do not match, so nobody can say where in the document we are."""


class _Text:
    """A document's text, read as needed. Raises LineError where reading cannot continue, and _DamageError."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer, self._position = b"", 0
        self._first = True

    def token(self) -> bytes:
        """The next string, bare word or character of the structure; empty at the end."""
        while True:
            found = _TOKEN.search(self._buffer, self._position)
            if found and (found[1] or found[0] in _STRUCTURE or (found[1] is None and found.end() < len(self._buffer))):
                self._position = found.end()
                return found[0]
            if found and found[1] is not None:
                self._check_string(found.start())
            if not self._more():
                if found and found[1] is None:
                    self._position += len(found[0])
                    return found[0]
                return b""

    def damage(self, token: bytes) -> _DamageError:
        """What to raise if the last token is out of place. Reading goes on before it."""
        self._position -= len(token)
        while self._position and self._buffer[self._position - 1 : self._position].isspace():
            self._position -= 1
        return _DamageError()

    def next_document(self) -> bool:
        """Skips to the next line that may begin a document. Returns whether there is one."""
        while not (found := _NEXT.search(self._buffer, self._position)):
            line = self._buffer.rfind(b"\n", self._position)
            self._position = line if line >= 0 and len(self._buffer) - line < _CHUNK else len(self._buffer)
            if not self._more():
                return False
        self._position = found.end()
        return True

    def keys(self) -> set[str]:
        """The keys of the object whose opening bracket was the last token, as far as they are within its first 64 KiB."""
        while True:
            found, complete = _keys(self._buffer, self._position)
            if complete or len(self._buffer) - self._position > _KEYS_WITHIN or not self._more():
                return found

    def container(self) -> bytes | None:
        """The whole object whose opening bracket was the last token; None if it is too long to hold."""
        parts, size = [b"{"], 1
        for stretch in self._stretches(b"{", _ENDLESS):
            size += len(stretch)
            if size <= LINE_MAX:
                parts.append(stretch)
        return b"".join(parts) if size <= LINE_MAX else None

    def pass_over(self, opened: bytes, depth_max: int) -> None:
        """Skips the rest of the container whose opening bracket was the last token."""
        for _stretch in self._stretches(opened, depth_max):
            pass

    def _stretches(self, opened: bytes, depth_max: int) -> Iterator[bytes]:
        open, bare, before = bytearray(opened), 0, opened
        while open:
            found = _STRETCH.match(self._buffer, self._position)
            assert found  # the pattern matches anything, even nothing
            self._position = found.end()
            stretch, bracket = found[0], found[1]
            before = stretch[: len(stretch) - len(bracket)].rstrip()[-1:] or before
            if bracket and not _fits(bracket, open, before):
                raise self.damage(bracket)
            yield stretch
            bare = 0 if bracket or b'"' in stretch else bare + len(stretch)
            _check_length(bare)
            if bracket in (b"[", b"{"):
                open += bracket
                if len(open) > depth_max:
                    raise LineError(_("nested more than {most} deep").format(most=_DEPTH_MAX))
            elif bracket:
                open.pop()
            else:
                self._check_string(self._position)
                if not self._more():
                    raise LineError(_("the list breaks off here"))
            before = bracket or before

    def _check_string(self, start: int) -> None:
        """Raises _DamageError if a string begins here that its line ends before it does."""
        if _TORN.match(self._buffer, start):
            self._position = start
            raise _DamageError

    def _more(self) -> bool:
        rest = self._buffer[self._position :]
        _check_length(len(rest))
        more = self._stream.read(max(_CHUNK, len(rest)))
        if self._first:
            more, self._first = more.removeprefix(BOM), False
        self._buffer, self._position = rest + more, 0
        return bool(more)


_STRUCTURE = frozenset((b"[", b"]", b"{", b"}", b":", b","))


def _fits(bracket: bytes, open: bytearray, before: bytes) -> bool:
    """Whether a bracket may stand in the innermost open container after this character."""
    inside = open[-1:]
    if bracket in b"[{":
        return before == b":" if inside == b"{" else before in (b"[", b",")
    return bracket == (b"}" if inside == b"{" else b"]")


def _keys(data: bytes, start: int) -> tuple[set[str], bool]:
    """The keys of the object that begins before `start`, and whether there are no more: it ends, or is damaged."""
    found, open, last = set[str](), bytearray(b"{"), b"{"
    for token in _TOKEN.finditer(data, start):
        value = token[0]
        if token[1] == b"":  # a string that does not end here
            return found, token.end() < len(data)
        if value in (b"{", b"[", b"}", b"]"):
            if not _fits(value, open, last[-1:]):
                return found, True
            if value in (b"{", b"["):
                open += value
            else:
                open.pop()
                if not open:
                    return found, True
        elif value == b":" and len(open) == 1:
            found.add(_key(last))
        last = value
    return found, False


def _check_length(length: int) -> None:
    if length > LINE_MAX:
        raise LineError(_("a text is longer than {limit} bytes").format(limit=LINE_MAX))

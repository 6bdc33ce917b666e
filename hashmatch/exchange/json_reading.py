"""Reads JSON that may be hostile: single objects, and the records of a document too large to hold in memory.

A document is cut into records before anything is parsed. A bad record therefore costs only itself, and at most one
record is in memory. Where brackets or quotes do not match, or a document breaks off, reading goes on with whatever comes
first: the next line that begins with a bracket, or what begins like the first document. So of lists with one object a line,
and of several documents joined, everything else is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO, NoReturn

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.json_text import DEPTH_MAX, DamageError, JsonText, key_of, scalar
from hashmatch.exchange.numbered_lines import LINE_MAX
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: An object that was read, and one that is being built.
JsonObject = Mapping[str, object]
JsonDict = dict[str, object]

#: The most brackets and commas in one object. Without this limit, a parsed line of 64 MiB could take gigabytes.
_PARTS_MAX = 4_000_000
#: In how many places a document may be damaged before we stop reading it.
_DAMAGES_MAX = 10_000
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
        seen = set[str]()
        twice = next(key for key, _value in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
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
    text = JsonText(stream)
    for _damage in range(_DAMAGES_MAX):
        try:
            yield from walk.through(text, is_record)
            return
        except DamageError:
            yield walk.refuse(
                _("brackets or quotes do not match here: skipped up to the next line that begins with one")
            )
            has_more = True
        except LineError as refused:
            yield walk.refuse(str(refused))
            has_more = False
        walk.leave()
        if not text.next_document(walk.sound, has_more):
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
        #: First keys of the places of records.
        self._heads = frozenset(path[0] for path in paths if path)
        #: Up to here in the stream, all is well: the end of the last record, or the last bracket that began anything.
        self.sound = 0

    def leave(self) -> None:
        """Forgets where we are, since a new document begins."""
        self.keys.clear()
        self._open.clear()

    def refuse(self, message: str) -> BadLine:
        self._number += not self._begun
        self._begun = False
        return BadLine(self._number, message)

    def through(
        self, text: JsonText, is_record: IsRecord
    ) -> Iterator[tuple[int, dict[str, object], JsonPath] | BadLine]:
        """Yields everything up to the end of the text. Raises DamageError and LineError."""
        keys, last, before = self.keys, b"", b""
        while token := text.token():
            match token:
                case b"{" | b"[":
                    place = tuple(keys)
                    if not keys:
                        self.sound = text.place
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
                        text.pass_over(token, DEPTH_MAX - len(keys))
                        token = b"}"
                case b"]" | b"}" if keys:
                    keys.pop()
                    if (token == b"]") != (self._open.pop() == ord("[")):
                        raise text.damage(token)
                case b":":
                    if self._open[-1:] == b"{":
                        keys[-1] = key_of(last)
                case b"," | b"]" | b"}":
                    pass
                case _:
                    last = token
                    if keys and (place := tuple(keys)) in self._told and (before == b":" or self._open[-1:] == b"["):
                        yield self._number, {keys[-1]: scalar(token)}, place
            before = token
        if keys:
            raise LineError(_("the list breaks off here"))

    def _is_record(self, place: JsonPath, text: JsonText, is_record: IsRecord) -> bool:
        return place in self._paths and (place not in self._inner or is_record(place, text.keys()))

    def _record(self, text: JsonText, place: JsonPath) -> tuple[int, dict[str, object], JsonPath] | BadLine:
        self._number, self._begun = self._number + 1, True
        self.sound = begin = text.place
        data = text.container()
        record = _record(self._number, data)
        if data is not None and place and self._is_document(record, data, text):
            self.sound = begin - 1
            raise DamageError
        self._begun = False
        self.sound = text.place
        if data is not None and not isinstance(record, BadLine):
            text.learn(data)
        return record if isinstance(record, BadLine) else (self._number, record, place)

    def _is_document(self, record: dict[str, object] | BadLine, data: bytes, text: JsonText) -> bool:
        """Whether this is no record: another document begins here, or within, since the last one broke off."""
        if isinstance(record, BadLine):
            return text.document_in(data, 1) > 0
        return any(isinstance(record.get(head), list) for head in self._heads) and text.document_in(data, 0) == 0


def _record(number: int, data: bytes | None) -> dict[str, object] | BadLine:
    if data is None:
        return BadLine(number, _("the record is longer than {limit} bytes").format(limit=LINE_MAX))
    try:
        return parse_object(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
    except LineError as refused:
        return BadLine(number, str(refused))

"""The `json` format, read only: hashes in JSON of any other program.

    [{"md5": "78bb…", "sha1": "8d15…"}]             {"hashes": ["3a7f…"]}
    {"hash": "3a7f…", "quality": 100}               one object per line, or a single one

Entries are objects, or bare digests and hashes, in an array: the document itself, or the value of one of its keys. Keys
are called as `named_fields` knows them. Entries of a document are counted, since it has no lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO, cast

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats.named_fields import IDENTIFYING, UNSEARCHABLE, field_of, item_of_fields
from hashmatch.exchange.formats.partners import nothing_found
from hashmatch.exchange.json_reading import JsonPath, parse_object, parse_value, records
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import BOM, LINE_MAX, numbered_text, sample
from hashmatch.exchange.pdq_or_sha256 import DIGITS, beside, judged
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark

_Entry = tuple[int, dict[str, object]] | BadLine

#: How much of a document is looked at to find where its entries are, and how many entries to tell PDQ from SHA-256.
_HEAD, _ENTRIES_AHEAD = 65_536, 100

# The length of a key is limited, so that a text of nothing but quotes takes no time.
_KEY = rb'"((?:[^"\\]|\\.){0,64}+)"\s*+:\s*+'
_ARRAY = re.compile(rb"\s*\[\s*([\[{\"]|\Z)")
_INSIDE = re.compile(_KEY + rb'\[\s*(\{|"[0-9A-Fa-f]{16})')
_TEXT = re.compile(_KEY + rb'"([0-9A-Fa-f]{32,128})"')


def read(stream: BinaryIO) -> Iterator[ListRow]:
    rest = _entries(stream)
    ahead = list(islice(rest, _ENTRIES_AHEAD))
    values, has_quality = _unnamed(entry[1] for entry in ahead if isinstance(entry, tuple))
    judgement = judged(values, beside("quality" if has_quality else "bare"))
    if values and (doubt := judgement.doubt()):
        yield LineRemark(1, doubt)
    meaning = judgement.taken_for
    empty = True
    for entry in chain(ahead, rest):
        empty = False
        if isinstance(entry, BadLine):
            yield entry
            continue
        try:
            yield entry[0], item_of_fields(_texts(entry[1]), meaning)
        except LineError as refused:
            yield BadLine(entry[0], str(refused))
    if empty:
        yield nothing_found()


def _entries(stream: BinaryIO) -> Iterator[_Entry]:
    head = stream.read(_HEAD)
    start = head.removeprefix(BOM)
    whole = cast(BinaryIO, _Joined(head, stream))
    if _has_objects_by_line(start):
        yield from _lines(whole)
        return
    place = _place(start)
    if place is None:
        yield from _bare_entries(whole)
    else:
        yield from records(whole, place)


def _has_objects_by_line(head: bytes) -> bool:
    """Whether one of the first lines is a whole entry. The lines before it may be damaged."""
    return head.lstrip().startswith(b"{") and b"\n" in head and any(map(_is_entry, sample(head, 5)))


def _is_entry(line: bytes) -> bool:
    try:
        return _names_itself(line) and bool(parse_object(line.decode("utf-8")))
    except (LineError, UnicodeDecodeError):
        return False


def _lines(stream: BinaryIO) -> Iterator[_Entry]:
    for line in numbered_text(stream):
        if isinstance(line, BadLine):
            yield line
        elif line[1].strip():
            try:
                yield line[0], parse_object(line[1])
            except LineError as refused:
                yield BadLine(line[0], str(refused))


def _place(head: bytes) -> JsonPath | None:
    """Where a document has its entries, if they are objects; None if they are texts."""
    if array := _ARRAY.match(head):
        return ("*",) if array[1] == b"{" else None
    if (found := _INSIDE.search(head)) and not _names_itself(head[: found.start()]):
        return (found[1].decode("utf-8", "replace"), "*") if found[2] == b"{" else None
    return ()


def _names_itself(head: bytes) -> bool:
    """Whether an object has a digest or hash of its own, and so is an entry."""
    return any(field_of(key.decode("utf-8", "replace")) in IDENTIFYING for key, _value in _TEXT.findall(head))


def _bare_entries(stream: BinaryIO) -> Iterator[_Entry]:
    """The texts in an array, as entries that have nothing but a hash."""
    data = stream.read(LINE_MAX + 1)
    if len(data) > LINE_MAX:
        yield BadLine(1, _("the record is longer than {limit} bytes").format(limit=LINE_MAX))
        return
    try:
        value = parse_value(data.decode("utf-8-sig"))
    except (LineError, UnicodeDecodeError) as error:
        yield BadLine(1, str(error) if isinstance(error, LineError) else _("not valid UTF-8"))
        return
    arrays = {"hash": value} if isinstance(value, list) else value if isinstance(value, dict) else {}
    number = 0
    for key, array in arrays.items():
        field = field_of(key) or field_of(key.removesuffix("s")) or "hash"
        for each in array if isinstance(array, list) else ():
            number += 1
            if isinstance(each, str):
                yield number, {field if field in IDENTIFYING | UNSEARCHABLE else "hash": each}
            else:
                yield BadLine(number, _("not a digest or hash: {value}").format(value=snippet(each)))


def _texts(entry: dict[str, object]) -> dict[str, str]:
    """The values of an object by our fields; of nested ones only those of the key `hashes` and the like."""
    found: dict[str, str] = {}
    for key, value in entry.items():
        field = field_of(key)
        if field == "hash" and isinstance(value, dict):
            found |= {name: text for name, text in _texts(value).items() if name in IDENTIFYING | UNSEARCHABLE}
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            if field:
                found.setdefault(field, "|".join(map(str, value)))
        elif field and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            found.setdefault(field, str(value))
    return found


def _unnamed(entries: Iterable[dict[str, object]]) -> tuple[list[str], bool]:
    """Values of 64 digits that do not say what they are, and whether any has a quality beside it."""
    values, has_quality = [], False
    for texts in map(_texts, entries):
        value = texts.get("hash", "")
        if len(value) == DIGITS and "algorithm" not in texts and not value.strip("0123456789abcdefABCDEF"):
            values.append(value)
            has_quality |= "quality" in texts
    return values, has_quality


class _Joined:
    """A stream from which some bytes were read already, with these in front again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head)) if len(head) < size else head

    def readline(self, size: int) -> bytes:
        end = self._head.find(b"\n", 0, size) + 1 or min(size, len(self._head))
        head, self._head = self._head[:end], self._head[end:]
        return head if head.endswith(b"\n") or len(head) >= size else head + self._rest.readline(size - len(head))


def looks_like(head: bytes) -> bool:
    """Whether it is JSON in which a key that we know has a digest or hash, or an array of them."""
    start = head.removeprefix(BOM).lstrip()
    if not start.startswith((b"{", b"[")):
        return False
    if re.match(rb'\[\s*"[0-9A-Fa-f]{32,128}"', start):
        return True
    named = (key for key, _value in _TEXT.findall(start))
    listed = (found[1] for found in _INSIDE.finditer(start) if found[2] != b"{")
    wanted = IDENTIFYING | UNSEARCHABLE
    return any((field_of(key.decode("utf-8", "replace")) or "") in wanted for key in chain(named, listed))


FORMAT = Format(
    "json",
    frozenset({"md5", "sha1", "sha256", "pdq", "phash", "dhash", "quality", "size", "paths", "labels", "note", "tlp"}),
    None,
    read,
    looks_like,
)

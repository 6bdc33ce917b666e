"""The lines of a list on their way from the process that reads it: packed there, checked and unpacked here.

A message is MessagePack: what the list says of its entries, each thing once, and then the lines, each with the number of
what is said of it. Types and lengths are checked while a message is decoded, so memory is only taken for what fits.
"""

from __future__ import annotations

import array
import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec
from msgspec import Meta

from hashmatch import hashers
from hashmatch.i18n import _
from hashmatch.records import LONGEST_FILM, BadLine, Kind, LineRemark, ListItem, Opinion
from hashmatch.store.prepared_entries import identity_of
from hashmatch.store.references import PackedRow, packed_rows, raw

#: Items per batch, which is a transaction, so that a second writer waits for about a second; hashes, because films have
#: thousands each; and bytes, because texts may be long.
BATCH, BATCH_HASHES, BATCH_BYTES = 20_000, 200_000, 16 << 20
#: Bytes of one line as it is sent. A message is at most one such line and the batch before it.
_LONGEST_LINE = 40 << 20


class SaidOf(NamedTuple):
    """What a list says of an entry, apart from what identifies its file.

    item: without digests, size, duration, dimensions and hashes.
    carried: what identifies the file: names of digests and algorithms, with commas; "" for a withdrawal by `record` only.
    """

    item: ListItem
    carried: str


class ReadLine(NamedTuple):
    """An entry that was read, checked and packed as the database keeps it. Nothing is decided yet about how it is added.

    identity, columns, hashes: as in prepared_entries.ListEntry.
    said: the same object for entries that follow each other and of which the list says the same.
    remarks: what a person should know about it.
    """

    line: int
    identity: bytes
    columns: tuple[object, ...]
    hashes: tuple[PackedRow, ...]
    said: SaidOf
    remarks: tuple[str, ...]


ListLine = ReadLine | BadLine | LineRemark

_CORE = ("kind", "md5", "sha1", "sha256", "size", "duration", "width", "height", "hashes", "capitals")
#: The fields of an item that say something of it.
_SAID = tuple(each.name for each in fields(ListItem) if each.name not in _CORE)
_said_of = attrgetter(*_SAID)
_OPINIONS = _SAID.index("opinions")
_opinion_values = attrgetter(*(each.name for each in fields(Opinion)))
_encode = msgspec.msgpack.Encoder().encode


class PackedLines:
    """Packs lines into messages, in the process that reads."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._record: str | None = None
        self._said: list[msgspec.Raw] = []
        self._last: tuple[object, ...] | None = None
        self._lines: list[msgspec.Raw] = []
        self._hashes = self._bytes = 0

    def put(self, line: int, item: ListItem, problem: str, remarks: tuple[str, ...]) -> None:
        """Add an entry. problem: why it cannot be used; "" if it can. A withdrawal by its record needs nothing else."""
        if problem and not (item.record and item.retracted):
            self.put_remark(BadLine(line, problem))
            return
        self._record = item.record
        if problem:
            item = replace(item, md5=None, sha1=None, sha256=None, hashes=())
        digests = raw(item.sha256), raw(item.sha1), raw(item.md5)
        hashes = packed_rows(item.hashes)
        values = (*digests, item.kind, item.size, item.duration, item.width, item.height)
        said = (_carried(item, hashes), *_said_of(item))
        if said != self._last:
            self._last = said
            opinions = tuple(_opinion_values(each) for each in item.opinions)
            self._said.append(self._sized((*said[: _OPINIONS + 1], opinions, *said[_OPINIONS + 2 :])))
        entry = (identity_of(item), values, hashes)
        before = self._bytes
        packed = self._sized((line, len(self._said) - 1, entry, "", remarks))
        if self._bytes - before > _LONGEST_LINE:
            packed = self._sized((line, 0, None, _("the entry is too long"), ()))
        self._lines.append(packed)
        for row in hashes:
            self._hashes += row[3]

    def put_remark(self, row: BadLine | LineRemark) -> None:
        self._record = None
        told = (row.message, ()) if isinstance(row, BadLine) else ("", (row.message,))
        self._lines.append(self._sized((row.line, 0, None, *told)))

    def full(self, record: str | None) -> Iterator[bytes]:
        """A message, if there is enough for one. record: of the entry that comes next.

        The entries of one record stay together: once they are all known, what its older version named is withdrawn.
        """
        is_full = len(self._lines) >= BATCH or self._hashes >= BATCH_HASHES
        if self._bytes >= BATCH_BYTES or (is_full and (record is None or record != self._record)):
            yield from self.rest()

    def rest(self) -> Iterator[bytes]:
        """A message of what there is, if there is anything."""
        if self._lines:
            yield _encode((self._said, self._lines))
        self._begin()

    def _sized(self, value: object) -> msgspec.Raw:
        packed = _encode(value)
        self._bytes += len(packed)
        return msgspec.Raw(packed)


def _carried(item: ListItem, hashes: tuple[PackedRow, ...]) -> str:
    """What identifies a file in this entry: names of digests and algorithms, separated by commas. hashes: its own, which are
    in the order of their algorithms."""
    if not (item.md5 or item.sha1 or item.sha256) and len(hashes) == 1:
        return hashes[0][0]
    digests = [name for name in ("md5", "sha1", "sha256") if getattr(item, name)]
    return ",".join([*digests, *dict.fromkeys(row[0] for row in hashes)])


# What the other side checks. ---------------------------------------------------------------------------------------------

_Number = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Seconds = Annotated[float, Meta(ge=0, le=sys.float_info.max)]
_Text = Annotated[str, Meta(pattern=r"\A[^\0]*\Z")]
_Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z\Z")]
_DATES = {"added", "retracted", "changed", "expires", "at"}
_Name = Annotated[str, Meta(min_length=1, max_length=64)]


def _bytes(length: int) -> Any:
    return Annotated[bytes, Meta(min_length=length, max_length=length)]


def _tuple(*types: Any) -> Any:
    return tuple.__class_getitem__(types)


def _record(record: Any, names: Sequence[str], **others: Any) -> Any:
    """The tuple of some fields of a record, with texts and dates that are checked. others: the types of fields by name."""
    hints = get_type_hints(record)
    checked = {str: _Text, str | None: _Text | None, tuple[str, ...]: tuple[_Text, ...]}
    types = [_Date | None if name in _DATES else checked.get(hints[name], hints[name]) for name in names]
    for name, its_type in others.items():
        types[names.index(name)] = its_type
    return _tuple(*types)


@functools.cache
def _decoder() -> msgspec.msgpack.Decoder[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    row = _tuple(_Name, _Name, _Number | None, Annotated[int, Meta(ge=1)], bytes, bytes, bytes | None)
    digests = [_bytes(length) | None for length in (32, 20, 16)]
    columns = _tuple(*digests, Kind | None, _Number | None, _Seconds | None, _Number | None, _Number | None)
    entry = _tuple(_bytes(32), columns, _tuple(row, ...))
    line = _tuple(_Number, _Number, entry | None, _Text, tuple[_Text, ...])
    opinion = _record(Opinion, [each.name for each in fields(Opinion)])
    said = _record(ListItem, _SAID, opinions=_tuple(opinion, ...))
    expected = _tuple(_tuple(_tuple(_Text, *said.__args__), ...), _tuple(line, ...))
    return msgspec.msgpack.Decoder(expected)


def unpacked(message: bytes) -> list[ListLine]:
    """The lines of a message. Raises ValueError if it is none that PackedLines makes."""
    said_tuples, lines = _decoder().decode(message)
    said = [_said(carried, *values) for carried, *values in said_tuples]
    found: list[ListLine] = []
    for number, index, entry, problem, remarks in lines:
        if entry is not None:
            identity, columns, hashes = entry
            for row in hashes:
                _check_row(*row)
            if index >= len(said):
                raise ValueError(index)
            found.append(ReadLine(number, identity, columns, hashes, said[index], remarks))
        elif problem:
            found.append(BadLine(number, problem))
        else:
            found.append(LineRemark(number, "".join(remarks)))
    return found


def _said(carried: str, *values: Any) -> SaidOf:
    item = dict(zip(_SAID, values, strict=True))
    item["opinions"] = tuple(Opinion(*each) for each in item["opinions"])
    return SaidOf(ListItem(**item), carried)


def _check_row(
    algorithm: str, _view: str, _version: int | None, count: int, bits: bytes, quality: bytes, time: bytes | None
) -> None:
    """Raise ValueError unless a row holds as many hashes as it says, of a length that they can have."""
    width, rest = divmod(len(bits), count)
    if rest or len(quality) != count or not _is_width(algorithm, width):
        raise ValueError(algorithm)
    if time is not None:
        times = array.array("f", time)
        if len(times) != count or not (min(times) >= 0 and sum(times) <= count * LONGEST_FILM):
            raise ValueError(algorithm)


@functools.lru_cache(1024)
def _is_width(algorithm: str, width: int) -> bool:
    hasher = hashers.find(algorithm)
    return 8 <= width <= 512 if hasher is None else width == hasher.width

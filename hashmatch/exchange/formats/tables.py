"""The `table` format, read only: tables of hashes from any program, with a header row that names the columns.

Cells are separated by commas, tabs, semicolons or bars, and may be quoted as in RFC 4180. `named_fields` knows what the
columns are called; a person can name them too (`Format.with_columns`). Names of files may be of any encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import BinaryIO

from hashmatch.errors import CommandError
from hashmatch.exchange.csv_records import DELIMITERS, cells_of, records_of
from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats.named_fields import (
    FIELDS,
    IDENTIFYING,
    UNSEARCHABLE,
    field_of,
    item_of_fields,
    plain_name,
)
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import content, numbered_text, sample
from hashmatch.exchange.pdq_or_sha256 import DIGITS, Judgement, beside, judged
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark

#: How a person says what a column has.
_BY_COLUMN = {"pdq": "--column pdq=…", "sha256": "--column sha256=…"}
_NONE: Mapping[str, str] = {}
_Record = tuple[int, list[str]] | BadLine

#: How many rows are looked at to tell PDQ from SHA-256, and how many characters of them.
_ROWS_AHEAD, _TEXT_AHEAD = 100, 65_536


@dataclass(frozen=True, slots=True)
class _Header:
    """fields: our field for each column; None for those that mean nothing to us."""

    names: tuple[str, ...]
    fields: tuple[str | None, ...]

    @property
    def identifies(self) -> bool:
        return any(field in IDENTIFYING or field in UNSEARCHABLE for field in self.fields)


def _header_of(cells: list[str], columns: Mapping[str, str]) -> _Header:
    """columns: our field -> the name of a column, or its number, as a person gave them."""
    names = tuple(cell.strip() for cell in cells)
    fields = [None if columns and field in columns else field for field in map(field_of, names)]
    for at, field in enumerate(fields):
        if field in fields[:at]:  # the first column of a name counts
            fields[at] = None
    for field, column in columns.items():
        place = _place_of(column, names)
        if place is None:
            there = ", ".join(map(snippet, names[:20]))
            raise LineError(
                _("there is no column {column}; there are {there}").format(column=snippet(column), there=there)
            )
        fields[place] = field
    return _Header(names, tuple(fields))


def _place_of(column: str, names: tuple[str, ...]) -> int | None:
    """Where the column with this name is; else the one that is called alike, else the one with this number from 1."""
    for place, name in enumerate(names):
        if name == column:
            return place
    for place, name in enumerate(names):
        if plain_name(name) == plain_name(column):
            return place
    number = int(column) if column.isascii() and column.isdigit() and len(column) < 5 else 0
    return number - 1 if 1 <= number <= len(names) else None


def _is_header(cells: list[str], columns: Mapping[str, str]) -> bool:
    """Whether a row names the columns, rather than being the first entry of a table without a header."""
    if any(len(cell) >= 32 and _is_hex(cell.strip()) for cell in cells):
        return False
    try:
        return _header_of(cells, columns).identifies
    except LineError:
        return False


def _is_hex(text: str) -> bool:
    return bool(text) and not text.strip("0123456789abcdefABCDEF")


def _delimiter(line: str, columns: Mapping[str, str]) -> str:
    """What separates the cells of the first row: what leaves the most columns that mean something to us."""

    def known(delimiter: str) -> tuple[int, int]:
        cells = cells_of(line, delimiter) or []
        wanted = sum(plain_name(cell) in map(plain_name, columns.values()) for cell in cells)
        return wanted + sum(field_of(cell) is not None for cell in cells), len(cells)

    return max(DELIMITERS, key=known)


def _read(stream: BinaryIO, columns: Mapping[str, str] = _NONE) -> Iterator[ListRow]:
    lines = numbered_text(stream, "surrogateescape")
    first, delimiter = _first_line(lines, columns)
    records = records_of(chain(first, lines), delimiter)
    header: _Header | None = None
    for record in records:
        if isinstance(record, BadLine):
            yield record
            continue
        line, cells = record
        try:
            header = _header_of(cells, columns)
        except LineError as refused:
            yield BadLine(line, str(refused))
            return
        if not _is_header(cells, columns):
            if not columns or not all(column.isdigit() for column in columns.values()):
                yield BadLine(line, _("not a header row with a column for a digest or hash; --column names one"))
                return
            records = chain([record], records)  # the columns are numbered, and there is no header row
        break
    if header:
        yield from _rows(records, header, columns)


def _first_line(
    lines: Iterator[tuple[int, str] | BadLine], columns: Mapping[str, str]
) -> tuple[list[tuple[int, str] | BadLine], str]:
    """Reads up to the first line with content. Returns what is to be read again, and the delimiter."""
    bad: list[tuple[int, str] | BadLine] = []
    for line in lines:
        if isinstance(line, BadLine):
            bad.append(line)
            if len(bad) > _ROWS_AHEAD:
                break
            continue
        number, text = line
        if _is_content(text):
            said = text.strip()
            if said.lower().startswith("sep=") and said[4:] in DELIMITERS:  # as Excel writes it
                following = next((each for each in lines if isinstance(each, BadLine) or _is_content(each[1])), None)
                return [*bad, *([following] if following else [])], said[4:]
            return [*bad, (number, text)], _delimiter(text, columns)
    return bad, ","


def _is_content(text: str) -> bool:
    return bool(content(text.encode("utf-8", "surrogateescape")))


def _rows(records: Iterable[_Record], header: _Header, columns: Mapping[str, str]) -> Iterator[ListRow]:
    rest = iter(records)
    ahead: list[_Record] = []
    length = 0
    for record in islice(rest, _ROWS_AHEAD):
        ahead.append(record)
        length += 0 if isinstance(record, BadLine) else sum(map(len, record[1]))
        if length > _TEXT_AHEAD:
            break
    judgement = _judged((record[1] for record in ahead if not isinstance(record, BadLine)), header)
    if judgement and (doubt := judgement.doubt(_BY_COLUMN)):
        yield LineRemark(1, doubt)
    meaning = judgement.taken_for if judgement else "pdq"
    for record in chain(ahead, rest):
        if isinstance(record, BadLine):
            yield record
            continue
        line, cells = record
        if not any(map(str.strip, cells)) or cells[0].lstrip().startswith("#"):
            continue
        if _is_header(cells, columns):  # lists may have been joined
            header = _header_of(cells, columns)
            continue
        try:
            yield line, item_of_fields(_by_field(header, cells), meaning)
        except LineError as refused:
            yield BadLine(line, str(refused))


def _by_field(header: _Header, cells: list[str]) -> dict[str, str]:
    """The cells by our fields. A row may be short; one that is longer than the header is refused."""
    if any(cell.strip() for cell in cells[len(header.fields) :]):
        reason = _("the row has {count} cells, but the header row has {wanted}")
        raise LineError(reason.format(count=len(cells), wanted=len(header.fields)))
    return {field: cell for field, cell in zip(header.fields, cells, strict=False) if field}


def _judged(rows: Iterable[list[str]], header: _Header) -> Judgement | None:
    """What values of 64 digits in a column `hash` are; None if there are none, or each row says what it has."""
    if "hash" not in header.fields or "algorithm" in header.fields:
        return None
    at = header.fields.index("hash")
    values = [cells[at].strip() for cells in rows if len(cells) > at]
    unnamed = [value for value in values if len(value) == DIGITS and _is_hex(value)]
    if not unnamed:
        return None
    shorter = len(unnamed) < len(values) - 1  # digests of other kinds, which speak for SHA-256
    return judged(unnamed, beside("quality" if "quality" in header.fields else "named" if shorter else "bare"))


def with_columns(columns: Mapping[str, str]) -> Format:
    """The format for a table whose columns a person names. columns: our field -> the column's name, or number from 1.

    Raises CommandError for a field that a table cannot have.
    """
    for field in columns:
        if field not in FIELDS:
            known = ", ".join(FIELDS)
            raise CommandError(
                _("unknown field {field}; the known fields are: {known}").format(field=snippet(field), known=known)
            )
    read: Callable[[BinaryIO], Iterator[ListRow]] = partial(_read, columns=dict(columns))
    return Format(FORMAT.name, FORMAT.carries, None, read, looks_like)


def looks_like(head: bytes) -> bool:
    """Whether the first line is a header row with a column for a digest or hash."""
    first = [line for line in sample(head, 2) if not line.lower().startswith(b"sep=")][:1]
    for line in first:
        text = line.decode("utf-8", "replace")
        cells = cells_of(text, _delimiter(text, _NONE))
        return cells is not None and _is_header(cells, _NONE)
    return False


FORMAT = Format(
    "table",
    frozenset({"md5", "sha1", "sha256", "pdq", "phash", "dhash", "quality", "size", "paths", "labels", "note", "tlp"}),
    None,
    _read,
    looks_like,
)

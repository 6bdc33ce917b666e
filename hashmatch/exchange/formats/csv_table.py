"""The `csv` format, hashmatch's own and lossless: UTF-8, RFC 4180, a header row, then one row per perceptual hash.

    list_version,reference,kind,algorithm,version,hash,quality,time,view,md5,sha1,sha256,size,duration,width,
    height,labels,allow,collection,source,tlp,added,retracted,retraction_reason,changed,opinions,author,expires,origin
    [,paths,case,operator,note]

- list_version: 2 in every row. A list without it counts as version 1.
- reference: a number. The rows of one reference are consecutive and share it. Every row repeats what is known about the
  reference (an empty cell means "as in the first row"), except for paths, case, operator and note, which are in its
  first row only. A reference without perceptual hashes has one row with empty algorithm and hash.
- labels, paths: several in one cell, separated by |. In each, \\\\ is a backslash, \\| a bar, and \\xff a byte of a
  path that is not valid UTF-8.
- opinions: JSON, as in the jsonl format.
- origin: of which reference set the list is, the same in every row (see docs/lists.md).
- A text that begins with = + - @ (or their full-width forms), a tab, a line ending or ' gets a ' in front, so that no
  spreadsheet program takes it for a formula. Reading removes it again.
- Columns may come in any order; missing and unknown columns do no harm. Every row has as many cells as the header.
- Lists with the same columns may be joined, header rows and all.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from hashmatch.exchange.csv_cells import cell_of, join, split, value_of
from hashmatch.exchange.csv_records import cells_of, records
from hashmatch.exchange.fields import (
    LIST_VERSION,
    LineError,
    check_version,
    identified,
    list_head,
    list_item,
    opinion_record,
    perceptual_hash,
)
from hashmatch.exchange.list_format import EXTRAS, Format, ListRow, WriteReport
from hashmatch.exchange.losses import EVERYTHING
from hashmatch.exchange.numbered_lines import sample
from hashmatch.i18n import _
from hashmatch.records import UNNAMED, BadLine, Hash, ListHead, ListItem

_HASH_COLUMNS = ("algorithm", "version", "hash", "quality", "time", "view")
_DIGEST_COLUMNS = ("md5", "sha1", "sha256", "size", "duration", "width", "height")
_SOURCE_COLUMNS = (
    *("labels", "allow", "collection", "source", "tlp", "added", "retracted", "retraction_reason"),
    *("changed", "opinions", "author", "expires"),
)
_ITEM_COLUMNS = ("kind", *_DIGEST_COLUMNS, *_SOURCE_COLUMNS, "case", "operator", "note")  # and paths

COLUMNS = ("list_version", "reference", "kind", *_HASH_COLUMNS, *_DIGEST_COLUMNS, *_SOURCE_COLUMNS, "origin")

#: A reference with more hashes than this (a week of video) is treated as an attempt to fill the memory.
HASHES_MAX = 1_000_000


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    return write_list(items, out, include, UNNAMED)


def write_list(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str], head: ListHead) -> WriteReport:
    """Like `write`, but each row also names the reference set of the list. There is no place for the rest of `head`."""
    extras = tuple(name for name in EXTRAS if name in include)
    writer = csv.writer(codecs.getwriter("utf-8")(out, "backslashreplace"), lineterminator="\r\n")
    writer.writerow(COLUMNS + extras)
    written = without_hash = unmarked = 0
    for item in items:
        if not identified(item):
            without_hash += 1
            continue
        written += 1
        unmarked += item.tlp is None
        start = [str(LIST_VERSION), str(written), cell_of(item.kind)]
        known = [_item_cell(item, column) for column in _DIGEST_COLUMNS + _SOURCE_COLUMNS]
        private = [_item_cell(item, column) for column in extras]
        for hash in dict.fromkeys(item.hashes) or (None,):
            writer.writerow([*start, *_hash_cells(hash), *known, head.origin or "", *private])
            private = [""] * len(extras)
    return WriteReport(written, left_out_without_hash=without_hash, unmarked=unmarked)


def _item_cell(item: ListItem, column: str) -> str:
    if column == "labels":
        return join(label.encode("utf-8", "backslashreplace") for label in item.labels)
    if column == "opinions":
        opinions = [opinion_record(opinion) for opinion in item.opinions]
        return cell_of(json.dumps(opinions, ensure_ascii=False) if opinions else None)
    return join(item.paths) if column == "paths" else cell_of(getattr(item, column))


def _hash_cells(hash: Hash | None) -> list[str]:
    if hash is None:
        return [""] * len(_HASH_COLUMNS)
    return list(map(cell_of, (hash.algorithm, hash.version, hash.hex, hash.quality, hash.time, hash.view)))


@dataclass(slots=True)
class _Reference:
    """A reference of which some rows have been read: its first row, and the hashes so far."""

    line: int
    cells: dict[str, str]
    hashes: dict[Hash, None] = field(default_factory=dict)

    def row(self) -> ListRow:
        try:
            paths = tuple(split(self.cells.get("paths", "")))
            return self.line, list_item(_values((*_ITEM_COLUMNS, "hash"), self.cells), tuple(self.hashes), paths)
        except LineError as refused:
            return BadLine(self.line, str(refused))

    def goes_on(self, cells: dict[str, str]) -> bool:
        """Whether a row belongs to this reference. Raises LineError if it does but contradicts the first row."""
        number = cells.get("reference")
        if not number or number != self.cells.get("reference"):
            return False
        for column in (*_ITEM_COLUMNS, "paths"):
            if cells.get(column) not in (None, "", self.cells.get(column)):
                raise LineError(_("{field} differs from the first row of its reference").format(field=column))
        return True

    def add(self, hash: Hash | None) -> None:
        if hash is None:
            return
        if hash in self.hashes:
            raise LineError(_("its reference has the same hash twice"))
        if len(self.hashes) >= HASHES_MAX:
            raise LineError(_("its reference has more than {most} hashes").format(most=HASHES_MAX))
        self.hashes[hash] = None


def _header_problem(names: list[str]) -> str | None:
    if len(set(filter(None, names))) != sum(map(bool, names)):
        return _("the header row has a column twice")
    if not {"algorithm", "hash"}.issubset(names) and set(names).isdisjoint({"md5", "sha1", "sha256"}):
        return _("not the header row of a hash list: it has neither algorithm and hash nor md5, sha1 or sha256")
    return None


def _values(columns: Iterable[str], cells: dict[str, str]) -> dict[str, object]:
    return {column: value_of(column, cell) for column in columns if (cell := cells.get(column))}


def _hash(cells: dict[str, str]) -> Hash | None:
    record = _values(_HASH_COLUMNS, cells)
    return perceptual_hash(record) if record.get("algorithm") or record.get("hash") else None


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Reads the items of a list; without a header row it reads nothing.

    Raises CommandError before any item if the list has a newer version.
    """
    header: list[str] = []
    names: list[str] = []
    first = True
    reference: _Reference | None = None
    for record in records(stream):
        if isinstance(record, BadLine):
            yield record
            continue
        line, row = record
        if not any(map(str.strip, row)):
            continue
        if row == header:  # another list begins here, with its own reference numbers
            if reference:
                yield reference.row()
            reference = None
            continue
        if not names:
            header, names = row, [name.strip().lower() for name in row]
            if problem := _header_problem(names):
                yield BadLine(line, problem)
                return
            continue
        try:
            if len(row) != len(names):
                reason = _("the row has {count} cells, but the header row has {wanted}")
                raise LineError(reason.format(count=len(row), wanted=len(names)))
            cells = dict(zip(names, row, strict=True))
            was_first, first = first, False
            check_version(_values(("list_version",), cells).get("list_version"), was_first)
            hash = _hash(cells)
            if reference and reference.goes_on(cells):
                reference.add(hash)
                continue
            following = _Reference(line, cells)
            following.add(hash)
        except LineError as refused:
            yield BadLine(line, str(refused))
            continue
        if reference:
            yield reference.row()
        reference = following
    if reference:
        yield reference.row()


def looks_like(head: bytes) -> bool:
    """Whether the first line is a header row with columns that no other list has."""
    first = next(iter(sample(head)), b"").decode("utf-8", "replace")
    names = {name.strip().lower() for name in cells_of(first) or ()}
    return "list_version" in names or {"reference", "algorithm", "hash"} <= names


def read_head(head: bytes) -> ListHead:
    """The reference set that the first row names; UNNAMED if it names none."""
    rows = (row for row in records(io.BytesIO(head)) if not isinstance(row, BadLine) and any(map(str.strip, row[1])))
    (_line, header), (_line, row) = next(rows, (0, [])), next(rows, (0, []))
    cells = dict(zip((name.strip().lower() for name in header), row, strict=False))
    try:
        return list_head({"origin": cells.get("origin", "").strip()})
    except LineError:
        return UNNAMED


FORMAT = Format("csv", EVERYTHING, write, read, looks_like, write_list, read_head)

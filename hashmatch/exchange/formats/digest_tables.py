"""Tables of digests as forensic programs have them: CSV with one file a line, whose header says which column is which.

Names in them are bytes of any encoding, since such lists are older than UTF-8. A record is always one line, as those who
made these formats read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO

from hashmatch.escape import FORMULA
from hashmatch.exchange.csv_cells import unguard
from hashmatch.exchange.csv_records import cells_of
from hashmatch.exchange.fields import LineError, list_item, snippet
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: hfind takes 512 bytes for a line, and finds no digest after them.
_NAME_MAX = 200


def read_table(
    stream: BinaryIO, header: Iterable[str], record: Callable[[Mapping[str, str]], Mapping[str, object]]
) -> Iterator[ListRow]:
    """The item of every line. `record` gets a line's cells by their columns (lower case; names as Latin-1) and gives the
    fields of an item, "path" among them; it raises LineError. header: the columns until a line says others."""
    columns = [name.lower() for name in header]
    first = {name.lower() for name in header}
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if not entry:
            continue
        cells = cells_of(entry.decode("latin-1"))
        if cells is None:
            yield BadLine(number, _("a quote is not closed, or stands inside a cell without quotes"))
            continue
        names = [cell.strip().lower() for cell in cells]
        if len(first.intersection(names)) * 2 > len(first):  # a set in several files is often joined with their headers
            columns = names
            continue
        try:
            fields = dict(record(dict(zip(columns, cells, strict=False))))
            path = str(fields.pop("path", "")).encode("latin-1")
            yield number, list_item(fields, (), (path,) if path else (), capitals_are_usual=True)
        except LineError as refused:
            yield BadLine(number, str(refused))


def name_in(cell: str) -> str:
    """A file's name as it was before a spreadsheet was guarded against it."""
    return unguard(cell)


def number_in(field: str, cell: str) -> int | None:
    """A number in a cell, if there is one. Raises LineError."""
    bare = cell.strip()
    if not bare:
        return None
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 19):
        raise LineError(_("{field} is not a number: {value}").format(field=field, value=snippet(bare)))
    return int(bare)


def name_cell(path: bytes) -> bytes:
    """A name as a cell in quotes; empty where programs that read such lists would lose the digest with it.

    They cut a line at its line end, at quotes without doubling them, and after so many bytes.
    """
    guarded = b"'" + path if path.decode("utf-8", "replace").startswith(FORMULA) else path
    if len(guarded) > _NAME_MAX or any(byte < 32 or byte in b'"\x7f' for byte in guarded):
        return b'""'
    return b'"%b"' % guarded


def has_header(head: bytes, *names: str) -> bool:
    """Whether a table begins with a header that has these columns."""
    for line in sample(head, 1):
        cells = cells_of(line.decode("latin-1"))
        return cells is not None and {name.lower() for name in names} <= {cell.strip().lower() for cell in cells}
    return False

"""Tables of digests from forensic programs: CSV with one file per line and a header that names the columns.

Such lists are older than UTF-8, so names in them are bytes in any encoding. A record is always one line, because the
programs that defined these formats read them that way.
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

#: The longest name that is written, in bytes. hfind reads 512 bytes of a line and finds no digest after them.
_NAME_MAX = 200


def read_table(
    stream: BinaryIO, header: Iterable[str], record: Callable[[Mapping[str, str]], Mapping[str, object]]
) -> Iterator[ListRow]:
    """Yields the item of every line.

    header: the columns to assume until a line names others. record: gets a line's cells by column (column names in lower
    case, cells decoded as Latin-1) and returns the fields of an item, including "path". It may raise LineError.
    """
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
            yield BadLine(number, _("a quote is not closed, or is inside a cell that is not quoted"))
            continue
        names = [cell.strip().lower() for cell in cells]
        if len(first.intersection(names)) * 2 > len(first):  # sets in several files are often joined, headers and all
            columns = names
            continue
        try:
            fields = dict(record(dict(zip(columns, cells, strict=False))))
            path = str(fields.pop("path", "")).encode("latin-1")
            yield number, list_item(fields, (), (path,) if path else (), capitals_are_usual=True)
        except LineError as refused:
            yield BadLine(number, str(refused))


def name_in(cell: str) -> str:
    """A file's name without the guard against spreadsheet formulas."""
    return unguard(cell)


def number_in(field: str, cell: str) -> int | None:
    """The number in a cell; None if the cell is empty. Raises LineError."""
    bare = cell.strip()
    if not bare:
        return None
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 19):
        raise LineError(_("{field} is not a number: {value}").format(field=field, value=snippet(bare)))
    return int(bare)


def name_cell(path: bytes) -> bytes:
    """A name as a quoted cell. It is left empty if programs that read such lists would lose the digest because of it.

    These programs end a line at any line ending, do not understand doubled quotes, and cut off long lines.
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

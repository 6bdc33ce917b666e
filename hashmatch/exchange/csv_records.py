"""Cuts CSV (RFC 4180) into records so that a damaged record cannot swallow the ones after it.

The standard library's reader puts everything after an unclosed quote into one cell, and its limit on the length of a
cell applies to the whole process. A hostile list must not be able to exploit either.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.numbered_lines import numbered_text
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: The longest record of several lines, in characters. A quote still open after that was never closed.
RECORD_MAX = 8 * 2**20

#: Whatever follows this many cells stays one cell: none of our tables is that wide.
CELLS_MAX = 1000

#: What may stand between two cells. Only the comma is RFC 4180's.
DELIMITERS = (",", "\t", ";", "|")

# The quantifiers are possessive, so that a long cell of nothing but quotes takes no memory.
_CELL = {each: re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"|([^"{each}]*+))([{each}]|\Z)') for each in DELIMITERS}


def cells_of(record: str, delimiter: str = ",") -> list[str] | None:
    """The cells of one record, or None if its quotes are wrong. delimiter: one of DELIMITERS."""
    record = record.removesuffix("\n").removesuffix("\r")
    if '"' not in record:
        return record.split(delimiter, CELLS_MAX)
    cells: list[str] = []
    position = 0
    while found := _CELL[delimiter].match(record, position):
        quoted, bare, ended = found.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        if not ended or len(cells) > CELLS_MAX:
            return cells
        position = found.end()
    return None


def records(stream: BinaryIO) -> Iterator[tuple[int, list[str]] | BadLine]:
    """Yields every record of a table in UTF-8 with commas, with the number of its first line. See `records_of`."""
    return records_of(numbered_text(stream), ",")


def records_of(lines: Iterator[tuple[int, str] | BadLine], delimiter: str) -> Iterator[tuple[int, list[str]] | BadLine]:
    """Yields every record with the number of its first line.

    A record continues on the next line while a quote is open. If its quotes turn out to be wrong, only its first line
    is refused, and reading continues with the line after that.
    """
    again: deque[tuple[int, str] | BadLine] = deque()  # lines to read again
    while line := again.popleft() if again else next(lines, None):
        if isinstance(line, BadLine):
            yield line
            continue
        number, text = line
        parts, taken = [text], []
        length, is_open = len(text), text.count('"') % 2 == 1
        while is_open and length <= RECORD_MAX and (more := again.popleft() if again else next(lines, None)):
            taken.append(more)
            if isinstance(more, BadLine):
                break
            parts.append(more[1])
            length += len(more[1])
            is_open ^= more[1].count('"') % 2 == 1
        cells = None if is_open else cells_of("".join(parts), delimiter)
        if cells is None:
            yield BadLine(number, _("a quote is not closed, or is inside a cell that is not quoted"))
            again.extendleft(reversed(taken))
        else:
            yield number, cells

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

# The quantifiers are possessive, so that a long cell of nothing but quotes takes no memory.
_CELL = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",]*+))(,|\Z)')


def cells_of(record: str) -> list[str] | None:
    """The cells of one record, or None if its quotes are wrong."""
    record = record.removesuffix("\n").removesuffix("\r")
    if '"' not in record:
        return record.split(",", CELLS_MAX)
    cells: list[str] = []
    position = 0
    while found := _CELL.match(record, position):
        quoted, bare, comma = found.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        if not comma or len(cells) > CELLS_MAX:
            return cells
        position = found.end()
    return None


def records(stream: BinaryIO) -> Iterator[tuple[int, list[str]] | BadLine]:
    """Yields every record with the number of its first line.

    A record continues on the next line while a quote is open. If its quotes turn out to be wrong, only its first line
    is refused, and reading continues with the line after that.
    """
    lines = numbered_text(stream)
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
        cells = None if is_open else cells_of("".join(parts))
        if cells is None:
            yield BadLine(number, _("a quote is not closed, or is inside a cell that is not quoted"))
            again.extendleft(reversed(taken))
        else:
            yield number, cells

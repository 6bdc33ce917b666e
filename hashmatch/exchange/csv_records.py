"""CSV (RFC 4180) cut into records, such that damage to one record cannot swallow the ones after it.

The standard library's reader takes everything after an unclosed quote into one cell, and its limit for the length of
a cell belongs to the whole process; a list may come from an enemy and must not be able to use either.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.numbered_lines import numbered_text
from hashmatch.i18n import _
from hashmatch.records import BadLine

#: A record of several lines may be this many characters long; a quote that is still open then was never closed.
RECORD_MAX = 8 * 2**20

#: Cells after this many are left as one: no table of ours is that wide.
CELLS_MAX = 1000

# Possessive, so that a long cell of nothing but quotes costs no memory.
_CELL = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",]*+))(,|\Z)')


def cells_of(record: str) -> list[str] | None:
    """The cells of one record, or None when its quotes are wrong."""
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
    """Every record with the number of its first line.

    A record goes on over the end of a line while a quote is open. Where the quotes turn out wrong, only the first
    line is refused, and reading goes on with the one after it.
    """
    lines = numbered_text(stream)
    again: deque[tuple[int, str] | BadLine] = deque()  # lines to be read once more
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
            yield BadLine(number, _("a quote is not closed, or stands inside a cell without quotes"))
            again.extendleft(reversed(taken))
        else:
            yield number, cells

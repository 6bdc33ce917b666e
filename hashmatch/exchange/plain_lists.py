"""Shared code for plain lists: one entry per line, with blank lines and # comments in between.

Such a list cannot say "retracted" or "allowed"; it only says "known". A reference that was retracted, is on the allow
list, or that its own source calls a false positive is therefore left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError
from hashmatch.exchange.list_format import ListRow, WriteReport, left_out
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.records import BadLine, ListItem

LineParser = Callable[[bytes], ListItem]


def read_plain(stream: BinaryIO, parse: LineParser) -> Iterator[ListRow]:
    """Yields the item of every line with content.

    parse: gets the line without its line ending and raises LineError for a bad one.
    """
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        if entry := content(raw):
            try:
                yield number, parse(entry)
            except LineError as refused:
                yield BadLine(number, str(refused))


def write_plain(
    items: Iterable[ListItem],
    out: BinaryIO,
    entries: Callable[[ListItem], Iterable[bytes]],
    says_opinions: bool = False,
) -> WriteReport:
    """Writes the lines for each item.

    entries: the lines of an item without their endings; no lines mean that the item has no hash the format can carry.
    says_opinions: the lines can say that an item is disputed, or that its own source calls it a false positive.
    """
    counts: Counter[str] = Counter()
    for item in items:
        reason = left_out(item, says_opinions)
        if not reason and (lines := list(entries(item))):
            out.write(b"".join(line + b"\n" for line in lines))
            counts["written"] += 1
            counts["unmarked"] += item.tlp is None
        else:
            counts[reason or "without-hash"] += 1
    return WriteReport(
        counts["written"],
        counts["retracted"],
        counts["without-hash"],
        counts["allow"],
        counts["unmarked"],
        counts["false-positive"],
    )


def readable(head: bytes, parse: LineParser) -> list[tuple[bytes, ListItem]]:
    """The first lines of a list that `parse` can read, with their items; empty unless these are more than half."""
    lines = sample(head)
    good = []
    for line in lines:
        try:
            good.append((line, parse(line)))
        except LineError:
            continue
    return good if len(good) * 2 > len(lines) else []

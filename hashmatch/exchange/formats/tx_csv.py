"""The `tx-csv` format: the output of `tx dataset -P --csv` from the tx tool (python-threatexchange), with its header row.

    signal_type,signal_str,collab,category,tags
    pdq,f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,East,POSITIVE_CLASS,group:x tlp:green

- collab is the collection. Tags are separated by spaces; a space in a label is written as "_".
- category sums up all opinions in one word. POSITIVE_CLASS: all opinions confirm the entry. NEGATIVE_CLASS: its own
  source calls it a false positive and nobody confirms it. DISPUTED: opinions differ. INVESTIGATION_SEED: there are none.
  So an entry that was withdrawn and is disputed goes out as DISPUTED; the format has no other word for it.
- A text that a spreadsheet would take for a formula gets a ' in front, which reading removes again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from hashmatch.escape import for_spreadsheet
from hashmatch.exchange.csv_cells import unguard
from hashmatch.exchange.csv_records import cells_of, records
from hashmatch.exchange.fields import LineError, text
from hashmatch.exchange.formats.partners import labels_and_tlp
from hashmatch.exchange.formats.tx_signals import CARRIES, opinions_of, parse, signals
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.numbered_lines import sample
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem

COLUMNS = ("signal_type", "signal_str", "collab", "category", "tags")


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Reads the items of a list. Columns may come in any order; without a header row it reads nothing."""
    names: list[str] = []
    for record in records(stream):
        if isinstance(record, BadLine):
            yield record
            continue
        line, row = record
        found = [name.strip().lower() for name in row]
        if not any(found) or found == names:  # a repeated header row: lists may have been joined
            continue
        if not names:
            if not {"signal_type", "signal_str"} <= set(found) or len(set(found)) != len(found):
                yield BadLine(line, _("not a header row with signal_type and signal_str, each once"))
                return
            names = found
            continue
        try:
            if len(row) != len(names):
                reason = _("the row has {count} cells, but the header row has {wanted}")
                raise LineError(reason.format(count=len(row), wanted=len(names)))
            item, remark = _item(dict(zip(names, row, strict=True)))
        except LineError as refused:
            yield BadLine(line, str(refused))
            continue
        if remark:
            yield LineRemark(line, remark)
        yield line, item


def _item(cells: dict[str, str]) -> tuple[ListItem, str | None]:
    item, remark = parse(cells["signal_type"].strip(), cells["signal_str"])
    opinions = opinions_of(cells.get("category", "").strip())
    labels, tlp = labels_and_tlp(filter(None, (text("tags", tag) for tag in unguard(cells.get("tags", "")).split())))
    collection = text("collab", unguard(cells.get("collab", "")))
    return replace(item, collection=collection, labels=labels, tlp=tlp, opinions=opinions), remark


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes a row for every signal of each item. The format has no place for EXTRAS."""

    def entries(item: ListItem) -> Iterable[bytes]:
        more = (for_spreadsheet(item.collection or ""), _category(item), for_spreadsheet(" ".join(_tags(item))))
        return [_line((*signal, *more)) for signal in signals(item)]

    out.write(_line(COLUMNS) + b"\n")
    return write_plain(items, out, entries, says_opinions=True)


def _line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace").removesuffix(b"\n")


def _tags(item: ListItem) -> Iterator[str]:
    for label in item.labels:
        yield re.sub(r"\s+", "_", label)
    if item.tlp:
        yield f"tlp:{item.tlp}"


def _category(item: ListItem) -> str:
    if item.retracted:  # it is written only if it is disputed, or its own source calls it a false positive
        return "NEGATIVE_CLASS" if item.verdict == "false-positive" else "DISPUTED"
    verdicts = {opinion.verdict for opinion in item.opinions}
    if not verdicts:
        return "INVESTIGATION_SEED"
    if verdicts == {"confirmed"}:
        return "POSITIVE_CLASS"
    # If only others call it a false positive, its own source still stands by it.
    return "NEGATIVE_CLASS" if verdicts == {item.verdict} == {"false-positive"} else "DISPUTED"


def looks_like(head: bytes) -> bool:
    """Whether the first line is the header row of this format."""
    first = next(iter(sample(head)), b"").decode("utf-8", "replace")
    return {"signal_type", "signal_str"} <= {name.strip().lower() for name in cells_of(first) or ()}


FORMAT = Format("tx-csv", CARRIES | {"collection", "labels", "tlp"}, write, read, looks_like, says_opinions=True)

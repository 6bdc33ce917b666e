"""Shared code for lists from partners' APIs: hashes by the partners' names for them, tags, withdrawals, and documents
with one JSON object per entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, digest, identified, perceptual_hash, snippet
from hashmatch.exchange.fields import tlp as tlp_mark
from hashmatch.exchange.json_reading import JsonPath, records
from hashmatch.exchange.list_format import ListRow
from hashmatch.i18n import _
from hashmatch.records import BadLine, Kind, LineRemark, ListItem, Tlp, strictest

#: Which hash a type means ("pdq", "md5", "sha1" or "sha256") and of which media; None if the type does not say.
SignalMeaning = tuple[str, Kind | None]


def hashed(meant: SignalMeaning | None, type_name: object, value: object) -> ListItem:
    """Makes the entry for one hash. meant: None if the type is unknown; the LineError then names the type."""
    if meant is None:
        raise LineError(_("hashes of type {value} cannot be searched here").format(value=snippet(type_name)))
    algorithm, kind = meant
    match algorithm:
        case "md5":
            item = ListItem(kind=kind, md5=digest("md5", value))
        case "sha1":
            item = ListItem(kind=kind, sha1=digest("sha1", value))
        case "sha256":
            item = ListItem(kind=kind, sha256=digest("sha256", value))
        case _:
            item = ListItem(kind=kind, hashes=(perceptual_hash({"algorithm": algorithm, "hash": value}),))
    if not identified(item):
        raise LineError(_("neither a digest nor a hash"))
    return item


def labels_and_tlp(tags: Iterable[str]) -> tuple[tuple[str, ...], Tlp | None]:
    """Splits tags into labels and TLP marks ("tlp:amber"). Returns the labels and the strictest mark."""
    labels: dict[str, None] = {}
    marks: list[Tlp | None] = []
    for tag in tags:
        mark = _mark(tag)
        if mark is None:
            labels[tag] = None
        else:
            marks.append(mark)
    return tuple(labels), strictest(*marks)


def _mark(tag: str) -> Tlp | None:
    if not tag.lower().startswith("tlp:"):
        return None
    try:
        return tlp_mark(tag)
    except LineError:
        return None


def withdrawn(changed: str | None) -> str:
    """When an entry was withdrawn: the time of its last change, or now if the list does not say."""
    return changed or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_document(
    stream: BinaryIO, places: Iterable[JsonPath], parse: Callable[[dict[str, object]], ListItem]
) -> Iterator[ListRow]:
    """Yields the item of every record at these places of a JSON document. `parse` raises LineError for a bad record."""
    empty = True
    for row in records(stream, *places):
        empty = False
        if isinstance(row, BadLine):
            yield row
            continue
        number, record = row
        try:
            yield number, parse(record)
        except LineError as refused:
            yield BadLine(number, str(refused))
    if empty:
        yield nothing_found()


def nothing_found() -> LineRemark:
    """The remark on a list that has no entries, or has them where its format does not expect them."""
    return LineRemark(1, _("there is no entry where this format has its entries"))

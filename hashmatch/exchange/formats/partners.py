"""What the lists of partners' interfaces share: hashes by the names that partners have for them, tags, withdrawals, and
documents of one JSON object an entry.
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

#: Which hash is meant ("pdq", "md5", "sha1" or "sha256"), and of what media; None where the type does not say.
SignalMeaning = tuple[str, Kind | None]


def hashed(meant: SignalMeaning | None, type_name: object, value: object) -> ListItem:
    """The entry for one hash. meant: None of a type that is not known. Raises LineError, which names the type."""
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
    """Tags without those that are a TLP mark ("tlp:amber"), and the strictest mark."""
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
    """When an entry was withdrawn: when it was last changed; today where the list does not say."""
    return changed or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_document(
    stream: BinaryIO, places: Iterable[JsonPath], parse: Callable[[dict[str, object]], ListItem]
) -> Iterator[ListRow]:
    """The item of every record at these places of a JSON document; `parse` raises LineError for a bad one."""
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
    """Of a list that has no entry, or has them where its format does not."""
    return LineRemark(1, _("no entry stands where this format has them"))

"""Shared code for lists from partners' APIs: hashes by the partners' names for them, marks, withdrawals, and documents with
one JSON object per entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, digest, identified, perceptual_hash, snippet
from hashmatch.exchange.fields import tlp as tlp_mark
from hashmatch.exchange.json_reading import JsonPath, placed_records
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.numbered_lines import BOM
from hashmatch.i18n import _
from hashmatch.records import BadLine, Kind, LineRemark, ListItem, Tlp, strictest

#: How much of a list is looked at to see whether it is one of its format.
_HEAD = 65_536

#: The mark of what a partner's interface says without one, or with one that nobody can read: members may use it, and not
#: pass it on.
MEMBERS_ONLY: Tlp = "amber+strict"

_START = 64

#: Which hash a type means ("pdq", "md5", "sha1" or "sha256") and of which media; None if the type does not say.
SignalMeaning = tuple[str, Kind | None]


def hashed(meant: SignalMeaning | None, type_name: object, value: object) -> ListItem:
    """Makes the entry for one hash. meant: None if the type is unknown; the LineError then names the type."""
    if meant is None:
        raise UnsearchedError(_("hashes of type {value} cannot be searched here").format(value=snippet(type_name)))
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
    """Splits tags into labels and TLP marks ("tlp:amber"). Returns the labels and the strictest mark.

    Marks may be in capitals or quoted. A tag that begins like a mark and is none is kept as a label, too.
    """
    labels: dict[str, None] = {}
    marks: list[Tlp | None] = []
    for tag in tags:
        found = _MARK.fullmatch(tag)
        mark = known_mark(found[1]) if found else None
        if mark is None:
            labels[tag] = None
        if found:
            marks.append(mark or MEMBERS_ONLY)
    return tuple(labels), strictest(*marks)


#: A tag that is meant as a mark: tlp:amber, TLP:AMBER, tlp:"amber", "tlp:amber".
_MARK = re.compile(r"""[\s"']*+tlp\s*+[:=]+(.*)""", re.IGNORECASE | re.DOTALL)
_AROUND = re.compile(r"""[\s"']++""")


def known_mark(name: str) -> Tlp | None:
    """The TLP mark of that name, which may be quoted; None if there is none."""
    bare = _AROUND.sub(" ", name).strip().replace("_", "+").replace("-", "+").replace(" ", "+")
    try:
        return tlp_mark(bare)
    except LineError:
        return None


def withdrawal(record: str | None, fields: Callable[[], ListItem]) -> ListItem:
    """The item of an entry that its source withdraws. `fields` makes it, if the entry still says what it was about.

    Without that, or where it is damaged, the record alone tells. Raises what `fields` raises if there is no record.
    """
    try:
        return fields()
    except UnsearchedError:
        raise
    except LineError:
        if record is None:
            raise
        return ListItem()


class UnsearchedError(LineError):
    """An entry is of a type that cannot be searched here."""


def withdrawn(changed: str | None) -> str:
    """When an entry was withdrawn: the time of its last change, or now if the list does not say."""
    return changed[:19] + "Z" if changed else datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_document(
    stream: BinaryIO, places: Iterable[JsonPath], parse: Callable[[dict[str, object]], ListItem]
) -> Iterator[ListRow]:
    """Yields the item of every record at these places of a JSON document. `parse` raises LineError for a bad record.

    The stream must be seekable. A document with a place for entries and none there is nothing new.
    """
    start = stream.tell()
    found = stream.read(_START).removeprefix(BOM).lstrip()[:1] == b"["  # then it has a place for entries
    stream.seek(start)
    lists = frozenset(path[:-1] for path in places if len(path) > 1)
    for row in placed_records(stream, *places, told=lists):
        found = True
        if isinstance(row, BadLine):
            yield row
            continue
        number, record, place = row
        if place in lists:  # where entries stand, if there are any
            continue
        try:
            yield number, parse(record)
        except LineError as refused:
            yield BadLine(number, str(refused))
    if not found:
        yield nothing_found()


def nothing_found() -> LineRemark:
    """The remark on a list that has no entries, or has them where its format does not expect them."""
    return LineRemark(1, _("there is no entry where this format has its entries"))


def unless_foreign(
    read: Callable[[BinaryIO], Iterator[ListRow]], looks_like: Callable[[bytes], bool]
) -> Callable[[BinaryIO], Iterator[ListRow]]:
    """The same reader, which also says so if it finds nothing at all in what does not look like a list of its format.

    A list without entries is fine; one of another format would otherwise pass for it.
    """

    def checked(stream: BinaryIO) -> Iterator[ListRow]:
        start = stream.tell()
        head = stream.read(_HEAD)
        stream.seek(start)
        is_empty = True
        for row in read(stream):
            is_empty = False
            yield row
        if is_empty and head.removeprefix(BOM).strip() not in (b"", b"[]", b"{}") and not looks_like(head):
            yield nothing_found()

    return checked

"""Reads Project VIC's JSON as list entries: VICS 2.0 and earlier models, cases and hash sets, as tools write them.

A record is told by its case and its number there, since every case numbers its media from 1. A hash set has nothing that
tells it from others, so the numbers in it mean nothing later, unless they are UUIDs.

IsPrecategorized and TotalMediaFiles are not read, because they do not agree with the records beside them. A category is
kept as a label ("vics:category=1"), because the meaning of its number depends on the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, exact_moment, snippet, text
from hashmatch.exchange.json_items import hashes_of_short, item_of
from hashmatch.exchange.json_reading import JsonDict, JsonObject, parse_value, placed_records
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.skipped_kinds import SkippedKinds
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, LineRemark

#: The prefix of our own property names in MediaMetadata.
PREFIX = "hashmatch:"
#: Properties whose values are text, and those whose values are JSON.
_TEXTS = ("collection", "source", "tlp", "added", "case", "operator")
_OF_JSON = (
    "duration",
    "width",
    "height",
    "pdq_quality",
    "pdq_version",
    "hashes",
    "opinions",
    "labels",
    "paths",
    "paths_bytes",
)
PROPERTIES = (*_TEXTS, *_OF_JSON)

#: Where media are: in cases, or in a hash set.
_IN_CASES = ("value", "*", "Media", "*")
_IN_SET = ("value", "*")
#: What a case says about itself, before its media.
_CASE = ("value", "*")
_CASE_ID, _CASE_NUMBER = (*_CASE, "CaseID"), (*_CASE, "CaseNumber")
_HEAD = 65_536
_CASES = re.compile(rb'"Media"\s*:\s*\[')

_UUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)

_DOTNET = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
#: Dates as American programs write them. A date like 1/2/2026 is always read as month and day.
_AMERICAN = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y")


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Yields entries one after another. The stream must be seekable, because its first bytes tell which form it has."""
    start = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(start)
    place = _IN_CASES if _CASES.search(head) or b"#Cases" in head else _IN_SET
    told = (_CASE, _CASE_ID, _CASE_NUMBER) if place == _IN_CASES else ()
    case: JsonDict = {}
    unused = SkippedKinds()
    number, categories = 1, 0
    for row in placed_records(stream, place, told=told):
        if isinstance(row, BadLine):
            yield row
            continue
        number, media, where = row
        if where != place:
            case = {**case, **media} if media else {}  # an empty one begins a case
            continue
        date, doubt = _date(media.get("DateUpdated"))
        try:
            record, hashes = _entry(media, date, unused)
            item = item_of(_told_by(case, media) | record, hashes)
        except LineError as refused:
            yield BadLine(number, str(refused))
            continue
        if doubt:
            yield LineRemark(number, _("its date is in an unknown form: {value}").format(value=snippet(doubt)))
        categories += _category(media) is not None
        yield number, item
    if categories:
        message = _(
            "entries with a Project VIC category, which is kept as a label and has no other effect here: {count}"
        )
        yield LineRemark(number, message.format(count=categories))
    if unused:
        yield LineRemark(number, _("digests of other kinds are skipped: {kinds}").format(kinds=unused))


def _told_by(case: JsonObject, media: JsonObject) -> dict[str, object]:
    """What tells a record from all others, if anything does, and the number of its case."""
    number, name = media.get("MediaID"), _id(case.get("CaseID")) or _bare(case.get("CaseNumber"))
    own = str(number) if isinstance(number, int) and not isinstance(number, bool) else _id(number)
    told: dict[str, object] = {"case": _bare(case.get("CaseNumber"))}
    if own and (name or _UUID.fullmatch(own)):
        told["record"] = "vics:" + "/".join(filter(None, (name, own)))
    return told


def _id(value: object) -> str:
    """An id; a UUID may be in braces and capitals in one program's lists, and not in another's."""
    bare = _bare(value) or ""
    return bare.strip("{}").lower() if _UUID.fullmatch(bare) else bare


def _entry(media: JsonObject, date: str | None, unused: SkippedKinds) -> tuple[dict[str, object], tuple[Hash, ...]]:
    record: dict[str, object] = {"md5": _hex(media.get("MD5")), "sha1": _hex(media.get("SHA1")), "changed": date}
    record |= {"size": _size(media.get("MediaSize")), "kind": _kind(media.get("MimeType"))}
    record["note"] = _bare(media.get("Comments"), strip=False)
    frames = list[object]()
    for each in _objects(media.get("AlternativeHashes")):
        name, value = str(each.get("HashName")).upper().replace("-", ""), _hex(each.get("HashValue"))
        if name == "VPDQ":
            frames.append(value)
        elif name in ("SHA256", "PDQ"):
            record[name.lower()] = value
        elif name not in ("MD5", "SHA1"):  # the record itself has those two
            unused.add(name)
    if media.get("PhotoDNA"):
        unused.add("PhotoDNA")
    record["vpdq"] = frames
    for each in _objects(media.get("MediaMetadata")):
        key = str(each.get("PropertyName")).removeprefix(PREFIX)
        if key in PROPERTIES and each.get("PropertyName") != key:
            record[key] = _property(key, each.get("PropertyValue"))
    labels = record.get("labels", labels_of(_bare(media.get("Tags"), strip=False) or ""))
    more = [f"vics:series={series}" for series in [_bare(media.get("Series"))] if series]
    more += [f"vics:category={category}" for category in [_category(media)] if category is not None]
    if isinstance(labels, list):
        record["labels"] = [*labels, *(label for label in more if label not in labels)]
    files = [path_of(file) for file in _objects(media.get("MediaFiles"))]
    if not {"paths", "paths_bytes"} & record.keys():
        record["paths"] = [path.decode() for path in dict.fromkeys(files) if path and b"\0" not in path]
    return record, hashes_of_short(record)


def _property(key: str, value: object) -> object:
    if key in _TEXTS:
        return value
    json_text = text(key, value, 2**24)
    return None if json_text is None else parse_value(json_text)


def labels_of(tags: str) -> list[str]:
    """Splits a record's Tags into labels. They are separated by commas, semicolons or bars."""
    return [label.strip() for label in re.split("[,;|]", tags) if label.strip()]


def path_of(file: JsonObject) -> bytes:
    """The path of a file, which may be given in one or two pieces; empty if there is none."""
    name, path = _bare(file.get("FileName"), strip=False) or "", _bare(file.get("FilePath"), strip=False) or ""
    path, name = path.replace("\\", "/"), name.replace("\\", "/")
    if name and path.rpartition("/")[2] != name:
        path = f"{path.rstrip('/')}/{name}" if path else name
    return path.encode("utf-8", "backslashreplace")


def _category(media: JsonObject) -> int | None:
    code = str(media.get("Category"))
    return int(code) if code.isascii() and code.isdigit() and len(code) < 4 else None


def _size(value: object) -> object:
    """A size as a number; some programs write it as text."""
    size = value.strip() or None if isinstance(value, str) else value
    return int(size) if isinstance(size, str) and size.isascii() and size.isdigit() and len(size) < 20 else size


def _kind(value: object) -> str | None:
    """The kind in a MIME type such as image/jpeg; some programs write only its first half."""
    first = value.partition("/")[0].strip().lower() if isinstance(value, str) else ""
    return first if first in ("image", "video") else None


def _date(value: object) -> tuple[str | None, object]:
    """Reads a date in ISO 8601, in .NET's form or in American form. Returns it, or the value that it could not read."""
    if not isinstance(value, str) or not value.strip():
        return None, value or None
    stamp = value.strip()
    if dotnet := _DOTNET.fullmatch(stamp):
        try:
            return _iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(dotnet[1]))), None
        except OverflowError:
            return None, value
    try:
        return exact_moment("DateUpdated", stamp), None
    except LineError:
        pass
    for form in _AMERICAN:
        try:
            return _iso(datetime.strptime(stamp[:40], form)), None
        except ValueError:
            continue
    return None, value


def _iso(date: datetime) -> str:
    return date.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _bare(value: object, strip: bool = True) -> str | None:
    return (value.strip() if strip else value) if isinstance(value, str) else None


def _hex(value: object) -> str | None:
    """Hexadecimal digits in lower case; in these lists they are often in capitals."""
    bare = _bare(value)
    return None if bare is None else bare.lower()


def _objects(value: object) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

"""Reads MISP events as list entries: objects with our own template, and digests in any other objects and attributes.

An entry has the UUID of its object or attribute as its record, so that a later version replaces it, and a deleted one
withdraws it. Our own entries have none: they are known by their digests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, moment, snippet, text
from hashmatch.exchange.formats.misp_events import Event, Events, is_limited, is_mark, is_tlp, mark, parts, tags
from hashmatch.exchange.formats.misp_objects import IDENTIFYING, OF_JSON, SEVERAL, SINGLE, template, timestamp
from hashmatch.exchange.formats.misp_verdicts import (
    Withdrawal,
    called_wrong,
    disputes,
    dropped,
    expires,
    moment_of,
    not_for_detection,
    yes,
)
from hashmatch.exchange.json_items import NO_DATE, hashes_of_short, item_of, latest, withdrawal_of
from hashmatch.exchange.json_reading import JsonObject, parse_object, parse_value
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.skipped_kinds import SkippedKinds
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, LineRemark, strictest

#: Types of attributes that contain a digest, alone or after a file name.
_DIGESTS = {kind: kind for kind in ("md5", "sha1", "sha256")}
_DIGESTS |= {f"filename|{kind}": kind for kind in ("md5", "sha1", "sha256")} | {"malware-sample": "md5"}
_OTHER_DIGESTS = (
    *("sha224", "sha384", "sha512", "sha512/224", "sha512/256", "sha3-224", "sha3-256", "sha3-384", "sha3-512"),
    *("ssdeep", "tlsh", "imphash", "vhash", "authentihash", "pehash", "impfuzzy", "cdhash", "telfhash"),
)

_WHOLE = frozenset({"size", "width", "height", "pdq_quality", "pdq_version"})

#: An entry as a record, and its perceptual hashes.
Entry = tuple[dict[str, object], tuple[Hash, ...]]


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Yields entries one after another. The stream is read twice, so it must be seekable."""
    start = stream.tell()
    events = Events()
    events.gather(stream)
    stream.seek(start)
    yield from _Reader(events).read(stream)


class _Reader:
    def __init__(self, events: Events) -> None:
        self._events = events
        self._passed = SkippedKinds()
        self._unused = SkippedKinds()
        self._context = 0

    def read(self, stream: BinaryIO) -> Iterator[ListRow]:
        number = 1
        for row in parts(stream):
            if isinstance(row, BadLine):
                yield row
                continue
            number, found, kind, event = row
            beside = found.get("Event")
            try:
                around = Event.of(beside) if isinstance(beside, dict) else self._events.at(event)
                if kind == "Object" and _is_ours(found):
                    entries = [self._of_ours(found, around)]
                else:
                    entries = self._of_others(found, kind, around)
            except LineError as refused:
                yield BadLine(number, str(refused))
                continue
            yield from _rows_of(number, entries)
        yield from self._events.remarks()
        yield from self._summary(number)

    def _summary(self, last: int) -> Iterator[LineRemark]:
        if self._context:
            message = _(
                "digests that are not meant for detection (to_ids), which withdraws what was said of them: {count}"
            )
            yield LineRemark(last, message.format(count=self._context))
        if self._unused:
            yield LineRemark(last, _("digests of other kinds are skipped: {kinds}").format(kinds=self._unused))
        if self._passed:
            message = _("attributes without a digest are skipped: {kinds}")
            yield LineRemark(last, message.format(kinds=self._passed))

    def _of_others(self, found: JsonObject, kind: str, event: Event) -> list[Entry]:
        """The entries of an object with another template, or of a single attribute."""
        inside = _attributes(found) if kind == "Object" else [found]
        every = [each for each in inside if str(each.get("type")) in _DIGESTS]
        other = self._other(inside)
        if not every:
            if other and not all(map(dropped, other)):
                kinds = ", ".join(sorted({snippet(each.get("type")) for each in other}))
                raise LineError(_("none of its digests is of a kind that we know: {kinds}").format(kinds=kinds))
            gone = kind == "Object" and not inside and yes(found.get("deleted"))
            return [(_said(event, found, [], dropped(found)), ())] if gone else []
        self._unused_of(other)
        self._context += sum(map(not_for_detection, every))
        live = [each for each in every if not dropped(each)]
        # Without a UUID, nobody can have known context as anything else.
        known = live or [each for each in every if each.get("uuid") or yes(each.get("deleted"))]
        files = _files(known) if known else []
        size = _size(inside) if len(files) == 1 else None
        return [self._entry(found, file, event, size, len(files) == 1) for file in files]

    def _other(self, inside: list[JsonObject]) -> list[JsonObject]:
        """The attributes with digests of other kinds. Those without any are counted."""
        other = list[JsonObject]()
        for each in inside:
            kind = str(each.get("type"))
            if kind.removeprefix("filename|") in _OTHER_DIGESTS:
                other.append(each)
            elif kind not in _DIGESTS and kind != "size-in-bytes":
                self._passed.add(kind)
        return other

    def _unused_of(self, other: list[JsonObject]) -> None:
        for each in other:
            self._unused.add(str(each.get("type")))

    def _entry(
        self, found: JsonObject, file: list[JsonObject], event: Event, size: int | None, is_whole: bool
    ) -> Entry:
        gone = called_wrong(event, _about(found, file))
        if gone is None and (yes(found.get("deleted")) or all(map(dropped, file))):
            gone = dropped(found) or dropped(file[0])
        record = _said(event, found, file, gone)
        if not is_whole:  # one of several files in an object
            record["record"] = _record_of(file[0])
        for each in file:
            value = text("value", each.get("value")) or ""
            record[_DIGESTS[str(each.get("type"))]] = value.rpartition("|")[2].strip()
        return {**record, "size": size}, ()

    def _of_ours(self, found: JsonObject, event: Event) -> Entry:
        attributes = _attributes(found)
        live = [each for each in attributes if not yes(each.get("deleted"))]
        gone = yes(found.get("deleted")) or not any(str(each.get("object_relation")) in IDENTIFYING for each in live)
        record: dict[str, object] = {}
        several: dict[str, list[object]] = {name: [] for name in (*SEVERAL.values(), *OF_JSON.values(), "vpdq")}
        other: dict[str, object] = {}
        for each in attributes if gone else live:
            relation, value = str(each.get("object_relation")), text("value", each.get("value"), 2**24)
            if value is None:
                continue
            if relation in SINGLE:
                record[SINGLE[relation]] = _value(SINGLE[relation], value)
            elif relation in SEVERAL:
                several[SEVERAL[relation]].append(value)
            elif relation in OF_JSON:
                several[OF_JSON[relation]].append(parse_object(value))
            elif relation == "vpdq":
                frames = parse_value(value)
                several["vpdq"] += frames if isinstance(frames, list) else [frames]
            elif relation == "phash":
                other |= {"algorithm": "phash", "hash": value}
            elif relation == "phash-version":
                other["version"] = _whole(value)
            else:
                self._passed.add(relation)
        if "hash" in other:
            several["hashes"].append(other)
        read = {**record, **several}
        return _with_event(read, found, gone, event), hashes_of_short(read)


def _rows_of(number: int, entries: list[Entry]) -> Iterator[ListRow]:
    for record, hashes in entries:
        try:
            yield number, item_of(record, hashes)
        except LineError as refused:
            if record.get("retracted") and record.get("record"):  # its id is enough
                yield number, withdrawal_of(record)
            else:
                yield BadLine(number, str(refused))


def _files(digests: list[JsonObject]) -> list[list[JsonObject]]:
    """The attributes of each file: all are of one, unless an algorithm comes twice."""
    kinds = {_DIGESTS[str(each.get("type"))] for each in digests}
    return [digests] if len(kinds) == len(digests) else [[each] for each in digests]


def _size(inside: list[JsonObject]) -> int | None:
    sizes = [
        each.get("value") for each in inside if each.get("type") == "size-in-bytes" and not yes(each.get("deleted"))
    ]
    return _whole(sizes[-1]) if sizes else None


def _said(event: Event, found: JsonObject, attributes: list[JsonObject], gone: Withdrawal | None) -> dict[str, object]:
    """What an object, its attributes and the event around them say about an entry. found: may be the only attribute.

    Attributes of our own objects that identify no file count for its marks only if they are marked themselves.
    """
    about = _about(found, attributes)
    names = [*(name for each in about for name in tags(each)), *event.tags]
    comments = (each.get("comment") for each in about)
    stamps = [moment_of(each.get("timestamp")) for each in about] + ([gone.at] if gone else [])
    inner: list[tuple[JsonObject, ...]] = [(found, each) for each in about[1:] if not _is_aside(each)] or [(found,)]
    said: dict[str, object] = {
        "labels": list(dict.fromkeys(name for name in names if not is_tlp(name))),
        "tlp": strictest(*(mark(event, *levels) for levels in inner)),
        "source": event.source,
        "changed": max(filter(None, stamps), default=None),
        "note": next((comment for comment in comments if isinstance(comment, str) and comment), None),
        "opinions": disputes(event, about),
        "expires": expires(event, about),
        "record": _record_of(found),
    }
    if gone:
        said |= {"retracted": gone.at or said["changed"] or NO_DATE, "retraction_reason": gone.reason}
    return said


def _about(found: JsonObject, attributes: list[JsonObject]) -> list[JsonObject]:
    """An object and its attributes, or a single attribute once."""
    return [found, *(each for each in attributes if each is not found)]


def _is_aside(attribute: JsonObject) -> bool:
    relation = str(attribute.get("object_relation"))
    aside = relation in template()["attributes"] and relation not in IDENTIFYING
    return aside and not is_limited(attribute) and not any(map(is_mark, tags(attribute)))


def _record_of(found: JsonObject) -> str | None:
    uuid = text("uuid", found.get("uuid"), 100)
    return f"misp:{uuid.lower()}" if uuid else None


def _with_event(record: dict[str, object], found: JsonObject, gone: bool, event: Event) -> dict[str, object]:
    """Adds to one of our entries what the holder of the event has said about it since it was written."""
    attributes = _attributes(found)
    wrong = called_wrong(event, [found, *attributes]) or _switched_off(record, attributes)
    said = _said(event, found, attributes, wrong)
    written = latest(*(moment(key, record.get(key)) for key in ("added", "changed", "retracted")))
    later = max(filter(None, (moment_of(found.get("timestamp")), wrong.at if wrong else None)), default=None)
    if later and int(timestamp(later)) > int(timestamp(written)):
        record["changed"] = later
    if not record.get("retracted") and (gone or wrong):
        record["retracted"] = (wrong and wrong.at) or later or written
        if wrong and not gone:
            record["retraction_reason"] = wrong.reason
    for key in ("labels", "opinions"):
        own, more = (each if isinstance(each, list) else [] for each in (record[key], said[key]))
        record[key] = [*own, *(each for each in more if each not in own)]
    record["tlp"] = said["tlp"]
    for key in ("source", "note", "expires"):
        record.setdefault(key, said[key])
    return record


def _switched_off(record: dict[str, object], attributes: list[JsonObject]) -> Withdrawal | None:
    """Whether somebody has switched off all digests of an entry that we write with them on."""
    opinions = record.get("opinions")
    own = [each for each in opinions if isinstance(each, dict)] if isinstance(opinions, list) else []
    wrong = any(each.get("opinion") == "false-positive" and not each.get("source") for each in own)
    digests = [each for each in attributes if str(each.get("object_relation")) in ("md5", "sha1", "sha256")]
    if record.get("allow") or wrong or not digests or not all(map(not_for_detection, digests)):
        return None
    return dropped(digests[0])


def _is_ours(found: JsonObject) -> bool:
    return bool(found.get("template_uuid") == template()["uuid"] or found.get("name") == template()["name"])


def _attributes(found: JsonObject) -> list[JsonObject]:
    attributes = found.get("Attribute")
    return [each for each in attributes if isinstance(each, dict)] if isinstance(attributes, list) else []


def _value(key: str, value: str) -> object:
    """Converts an attribute's text to the type that a record has under this key."""
    if key == "allow":
        return yes(value)
    if key == "duration":
        try:
            return float(value)
        except ValueError:
            raise LineError(
                _("{field} is not a number of seconds: {value}").format(field=key, value=snippet(value))
            ) from None
    return _whole(value) if key in _WHOLE else value


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, int):
        return value
    raise LineError(_("not a whole number: {value}").format(value=snippet(value)))

"""Reads MISP events as list entries: objects with our own template, and digests in any other objects and attributes.

What an event says about its whole content (its tags, its organisation) may come after that content, so a list is read
twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, moment, snippet, text, tlp
from hashmatch.exchange.formats.misp_objects import IDENTIFYING, OF_JSON, SEVERAL, SINGLE, template, timestamp
from hashmatch.exchange.json_items import hashes_of_short, item_of, latest
from hashmatch.exchange.json_reading import JsonObject, JsonPath, parse_object, parse_value, placed_records
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.skipped_kinds import SkippedKinds
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, LineRemark, Tlp, strictest

#: Where events are: in a file, in a response from MISP, or in a list. Some responses have only attributes or objects.
_EVENTS: tuple[JsonPath, ...] = (("Event",), ("response", "*", "Event"), ("*", "Event"), ("response", "Event"))
_BASES = (*_EVENTS, ("response",), ())

_ORGANISATIONS = tuple((*base, "Orgc") for base in _EVENTS)
_TAGS = tuple((*base, "Tag", "*") for base in _EVENTS)
_ATTRIBUTES = tuple((*base, "Attribute", "*") for base in _BASES)
_OBJECTS = (*((*base, "Object", "*") for base in _BASES), ("response", "*", "Object"))

#: How many tags of events are kept.
_HELD_MAX = 1000

#: Types of attributes that contain a digest, alone or after a file name.
_DIGESTS = {kind: kind for kind in ("md5", "sha1", "sha256")}
_DIGESTS |= {f"filename|{kind}": kind for kind in ("md5", "sha1", "sha256")} | {"malware-sample": "md5"}
_OTHER_DIGESTS = ("sha224", "sha384", "sha512", "ssdeep", "tlsh", "imphash", "vhash", "authentihash", "pehash")

_WHOLE = frozenset({"size", "width", "height", "pdq_quality", "pdq_version"})


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Yields entries one after another. The stream is read twice, so it must be seekable."""
    start = stream.tell()
    events = _Events()
    events.gather(stream)
    stream.seek(start)
    yield from _Reader(events).read(stream)


class _Events:
    """What the events in a list say about everything in them.

    If a list has several events, their parts cannot be told apart. Only what is true of all events counts then, and the
    strictest of their marks.
    """

    def __init__(self) -> None:
        self._tags = dict[str, None]()
        self._names = set[str]()
        self._count = 0
        self.tlp: Tlp | None = None

    def gather(self, stream: BinaryIO) -> None:
        for row in placed_records(stream, *_ORGANISATIONS, *_TAGS):
            if isinstance(row, BadLine):
                continue
            _number, found, place = row
            name = found.get("name")
            if place in _ORGANISATIONS:
                self._count += 1
                if isinstance(name, str) and len(self._names) < 2:
                    self._names.add(name)
            elif isinstance(name, str):
                self.tlp = strictest(self.tlp, _mark(name))
                if len(self._tags) < _HELD_MAX:
                    self._tags[name] = None

    @property
    def source(self) -> str | None:
        return next(iter(self._names)) if len(self._names) == 1 else None

    @property
    def labels(self) -> list[str]:
        return [] if self._count > 1 else [name for name in self._tags if not _is_mark(name)]

    def remark(self) -> Iterator[LineRemark]:
        if self._count > 1:
            message = _(
                "{count} events in one list: every entry gets the strictest of their TLP marks and none of their tags"
            )
            yield LineRemark(1, message.format(count=self._count))


class _Reader:
    def __init__(self, events: _Events) -> None:
        self._events = events
        self._passed = SkippedKinds()
        self._unused = SkippedKinds()
        self._unwanted = 0

    def read(self, stream: BinaryIO) -> Iterator[ListRow]:
        number = 1
        for row in placed_records(stream, *_ATTRIBUTES, *_OBJECTS):
            if isinstance(row, BadLine):
                yield row
                continue
            number, found, place = row
            try:
                if place in _ATTRIBUTES:
                    entries = list(self._of_attributes(found, [found]))
                elif _is_ours(found):
                    entries = [self._of_ours(found)]
                else:
                    entries = list(self._of_attributes(found, _attributes(found)))
            except LineError as refused:
                yield BadLine(number, str(refused))
                continue
            for record, hashes in entries:
                try:
                    yield number, item_of(record, hashes)
                except LineError as refused:
                    yield BadLine(number, str(refused))
        yield from self._events.remark()
        yield from self._summary(number)

    def _summary(self, last: int) -> Iterator[LineRemark]:
        if self._unwanted:
            message = _("digests skipped because they are not meant for detection (to_ids): {count}")
            yield LineRemark(last, message.format(count=self._unwanted))
        if self._unused:
            yield LineRemark(last, _("digests of other kinds are skipped: {kinds}").format(kinds=self._unused))
        if self._passed:
            message = _("attributes without a digest are skipped: {kinds}")
            yield LineRemark(last, message.format(kinds=self._passed))

    def _of_attributes(
        self, found: JsonObject, attributes: Iterable[JsonObject]
    ) -> Iterator[tuple[dict[str, object], tuple[Hash, ...]]]:
        """Yields the entries of an object with another template, or of a single attribute."""
        named = list[tuple[str, str, bool]]()
        size: int | None = None
        about = [found]
        for each in attributes:
            kind = str(each.get("type"))
            if kind == "size-in-bytes":
                size = _whole(each.get("value"))
            elif kind not in _DIGESTS:
                other = kind.removeprefix("filename|") in _OTHER_DIGESTS
                (self._unused if other else self._passed).add(kind)
            elif each.get("to_ids") in (False, 0, "0"):
                self._unwanted += 1
            else:
                value = text("value", each.get("value")) or ""
                named.append((_DIGESTS[kind], value.rpartition("|")[2].strip(), _yes(each.get("deleted"))))
                about.append(each)
        if not named:
            return
        said = self._said(about)
        gone = _yes(found.get("deleted"))
        one_file = len({kind for kind, _value, _gone in named}) == len(named) and len({each[2] for each in named}) == 1
        groups = [named] if one_file else [[each] for each in named]
        for group in groups:
            record: dict[str, object] = {**said, **{kind: value for kind, value, _gone in group}}
            if one_file:
                record["size"] = size
            if gone or group[0][2]:
                record["retracted"] = said["changed"] or "1970-01-01"
            yield record, ()

    def _said(self, about: list[JsonObject]) -> dict[str, object]:
        """What objects and attributes, and the event around them, say about an entry."""
        tags = [name for each in about for name in _tags(each)]
        comments = (each.get("comment") for each in about)
        return {
            "labels": list(dict.fromkeys([*(name for name in tags if not _is_mark(name)), *self._events.labels])),
            "tlp": strictest(self._events.tlp, *map(_mark, tags)),
            "source": self._events.source,
            "changed": max(filter(None, (_moment(each.get("timestamp")) for each in about)), default=None),
            "note": next((comment for comment in comments if isinstance(comment, str) and comment), None),
        }

    def _of_ours(self, found: JsonObject) -> tuple[dict[str, object], tuple[Hash, ...]]:
        attributes = _attributes(found)
        live = [each for each in attributes if not _yes(each.get("deleted"))]
        gone = _yes(found.get("deleted")) or not any(str(each.get("object_relation")) in IDENTIFYING for each in live)
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
        return self._with_event({**record, **several}, found, attributes, gone), hashes_of_short({**record, **several})

    def _with_event(
        self, record: dict[str, object], found: JsonObject, attributes: list[JsonObject], gone: bool
    ) -> dict[str, object]:
        """Adds to one of our entries what the holder of the event has said about it since it was written."""
        said = self._said([found, *attributes])
        written = latest(*(moment(key, record.get(key)) for key in ("added", "changed", "retracted")))
        later = _moment(found.get("timestamp"))
        if later and int(timestamp(later)) > int(timestamp(written)):
            record["changed"] = later
        if gone and not record.get("retracted"):
            record["retracted"] = later or written
        labels = record["labels"] if isinstance(record["labels"], list) else []
        more = said["labels"] if isinstance(said["labels"], list) else []
        record["labels"] = [*labels, *(label for label in more if label not in labels)]
        record["tlp"] = said["tlp"]
        record.setdefault("source", said["source"])
        record.setdefault("note", said["note"])
        return record


def _is_ours(found: JsonObject) -> bool:
    return bool(found.get("template_uuid") == template()["uuid"] or found.get("name") == template()["name"])


def _attributes(found: JsonObject) -> list[JsonObject]:
    attributes = found.get("Attribute")
    return [each for each in attributes if isinstance(each, dict)] if isinstance(attributes, list) else []


def _tags(found: JsonObject) -> list[str]:
    tags = found.get("Tag")
    names = [each.get("name") for each in tags if isinstance(each, dict)] if isinstance(tags, list) else []
    return [name for name in names if isinstance(name, str) and name]


def _is_mark(name: str) -> bool:
    return name.lower().startswith("tlp:")


def _mark(name: str) -> Tlp | None:
    """The TLP mark of a tag; None if the tag is not a mark of TLP 2.0, such as tlp:ex:chr."""
    try:
        return tlp(name) if _is_mark(name) else None
    except LineError:
        return None


def _yes(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")


def _value(key: str, value: str) -> object:
    """Converts an attribute's text to the type that a record has under this key."""
    if key == "allow":
        return _yes(value)
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


def _moment(value: object) -> str | None:
    """The date of a timestamp; None if it is not a valid one."""
    try:
        seconds = int(value) if isinstance(value, (int, str)) else 0
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None

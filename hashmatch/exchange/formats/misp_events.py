"""Finds attributes and objects in MISP documents, and what the event around them says: organisation, tags, distribution.

What an event says may come after its content, so a document is read twice: `Events.gather` first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from hashmatch.exchange.json_reading import JsonObject, JsonPath, placed_records
from hashmatch.exchange.tlp_words import UNREADABLE, tlp_called, tlp_in
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, Tlp, strictest

#: Where events are: in a file, in an answer from MISP, or in a list, each with or without the key "Event".
_BASES: tuple[JsonPath, ...] = (
    *((), ("Event",), ("*",), ("*", "Event")),
    *(("response",), ("response", "Event"), ("response", "*"), ("response", "*", "Event")),
)
#: Where an attribute or an object may stand without its key.
_ALONE: tuple[JsonPath, ...] = ((), ("*",), ("response", "*"))
_PARTS = tuple((*base, *part) for base in _BASES for kind in ("Attribute", "Object") for part in ((kind,), (kind, "*")))

#: What an event says about itself, with what it is written in.
_RECORDS: dict[JsonPath, str] = {
    **{(*base, kind): kind for base in _BASES for kind in ("Orgc", "SharingGroup")},
    **{(*base, *tags): "Tag" for base in _BASES for tags in (("Tag", "*"), ("EventTag", "*", "Tag"))},
}
_VALUES: dict[JsonPath, str] = {
    **{(*base, key): key for base in _BASES for key in ("distribution", "sharing_group_id", "timestamp")},
    **{(*base, "Tag", "*"): "Tag" for base in _BASES},
}

#: How many facts about events are kept, and how many tags of one event.
HELD_MAX = 100_000
_TAGS_MAX = 1000

#: Values of `distribution` that let an entry go beyond the organisation and a sharing group, or leave it to the event.
_OPEN = frozenset((None, "", "1", "2", "3", "5"))
_NO_GROUP = frozenset((None, "", "0"))

_MARK = re.compile(r"\s*(?:tlp|pap)\s*[:=]", re.IGNORECASE)
#: Tags of other taxonomies that name a TLP mark.
_ALSO_TLP = "ais-marking:tlpmarking"
_PAP_OPEN = re.compile(r"\s*pap\s*[:=]\s*[\"']?(?:white|clear)\b", re.IGNORECASE)


@dataclass(slots=True)
class Event:
    """What an event says about everything in it.

    limited: its distribution keeps it with one organisation or group.
    at_least: how strict everything in it is at least, whatever it says.
    """

    source: str | None = None
    organisation: str | None = None
    tags: dict[str, None] = field(default_factory=dict)
    limited: bool = False
    timestamp: object = None
    at_least: Tlp | None = None

    def add(self, kind: str, found: Mapping[str, object]) -> None:
        """Takes in one fact: an object that belongs to the event, or {key: value} of one of its own values."""
        if kind == "Orgc":
            self.source, self.organisation = (_text(found.get(key)) for key in ("name", "uuid"))
        elif kind == "SharingGroup":
            self.limited = True
        elif kind == "Tag":
            for name in filter(None, (_text(found.get(key)) for key in ("name", "*"))):
                if len(self.tags) < _TAGS_MAX or is_mark(name):
                    self.tags[name] = None
        elif kind == "timestamp":
            self.timestamp = found[kind]
        else:
            self.limited |= is_limited(found)

    @classmethod
    def of(cls, found: JsonObject) -> Event:
        """The event that an answer of MISP repeats beside a single attribute."""
        event = cls(limited=is_limited(found), timestamp=found.get("timestamp"))
        organisation = found.get("Orgc")
        if isinstance(organisation, dict):
            event.add("Orgc", organisation)
        for name in tags(found):
            event.add("Tag", {"name": name})
        return event


#: What is said where nothing surrounds an attribute or object.
_NO_EVENT = Event()


class Events:
    """The events of a document, by their numbers in it; 0 stands for none."""

    def __init__(self) -> None:
        self._events = dict[int, Event]()
        self._held = 0
        self._doubtful = set[int]()

    def gather(self, stream: BinaryIO) -> None:
        number = 0
        for row in _rows(stream, _RECORDS):
            if isinstance(row, BadLine):
                self._doubtful |= {0, number}
                continue
            _number, found, place = row
            if _begins(found, place):
                number += 1
                if self._doubtful and place[-1:] != ("Event",) and len(self._doubtful) <= HELD_MAX:
                    self._doubtful.add(number)  # it may be what is left of a damaged one
            elif kind := _RECORDS.get(place) or _VALUES.get(place):
                self._held += 1
                if self._held <= HELD_MAX:
                    self._events.setdefault(number, Event()).add(kind, found)

    def at(self, number: int) -> Event:
        """The event of this number. Where we have not read all that events say, nothing goes further than is safe."""
        event = self._events.get(number, _NO_EVENT)
        doubtful = number in self._doubtful or max(self._held, len(self._doubtful)) > HELD_MAX
        return replace(event, at_least=UNREADABLE) if doubtful else event

    def remarks(self) -> Iterator[LineRemark]:
        if max(self._held, len(self._doubtful)) > HELD_MAX:
            message = _(
                "more than {most} facts about events: the rest are ignored, and all is TLP:AMBER+STRICT at least"
            )
            yield LineRemark(1, message.format(most=HELD_MAX))
        elif self._doubtful:
            yield LineRemark(1, _("what is in a damaged event is TLP:AMBER+STRICT at least"))


def _begins(found: JsonObject, place: JsonPath) -> bool:
    """Whether an event begins here, or something that could be one."""
    return not found and place in _BASES


def parts(stream: BinaryIO) -> Iterator[tuple[int, JsonObject, str, int] | BadLine]:
    """Yields attributes and objects: each with its number from 1, "Attribute" or "Object", and its event's number."""
    event = 0
    for row in _rows(stream, _PARTS):
        if isinstance(row, BadLine):
            yield row
            continue
        number, found, place = row
        if _begins(found, place):
            event += 1
        elif place in _PARTS:
            yield from _whole(number, found, "Object" if "Object" in place[-2:] else "Attribute", event)
        elif place in _ALONE:
            yield number, found, "Attribute" if "type" in found else "Object", 0


def _rows(stream: BinaryIO, places: Collection[JsonPath]) -> Iterator[tuple[int, JsonObject, JsonPath] | BadLine]:
    yield from placed_records(stream, *places, *_ALONE, is_record=_is_part, told=(*_BASES, *_VALUES))


def _is_part(place: JsonPath, keys: Collection[str]) -> bool:
    """Whether something is an attribute or an object, and not an event."""
    if place[-1:] in (("Attribute",), ("Object",)):
        return True
    attribute = "type" in keys and ("value" in keys or "deleted" in keys) and "info" not in keys
    return attribute or (("template_uuid" in keys or "meta-category" in keys) and "info" not in keys)


def _whole(number: int, found: JsonObject, kind: str, event: int) -> Iterator[tuple[int, JsonObject, str, int]]:
    """Yields a part; or, where a document breaks off and the next one follows, the parts of the next one."""
    if "type" in found or found.keys().isdisjoint(("Event", "response")):
        yield number, found, kind, event
        return
    for each in _events_in(found):
        for key in ("Attribute", "Object"):
            yield from ((number, {**part, "Event": each}, key, 0) for part in _objects(each.get(key)))


def _events_in(found: JsonObject) -> Iterator[JsonObject]:
    for each in (found, *_objects(found.get("response"))):
        inner = each.get("Event")
        if isinstance(inner, dict):
            yield inner


def _objects(value: object) -> list[JsonObject]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]


def is_limited(found: Mapping[str, object]) -> bool:
    """Whether `distribution` keeps an event, object or attribute with one organisation or sharing group.

    So does a value that we do not know.
    """
    distribution, group = (found.get(key) for key in ("distribution", "sharing_group_id"))
    return (
        not _among(distribution, _OPEN) or not _among(group, _NO_GROUP) or isinstance(found.get("SharingGroup"), dict)
    )


def _among(value: object, known: Collection[object]) -> bool:
    return value is None or str(value).strip() in known


def tags(found: JsonObject) -> list[str]:
    """The names of the tags of an event, object or attribute."""
    names = list[str]()
    for key in ("Tag", "AttributeTag", "EventTag"):
        listed = found.get(key)
        for each in listed if isinstance(listed, list) else ():
            inner = each.get("Tag", each) if isinstance(each, dict) else each
            name = inner.get("name") if isinstance(inner, dict) else inner
            if isinstance(name, str) and name:
                names.append(name)
    return names


def is_mark(name: str) -> bool:
    """Whether a tag limits who may have an entry, or what they may do with it."""
    return bool(_MARK.match(name)) or name.lower().startswith(_ALSO_TLP)


def is_tlp(name: str) -> bool:
    return is_mark(name) and not name.strip().lower().startswith("pap")


def mark(event: Event, *levels: JsonObject) -> Tlp | None:
    """How far an entry may go, by tags and distribution of its event, object and attribute, from the outside in.

    A TLP tag decides for everything at its level and around it: whoever set it knew the distribution there. What is
    narrower further inside counts as well. Without a TLP tag, a distribution to one organisation or group, a mark that
    we cannot read, and PAP (which limits what a recipient may do) all mean TLP:AMBER+STRICT.

    levels: an object and one of its attributes, or an attribute alone.
    """
    said, limited = event.at_least, False
    for is_narrow, names in ((event.limited, event.tags), *((is_limited(each), tags(each)) for each in levels)):
        marks = [name for name in names if is_mark(name)]
        tlp = strictest(*map(_tlp_of, marks))
        said = strictest(said, tlp)
        limited = tlp is None and (limited or is_narrow or any(not _PAP_OPEN.match(name) for name in marks))
    return strictest(said, UNREADABLE if limited else None)


def _tlp_of(name: str) -> Tlp | None:
    """The TLP mark of a tag: tlp:red, TLP:RED, tlp:"red"; None if it is not one of TLP, such as tlp:ex:chr."""
    return (tlp_called(name) or tlp_in(name)) if is_tlp(name) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

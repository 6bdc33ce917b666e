"""Finds the objects in a STIX document, and gathers what they say about each other: names, markings and opinions.

This happens before the entries are read, since a bundle has no order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from hashmatch.exchange.formats.stix_objects import EXTENSION, TLP_EXTENSION, TLP_MARKINGS, VERDICTS
from hashmatch.exchange.json_reading import JsonObject, JsonPath, placed_records
from hashmatch.exchange.tlp_words import UNREADABLE, tlp_called, tlp_in
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, Tlp, strictest

#: Where objects are: in a bundle or a TAXII envelope, alone (perhaps one a line), or in a list of any of these.
_PATHS = (("objects", "*"), (), ("*", "objects", "*"), ("*",))

#: How many identities, markings and opinions are kept; a hostile bundle could have any number.
HELD_MAX = 100_000

_ID_MAX = 200

#: TLP 1, as STIX 2.1 itself defines it (section 7.2.1.4).
_TLP1_MARKINGS: dict[str, Tlp] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}


def objects(stream: BinaryIO) -> Iterator[tuple[int, JsonObject] | BadLine]:
    """Yields the STIX objects in a document, or in several joined ones, each with its number from 1."""
    for row in placed_records(stream, *_PATHS, is_record=_is_object):
        if isinstance(row, BadLine):
            yield row
            continue
        number, found, _place = row
        inner = found.get("objects")
        if isinstance(inner, list):  # a bundle after one that breaks off
            yield from ((number, each) for each in inner if isinstance(each, dict))
        elif "type" in found or "more" not in found:  # not an empty TAXII envelope
            yield number, found


def _is_object(_place: JsonPath, keys: Collection[str]) -> bool:
    """Whether this is an object and not a bundle. Observed data of STIX 2.0 contains objects, too."""
    return "objects" not in keys or "first_observed" in keys or "number_observed" in keys


_DENIES = re.compile(r"\b(?:no|not|non|never|without|except|unless|until|before|instead|only)\b", re.IGNORECASE)


class BundleContext:
    """What a bundle says about its entries in other objects."""

    def __init__(self) -> None:
        self.tlp: dict[str, Tlp | None] = {**{mark: tlp for tlp, mark in TLP_MARKINGS.items()}, **_TLP1_MARKINGS}
        self.names = dict[str, str]()
        self.opinions = dict[str, list[Mapping[str, object]]]()
        self.last = 0
        self._held = 0
        self._unknown = set[str]()

    def gather(self, stream: BinaryIO) -> None:
        for row in objects(stream):
            if isinstance(row, tuple):
                self.last = row[0]
                if self._held <= HELD_MAX:
                    self._look_at(row[1])

    def _look_at(self, found: Mapping[str, object]) -> None:
        name = found.get("id")
        if not isinstance(name, str) or len(name) > _ID_MAX:
            return
        kind = found.get("type")
        if kind == "identity" and isinstance(found.get("name"), str):
            self.names[name] = str(found["name"])
            self._held += len(self.names[name]) // 500
        elif kind == "marking-definition" and name not in self.tlp:
            self.tlp[name] = _tlp_of(found)
        elif kind == "opinion" and extension(found).get("entry") is not True:
            keys = ("opinion", "created_by_ref", "modified", "explanation", "revoked")
            opinion = {key: found[key] for key in keys if key in found} | {"author": extension(found).get("author")}
            for target in [each for each in _list(found.get("object_refs")) if isinstance(each, str)][:1000]:
                self.opinions.setdefault(target[:_ID_MAX], []).append(opinion)
                self._held += 1 + len(str(opinion)) // 500
        else:
            return
        self._held += 1

    def remarks(self) -> list[LineRemark]:
        """Remarks to make once all entries have been read."""
        found = []
        if self._held > HELD_MAX:
            message = _("more than {most} identities, markings and opinions: the rest are ignored")
            found.append(LineRemark(self.last, message.format(most=HELD_MAX)))
        if self.opinions:
            message = _("objects whose opinions are skipped because they are not entries or not in this list: {count}")
            found.append(LineRemark(self.last, message.format(count=len(self.opinions))))
        return found

    def source(self, found: Mapping[str, object]) -> str | None:
        return self.names.get(str(found.get("created_by_ref")))

    def mark(self, found: Mapping[str, object]) -> Tlp | None:
        """The strictest TLP mark on an object or any part of it. Other markings count only where there is none."""
        marks = _marks(found)
        known = strictest(*(self.tlp.get(mark) or tlp_in(mark) for mark in marks), *map(tlp_in, _said_in_labels(found)))
        return known or (UNREADABLE if marks else None)

    def unknown_mark(self, found: Mapping[str, object]) -> str | None:
        """A marking of an object that is not a TLP mark, unless it was returned before."""
        for mark in _marks(found):
            if self.tlp.get(mark) is None and mark not in self._unknown and len(self._unknown) < 100:
                self._unknown.add(mark)
                return mark
        return None

    def opinions_on(self, found: Mapping[str, object]) -> list[dict[str, object]]:
        """The opinions on an object, in the form of our records. Each is returned only once."""
        gathered = self.opinions.pop(str(found.get("id")), ())
        given = list[dict[str, object]]()
        for each in gathered:
            verdict = VERDICTS.get(each.get("opinion")) if isinstance(each.get("opinion"), str) else None
            if verdict is None or each.get("revoked") is True:
                continue
            author = each.get("created_by_ref")
            own = author is not None and author == found.get("created_by_ref")
            # An opinion without an author must not pass for one of the entry's own source.
            source = None if own else self.source(each) or (author if isinstance(author, str) else "unknown")
            record: dict[str, object] = {"opinion": verdict, "source": source}
            record |= {"at": each.get("modified"), "reason": each.get("explanation"), "author": each["author"]}
            given.append(record)
        return given


def extension(found: Mapping[str, object]) -> Mapping[str, object]:
    """Our own extension in an object; empty if it has none."""
    extensions = found.get("extensions")
    own = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return own if isinstance(own, dict) else {}


def _tlp_of(found: Mapping[str, object]) -> Tlp | None:
    """The TLP mark (1 or 2) of a marking that somebody has defined on their own; None if it is not a TLP mark.

    Programs write it in many ways: by the extension for TLP 2, as definition {"tlp": "red"} or {"TLP": "RED"}, in the
    words of a statement, or in the name alone.
    """
    extensions, definition, name = found.get("extensions"), found.get("definition"), found.get("name")
    own = extensions.get(TLP_EXTENSION) if isinstance(extensions, dict) else None
    marks = [tlp_called(own.get("tlp_2_0") if isinstance(own, dict) else None), tlp_in(name)]
    if str(found.get("definition_type")).lower().startswith("tlp"):
        marks.append(tlp_called(name))
    for key, value in list(definition.items())[:100] if isinstance(definition, dict) else ():
        marks.append(tlp_called(value) if key.lower().startswith("tlp") else _tlp_of_statement(value))
    return strictest(*marks)


def _tlp_of_statement(words: object) -> Tlp | None:
    """The TLP mark that a statement names. One that also says what is not so may mean anything."""
    found = tlp_in(words)
    return strictest(found, UNREADABLE) if found and _DENIES.search(str(words)) else found


def _marks(found: Mapping[str, object]) -> list[str]:
    of_parts = [each.get("marking_ref") for each in _list(found.get("granular_markings")) if isinstance(each, dict)]
    return [str(each)[:_ID_MAX] for each in (*_list(found.get("object_marking_refs")), *of_parts) if each]


def _said_in_labels(found: Mapping[str, object]) -> list[object]:
    """Labels, where programs that know no markings put TLP tags. Ours never do."""
    labels = [] if extension(found) else _list(found.get("labels"))
    return [label for label in labels if str(label)[:4].lower() == "tlp:"]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if value else []

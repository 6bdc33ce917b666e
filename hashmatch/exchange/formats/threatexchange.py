"""The `threatexchange` format, read only: JSON pages of ThreatExchange's threat_updates and threat_descriptors APIs.

These APIs also serve GIFCT's hash-sharing database. One file may have several pages in a row, or a bare array of the same
records:

    {"data": [{"id", "indicator", "type": "HASH_PDQ", "last_updated": seconds, "creation_time", "should_delete", "tags",
               "descriptors": {"data": [{"id", "owner": {"id", "name"}, "status", "tags", "confidence": 0-100, "description",
                                         "review_status", "share_level", "added_on", "last_updated",
                                         "reactions": [{"key": "DISAGREE_WITH_TAGS", "value": "<app>,<app>"}]}]}}],
     "paging": {...}}

A descriptor is what one member says about an indicator: MALICIOUS confirms it, NON_MALICIOUS calls it a false positive, and
any other status leaves it open. Reactions come from members without a descriptor. If there is one owner, its opinion is the
entry's own. If there are several, each keeps its opinion under its name; if they all agree, that is also the entry's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, exact_instant, instant, snippet, text, whole, yes
from hashmatch.exchange.formats.partners import (
    MEMBERS_ONLY,
    SignalMeaning,
    hashed,
    known_mark,
    labels_and_tlp,
    read_document,
    withdrawal,
    withdrawn,
)
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.i18n import _
from hashmatch.records import ListItem, Opinion, Tlp, Verdict, strictest

_PLACES = (("data", "*"), ("*",))
_START = re.compile(rb"\s*[\[{]")
_TELLING = re.compile(rb'"(?:(?:raw_)?indicator|should_delete)"\s*+:')

_MEANT: dict[str, SignalMeaning] = {
    "HASH_PDQ": ("pdq", "image"),
    "HASH_MD5": ("md5", None),
    "HASH_SHA1": ("sha1", None),
    "HASH_SHA256": ("sha256", None),
    "HASH_VIDEO_MD5": ("md5", "video"),
    "HASH_VIDEO_SHA256": ("sha256", "video"),
}
#: ThreatExchange's label for a digest of a video whose type does not say so.
_OF_VIDEO = "media_type_video"

_STATUS: dict[str, Verdict] = {"MALICIOUS": "confirmed", "NON_MALICIOUS": "false-positive"}
#: The privacy of what all members of ThreatExchange may see. Others are HAS_PRIVACY_GROUP and HAS_WHITELIST. Source:
#: https://developers.facebook.com/docs/threat-exchange/reference/apis/privacy-type
_VISIBLE = "VISIBLE"
#: If a member has reacted in several ways, the first of these counts.
_REACTIONS: dict[str, Verdict] = {
    "HELPFUL": "confirmed",
    "NON_MALICIOUS": "false-positive",
    "DISAGREE_WITH_TAGS": "disputed",
}


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """What one member says. owner: its name, or else its number. number: None if the API hides the owner."""

    owner: str | None
    number: str | None
    verdict: Verdict | None
    added: str | None
    at: str | None
    tags: tuple[str, ...]
    tlp: Tlp | None
    confidence: int | None
    notes: tuple[str, ...]
    reactions: tuple[tuple[str, str], ...]


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_document(stream, _PLACES, _item)


def _item(record: dict[str, object]) -> ListItem:
    if "raw_indicator" in record and "descriptors" not in record:  # a descriptor on its own, from threat_descriptors
        record = {
            "indicator": record["raw_indicator"],
            "type": record.get("type"),
            "id": record.get("id"),
            "last_updated": record.get("last_updated"),
            "should_delete": record.get("should_delete"),
            "descriptors": {"data": [record]},
        }
    number = _record(record.get("id"))
    changed = exact_instant("last_updated", record.get("last_updated"))
    # The API has been seen to return deleted entries without descriptors (ThreatExchange issue 834).
    if yes("should_delete", record.get("should_delete")) or "descriptors" not in record:
        item = withdrawal(number, lambda: _hashed(record))
        retracted = withdrawn(changed)
        return replace(item, changed=changed, record=number, retracted=retracted, retraction_reason="should_delete")
    item = _hashed(record)
    descriptors = [_descriptor(each) for each in _objects("descriptors", record["descriptors"])]
    changed = changed or max(filter(None, (each.at for each in descriptors)), default=None)
    tags = [*_tags(record.get("tags")), *(tag for each in descriptors for tag in each.tags)]
    labels, tlp = labels_and_tlp(tags)
    added = [instant("creation_time", record.get("creation_time")), *(each.added for each in descriptors)]
    return replace(
        item,
        kind=item.kind or ("video" if _OF_VIDEO in labels else None),
        labels=labels,
        tlp=strictest(tlp, *(each.tlp for each in descriptors)),
        changed=changed,
        record=number,
        added=min(filter(None, added), default=None),
        source=descriptors[0].owner if len(descriptors) == 1 else None,
        opinions=tuple(_opinions(descriptors, changed)),
        note="\n".join(note for each in descriptors for note in _notes(each)) or None,
    )


def _hashed(record: Mapping[str, object]) -> ListItem:
    kind_of_hash = text("type", record.get("type"), 64)
    if kind_of_hash is None:
        raise LineError(_("the entry has no {field}").format(field="type"))
    return hashed(_MEANT.get(kind_of_hash.upper()), kind_of_hash, record.get("indicator"))


def _record(number: object) -> str | None:
    is_number = isinstance(number, (str, int)) and str(number).isalnum() and len(str(number)) <= 64
    return f"threatexchange:{number}" if is_number else None


def _listed(field: str, value: object) -> list[object]:
    """The items of a list, which may be under the key "data". None counts as an empty list."""
    inner = value.get("data") if isinstance(value, dict) else value
    if not isinstance(inner, list | None):
        raise LineError(_("{field} is not a list: {value}").format(field=field, value=snippet(inner)))
    return inner or []


def _objects(field: str, value: object) -> Iterator[dict[str, object]]:
    for each in _listed(field, value):
        if not isinstance(each, dict):
            raise LineError(_("{field} is not a list of objects").format(field=field))
        yield each


def _tags(value: object) -> Iterator[str]:
    """Yields tags, which are texts or objects with a text."""
    for each in _listed("tags", value):
        tag = text("tags", each.get("text") if isinstance(each, dict) else each)
        if tag:
            yield tag


def _descriptor(record: Mapping[str, object]) -> _Descriptor:
    owner = record.get("owner")
    number = name = None
    if isinstance(owner, dict):
        number, name = _number(owner.get("id")), text("owner", owner.get("name"))
    status = text("status", record.get("status"), 64) or ""
    added = instant("added_on", record.get("added_on"))
    notes = (text(field, record.get(field)) for field in ("description", "review_status"))
    return _Descriptor(
        owner=name or number,
        number=number,
        verdict=_STATUS.get(status.upper()),
        added=added,
        at=exact_instant("last_updated", record.get("last_updated")) or added,
        tags=tuple(_tags(record.get("tags"))),
        tlp=_tlp(record.get("share_level"), record.get("privacy_type")),
        confidence=whole("confidence", record.get("confidence"), 100),
        notes=tuple(filter(None, notes)),
        reactions=tuple(_reactions(record.get("reactions"))),
    )


def _number(value: object) -> str | None:
    """A member's number, which may come as text or as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text("id", value, 64)


def _tlp(share_level: object, privacy_type: object) -> Tlp | None:
    """The TLP mark of a descriptor; None if it says nothing about how far it may go.

    Share levels are TLP marks; another one, and what not all members may see, is for nobody else.
    """
    level, privacy = text("share_level", share_level, 64), text("privacy_type", privacy_type, 64)
    mark = None if level is None else known_mark(level) or MEMBERS_ONLY
    return mark if privacy is None or privacy.upper() == _VISIBLE else strictest(mark, MEMBERS_ONLY)


def _reactions(value: object) -> Iterator[tuple[str, str]]:
    """Yields pairs of a reaction and the number of a member who reacted that way."""
    for each in _objects("reactions", value):
        key = text("reactions", each.get("key"), 64)
        for member in (text("reactions", each.get("value")) or "").split(","):
            if key and member.strip():
                yield key.upper(), member.strip()


def _opinions(descriptors: list[_Descriptor], changed: str | None) -> Iterator[Opinion]:
    verdicts = {each.verdict for each in descriptors}
    first = next(iter(descriptors), None)
    if first and first.verdict and len(verdicts) == 1:
        latest = max((each.at for each in descriptors if each.at), default=changed)
        yield Opinion(first.verdict, None, latest, _confidence(first) if len(descriptors) == 1 else None)
    if len(descriptors) > 1:
        for each in descriptors:
            if each.verdict and each.owner:
                yield Opinion(each.verdict, each.owner, each.at, _confidence(each))
    yield from _of_others(descriptors)


def _confidence(descriptor: _Descriptor) -> str | None:
    return None if descriptor.confidence is None else f"confidence {descriptor.confidence}"


def _of_others(descriptors: list[_Descriptor]) -> Iterator[Opinion]:
    """Yields the opinions of members who have reacted but have no descriptor of their own."""
    said: dict[str, set[str]] = {}
    for key, member in (reaction for each in descriptors for reaction in each.reactions):
        said.setdefault(member, set()).add(key)
    known = {each.number for each in descriptors}
    for member, keys in said.items():
        verdict = next((verdict for key, verdict in _REACTIONS.items() if key in keys), None)
        if verdict and member not in known:
            yield Opinion(verdict, member)


def _notes(descriptor: _Descriptor) -> Iterable[str]:
    confidence = None if descriptor.verdict else _confidence(descriptor)
    return filter(None, (*descriptor.notes, confidence))


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with an indicator, or with the withdrawal of one. (STIX has "indicator" as a value only.)"""
    return _START.match(head.removeprefix(b"\xef\xbb\xbf")) is not None and _TELLING.search(head) is not None


FORMAT = Format(
    "threatexchange", frozenset(), None, read, looks_like, speaker="ThreatExchange", default_tlp=MEMBERS_ONLY
)

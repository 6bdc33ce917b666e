"""What MISP says against an entry: deleted, not for detection, tagged or sighted as a false positive.

A sighting of type 1 means "false positive", one of type 2 when a value expires. Type 0 only says that somebody met the
value, often a sensor, so it is nobody's opinion (https://www.circl.lu/doc/misp/sightings/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hashmatch.exchange.formats.misp_events import Event, tags
from hashmatch.exchange.json_reading import JsonObject

#: How many sightings of one attribute are looked at.
_SIGHTINGS_MAX = 10_000
_FALSE_POSITIVE, _EXPIRATION = "1", "2"
#: Tags by which a source says that its own entry is wrong: of the taxonomy "false-positive"
#: (github.com/MISP/misp-taxonomies). A low or medium risk says nothing of the kind.
_WRONG = frozenset(("false-positive:risk=high", "false-positive:confirmed", "false-positive:confirmed=true"))


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why and when a source took its entry back."""

    reason: str
    at: str | None


def yes(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")


def not_for_detection(attribute: JsonObject) -> bool:
    """Whether an attribute is mere context."""
    return attribute.get("to_ids") in (False, 0, "0", "false", "False")


def dropped(found: JsonObject) -> Withdrawal | None:
    """Whether an attribute is deleted or mere context, so that nobody is to look for it."""
    if yes(found.get("deleted")):
        return Withdrawal("deleted", moment_of(found.get("timestamp")))
    if not_for_detection(found):
        return Withdrawal("not for detection (to_ids)", moment_of(found.get("timestamp")))
    return None


def called_wrong(event: Event, about: Iterable[JsonObject]) -> Withdrawal | None:
    """Whether the event's own organisation calls an entry a false positive, by a tag or a sighting."""
    for name in event.tags:
        if _is_wrong(name):
            return Withdrawal(name, moment_of(event.timestamp))
    found = list[Withdrawal]()
    for each in about:
        found += [Withdrawal(name, moment_of(each.get("timestamp"))) for name in tags(each) if _is_wrong(name)]
        for sighting in _sightings(each, _FALSE_POSITIVE):
            if _by(event, sighting):
                found.append(Withdrawal("false-positive sighting", moment_of(sighting.get("date_sighting"))))
    return max(found, key=lambda each: each.at or "", default=None)


def disputes(event: Event, about: Iterable[JsonObject]) -> list[dict[str, object]]:
    """What other organisations' false-positive sightings say, in the form of our records: the latest of each."""
    latest = dict[str, dict[str, object]]()
    for each in about:
        for sighting in _sightings(each, _FALSE_POSITIVE):
            if _by(event, sighting):
                continue
            source, at = _organisation(sighting, "name") or "unknown", moment_of(sighting.get("date_sighting"))
            reason = sighting.get("source")
            if source not in latest or str(latest[source]["at"] or "") <= (at or ""):
                told = "false-positive sighting" + (f" ({reason[:200]})" if isinstance(reason, str) and reason else "")
                latest[source] = {"opinion": "disputed", "source": source, "at": at, "reason": told}
    return list(latest.values())


def expires(event: Event, about: Iterable[JsonObject]) -> str | None:
    """When an entry expires by the sightings of the event's own organisation."""
    every = (sighting for each in about for sighting in _sightings(each, _EXPIRATION) if _by(event, sighting))
    return max(filter(None, (moment_of(each.get("date_sighting")) for each in every)), default=None)


def moment_of(value: object) -> str | None:
    """The date of a timestamp; None if it is not a valid one."""
    try:
        seconds = int(value) if isinstance(value, (int, str)) else 0
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_wrong(name: str) -> bool:
    return name.strip().lower().replace('"', "") in _WRONG


def _sightings(attribute: JsonObject, kind: str) -> list[JsonObject]:
    listed = attribute.get("Sighting")
    some = listed[:_SIGHTINGS_MAX] if isinstance(listed, list) else []
    return [each for each in some if isinstance(each, dict) and str(each.get("type")) == kind]


def _organisation(sighting: JsonObject, key: str) -> str | None:
    organisation = sighting.get("Organisation")
    value = organisation.get(key) if isinstance(organisation, dict) else None
    return value if isinstance(value, str) and value else None


def _by(event: Event, sighting: JsonObject) -> bool:
    """Whether a sighting is by the organisation that the event is from. Its UUID decides, if both are known."""
    uuid, name = (_organisation(sighting, key) for key in ("uuid", "name"))
    if uuid and event.organisation:
        return uuid.lower() == event.organisation.lower()
    return name is not None and name == event.source

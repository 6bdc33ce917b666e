"""Writes list entries as objects of a MISP event, with our own template: perceptual-hash-media/definition.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID, uuid5

from hashmatch.exchange.json_items import entry_uuid, last_word, record_of, short_hashes
from hashmatch.exchange.json_reading import JsonDict
from hashmatch.records import ListItem
from hashmatch.views import FULL

#: How many frames go into one attribute: MISP's database cuts an attribute off after 64 KiB.
FRAMES_MAX = 500

#: Relations of our template that come at most once -> keys of records (see json_items).
SINGLE = {
    **{name: name for name in ("md5", "sha1", "sha256", "duration", "pdq", "collection", "source", "added", "changed")},
    **{name: name for name in ("width", "height", "author", "expires")},
    **{name: name for name in ("allow", "retracted", "case", "operator", "note")},
    "size-in-bytes": "size",
    "media-type": "kind",
    "pdq-quality": "pdq_quality",
    "pdq-version": "pdq_version",
    "retraction-reason": "retraction_reason",
}
#: Relations that may come several times.
SEVERAL = {"label": "labels", "path": "paths", "path-base64": "paths_bytes"}
#: Relations that may come several times, with JSON as their values.
OF_JSON = {"opinion": "opinions", "perceptual-hash": "hashes"}

#: Relations that identify the file.
IDENTIFYING = frozenset({"md5", "sha1", "sha256", "pdq", "vpdq", "phash", "perceptual-hash"})
_DIGESTS = frozenset({"md5", "sha1", "sha256"})

_STAMP_MAX = 2**31 - 1  # the limit of MISP's database


@cache
def template() -> dict[str, Any]:
    """The definition of our object template, in MISP's form."""
    name = "perceptual-hash-media/definition.json"
    found: dict[str, Any] = json.loads(resources.files("hashmatch.exchange").joinpath(name).read_text("utf-8"))
    return found


def object_of(item: ListItem, include: frozenset[str]) -> JsonDict:
    made = template()
    uuid = entry_uuid(item, "misp")
    common: JsonDict = {"timestamp": timestamp(last_word(item)), "distribution": "5", "deleted": bool(item.retracted)}
    tags = [] if item.tlp is None else [tag(f"tlp:{item.tlp}")]
    wanted = not (item.allow or item.retracted or item.verdict == "false-positive")
    seen = Counter[str]()
    attributes = []
    for relation, value in _values(item, include):
        # A fact that comes once is revised when it changes. Of facts that may come several times, each has its own id.
        key = relation if relation in SINGLE else f"{relation}\0{value}"
        attributes.append(_attribute(uuid5(uuid, f"{key}\0{seen[key]}"), relation, value, common, tags, wanted))
        seen[key] += 1
    return {
        "name": made["name"],
        "meta-category": made["meta-category"],
        "description": made["description"],
        "template_uuid": made["uuid"],
        "template_version": str(made["version"]),
        "uuid": str(uuid),
        **common,
        "Attribute": attributes,
    }


def tag(name: str) -> JsonDict:
    return {"name": name}


def timestamp(moment: str) -> str:
    """An ISO 8601 date in seconds since 1970, as text, the way MISP writes it."""
    seconds = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
    return str(min(max(seconds, 0), _STAMP_MAX))


def _attribute(uuid: UUID, relation: str, value: str, common: JsonDict, tags: list[JsonDict], wanted: bool) -> JsonDict:
    made = template()["attributes"][relation]
    digest = relation in _DIGESTS
    attribute: JsonDict = {
        "uuid": str(uuid),
        "object_relation": relation,
        "type": made["misp-attribute"],
        "category": "Payload delivery" if digest else "Other",
        "value": value,
        "to_ids": digest and wanted,
        "disable_correlation": made.get("disable_correlation", False),
        **common,
    }
    return {**attribute, "Tag": tags} if tags and relation in IDENTIFYING else attribute


def _values(item: ListItem, include: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yields the attributes of an entry as pairs of relation and value."""
    record = {**record_of(item, include), **short_hashes(item.hashes)}
    for relation, key in SINGLE.items():
        value = record.get(key)
        if value is not None and value is not False:
            yield relation, "1" if value is True else str(value)
    frames: Any = record.get("vpdq", [])
    for start in range(0, len(frames), FRAMES_MAX):
        yield "vpdq", _json(frames[start : start + FRAMES_MAX])
    several: Any
    for relation, key in SEVERAL.items():
        several = record.get(key, [])
        yield from ((relation, value) for value in several)
    for relation, key in OF_JSON.items():
        several = record.get(key, [])
        yield from _phash(several) if key == "hashes" else ((relation, _json(value)) for value in several)


def _phash(hashes: list[JsonDict]) -> Iterator[tuple[str, str]]:
    """Yields the hashes that the short form leaves over: the pHash of the whole picture as "phash", the rest as JSON."""
    found = False
    for hash in hashes:
        if (
            not found
            and hash["algorithm"] == "phash"
            and hash["view"] == FULL
            and not {"time", "quality"} & hash.keys()
        ):
            found = True
            yield "phash", str(hash["hash"])
            if "version" in hash:
                yield "phash-version", str(hash["version"])
        else:
            yield "perceptual-hash", _json(hash)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

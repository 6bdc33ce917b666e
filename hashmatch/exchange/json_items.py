"""Turns a list item into one JSON object as in the `jsonl` format, and back; other JSON formats share parts of it.

Perceptual hashes have two forms: one object each ("hashes"), and a shorter form that third-party tools can read too:

    pdq: hex, pdq_quality: 0-100     the whole picture
    vpdq: ["hex,quality,seconds"]    the frames of a film, written like ThreatExchange's vpdq signals
    pdq_version                      the version of the hasher that made all of these
    hashes                           every hash that the keys above cannot express
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from hashlib import sha256
from uuid import UUID, uuid5

from hashmatch.exchange.fields import (
    LineError,
    exact_moment,
    list_item,
    moment,
    opinion_record,
    perceptual_hash,
    snippet,
    text,
    texts,
    tlp,
)
from hashmatch.exchange.list_format import EXTRAS
from hashmatch.i18n import _
from hashmatch.records import Hash, ListItem
from hashmatch.views import FULL

#: The namespace of the UUIDs that are derived from entries. Never change it.
NAMESPACE = UUID("2e52d86b-451f-4dd9-b2e9-f95ec99b6aac")

#: Stands in where a format requires a date and none is known.
NO_DATE = "1970-01-01T00:00:00Z"

_PLAIN_KEYS = ("kind", "md5", "sha1", "sha256", "size", "duration", "width", "height")
_SOURCE_KEYS = (
    *("labels", "allow", "author", "collection", "source", "tlp", "added", "changed", "expires", "retracted"),
    "retraction_reason",
)


def record_of(item: ListItem, include: frozenset[str]) -> dict[str, object]:
    """An item as a record, without its hashes and without empty fields. Of EXTRAS it has only those in `include`."""
    record: dict[str, object] = {key: getattr(item, key) for key in _PLAIN_KEYS + _SOURCE_KEYS}
    record["opinions"] = [opinion_record(opinion) for opinion in item.opinions]
    if "paths" in include:
        record["paths"], record["paths_bytes"] = _names(item.paths)
    record |= {key: getattr(item, key) for key in EXTRAS if key in include and key != "paths"}
    return {key: value for key, value in record.items() if value not in (None, "", (), [])}


def item_of(record: Mapping[str, object], hashes: tuple[Hash, ...] | None = None) -> ListItem:
    """Makes an item from a record. Its hashes come from the key "hashes" unless they are given. Raises LineError."""
    return list_item(record, _hashes(record.get("hashes")) if hashes is None else hashes, _paths(record))


def withdrawal_of(record: Mapping[str, object]) -> ListItem:
    """An item that says only that its source's record of this name no longer stands. Raises LineError."""
    return ListItem(
        source=text("source", record.get("source")),
        tlp=tlp(record.get("tlp")),
        retracted=moment("retracted", record.get("retracted")),
        retraction_reason=text("retraction_reason", record.get("retraction_reason")),
        changed=exact_moment("changed", record.get("changed")),
        record=text("record", record.get("record"), 1024),
    )


def _names(paths: Iterable[bytes]) -> tuple[list[str], list[str]]:
    valid, other = [], []
    for path in paths:
        try:
            valid.append(path.decode("utf-8"))
        except UnicodeDecodeError:
            other.append(b2a_base64(path, newline=False).decode("ascii"))
    return valid, other


def _paths(record: Mapping[str, object]) -> tuple[bytes, ...]:
    names = texts("paths", record.get("paths"))
    encoded = texts("paths_bytes", record.get("paths_bytes"))
    try:
        return tuple(name.encode() for name in names) + tuple(a2b_base64(each, strict_mode=True) for each in encoded)
    except ValueError:
        raise LineError(_("{field} is not in base64").format(field="paths_bytes")) from None


def hash_record(hash: Hash) -> dict[str, object]:
    record: dict[str, object] = {"algorithm": hash.algorithm, "version": hash.version, "hash": hash.hex}
    record |= {"quality": hash.quality, "time": hash.time, "view": hash.view}
    return {key: value for key, value in record.items() if value is not None}


def _hashes(value: object) -> tuple[Hash, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise LineError(_("{field} is not a list of objects").format(field="hashes"))
    return tuple(dict.fromkeys(map(perceptual_hash, value)))


def short_hashes(hashes: Iterable[Hash]) -> dict[str, object]:
    """Writes hashes in the shorter form. Their order is not kept."""
    first: Hash | None = None
    frames, others = list[str](), list[dict[str, object]]()
    version: int | None = None
    for hash in hashes:
        whole = hash.algorithm == "pdq" and hash.view == FULL
        same = (first is None and not frames) or hash.version == version
        if whole and same and hash.time is None and first is None:
            first, version = hash, hash.version
        elif whole and same and hash.time is not None and hash.quality is not None:
            frames.append(f"{hash.hex},{hash.quality},{hash.time!r}")
            version = hash.version
        else:
            others.append(hash_record(hash))
    short: dict[str, object] = {"pdq": first and first.hex, "pdq_quality": first and first.quality}
    short |= {"pdq_version": version, "vpdq": frames or None, "hashes": others or None}
    return {key: value for key, value in short.items() if value is not None}


def hashes_of_short(record: Mapping[str, object]) -> tuple[Hash, ...]:
    """The hashes of a record, in either form, without duplicates. Raises LineError."""
    version = {"algorithm": "pdq", "version": record.get("pdq_version")}
    found = [frame_record(frame) | version for frame in texts("vpdq", record.get("vpdq"))]
    if record.get("pdq"):
        found.insert(0, {"hash": record["pdq"], "quality": record.get("pdq_quality"), **version})
    return tuple(dict.fromkeys((*map(perceptual_hash, found), *_hashes(record.get("hashes")))))


def frame_record(frame: str) -> dict[str, object]:
    """Reads the hash of a film's frame from "hex,quality,seconds"; the algorithm is not included."""
    parts = frame.split(",")
    try:
        value, quality, time = parts
        return {"hash": value.strip(), "quality": int(quality), "time": float(time)}
    except ValueError:
        raise LineError(
            _("not the hash of a frame (hex,quality,seconds): {value}").format(value=snippet(frame))
        ) from None


def entry_uuid(item: ListItem, *more: str) -> UUID:
    """A UUID that is the same in every export, so that a later export revises what an earlier one said.

    It depends on the reference, its source, its collection and for whom it is passed on. more: which part of the entry is
    meant.
    """
    key = item.sha256 or item.sha1 or item.md5
    if key is None:
        hashes = sorted((hash.algorithm, hash.hex, hash.view, repr(hash.time)) for hash in item.hashes)
        key = sha256(repr(hashes).encode()).hexdigest()
    parts = (item.source or "", item.collection or "", key, *more, *((f"for {item.author}",) if item.author else ()))
    return uuid5(NAMESPACE, "\0".join(parts))


def last_word(item: ListItem) -> str:
    """When the source last said anything about an entry."""
    return latest(item.added, item.changed, item.retracted)


def latest(added: str | None, changed: str | None, retracted: str | None) -> str:
    """The latest date of an entry, to the microsecond, so that dates can be compared as text."""
    return max(exact(date) for date in (added or NO_DATE, changed, retracted) if date)


def exact(date: str) -> str:
    """A date of an entry to the microsecond, even if it is given to the second only."""
    return date if "." in date else f"{date.removesuffix('Z')}.000000Z"

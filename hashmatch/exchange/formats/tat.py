"""The `tat` format, read only: JSON pages of Tech Against Terrorism's hash list (docs.terrorismanalytics.org).

    {"count", "next", "previous", "checkpoint": "1724856487.709035,10594",
     "results": [{"hash_digest", "algorithm": "MD5"|"SHA256"|"SHA512"|"PDQ", "ideology": "islamist"|"far-right",
                  "file_type": "mp4", "deleted": false, "updated_on": 1704901040.22, "created_on": ISO 8601, "id": 2819}]}

One file may have several pages in a row. An entry is one hash, so each hash of a media file becomes its own reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from hashmatch.exchange.fields import exact_instant, text, whole, yes
from hashmatch.exchange.formats.partners import (
    MEMBERS_ONLY,
    SignalMeaning,
    hashed,
    read_document,
    withdrawal,
    withdrawn,
)
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.records import Kind, ListItem

_PLACES = (("results", "*"), ("*",))
_TELLING = re.compile(rb'"hash_digest"\s*+:')

_ALGORITHMS = frozenset({"md5", "sha1", "sha256"})
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "avif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "3gp", "wmv", "flv", "ts"), "video"),
}


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_document(stream, _PLACES, _item)


def _item(record: dict[str, object]) -> ListItem:
    algorithm = text("algorithm", record.get("algorithm"), 64)
    number = whole("id", record.get("id"), 2**63 - 1)
    name = None if number is None else f"tat:{number}"
    deleted = yes("deleted", record.get("deleted"))

    def hashes() -> ListItem:
        meant = _meant(algorithm, text("file_type", record.get("file_type"), 64))
        return hashed(meant, algorithm, record.get("hash_digest"))

    item = withdrawal(name, hashes) if deleted else hashes()
    ideology = text("ideology", record.get("ideology"))
    added = exact_instant("created_on", record.get("created_on"))
    changed = exact_instant("updated_on", record.get("updated_on")) or added
    item = replace(
        item,
        labels=(f"ideology:{ideology}",) if ideology else (),
        source="Tech Against Terrorism",
        added=added and added[:19] + "Z",
        changed=changed,
        record=name,
    )
    if deleted:
        return replace(item, retracted=withdrawn(changed), retraction_reason="deleted")
    return item


def _meant(algorithm: str | None, file_type: str | None) -> SignalMeaning | None:
    name = (algorithm or "").lower().replace("-", "")
    if name == "pdq":  # always a still picture, whatever file it came from
        return "pdq", "image"
    return (name, _KINDS.get((file_type or "").lower().lstrip("."))) if name in _ALGORITHMS else None


def looks_like(head: bytes) -> bool:
    return _TELLING.search(head) is not None


FORMAT = Format("tat", frozenset(), None, read, looks_like, speaker="Tech Against Terrorism", default_tlp=MEMBERS_ONLY)

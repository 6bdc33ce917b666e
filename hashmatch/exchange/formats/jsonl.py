"""The `jsonl` format, hashmatch's own and lossless: UTF-8, one JSON object per line.

The first line is a header; only a list with a name has the keys from `list` on. Every other line is an item. A missing
key means unknown or empty, and unknown keys are ignored:

    {"format": "hashmatch-list", "version": 2, "created": "2026-11-21T19:00:00Z", "tool": "hashmatch 0.1.0",
     "list": text, "sequence": int, "since": int, "expires": ISO 8601 UTC, "origin": hex}
    {"kind": "image"|"video", "md5": hex, "sha1": hex, "sha256": hex, "size": bytes, "duration": seconds,
     "width": pixels, "height": pixels,
     "hashes": [{"algorithm": "pdq", "version": int, "hash": hex, "quality": 0-100, "time": seconds, "view": "full"}],
     "labels": [text], "allow": bool, "author": text, "collection": text, "source": text, "tlp": "green",
     "added": ISO 8601 UTC, "changed": ISO 8601 UTC, "expires": ISO 8601 UTC, "retracted": ISO 8601 UTC,
     "retraction_reason": text, "opinions": [{"opinion": "confirmed"|"disputed"|"false-positive", "source": text,
     "at": ISO 8601 UTC, "reason": text, "author": text}],
     "paths": [text], "paths_bytes": [base64], "case": text, "operator": text, "note": text}

A name that is not valid UTF-8 goes into paths_bytes instead of paths. The last line of keys is written only if the user
asks for it. A list without a header counts as version 1. Lists may be joined, headers and all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from hashmatch.exchange.fields import LIST_VERSION, LineError, check_version, identified, list_head
from hashmatch.exchange.json_items import hash_record, item_of, record_of
from hashmatch.exchange.json_reading import parse_object
from hashmatch.exchange.json_writing import dumped
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.losses import EVERYTHING
from hashmatch.exchange.numbered_lines import numbered_text, sample
from hashmatch.records import UNNAMED, BadLine, ListHead, ListItem
from hashmatch.version import __version__

_NAME = "hashmatch-list"


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Reads the items of a list. Raises CommandError before any item if the list has a newer version."""
    for line in numbered_text(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, text = line
        if not text.strip():
            continue
        try:
            record = parse_object(text)
            if record.get("format") == _NAME:
                check_version(record.get("version"), first=number == 1)
                continue
            item = item_of(record)
        except LineError as refused:
            yield BadLine(number, str(refused))
        else:
            yield number, item


def _record(item: ListItem, include: frozenset[str]) -> dict[str, object]:
    record = record_of(item, include)
    return {**record, "hashes": [hash_record(hash) for hash in item.hashes]} if item.hashes else record


def write_list(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str], head: ListHead) -> WriteReport:
    """Like `write`, but the first line also has what the list says about itself."""

    def put(record: dict[str, object]) -> None:
        out.write(dumped(record) + b"\n")

    created = head.created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first: dict[str, object] = {"format": _NAME, "version": LIST_VERSION, "created": created}
    more = {"list": head.name, "sequence": head.sequence, "since": head.since, "expires": head.expires}
    more["origin"] = head.origin
    put(first | {key: value for key, value in more.items() if value is not None} | {"tool": f"hashmatch {__version__}"})
    written = without_hash = unmarked = 0
    for item in items:
        if identified(item):
            put(_record(item, include))
            written += 1
            unmarked += item.tlp is None
        else:
            without_hash += 1
    return WriteReport(written, left_out_without_hash=without_hash, unmarked=unmarked)


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    return write_list(items, out, include, UNNAMED)


def read_head(head: bytes) -> ListHead:
    """What the list says about itself; UNNAMED if its first line is not a valid header."""
    try:
        first = parse_object(next(iter(sample(head)), b"").decode("utf-8"))
        return list_head(first) if first.get("format") == _NAME else UNNAMED
    except (LineError, UnicodeDecodeError):
        return UNNAMED


def looks_like(head: bytes) -> bool:
    """Whether the first line is a header, or an object with a digest or hashes."""
    try:
        first = parse_object(next(iter(sample(head)), b"").decode("utf-8"))
    except (LineError, UnicodeDecodeError):
        return False
    hashes = first.get("hashes", [])
    if not isinstance(hashes, list) or not all(isinstance(each, dict) for each in hashes):
        return False
    return first.get("format") == _NAME or not first.keys().isdisjoint({"hashes", "md5", "sha1", "sha256"})


FORMAT = Format("jsonl", EVERYTHING, write, read, looks_like, write_list, read_head, carries_number=True)

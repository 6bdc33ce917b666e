"""The `misp` format: a MISP event (https://www.misp-project.org) with one object for each entry.

The objects use our own template, "perceptual-hash-media". Its definition comes with this package in the form that MISP
imports. A retraction is a deleted object. TLP marks are tags of the attributes, and also of the event if all entries have
the same mark. The ids of objects and attributes are derived from their content, and the id of the event from its
collections, so that a later export revises the earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import BinaryIO
from uuid import uuid5

from hashmatch.exchange.fields import identified
from hashmatch.exchange.formats.misp_objects import object_of, tag, template, timestamp
from hashmatch.exchange.formats.misp_reading import read
from hashmatch.exchange.formats.partners import unless_foreign
from hashmatch.exchange.json_items import NAMESPACE, last_word
from hashmatch.exchange.json_writing import JsonArray, dumped
from hashmatch.exchange.list_format import Format, WriteReport
from hashmatch.exchange.losses import EVERYTHING
from hashmatch.exchange.numbered_lines import BOM
from hashmatch.records import ListItem, Tlp

#: How many collections go into the event's id; any more are ignored.
_COLLECTIONS_MAX = 10_000

# Threat level 4: undefined. Analysis 2: completed. Distribution 0: only the organisation that imports the event, until
# it shares it further.
_START = b'{"Event":{"info":"Hash list of hashmatch","threat_level_id":"4","analysis":"2","distribution":"0","Object":['


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    event = JsonArray(out, _START)
    marks, collections = set[Tlp | None](), set[tuple[str, str]]()
    latest = ""
    written = without_hash = unmarked = 0
    for item in items:
        if not identified(item):
            without_hash += 1
            continue
        event.put(object_of(item, include))
        marks.add(item.tlp)
        if len(collections) < _COLLECTIONS_MAX:
            collections.add((item.source or "", item.collection or ""))
        latest = max(latest, last_word(item))
        written += 1
        unmarked += item.tlp is None
    latest = latest or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    end: dict[str, object] = {
        "uuid": str(uuid5(NAMESPACE, f"misp {sorted(collections)}")),
        "date": latest[:10],
        "timestamp": timestamp(latest),
        "published": False,
        "Tag": [tag(f"tlp:{mark}") for mark in marks if mark] if len(marks) == 1 else [],
    }
    event.close(b"]," + dumped(end).removeprefix(b"{") + b"}")
    return WriteReport(written, left_out_without_hash=without_hash, unmarked=unmarked)


_SIGNS = re.compile(
    rb'"Event"\s*:\s*\{|"template_uuid"\s*:|"object_relation"\s*:|"to_ids"\s*:|^\s*\{\s*"response"\s*:\s*[\[{]'
)


def looks_like(head: bytes) -> bool:
    """Whether this is JSON that contains a MISP event, object or attribute, or an answer of a server without any."""
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[") and bool(_SIGNS.search(head.removeprefix(BOM)))


FORMAT = Format("misp", EVERYTHING, write, unless_foreign(read, looks_like), looks_like, prepare=template)

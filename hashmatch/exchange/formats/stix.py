"""The `stix` format: a STIX 2.1 bundle (https://docs.oasis-open.org/cti/stix/v2.1/).

An entry becomes two objects: a file with its digests and, in our own property extension, its perceptual hashes; and an
indicator with what the source says about it: labels, `revoked` for a retraction, `benign` for the allow list. An entry
without a known digest is only an indicator. TLP 2.0 uses the markings that OASIS has published. The ids of objects are
derived from their content, so that a later export revises the objects of an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO
from uuid import uuid4

from hashmatch.exchange.fields import identified
from hashmatch.exchange.formats.partners import unless_foreign
from hashmatch.exchange.formats.stix_objects import file_of, identity, indicator_of, marking, opinions_of, preamble
from hashmatch.exchange.formats.stix_reading import read
from hashmatch.exchange.json_writing import JsonArray
from hashmatch.exchange.list_format import Format, WriteReport
from hashmatch.exchange.losses import EVERYTHING
from hashmatch.exchange.numbered_lines import BOM
from hashmatch.records import ListItem, Tlp

#: How many names of sources are remembered as written. A forgotten one is written again, which does no harm.
_NAMES_MAX = 10_000


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    bundle = JsonArray(out, f'{{"type":"bundle","id":"bundle--{uuid4()}","objects":['.encode("ascii"))
    for each in preamble():
        bundle.put(each)
    marks, names = set[Tlp](), set[str]()

    def name_source(name: str | None) -> None:
        if name is None or name in names:
            return
        if len(names) >= _NAMES_MAX:
            names.clear()
        names.add(name)
        bundle.put(identity(name))

    written = without_hash = unmarked = 0
    last_file: dict[str, object] | None = None
    for item in items:
        if not identified(item):
            without_hash += 1
            continue
        if item.tlp is not None and item.tlp not in marks:
            marks.add(item.tlp)
            bundle.put(marking(item.tlp))
        name_source(item.source)
        file = file_of(item)
        if file is not None and file != last_file:  # two collections may have the same file
            bundle.put(file)
        last_file = file
        indicator = indicator_of(item, file, include)
        bundle.put(indicator)
        for source, opinion in opinions_of(item, indicator):
            name_source(source)
            bundle.put(opinion)
        written += 1
        unmarked += item.tlp is None
    bundle.close(b"]}")
    return WriteReport(written, left_out_without_hash=without_hash, unmarked=unmarked)


# Signs of a bundle, of an object, and of a TAXII envelope, which may be empty.
_SIGNS = re.compile(
    rb'"type"\s*:\s*"bundle"|"spec_version"\s*:\s*"2\.|"id"\s*:\s*"[a-z0-9-]{3,}--[0-9a-fA-F]{8}-'
    rb'|"more"\s*:\s*(?:true|false)|^\s*\{\s*"objects"\s*:\s*\['
)


def looks_like(head: bytes) -> bool:
    """Whether this is JSON that contains a STIX bundle, a STIX object or a TAXII envelope."""
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[") and bool(_SIGNS.search(head.removeprefix(BOM)))


FORMAT = Format("stix", EVERYTHING, write, unless_foreign(read, looks_like), looks_like)

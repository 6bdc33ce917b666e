"""The `vics` format: Project VIC's VICS 2.0, in which forensic tools exchange hash sets; we use its model CUSTOM.

    {"@odata.context": "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/CUSTOM/$metadata#Media",
     "value": [{"MediaID": 1, "Category": null, "MD5": HEX, "SHA1": HEX, "MediaSize": bytes, "MimeType": "image",
                "Tags": "label, label", "DateUpdated": ISO 8601, "Comments": note,
                "AlternativeHashes": [{"MD5": HEX, "HashName": "SHA256"|"PDQ"|"vPDQ", "HashValue": …}],
                "MediaMetadata": [{"MD5": HEX, "PropertyName": "hashmatch:…", "PropertyValue": …}],
                "MediaFiles": [{"MD5": HEX, "FileName": name, "FilePath": "a\\\\b\\\\name"}]}]}

A record must have an MD5. Category is always null: its codes are for child abuse material. The format cannot say that a
reference is withdrawn or legitimate, and its readers treat everything in it as known, so such references are left out.
MediaMetadata has what only we read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import BinaryIO

from hashmatch.exchange.formats.partners import unless_foreign
from hashmatch.exchange.formats.vics_reading import PREFIX, PROPERTIES, labels_of, path_of, read
from hashmatch.exchange.json_items import record_of, short_hashes
from hashmatch.exchange.json_writing import JsonArray
from hashmatch.exchange.list_format import Format, WriteReport
from hashmatch.exchange.losses import EVERYTHING
from hashmatch.exchange.numbered_lines import BOM
from hashmatch.records import ListItem

_START = b'{"@odata.context":"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/CUSTOM/$metadata#Media","value":['


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    media = JsonArray(out, _START)
    written = retracted = allowed = false = without_md5 = unmarked = 0
    for item in items:
        if item.retracted:
            retracted += 1
        elif item.allow:
            allowed += 1
        elif item.verdict == "false-positive":
            false += 1
        elif item.md5 is None:
            without_md5 += 1
        else:
            written += 1
            unmarked += item.tlp is None
            media.put(_media(item, item.md5.upper(), written, include))
    media.close(b"]}")
    return WriteReport(written, retracted, without_md5, allowed, unmarked, false)


def _media(item: ListItem, md5: str, number: int, include: frozenset[str]) -> dict[str, object]:
    record = {**record_of(item, include), **short_hashes(item.hashes)}
    media: dict[str, object] = {"MediaID": number, "Category": None, "MD5": md5}
    if item.sha1:
        media["SHA1"] = item.sha1.upper()
    for key, name in (("size", "MediaSize"), ("kind", "MimeType"), ("changed", "DateUpdated"), ("note", "Comments")):
        if key in record:
            media[name] = record[key]
    tags = ", ".join(item.labels)
    if tags:
        media["Tags"] = tags
    frames = record.get("vpdq")
    alternatives = [("SHA256", item.sha256), ("PDQ", record.get("pdq"))]
    alternatives += [("vPDQ", frame) for frame in frames] if isinstance(frames, list) else []
    hashes = [{"MD5": md5, "HashName": name, "HashValue": value} for name, value in alternatives if value]
    if hashes:
        media["AlternativeHashes"] = hashes
    more = {key: record[key] for key in PROPERTIES if key in record}
    if labels_of(tags) == list(item.labels):
        more.pop("labels", None)
    files: list[dict[str, object]] = []
    if "paths" in include:
        files = [_file(path) for path in item.paths]
        if all(path_of(file) == path for file, path in zip(files, item.paths, strict=True)):
            more.pop("paths", None)
            more.pop("paths_bytes", None)
    if more:
        properties = ({"PropertyName": PREFIX + key, "PropertyValue": _text(value)} for key, value in more.items())
        media["MediaMetadata"] = [{"MD5": md5, **each} for each in properties]
    if files:
        media["MediaFiles"] = [{"MD5": md5, **each} for each in files]
    return media


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _file(path: bytes) -> dict[str, object]:
    """A path in the form that forensic tools use, with backslashes."""
    shown = path.decode("utf-8", "backslashreplace").replace("/", "\\")
    return {"FileName": shown.rpartition("\\")[2], "FilePath": shown}


_MODEL = re.compile(rb'"@?odata\.(?:context|metadata)"\s*:\s*"[^"]{0,200}(?:ProjectVic|VICSDATAMODEL)', re.IGNORECASE)
_VALUE, _MEDIA = re.compile(rb'"value"\s*:\s*\['), re.compile(rb'"Media(?:ID)?"\s*:')


def looks_like(head: bytes) -> bool:
    """Whether this is JSON that names the data model, or that has media, in cases or not."""
    if head.removeprefix(BOM).lstrip()[:1] != b"{":
        return False
    return bool(_MODEL.search(head) or (_VALUE.search(head) and _MEDIA.search(head)))


FORMAT = Format(
    "vics",
    EVERYTHING - {"allow", "retracted", "retraction_reason"},
    write,
    unless_foreign(read, lambda head: looks_like(head) or bool(_VALUE.search(head))),
    looks_like,
    needs=frozenset({"md5"}),
)

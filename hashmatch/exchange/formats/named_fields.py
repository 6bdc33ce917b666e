"""Makes entries of tables and JSON objects of other programs: by the names that these give to their columns and keys.

Case, blanks and punctuation of a name do not matter. A column `hash` says which hash it has by its neighbour `algorithm`,
else by the length of its values; 64 digits are PDQ or SHA-256, which `pdq_or_sha256` decides for the list as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from hashmatch.exchange.csv_cells import unguard
from hashmatch.exchange.fields import DIGEST_DIGITS, LineError, digest, in_capitals, list_item, perceptual_hash, snippet
from hashmatch.exchange.fields import tlp as tlp_mark
from hashmatch.exchange.formats.partners import labels_and_tlp
from hashmatch.exchange.pdq_or_sha256 import Meaning64
from hashmatch.i18n import _
from hashmatch.records import ListItem, Tlp, strictest

#: Our field -> what other programs call it.
_NAMES = {
    "hash": (
        "hash",
        "hashes",
        "hashvalue",
        "hashdigest",
        "hashstring",
        "digest",
        "checksum",
        "fingerprint",
        "indicator",
    ),
    "algorithm": ("algorithm", "hashalgorithm", "hashtype", "hashname", "algo", "signaltype", "algorithmtype"),
    "path": ("path", "filepath", "fullpath", "filename", "name", "file", "fullname", "pathname"),
    "size": (
        "size",
        "filesize",
        "bytes",
        "length",
        "filelength",
        "sizebytes",
        "filesizebytes",
        "logicalsize",
        "mediasize",
    ),
    "quality": ("quality", "pdqquality", "hashquality"),
    "labels": ("labels", "label", "category", "categories", "tags", "tag", "classification"),
    "note": ("note", "notes", "comment", "comments", "description"),
    "tlp": ("tlp", "tlpmarking", "marking"),
    "collection": ("collection",),
    "source": ("source",),
    "kind": ("kind", "mediatype", "mimetype", "contenttype"),
    "width": ("width", "imagewidth"),
    "height": ("height", "imageheight"),
    "case": ("case", "casenumber", "caseid"),
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
#: Perceptual hashes that a column can have, by their names without punctuation.
_PERCEPTUAL = {"pdq": "pdq", "phash": "phash", "dhash": "dhash"}
_DIGESTS = {**{name: name for name in DIGEST_DIGITS}, "sha2256": "sha256"}
#: Digests that we recognise, and cannot search by.
_OTHERS = {"sha512": "SHA-512", "sha2512": "SHA-512", "sha384": "SHA-384", "sha224": "SHA-224"}

#: The names that `columns` of a table may be given for.
FIELDS = (*DIGEST_DIGITS, *_PERCEPTUAL, *_NAMES)
#: Fields that identify a file, and those that only say that a list has hashes we cannot use.
IDENTIFYING = frozenset({*DIGEST_DIGITS, *_PERCEPTUAL, "hash"})
UNSEARCHABLE = frozenset(_OTHERS.values())

_NAME_MAX = 200
_PUNCTUATION = re.compile(r"[\W_]+")
_AFFIX = re.compile(r"hash|value|digest|checksum|sum|hex|code|file")
_EMPTY = frozenset({"", "-", "--", "n/a", "none", "null", "nil"})
_BETWEEN = re.compile(r"[|;,]")
_BY_DIGITS = {digits: name for name, digits in DIGEST_DIGITS.items()}


def plain_name(name: str) -> str:
    """A name without case, blanks and punctuation; cut off where no name goes on."""
    return _PUNCTUATION.sub("", name[:_NAME_MAX].casefold())


def field_of(name: str) -> str | None:
    """Which of our fields another program's name means, or one of UNSEARCHABLE; None if it means nothing to us."""
    plain = plain_name(name)
    if field := _FIELD_OF.get(plain):
        return field
    core = _AFFIX.sub("", plain)
    return _DIGESTS.get(core) or _PERCEPTUAL.get(core) or _OTHERS.get(core)


def item_of_fields(values: Mapping[str, str], meaning64: Meaning64, capitals_are_usual: bool = False) -> ListItem:
    """Makes the entry. values: texts by our fields; paths with surrogate escapes for bytes that are no UTF-8.

    Raises LineError.
    """
    there = {field: value for field, cell in values.items() if (value := cell.strip()).lower() not in _EMPTY}
    there = {field: value for field, value in there.items() if value != "0" or field not in IDENTIFYING}
    record: dict[str, object] = {}
    algorithm_of = {name: name for name in (*DIGEST_DIGITS, *_PERCEPTUAL) if name in there}
    if "hash" in there:
        algorithm_of.setdefault(_algorithm(there, meaning64), "hash")
    unusable = next((name for name in there if name in UNSEARCHABLE), None)
    if not algorithm_of and unusable:
        raise LineError(_("{name} digests cannot be searched here, only MD5, SHA-1 and SHA-256").format(name=unusable))
    for name, field in algorithm_of.items():
        if name in DIGEST_DIGITS:
            record[name] = digest(name, there[field])
    hashes = tuple(
        perceptual_hash({"algorithm": name, "hash": there[field], "quality": _number(there, "quality", 100)})
        for name, field in algorithm_of.items()
        if name in _PERCEPTUAL.values()
    )
    record |= {field: _number(there, field, 2**63 - 1) for field in ("size", "width", "height")}
    record |= {field: _text(there.get(field)) for field in ("note", "collection", "source", "case")}
    tags = filter(None, map(str.strip, _BETWEEN.split(_text(there.get("labels")) or "")))
    labels, mark = labels_and_tlp(tags)
    record["labels"], record["tlp"] = list(labels), strictest(mark, _tlp(there))
    record["kind"] = _kind(there.get("kind", ""), bool(hashes))
    path = unguard(there.get("path", "")).encode("utf-8", "surrogateescape")
    item = list_item(record, hashes, (path,) if path else (), capitals_are_usual=True)
    if capitals_are_usual or not any(in_capitals(there[field]) for field in algorithm_of.values()):
        return item
    return replace(item, capitals=True)


def _algorithm(there: Mapping[str, str], meaning64: Meaning64) -> str:
    """Which digest or hash the column `hash` has. Raises LineError if it is none that can be searched by."""
    if "algorithm" in there:
        said = plain_name(there["algorithm"])
        named = field_of(said) if said not in _FIELD_OF else None
        if named in DIGEST_DIGITS or named in _PERCEPTUAL:
            return named
        raise LineError(_("hashes of type {value} cannot be searched here").format(value=snippet(there["algorithm"])))
    digits = len(there["hash"])
    if digits == DIGEST_DIGITS["sha256"]:
        return meaning64
    if digits in _BY_DIGITS:
        return _BY_DIGITS[digits]
    raise LineError(_("not the length of any known digest or hash: {value}").format(value=snippet(there["hash"])))


def _number(there: Mapping[str, str], field: str, most: int) -> int | None:
    """A number beside the hash; None if the cell has none, for the hash is good all the same."""
    bare = there.get(field, "").removesuffix(".0")
    found = int(bare) if bare.isascii() and bare.isdigit() and len(bare) <= 19 else None
    return found if found is not None and found <= most else None


def _text(value: str | None) -> str | None:
    return None if value is None else unguard(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _tlp(there: Mapping[str, str]) -> Tlp | None:
    """The mark. One that we cannot read is never wider than amber+strict, see docs/lists.md."""
    if "tlp" not in there:
        return None
    try:
        return tlp_mark(there["tlp"])
    except LineError:
        return "amber+strict"


def _kind(value: str, is_picture: bool) -> str | None:
    start = re.split(r"[^a-z]", value.lower(), maxsplit=1)[0]
    known = {"image": "image", "picture": "image", "photo": "image", "video": "video", "film": "video"}
    return known.get(start) or ("image" if is_picture else None)

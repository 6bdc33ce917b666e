"""Checks every field of a list: values that may be hostile are turned into records or refused.

Every function raises LineError for a value it does not accept. A record here is made of JSON values: str, int, float,
bool, None, and lists and dictionaries of them. Absent, None and empty mean the same.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.records import TLP_ORDER, VERDICTS, Hash, Kind, ListHead, ListItem, Opinion, Tlp
from hashmatch.views import FULL

#: The version of hashmatch's own list formats (jsonl and csv): the one we write, and the newest we can read.
LIST_VERSION = 2

DIGEST_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}

_TEXT_MAX = 65_536
_VIEW_MAX = 64
_AUTHOR_MAX = 1024
_INT_MAX = 2**63 - 1  # the largest that SQLite holds
_ORIGIN = re.compile(r"[0-9a-f]{32}")
_ALGORITHM = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,31}")


class LineError(Exception):
    """A line cannot be used. The message is one short line for the user."""


def snippet(value: object) -> str:
    """A short, escaped excerpt of a value from a list: at most 40 characters, and safe to print on a terminal."""
    if isinstance(value, (str, bytes)):
        shown = repr(value[:40]).removeprefix("b")
    elif isinstance(value, (int, float)) or value is None:
        shown = repr(value)
    else:
        shown = type(value).__name__
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _refuse(message: str, field: str, value: object, **more: object) -> NoReturn:
    raise LineError(message.format(field=field, value=snippet(value), **more))


def check_version(value: object, first: bool) -> None:
    """Checks the version that a list states. Raises CommandError if the list is newer than this program.

    first: the version is at the start of the list. If it is not (lists may have been joined), raises LineError instead.
    """
    version = whole("list version", value, _INT_MAX)
    if version is not None and version > LIST_VERSION:
        message = _("this list has version {version}; this program reads versions up to {known}: update hashmatch")
        raise (CommandError if first else LineError)(message.format(version=version, known=LIST_VERSION))


def text(field: str, value: object, most: int = _TEXT_MAX) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        _refuse(_("{field} is not text: {value}"), field, value)
    if len(value) > most:
        _refuse(_("{field} is longer than {most} characters: {value}"), field, value, most=most)
    if "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
        _refuse(_("{field} contains a NUL or half a character: {value}"), field, value)
    return value


def texts(field: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        _refuse(_("{field} is not a list: {value}"), field, value)
    return tuple(one for one in (text(field, each) for each in value) if one is not None)


def whole(field: str, value: object, most: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        _refuse(_("{field} is not a whole number from 0 to {most}: {value}"), field, value, most=most)
    return value


def seconds(field: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
        return float(value) + 0.0  # turns -0.0 into 0.0
    _refuse(_("{field} is not a number of seconds: {value}"), field, value)


def _hexadecimal(field: str, value: object) -> bytes:
    if isinstance(value, str):
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        if found and len(found) * 2 == len(value):  # fromhex ignores spaces
            return found
    _refuse(_("{field} is not hexadecimal: {value}"), field, value)


def in_capitals(value: object) -> bool:
    """Whether a text contains hexadecimal digits in capitals, which other programs refuse."""
    return isinstance(value, str) and value != value.lower()


def _has_capitals(record: Mapping[str, object]) -> bool:
    """Whether any digest or hash of a record has capitals; keys are those of hashmatch's own lists."""
    if any(in_capitals(record.get(name)) for name in ("md5", "sha1", "sha256", "hash")):
        return True
    hashes = record.get("hashes")
    return isinstance(hashes, list) and any(isinstance(each, dict) and in_capitals(each.get("hash")) for each in hashes)


def digest(field: str, value: object) -> str | None:
    """Checks a digest and returns it in lower case; field: the name of its algorithm."""
    if value is None or value == "":
        return None
    found = _hexadecimal(field, value).hex()
    if len(found) != DIGEST_DIGITS[field]:
        wanted = DIGEST_DIGITS[field]
        _refuse(_("{field} must have {wanted} hexadecimal digits: {value}"), field, value, wanted=wanted)
    return found


def perceptual_hash(record: Mapping[str, object]) -> Hash:
    """Checks one perceptual hash. For an algorithm that this program does not know, 8 to 512 bytes are accepted."""
    algorithm = text("algorithm", record.get("algorithm"), 32)
    if algorithm is None:
        raise LineError(_("a hash does not name its algorithm"))
    algorithm = algorithm.lower()
    if not _ALGORITHM.fullmatch(algorithm):
        _refuse(_("{field} is not a name: {value}"), "algorithm", algorithm)
    value = record.get("hash")
    bits = _hexadecimal("hash", value)
    hasher = hashers.find(algorithm)
    wanted = hasher.digits if hasher else None
    if wanted is not None and len(bits) * 2 != wanted:
        _refuse(_("a {field} hash must have {wanted} hexadecimal digits: {value}"), algorithm, value, wanted=wanted)
    if wanted is None and not 8 <= len(bits) <= 512:
        _refuse(_("a {field} hash must have 16 to 1024 hexadecimal digits: {value}"), algorithm, value)
    view = text("view", record.get("view"), _VIEW_MAX) or FULL
    if not view.isprintable():
        _refuse(_("{field} is not a name: {value}"), "view", view)
    return Hash(
        algorithm=algorithm,
        bits=bits,
        quality=whole("quality", record.get("quality"), 100),
        time=seconds("time", record.get("time")),
        view=view,
        version=whole("version", record.get("version"), _INT_MAX),
    )


def _kind(value: object) -> Kind | None:
    match text("kind", value):
        case None:
            return None
        case "image":
            return "image"
        case "video":
            return "video"
    _refuse(_("{field} is neither image nor video: {value}"), "kind", value)


def tlp(value: object) -> Tlp | None:
    """Reads a TLP mark, in capitals or not, with or without the prefix "TLP:". TLP 1 called "clear" "white"."""
    mark = text("tlp", value, 32)
    if mark is None:
        return None
    name = mark.strip().lower().removeprefix("tlp:").strip()
    for known in TLP_ORDER:
        if known == ("clear" if name == "white" else name):
            return known
    _refuse(_("{field} is not a Traffic Light Protocol mark: {value}"), "tlp", value)


def moment(field: str, value: object) -> str | None:
    """Converts an ISO 8601 date or time to UTC, to the second ("2026-11-21T19:00:00Z"). No zone means UTC."""
    stamp = text(field, value, 64)
    if stamp is None:
        return None
    try:
        return _utc(stamp)
    except (ValueError, OverflowError):
        _refuse(_("{field} is not a date in ISO 8601: {value}"), field, value)


@functools.lru_cache(maxsize=1024)  # the entries of a list often share one date
def _utc(stamp: str) -> str:
    parsed = datetime.fromisoformat(stamp)
    zoned = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return zoned.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def exact_moment(field: str, value: object) -> str | None:
    """Like `moment`, but to the microsecond: "2026-11-21T19:00:00.000000Z"."""
    rounded = moment(field, value)
    if rounded is None or not isinstance(value, str):
        return rounded
    parsed = datetime.fromisoformat(value)
    return f"{rounded[:19]}.{parsed.microsecond:06}Z"


def list_head(record: Mapping[str, object]) -> ListHead:
    """What a list says about itself. The keys are the names in ListHead, except `list` for its name."""
    sequence, since = (whole(field, record.get(field), _INT_MAX) for field in ("sequence", "since"))
    created, expires = (moment(field, record.get(field)) for field in ("created", "expires"))
    return ListHead(text("list", record.get("list"), 256), sequence, since, created, expires, _origin(record))


def _origin(record: Mapping[str, object]) -> str | None:
    value = text("origin", record.get("origin"), 32)
    if value is not None and not _ORIGIN.fullmatch(value):
        _refuse(_("{field} is not 32 hexadecimal digits: {value}"), "origin", value)
    return value


def instant(field: str, value: object) -> str | None:
    """Like `moment`, but also accepts seconds since 1970."""
    exact = exact_instant(field, value)
    return exact and exact[:19] + "Z"


def exact_instant(field: str, value: object) -> str | None:
    """Like `exact_moment`, but also accepts seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return exact_moment(field, value)
    try:
        found = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        _refuse(_("{field} is not a time in seconds since 1970: {value}"), field, value)
    return found.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def yes(field: str, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    _refuse(_("{field} is neither true nor false: {value}"), field, value)


def opinions(value: object) -> tuple[Opinion, ...]:
    """Reads opinions from a list of objects; see `opinion_record`."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise LineError(_("{field} is not a list of objects").format(field="opinions"))
    return tuple(dict.fromkeys(map(_opinion, value)))


def _opinion(record: Mapping[str, object]) -> Opinion:
    stated = text("opinion", record.get("opinion"))
    for verdict in VERDICTS:
        if verdict == stated:
            return Opinion(
                verdict,
                text("source", record.get("source")),
                exact_moment("at", record.get("at")),
                text("reason", record.get("reason")),
                text("author", record.get("author"), _AUTHOR_MAX) or "",
            )
    _refuse(_("{field} is not one of {known}: {value}"), "opinion", stated, known=", ".join(VERDICTS))


def opinion_record(opinion: Opinion) -> dict[str, str]:
    """An opinion as lists have it: {"opinion", "source", "at", "reason", "author"}, without keys that have no value."""
    record = {"opinion": opinion.verdict, "source": opinion.source, "at": opinion.at, "reason": opinion.reason}
    record["author"] = opinion.author
    return {key: value for key, value in record.items() if value}


def list_item(
    record: Mapping[str, object],
    hashes: tuple[Hash, ...],
    paths: tuple[bytes, ...],
    capitals_are_usual: bool = False,
) -> ListItem:
    """Makes one item from its fields, whose keys are the names in ListItem. `hashes` are already checked.

    capitals_are_usual: hexadecimal digits in capitals are normal in this format, and its readers accept them.
    """
    if any(not path or b"\0" in path for path in paths):
        raise LineError(_("a path is empty or contains a NUL byte"))
    item = ListItem(
        kind=_kind(record.get("kind")),
        md5=digest("md5", record.get("md5")),
        sha1=digest("sha1", record.get("sha1")),
        sha256=digest("sha256", record.get("sha256")),
        size=whole("size", record.get("size"), _INT_MAX),
        duration=seconds("duration", record.get("duration")),
        width=whole("width", record.get("width"), _INT_MAX),
        height=whole("height", record.get("height"), _INT_MAX),
        hashes=hashes,
        labels=texts("labels", record.get("labels")),
        allow=yes("allow", record.get("allow")),
        collection=text("collection", record.get("collection")),
        source=text("source", record.get("source")),
        tlp=tlp(record.get("tlp")),
        added=moment("added", record.get("added")),
        retracted=moment("retracted", record.get("retracted")),
        retraction_reason=text("retraction_reason", record.get("retraction_reason")),
        changed=exact_moment("changed", record.get("changed")),
        opinions=opinions(record.get("opinions")),
        author=text("author", record.get("author"), _AUTHOR_MAX) or "",
        record=text("record", record.get("record"), _AUTHOR_MAX),
        expires=moment("expires", record.get("expires")),
        paths=paths,
        case=text("case", record.get("case")),
        operator=text("operator", record.get("operator")),
        note=text("note", record.get("note")),
        capitals=not capitals_are_usual and _has_capitals(record),
    )
    if not identified(item) and not withdraws_record(item):
        raise LineError(_("neither a digest nor a hash"))
    return item


def withdraws_record(item: ListItem) -> bool:
    """Whether the item withdraws what its source calls by this record; it then needs no digest and no hash."""
    return item.retracted is not None and item.record is not None


def identified(item: ListItem) -> bool:
    """Whether the item has a digest or hash that can identify a file."""
    return bool(item.md5 or item.sha1 or item.sha256 or item.hashes)

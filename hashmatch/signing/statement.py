"""What a signer says about a list, in one line. minisign carries it as the trusted comment and signs it with the list."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hashmatch.exchange import fields
from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.json_reading import parse_object
from hashmatch.i18n import _
from hashmatch.records import ListHead, Tlp

_PREFIX = "hashmatch-list "
_NAME_MAX = 200
#: The largest number that SQLite holds.
_NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """What a signer says about one list.

    name: the list's name, the same for every issue. list_version: the version of its format.
    sequence: the number of this issue. since: an increment builds on the issues up to this number; None: a full list.
    created, expires: UTC, ISO 8601, to the second; None: it never expires. count: the number of entries.
    tlp: the strictest mark in the list. sha256: the digest of the list's bytes, lower-case hex; empty until it is signed.
    """

    name: str
    list_version: int
    sequence: int
    since: int | None
    created: str
    expires: str | None
    count: int
    tlp: Tlp | None
    sha256: str = ""

    @property
    def head(self) -> ListHead:
        """The part of the statement that lists in some formats can also say about themselves."""
        return ListHead(self.name, self.sequence, self.since, self.created, self.expires)


def to_comment(statement: SignedStatement) -> str:
    """Writes the statement as a trusted comment: ASCII, one line. Raises LineError if `from_comment` would refuse it."""
    record = {
        "list": statement.name,
        "version": statement.list_version,
        "sequence": statement.sequence,
        "since": statement.since,
        "created": statement.created,
        "expires": statement.expires,
        "count": statement.count,
        "tlp": statement.tlp,
        "sha256": statement.sha256,
    }
    comment = _PREFIX + json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    if from_comment(comment) != statement:
        raise LineError(_("the statement would not be read back as it is: {value}").format(value=snippet(comment)))
    return comment


def from_comment(comment: str) -> SignedStatement | None:
    """Reads the statement in a trusted comment; None if it is not a statement but, for example, minisign's own comment.

    Unknown keys are ignored. Raises LineError for a statement that cannot be used.
    """
    if not comment.startswith(_PREFIX):
        return None
    record = parse_object(comment.removeprefix(_PREFIX))
    statement = SignedStatement(
        name=_name(record),
        list_version=_number(record, "version"),
        sequence=_number(record, "sequence"),
        since=fields.whole("since", record.get("since"), _NUMBER_MAX),
        created=_needed("created", fields.moment("created", record.get("created"))),
        expires=fields.moment("expires", record.get("expires")),
        count=_number(record, "count"),
        tlp=fields.tlp(record.get("tlp")),
        sha256=_needed("sha256", fields.digest("sha256", record.get("sha256"))),
    )
    if statement.since is not None and statement.since > statement.sequence:
        message = _("it builds on number {since}, which comes after its own, {sequence}")
        raise LineError(message.format(since=statement.since, sequence=statement.sequence))
    return statement


def _needed(field: str, value: str | None) -> str:
    if value is None:
        raise LineError(_("{field} is missing").format(field=field))
    return value


def _number(record: dict[str, object], field: str) -> int:
    number = fields.whole(field, record.get(field), _NUMBER_MAX)
    if number is None:
        raise LineError(_("{field} is missing").format(field=field))
    return number


def _name(record: dict[str, object]) -> str:
    name = _needed("list", fields.text("list", record.get("list"), _NAME_MAX))
    # Python does not count the joiners in Persian and many Arabic names as printable, but they are harmless.
    if not name.replace("\u200c", "").replace("\u200d", "").isprintable() or name != name.strip():
        raise LineError(_("{field} is not a name: {value}").format(field="list", value=snippet(name)))
    return name

"""The `digests` format, read only: lines with digests of several kinds, each in any form that `checksums` knows.

A digest of 64 digits counts as SHA-256 here. Lists of digests that cannot be searched by, such as SHA-512, are recognised
too, and refused line by line with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import DIGEST_DIGITS, LineError, snippet
from hashmatch.exchange.formats.checksums import TAGS, line_parser
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.exchange.numbered_lines import sample
from hashmatch.exchange.pdq_or_sha256 import DIGITS, beside, judged
from hashmatch.exchange.plain_lists import read_plain
from hashmatch.i18n import _
from hashmatch.records import ListItem

_PARSERS = {digest: line_parser("digests", digest) for digest in DIGEST_DIGITS}
_BY_DIGITS = {digits: digest for digest, digits in DIGEST_DIGITS.items()}

#: Digests of other kinds, by their number of digits.
OTHERS = {56: "SHA-224", 96: "SHA-384", 128: "SHA-512"}

_HEX = re.compile(rb"\s*\\?(?:[A-Za-z0-9-]{1,12}:)?([0-9A-Fa-f]{32,128})(?![0-9A-Za-z])")
_BSD = re.compile(rb"\s*\\?([A-Za-z0-9/-]{1,16}) ?\(.*\) ?= ?([0-9A-Fa-f]{32,128})\s*", re.DOTALL)
_BSD_TAGS = {digest: re.compile(tag, re.IGNORECASE) for digest, tag in TAGS.items()}


def unsearchable(name: str) -> LineError:
    """The reason why digests of a kind are refused. name: what the kind is called."""
    message = _("{name} digests cannot be searched here, only MD5, SHA-1 and SHA-256")
    return LineError(message.format(name=name))


def _kind(line: bytes) -> str | None:
    """Which digest a line has: a name in DIGEST_DIGITS or OTHERS, or as a BSD line calls it; None if it has none."""
    if found := _HEX.match(line):
        return _BY_DIGITS.get(len(found[1])) or OTHERS.get(len(found[1]))
    if found := _BSD.fullmatch(line):
        known = (digest for digest, tag in _BSD_TAGS.items() if tag.fullmatch(found[1]))
        return next(known, found[1].decode("ascii"))
    return None


def _parse(line: bytes) -> ListItem:
    kind = _kind(line)
    if kind in _PARSERS:
        return _PARSERS[kind](line)
    if kind is not None:
        raise unsearchable(kind)
    raise LineError(_("not a line with a digest: {value}").format(value=snippet(line)))


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_plain(stream, _parse)


def looks_like(head: bytes) -> bool:
    """Whether more than half of the first lines have digests, of several kinds or of one that cannot be searched by."""
    lines = sample(head)
    kinds = [kind for kind in map(_kind, lines) if kind]
    if len(kinds) * 2 <= len(lines):
        return False
    return len(set(kinds)) > 1 or (bool(kinds) and kinds[0] not in DIGEST_DIGITS)


def doubt(head: bytes) -> str:
    """What is doubtful about the values of 64 digits. Other digests beside them speak for SHA-256."""
    found = (_HEX.match(line) for line in sample(head))
    values = [match[1].decode("ascii") for match in found if match and len(match[1]) == DIGITS]
    judgement = judged(values, beside("named"))
    if not values or judgement.algorithm == "sha256":
        return ""
    return _("values of 64 digits are read as SHA-256, and some of them may be PDQ")


FORMAT = Format("digests", frozenset({"md5", "sha1", "sha256", "paths"}), None, read, looks_like, doubt=doubt)

"""The `pdq` format: a plain list of PDQ hashes, one per line, as read and written by the tools of Meta's ThreatExchange.

We read `hex`, `hex,anything` and `hash=hex,norm=…,delta=…,quality=…,filename=…` (pdq/cpp/io/hashio.h in
github.com/facebook/ThreatExchange) in upper or lower case; also `hex,quality,name`, and `hex quality name` or `hex name`
with blanks or tabs. We write bare lower-case hex, since those tools refuse upper case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, in_capitals, snippet
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.pdq_or_sha256 import BY_FORMAT, judged_list
from hashmatch.exchange.plain_lists import read_plain, write_plain
from hashmatch.i18n import _
from hashmatch.matching.tiers import quality_of
from hashmatch.records import Hash, ListItem

_LINE = re.compile(rb"\s*(?:hash=)?([0-9A-Fa-f]{64})\s*(?:,(.*)|(?<=\s)(\S.*))?", re.IGNORECASE | re.DOTALL)

# A file name may contain commas and even ",quality=", so the other fields end where it begins.
_FILENAME = re.compile(rb"(?:\A|,)\s*filename=")
_QUALITY = re.compile(rb"(?:\A|,)\s*quality=(100|[0-9]{1,2})\s*(?:,|\Z)")
_QUALITY_FIRST = re.compile(rb"\s*(100|[0-9]{1,2})\s*(?:\Z|[\s,]\s*\*?)")


def _parse(line: bytes) -> ListItem:
    found = _LINE.fullmatch(line)
    if not found:
        raise LineError(_("not a PDQ hash of 64 hexadecimal digits: {value}").format(value=snippet(line)))
    quality, path = _meta(found[2], found[3]) if found[2] or found[3] else (None, b"")
    digits = found[1].decode("ascii")
    bits = bytes.fromhex(digits)
    # A PDQ hash always belongs to one still picture. Even a hash from a video can only be matched as a picture if the
    # other frames and their times are missing. So the kind is "image", not unknown.
    return ListItem(
        kind="image",
        hashes=(Hash("pdq", bits, quality),),
        paths=(path,) if path else (),
        capitals=in_capitals(digits),
    )


def _meta(fields: bytes | None, name: bytes | None) -> tuple[int | None, bytes]:
    """The quality and the file name beside a hash. fields: what follows a comma. name: what follows a blank."""
    rest = fields or name or b""
    if first := _QUALITY_FIRST.match(rest):
        return int(first[1]), rest[first.end() :]
    if fields is None:
        path = rest.removeprefix(b"*")
        return None, b"" if path == b"-" else path
    found = _FILENAME.search(fields)
    facts, path = (fields[: found.start()], fields[found.end() :]) if found else (fields, b"")
    quality = _QUALITY.search(facts)
    return int(quality[1]) if quality else None, path


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_plain(stream, _parse)


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes each distinct PDQ hash of each item. The format has no place for EXTRAS, quality, time or view.

    Hashes of low quality are left out: readers of the list could not tell, and would match plain pictures with them.
    """

    def entries(item: ListItem) -> Iterable[bytes]:
        return dict.fromkeys(
            hash.hex.encode("ascii") for hash in item.hashes if hash.algorithm == "pdq" and good_enough(hash)
        )

    return write_plain(items, out, entries)


def good_enough(hash: Hash) -> bool:
    """Whether a PDQ hash may be matched: its quality is high enough, or unknown."""
    return hash.quality is None or hash.quality >= least_quality()


def least_quality() -> int:
    """The lowest PDQ quality of a hash that may be matched."""
    return quality_of("pdq").good


def looks_like(head: bytes) -> bool:
    """Whether these lines are PDQ hashes. They could also be SHA-256; see `pdq_or_sha256`."""
    found = judged_list(head)
    return found is not None and found.algorithm == "pdq"


def doubt(head: bytes) -> str:
    found = judged_list(head)
    return found.doubt(BY_FORMAT) if found and found.algorithm == "pdq" else ""


FORMAT = Format("pdq", frozenset({"pdq"}), write, read, looks_like, doubt=doubt)

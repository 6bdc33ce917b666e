"""The `pdq` format: a plain list of PDQ hashes, one per line, as read and written by the tools of Meta's ThreatExchange.

We read `hex`, `hex,anything` and `hash=hex,norm=…,delta=…,quality=…,filename=…` (pdq/cpp/io/hashio.h in
github.com/facebook/ThreatExchange) in upper or lower case. We write bare lower-case hex, since those tools refuse upper
case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, in_capitals, snippet
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.plain_lists import read_plain, readable, write_plain
from hashmatch.i18n import _
from hashmatch.matching.tiers import quality_of
from hashmatch.records import Hash, ListItem

_LINE = re.compile(rb"\s*(?:hash=)?([0-9A-Fa-f]{64})\s*(?:,(.*))?", re.IGNORECASE | re.DOTALL)

# A file name may contain commas and even ",quality=", so the other fields end where it begins.
_FILENAME = re.compile(rb"(?:\A|,)\s*filename=")
_QUALITY = re.compile(rb"(?:\A|,)\s*quality=(100|[0-9]{1,2})\s*(?:,|\Z)")


def _parse(line: bytes) -> ListItem:
    found = _LINE.fullmatch(line)
    if not found:
        raise LineError(_("not a PDQ hash of 64 hexadecimal digits: {value}").format(value=snippet(line)))
    meta, path, quality = found[2], b"", None
    if meta:
        name = _FILENAME.search(meta)
        facts, path = (meta[: name.start()], meta[name.end() :]) if name else (meta, b"")
        quality = _QUALITY.search(facts)
    digits = found[1].decode("ascii")
    bits = bytes.fromhex(digits)
    # A PDQ hash always belongs to one still picture. Even a hash from a video can only be matched as a picture if the
    # other frames and their times are missing. So the kind is "image", not unknown.
    return ListItem(
        kind="image",
        hashes=(Hash("pdq", bits, int(quality[1]) if quality else None),),
        paths=(path,) if path else (),
        capitals=in_capitals(digits),
    )


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
    """Whether these lines are PDQ hashes. Bare ones could also be SHA-256, so their number of ones decides.

    PDQ sets a bit for each coefficient above the median, so half of them, 128, are ones for every picture that is not
    degenerate. Of random digests, one in twenty has exactly 128 ones.
    """
    good = readable(head, _parse)
    halves = sum(int.from_bytes(item.hashes[0].bits).bit_count() == 128 for _line, item in good)
    return bool(good) and (any(b"," in line or b"=" in line for line, _item in good) or halves * 2 >= len(good))


FORMAT = Format("pdq", frozenset({"pdq"}), write, read, looks_like)

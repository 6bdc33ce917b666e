"""The `pdq` format: a plain list of PDQ hashes, one a line, as the tools of Meta's ThreatExchange read and write it.

Read are `hex`, `hex,anything` and `hash=hex,norm=…,delta=…,quality=…,filename=…` (pdq/cpp/io/hashio.h in
github.com/facebook/ThreatExchange), in either case; written is bare lower-case hex: upper case is refused there.
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

# A file name may hold commas and even ",quality=": the named facts end where it begins.
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
    # A PDQ hash is always that of one still picture: even one that came from a video can, without the other frames
    # and their times, only be matched as a picture. So "image", and not "unknown".
    return ListItem(
        kind="image",
        hashes=(Hash("pdq", bits, int(quality[1]) if quality else None),),
        paths=(path,) if path else (),
        capitals=in_capitals(digits),
    )


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_plain(stream, _parse)


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes each different PDQ hash of each item. The format has no place for EXTRAS, quality, time or view.

    A hash of low quality is left out: whoever reads the list could not tell, and would match plain pictures with it.
    """

    def entries(item: ListItem) -> Iterable[bytes]:
        return dict.fromkeys(
            hash.hex.encode("ascii") for hash in item.hashes if hash.algorithm == "pdq" and good_enough(hash)
        )

    return write_plain(items, out, entries)


def good_enough(hash: Hash) -> bool:
    """Whether a PDQ hash may be matched: its quality is sufficient, or not known."""
    return hash.quality is None or hash.quality >= least_quality()


def least_quality() -> int:
    """The least PDQ quality of a hash that may be matched."""
    return quality_of("pdq").good


def looks_like(head: bytes) -> bool:
    """Whether these are lines of PDQ hashes; bare ones, which may as well be SHA-256, by the number of their ones.

    PDQ's bits are coefficients above their median, so that half of them, 128, are ones for every picture that is not
    degenerate; of random digests one in twenty has exactly 128.
    """
    good = readable(head, _parse)
    halves = sum(int.from_bytes(item.hashes[0].bits).bit_count() == 128 for _line, item in good)
    return bool(good) and (any(b"," in line or b"=" in line for line, _item in good) or halves * 2 >= len(good))


FORMAT = Format("pdq", frozenset({"pdq"}), write, read, looks_like)

"""Lists of cryptographic digests as printed by md5sum, sha256sum and their BSD and OpenSSL counterparts.

We read these forms, with hex in upper or lower case:
    <hex>  name      <hex> *name      <hex>              GNU coreutils; "-" means no name
    \\<hex>  na\\nme                                       the same, with \\n, \\r and \\\\ in the name escaped
    MD5 (name) = <hex>      SHA256 (name) = <hex>        BSD, `--tag`, OpenSSL
A file name may be any bytes, as on disk. We write `<hex>  -`: names are left out unless the user asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import BinaryIO, Literal

from hashmatch.exchange.fields import DIGEST_DIGITS, LineError, in_capitals, snippet
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.plain_lists import read_plain, readable, write_plain
from hashmatch.i18n import _
from hashmatch.records import ListItem

_ESCAPED = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_UNESCAPED = {escape: byte for byte, escape in _ESCAPED.items()}


def _named(hex: bytes, path: bytes) -> bytes:
    escaped = re.sub(rb"[\\\n\r]", lambda found: _ESCAPED[found[0]], path)
    return (b"\\" if escaped != path else b"") + hex + b"  " + escaped


def _unescape(name: bytes) -> bytes:
    return re.sub(rb"\\[\\nr]", lambda found: _UNESCAPED[found[0]], name)


def checksum_format(name: str, digest: Literal["md5", "sha256"], tag: bytes, bare_is_telling: bool) -> Format:
    """Makes the format for one digest.

    tag: a pattern for the digest's names in BSD lines. bare_is_telling: a line of bare hex is enough to detect this
    digest, because no other list has hex of that length.
    """
    digits = DIGEST_DIGITS[digest]
    hex_pattern = rb"([0-9A-Fa-f]{%d})" % digits
    gnu = re.compile(rb"\s*" + hex_pattern + rb"(?: [ *](.+)|\s*|[ \t](.+))", re.DOTALL)
    bsd = re.compile(rb"\s*(?:" + tag + rb") ?\((.*)\) ?= ?" + hex_pattern + rb"\s*", re.DOTALL | re.IGNORECASE)
    digest_of = attrgetter(digest)

    def parse(line: bytes) -> ListItem:
        escaped = line.startswith(b"\\")
        entry = line[1:] if escaped else line
        if found := gnu.fullmatch(entry):
            value, path = found[1], found[2] or found[3] or b""
        elif found := bsd.fullmatch(entry):
            value, path = found[2], found[1]
        else:
            reason = _("not a line in {name} format with {digits} hexadecimal digits: {value}")
            raise LineError(reason.format(name=name, digits=digits, value=snippet(line)))
        spelled = value.decode("ascii")
        hex = spelled.lower()
        return ListItem(
            md5=hex if digest == "md5" else None,
            sha256=hex if digest == "sha256" else None,
            paths=() if path in (b"", b"-") else (_unescape(path) if escaped else path,),
            capitals=in_capitals(spelled),
        )

    def read(stream: BinaryIO) -> Iterator[ListRow]:
        return read_plain(stream, parse)

    def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
        def entries(item: ListItem) -> Iterable[bytes]:
            value: str | None = digest_of(item)
            if value is None:
                return ()
            paths = item.paths if "paths" in include else ()
            return [_named(value.encode("ascii"), path) for path in paths or (b"-",)]

        return write_plain(items, out, entries)

    def looks_like(head: bytes) -> bool:
        good = readable(head, parse)
        return bool(good) and (bare_is_telling or any(len(line.strip()) > digits for line, _item in good))

    return Format(name, frozenset({digest, "paths"}), write, read, looks_like)


MD5SUM = checksum_format("md5sum", "md5", tag=rb"MD5", bare_is_telling=True)
#: Bare hex with 64 digits could also be PDQ.
SHA256SUM = checksum_format("sha256sum", "sha256", tag=rb"SHA-?(?:2-)?256", bare_is_telling=False)

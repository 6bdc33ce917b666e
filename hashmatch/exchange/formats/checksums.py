"""Lists of cryptographic digests as printed by md5sum, sha1sum, sha256sum and their BSD and OpenSSL counterparts.

We read these forms, with hex in upper or lower case:
    <hex>  name      <hex> *name      <hex>              GNU coreutils; "-" means no name
    \\<hex>  na\\nme                                       the same, with \\n, \\r and \\\\ in the name escaped
    MD5 (name) = <hex>      SHA256 (name) = <hex>        BSD, `--tag`, OpenSSL
    <hex>,name      <hex>;name      md5:<hex>            as other programs write them
A file name may be any bytes, as on disk. We write `<hex>  -`: names are left out unless the user asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import BinaryIO, Literal

from hashmatch.exchange.fields import DIGEST_DIGITS, LineError, in_capitals, snippet
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.pdq_or_sha256 import BY_FORMAT, judged_list
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


#: Digest -> a pattern for its names in BSD lines.
TAGS = {"md5": rb"MD5", "sha1": rb"SHA-?1", "sha256": rb"SHA-?(?:2-)?256"}


def line_parser(name: str, digest: str) -> Callable[[bytes], ListItem]:
    """Makes the function that parses a line with one digest. name: of the format, for messages."""
    digits, tag = DIGEST_DIGITS[digest], TAGS[digest]
    hex_pattern = rb"([0-9A-Fa-f]{%d})" % digits
    gnu = re.compile(
        rb"\s*(?:" + tag + rb":)?" + hex_pattern + rb"(?: [ *](.+)|\s*|(?:[ \t]|\s*[,;|][ \t]*)(.*))",
        re.DOTALL | re.IGNORECASE,
    )
    bsd = re.compile(rb"\s*(?:" + tag + rb") ?\((.*)\) ?= ?" + hex_pattern + rb"\s*", re.DOTALL | re.IGNORECASE)

    def parse(line: bytes) -> ListItem:
        escaped = line.startswith(b"\\")
        entry = line[1:] if escaped else line
        if found := gnu.fullmatch(entry):
            value, path = found[1], found[2] or _bare(found[3])
        elif found := bsd.fullmatch(entry):
            value, path = found[2], found[1]
        else:
            reason = _("not a line in {name} format with {digits} hexadecimal digits: {value}")
            raise LineError(reason.format(name=name, digits=digits, value=snippet(line)))
        spelled = value.decode("ascii")
        hex = spelled.lower()
        return ListItem(
            md5=hex if digest == "md5" else None,
            sha1=hex if digest == "sha1" else None,
            sha256=hex if digest == "sha256" else None,
            paths=() if path in (b"", b"-") else (_unescape(path) if escaped else path,),
            capitals=in_capitals(spelled),
        )

    return parse


def _bare(name: bytes | None) -> bytes:
    """A name after a comma or a blank, without the quotes around it."""
    name = name or b""
    return name[1:-1] if len(name) > 2 and name[:1] == name[-1:] == b'"' else name


def _checksum_format(name: str, digest: Literal["md5", "sha1", "sha256"]) -> Format:
    parse = line_parser(name, digest)
    digest_of = attrgetter(digest)

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
        if digest == "sha256" and (found := judged_list(head)):  # it could also be PDQ
            return found.algorithm == "sha256"
        return bool(readable(head, parse))

    def doubt(head: bytes) -> str:
        found = judged_list(head) if digest == "sha256" else None
        return found.doubt(BY_FORMAT) if found else ""

    return Format(name, frozenset({digest, "paths"}), write, read, looks_like, doubt=doubt)


MD5SUM = _checksum_format("md5sum", "md5")
SHA1SUM = _checksum_format("sha1sum", "sha1")
SHA256SUM = _checksum_format("sha256sum", "sha256")

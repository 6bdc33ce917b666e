"""The `nsrl` format: the National Software Reference Library's list of files as a table, which many programs read.

    "SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"

This is version 2. We also read version 1, and tables made from version 3, which begin with "SHA-256"; the header tells
them apart. The library lists known software, most of it harmless: special code "M" says that a file is malicious.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from hashmatch.exchange.formats.digest_tables import has_header, name_cell, name_in, number_in, read_table
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import LineRemark, ListItem

HEADER = ("SHA-1", "MD5", "CRC32", "FileName", "FileSize", "ProductCode", "OpSystemCode", "SpecialCode")


def _record(cells: Mapping[str, str]) -> Mapping[str, object]:
    special = cells.get("specialcode", "").strip()
    return {
        "sha1": cells.get("sha-1", "").strip(),
        "sha256": cells.get("sha-256", "").strip(),
        "md5": cells.get("md5", "").strip(),
        "size": number_in("FileSize", cells.get("filesize", "")),
        "path": name_in(cells.get("filename", "")),
        "note": _("NSRL special code {code}").format(code=special) if special else None,
    }


def read(stream: BinaryIO) -> Iterator[ListRow]:
    message = _("if this is the NSRL's own list of known software, import it with --allow")
    return remarked(read_table(stream, HEADER, _record), message)


def remarked(rows: Iterable[ListRow], message: str) -> Iterator[ListRow]:
    """Yields the same rows, with a remark before the first item."""
    is_done = False
    for row in rows:
        if isinstance(row, tuple) and not is_done:
            yield LineRemark(row[0], message, asks_allow=True)
            is_done = True
        yield row


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every item that has a SHA-1, since such a list is sorted and searched by it.

    hfind finds columns by position, so the CRC-32, which we do not know, is written as zeros.
    """
    out.write(",".join(f'"{name}"' for name in HEADER).encode("ascii") + b"\r\n")

    def entries(item: ListItem) -> Iterable[bytes]:
        if item.sha1 is None:
            return ()
        digests = f'"{item.sha1.upper()}","{(item.md5 or "").upper()}","00000000"'.encode("ascii")
        size = b"" if item.size is None else b"%d" % item.size
        paths = item.paths if "paths" in include else ()
        names = dict.fromkeys(map(name_cell, paths)) or (b'""',)
        return [b'%b,%b,%b,0,"",""\r' % (digests, name, size) for name in names]

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    return has_header(head, "SHA-1", "MD5", "FileName", "ProductCode")


FORMAT = Format("nsrl", frozenset({"md5", "sha1", "size", "paths"}), write, read, looks_like, needs=frozenset({"sha1"}))

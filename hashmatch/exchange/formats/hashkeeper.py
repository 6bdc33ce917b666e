"""The `hashkeeper` format: a table of MD5 digests that HashKeeper wrote and other forensic programs read.

"file_id","hashset_id","file_name","directory","hash","file_size","date_modified","time_modified","time_zone",
"comments","date_accessed","time_accessed"
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from hashmatch.exchange.formats.digest_tables import has_header, name_cell, name_in, number_in, read_table
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.records import ListItem

HEADER = (
    *("file_id", "hashset_id", "file_name", "directory", "hash", "file_size", "date_modified", "time_modified"),
    *("time_zone", "comments", "date_accessed", "time_accessed"),
)


def _record(cells: Mapping[str, str]) -> Mapping[str, object]:
    folder, name = (name_in(cells.get(column, "")) for column in ("directory", "file_name"))
    return {
        "md5": cells.get("hash", "").strip(),
        "size": number_in("file_size", cells.get("file_size", "")),
        "path": f"{folder}\\{name}" if folder and name else folder or name,
        "note": cells.get("comments", "").encode("latin-1").decode("utf-8", "backslashreplace").replace("\0", ""),
    }


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_table(stream, HEADER, _record)


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every item that has an MD5. The whole path goes into the name, since it need not be a Windows path."""
    out.write(",".join(f'"{name}"' for name in HEADER).encode("ascii") + b"\r\n")
    count = itertools.count(1)

    def entries(item: ListItem) -> Iterable[bytes]:
        if item.md5 is None:
            return ()
        size = b"" if item.size is None else b"%d" % item.size
        paths = item.paths if "paths" in include else ()
        names = dict.fromkeys(map(name_cell, paths)) or (b'""',)
        digest = item.md5.upper().encode("ascii")
        return [b'%d,1,%b,,"%b",%b,,,,,,\r' % (next(count), name, digest, size) for name in names]

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    return has_header(head, "file_id", "hashset_id", "file_name", "hash")


FORMAT = Format("hashkeeper", frozenset({"md5", "size", "paths"}), write, read, looks_like, needs=frozenset({"md5"}))

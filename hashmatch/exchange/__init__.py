"""Reads and writes hash lists: each format is one module with a `list_format.Format`, looked up here by name.

To add a format, write a module with a constant `FORMAT` and add one line to `_MODULES`. A module is loaded only when
someone asks for its format, so a format that needs a heavy library does not slow the others down.

Usage:
    report = get("jsonl").write(items, out, frozenset({"paths"}))
    form = detect(file.read(HEAD)) or get("pdq")
    file.seek(0)
    for row in form.read(file): ...                          # (line, ListItem), BadLine or LineRemark
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import BinaryIO

from hashmatch.errors import CommandError
from hashmatch.exchange.list_format import EXTRAS, Format, ListRow, WriteReport
from hashmatch.exchange.packed_lists import InnerList, unpacked
from hashmatch.i18n import _
from hashmatch.records import LineRemark

__all__ = [
    "EXTRAS",
    "HEAD",
    "Format",
    "InnerList",
    "ListRow",
    "WriteReport",
    "detect",
    "get",
    "names",
    "unpacked",
    "with_columns",
    "written",
]

#: `detect` needs no more than this many bytes from the start of a list.
HEAD = 65_536

#: Format name -> its module in formats/, with ":CONSTANT" where the constant there is not FORMAT. `detect` tries the
#: formats in this order: those that are easiest to recognise come first.
_MODULES = {
    "jsonl": "jsonl",
    "csv": "csv_table",
    "stix": "stix",
    "misp": "misp",
    "vics": "vics",
    "kdb": "kdb",
    "rds": "rds",
    "nsrl": "nsrl",
    "hashkeeper": "hashkeeper",
    "tx-csv": "tx_csv",
    "hashdeep": "hashdeep",
    "get-filehash": "get_filehash",
    "bodyfile": "body_file",
    "rds-delta": "rds_delta",
    "table": "tables",
    "tx-lines": "tx_lines",
    "vpdq": "vpdq",
    "vpdq-text": "vpdq_text",
    "threatexchange": "threatexchange",
    "tat": "tat",
    "stopncii": "stopncii",
    "ncmec": "ncmec",
    "json": "plain_json",
    "digests": "digests",
    "md5sum": "checksums:MD5SUM",
    "sha1sum": "checksums:SHA1SUM",
    "sha256sum": "checksums:SHA256SUM",
    "pdq": "pdq",
}

#: Formats that may be tables of other programs, so that a person may name their columns.
_TABLES = frozenset(
    {"csv", "tx-csv", "table", "nsrl", "hashkeeper", "digests", "md5sum", "sha1sum", "sha256sum", "pdq", "tx-lines"}
)


def names() -> tuple[str, ...]:
    """The names of all formats. Every one can be read."""
    return tuple(_MODULES)


def written() -> tuple[str, ...]:
    """The names of the formats that can also be written. Loads every format."""
    return tuple(name for name in _MODULES if get(name).write)


@cache
def bare() -> frozenset[str]:
    """The names of bare formats, see Format.is_bare."""
    return frozenset(name for name in names() if get(name).is_bare)


def get(name: str) -> Format:
    """The format with this name. Raises CommandError, which lists the known names, if there is none."""
    if name not in _MODULES:
        known = ", ".join(_MODULES)
        raise CommandError(
            _("unknown list format {name!r}; the known formats are: {known}").format(name=name[:40], known=known)
        )
    module, _colon, constant = _MODULES[name].partition(":")
    found: Format = getattr(import_module(f"{__name__}.formats.{module}"), constant or "FORMAT")
    return found


def with_columns(form: Format | None, columns: Mapping[str, str]) -> Format:
    """The format for a table whose columns a person names.

    form: what the list was recognised as, if it was. columns: our field (such as md5, sha1, sha256, pdq, hash, path, size,
    labels) -> the name of the table's column, or its number from 1.
    Raises CommandError if the list is no table, or a table has no such field.
    """
    if form and form.name not in _TABLES:
        raise CommandError(_("--column names the columns of a table, and this list is {name}").format(name=form.name))
    from hashmatch.exchange.formats import tables

    return tables.with_columns(columns)


def detect(head: bytes) -> Format | None:
    """Recognises the format of a list by its first bytes (HEAD of them are enough); None if it cannot tell.

    If there is doubt, as with 64 hexadecimal digits per line, which can be PDQ or SHA-256 (see `pdq_or_sha256`), the
    format reads the list with a remark about that before its first entry. If the odds are even, the caller must ask.
    """
    form = next((format for format in map(get, _MODULES) if format.looks_like(head)), None)
    doubt = form.doubt(head) if form and form.doubt else ""
    if not form or not doubt:
        return form
    return replace(form, read=partial(_remarked, form.read, doubt))


def _remarked(read: Callable[[BinaryIO], Iterator[ListRow]], remark: str, stream: BinaryIO) -> Iterator[ListRow]:
    yield LineRemark(1, remark)
    yield from read(stream)

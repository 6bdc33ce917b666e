"""Hash lists in and out: one module per format behind the small type `list_format.Format`, found by name here.

Adding a format is one module with a constant `FORMAT` and one line in `_MODULES`. A module is loaded only when its
format is asked for, so that a format may need a heavy library and the others stay quick.

Usage:
    report = get("jsonl").write(items, out, frozenset({"paths"}))
    for row in (detect(head) or get("pdq")).read(stream):   # (line, ListItem) or BadLine
"""

from __future__ import annotations

from importlib import import_module

from hashmatch.errors import CommandError
from hashmatch.exchange.list_format import EXTRAS, Format, ListRow, WriteReport
from hashmatch.i18n import _

__all__ = ["EXTRAS", "HEAD", "Format", "ListRow", "WriteReport", "detect", "get", "names", "written"]

#: How many bytes from the start of a list are enough for `detect`.
HEAD = 65_536

#: Format name -> its module in formats/, and after a colon the constant there where that is not FORMAT. Also the order in
#: which `detect` asks: the more telling formats first.
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
    "tx-lines": "tx_lines",
    "vpdq": "vpdq",
    "vpdq-text": "vpdq_text",
    "threatexchange": "threatexchange",
    "tat": "tat",
    "stopncii": "stopncii",
    "ncmec": "ncmec",
    "md5sum": "checksums:MD5SUM",
    "sha256sum": "checksums:SHA256SUM",
    "pdq": "pdq",
}


def names() -> tuple[str, ...]:
    """The names of all formats, all of which can be read."""
    return tuple(_MODULES)


def written() -> tuple[str, ...]:
    """The names of the formats that can also be written. Loads every format."""
    return tuple(name for name in _MODULES if get(name).write)


def get(name: str) -> Format:
    """The format of a name. Raises CommandError, naming the known ones, when there is none."""
    if name not in _MODULES:
        known = ", ".join(_MODULES)
        raise CommandError(_("unknown list format {name!r}; known are: {known}").format(name=name[:40], known=known))
    module, _colon, constant = _MODULES[name].partition(":")
    found: Format = getattr(import_module(f"{__name__}.formats.{module}"), constant or "FORMAT")
    return found


def detect(head: bytes) -> Format | None:
    """The format of a list, judged by its first bytes (HEAD of them are enough); None when it cannot be told.

    A bare list of 64 hexadecimal digits a line can be PDQ or SHA-256: it counts as PDQ when half of the lines have as
    many ones as PDQ gives nearly every picture (see `pdq`), and as undecided otherwise: the caller must then ask.
    """
    return next((format for format in map(get, _MODULES) if format.looks_like(head)), None)

"""Turns values into cells of the `csv` format and back without loss; see `csv_table` for the rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from hashmatch.escape import FORMULA, for_spreadsheet
from hashmatch.exchange.fields import LineError, snippet
from hashmatch.i18n import _

_TEXT = frozenset({"view", "collection", "source", "retraction_reason", "case", "operator", "note"})
_NUMBERS = frozenset({"list_version", "version", "quality", "time", "size", "duration", "width", "height"})

_NUMBER = re.compile(r"[0-9]{1,25}(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,3})?")
_PART = re.compile(r"((?:[^\\|]|\\.?)*+)(?:\||\Z)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([\\|])|x([0-9a-f]{2}))")
_NAMES_MAX = 4 * 2**20  # each escape in a cell takes about a dozen bytes of memory
_ANSWERS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def unguard(cell: str) -> str:
    """Undoes `for_spreadsheet`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def join(parts: Iterable[bytes]) -> str:
    """Puts several names into one cell."""
    escaped = (part.replace(b"\\", b"\\\\").replace(b"|", b"\\|") for part in parts)
    return for_spreadsheet("|".join(part.decode("utf-8", "backslashreplace") for part in escaped))


def split(cell: str) -> list[bytes]:
    """The names in a cell, without empty ones. Raises LineError for a cell that is too long."""
    if len(cell) > _NAMES_MAX:
        raise LineError(
            _("a cell is longer than {most} characters: {value}").format(most=_NAMES_MAX, value=snippet(cell))
        )
    if "\\" not in cell:
        return [part.encode("utf-8") for part in unguard(cell).split("|") if part]

    def plain(found: re.Match[bytes]) -> bytes:
        return found[1] or bytes.fromhex(found[2].decode("ascii"))

    return [_ESCAPE.sub(plain, part.encode("utf-8")) for part in _PART.findall(unguard(cell)) if part]


def _json(cell: str) -> object:
    """The JSON value in a cell. Raises LineError."""
    try:
        return json.loads(unguard(cell)) if cell.strip() else None
    except (ValueError, RecursionError):
        raise LineError(_("not valid JSON: {value}").format(value=snippet(cell))) from None


def cell_of(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value + 0.0)  # never "-0.0", which would look like a formula
        case str():
            return for_spreadsheet(value)
    return str(value)


def value_of(column: str, cell: str) -> object:
    """The value of a cell in the form that `fields` expects; None for an empty cell. Raises LineError."""
    if column == "labels":
        try:
            return [label.decode("utf-8") for label in split(cell)]
        except UnicodeDecodeError:
            raise LineError(_("{field} is not text: {value}").format(field=column, value=snippet(cell))) from None
    if column == "opinions":
        return _json(cell)
    if column in _TEXT:
        return unguard(cell) or None
    bare = cell.strip()
    if column in _NUMBERS and bare:
        if not _NUMBER.fullmatch(bare):
            raise LineError(_("{field} is not a number: {value}").format(field=column, value=snippet(bare)))
        return int(bare) if bare.isdigit() else float(bare)
    return _ANSWERS.get(bare.lower(), bare or None) if column == "allow" else bare or None

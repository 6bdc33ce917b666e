"""Read a hash list in a locked process of its own: a list may be made to attack whoever reads it.

Everything that looks at a list's bytes happens there, from telling its format on. What comes back is plain records, whose types
and bounds are checked here, so a process that a list has taken over can say no more than a list can. How the entries are
added is decided here.
"""

from __future__ import annotations

import encodings
import importlib
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from hashmatch import exchange, hashers
from hashmatch.errors import CommandError
from hashmatch.exchange import entry_checks, fields, sqlite_files
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.isolation.reading import Reading, read_apart
from hashmatch.records import UNNAMED, ListHead
from hashmatch.workflows.list_lines import ListLine, PackedLines, unpacked

#: Encodings of lists of other programs. A locked process can load none later.
_ENCODINGS = (
    *("ascii", "latin_1", "iso8859_15", "cp437", "cp850", "cp1252", "utf_8", "utf_8_sig", "utf_16", "utf_16_le"),
    *("utf_16_be", "utf_32", "utf_32_le", "utf_32_be", "raw_unicode_escape", "unicode_escape"),
)


@dataclass(frozen=True, slots=True)
class ListLook:
    """What the first bytes of a list tell. form: None if they do not tell the format."""

    form: exchange.Format | None
    head: ListHead


def look_at(file: BinaryIO, path: Path, format_name: str = "auto", isolation: Isolation | None = None) -> ListLook:
    """Tell a list's format, if it is "auto", and what the list says about itself.

    path: for messages.
    Raises CommandError also for a list of a newer version, and OSError.
    """
    reading = Reading(_look, _prepare, (format_name,))
    for message in _apart(file, path, reading, isolation):
        name, head = _decoded(_look_decoder, message, path)
        with suppress(fields.LineError):
            return ListLook(None if name is None else exchange.get(name), fields.list_head(head))
    raise CommandError(_("{path}: {reason}").format(path=path, reason=_("its reader said nothing")))


def read_lines(
    file: BinaryIO, path: Path, format_name: str, isolation: Isolation | None = None
) -> Generator[list[ListLine]]:
    """Read and check all lines of a list, in batches of one transaction each. Another process reads the next meanwhile.

    Close the generator if you do not read to the end.
    Raises CommandError, in one line, where reading cannot go on; the batches before it are sound.
    """
    for message in _apart(file, path, Reading(_lines, _prepare, (format_name,)), isolation):
        try:
            yield unpacked(message)
        except ValueError:
            raise _nonsense(path) from None


def _apart(file: BinaryIO, path: Path, reading: Reading, isolation: Isolation | None) -> Iterator[bytes]:
    try:
        yield from read_apart(file, reading, isolation)
    except CommandError as error:
        raise CommandError(_("{path}: {reason}").format(path=path, reason=error)) from error


def _nonsense(path: Path) -> CommandError:
    reason = _("its reader sent what no reader of ours sends: the list was probably made to attack this program")
    return CommandError(_("{path}: {reason}").format(path=path, reason=reason))


# What runs in the other process. -----------------------------------------------------------------------------------------


def _prepare(stream: BinaryIO, format_name: str) -> None:
    """Load all that reading may need: nothing can be imported or opened once the process is locked."""
    forms = [exchange.get(name) for name in (exchange.names() if format_name == "auto" else (format_name,))]
    for name in (*hashers.HASHERS, hashers.GUARD):
        hashers.find(name)
    for name in _ENCODINGS:
        importlib.import_module(f"{encodings.__name__}.{name}")
        "".encode(name)
    time.strptime("2026", "%Y")  # loads what it needs when it is first called
    for form in forms:
        with suppress(CommandError):  # a library that is missing; reading says so
            next(form.read(BytesIO(b"")), None)
    sqlite_files.open_ahead(stream)


def _look(stream: BinaryIO, format_name: str) -> Iterator[bytes]:
    head = stream.read(exchange.HEAD)
    form = exchange.detect(head) if format_name == "auto" else exchange.get(format_name)
    if form is None:
        yield msgspec.msgpack.encode((None, {}))
        return
    next(iter(form.read(BytesIO(head))), None)  # refuses a list of a newer version, before anything is changed
    said = form.read_head(head) if form.read_head else UNNAMED
    record = {"list": said.name, "sequence": said.sequence, "since": said.since, "created": said.created}
    yield msgspec.msgpack.encode((form.name, {**record, "expires": said.expires, "origin": said.origin}))


def _lines(stream: BinaryIO, format_name: str) -> Iterator[bytes]:
    checks = entry_checks.ListChecker()
    packing = PackedLines()
    for row in exchange.get(format_name).read(stream):
        if isinstance(row, tuple):
            line, item = row
            if fields.identified(item):
                checked = checks.check(line, item)
                packing.put(line, checked.item, checked.problem, checked.remarks)
            else:
                packing.put(line, item, "", ())
        else:
            packing.put_remark(row)
        yield from packing.full()
    for remark in checks.whole():
        packing.put_remark(remark)
    yield from packing.rest()


_look_decoder = msgspec.msgpack.Decoder(tuple[str | None, dict[str, str | int | None]])


def _decoded(
    decoder: msgspec.msgpack.Decoder[tuple[str | None, dict[str, str | int | None]]], message: bytes, path: Path
) -> tuple[str | None, dict[str, str | int | None]]:
    try:
        return decoder.decode(message)
    except ValueError:
        raise _nonsense(path) from None

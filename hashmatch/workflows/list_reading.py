"""Read a hash list in a locked process of its own: a list may be made to attack whoever reads it.

Everything that looks at a list's bytes happens there, from telling its format on. What comes back is plain records, whose
types and bounds are checked here, so a process that a list has taken over can say no more than a list can. How the entries
are added is decided here.
"""

from __future__ import annotations

import encodings
import importlib
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
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
#: What the standard library imports when it first needs it: strptime, Counter.most_common.
_IMPORTED_LATE = ("_strptime", "heapq")


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
    with closing(_apart(file, path, reading, isolation)) as messages:
        try:
            name, said = _look_decoder.decode(next(messages, b""))
            return ListLook(None if name is None else exchange.get(name), fields.list_head(said))
        except (ValueError, fields.LineError):
            raise _nonsense(path) from None


def read_lines(
    file: BinaryIO, path: Path, format_name: str, isolation: Isolation | None = None
) -> Generator[list[ListLine]]:
    """Read and check all lines of a list, in batches of one transaction each. Another process reads the next meanwhile.

    Close the generator if you do not read to the end.
    Raises CommandError, in one line, where reading cannot go on; the batches before it are sound.
    """
    with closing(_apart(file, path, Reading(_lines, _prepare, (format_name,)), isolation)) as messages:
        for message in messages:
            try:
                yield unpacked(message)
            except ValueError:
                raise _nonsense(path) from None


def _apart(file: BinaryIO, path: Path, reading: Reading, isolation: Isolation | None) -> Generator[bytes]:
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
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    for form in forms:
        with suppress(CommandError):  # a library that is missing; reading says so
            form.prepare()
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
        if not isinstance(row, tuple):
            packing.put_remark(row)
        elif fields.identified(row[1]):
            checked = checks.check(*row)
            packing.put(row[0], checked.item, checked.problem, checked.remarks)
        else:
            packing.put(*row, "", ())
        yield from packing.full()
    for remark in checks.whole():
        packing.put_remark(remark)
    yield from packing.rest()


_look_decoder = msgspec.msgpack.Decoder(tuple[str | None, dict[str, str | int | None]])

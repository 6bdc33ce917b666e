"""Read a hash list in a locked process of its own: a list may be made to attack whoever reads it.

Everything that looks at a list's bytes happens there, from telling its format on. What comes back is plain records, whose
types and bounds are checked here, so a process that a list has taken over can say no more than a list can. How the entries
are added is decided here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import msgspec

from hashmatch import exchange, hashers
from hashmatch.errors import CommandError
from hashmatch.exchange import entry_checks, fields, sqlite_files
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.isolation.reading import Reading, nonsense, read_apart
from hashmatch.records import UNNAMED, BadLine, LineRemark, ListHead
from hashmatch.workflows.list_files import ListFile
from hashmatch.workflows.list_lines import ListLine, PackedLines, unpacked


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What a person says of a list. form: the name of its format; "auto" if its first bytes have to tell. columns: of a
    table: our field -> the name or number of its column. allow: that what it has is legitimate.
    """

    form: str = "auto"
    columns: tuple[tuple[str, str], ...] = ()
    allow: bool = False


@dataclass(frozen=True, slots=True)
class ListLook:
    """What the first bytes of a list tell. form: None if they do not tell the format."""

    form: exchange.Format | None
    head: ListHead


@contextmanager
def opened(
    given: ListFile, how: HowToRead, isolation: Isolation | None = None
) -> Iterator[tuple[ListLook, Iterator[list[ListLine]]]]:
    """A list that is being read: what its first bytes tell, and all its lines, checked, in batches of one transaction each.

    Another process reads the next batch while the caller uses the last.
    Raises CommandError, in one line, also for a list of a newer version, and if there is no such format or column. The
    batches raise it where reading cannot go on; those before are sound.
    """
    _load(how)
    with closing(_apart(given, Reading(_read, _prepare, (how,)), isolation)) as messages:
        try:
            name, said = _look_decoder.decode(next(messages, b""))
            look = ListLook(None if name is None else exchange.get(name), fields.list_head(said))
        except (ValueError, fields.LineError):
            raise _of(given, nonsense()) from None
        yield look, _batches(given, messages)


def _batches(given: ListFile, messages: Iterator[bytes]) -> Iterator[list[ListLine]]:
    for message in messages:
        try:
            yield unpacked(message)
        except ValueError:
            raise _of(given, nonsense()) from None


def _apart(given: ListFile, reading: Reading, isolation: Isolation | None) -> Generator[bytes]:
    try:
        yield from read_apart(given.content, reading, isolation)
    except CommandError as error:
        raise _of(given, str(error)) from error


def _of(given: ListFile, reason: str) -> CommandError:
    return CommandError(_("{path}: {reason}").format(path=given.name, reason=reason))


# What runs in the other process. -----------------------------------------------------------------------------------------


def _load(how: HowToRead) -> None:
    """Load all that reading may need, before any process is forked: once a process is locked, it can import nothing."""
    for name in exchange.names() if how.form == "auto" else (how.form,):
        with suppress(CommandError):  # a library that is missing; reading says so
            exchange.get(name).prepare()
    if how.columns:
        exchange.with_columns(None, dict(how.columns))
    for name in (*hashers.HASHERS, *hashers.GUARDS):
        hashers.find(name)


def _prepare(stream: BinaryIO, how: HowToRead) -> None:
    _load(how)  # where processes are not forked
    sqlite_files.open_ahead(stream)


def _format(head: bytes, how: HowToRead) -> exchange.Format | None:
    form = exchange.detect(head) if how.form == "auto" else exchange.get(how.form)
    return exchange.with_columns(form, dict(how.columns)) if how.columns else form


def _read(stream: BinaryIO, how: HowToRead) -> Iterator[bytes]:
    """The first message is the look, the others are lines."""
    head = stream.read(exchange.HEAD)
    form = _format(head, how)
    if form is None:
        yield msgspec.msgpack.encode((None, {}))
        return
    next(iter(form.read(BytesIO(head))), None)  # refuses a list of a newer version, before anything is changed
    said = form.read_head(head) if form.read_head else UNNAMED
    record = {"list": said.name, "sequence": said.sequence, "since": said.since, "created": said.created}
    yield msgspec.msgpack.encode((form.name, {**record, "expires": said.expires, "origin": said.origin}))
    stream.seek(0)
    yield from _lines(form.read(stream), how)


def _lines(rows: Iterable[exchange.ListRow], how: HowToRead) -> Iterator[bytes]:
    checks = entry_checks.ListChecker()
    packing = PackedLines()
    for row in rows:
        yield from packing.full(row[1].record if isinstance(row, tuple) else None)
        if not isinstance(row, tuple):
            if not (how.allow and isinstance(row, LineRemark) and row.asks_allow):
                packing.put_remark(row)
        elif fields.identified(row[1]):
            checked = checks.check(*row)
            packing.put(row[0], checked.item, checked.problem, checked.remarks)
        elif row[1].record is not None and row[1].retracted is not None:
            packing.put(*row, "", ())
        else:
            packing.put_remark(BadLine(row[0], _("neither a digest nor a hash")))
    for remark in checks.whole():
        packing.put_remark(remark)
    yield from packing.rest()


_look_decoder = msgspec.msgpack.Decoder(tuple[str | None, dict[str, str | int | None]])

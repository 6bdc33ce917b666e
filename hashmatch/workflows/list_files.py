"""The lists in a file: the file itself, or what it is packed in comes off, in a locked process.

What comes out goes to temporary files, since a list is read more than once. This process never looks at it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from hashmatch import exchange
from hashmatch.errors import CommandError
from hashmatch.exchange.packed_lists import START, Budget, PackedError, is_packed
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.isolation.reading import Reading, nonsense, read_apart

#: Characters of a name in a zip, and how many of them messages show.
_NAME_MAX, _NAME_SHOWN = 4096, 200

# The first byte of each message: a list begins; a part of it; why it cannot be unpacked.
_BEGINS, _PART, _PROBLEM = b"n", b"d", b"p"


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that can be read.

    path, file: the file that it came in. inside: its name there, if that is a zip of lists. content: an open file of the
    list alone; the same file if it is not packed. problem: why it cannot be unpacked; then the content is cut short.
    """

    path: Path
    file: BinaryIO
    content: BinaryIO
    inside: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.path}/{_shortened(self.inside)}" if self.inside else str(self.path)

    @property
    def short_name(self) -> str:
        """Without folders, as the reference set keeps it."""
        return f"{self.path.name}/{self.inside}" if self.inside else self.path.name


def lists_in(path: Path, isolation: Isolation | None = None) -> Iterator[ListFile]:
    """Yields the list in a file, or the lists in a zip in their order. Each is closed when the next one is asked for.

    Raises CommandError if the file cannot be read or is no regular file, or the disk is full.
    """
    try:
        with open(path, "rb", opener=_opened) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                message = _("{path}: a list is read twice, and a pipe cannot be: give a file")
                raise CommandError(message.format(path=path))
            start = file.read(START)
            file.seek(0)
            if is_packed(start):
                yield from _unpacked(path, file, isolation)
            else:
                yield ListFile(path, file, file)
    except OSError as error:
        raise CommandError(_("{path}: {reason}").format(path=path, reason=error.strerror or error)) from error


def _shortened(name: str) -> str:
    """A name in a zip for messages. Its end is kept: there it says what it is."""
    return name if len(name) <= _NAME_SHOWN else "…" + name[1 - _NAME_SHOWN :]


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a FIFO would block until somebody writes to it


def _unpacked(path: Path, file: BinaryIO, isolation: Isolation | None) -> Iterator[ListFile]:
    budget = Budget(os.fstat(file.fileno()).st_size)
    kept: IO[bytes] | None = None
    name = problem = ""
    with closing(read_apart(file, Reading(_unpack), isolation)) as messages, ExitStack() as open_files:
        try:
            for message in messages:
                kind, content = message[:1], message[1:]
                if kind == _BEGINS and len(content) <= _NAME_MAX:
                    if kept is not None:
                        yield _whole(path, file, kept, name, problem)
                    open_files.close()
                    # It has a name, since SQLite opens its files by name.
                    kept = open_files.enter_context(tempfile.NamedTemporaryFile(prefix="hashmatch-"))
                    name, problem = _text(content), ""
                elif kind == _PART and kept is not None:
                    budget.take(len(content))
                    kept.write(content)
                elif kind == _PROBLEM and kept is not None:
                    problem = _text(content)
                else:
                    raise CommandError(nonsense())
        except (PackedError, CommandError) as error:
            problem = str(error)
        if kept is not None:
            yield _whole(path, file, kept, name, problem)
        elif problem:
            raise CommandError(_("{path}: {reason}").format(path=path, reason=problem))


def _whole(path: Path, file: BinaryIO, kept: IO[bytes], name: str, problem: str) -> ListFile:
    kept.flush()
    kept.seek(0)
    return ListFile(path, file, kept, name, problem)  # type: ignore[arg-type]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # not as the system has its file names: that may be ASCII


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


# What runs in the other process. -----------------------------------------------------------------------------------------


def _unpack(stream: BinaryIO) -> Iterator[bytes]:
    for inner in exchange.unpacked(stream):
        yield _BEGINS + _bytes(inner.name)[:_NAME_MAX]
        try:
            for chunk in inner.content:
                if chunk:
                    yield _PART + chunk
        except PackedError as refused:
            yield _PROBLEM + _bytes(str(refused))

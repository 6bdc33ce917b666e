"""Cuts any stream of bytes into numbered lines, with one line in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import BinaryIO

from hashmatch.i18n import _
from hashmatch.records import BadLine

#: A longer line is refused without being read: a list must not be able to fill the memory.
LINE_MAX = 64 * 2**20

#: A byte order mark, which some programs put before UTF-8.
BOM = b"\xef\xbb\xbf"


def numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes] | BadLine]:
    """Yields every line with its number (from 1), including its line ending but not a byte order mark at the start.

    A line that is too long or contains a NUL byte becomes a BadLine.
    """
    for number in count(1):
        line = stream.readline(LINE_MAX + 1)
        if not line:
            return
        if len(line) > LINE_MAX:
            while line and not line.endswith(b"\n"):
                line = stream.readline(2**20)
            yield BadLine(number, _("the line is longer than {limit} bytes").format(limit=LINE_MAX))
        elif b"\0" in line:
            yield BadLine(number, _("the line contains a NUL byte"))
        else:
            yield number, line.removeprefix(BOM) if number == 1 else line


def numbered_text(stream: BinaryIO, errors: str = "strict") -> Iterator[tuple[int, str] | BadLine]:
    """Like `numbered`, but decoded. A line that is not valid UTF-8 becomes a BadLine, unless `errors` says otherwise."""
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        try:
            text = raw.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            yield BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
        else:
            yield number, text


def content(line: bytes) -> bytes:
    """A line of a plain list without its line ending; empty for a blank line or a # comment."""
    said = line.lstrip()
    return b"" if not said or said.startswith(b"#") else line.removesuffix(b"\n").removesuffix(b"\r")


def sample(head: bytes, most: int = 100) -> list[bytes]:
    """The first lines with content in the head of a list, at most `most`, without the last, which may be cut off."""
    lines = head.removeprefix(BOM).split(b"\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    return list(islice(filter(None, map(content, whole)), most))

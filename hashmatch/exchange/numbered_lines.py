"""A stream of bytes cut into numbered lines, whatever is in it, one line in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import BinaryIO

from hashmatch.i18n import _
from hashmatch.records import BadLine

#: A longer line is refused unread: a list must not be able to fill the memory.
LINE_MAX = 64 * 2**20

#: A byte order mark, which some programs put before UTF-8.
BOM = b"\xef\xbb\xbf"


def numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes] | BadLine]:
    """Every line with its number (from 1) and its line end, without a byte order mark at the start of the stream.

    A line that is too long or holds a NUL byte is a BadLine.
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
            yield BadLine(number, _("the line holds a NUL byte"))
        else:
            yield number, line.removeprefix(BOM) if number == 1 else line


def numbered_text(stream: BinaryIO) -> Iterator[tuple[int, str] | BadLine]:
    """As `numbered`, decoded; a line that is not valid UTF-8 is a BadLine."""
    for line in numbered(stream):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            yield BadLine(number, _("not valid UTF-8 (at byte {position})").format(position=error.start + 1))
        else:
            yield number, text


def content(line: bytes) -> bytes:
    """A line of a plain list without its line end; empty for a blank line or a # comment."""
    said = line.lstrip()
    return b"" if not said or said.startswith(b"#") else line.removesuffix(b"\n").removesuffix(b"\r")


def sample(head: bytes, most: int = 100) -> list[bytes]:
    """Some first lines with content from the start of a list, without the last, which may have been cut off."""
    lines = head.removeprefix(BOM).split(b"\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    return list(islice(filter(None, map(content, whole)), most))

"""The text of a JSON document that may be hostile and damaged: cut into tokens and containers, in bounded memory."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError
from hashmatch.exchange.numbered_lines import BOM, LINE_MAX
from hashmatch.i18n import _

#: How deep containers may nest outside the records; inside them the parser has its own limit.
DEPTH_MAX = 100
_ENDLESS = sys.maxsize
_CHUNK = 2**16
#: How far we look into an object for its keys.
_KEYS_WITHIN = _CHUNK

#: A string, complete or as far as it has been read (it ends with its line), a character of the structure, or a number,
#: true, false or null.
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+("?)|[\[\]{}:,]|[^\s"\[\]{}:,]++')

#: Complete strings and other text up to the next bracket, if it has been read: one step through text we do not look at.
_STRETCH = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\\n]++|\\[^\n])*+")*+([\[\]{}]?)')
#: A string that its line ends before it does.
_TORN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+\\?\n')
#: The next line that may begin a document.
_NEXT = re.compile(rb"\n(?=[ \t]*[{\[])")

#: How a document begins: brackets, its first key, and a text or the first character of another value.
_BEGINNING = re.compile(rb'\s*+(\{|\[\s*+\{)\s*+("[^"\\]{1,40}")\s*+:\s*+("[^"\\]{0,100}"|[^\s"])')
#: The most bytes that we look at to tell whether a document begins.
_BEGINNING_MAX = 1024


def key_of(token: bytes) -> str:
    """The key that a string is; "" for anything else."""
    return str(scalar(token) or "")


def scalar(token: bytes) -> object:
    """The value of a string or bare word; None if it is none."""
    try:
        return json.loads(token)
    except ValueError:
        return None


class DamageError(Exception):
    """Brackets or quotes do not match, so nobody can say where in the document we are."""


class JsonText:
    """A document's text, read as needed. Raises LineError where reading cannot continue, and DamageError."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer, self._position = b"", 0
        self._first = True
        #: How much of the stream is before the buffer, and where the stream began; None if we cannot go back in it.
        self._before = 0
        self._start = stream.tell() if getattr(stream, "seekable", lambda: False)() else None
        #: How the first document begins, as others may; and whether records, or values in them, begin like that, too.
        self._beginning: re.Pattern[bytes] | None = None
        self._has_records = self._is_in_records = False
        #: Where we last looked for a line that may begin a document, and where one is from there on; None: nowhere.
        self._looked: tuple[int, int | None] | None = None

    def token(self) -> bytes:
        """The next string, bare word or character of the structure; empty at the end."""
        while True:
            found = _TOKEN.search(self._buffer, self._position)
            if found and (found[1] or found[0] in _STRUCTURE or (found[1] is None and found.end() < len(self._buffer))):
                self._position = found.end()
                return found[0]
            if found and found[1] is not None:
                self._check_string(found.start())
            if not self._more():
                if found and found[1] is None:
                    self._position += len(found[0])
                    return found[0]
                return b""

    def damage(self, token: bytes) -> DamageError:
        """What to raise if the last token is out of place. Reading goes on before it."""
        self._position -= len(token)
        while self._position and self._buffer[self._position - 1 : self._position].isspace():
            self._position -= 1
        return DamageError()

    @property
    def place(self) -> int:
        """How far the text has been read, in bytes from the start."""
        return self._before + self._position

    def learn(self, record: bytes) -> None:
        """See whether a sound record has values that begin as documents do."""
        if self._beginning is not None and not self._is_in_records:
            self._has_records = True
            self._is_in_records = self._beginning.search(record, 1) is not None

    def document_in(self, text: bytes, start: int) -> int:
        """Where in a text something begins like the first document; -1 if nowhere. Behind a colon it may be a value."""
        if self._beginning is None or self._start is None:
            return -1
        is_clear = self._has_records and not self._is_in_records
        for found in self._beginning.finditer(text, start):
            if is_clear or text[: found.start()].rstrip()[-1:] != b":":
                return found.start()
        return -1

    def next_document(self, sound: int, has_more: bool) -> bool:
        """Skips to the next document. Returns whether there is one.

        sound: up to where all was well. From there on, something may begin like the first document.
        has_more: whether to look for a line that may begin a document as well, from where we are.
        """
        here = self.place
        line = self._line_after(here) if has_more else None
        if self._beginning is None or self._start is None or here - sound > LINE_MAX:
            return line is not None
        self._go_to(sound)
        while line is None or self.place < line:
            found = self.document_in(self._buffer[: None if line is None else line - self._before], self._position)
            if found >= 0:
                self._position = found
                return True
            self._position = max(self._position, len(self._buffer) - _BEGINNING_MAX)
            if not self._more():
                break
        if line is not None:
            self._go_to(line)
        return line is not None

    def _go_to(self, place: int) -> None:
        assert self._start is not None
        self._stream.seek(self._start + place)
        self._buffer, self._before, self._position = b"", place, 0
        self._more()

    def _line_after(self, here: int) -> int | None:
        """Goes on to the next line that may begin a document. Returns its place, or None.

        Damage may be everywhere and such a line far away or nowhere, so each stretch is searched once.
        """
        since, found = self._looked or (here + 1, None)
        if here < since or (found is not None and found <= here):
            found = self.place if self._next_line() else None
            self._looked = here, found
        elif found is not None:
            self._go_to(found)
        return found

    def _next_line(self) -> bool:
        """Skips to the next line that may begin a document. Returns whether there is one."""
        while not (found := _NEXT.search(self._buffer, self._position)):
            line = self._buffer.rfind(b"\n", self._position)
            self._position = line if line >= 0 and len(self._buffer) - line < _CHUNK else len(self._buffer)
            if not self._more():
                return False
        self._position = found.end()
        return True

    def keys(self) -> set[str]:
        """The keys of the object whose opening bracket was the last token, as far as they are within its first 64 KiB."""
        while True:
            found, complete = _keys(self._buffer, self._position)
            if complete or len(self._buffer) - self._position > _KEYS_WITHIN or not self._more():
                return found

    def container(self) -> bytes | None:
        """The whole object whose opening bracket was the last token; None if it is too long to hold."""
        parts, size = [b"{"], 1
        for stretch in self._stretches(b"{", _ENDLESS):
            size += len(stretch)
            if size <= LINE_MAX:
                parts.append(stretch)
        return b"".join(parts) if size <= LINE_MAX else None

    def pass_over(self, opened: bytes, depth_max: int) -> None:
        """Skips the rest of the container whose opening bracket was the last token."""
        for _stretch in self._stretches(opened, depth_max):
            pass

    def _stretches(self, opened: bytes, depth_max: int) -> Iterator[bytes]:
        open, bare, before = bytearray(opened), 0, opened
        while open:
            found = _STRETCH.match(self._buffer, self._position)
            assert found  # the pattern matches anything, even nothing
            self._position = found.end()
            stretch, bracket = found[0], found[1]
            before = stretch[: len(stretch) - len(bracket)].rstrip()[-1:] or before
            if bracket and not _fits(bracket, open, before):
                raise self.damage(bracket)
            yield stretch
            bare = 0 if bracket or b'"' in stretch else bare + len(stretch)
            _check_length(bare)
            if bracket in (b"[", b"{"):
                open += bracket
                if len(open) > depth_max:
                    raise LineError(_("nested more than {most} deep").format(most=DEPTH_MAX))
            elif bracket:
                open.pop()
            else:
                self._check_string(self._position)
                if not self._more():
                    raise LineError(_("the list breaks off here"))
            before = bracket or before

    def _check_string(self, start: int) -> None:
        """Raises DamageError if a string begins here that its line ends before it does."""
        if _TORN.match(self._buffer, start):
            self._position = start
            raise DamageError

    def _more(self) -> bool:
        rest = self._buffer[self._position :]
        _check_length(len(rest))
        more = self._stream.read(max(_CHUNK, len(rest)))
        self._before += self._position
        if self._first:
            self._first = False
            self._before += len(BOM) if more.startswith(BOM) else 0
            more = more.removeprefix(BOM)
            self._beginning = _beginning_of(more)
        self._buffer, self._position = rest + more, 0
        return bool(more)


def _beginning_of(text: bytes) -> re.Pattern[bytes] | None:
    """What a document begins with, as a pattern: its brackets, its first key, and the first character behind it."""
    found = _BEGINNING.match(text)
    if found is None:
        return None
    brackets = rb"\[\s*+\{" if found[1][:1] == b"[" else rb"\{"
    value = found[3] if found[2] == b'"type"' else found[3][:1]  # STIX begins its bundles and objects with a type
    behind = rb"[\d-]" if value.isdigit() else re.escape(value)
    return re.compile(brackets + rb"\s*+" + re.escape(found[2]) + rb"\s*+:\s*+" + behind)


_STRUCTURE = frozenset((b"[", b"]", b"{", b"}", b":", b","))


def _fits(bracket: bytes, open: bytearray, before: bytes) -> bool:
    """Whether a bracket may stand in the innermost open container after this character."""
    inside = open[-1:]
    if bracket in b"[{":
        return before == b":" if inside == b"{" else before in (b"[", b",")
    return bracket == (b"}" if inside == b"{" else b"]")


def _keys(data: bytes, start: int) -> tuple[set[str], bool]:
    """The keys of the object that begins before `start`, and whether there are no more: it ends, or is damaged."""
    found, open, last = set[str](), bytearray(b"{"), b"{"
    for token in _TOKEN.finditer(data, start):
        value = token[0]
        if token[1] == b"":  # a string that does not end here
            return found, token.end() < len(data)
        if value in (b"{", b"[", b"}", b"]"):
            if not _fits(value, open, last[-1:]):
                return found, True
            if value in (b"{", b"["):
                open += value
            else:
                open.pop()
                if not open:
                    return found, True
        elif value == b":" and len(open) == 1:
            found.add(key_of(last))
        last = value
    return found, False


def _check_length(length: int) -> None:
    if length > LINE_MAX:
        raise LineError(_("a text is longer than {limit} bytes").format(limit=LINE_MAX))

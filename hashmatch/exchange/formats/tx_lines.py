"""The `tx-lines` format: what the tx tool (python-threatexchange) prints, a signal per line.

    pdq f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22
    video_md5 900150983cd24fb0d6963f7d28e17f72
    vpdq ["f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,100,0.000"]

So `tx dataset -P -S` prints it, and so the tool's local_file exchange reads it; this is what we write. A line says only
that a picture or film is known. Each hash of a reference gets its own line, and is read back as its own reference.

`tx dataset -P` also prints who said it, what (see `tx_signals`) and its tags. All of these forms are read:

    pdq f8f8… 'Some collaboration' POSITIVE_CLASS tag,another tag
    pdq f8f8… POSITIVE_CLASS                                 with -c NAME: no name of the collaboration
    f8f8… 'Some collaboration' INVESTIGATION_SEED            with -s TYPE: no type
    pdq f8f8… 'StopNCII' POSITIVE_CLASS +1 +West,-North      of StopNCII: who confirms it and who does not
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, snippet, text
from hashmatch.exchange.formats.partners import labels_and_tlp
from hashmatch.exchange.formats.tx_signals import CARRIES, CATEGORIES, TYPES, opinions_of, parse, signals
from hashmatch.exchange.list_format import Format, ListRow, WriteReport
from hashmatch.exchange.numbered_lines import content, numbered, sample
from hashmatch.exchange.pdq_or_sha256 import DIGITS, judged
from hashmatch.exchange.plain_lists import write_plain
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem, Opinion

_TYPES = frozenset(TYPES)

#: A film, an older film, or a hash, with what follows it.
_SIGNAL = re.compile(r"(\[[^\]]*+\]|\{.*\}|[^\s\[{]\S*)(?: (.*))?", re.DOTALL)
_SAID = re.compile(
    r"""(?:('(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")\ )?"""
    rf"""({"|".join(CATEGORIES)})(?:\ 0|\ [+-][0-9]+\ ((?:[+-][^,]+(?:,|\Z))++)|\ (.*))?""",
    re.DOTALL,
)
_UNTYPED = re.compile(rf"[0-9A-Fa-f]{{{DIGITS}}}")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}

#: How many lines are looked at, and how many bytes of them, to tell PDQ from SHA-256 where the lines have no type.
_LINES_AHEAD, _BYTES_AHEAD = 100, 65_536


def read(stream: BinaryIO) -> Iterator[ListRow]:
    lines = numbered(stream)
    first: list[tuple[int, bytes] | BadLine] = []
    length = 0
    for line in lines:
        first.append(line)
        length += 0 if isinstance(line, BadLine) else len(line[1])
        if len(first) >= _LINES_AHEAD or length >= _BYTES_AHEAD:
            break
    values = _untyped(raw for line in first if not isinstance(line, BadLine) for raw in (line[1],))
    found = judged(values)
    if values and (doubt := found.doubt()):
        yield LineRemark(1, doubt)
    meant = "video_sha256" if found.taken_for == "sha256" else "pdq"
    for line in chain(first, lines):
        if isinstance(line, BadLine):
            yield line
            continue
        number, raw = line
        entry = content(raw)
        if not entry:
            continue
        try:
            item, remark = _parse(entry, meant)
        except LineError as refused:
            yield BadLine(number, str(refused))
            continue
        if remark:
            yield LineRemark(number, remark)
        yield number, item


def _untyped(lines: Iterable[bytes]) -> list[str]:
    """The hashes of 64 digits in lines without a type."""
    starts = (line.lstrip()[: DIGITS + 1].decode("latin-1") for line in lines)
    return [start[:DIGITS] for start in starts if _UNTYPED.match(start) and start[DIGITS:].isspace()]


def _parse(line: bytes, meant: str) -> tuple[ListItem, str | None]:
    """Parses a line. meant: the type of a hash of 64 digits without a type."""
    try:
        entry = line.strip().decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineError(_("not valid UTF-8 (at byte {position})").format(position=error.start + 1)) from None
    signal_type, _space, rest = entry.partition(" ")
    if signal_type in _TYPES:
        entry = rest
    found = _SIGNAL.fullmatch(entry)
    said = found and found[2] is not None and _SAID.fullmatch(found[2])
    if signal_type not in _TYPES:
        if not said:
            raise LineError(_("not a signal type, a space and a signal: {value}").format(value=snippet(line)))
        signal_type = _type_of(entry, meant)
    if not found or not said:
        return parse(signal_type, entry)
    item, remark = parse(signal_type, found[1])
    return _with_opinions(item, *said.groups()), remark


def _type_of(signal: str, meant: str) -> str:
    if signal[:1] in "[{":
        return "vpdq"
    return meant if _UNTYPED.match(signal) else "video_md5"


def _with_opinions(
    item: ListItem, collaboration: str | None, category: str, owners: str | None, tags: str | None
) -> ListItem:
    """The entry with what the tool says about it. owners: who confirms it and who does not; category sums that up."""
    opinions = opinions_of(category) if owners is None else tuple(_word_of(each) for each in owners.split(",") if each)
    labels, tlp = labels_and_tlp(filter(None, (text("tags", tag.strip()) for tag in (tags or "").split(","))))
    collection = text("collab", _ESCAPE.sub(_unescaped, collaboration[1:-1])) if collaboration else None
    return replace(item, collection=collection, labels=labels, tlp=tlp, opinions=opinions)


def _word_of(owner: str) -> Opinion:
    return Opinion("confirmed" if owner[0] == "+" else "disputed", text("owner", owner[1:]))


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _CONTROL.get(found[4], found[4])
    return chr(int(code, 16)) if int(code, 16) < 0x110000 else ""


def write(items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()) -> WriteReport:
    """Writes every signal of each item. The format has no place for EXTRAS."""

    def entries(item: ListItem) -> Iterable[bytes]:
        return [f"{signal_type} {signal}".encode("ascii") for signal_type, signal in signals(item)]

    return write_plain(items, out, entries)


def looks_like(head: bytes) -> bool:
    """Whether more than half of the first lines are what the tool prints."""
    lines = sample(head)
    return sum(map(_is_printed, lines)) * 2 > len(lines)


def _is_printed(line: bytes) -> bool:
    start, space, rest = line.lstrip().decode("utf-8", "replace").partition(" ")
    if start in _TYPES:
        return bool(space)
    found = _SIGNAL.fullmatch(f"{start} {rest}")
    return bool(found and found[2] and _SAID.match(found[2]))


FORMAT = Format("tx-lines", CARRIES, write, read, looks_like)

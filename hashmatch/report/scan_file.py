"""Reads what `scan --format json` or `jsonl` wrote. Somebody may have damaged the file, or made it up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, NoReturn, TypeVar

import msgspec

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.matching.results import Match, Result
from hashmatch.messages import Message, MessageValue
from hashmatch.records import LONGEST_FILM, Failure
from hashmatch.report.custody import Custody

Record = TypeVar("Record")

#: Bytes of one line; and of a JSON document with another layout than `scan` gives it, which has to be held in memory.
LONGEST_LINE = 16 << 20
LARGEST_DOCUMENT = 256 << 20
#: How the first line of a JSON document ends. After it, every line is a result; see as_json.ScanDocument.
_HEAD_ENDS = b', "results": ['
_SUMMARY_BEGINS = b'], "summary": '


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """The settings of the scan; None if the file does not say."""

    min_tier: str | None = None
    profile: str | None = None
    radius: int | None = None
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchedSet:
    """What was searched."""

    path: str
    references: int


@dataclass(frozen=True, slots=True)
class ScanTime:
    """How long the scan took, from its summary."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ScanHead:
    """What a JSON document says about the whole scan. JSON lines have nothing like it."""

    hashmatch: str
    reference_set: SearchedSet
    settings: ScanSettings
    custody: Custody | None = None


class _DamagedError(Exception):
    """A line that no scan writes. The message says what is wrong with it, as in "is not JSON"."""


class ScanFile:
    """A scan's file, read once from beginning to end. The attributes are complete after that.

    is_document: whether it is one JSON object rather than JSON lines. head: a document's. seconds: how long the scan took,
    if the file says so. cut_off: whether the file is incomplete, for example because the scan was killed. interrupted:
    whether the file says that somebody stopped the scan. size, sha256: of all bytes. line_size: of the last line read.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """name: for messages."""
        self._file, self._name, self._line = file, name, 0
        self._digest = hashlib.sha256()
        self.is_document, self.cut_off, self.interrupted = False, False, False
        self.head: ScanHead | None = None
        self.seconds: float | None = None
        self.size = self.line_size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def results(self) -> Iterator[Result]:
        """The results, in the order of the file. Raises CommandError with the line's number for anything else."""
        try:
            first = self._next_line()
            while first and not first.strip():
                first = self._next_line()
            if first.rstrip().endswith(_HEAD_ENDS):
                yield from self._document(first)
            elif _is_result(first):
                yield from self._lines(first)
            elif first:
                yield from self._whole(first)
        except _DamagedError as error:
            text = _("{file}, line {line}: {problem}")
            raise CommandError(text.format(file=self._name, line=self._line, problem=error)) from error
        except OSError as error:
            text = _("cannot read {path}: {reason}")
            raise CommandError(text.format(path=self._name, reason=error.strerror or error)) from error

    def _next_line(self, limit: int = LONGEST_LINE) -> bytes:
        line = self._file.readline(limit + 1)
        self._line += bool(line)
        self.line_size = len(line)
        self.size += len(line)
        self._digest.update(line)
        if len(line) > limit:
            raise _DamagedError(_("is longer than {limit:,} bytes").format(limit=limit))
        return line

    def _lines(self, line: bytes) -> Iterator[Result]:
        while line:
            if line.strip():
                try:
                    value = _parsed(line)
                except _DamagedError:
                    if line.endswith(b"\n"):
                        raise
                    self.cut_off = True
                    return
                yield result_of(value)
            line = self._next_line()

    def _document(self, first: bytes) -> Iterator[Result]:
        self.is_document = True
        self.head = _head_of(_parsed(first.rstrip() + b"]}"))
        while line := self._next_line():
            ends = line.startswith(_SUMMARY_BEGINS)
            try:
                value = _parsed(b'{"results": [' + line if ends else line.strip().removesuffix(b","))
            except _DamagedError:
                if line.endswith(b"\n"):
                    raise
                break
            if not ends:
                yield result_of(value)
                continue
            self._end(value.get("summary"))
            if self._next_line().strip():
                raise _DamagedError(_("follows after the end"))
            return
        self.cut_off = True

    def _whole(self, first: bytes) -> Iterator[Result]:
        """A document that another program has reformatted."""
        self.is_document = True
        content = io.BytesIO()
        content.write(first)
        while line := self._next_line():
            content.write(line)
            if content.tell() > LARGEST_DOCUMENT:
                text = _("a JSON document of more than {limit:,} bytes is read only as hashmatch lays it out")
                raise _DamagedError(text.format(limit=LARGEST_DOCUMENT))
        self._line = 1
        document = _parsed(content.getvalue())
        self.head = _head_of(document)
        results = document.get("results")
        if not isinstance(results, list):
            raise _DamagedError(_("is not the result of a scan"))
        self._end(document.get("summary"))
        for each in results:
            yield result_of(each)

    def _end(self, summary: Any) -> None:
        if not isinstance(summary, dict):
            raise _DamagedError(_("is not the summary of a scan"))
        self.interrupted = summary.get("interrupted") is True
        self.seconds = _read(ScanTime, summary).seconds


def result_of(value: Any) -> Result:
    """The record of one result. Unknown keys are ignored, since later versions may add some."""
    if not isinstance(value, dict):
        raise _DamagedError(_("is not the result of a scan"))
    found = _read(Result, {**value, "path": _path_of(value), "error": None})
    if value.get("error") is not None:
        found = replace(found, error=_failure_of(value["error"]))
    if not all(map(_is_plausible, found.matches)) or (found.size or 0) < 0:
        raise _DamagedError(_("has impossible numbers"))
    return found


def _failure_of(value: Any) -> Failure:
    """What was wrong with a file. Its `detail` can be put into every language. If that is missing, as in files of
    older versions, or unknown, the finished text counts."""
    if not isinstance(value, dict):
        raise _DamagedError(_("is not the result of a scan"))
    code, text = _read(str, value.get("code")), _read(str, value.get("message"))
    return Failure(code, _message_of(value.get("detail")) or Message.literal(text))


def _message_of(value: Any) -> Message | None:
    """The message, or None if this version does not know it."""
    if not isinstance(value, dict) or not isinstance(value.get("parameters"), dict):
        return None
    try:
        given = tuple(sorted(value["parameters"].items()))
        found = Message(_read(str, value.get("code")), _read(tuple[tuple[str, MessageValue], ...], [*map(list, given)]))
    except _DamagedError:
        return None
    return found if found.is_sound(LONGEST_LINE) else None


def _is_plausible(match: Match) -> bool:
    """Whether a report can draw and print the numbers."""
    spans = [span for each in match.video.segments for span in (each.query, each.reference)] if match.video else []
    shares = [match.video.query_coverage, match.video.reference_coverage] if match.video else []
    corners = [place for corner in match.local.quadrilateral for place in corner] if match.local else []
    return (
        # Twice, because the last frame lasts for some time, and the copy may be slower.
        all(0 <= start <= end <= 2 * LONGEST_FILM for start, end in spans)
        and all(0 <= share <= 1 for share in shares)
        and (match.local is None or len(match.local.quadrilateral) == 4)
        and all(abs(place) < 1e6 for place in corners)
        and (match.video is None or all(0 <= abs(each.speed) < 1e6 for each in match.video.segments))
        and (match.video is None or all(0 <= each.mean_distance < 1e6 for each in match.video.segments))
    )


def _is_result(line: bytes) -> bool:
    """Whether a file with this first line has JSON lines."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return b'{"path"'.startswith(line[:7]) and not line.endswith(b"\n")  # cut off within its first result
    return isinstance(value, dict) and "path" in value and "results" not in value


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_refuse, parse_float=_finite, parse_int=_storable)
    except (ValueError, RecursionError) as error:
        raise _DamagedError(_("is not JSON")) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _storable(digits: str) -> int:
    number = int(digits)
    if not -(1 << 63) <= number < 1 << 63:  # SQLite takes no others, and ids of references are looked up
        raise _DamagedError(_("has impossible numbers"))
    return number


def _path_of(value: dict[str, Any]) -> bytes:
    """The exact name: from `path_bytes` if it is there, else from `path`."""
    try:
        if "path_bytes" in value:
            return base64.b64decode(value["path_bytes"], validate=True)
        path: str = value["path"]
        return path.encode("utf-8")
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise _DamagedError(_("has no path")) from error


def _head_of(document: Any) -> ScanHead:
    if not isinstance(document, dict):
        raise _DamagedError(_("is not the result of a scan"))
    custody = document.get("custody")
    if isinstance(custody, dict):
        paths = custody.get("paths")
        named = [_path_of(each) for each in paths] if isinstance(paths, list) else paths
        document = {**document, "custody": {**custody, "paths": named}}
    about = document.get("reference_set")
    if isinstance(about, dict) and isinstance(about.get("path"), str):
        # A database's name that is not UTF-8 was written with Python's surrogate escapes.
        path = about["path"].encode("utf-8", "backslashreplace").decode()
        document = {**document, "reference_set": {**about, "path": path}}
    return _read(ScanHead, document)


def _read(record_type: type[Record], value: Any) -> Record:
    """What JSON gave as a record, its fields by name."""
    try:
        record = msgspec.convert(value, record_type)
        # Refuses what a report cannot print, either: half a surrogate pair.
        msgspec.msgpack.encode(record)
    except (ValueError, OverflowError, RecursionError) as error:
        place = re.search(r" - at `\$\.([^`]+)`$", str(error))
        if place is None:
            raise _DamagedError(_("is not the result of a scan")) from error
        raise _DamagedError(_("is not the result of a scan: see {place}").format(place=place[1])) from error
    return record

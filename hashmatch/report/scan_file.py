"""A kept scan, read again: what `scan --format json` or `jsonl` wrote, which somebody may have damaged or made up."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
import io
import json
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, NoReturn

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.isolation import wire
from hashmatch.matching.results import Match, Result
from hashmatch.messages import Message, MessageValue
from hashmatch.records import LONGEST_FILM, Failure
from hashmatch.report.custody import Custody

#: Bytes of one line, and of a JSON document that is laid out otherwise than `scan` does it, which has to be held in memory.
LONGEST_LINE = 16 << 20
LARGEST_DOCUMENT = 256 << 20
#: How the first line of a JSON document ends, of which then every line is a result; see as_json.ScanDocument.
_HEAD_ENDS = b', "results": ['
_SUMMARY_BEGINS = b'], "summary": '


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What was asked for. None: the file does not tell."""

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
class ScanHead:
    """What a JSON document tells of the scan as a whole; JSON lines tell nothing of it."""

    hashmatch: str
    reference_set: SearchedSet
    settings: ScanSettings
    custody: Custody | None = None


class _DamagedError(Exception):
    """What was read is nothing that a scan writes; the message says so of a line."""


class ScanFile:
    """A scan's file, read once from its beginning to its end. After that, the attributes tell what it was.

    is_document: whether it is one JSON object, not JSON lines. head: of a document. seconds: that the scan took, where it
    says so. cut_off: whether it ends before its end, as that of a scan does which was killed; interrupted: whether it was
    stopped, and says so. size, sha256: of all bytes. line_size: of the line that was read last.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """name: for messages, as it is."""
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
        """The results in the order of the file. Raises CommandError, with the number of the line, where one is none."""
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
        """A document that some other program has laid out anew."""
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
            raise _DamagedError(_("is no result of a scan"))
        self._end(document.get("summary"))
        for each in results:
            yield result_of(each)

    def _end(self, summary: Any) -> None:
        if not isinstance(summary, dict):
            raise _DamagedError(_("is no summary of a scan"))
        self.interrupted = summary.get("interrupted") is True
        self.seconds = _read(float | None, summary.get("seconds"))


def result_of(value: Any) -> Result:
    """A RESULT of the interface as the record it was made of. Keys that are not known are left out."""
    if not isinstance(value, dict):
        raise _DamagedError(_("is no result of a scan"))
    found: Result = _read(Result, {**value, "path": _path_of(value).hex(), "error": None})
    if value.get("error") is not None:
        found = replace(found, error=_failure_of(value["error"]))
    if not all(map(_is_plausible, found.matches)) or (found.size or 0) < 0:
        raise _DamagedError(_("has numbers that cannot be"))
    return found


def _failure_of(value: Any) -> Failure:
    """What was wrong with a file. Its `detail` can be told in every language; where that is missing, as in files of older
    versions, or unknown to us, the finished text counts."""
    if not isinstance(value, dict):
        raise _DamagedError(_("is no result of a scan"))
    code, text = _read(str, value.get("code")), _read(str, value.get("message"))
    return Failure(code, _message_of(value.get("detail")) or Message.literal(text))


def _message_of(value: Any) -> Message | None:
    """None where this is no message that this version knows."""
    if not isinstance(value, dict) or not isinstance(value.get("parameters"), dict):
        return None
    try:
        given = tuple(sorted(value["parameters"].items()))
        found = Message(_read(str, value.get("code")), _read(tuple[tuple[str, MessageValue], ...], [*map(list, given)]))
    except _DamagedError:
        return None
    return found if found.is_sound(LONGEST_LINE) else None


def _is_plausible(match: Match) -> bool:
    """Whether the numbers are such as can be drawn and written out."""
    spans = [span for each in match.video.segments for span in (each.query, each.reference)] if match.video else []
    shares = [match.video.query_coverage, match.video.reference_coverage] if match.video else []
    corners = [place for corner in match.local.quadrilateral for place in corner] if match.local else []
    return (
        # Twice, since the last frame stands for some time, and the copy may be slower.
        all(0 <= start <= end <= 2 * LONGEST_FILM for start, end in spans)
        and all(0 <= share <= 1 for share in shares)
        and (match.local is None or len(match.local.quadrilateral) == 4)
        and all(abs(place) < 1e6 for place in corners)
        and (match.video is None or all(0 <= abs(each.speed) < 1e6 for each in match.video.segments))
        and (match.video is None or all(0 <= each.mean_distance < 1e6 for each in match.video.segments))
    )


def _is_result(line: bytes) -> bool:
    """Whether a file with this first line is one of JSON lines."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return b'{"path"'.startswith(line[:7]) and not line.endswith(b"\n")  # and cut off in its first result
    return isinstance(value, dict) and "path" in value and "results" not in value


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _DamagedError(_("is no JSON")) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _path_of(value: dict[str, Any]) -> bytes:
    """The exact name, of `path`, or where that is not the whole truth, of `path_bytes`."""
    try:
        if "path_bytes" in value:
            return base64.b64decode(value["path_bytes"], validate=True)
        path: str = value["path"]
        return path.encode("utf-8")
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise _DamagedError(_("has no path")) from error


def _head_of(document: Any) -> ScanHead:
    if not isinstance(document, dict):
        raise _DamagedError(_("is no result of a scan"))
    custody = document.get("custody")
    if isinstance(custody, dict):
        paths = custody.get("paths")
        named = [_path_of(each).hex() for each in paths] if isinstance(paths, list) else paths
        document = {**document, "custody": {**custody, "paths": named}}
    about = document.get("reference_set")
    if isinstance(about, dict) and isinstance(about.get("path"), str):
        # The name of a database may be no UTF-8, and is then written with what Python makes of its bytes.
        path = about["path"].encode("utf-8", "backslashreplace").decode()
        document = {**document, "reference_set": {**about, "path": path}}
    found: ScanHead = _read(ScanHead, document)
    return found


def _read(expected: Any, value: Any) -> Any:
    try:
        return _reader(expected)(value)
    except (wire.NonsenseError, ValueError, TypeError, RecursionError) as error:
        raise _DamagedError(_("is no result of a scan")) from error


@functools.cache
def _reader(expected: Any) -> Any:
    """A function that turns what JSON gave into the expected type: records by the names of their fields, the rest as
    wire.read does. Raises ValueError, TypeError or NonsenseError."""
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    records: list[Any]
    if isinstance(expected, type) and dataclasses.is_dataclass(expected):
        make: Any = expected
        hints = typing.get_type_hints(expected)
        readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(expected)}

        def read_record(value: Any) -> Any:
            if not isinstance(value, dict):
                raise TypeError
            # What has no default and is not there is missed by the record itself.
            return make(**{name: read(value[name]) for name, read in readers.items() if name in value})

        return read_record
    if origin in (typing.Union, types.UnionType) and any(map(dataclasses.is_dataclass, inner)):
        records = [each for each in inner if each is not types.NoneType]
        read = _reader(records[0])
        return lambda value: None if value is None else read(value)
    if origin is tuple and len(inner) == 2 and inner[1] is ... and dataclasses.is_dataclass(inner[0]):
        records = list(inner)
        each = _reader(records[0])

        def read_records(value: Any) -> Any:
            if not isinstance(value, list):
                raise TypeError
            return tuple([each(item) for item in value])

        return read_records
    return functools.partial(wire.read, expected)

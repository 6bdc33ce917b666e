"""Messages between processes: JSON that is read as data, never as code, and only once it is whole.

A hostile file can take a worker over and send anything at all. So messages are not pickles, have a maximum length, and
are checked against the expected types while they are decoded: memory is only taken for what fits. A message is
[kind, content]; a record (a frozen dataclass) is [name of its class, field, field, ...], and bytes are base64.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
import os
import struct
import sys
import types
import typing
from multiprocessing import connection
from typing import Annotated, Any

import msgspec

#: Bytes of one message. The 300,000 hashes kept of the longest film take up to 42 million.
LONGEST = 64 << 20
_READ_AT_ONCE = 1 << 16
#: The integers that SQLite can store.
_Integer = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class NonsenseError(Exception):
    """A message that no worker of ours sends."""


class Reader:
    """The parent's end of a connection. It returns messages once they are whole."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe = pipe
        self._received = bytearray()
        if sys.platform == "linux":
            # The parent does not wait when it writes, either: a worker that never reads is noticed when the pipe is full.
            os.set_blocking(pipe.fileno(), False)

    def messages(self) -> list[bytes]:
        """The messages that are complete by now. Call it when there is something to read.

        Raises EOFError or OSError when the worker is gone, and NonsenseError if a message is too long.
        """
        if sys.platform == "win32":  # here a message arrives whole or not at all
            return [self._pipe.recv_bytes(LONGEST)]
        part = os.read(self._pipe.fileno(), _READ_AT_ONCE)
        if not part:
            raise EOFError
        self._received += part
        whole = []
        while len(self._received) >= 4:
            (length,) = struct.unpack_from("!i", self._received)  # as multiprocessing.Connection.send_bytes writes it
            if not 0 <= length <= LONGEST:
                raise NonsenseError("a message that is too long")
            if len(self._received) < 4 + length:
                break
            whole.append(bytes(self._received[4 : 4 + length]))
            del self._received[: 4 + length]
        return whole

    def is_silent(self) -> bool:
        """Whether the worker is alive and has sent nothing unasked."""
        if self._received:
            return False
        try:
            if sys.platform != "linux":
                return not self._pipe.poll()
            os.read(self._pipe.fileno(), 1)  # asked for every file; poll() takes 20 times as long
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


def pack(kind: str, content: Any) -> bytes:
    """A message.

    content: records, plain values, and tuples or lists of these.
    Raises TypeError or ValueError for anything else, and for NaN and infinity.
    """
    return _encoder.encode((kind, _plain(content)))


def unpack(message: bytes) -> tuple[str, msgspec.Raw]:
    """The kind and the content of a message; decode the content with `read`. Raises NonsenseError."""
    try:
        return _envelope.decode(message)
    except (ValueError, RecursionError) as error:
        raise NonsenseError("not a message") from error


def read(expected: Any, content: msgspec.Raw) -> Any:
    """The content as the expected type.

    expected: a record, a plain type, or a tuple or union of these; unions may have several records.
    Raises NonsenseError, also where the record itself refuses its values.
    """
    decoder = _decoder(expected)
    try:
        return _with_records(decoder.decode(content))
    except (ValueError, RecursionError) as error:
        raise NonsenseError(f"not what was expected: {expected}") from error


def _plain(value: Any) -> Any:
    """A value with lists in place of records."""
    if value is None or isinstance(value, (str, int, bytes)):
        return value
    if isinstance(value, float):  # and numpy's
        if not math.isfinite(value):
            raise ValueError(value)
        return float(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return [value.__class__.__name__, *[_plain(getattr(value, name)) for name in _field_names(value.__class__)]]


@functools.cache
def _field_names(record: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(record)]


def _with_records(value: Any) -> Any:
    """A decoded value with records in place of msgspec's structs."""
    if isinstance(value, msgspec.Struct):
        return _record_of[type(value)](*map(_with_records, msgspec.structs.astuple(value)))
    return tuple(map(_with_records, value)) if type(value) is tuple else value


@functools.cache
def _decoder(expected: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_checked(expected))


@functools.cache
def _checked(expected: Any) -> Any:
    """The type that msgspec checks: a struct for each record, since dataclasses can neither be arrays nor share a union."""
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected):
        record: Any = expected
        hints = typing.get_type_hints(record)
        fields = [(name, _checked(hints[name])) for name in _field_names(record)]
        struct_type = msgspec.defstruct(
            record.__name__, fields, array_like=True, tag=True, forbid_unknown_fields=True, gc=False
        )
        _record_of[struct_type] = record
        return struct_type
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, map(_checked, inner))
    if origin is tuple:
        return origin[tuple(each if each is ... else _checked(each) for each in inner)]
    return _Integer if expected is int else expected


_encoder = msgspec.json.Encoder()
_envelope = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_record_of: dict[type, Any] = {}

"""What a worker may say to its parent, and how it is read: as data, never as code, and never waited for.

A worker that a hostile file has taken over can send anything at all. So messages are JSON and not pickles, are read only
as far as they have come, are refused above a length, and are held against the types that were expected.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import struct
import sys
import types
import typing
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, Literal, NoReturn

#: Bytes of one message. The 300,000 hashes that are kept of the longest film take 50 million.
LONGEST = 64 << 20
_READ_AT_ONCE = 1 << 16


class NonsenseError(Exception):
    """A worker said what no worker of ours says."""


class Reader:
    """The parent's end of a connection, of which whole messages are taken as they come."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe = pipe
        self._come = bytearray()
        if sys.platform == "linux":
            # Nor does the parent wait to be heard: a worker that does not read is found out when the connection is full.
            os.set_blocking(pipe.fileno(), False)

    def messages(self) -> list[bytes]:
        """What is complete by now; call it when there is something to read.

        Raises EOFError or OSError when the worker is gone, and NonsenseError if it sends what is too long.
        """
        if sys.platform == "win32":  # where a message comes whole or not at all
            return [self._pipe.recv_bytes(LONGEST)]
        part = os.read(self._pipe.fileno(), _READ_AT_ONCE)
        if not part:
            raise EOFError
        self._come += part
        whole = []
        while len(self._come) >= 4:
            (length,) = struct.unpack_from("!i", self._come)  # as multiprocessing.Connection.send_bytes writes it
            if not 0 <= length <= LONGEST:
                raise NonsenseError("a message that is too long")
            if len(self._come) < 4 + length:
                break
            whole.append(bytes(self._come[4 : 4 + length]))
            del self._come[: 4 + length]
        return whole

    def is_silent(self) -> bool:
        """Whether nothing has come that was not asked for, and the worker is there."""
        if self._come:
            return False
        try:
            if sys.platform != "linux":
                return not self._pipe.poll()
            os.read(self._pipe.fileno(), 1)  # a twentieth of what poll() costs, which is asked for every file
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


def pack(kind: str, content: Any) -> bytes:
    """A message: its kind, and records or plain values. Raises TypeError, ValueError where the content is neither."""
    return _encoder.encode([kind, _plain(content)]).encode()


def unpack(message: bytes) -> tuple[str, Any]:
    """Kind and content, the latter still to be read with `read`. Raises NonsenseError."""
    try:
        kind, content = _decoder.decode(message.decode())
        return read(str, kind), content
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise NonsenseError("no message") from error


def read(expected: Any, content: Any) -> Any:
    """The content as the type that is expected: a record, a plain type, a tuple or union of such. Raises NonsenseError."""
    try:
        return _reader(expected)(content)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise NonsenseError(f"not what was expected: {expected}") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


@functools.cache
def _reader(expected: Any) -> Callable[[Any], Any]:
    """A function that turns what JSON gave into the expected type, or raises ValueError or TypeError."""
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if origin in (typing.Union, types.UnionType):
        return _one_of([_reader(each) for each in inner])
    if origin is Literal:
        return _exactly(*inner)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is ...:
            each = _reader(inner[0])
            return lambda value: tuple([each(item) for item in _list(value)])
        return _items(tuple, [_reader(one) for one in inner])
    if dataclasses.is_dataclass(expected):
        hints = typing.get_type_hints(expected)
        return _items(expected, [_reader(hints[field.name]) for field in dataclasses.fields(expected)])
    return {
        types.NoneType: _exactly(None),
        bool: _exactly(True, False),
        int: _integer,
        float: _number,
        str: _text,
        bytes: lambda value: bytes.fromhex(_text(value)),
    }[expected]


def _one_of(readers: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def read_one(value: Any) -> Any:
        for reader in readers:
            try:
                return reader(value)
            except (ValueError, TypeError, OverflowError):
                continue
        raise ValueError

    return read_one


def _items(make: Any, readers: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def read_items(value: Any) -> Any:
        items = [reader(item) for reader, item in zip(readers, _list(value), strict=True)]
        return make(items) if make is tuple else make(*items)

    return read_items


def _exactly(*values: Any) -> Callable[[Any], Any]:
    def read_value(value: Any) -> Any:
        for each in values:
            if type(value) is type(each) and value == each:
                return each
        raise ValueError

    return read_value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:  # what the database holds
        raise ValueError
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    value.encode()  # half of a surrogate pair would be found out by the database only
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


# Kept, because json makes new ones at each call that differs from its defaults.
_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=_refuse)

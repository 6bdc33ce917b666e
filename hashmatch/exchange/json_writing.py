"""Writes a JSON document as a stream: the frame, and the records one after another, each on its own line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import BinaryIO

from hashmatch.escape import for_json


def dumped(record: object) -> bytes:
    """One line of JSON in UTF-8 that is safe to print on a terminal."""
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return for_json(line).encode("utf-8")


class JsonArray:
    """The array of records in a document. `start` is written before the first record, `end` after the last."""

    def __init__(self, out: BinaryIO, start: bytes) -> None:
        self._out = out
        self._before = start

    def put(self, record: Mapping[str, object]) -> None:
        self._out.write(self._before + b"\n" + dumped(record))
        self._before = b","

    def close(self, end: bytes) -> None:
        self._out.write((self._before if self._before != b"," else b"") + b"\n" + end + b"\n")

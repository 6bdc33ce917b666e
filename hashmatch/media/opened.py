"""What every decoder gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.hashers.base import Picture
from hashmatch.records import Kind


@dataclass(frozen=True, slots=True)
class Opened:
    """A medium whose header has been read.

    duration: in seconds where the container states one.
    decoder: which library and path decode it, for people and for the record.
    pictures: decodes as it is iterated. Raises MediaError; with the code "partial", what came before is good.
    """

    kind: Kind
    duration: float | None
    decoder: str
    pictures: Iterator[Picture]

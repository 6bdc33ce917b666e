"""Keeps a limited number of objects that wait for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.exchange.formats.stix_context import extension
from hashmatch.exchange.json_reading import JsonObject

#: How many objects may wait, where each of their hashes counts as one more.
WAITING_MAX = 20_000


@dataclass(slots=True)
class _Held:
    number: int
    found: JsonObject
    used: bool


class WaitingObjects:
    """Objects and their numbers, by a name that several may share. When there are too many, the oldest have to leave."""

    def __init__(self) -> None:
        self._held = dict[str, list[_Held]]()
        self._weight = 0

    def add(self, name: str, number: int, found: JsonObject, used: bool = False) -> Iterator[tuple[int, JsonObject]]:
        """Adds an object. Yields the objects that have to leave and were never used."""
        self._held.setdefault(name, []).append(_Held(number, found, used))
        self._weight += _weight(found)
        while self._weight > WAITING_MAX and self._held:
            yield from self.take(next(iter(self._held)))

    def take(self, name: str) -> Iterator[tuple[int, JsonObject]]:
        """Removes all objects with a name, and yields those that were never used."""
        for held in self._held.pop(name, ()):
            self._weight -= _weight(held.found)
            if not held.used:
                yield held.number, held.found

    def use(self, name: str) -> JsonObject | None:
        """Returns the latest object with a name and marks it as used. It stays, since others may need it too."""
        held = self._held.get(name)
        if not held:
            return None
        held[-1].used = True
        return held[-1].found

    def rest(self) -> Iterator[tuple[int, JsonObject]]:
        for name in list(self._held):
            yield from self.take(name)


def _weight(found: JsonObject) -> int:
    own = extension(found)
    return 1 + sum(len(each) for each in (own.get("vpdq"), own.get("hashes")) if isinstance(each, list))
